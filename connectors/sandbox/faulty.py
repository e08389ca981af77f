"""A sandbox's application with its faults before it, for every CRM alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from connectors.sandbox.faults import Faults

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

OWN = "/_sandbox/"
FAULTS = "/_sandbox/faults"


class _Dropped(Response):
    """Closes the connection in the midst of the answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Promise a body and never send it."""
        del scope, receive
        headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


@dataclass(slots=True)
class _Kept:
    """An answer that was given, but not sent yet."""

    start: MutableMapping[str, Any] = field(default_factory=dict)
    body: bytes = b""

    async def take(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        else:
            self.body += message.get("body", b"")

    def half(self) -> Response:
        """The answer without its second half, as if that were all."""
        cut = Response(self.body[: len(self.body) // 2], self.start["status"])
        own = [(k, v) for k, v in self.start["headers"] if k.lower() != b"content-length"]
        cut.raw_headers = [*own, (b"content-length", str(len(cut.body)).encode())]
        return cut


class Faulty:
    """The application, struck by the faults to come. ``/_sandbox/`` is spared.

    GET ``/_sandbox/faults`` tells the faults to come, PUT replaces them (a list of faults, or a
    whole document as docs/faults.md has it, as JSON), DELETE ends them and the latency.
    """

    def __init__(self, app: ASGIApp, faults: Faults, expire: Callable[[], None]) -> None:
        """`expire` ends all logins."""
        self._app = app
        self._faults = faults
        self._expire = expire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call."""
        if scope["type"] != "http" or scope["path"].startswith(OWN):
            served = self._told if scope.get("path") == FAULTS else self._app
            await served(scope, receive, send)
            return
        faults = self._faults
        if faults.latency:
            await asyncio.sleep(faults.latency)
        fault = faults.strike(scope["method"], unquote(scope["raw_path"].decode("ascii")))
        if fault is None:
            await self._app(scope, receive, send)
            return
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.answer == "expired":
            self._expire()
        faults.spoil(fault)
        answer = faults.answer_to(fault)
        if answer is None and fault.answer not in ("drop", "truncated"):
            await self._app(scope, receive, send)
            return
        kept = _Kept()
        if fault.applies or fault.answer == "truncated":
            await self._app(scope, receive, kept.take)
        response: Response = _Dropped() if answer is None else _response(answer)
        if fault.answer == "truncated":
            response = kept.half()
        await response(scope, receive, send)

    async def _told(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = _json(self._faults.waiting)
        if request.method == "PUT":
            try:
                self._faults.take(msgspec.json.decode(await request.body()))
            except ValueError as error:
                response = _json({"message": str(error)}, 400)
            else:
                response = _json(self._faults.waiting)
        elif request.method == "DELETE":
            self._faults.take([])
            response = _json([])
        await response(scope, receive, send)


def _response(answer: Any) -> Response:
    return Response(answer.body, answer.status, answer.headers, answer.media)


def _json(body: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")
