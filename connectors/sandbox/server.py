"""An HTTPS server on loopback for a sandbox, with a certificate authority made at start.

simple-salesforce speaks only https, so a sandbox does too; clients trust the CA through
their ``ca_file`` setting.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

import trustme
import uvicorn

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")
START_SECONDS = 15.0
LAST_WORDS_SECONDS = 0.02
# How the CRMs spell their headers over HTTP/1.1. There are clients that look for one spelling.
WORDS = {
    b"etag": b"ETag",
    b"hubspot": b"HubSpot",
    b"ratelimit": b"RateLimit",
    b"numberofrecords": b"NumberOfRecords",
}
AS_IT_IS = {b"x-hubspot-correlation-id"}


class SandboxStartError(RuntimeError):
    """The sandbox did not begin to listen; the text says which address and why."""


def _listen(port: int) -> socket.socket:
    """A listening socket. It names its protocol, for only then does asyncio send answers at once
    (TCP_NODELAY) instead of up to 40 ms later.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    listener.listen(256)
    return listener


def _spelt(name: bytes) -> bytes:
    if name in AS_IT_IS:
        return name
    return b"-".join(WORDS.get(word, word.capitalize()) for word in name.lower().split(b"-"))


@dataclass(frozen=True, slots=True)
class Spelt:
    """An application whose headers are spelt as the CRMs spell them, which Starlette undoes."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on but the names of the headers sent."""

        async def send_spelt(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [(_spelt(name), value) for name, value in message.get("headers", ())]
                message = {**message, "headers": headers}
            await send(message)

        await self.app(scope, receive, send_spelt)


def _worth_a_line(record: logging.LogRecord) -> bool:
    """A connection that breaks off because a fault wants it to is no news."""
    return "without completing response" not in record.getMessage()


async def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    """Serve until told to stop; then give connections that were just hung up time to close."""
    await server.serve([listener])
    for connection in list(server.server_state.connections):
        transport = connection.transport
        if transport is not None:
            transport.abort()
    await asyncio.sleep(LAST_WORDS_SECONDS)


@dataclass(slots=True)
class SandboxServer:
    """Serves `app` over TLS on 127.0.0.1.

    `port` 0 takes a free one; read `url` after `start`. `ca_file` is written at start and
    holds the private CA's certificate in PEM. `hosts` are further DNS names that the
    certificate is good for (a CRM's own host names, for clients that reach the sandbox
    through a proxy).
    """

    app: ASGIApp
    ca_file: Path
    port: int = 0
    hosts: tuple[str, ...] = ()
    _server: uvicorn.Server | None = field(default=None, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)
    _socket: socket.socket | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """The base address, such as ``https://127.0.0.1:43117``."""
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> SandboxServer:
        """Begin to serve in a background thread; returns when connections are accepted.

        Raises SandboxStartError when the port is taken or the server does not come up.
        """
        try:
            self._socket = _listen(self.port)
        except OSError as error:
            raise SandboxStartError(
                f"cannot listen on 127.0.0.1:{self.port}: {error.strerror}. Choose another --port."
            ) from error
        self.port = self._socket.getsockname()[1]
        authority = trustme.CA(organization_name="syncd sandbox")
        certificate = authority.issue_cert(*LOOPBACK, *self.hosts)
        self.ca_file.parent.mkdir(parents=True, exist_ok=True)
        authority.cert_pem.write_to_path(self.ca_file)
        config = uvicorn.Config(
            Spelt(self.app),
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_keep_alive=75,
            server_header=False,  # the CRMs name their own
        )
        config.load()
        logging.getLogger("uvicorn.error").addFilter(_worth_a_line)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        config.ssl = context
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=asyncio.run, args=(_serve(self._server, self._socket),), daemon=True
        )
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(START_SECONDS / 0.02)):
            if self._server.started:
                return self
            waited.wait(0.02)
        raise SandboxStartError(
            f"the sandbox on {self.url} did not start within {START_SECONDS:.0f} s"
        )

    def stop(self) -> None:
        """Stop accepting connections and wait for the thread to end."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout=1)
        if self._thread is not None and self._thread.is_alive() and self._server is not None:
            # Some client keeps its connection open; it has had its second.
            self._server.force_exit = True
            self._thread.join(timeout=10)
        if self._socket is not None:
            self._socket.close()

    def __enter__(self) -> Self:
        """Start on entering a ``with`` block."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop on leaving it."""
        self.stop()
