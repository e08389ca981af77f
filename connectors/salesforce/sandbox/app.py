"""The org over HTTP: an ASGI application."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from connectors.salesforce.sandbox import limits
from connectors.salesforce.sandbox.api import (
    LAST_VERSION,
    OLDEST_VERSION,
    Api,
    Reply,
    Request,
    refusal,
)
from connectors.salesforce.sandbox.errors import UNFORESEEN, RequestError, not_found
from connectors.salesforce.sandbox.oauth import LoginError, Logins

if TYPE_CHECKING:
    from starlette.types import ASGIApp

MAX_URL = 16_384
LOGIN_PAGES = {"login.salesforce.com", "test.salesforce.com"}
CLAIMS = (
    ("name", "display_name"),
    ("preferred_username", "username"),
    ("nickname", "nick_name"),
    ("given_name", "first_name"),
    ("family_name", "last_name"),
    ("zoneinfo", "timezone"),
    ("updated_at", "last_modified_date"),
)
"""What OpenID calls them; both names are answered."""
MY_DOMAIN = "acme.my.salesforce.com"
JSON = "application/json;charset=UTF-8"
COMMON = {
    "Cache-Control": "no-cache,must-revalidate,max-age=0,no-store,private",
    "Vary": "Accept-Encoding",
    "Server": "sfdcedge",
}
METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"]
StateReader = Callable[[], bytes]
StateWriter = Callable[[bytes], None]


def _json(body: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, COMMON, JSON)


def _send(reply: Reply) -> Response:
    if reply.status in {204, 304}:
        return Response(b"", reply.status, COMMON | reply.headers)
    body = reply.body if isinstance(reply.body, bytes) else msgspec.json.encode(reply.body)
    return Response(body, reply.status, COMMON | reply.headers, reply.media)


async def _form(http: HttpRequest) -> dict[str, str]:
    body = (await http.body()).decode(errors="replace")
    return dict(parse_qsl(body, keep_blank_values=True))


def unpacked(body: bytes, encoding: str) -> bytes:
    """A request's body without its compression. Raises zlib.error."""
    if not body or encoding.lower() not in {"gzip", "deflate"}:
        return body
    return zlib.decompress(body, zlib.MAX_WBITS | 32)  # 32: either header is known by itself


def _base(http: HttpRequest) -> str:
    """The address of the org that the client has reached; a login page sends it on to there."""
    host = http.headers.get("host", http.url.netloc)
    return f"https://{MY_DOMAIN if host in LOGIN_PAGES else host}"


@dataclass(slots=True)
class Pages:
    """What the application answers. The state's reader and writer serve ``/_sandbox/state``,
    `set_rules` ``/_sandbox/rules``.
    """

    api: Api
    logins: Logins
    read_state: StateReader
    write_state: StateWriter
    set_rules: Callable[[Any], None]

    async def token(self, http: HttpRequest) -> Response:
        """The OAuth token endpoint."""
        given = dict(http.query_params) | await _form(http)
        header = http.headers.get("authorization", "")
        with self.api.org.lock:
            try:
                answer = self.logins.token(given, header, _base(http))
            except LoginError as error:
                return _json({"error": error.code, "error_description": error.description}, 400)
        return _json(answer)

    async def revoke(self, http: HttpRequest) -> Response:
        """End a session."""
        gone = self.api.sessions.pop((await _form(http)).get("token", ""), None)
        if gone is None:
            told = {"error": "invalid_token", "error_description": "the token was invalid"}
            return _json(told, 400)
        return _json({})

    async def soap(self, http: HttpRequest) -> Response:
        """SOAP login()."""
        body = (await http.body()).decode(errors="replace")
        with self.api.org.lock:
            status, text = self.logins.soap(http.path_params["version"], body, _base(http))
        return Response(text, status, COMMON, "text/xml;charset=UTF-8")

    async def userinfo(self, http: HttpRequest) -> Response:
        """Who the session's user is."""
        with self.api.org.lock:
            try:
                user = self.api.user_of(http.headers.get("authorization", ""))
            except RequestError:
                return Response("Bad_OAuth_Token", 403, COMMON)
            body = limits.identity(self.api, user, _base(http))
        return _json(body | {"sub": body["id"]} | {name: body[key] for name, key in CLAIMS})

    async def versions(self, http: HttpRequest) -> Response:
        """The API versions."""
        del http
        return _json(limits.versions())

    async def data(self, http: HttpRequest) -> Response:
        """The REST API."""
        try:
            body = unpacked(await http.body(), http.headers.get("content-encoding", ""))
        except zlib.error:
            return _send(refusal(RequestError(400, "INVALID_INPUT", "The body is not in gzip.")))
        if len(http.url.path) + len(http.url.query) > MAX_URL:
            return Response("<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>", 414, COMMON)
        with self.api.org.lock:
            return _send(_answer(self.api, http, body))

    async def calls(self, http: HttpRequest) -> Response:
        """The calls made; DELETE forgets them."""
        with self.api.org.lock:
            if http.method == "DELETE":
                self.api.calls.clear()
            return _json([asdict(call) for call in self.api.calls])

    async def state(self, http: HttpRequest) -> Response:
        """The whole state; PUT replaces it."""
        body = await http.body()
        with self.api.org.lock:
            if http.method == "PUT":
                try:
                    self.write_state(body)
                except msgspec.DecodeError as error:
                    return _json({"message": str(error)}, 400)
                return Response(b"", 204)
            return Response(self.read_state(), 200, media_type=JSON)

    async def rules(self, http: HttpRequest) -> Response:
        """The org's own rules; PUT replaces them, DELETE ends them."""
        body = b"{}" if http.method == "DELETE" else await http.body()
        with self.api.org.lock:
            if http.method != "GET":
                try:
                    self.set_rules(msgspec.json.decode(body))
                except ValueError as error:
                    return _json({"message": str(error)}, 400)
            return _json(self.api.org.rules)


async def _refused(http: HttpRequest, error: Exception) -> Response:
    """What the routes do not know, told as the API tells it."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:  # noqa: PLR2004 - HTTP's own number
        told = RequestError(
            405, "METHOD_NOT_ALLOWED", f"HTTP Method '{http.method}' not allowed here."
        )
    elif status == 404:  # noqa: PLR2004 - likewise
        told = not_found()
    else:
        told = RequestError(500, "UNKNOWN_EXCEPTION", UNFORESEEN)
    return _send(refusal(told))


def build(pages: Pages) -> ASGIApp:
    """The application."""
    return Starlette(
        routes=[
            Route("/services/oauth2/token", pages.token, methods=["POST"]),
            Route("/services/oauth2/revoke", pages.revoke, methods=["POST"]),
            Route("/services/oauth2/userinfo", pages.userinfo, methods=["GET", "POST"]),
            Route("/id/{org}/{user}", pages.userinfo),
            Route("/services/Soap/u/{version}", pages.soap, methods=["POST"]),
            Route("/services/Soap/u/{version}/{rest:path}", pages.soap, methods=["POST"]),
            Route("/services/data", pages.versions),
            Route("/services/data/", pages.versions),
            Route("/services/data/{path:path}", pages.data, methods=METHODS),
            Route("/_sandbox/calls", pages.calls, methods=["GET", "DELETE"]),
            Route("/_sandbox/rules", pages.rules, methods=["GET", "PUT", "DELETE"]),
            Route("/_sandbox/state", pages.state, methods=["GET", "PUT"]),
        ],
        exception_handlers={404: _refused, 405: _refused, 500: _refused},
    )


def _answer(api: Api, http: HttpRequest, body: bytes) -> Reply:
    raw = http.scope.get("raw_path", http.url.path.encode()).decode("ascii")
    path = raw.split("?", 1)[0].removeprefix("/services/data/").strip("/")
    version, _, rest = path.partition("/")
    number = version.removeprefix("v")
    try:
        user = api.user_of(http.headers.get("authorization", ""))
        _check_version(number)
    except RequestError as error:
        return refusal(error)
    return api.serve(
        Request(
            method="GET" if http.method == "HEAD" else http.method,
            version=number,
            path=rest.strip("/"),
            query=dict(http.query_params),
            headers={key.lower(): value for key, value in http.headers.items()},
            body=body,
            user=user,
        )
    )


def _check_version(number: str) -> None:
    try:
        asked = float(number)
    except ValueError:
        raise not_found() from None
    if asked < OLDEST_VERSION:
        raise RequestError(
            410, "UNSUPPORTED_API_VERSION", "The requested API version has been retired."
        )
    if asked > LAST_VERSION:
        raise not_found()
