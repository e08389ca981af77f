"""An org that is as bare as an API can be: what a CRM nobody here wrote may lack or do.

It shares no code with the sandbox. Describes tell names and types only; there are no limits, no
versions, no queryAll, no collections, no setup objects, no rows that say more than was asked.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Row = dict[str, Any]

STAMP = "2026-05-06T11:56:44.000+0000"
SELECT = re.compile(
    r"SELECT (?P<fields>.+?) FROM (?P<object>\w+)(?: WHERE (?P<where>.+?))?"
    r"(?: ORDER BY .+?)?(?: LIMIT \d+)?$"
)
TERM = re.compile(r"\((\w+) (>=|>|=|IN|LIKE) (.+?)\)(?= AND |$)")


@dataclass
class Bare:
    """The org: rows by object, the fields that each describe tells, and its habits.

    `credentials`: where the token endpoint looks for them ("header" or "form"). `token` is added
    to the token's reply. `page` is the size of a page; `absolute` gives whole addresses as
    nextRecordsUrl. `answers` are given before anything else, each once: (status, body), or None
    for a connection that breaks off once the call was carried out.
    """

    rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    kinds: dict[str, dict[str, str]] = field(default_factory=dict)
    credentials: str = "header"
    token: dict[str, str] = field(default_factory=dict)
    page: int = 2_000
    absolute: bool = False
    answers: list[tuple[int, Any] | None] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    logins: int = 0
    _found: dict[str, list[Row]] = field(default_factory=dict)

    def add(self, object: str, id: str, **fields: Any) -> None:
        """A row, as the API gives it."""
        kinds = self.kinds.setdefault(object, {"Id": "id", "SystemModstamp": "datetime"})
        for name, value in fields.items():
            kinds.setdefault(name, "boolean" if isinstance(value, bool) else "string")
        row = {"Id": id, "SystemModstamp": STAMP, **fields}
        self.rows.setdefault(object, {})[id] = row

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        body = await request.body()
        path = scope["raw_path"].decode()
        if path.endswith("/oauth2/token"):
            response = self._log_in(request, body)
        else:
            response = self._answer(request, path, body)
        await response(scope, receive, send)

    def _log_in(self, request: Request, body: bytes) -> Response:
        self.logins += 1
        form = {key: value[0] for key, value in parse_qs(body.decode()).items()}
        if self.credentials == "header":
            basic = request.headers.get("authorization", "").removeprefix("Basic ")
            given = base64.b64decode(basic).decode()
        else:
            given = f"{form.get('client_id')}:{form.get('client_secret')}"
        if given != "app:a-secret" or form.get("grant_type") != "client_credentials":
            return _said(401, {"error": "invalid_client", "error_description": "who are you?"})
        return _said(200, {"access_token": f"token{self.logins}", **self.token})

    def _answer(self, request: Request, path: str, body: bytes) -> Response:
        self.calls.append(f"{request.method} {path.partition('/v66.0/')[2] or path}")
        if request.headers.get("authorization") != f"Bearer token{self.logins}":
            return _said(401, [{"errorCode": "INVALID_SESSION_ID", "message": "expired"}])
        first: tuple[int, Any] | None = (0, None)
        if self.answers:
            first = self.answers.pop(0)
            if first is not None and first[0]:
                return _said(*first)
        made = self._made(request, path.partition("/v66.0/")[2], body)
        return _Broken() if first is None else made

    def _made(self, request: Request, path: str, body: bytes) -> Response:
        parts = [unquote(part) for part in path.strip("/").split("/")]
        if request.method == "GET" and parts[0] == "query":
            return self._query(request, parts[1:])
        if request.method == "GET" and parts[0] == "sobjects" and parts[-1] == "describe":
            return self._describe(parts[1])
        if request.method == "PATCH" and parts[0] == "sobjects":
            return self._patch(parts[1:], json.loads(body))
        return _said(404, [{"errorCode": "NOT_FOUND", "message": "no such resource"}])

    def _describe(self, object: str) -> Response:
        if object not in self.kinds:
            return _said(404, [{"errorCode": "NOT_FOUND", "message": "no such resource"}])
        return _said(
            200, {"fields": [{"name": n, "type": kind} for n, kind in self.kinds[object].items()]}
        )

    def _patch(self, parts: list[str], fields: Row) -> Response:
        table = self.rows.setdefault(parts[0], {})
        if len(parts) == 2:
            if parts[1] not in table:
                return _said(404, [{"errorCode": "NOT_FOUND", "message": "no such record"}])
            table[parts[1]].update(fields)
            return Response(b"", 204)
        assert parts[1] not in fields, "the key stands in the address alone"
        for row in table.values():
            if row.get(parts[1]) == parts[2]:
                row.update(fields)
                return Response(b"", 204)
        id = f"00T{len(table):015}"
        self.add(parts[0], id, **{parts[1]: parts[2]}, **fields)
        return _said(201, {"id": id, "success": True, "errors": []})

    def _query(self, request: Request, rest: list[str]) -> Response:
        if "NO SENSE" in request.query_params.get("q", ""):
            text = "unexpected token: 'NO'"
            return _said(400, [{"errorCode": "MALFORMED_QUERY", "message": text}])
        if not rest or not rest[0]:
            asked = SELECT.match(request.query_params["q"])
            assert asked, request.query_params["q"]
            if asked["object"] not in self.kinds:
                text = f"sObject type '{asked['object']}' is not supported."
                return _said(400, [{"errorCode": "INVALID_TYPE", "message": text}])
            names = asked["fields"].split(", ")
            known = self.kinds[asked["object"]]
            for name in names:
                if name not in known:
                    text = f"No such column '{name}' on entity '{asked['object']}'."
                    return _said(400, [{"errorCode": "INVALID_FIELD", "message": text}])
            rows = self.rows.get(asked["object"], {}).values()
            found = [row for row in rows if _fits(row, asked["where"] or "")]
            self._found["L"] = [{name: row.get(name) for name in names} for row in found]
            start = 0
        else:
            start = int(rest[0].partition("-")[2])
        shown = self._found["L"][start : start + self.page]
        answer: Row = {"records": shown}
        if start + self.page < len(self._found["L"]):
            root = str(request.base_url).rstrip("/") if self.absolute else ""
            answer["nextRecordsUrl"] = f"{root}/services/data/v66.0/query/L-{start + self.page}"
        return _said(200, answer)


class _Broken(Response):
    """Closes the connection in the midst of the answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Promise a body and never send it."""
        del scope, receive
        headers = [(b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


def _said(status: int, body: Any) -> Response:
    if isinstance(body, str):
        return Response(body, status, media_type="text/html")
    text = gzip.compress(json.dumps(body).encode())
    return Response(text, status, {"Content-Encoding": "gzip"}, "application/json")


def _fits(row: Row, where: str) -> bool:
    return all(_true(row.get(name), sign, value) for name, sign, value in TERM.findall(where))


def _true(value: Any, sign: str, literal: str) -> bool:
    text = str(value or "")
    if sign == "IN":
        return text in re.findall(r"'([^']*)'", literal)
    wanted = literal.strip("'")
    if sign == "LIKE":
        return text.startswith(wanted.rstrip("%"))
    if sign == "=":
        return text == wanted
    return text >= wanted if sign == ">=" else text > wanted
