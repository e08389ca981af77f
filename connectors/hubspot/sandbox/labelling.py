"""Association labels, and the v3 associations that clients still read."""

from __future__ import annotations

from typing import Any

from connectors.hubspot.sandbox import reading
from connectors.hubspot.sandbox.api import Api, Reply, Request, Route
from connectors.hubspot.sandbox.batches import finish
from connectors.hubspot.sandbox.errors import bad_input, not_found
from connectors.hubspot.sandbox.links import READ, Ends, ends_of, none_found
from connectors.hubspot.sandbox.shapes import type_name


def _list_labels(api: Api, request: Request) -> Reply:
    ends = ends_of(api, request)
    found = api.portal.labels.of.get((ends[0].id, ends[1].id), ())
    return Reply({"results": [one.wire() for one in found]})


def _define(api: Api, request: Request) -> Reply:
    ends, body = ends_of(api, request, write=True), request.json()
    label = str(body.get("label") or "")
    if not label or not body.get("name"):
        raise bad_input("an association label needs a label and a name")
    inverse = body.get("inverseLabel")
    made = api.portal.labels.define(ends[0].id, ends[1].id, label, inverse)
    return Reply({"results": [one.wire() for one in made]})


def _undefine(api: Api, request: Request) -> Reply:
    ends = ends_of(api, request, write=True)
    id = reading.whole(request.parts, "label", 0)
    held = api.portal.labels.by_id(ends[0].id, ends[1].id, id)
    if held is None or held.category != "USER_DEFINED" or held.label is None:
        raise not_found()
    api.portal.labels.remove(ends[0].id, ends[1].id, id)
    return Reply(None, 204)


def _named(api: Api, ends: Ends, id: int) -> list[dict[str, str]]:
    held = api.portal.graph.targets((ends[0].id, ends[1].id), id)
    return [
        {"id": str(target), "type": type_name(api.portal, *ends, type_id)}
        for target, types in held.items()
        for type_id in types
    ]


def _read_v3(api: Api, request: Request) -> Reply:
    ends, started = ends_of(api, request), api.portal.now()
    results: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for one in request.inputs(READ):
        key = str(one.get("id"))
        row = api.portal.find(ends[0], key)
        found = [] if row is None else _named(api, ends, row.id)
        if found:
            results.append({"from": {"id": key}, "to": found})
        else:
            errors.append(none_found(ends, key))
    return finish(started, api.portal.now(), results, errors)


def _of_one_v3(api: Api, request: Request) -> Reply:
    ends = ends_of(api, request)
    row = api.portal.get(ends[0], request.parts["id"])
    found = _named(api, ends, row.id)
    return Reply({"results": found}, rows=len(found))


_V4, _V3 = "/crm/v4/associations/{from}/{to}", "/crm/v3/associations/{from}/{to}"
ROUTES: tuple[Route, ...] = (
    ("GET", f"{_V4}/labels", _list_labels),
    ("POST", f"{_V4}/labels", _define),
    ("DELETE", f"{_V4}/labels/{{label}}", _undefine),
    ("POST", f"{_V3}/batch/read", _read_v3),
    ("GET", "/crm/v3/objects/{from}/{id}/associations/{to}", _of_one_v3),
)
