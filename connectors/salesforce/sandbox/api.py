"""The REST API without HTTP: requests in, replies out. Composite requests come back here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from connectors.salesforce.sandbox.errors import (
    JsonTypeError,
    RequestError,
    RowError,
    not_found,
    unreadable,
)
from connectors.salesforce.sandbox.held import Actor
from connectors.salesforce.sandbox.org import Org
from connectors.salesforce.sandbox.schema import SObject

JSON = "application/json"
SESSION_LIFE = timedelta(minutes=120)
DAILY_CALLS = 15_000
OLDEST_VERSION, LAST_VERSION = 31, 67
DUPLICATE_HEADER_SINCE = 52.0


@dataclass(slots=True)
class Session:
    """A login: whose it is and until when. Each request moves the end."""

    user: str
    until: datetime


@dataclass(slots=True)
class Request:
    """One REST request. `path` is what follows ``/services/data/vNN.0/``, without slashes."""

    method: str
    version: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    user: str

    def json(self) -> Any:
        """The body read as JSON. Raises RequestError JSON_PARSER_ERROR, UNSUPPORTED_MEDIA_TYPE."""
        media = self.headers.get("content-type", JSON).partition(";")[0].strip().lower()
        if self.body and media != JSON:
            raise RequestError(
                415,
                "UNSUPPORTED_MEDIA_TYPE",
                f"Content-Type header specified in HTTP request is not supported: {media}",
            )
        try:
            return msgspec.json.decode(self.body or b"null")
        except RecursionError:
            raise RequestError(
                400, "JSON_PARSER_ERROR", "The HTTP entity body is nested too deeply."
            ) from None
        except msgspec.DecodeError as error:
            raise unreadable(self.body, error) from None

    def object(self) -> dict[str, Any]:
        """The body as a JSON object. Raises RequestError."""
        found = self.json()
        if not isinstance(found, dict):
            raise RequestError(
                400, "JSON_PARSER_ERROR", "The HTTP entity body is required, but this is not one."
            )
        return found

    @property
    def actor(self) -> Actor:
        """Who asks."""
        asked = self.headers.get("sforce-duplicate-rule-header", "").lower().split(";")
        told = {part.strip().replace(" ", "") for part in asked}
        since = float(self.version) >= DUPLICATE_HEADER_SINCE
        return Actor(self.user, saves_duplicates=since and "allowsave=true" in told)

    @property
    def base(self) -> str:
        """The prefix of URLs in this API version."""
        return f"/services/data/v{self.version}"


@dataclass(slots=True)
class Reply:
    """An answer. `body` is turned into JSON unless it is bytes; `rows` counts records."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    media: str = "application/json;charset=UTF-8"


@dataclass(frozen=True, slots=True)
class CallMade:
    """One API call as the sandbox counted it. `path` has ``{…}`` for what varies."""

    method: str
    path: str
    rows: int
    status: int


Route = tuple[str, str, Callable[..., Reply]]


@dataclass(slots=True)
class Api:
    """Sessions, limits, routes and the org behind them."""

    org: Org
    sessions: dict[str, Session] = field(default_factory=dict)
    daily_max: int = DAILY_CALLS
    used: int = 0
    calls: list[CallMade] = field(default_factory=list)
    long_text_page: int = 200
    state: dict[str, Any] = field(default_factory=dict)
    _routes: list[tuple[str, re.Pattern[str], str, Callable[..., Reply]]] = field(
        default_factory=list
    )

    def route(self, routes: tuple[Route, ...]) -> None:
        """Add routes such as ``("GET", "sobjects/{name}/{key}", function)``."""
        for method, template, function in routes:
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
            self._routes.append(
                (method, re.compile(pattern + r"\Z", re.IGNORECASE), template, function)
            )

    def login(self, user: str) -> str:
        """A new session's token."""
        self.org.counters["session"] = self.org.counters.get("session", 0) + 1
        number = self.org.counters["session"]
        token = f"{self.org.ids['org'][:15]}!AQ{number:08d}.{user[:15]}"
        self.sessions[token] = Session(user, self.org.clock() + SESSION_LIFE)
        return token

    def user_of(self, authorization: str) -> str:
        """The user of an Authorization header. Raises RequestError INVALID_SESSION_ID."""
        token = authorization.partition(" ")[2].strip()
        session = self.sessions.get(token)
        now = self.org.clock()
        if session is None or session.until < now:
            raise RequestError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        session.until = now + SESSION_LIFE
        return session.user

    def limit_info(self) -> str:
        """The value of Sforce-Limit-Info."""
        return f"api-usage={self.used}/{self.daily_max}"

    def serve(self, request: Request) -> Reply:
        """Answer a request of a client: counted, refused where the allowance is used up."""
        if self.used >= self.daily_max:
            reply = refusal(
                RequestError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
            )
        else:
            self.used += 1
            reply = self.answer(request)
        self.calls.append(
            CallMade(request.method, self.template(request), reply.rows, reply.status)
        )
        if reply.status != 204:  # noqa: PLR2004 - recorded answers without content carry no usage
            reply.headers.setdefault("Sforce-Limit-Info", self.limit_info())
        return reply

    def template(self, request: Request) -> str:
        """The request's path with names in place of what varies."""
        for method, pattern, template, _ in self._routes:
            if method == request.method and pattern.match(request.path):
                return template
        return request.path

    def answer(self, request: Request) -> Reply:
        """Answer a request, of a client or within a composite one, refusals included."""
        try:
            return self._dispatch(request)
        except JsonTypeError as error:
            return refusal(error.located(request.body))
        except RequestError as error:
            return refusal(error)
        except RowError as error:
            return refusal(error.request(request.base))

    def _dispatch(self, request: Request) -> Reply:
        known = False
        for method, pattern, _, function in self._routes:
            found = pattern.match(request.path)
            if found is None:
                continue
            known = True
            if method == request.method:
                return function(self, request, **found.groupdict())
        if known:
            raise RequestError(
                405,
                "METHOD_NOT_ALLOWED",
                f"HTTP Method '{request.method}' not allowed. Allowed are {self._allowed(request)}",
            )
        raise not_found()

    def _allowed(self, request: Request) -> str:
        return ",".join(
            sorted({method for method, at, *_ in self._routes if at.match(request.path)})
        )

    def within(self, request: Request, method: str, url: str, body: Any) -> Reply:
        """Answer a subrequest of `request`; `url` is whole or starts at ``vNN.0/``."""
        parts = urlsplit(url)
        path = parts.path.removeprefix("/services/data/").strip("/")
        version, _, rest = path.partition("/")
        inner = Request(
            method.upper(),
            version.removeprefix("v"),
            rest.strip("/"),
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            request.headers,
            b"" if body is None else msgspec.json.encode(body),
            request.user,
        )
        return self.answer(inner)

    def kind(self, name: str) -> SObject:
        """The object of this name. Raises RequestError NOT_FOUND."""
        found = self.org.lower.get(name.lower())
        if found is None:
            raise not_found()
        return found


def part(text: str) -> str:
    """One part of a path with its escapes undone."""
    return unquote(text)


def refusal(error: RequestError) -> Reply:
    """A refused request's reply."""
    return Reply(error.body(), error.status)
