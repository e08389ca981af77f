"""The portal over HTTP: an ASGI application."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from http import HTTPStatus
from threading import RLock
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from connectors.hubspot.sandbox.api import Api, Reply, Request
from connectors.hubspot.sandbox.errors import ApiError, refused

if TYPE_CHECKING:
    from starlette.types import ASGIApp

LONGEST_URL = 16_384
JSON = "application/json;charset=utf-8"
METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]


def _send(reply: Reply) -> Response:
    headers = {"x-hubspot-correlation-id": str(uuid.uuid4()), **reply.headers}
    if reply.status == HTTPStatus.NO_CONTENT:
        return Response(b"", 204, headers)
    return Response(msgspec.json.encode(reply.body), reply.status, headers, JSON)


def _json(body: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type=JSON)


@dataclass(slots=True)
class Pages:
    """What the application answers. The state's reader and writer serve ``/_sandbox/state``."""

    api: Api
    lock: RLock
    read_state: Callable[[], bytes]
    write_state: Callable[[bytes], None]

    async def call(self, http: HttpRequest) -> Response:
        """The REST API."""
        body, path = await http.body(), unquote(http.scope["raw_path"].decode("ascii"))
        if len(http.scope["raw_path"]) + len(http.url.query) > LONGEST_URL:
            return Response("<h1>414 Request-URI Too Large</h1>", 414, media_type="text/html")
        host = http.headers.get("host", http.url.netloc)
        request = Request(
            method="GET" if http.method == "HEAD" else http.method,
            path=path,
            query=parse_qsl(http.url.query, keep_blank_values=True),
            headers=http.headers,
            body=body,
            base=f"{http.url.scheme}://{host}",
        )
        with self.lock:
            return _send(self.api.answer(request))

    async def calls(self, http: HttpRequest) -> Response:
        """The calls made; DELETE forgets them."""
        with self.lock:
            if http.method == "DELETE":
                self.api.calls.clear()
            return _json([asdict(call) for call in self.api.calls])

    async def state(self, http: HttpRequest) -> Response:
        """The whole state; PUT replaces it."""
        body = await http.body()
        with self.lock:
            if http.method == "PUT":
                try:
                    self.write_state(body)
                except msgspec.DecodeError as error:
                    return _json({"message": str(error)}, 400)
                return Response(b"", 204)
            return Response(self.read_state(), media_type=JSON)


async def _refused(http: HttpRequest, error: Exception) -> Response:
    """What the routes do not know, told as HubSpot tells it."""
    del http
    known = error.status_code if isinstance(error, HTTPException) else None
    told = refused(known) if known else ApiError(500, "internal error", None)
    return _send(Reply(told.body, told.status))


def build(pages: Pages) -> ASGIApp:
    """The application."""
    return Starlette(
        routes=[
            Route("/_sandbox/calls", pages.calls, methods=["GET", "DELETE"]),
            Route("/_sandbox/state", pages.state, methods=["GET", "PUT"]),
            Route("/{path:path}", pages.call, methods=METHODS),
        ],
        exception_handlers={405: _refused, 500: _refused},
    )
