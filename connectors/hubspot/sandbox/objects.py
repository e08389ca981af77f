"""Records one by one, and lists of them: ``/crm/v3/objects/{type}``."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from connectors.hubspot.sandbox import reading
from connectors.hubspot.sandbox.api import Api, Reply, Request, Route
from connectors.hubspot.sandbox.checking import check
from connectors.hubspot.sandbox.errors import ApiError, bad_input, no_object
from connectors.hubspot.sandbox.kinds import Kind
from connectors.hubspot.sandbox.labels import Label
from connectors.hubspot.sandbox.merging import merge
from connectors.hubspot.sandbox.portal import Link
from connectors.hubspot.sandbox.shapes import View, written
from connectors.hubspot.sandbox.table import Row

LIST_PAGE, HISTORY_PAGE, DEFAULT_PAGE = 100, 50, 10


def view(api: Api, request: Request, kind: Kind) -> View:
    """What a GET asked to see."""
    others = [api.portal.kinds.find(name) for name in request.many("associations")]
    for other in others:
        api.need(other.reads)
    return View(
        api.portal,
        kind,
        request.many("properties"),
        history=request.many("propertiesWithHistory"),
        associations=others,
    )


def links(api: Api, kind: Kind, given: Any) -> list[Link]:
    """The associations of a creation. Raises ApiError."""
    found: list[Link] = []
    for one in given or ():
        try:
            target, types = str(one["to"]["id"]), list(one["types"])
        except (KeyError, TypeError):
            raise bad_input("an association needs to.id and types") from None
        if not types:
            raise bad_input("an association needs to.id and types")
        labels = [_label(api, kind, type) for type in types]
        other = labels[0][0]
        row = api.portal.find(other, target)
        if row is None:
            raise ApiError(
                400,
                f"{other.upper} {target} does not exist",
                context={"id": [target]},
                subCategory="crm.associations.INVALID_IDENTIFIER",
            )
        found.append((other, row.id, [label for _, label in labels]))
    return found


def _label(api: Api, kind: Kind, type: Any) -> tuple[Kind, Label]:
    id = reading.whole(type, "associationTypeId", 0) if isinstance(type, dict) else 0
    for (source, target), labels in api.portal.labels.of.items():
        if source == kind.id:
            for label in labels:
                if label.type_id == id:
                    return api.portal.kinds.by_id[target], label
    raise ApiError(400, f"{id} is no association type from {kind.id}")


def _list(api: Api, request: Request) -> Reply:
    kind = api.kind(request)
    most = HISTORY_PAGE if request.many("propertiesWithHistory") else LIST_PAGE
    limit = request.number("limit", DEFAULT_PAGE)
    if not 0 < limit <= most:
        raise ApiError(400, f"limit must be between 1 and {most}; it is {limit}")
    shown = view(api, request, kind)
    rows, following = api.portal.table(kind).page(
        request.number("after", 0), limit, archived=request.flag("archived")
    )
    body: dict[str, Any] = {"results": [shown.row(row) for row in rows]}
    if following is not None:
        query = [(n, v) for n, v in request.query if n != "after"]
        link = f"{request.base}{request.path}?{urlencode([*query, ('after', str(following))])}"
        body["paging"] = {"next": {"after": str(following), "link": link}}
    return Reply(body, rows=len(rows))


def _get(api: Api, request: Request) -> Reply:
    kind, key = api.kind(request), request.parts["id"]
    shown = view(api, request, kind)
    if request.flag("archived"):
        row = api.portal.table(kind).rows.get(int(key)) if key.isdecimal() else None
        if row is None or row.archived is None:
            raise no_object(key)
    else:
        row = api.portal.get(kind, key, request.one("idProperty") or None)
    return Reply(shown.row(row), rows=1)


def _create(api: Api, request: Request) -> Reply:
    kind, body = api.kind(request, write=True), request.json()
    given = body.get("properties") or {}
    row = api.portal.create(kind, given, links(api, kind, body.get("associations")))
    return Reply(written(api.portal, kind, row, given, whole=True), 201, rows=1)


def _update(api: Api, request: Request) -> Reply:
    kind = api.kind(request, write=True)
    row = api.portal.get(kind, request.parts["id"], request.one("idProperty") or None)
    given = request.json().get("properties") or {}
    api.portal.update(kind, row, check(api.portal, kind, given, row))
    return Reply(written(api.portal, kind, row, given), rows=1)


def _archive(api: Api, request: Request) -> Reply:
    kind = api.kind(request, write=True)
    row = api.portal.find(kind, request.parts["id"])
    if row is not None:
        api.portal.archive(kind, row)
    return Reply(None, 204, rows=int(row is not None))


def _merge(api: Api, request: Request) -> Reply:
    kind, body = api.kind(request, write=True), request.json()
    rows: list[Row] = []
    for name in ("primaryObjectId", "objectIdToMerge"):
        row = api.portal.find(kind, str(body.get(name) or ""))
        if row is None:
            raise ApiError(400, f"{name} {reading.key(body, name)} does not exist")
        rows.append(row)
    if rows[0] is rows[1]:
        raise ApiError(400, "An object cannot be merged with itself.")
    merged = merge(api.portal, kind, *rows)
    return Reply(written(api.portal, kind, merged, (), whole=True), rows=1)


def _forget(api: Api, request: Request) -> Reply:
    kind, body = api.kind(request, write=True), request.json()
    by = str(body.get("idProperty") or "") or None
    row = api.portal.find(kind, str(body.get("objectId") or ""), by)
    if row is not None:
        api.portal.archive(kind, row)
        api.portal.table(kind).remove(row)
    return Reply(None, 204)


ROUTES: tuple[Route, ...] = (
    ("GET", "/crm/v3/objects/{type}", _list),
    ("POST", "/crm/v3/objects/{type}", _create),
    ("GET", "/crm/v3/objects/{type}/{id}", _get),
    ("PATCH", "/crm/v3/objects/{type}/{id}", _update),
    ("DELETE", "/crm/v3/objects/{type}/{id}", _archive),
    ("POST", "/crm/v3/objects/{type}/merge", _merge),
    ("POST", "/crm/v3/objects/{type}/gdpr-delete", _forget),
)
