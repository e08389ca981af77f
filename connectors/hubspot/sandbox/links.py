"""Associations between records: ``/crm/v4/associations`` and ``/crm/v4/objects``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.hubspot.sandbox import reading
from connectors.hubspot.sandbox.api import Api, Reply, Request, Route
from connectors.hubspot.sandbox.batches import finish
from connectors.hubspot.sandbox.errors import ApiError, bad_input, no_object
from connectors.hubspot.sandbox.kinds import Kind
from connectors.hubspot.sandbox.labels import Label

READ, CREATE, ARCHIVE, PAGE = 1_000, 2_000, 100, 500
_INVALID = "crm.associations.INVALID_IDENTIFIER"
_NONE = "crm.associations.NO_ASSOCIATIONS_FOUND"

Ends = tuple[Kind, Kind]


def ends_of(api: Api, request: Request, *, write: bool = False) -> Ends:
    """The two object types that the path names, if the token may read (or write) both."""
    return api.kind(request, "from", write=write), api.kind(request, "to", write=write)


def _targets(
    api: Api, ends: Ends, id: int, after: int = 0, limit: int = PAGE
) -> tuple[list[dict[str, Any]], int | None]:
    """Associated records in the order of ids; the id to go on from."""
    pair = (ends[0].id, ends[1].id)
    held = api.portal.graph.targets(pair, id)
    ids = sorted(one for one in held if one >= after)
    labels = {one.type_id: one.wire() for one in api.portal.labels.of.get(pair, ())}
    shown = [
        {"toObjectId": one, "associationTypes": [labels[t] for t in held[one] if t in labels]}
        for one in ids[:limit]
    ]
    return shown, ids[limit] if len(ids) > limit else None


def _read(api: Api, request: Request) -> Reply:
    ends, started = ends_of(api, request), api.portal.now()
    results: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for one in request.inputs(READ):
        key = reading.key(one)
        row = api.portal.find(ends[0], key)
        after = str(one.get("after") or "0")
        start = int(after) if after.isdecimal() else 0
        shown, following = ([], None) if row is None else _targets(api, ends, row.id, start)
        if not shown:
            errors.append(none_found(ends, key))
            continue
        result: dict[str, Any] = {"from": {"id": key}, "to": shown}
        if following is not None:
            link = f"{request.base}{request.path}?after={following}"
            result["paging"] = {"next": {"after": str(following), "link": link}}
        results.append(result)
    return finish(started, api.portal.now(), results, errors)


def none_found(ends: Ends, key: str) -> dict[str, Any]:
    """The error that tells of a record without associations."""
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": _NONE,
        "message": f"No {ends[1].singular} is associated with {ends[0].singular} {key}.",
        "context": {
            "fromObjectId": [key],
            "fromObjectType": [ends[0].singular],
            "toObjectType": [ends[1].singular],
        },
    }


def _labels(api: Api, ends: Ends, types: Any) -> list[Label]:
    found: list[Label] = []
    for type in reading.objects(types, "types"):
        id = reading.whole(type, "associationTypeId", 0)
        label = api.portal.labels.by_id(ends[0].id, ends[1].id, id)
        if label is None:
            for (source, _), labels in api.portal.labels.of.items():
                if source != ends[0].id and any(one.type_id == id for one in labels):
                    raise ApiError(
                        400,
                        f"invalid from object type {ends[0].id} for associations to be created. "
                        f"expected: {source}",
                    )
            raise ApiError(400, f"{id} is no association type from {ends[0].id} to {ends[1].id}")
        found.append(label)
    if not found:
        raise bad_input("types must name at least one association type")
    return found


def _pair(api: Api, ends: Ends, one: dict[str, Any]) -> tuple[int, int]:
    ids: list[int] = []
    for kind, side in zip(ends, ("from", "to"), strict=True):
        key = reading.end(one, side)
        row = api.portal.find(kind, key)
        if row is None:
            raise ApiError(
                400, f"{key} is not a valid ID", subCategory=_INVALID, context={"id": [key]}
            )
        ids.append(row.id)
    if ends[0] is ends[1] and ids[0] == ids[1]:
        raise ApiError(400, f"Object {ids[0]} cannot be associated to itself ({ids[1]})")
    return ids[0], ids[1]


def _made(api: Api, ends: Ends, pair: tuple[int, int], labels: list[Label]) -> dict[str, Any]:
    api.portal.connect(ends[0], pair[0], ends[1], pair[1], labels)
    return {
        "fromObjectTypeId": ends[0].id,
        "fromObjectId": pair[0],
        "toObjectTypeId": ends[1].id,
        "toObjectId": pair[1],
        "labels": [one.label for one in labels if one.label is not None],
    }


def _each(
    api: Api, request: Request, most: int, make: Callable[[dict[str, Any]], list[Any]]
) -> tuple[list[Any], list[Any]]:
    results: list[Any] = []
    errors: list[Any] = []
    for one in request.inputs(most):
        try:
            results += make(one)
        except ApiError as error:
            if "expected:" in error.message:
                raise
            errors.append(error.entry())
    api.portal.settle()
    return results, errors


def _create(api: Api, request: Request) -> Reply:
    ends, started = ends_of(api, request, write=True), api.portal.now()

    def make(one: dict[str, Any]) -> list[Any]:
        labels = _labels(api, ends, one.get("types"))
        return [_made(api, ends, _pair(api, ends, one), labels)]

    results, errors = _each(api, request, CREATE, make)
    return finish(started, api.portal.now(), results, errors, done=201)


def _associate(api: Api, request: Request) -> Reply:
    ends, started = ends_of(api, request, write=True), api.portal.now()
    there = _default(api, ends)

    def make(one: dict[str, Any]) -> list[Any]:
        pair = _pair(api, ends, one)
        _made(api, ends, pair, [there])
        return _both(ends, pair, there)

    results, errors = _each(api, request, CREATE, make)
    return finish(started, api.portal.now(), results, errors)


def _default(api: Api, ends: Ends) -> Label:
    found = api.portal.labels.default(ends[0].id, ends[1].id)
    if found is None:
        raise ApiError(400, f"{ends[0].id} cannot be associated with {ends[1].id}")
    return found


def _both(ends: Ends, pair: tuple[int, int], there: Label) -> list[dict[str, Any]]:
    def shown(source: int, target: int, type_id: int) -> dict[str, Any]:
        spec = {"associationCategory": there.category, "associationTypeId": type_id}
        return {
            "from": {"id": str(source)},
            "to": {"id": str(target)},
            "associationSpec": spec,
        }

    results = [shown(*pair, there.type_id)]
    return [*results, shown(pair[1], pair[0], there.inverse)] if ends[0] is not ends[1] else results


def _archive(api: Api, request: Request) -> Reply:
    ends = ends_of(api, request, write=True)
    for one in request.inputs(ARCHIVE):
        targets: Any = one.get("to")
        source = reading.end(one, "from")
        for target in reading.objects(targets if isinstance(targets, list) else [targets], "to"):
            other = reading.key(target)
            if source.isdecimal() and other.isdecimal():
                api.portal.disconnect(ends[0], int(source), ends[1], int(other))
    api.portal.settle()
    return Reply(None, 204)


def _unlabel(api: Api, request: Request) -> Reply:
    ends = ends_of(api, request, write=True)
    for one in request.inputs(CREATE):
        pair = _pair(api, ends, one)
        api.portal.graph.unlabel(
            (ends[0].id, ends[1].id), *pair, _labels(api, ends, one.get("types"))
        )
    return Reply(None, 204)


def _of_one(api: Api, request: Request) -> Reply:
    ends = ends_of(api, request)
    row = api.portal.find(ends[0], request.parts["id"])
    if row is None:
        raise no_object(request.parts["id"])
    limit = min(request.number("limit", PAGE), PAGE)
    shown, following = _targets(api, ends, row.id, request.number("after", 0), limit)
    body: dict[str, Any] = {"results": shown}
    if following is not None:
        link = f"{request.base}{request.path}?limit={limit}&after={following}"
        body["paging"] = {"next": {"after": str(following), "link": link}}
    return Reply(body, rows=len(shown))


def _one_pair(api: Api, request: Request, ends: Ends) -> tuple[int, int]:
    parts = request.parts
    return _pair(api, ends, {"from": {"id": parts["id"]}, "to": {"id": parts["target"]}})


def _put(api: Api, request: Request) -> Reply:
    ends = ends_of(api, request, write=True)
    types = request.array()
    made = _made(api, ends, _one_pair(api, request, ends), _labels(api, ends, types))
    api.portal.settle()
    return Reply(made, 201, rows=1)


def _put_default(api: Api, request: Request) -> Reply:
    ends, started = ends_of(api, request, write=True), api.portal.now()
    there, pair = _default(api, ends), _one_pair(api, request, ends)
    _made(api, ends, pair, [there])
    api.portal.settle()
    return finish(started, api.portal.now(), _both(ends, pair, there), [])


def _delete(api: Api, request: Request) -> Reply:
    ends = ends_of(api, request, write=True)
    ids = [request.parts["id"], request.parts["target"]]
    if all(one.isdecimal() for one in ids):
        api.portal.disconnect(ends[0], int(ids[0]), ends[1], int(ids[1]))
    api.portal.settle()
    return Reply(None, 204)


_V4 = "/crm/v4/associations/{from}/{to}"
_ONE = "/crm/v4/objects/{from}/{id}/associations"
ROUTES: tuple[Route, ...] = (
    ("POST", f"{_V4}/batch/read", _read),
    ("POST", f"{_V4}/batch/create", _create),
    ("POST", f"{_V4}/batch/associate/default", _associate),
    ("POST", f"{_V4}/batch/archive", _archive),
    ("POST", f"{_V4}/batch/labels/archive", _unlabel),
    ("GET", f"{_ONE}/{{to}}", _of_one),
    ("PUT", f"{_ONE}/{{to}}/{{target}}", _put),
    ("PUT", f"{_ONE}/default/{{to}}/{{target}}", _put_default),
    ("DELETE", f"{_ONE}/{{to}}/{{target}}", _delete),
)
