"""The proxy that stands before a CRM, as the environment names it.

HTTPS_PROXY, else ALL_PROXY, in either spelling; NO_PROXY exempts hosts. A connector hands its HTTP
library the proxy's address and login apart, so that no error of the library can show the login.
"""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from syncd.errors import SyncdError, TransientError, UnreachableError

VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
OTHERS = ("http_proxy", "HTTP_PROXY")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
SPOKEN = ("http", "https")
_ADDRESS = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?:(?P<login>.*)@)?"
    r"(?P<host>\[[0-9a-f:.]+\]|[^\s/@:?#\[\]]+)(?P<port>:\d{1,5})?/?",
    re.IGNORECASE | re.DOTALL,
)
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3}) ?([^'\"()]*)")
_NUMBER = re.compile(r"\[Errno -?\d+\] ")
_WANTS_LOGIN = 407
_LATER = 500


@dataclass(frozen=True, slots=True)
class Proxy:
    """`address` is scheme, host and port; `variable` is where the environment names it.

    `login` is ``user:password`` in plain characters, or empty; it is never shown.
    """

    address: str
    variable: str
    login: str = field(default="", repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What a request to the proxy itself bears."""
        if not self.login:
            return {}
        return {"Proxy-Authorization": f"Basic {b64encode(self.login.encode()).decode()}"}

    def failure(self, host: str, reason: str) -> SyncdError:
        """The error for a call to `host` that got no further than the proxy.

        `reason` is the HTTP library's own words; of them the status of a refused tunnel, or what
        follows the last colon, is told.
        """
        refused = _TUNNEL.search(reason)
        if refused is None:
            words = _NUMBER.sub("", reason.rpartition(": ")[2])
            return TransientError(
                f"the proxy {self.address} cannot be reached ({words}): correct {self.variable}, "
                f"or name {host} in NO_PROXY if it needs no proxy"
            )
        status, text = int(refused[1]), refused[2].strip()
        if status == _WANTS_LOGIN:
            lacks = (
                "does not take the login in"
                if self.login
                else "wants a login, and there is none in"
            )
            return UnreachableError(
                f"the proxy {self.address} {lacks} {self.variable} ({status} {text}): "
                "write user:password@ before the proxy's host there"
            )
        told = f"the proxy {self.address} does not lead to {host} ({status} {text})"
        if status >= _LATER:
            return TransientError(f"{told}; see to it, or name {host} in NO_PROXY")
        return UnreachableError(
            f"{told}: have it allowed there, or name {host} in NO_PROXY if it needs no proxy"
        )


def proxy_for(url: str) -> Proxy | None:
    """The proxy for calls to that address; None where there is none. Loopback never has one.

    Raises UnreachableError where what the environment names is no proxy for syncd.
    """
    from requests.utils import (  # noqa: PLC0415 - `syncd --help` has no use for it
        get_environ_proxies,
        select_proxy,
    )

    if urlsplit(url).hostname in LOOPBACK:
        return None
    named = select_proxy(url, get_environ_proxies(url))
    if not named:
        return None
    variable = _variable(named)
    found = _ADDRESS.fullmatch(named.strip())
    if found is None:
        raise UnreachableError(
            f"{variable} names no proxy: it must be an address such as "
            "http://proxy.example.com:8080, with user:password@ before the host if it wants a login"
        )
    scheme = (found["scheme"] or "http").lower()
    if scheme not in SPOKEN:
        raise UnreachableError(
            f"{variable} names a {scheme} proxy; syncd goes through http:// proxies only. Set "
            "HTTPS_PROXY to one, or name the CRM's host in NO_PROXY"
        )
    address = f"{scheme}://{found['host']}{found['port'] or ''}"
    return Proxy(address, variable, unquote(found["login"] or ""))


def _variable(value: str) -> str:
    """The environment's variable that has this value."""
    named = (name for name in VARIABLES if os.environ.get(name) == value)
    return next(named, "the system's proxy setting")


def proxy_secrets() -> Iterator[str]:
    """The logins and passwords of all proxies that the environment names, as they stand there and
    in plain characters.
    """
    for name in (*VARIABLES, *OTHERS):
        login = os.environ.get(name, "").rpartition("@")[0].rpartition("://")[2]
        for text in {login, unquote(login)} if login else ():
            yield text
            yield text.partition(":")[2]
