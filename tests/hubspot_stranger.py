"""A HubSpot that nobody here designed the connector for: plain, small, and odd where it may be.

It shares nothing with the sandbox. It is a bare HTTPS server with a few dictionaries, as somebody
would write who has read HubSpot's pages for an afternoon; `ways` makes it poorer or stricter.
"""

from __future__ import annotations

import json
import random
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import trustme

Told: TypeAlias = tuple[int, Any] | tuple[int, Any, dict[str, str]]
Row: TypeAlias = dict[str, Any]
TOKEN = "pat-eu1-stranger"

UNIQUE = ("syncd_key",)


def _now() -> str:
    now = datetime.now(UTC)  # noqa: TID251 - a portal stamps its records with a clock of its own
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Refused(Exception):  # noqa: N818 - an answer, not a failure
    """A refusal: status and body."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        body = {"status": "error", "message": message, "correlationId": "s-1", **more}
        self.told: Told = (status, body)


@dataclass(slots=True)
class Stranger:
    """The portal. `ways` names how it differs from the full thing; see `_ROUTES` and below.

    `without` are routes ("GET /account-info/v3/details") that answer 404, `forbidden` those that
    answer 403. `strike` may answer a call before it is carried out, or after (`after` true).
    """

    ways: set[str] = field(default_factory=set)
    without: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    records: dict[str, dict[str, Row]] = field(default_factory=dict)
    catalogue: dict[str, dict[str, Row]] = field(default_factory=dict)
    links: dict[tuple[str, str], dict[str, list[str]]] = field(default_factory=dict)
    people: list[Row] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    strike: Callable[[str, bool], Told | str | None] = lambda _name, _after: None
    lock: threading.RLock = field(default_factory=threading.RLock)
    number: int = 900

    # --- what a test puts in ---------------------------------------------------------------

    def add(self, kind: str, **properties: Any) -> str:
        """A record; its id."""
        self.number += 1
        id = str(self.number)
        now = _now()
        stamp = "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"
        held = {"createdate": now, stamp: now, "hs_object_id": id, **properties}
        self.records.setdefault(kind, {})[id] = {"id": id, "properties": held, "at": now}
        known = self.catalogue.setdefault(kind, {})
        for name in held:
            known.setdefault(name, {"name": name, "type": "string", "fieldType": "text"})
        return id

    def describe(self, kind: str, *names: str, type: str = "string", form: str = "text") -> None:
        """Properties that the catalogue shows."""
        for name in names:
            shown = {"name": name, "label": name, "type": type, "fieldType": form}
            self.catalogue.setdefault(kind, {})[name] = shown

    def link(self, kind: str, id: str, to: str, other: str) -> None:
        """An association, both ways."""
        self.links.setdefault((kind, to), {}).setdefault(id, []).append(other)
        self.links.setdefault((to, kind), {}).setdefault(other, []).append(id)

    # --- answering -------------------------------------------------------------------------

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Told | str:
        """The answer to a request; "drop" breaks the connection."""
        parts = urlsplit(target)
        path = parts.path.rstrip("/")
        name = f"{method} {path}"
        with self.lock:
            self.calls.append(name)
            struck = self.strike(name, False)
            if struck is not None:
                return struck
            told = self._told(name, path, method, parse_qs(parts.query), headers, body)
            return self.strike(name, True) or told

    def _told(
        self,
        name: str,
        path: str,
        method: str,
        query: dict[str, list[str]],
        headers: Any,
        body: bytes,
    ) -> Told:
        try:
            return self._act(name, path, method, query, headers, body)
        except Refused as refused:
            return refused.told

    def _act(
        self,
        name: str,
        path: str,
        method: str,
        query: dict[str, list[str]],
        headers: Any,
        body: bytes,
    ) -> Told:
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            raise Refused(401, "Authentication credentials not found.")
        if name in self.forbidden:
            raise Refused(403, "This app hasn't been granted all required scopes")
        asked = json.loads(body) if body else {}
        for verb, form, act in () if name in self.without else _ROUTES:
            found = re.fullmatch(form, path)
            if verb == method and found:
                return act(self, query, asked, **found.groupdict())
        raise Refused(404, "resource not found")

    def details(self, _query: Any, _asked: Any) -> Told:
        return 200, {"portalId": 4242, "timeZone": "Europe/Madrid", "companyCurrency": "EUR"}

    def owners(self, query: dict[str, list[str]], _asked: Any) -> Told:
        if query.get("archived") == ["true"] and "no archived" in self.ways:
            raise Refused(400, "archived is not supported")
        gone = query.get("archived") == ["true"]
        shown = [p for p in self.people if bool(p.get("archived")) == gone]
        return 200, {"results": shown}

    def pipelines(self, _query: Any, _asked: Any, kind: str) -> Told:
        del kind
        stages = [
            {"id": "open1", "label": "Talking", "metadata": {"isClosed": "false"}},
            {"id": "won1", "label": "Signed", "metadata": {"isClosed": "true", "probability": "1"}},
        ]
        return 200, {"results": [{"id": "default", "label": "Sales", "stages": stages}]}

    def properties(self, _query: Any, _asked: Any, kind: str) -> Told:
        if kind not in self.catalogue:
            raise Refused(404, "resource not found")
        return 200, {"results": list(self.catalogue[kind].values())}

    def define(self, _query: Any, asked: Row, kind: str) -> Told:
        known = self.catalogue.setdefault(kind, {})
        if asked["name"] in known:
            raise Refused(409, f"A property named '{asked['name']}' already exists.")
        known[asked["name"]] = asked
        return 201, asked

    def groups(self, _query: Any, _asked: Any, kind: str) -> Told:
        del kind
        return 200, {"results": []}

    def group(self, _query: Any, asked: Row, kind: str) -> Told:
        del kind
        return 201, asked

    # --- records ---------------------------------------------------------------------------

    def _shown(self, kind: str, id: str, names: list[str]) -> Row:
        row = self.records[kind][id]
        held = row["properties"]
        shown: Row = {"id": id, "properties": {n: held.get(n) for n in names}}
        if "bare rows" not in self.ways:
            shown |= {"createdAt": row["at"], "updatedAt": row["at"], "archived": False}
        return shown

    def page(self, query: dict[str, list[str]], _asked: Any, kind: str) -> Told:
        if kind not in self.catalogue:
            raise Refused(400, f"Unable to infer object type from: {kind}")
        if query.get("archived", ["false"]) == ["true"]:
            if "no archived" in self.ways:
                raise Refused(400, "archived is not supported")
            if "archived ignored" not in self.ways:
                return 200, {"results": []}
        names = [one for value in query.get("properties", []) for one in value.split(",")]
        limit = int(query.get("limit", ["10"])[0])
        if limit > 100:
            raise Refused(400, "limit is too large")
        after = query.get("after", [""])[0]
        start = int(after.partition("~")[2] or 0) if after else 0
        ids = sorted(self.records.get(kind, {}), key=int)
        shown = [self._shown(kind, id, names) for id in ids[start : start + limit]]
        told: Row = {"results": self._mixed(shown)}
        if start + limit < len(ids):
            told["paging"] = {"next": {"after": f"k~{start + limit}"}}
        return 200, told

    def _mixed(self, rows: list[Row]) -> list[Row]:
        if "shuffled" in self.ways:
            random.Random(len(rows)).shuffle(rows)
        return rows

    def search(self, _query: Any, asked: Row, kind: str) -> Told:
        limit = min(int(asked.get("limit", 10)), 100 if "small search" in self.ways else 200)
        found = [
            id
            for id in sorted(self.records.get(kind, {}), key=int)
            if any(
                all(self._holds(kind, id, one) for one in group["filters"])
                for group in asked["filterGroups"]
            )
        ]
        start = int(asked.get("after") or 0)
        rows = [self._shown(kind, id, asked.get("properties", [])) for id in found]
        rows = self._mixed(rows)[start : start + limit]
        told: Row = {"total": len(found), "results": rows}
        if start + limit < len(found):
            told["paging"] = {"next": {"after": str(start + limit)}}
        return 200, told

    def _holds(self, kind: str, id: str, condition: Row) -> bool:
        held = self.records[kind][id]["properties"].get(condition["propertyName"])
        operator = condition["operator"]
        if condition["propertyName"] == "hs_object_id" and "no id filter" in self.ways:
            return False
        if operator == "HAS_PROPERTY":
            return held not in {None, ""}
        if operator in {"EQ", "IN"}:
            return held in [condition.get("value"), *condition.get("values", [])]
        wanted = float(condition["value"])
        if held and not str(held).isdecimal():
            held = datetime.fromisoformat(str(held)).timestamp() * 1000
        return float(held or 0) > wanted or (operator == "GTE" and float(held or 0) == wanted)

    def _find(self, kind: str, one: Row) -> str | None:
        name = one.get("idProperty")
        for id, row in self.records.get(kind, {}).items():
            if (row["properties"].get(name) if name else id) == str(one["id"]):
                return id
        return None

    def one(self, query: dict[str, list[str]], _asked: Any, kind: str, id: str) -> Told:
        found = self._find(kind, {"id": id, "idProperty": query.get("idProperty", [""])[0]})
        if found is None:
            raise Refused(404, "resource not found")
        return 200, self._shown(kind, found, query.get("properties", []))

    def read(self, _query: Any, asked: Row, kind: str) -> Told:
        named = {"idProperty": asked["idProperty"]} if "idProperty" in asked else {}
        found = [self._find(kind, one | named) for one in asked["inputs"]]
        shown = [self._shown(kind, id, asked.get("properties", [])) for id in found if id]
        if "strict batches" in self.ways and not shown:
            raise Refused(404, "resource not found")
        return 200, {"status": "COMPLETE", "results": self._mixed(shown)}

    def _change(self, kind: str, one: Row, id: str | None) -> Row:
        for name, value in one["properties"].items():
            if name not in self.catalogue.get(kind, {}):
                raise Refused(
                    400,
                    "Property values were not valid",
                    category="VALIDATION_ERROR",
                    errors=[
                        {
                            "message": f'Property "{name}" does not exist',
                            "code": "PROPERTY_DOESNT_EXIST",
                            "context": {"propertyName": [name]},
                        }
                    ],
                )
            if value == "cursed":
                raise Refused(400, f"{name} was cursed", category="VALIDATION_ERROR")
        new = id is None
        id = id or self.add(kind)
        held = self.records[kind][id]["properties"]
        held.update({n: v or None for n, v in one["properties"].items()})
        stamp = "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"
        held[stamp] = _now()
        told = self._shown(kind, id, ["hs_object_id", *one["properties"]])
        return told | ({"new": new} if "bare rows" not in self.ways else {})

    def update(self, _query: Any, asked: Row, kind: str) -> Told:
        ids = [self._find(kind, one) for one in asked["inputs"]]
        if len(asked["inputs"]) > 100 or None in ids:
            raise Refused(400, "Some ids are wrong", category="VALIDATION_ERROR")
        before = json.dumps(self.records.get(kind, {}))
        try:
            done = [self._change(kind, *pair) for pair in zip(asked["inputs"], ids, strict=True)]
        except Refused:
            self.records[kind] = json.loads(before)
            raise
        return 200, {"status": "COMPLETE", "results": self._mixed(done)}

    def upsert(self, _query: Any, asked: Row, kind: str) -> Told:
        done = [self._change(kind, one, self._find(kind, one)) for one in asked["inputs"]]
        return 200, {"status": "COMPLETE", "results": self._mixed(done)}

    def create(self, _query: Any, asked: Row, kind: str) -> Told:
        done = []
        for one in asked["inputs"]:
            for name in UNIQUE:
                key = one["properties"].get(name)
                if key and self._find(kind, {"id": key, "idProperty": name}):
                    raise Refused(409, "already exists", category="CONFLICT")
            done.append(self._change(kind, one, None))
        return 201, {"status": "COMPLETE", "results": self._mixed(done)}

    # --- links -----------------------------------------------------------------------------

    def linked(self, _query: Any, asked: Row, kind: str, to: str) -> Told:
        known = self.links.get((kind, to), {})
        results, errors = [], []
        for one in asked["inputs"]:
            others = [int(id) for id in known.get(one["id"], [])]
            if others:
                types = [{"category": "HUBSPOT_DEFINED", "typeId": 341, "label": None}]
                shown = [{"toObjectId": id, "associationTypes": types} for id in others]
                results.append({"from": {"id": one["id"]}, "to": shown})
            else:
                errors.append(
                    {
                        "status": "error",
                        "category": "OBJECT_NOT_FOUND",
                        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                        "message": f"No {to} is associated with {kind} {one['id']}.",
                        "context": {"fromObjectId": [one["id"]]},
                    }
                )
        told: Row = {"status": "COMPLETE", "results": self._mixed(results)}
        if errors and "fewer links" not in self.ways:
            return 207, told | {"numErrors": len(errors), "errors": errors}
        return 200, told

    def associate(self, _query: Any, asked: Row, kind: str, to: str) -> Told:
        for pair in asked["inputs"]:
            self.link(kind, pair["from"]["id"], to, pair["to"]["id"])
        return 200, {"status": "COMPLETE", "results": []}

    def associate_typed(self, _query: Any, asked: Row, kind: str, to: str) -> Told:
        for pair in asked["inputs"]:
            if not all(one.get("associationTypeId") for one in pair["types"]):
                raise Refused(400, "no association type")
            self.link(kind, pair["from"]["id"], to, pair["to"]["id"])
        return 201, {"status": "COMPLETE", "results": []}


_KIND = r"(?P<kind>[^/]+)"
_TO = r"(?P<to>[^/]+)"
_ROUTES: tuple[tuple[str, str, Callable[..., Told]], ...] = (
    ("GET", "/account-info/v3/details", Stranger.details),
    ("GET", "/crm/v3/owners", Stranger.owners),
    ("GET", f"/crm/v3/pipelines/{_KIND}", Stranger.pipelines),
    ("GET", f"/crm/v3/properties/{_KIND}", Stranger.properties),
    ("POST", f"/crm/v3/properties/{_KIND}", Stranger.define),
    ("GET", f"/crm/v3/properties/{_KIND}/groups", Stranger.groups),
    ("POST", f"/crm/v3/properties/{_KIND}/groups", Stranger.group),
    ("GET", f"/crm/v3/objects/{_KIND}", Stranger.page),
    ("GET", rf"/crm/v3/objects/{_KIND}/(?P<id>[^/]+)", Stranger.one),
    ("POST", f"/crm/v3/objects/{_KIND}/search", Stranger.search),
    ("POST", f"/crm/v3/objects/{_KIND}/batch/read", Stranger.read),
    ("POST", f"/crm/v3/objects/{_KIND}/batch/create", Stranger.create),
    ("POST", f"/crm/v3/objects/{_KIND}/batch/update", Stranger.update),
    ("POST", f"/crm/v3/objects/{_KIND}/batch/upsert", Stranger.upsert),
    ("POST", f"/crm/v4/associations/{_KIND}/{_TO}/batch/read", Stranger.linked),
    ("POST", f"/crm/v4/associations/{_KIND}/{_TO}/batch/associate/default", Stranger.associate),
    ("POST", f"/crm/v4/associations/{_KIND}/{_TO}/batch/create", Stranger.associate_typed),
)


@contextmanager
def serving(stranger: Stranger, folder: Path) -> Iterator[tuple[str, Path]]:
    """Serve it on loopback; its address, and its certificate authority's file."""

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            told = stranger.answer(self.command, self.path, self.headers, body)
            if isinstance(told, str):
                if told == "drop":
                    self.close_connection = True
                    return
                told = 200, told
            body_told = told[1] if isinstance(told[1], str) else json.dumps(told[1])
            status, text, media = told[0], body_told.encode(), "application/json"
            self.send_response(status)
            for header, value in told[2].items() if len(told) > 2 else ():
                self.send_header(header, value)
            self.send_header("Content-Type", media)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = do_PUT = _any  # noqa: N815 - http.server's names

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    authority = trustme.CA()
    ca_file = folder / "stranger-ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}", ca_file
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
