"""The REST API without HTTP: a request in, a reply out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from connectors.hubspot.sandbox.access import Access
from connectors.hubspot.sandbox.errors import (
    ApiError,
    bad_input,
    missing_scopes,
    refused,
    unreadable,
)
from connectors.hubspot.sandbox.kinds import Kind
from connectors.hubspot.sandbox.limits import Limits
from connectors.hubspot.sandbox.portal import Portal

_DATED = re.compile(
    r"^/(crm/(?:objects|properties|associations|pipelines|owners|schemas)"
    r"|crm-object-schemas|account-info|settings/currencies|oauth)/(\d{4}-\d{2}(?:-beta)?|v3)(?=/|$)"
)
JSON = "application/json"
_CLASSIC = {
    "crm/objects": "/crm/v3/objects",
    "crm/properties": "/crm/v3/properties",
    "crm/associations": "/crm/v4/associations",
    "crm/pipelines": "/crm/v3/pipelines",
    "crm/owners": "/crm/v3/owners",
    "crm/schemas": "/crm/v3/schemas",
    "crm-object-schemas": "/crm/v3",
    "account-info": "/account-info/v3",
    "settings/currencies": "/settings/v3/currencies",
    "oauth": "/oauth/v1",
}
_MOVED = re.compile(r"^/crm/v3/objects/([^/]+)/([^/]+)/associations/")


@dataclass(slots=True)
class Request:
    """One request. `query` keeps repeated parameters; `base` is the portal's own address."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes
    base: str
    parts: dict[str, str] = field(default_factory=dict)

    def one(self, name: str, default: str = "") -> str:
        """The last value of a parameter."""
        return next((v for n, v in reversed(self.query) if n == name), default)

    def many(self, name: str) -> list[str]:
        """All values of a parameter, whether repeated or separated by commas."""
        given = [v for n, v in self.query if n == name]
        return [part.strip() for value in given for part in value.split(",") if part.strip()]

    def flag(self, name: str) -> bool:
        """A parameter that is ``true``, in any case."""
        return self.one(name).lower() == "true"

    def number(self, name: str, default: int) -> int:
        """A parameter that is a number. Raises ApiError (400)."""
        text = self.one(name)
        if not text:
            return default
        if not text.isdecimal():
            raise ApiError(400, f"{name}: {text} is not a valid number")
        return int(text)

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises ApiError (400, 415)."""
        found = self._read()
        if not isinstance(found, dict):
            raise bad_input("the body must be an object")
        return found

    def array(self) -> list[dict[str, Any]]:
        """The body as a list of JSON objects. Raises ApiError (400, 415)."""
        found = self._read()
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise bad_input("the body must be a list of objects")
        return found

    def _read(self) -> Any:
        media = self.headers.get("content-type", JSON).partition(";")[0].strip().lower()
        if self.body and media != JSON:
            raise refused(415)
        try:
            return msgspec.json.decode(self.body or b"{}")
        except RecursionError:
            raise bad_input("the body is nested too deeply") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise unreadable(self.body, error) from None

    def inputs(self, most: int) -> list[dict[str, Any]]:
        """The inputs of a batch. Raises ApiError (400) for too many, or none in the body."""
        found = self.json().get("inputs")
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise bad_input("inputs must be a list of objects")
        if len(found) > most:
            raise ApiError(
                400,
                f"The maximum number of inputs supported in a batch request is {most}; "
                f"there are {len(found)}",
            )
        return found


@dataclass(slots=True)
class Reply:
    """An answer. `rows` counts the records it bears; `counted` False shows no limits."""

    body: Any = None
    status: int = 200
    rows: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    counted: bool = True


def paged(request: Request, found: list[dict[str, Any]], most: int) -> Reply:
    """The page of a short list that is asked for: 100 rows unless `limit` says otherwise.

    Raises ApiError (400) for a limit above `most`.
    """
    limit, start = request.number("limit", 100), request.number("after", 0)
    if not 0 < limit <= most:
        raise ApiError(400, f"limit must be between 1 and {most}")
    body: dict[str, Any] = {"results": found[start : start + limit]}
    if start + limit < len(found):
        link = f"{request.base}{request.path}?limit={limit}&after={start + limit}"
        body["paging"] = {"next": {"after": str(start + limit), "link": link}}
    return Reply(body, rows=len(body["results"]))


@dataclass(frozen=True, slots=True)
class CallMade:
    """One API call. `path` has ``{...}`` for what varies."""

    method: str
    path: str
    rows: int
    status: int


Endpoint = Callable[["Api", Request], Reply]
Route = tuple[str, str, Endpoint]


class Api:
    """Routes, logins and limits over a portal."""

    def __init__(self, portal: Portal, access: Access, limits: Limits) -> None:
        """No routes yet; `add` them."""
        self.portal = portal
        self.access = access
        self.limits = limits
        self.calls: list[CallMade] = []
        self._routes: dict[tuple[str, int], list[tuple[list[str], str, Endpoint]]] = {}

    def add(self, routes: Iterable[Route]) -> None:
        """Routes such as ``("GET", "/crm/v3/owners/{id}", endpoint)``; fixed parts go first."""
        for method, template, endpoint in routes:
            parts = template.strip("/").split("/")
            held = self._routes.setdefault((method, len(parts)), [])
            held.append((parts, template, endpoint))
            held.sort(key=lambda route: [part.startswith("{") for part in route[0]])

    def answer(self, request: Request) -> Reply:
        """Answer a request; refusals are replies too."""
        path = classic(request.path)
        template, endpoint = self._find(request, path)
        try:
            if endpoint is None and self._elsewhere(request, path):
                raise refused(405)
            if endpoint is None:
                reply = Reply(
                    {"status": "error", "message": "resource not found"}, 404, counted=False
                )
            elif template.startswith("/oauth/"):
                reply = endpoint(self, request)
            else:
                self.access.admit(request.headers.get("authorization", ""))
                self.limits.take(search=template.endswith("/search"))
                reply = endpoint(self, request)
        except ApiError as error:
            reply = Reply(error.body, error.status, headers=error.headers)
        if template.endswith("/search"):
            reply.counted = False
        if reply.counted:
            reply.headers |= self.limits.headers(oauth=self.access.by_oauth)
        self.calls.append(CallMade(request.method, template or path, reply.rows, reply.status))
        return reply

    def kind(self, request: Request, part: str = "type", *, write: bool = False) -> Kind:
        """The object type that the path names, if the token may read (or write) it."""
        kind = self.portal.kinds.find(request.parts[part])
        if write and kind.read_only:
            raise ApiError(405, f"{kind.name.capitalize()} can only be read.", None)
        self.need(kind.writes if write else kind.reads)
        return kind

    def need(self, *scopes: str) -> None:
        """Raise ApiError (403) unless the token has one of the scopes."""
        if not self.access.scopes & set(scopes):
            raise missing_scopes(*scopes)

    def _elsewhere(self, request: Request, path: str) -> bool:
        """Whether another method has an endpoint there."""
        found = any(
            method != request.method and self._find(replace(request, method=method), path)[1]
            for method, _ in list(self._routes)
        )
        return bool(found)

    def _find(self, request: Request, path: str) -> tuple[str, Endpoint | None]:
        parts = path.strip("/").split("/")
        for wanted, template, endpoint in self._routes.get((request.method, len(parts)), ()):
            found: dict[str, str] = {}
            for want, part in zip(wanted, parts, strict=True):
                if want.startswith("{"):
                    found[want[1:-1]] = part
                elif want != part:
                    break
            else:
                request.parts = found
                return template, endpoint
        return "", None


def classic(path: str) -> str:
    """The v3 or v4 path that a dated one stands for; others as they are."""
    dated = _DATED.match(path)
    if dated is not None:
        path = _CLASSIC[dated[1]] + path[dated.end() :]
        if dated[2] != "v3":
            path = _MOVED.sub(r"/crm/v4/objects/\1/\2/associations/", path)
    return path
