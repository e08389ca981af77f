"""What a failed TLS connection says."""

from __future__ import annotations

import ssl

_BROKEN_OFF = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


def broken_off(error: BaseException) -> bool:
    """Whether the other side went away, in the handshake too: nothing is wrong with a certificate.

    The client libraries wrap Python's error, some of them several times.
    """
    inner: object = error
    while isinstance(inner, BaseException):
        if isinstance(inner, _BROKEN_OFF):
            return True
        inner = getattr(inner, "reason", None) or (inner.args[0] if inner.args else None)
    return False
