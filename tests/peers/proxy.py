"""A CONNECT proxy on loopback that leads a CRM's own host names to its sandbox and nowhere else.

A client that was told of it by HTTPS_PROXY believes it talks to login.salesforce.com: it asks for
a tunnel to that name, speaks TLS through it and checks the certificate against that name. What it
asks for under any other name is refused, and remembered.
"""

from __future__ import annotations

import selectors
import socket
import socketserver
import threading
from base64 import b64encode
from collections.abc import Callable
from fnmatch import fnmatchcase
from types import TracebackType
from typing import Self

LONGEST_HEAD = 65_536
IDLE_SECONDS = 120.0


class Proxy:
    """Tunnels ``host:443`` to the port that `port_of` names for the host, None being a refusal.

    `used` holds the host names asked for and led on, `refused` those that were not; `doors` the
    ports from which it called the sandbox. With a `login` (``user:password``) it wants that.
    """

    def __init__(self, port_of: Callable[[str], int | None], login: str = "") -> None:
        self.port_of = port_of
        self.login = login
        self.used: set[str] = set()
        self.refused: set[str] = set()
        self.doors: set[int] = set()
        proxy = self

        class Tunnel(socketserver.BaseRequestHandler):
            """One client's connection."""

            def handle(self) -> None:
                proxy.serve(self.request)

        class Listener(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._listener = Listener(("127.0.0.1", 0), Tunnel)
        self._thread = threading.Thread(target=self._listener.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """What HTTPS_PROXY is to say."""
        return f"http://127.0.0.1:{self._listener.server_address[1]}"

    def serve(self, client: socket.socket) -> None:
        """Answer one CONNECT and carry bytes both ways until one side ends."""
        client.settimeout(IDLE_SECONDS)
        head = b""
        while b"\r\n\r\n" not in head:
            more = client.recv(4096)
            if not more or len(head) > LONGEST_HEAD:
                return
            head += more
        head, _, early = head.partition(b"\r\n\r\n")
        method, target, *_ = [*head.split(b"\r\n", 1)[0].decode("latin-1").split(" "), "", ""]
        host, _, number = target.rpartition(":")
        if self.login and f"basic {b64encode(self.login.encode()).decode()}" not in _logins(head):
            self.refused.add(f"{method} {target}")
            client.sendall(
                b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                b'Proxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n'
            )
            return
        port = self.port_of(host) if method == "CONNECT" and number == "443" else None
        if port is None:
            self.refused.add(f"{method} {target}")
            client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        self.used.add(host)
        try:
            server = socket.create_connection(("127.0.0.1", port), timeout=IDLE_SECONDS)
        except OSError:
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        with server:
            self.doors.add(server.getsockname()[1])
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            server.sendall(early)
            _carry(client, server)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown()
        self._listener.server_close()


def by_pattern(ports: dict[str, int]) -> Callable[[str], int | None]:
    """A `port_of` by host patterns such as ``*.my.salesforce.com``; the first that fits."""

    def port_of(host: str) -> int | None:
        return next((port for name, port in ports.items() if fnmatchcase(host, name)), None)

    return port_of


def _logins(head: bytes) -> list[str]:
    """What the request's Proxy-Authorization headers say, the scheme in lower case."""
    lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n"))
    told = [value.strip() for name, _, value in lines if name.lower() == "proxy-authorization"]
    return [f"{scheme.lower()} {rest}" for scheme, _, rest in (one.partition(" ") for one in told)]


def _carry(one: socket.socket, other: socket.socket) -> None:
    with selectors.DefaultSelector() as waiting:
        waiting.register(one, selectors.EVENT_READ, (one, other))
        waiting.register(other, selectors.EVENT_READ, (other, one))
        while True:
            ready = waiting.select(IDLE_SECONDS)
            if not ready:
                return
            for key, _ in ready:
                source, target = key.data
                try:
                    piece = source.recv(65_536)
                    target.sendall(piece)
                except OSError:
                    return
                if not piece:
                    return
