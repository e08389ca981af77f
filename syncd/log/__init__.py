"""Logs: JSON lines off a terminal, readable lines on one; no secret ever passes.

structlog is imported with the first line that is logged: most commands log none, and
`syncd --help` stays quick.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Any, TextIO

from syncd.log.redaction import HIDDEN, KNOWN

__all__ = [
    "HIDDEN",
    "conceal",
    "forget_secrets",
    "get_log",
    "redact",
    "register_secrets",
    "setup_logging",
]


def register_secrets(secrets: Iterable[str]) -> None:
    """Never let these texts out again, nor their usual encodings."""
    KNOWN.register(secrets)


def conceal(holder: str, token: str) -> None:
    """Nor this token, which a CRM handed out to the holder at run time."""
    KNOWN.conceal(holder, token)


def forget_secrets() -> None:
    """Know no secrets any more."""
    KNOWN.forget()


def redact(text: str) -> str:
    """The text without any known secret, and without what looks like a token."""
    return KNOWN.text(text)


def setup_logging(
    *, level: str = "info", terminal: bool = False, stream: TextIO | None = None
) -> None:
    """Send syncd's and all libraries' logs to `stream` (stderr), redacted.

    Tracebacks carry no local variables: those may hold secrets. What ends a thread or the
    program unexpectedly is logged in the same way.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Formatter(terminal=terminal))
    own = logging.getLogger("syncd")
    own.handlers[:] = [handler]
    own.setLevel(level.upper())
    own.propagate = False
    # Libraries speak only when something is wrong.
    everything = logging.getLogger()
    everything.handlers[:] = [handler]
    everything.setLevel(logging.WARNING)
    sys.excepthook = _log_crash
    threading.excepthook = _log_thread_crash


def get_log() -> Any:
    """The program's logger."""
    from syncd.log import lines  # noqa: PLC0415 - structlog comes with the first line only

    return lines.logger()


class _Formatter(logging.Formatter):
    """structlog's formatter, made with the first line."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal
        self._made: logging.Formatter | None = None

    def format(self, record: logging.LogRecord) -> str:
        if self._made is None:
            from syncd.log import lines  # noqa: PLC0415 - structlog comes with the first line only

            self._made = lines.formatter(terminal=self._terminal)
        return self._made.format(record)


def _log_crash(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    get_log().error("defect", exc_info=(kind, error, trace))


def _log_thread_crash(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_value is not None:
        name = crash.thread.name if crash.thread else ""
        error = (crash.exc_type, crash.exc_value, crash.exc_traceback)
        get_log().error("defect", thread=name, exc_info=error)
