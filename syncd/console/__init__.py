"""The daemon's small web side: /healthz, /readyz and /metrics."""

from __future__ import annotations

import hmac
import os
import socket
from collections.abc import Callable
from threading import Thread
from typing import Protocol

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from syncd.errors import StopProgramError

STOP_SECONDS = 3.0


class ConsoleState(Protocol):
    """What the pages show. Each answer is (well?, text)."""

    def alive(self) -> tuple[bool, str]:
        """The daemon's own threads are at work."""
        ...

    def ready(self) -> tuple[bool, str]:
        """The state can be reached and the last run was not long ago."""
        ...

    def metrics(self) -> bytes:
        """Prometheus text."""
        ...


def app(state: ConsoleState, token: str = "") -> Starlette:
    """The pages. With a token, all but /healthz ask for ``Authorization: Bearer``."""

    def page(
        answer: Callable[[], Response], *, open_to_all: bool = False
    ) -> Callable[[Request], Response]:
        # No coroutine: a database that hangs must not keep /healthz from answering.
        def view(request: Request) -> Response:
            scheme, _, given = request.headers.get("authorization", "").partition(" ")
            if token and not open_to_all:
                fits = hmac.compare_digest(given.strip().encode(), token.encode())
                if scheme.lower() != "bearer" or not fits:
                    return PlainTextResponse(
                        "a token is needed\n",
                        status_code=401,
                        headers={"www-authenticate": "Bearer"},
                    )
            return answer()

        return view

    def told(found: tuple[bool, str]) -> Response:
        well, text = found
        return PlainTextResponse(f"{text}\n", status_code=200 if well else 503)

    def metrics() -> Response:
        return Response(state.metrics(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            Route("/healthz", page(lambda: told(state.alive()), open_to_all=True)),
            Route("/readyz", page(lambda: told(state.ready()))),
            Route("/metrics", page(metrics)),
        ]
    )


class Console:
    """Serves the pages in a thread of its own, once it is open."""

    def __init__(self, pages: Starlette, host: str, port: int) -> None:
        """Nothing listens yet."""
        self._pages, self.host, self.port = pages, host, port
        self._stop: Callable[[], None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it listens."""
        return self._stop is not None

    def open(self) -> None:
        """Listen. Raises StopProgramError when the address cannot be had."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            listening = socket.create_server((self.host, self.port), family=family)
        except OSError as error:
            # Python adds the address to its own text once more.
            why = os.strerror(error.errno) if error.errno else str(error)
            raise StopProgramError(
                f"console: cannot listen on {self.host}:{self.port}: {why}; change [console] listen"
            ) from error
        self.port = listening.getsockname()[1]
        server = uvicorn.Server(
            uvicorn.Config(
                self._pages,
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=1,
            )
        )
        thread = Thread(
            target=server.run, kwargs={"sockets": [listening]}, name="console", daemon=True
        )
        thread.start()

        def stop() -> None:
            server.should_exit = True
            thread.join(timeout=STOP_SECONDS)
            listening.close()

        self._stop = stop

    def stop(self) -> None:
        """Stop serving, if it was begun."""
        if self._stop is not None:
            self._stop()
            self._stop = None
