"""Up to 100 records at once: ``/crm/v3/objects/{type}/batch/...``.

A batch of writes whose inputs each bear an ``objectWriteTraceId`` of their own answers 207 with
an error for each bad input; any other is refused whole. Results come in no certain order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from connectors.hubspot.sandbox.api import Api, Reply, Request, Route
from connectors.hubspot.sandbox.checking import check
from connectors.hubspot.sandbox.errors import ApiError, Problem, PropertyError, bad_input
from connectors.hubspot.sandbox.kinds import Kind
from connectors.hubspot.sandbox.objects import links
from connectors.hubspot.sandbox.portal import Link
from connectors.hubspot.sandbox.shapes import View, written
from connectors.hubspot.sandbox.table import Row
from connectors.hubspot.sandbox.times import instant
from connectors.sandbox.faults import spoiled_row

MOST, MOST_WITH_HISTORY = 100, 50

Input = dict[str, Any]
Write = Callable[[], dict[str, Any]]
"""Carries out one checked input; its result."""


def finish(
    started: int, ended: int, results: list[Any], errors: list[Any], *, done: int = 200
) -> Reply:
    """The frame of a batch's answer: 207 where there are errors."""
    body: dict[str, Any] = {
        "completedAt": instant(ended),
        "status": "COMPLETE",
        "startedAt": instant(started),
        "results": results,
    }
    if errors:
        body |= {"errors": errors, "numErrors": len(errors)}
    return Reply(body, 207 if errors else done, rows=len(results))


def shuffled(rows: list[Any]) -> list[Any]:
    """The same in another order, which is certain for tests and surprising for callers."""
    return rows[1::2][::-1] + rows[0::2]


def refuse_duplicates(keys: Sequence[str]) -> None:
    """Raise ApiError (400) where an id is there twice."""
    twice = [key for key, count in Counter(keys).items() if count > 1]
    if twice:
        raise ApiError(
            400,
            f"Duplicate IDs found in batch input: [{', '.join(twice)}]. IDs must be unique",
            context={"ids": twice},
        )


def missing(kind: Kind, ids: Sequence[str]) -> list[dict[str, Any]]:
    """The error for ids that do not exist; none for no ids."""
    if not ids:
        return []
    return [
        {
            "status": "error",
            "category": "OBJECT_NOT_FOUND",
            "message": f"Could not get some {kind.upper} objects, they may be deleted or not "
            "exist. Check that ids are valid.",
            "context": {"ids": list(ids)},
        }
    ]


def _read(api: Api, request: Request) -> Reply:
    kind, body, started = api.kind(request), request.json(), api.portal.now()
    history = _names(body, "propertiesWithHistory")
    inputs = request.inputs(MOST_WITH_HISTORY if history else MOST)
    by = str(body.get("idProperty") or "") or None
    view = View(api.portal, kind, _names(body, "properties"), history=history)
    table, archived = api.portal.table(kind), request.flag("archived")
    rows: dict[int, Row] = {}
    unknown: list[str] = []
    for key in dict.fromkeys(_ids(inputs)):
        if archived:
            row = _archived(table.archived, table.rows, key, by)
        else:
            row = api.portal.find(kind, key, by)
        if row is None:
            unknown.append(key)
        else:
            rows[row.id] = row
    results = shuffled([view.row(row) for row in rows.values()])
    return finish(started, api.portal.now(), results, missing(kind, unknown))


def _archived(order: list[int], rows: dict[int, Row], key: str, by: str | None) -> Row | None:
    if by is None or by == "hs_object_id":
        row = rows.get(int(key)) if key.isdecimal() else None
        return row if row is not None and row.archived is not None else None
    return next((rows[id] for id in order if rows[id].properties.get(by) == key), None)


def _create(api: Api, request: Request) -> Reply:
    kind, inputs = api.kind(request, write=True), request.inputs(MOST)

    def prepare(one: Input) -> Write:
        given = one.get("properties") or {}
        values = check(api.portal, kind, given)
        api.portal.require(kind, values)
        wanted = links(api, kind, one.get("associations"))
        return lambda: _made(api, kind, given, wanted)

    return _carry_out(api, kind, inputs, prepare, done=201)


def _update(api: Api, request: Request) -> Reply:
    kind, inputs = api.kind(request, write=True), request.inputs(MOST)
    refuse_duplicates(_ids(inputs))
    found: list[Input] = []
    unknown: list[str] = []
    rows: dict[str, Row] = {}
    for one in inputs:
        key = str(one["id"])
        row = api.portal.find(kind, key, str(one.get("idProperty") or "") or None)
        if row is None:
            unknown.append(key)
        else:
            rows[key] = row
            found.append(one)

    def prepare(one: Input) -> Write:
        given, row = one.get("properties") or {}, rows[str(one["id"])]
        check(api.portal, kind, given, row)
        return lambda: _changed(api, kind, row, given)

    return _carry_out(api, kind, found, prepare, errors=missing(kind, unknown))


def _upsert(api: Api, request: Request) -> Reply:
    kind, inputs = api.kind(request, write=True), request.inputs(MOST)
    refuse_duplicates(_ids(inputs))
    for name in {str(one.get("idProperty") or "") for one in inputs}:
        if not name:
            raise bad_input("upsert needs an idProperty with unique values")
        api.portal.index(kind, name)

    def prepare(one: Input) -> Write:
        by, key = str(one["idProperty"]), str(one["id"])
        row = api.portal.find(kind, key, by)
        given = one.get("properties") or {}
        if by != "hs_object_id":
            given = {by: key, **given}
        values = check(api.portal, kind, given, row)
        if row is not None:
            held = row
            return lambda: _changed(api, kind, held, given) | {"new": False}
        if by == "hs_object_id":
            raise ApiError(404, f"{kind.upper} {key} does not exist", "OBJECT_NOT_FOUND")
        api.portal.require(kind, values)
        return lambda: _made(api, kind, given, ()) | {"new": True}

    return _carry_out(api, kind, inputs, prepare)


def _archive(api: Api, request: Request) -> Reply:
    kind, inputs = api.kind(request, write=True), request.inputs(MOST)
    for key in _ids(inputs):
        row = api.portal.find(kind, key)
        if row is not None:
            api.portal.archive(kind, row)
    return Reply(None, 204, rows=len(inputs))


def _carry_out(
    api: Api,
    kind: Kind,
    inputs: list[Input],
    prepare: Callable[[Input], Write],
    *,
    done: int = 200,
    errors: list[dict[str, Any]] | None = None,
) -> Reply:
    started = api.portal.now()
    traces = [str(one.get("objectWriteTraceId") or "") for one in inputs]
    apart = bool(inputs) and all(traces) and len(set(traces)) == len(traces)
    found = list(errors or ())
    results: list[dict[str, Any]] = []
    if apart:
        for one, trace in zip(inputs, traces, strict=True):
            try:
                _spoil(api)
                results.append(prepare(one)() | {"objectWriteTraceId": trace})
            except ApiError as error:
                found.append(_entry(error, trace))
    else:
        _refuse_rivals(api, kind, inputs)
        results = [write() for write in _prepared(api, inputs, prepare)]
    return finish(started, api.portal.now(), shuffled(results), found, done=done)


def _spoil(api: Api) -> None:
    """Raise ApiError where a fault refuses the input in hand."""
    rows = spoiled_row()
    if rows is None:
        return
    text = rows.message or f"{rows.code} (a fault)"
    if not rows.fields:
        raise ApiError(400, text, rows.code)
    raise PropertyError([Problem(name, rows.code, text) for name in rows.fields], api.portal.id)


def _prepared(api: Api, inputs: list[Input], prepare: Callable[[Input], Write]) -> list[Write]:
    writes: list[Write] = []
    problems: list[Problem] = []
    for one in inputs:
        try:
            _spoil(api)
            writes.append(prepare(one))
        except PropertyError as error:
            problems.extend(error.problems)
        except ApiError as error:
            if error.status == HTTPStatus.CONFLICT:
                raise ApiError(409, "Contact already exists", "CONFLICT") from None
            raise
    if problems:
        raise PropertyError(problems, api.portal.id)
    return writes


def _refuse_rivals(api: Api, kind: Kind, inputs: list[Input]) -> None:
    """Raise ApiError where inputs of a whole batch would give two records one unique value."""
    live = api.portal.catalogue.live(kind.id)
    unique = [name for name, one in live.items() if one.unique or name == kind.identity]
    for name in unique:
        given = [(one.get("properties") or {}).get(name) for one in inputs]
        values = [str(value).lower() for value in given if value]
        if len(set(values)) != len(values):
            raise ApiError(409, f"{kind.singular.capitalize()} already exists", "CONFLICT")


def _entry(error: ApiError, trace: str) -> dict[str, Any]:
    entry = error.entry(objectWriteTraceId=[trace])
    if error.status == HTTPStatus.CONFLICT:
        entry["context"]["existingId"] = [error.message.rpartition(" ")[2]]
    return entry


def _made(api: Api, kind: Kind, given: Input, wanted: Sequence[Link]) -> dict[str, Any]:
    row = api.portal.create(kind, given, wanted)
    return written(api.portal, kind, row, given, whole=True)


def _changed(api: Api, kind: Kind, row: Row, given: Input) -> dict[str, Any]:
    api.portal.update(kind, row, check(api.portal, kind, given, row))
    return written(api.portal, kind, row, given)


def _ids(inputs: list[Input]) -> list[str]:
    for one in inputs:
        if one.get("id") in (None, ""):
            raise bad_input("each input needs an id")
    return [str(one["id"]) for one in inputs]


def _names(body: Input, key: str) -> list[str]:
    found = body.get(key) or []
    if not isinstance(found, list):
        raise bad_input(f"{key} must be a list")
    return [str(name) for name in found]


ROUTES: tuple[Route, ...] = (
    ("POST", "/crm/v3/objects/{type}/batch/read", _read),
    ("POST", "/crm/v3/objects/{type}/batch/create", _create),
    ("POST", "/crm/v3/objects/{type}/batch/update", _update),
    ("POST", "/crm/v3/objects/{type}/batch/upsert", _upsert),
    ("POST", "/crm/v3/objects/{type}/batch/archive", _archive),
)
