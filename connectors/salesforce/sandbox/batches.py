"""sObject Collections: up to 200 records in one request, each with its own outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from connectors.salesforce.sandbox.api import Api, Reply, Request
from connectors.salesforce.sandbox.describe import unknown_type
from connectors.salesforce.sandbox.errors import RequestError, RowError
from connectors.salesforce.sandbox.ids import long_id
from connectors.salesforce.sandbox.incoming import given_values
from connectors.salesforce.sandbox.org import Org
from connectors.salesforce.sandbox.records import external_field, shown, upsert
from connectors.salesforce.sandbox.removal import delete
from connectors.salesforce.sandbox.schema import SObject

MAX_RECORDS = 200
MAX_CHUNKS = 10
ROLLED_BACK = (
    "Record rolled back because not all records were valid and the request was using AllOrNone "
    "header"
)


@contextmanager
def transaction(org: Org) -> Iterator[Callable[[], None]]:
    """Gives a function that puts the org's rows back as they were at the start."""
    before = {
        name: ({key: dict(row) for key, row in table.rows.items()})
        for name, table in org.tables.items()
    }

    def roll_back() -> None:
        for name, rows in before.items():
            table = org.tables[name]
            table.rows = rows
            table.deleted = sum(bool(row.get("IsDeleted")) for row in rows.values())
            for one in table.kind.fields.values():
                table.index(one)
            table.touch()
        org.access.forget()

    yield roll_back


def _records(request: Request) -> tuple[list[dict[str, Any]], bool]:
    body = request.object()
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise RequestError(400, "JSON_PARSER_ERROR", "The records element is missing or no list.")
    if not records:
        raise RequestError(400, "INVALID_INPUT", "The records element must not be empty.")
    if len(records) > MAX_RECORDS:
        raise too_many()
    return records, bool(body.get("allOrNone", False))


def too_many() -> RequestError:
    """The refusal of more records than a collection takes."""
    return RequestError(
        400,
        "EXCEEDED_ID_LIMIT",
        f"record limit reached. cannot submit more than {MAX_RECORDS} records in this request",
    )


def _kind(api: Api, record: dict[str, Any]) -> SObject:
    attributes = record.get("attributes")
    if not isinstance(attributes, dict) or "type" not in attributes:
        raise RequestError(
            400,
            "INVALID_INPUT",
            "The request body is missing the attributes.type of a record.",
        )
    name = str(attributes["type"])
    found = api.org.lower.get(name.lower())
    if found is None:
        raise unknown_type(name)
    return found


def _chunked(kinds: list[SObject]) -> None:
    runs = sum(1 for place, kind in enumerate(kinds) if place == 0 or kinds[place - 1] != kind)
    if runs > MAX_CHUNKS:
        raise RequestError(
            400,
            "INVALID_INPUT",
            f"Cannot process more than {MAX_CHUNKS} chunks of different types in one request.",
        )


def perform(
    api: Api, steps: list[Callable[[], dict[str, Any]]], *, all_or_none: bool
) -> list[dict[str, Any]]:
    """Take each step; its result, or its refusal, stands at its place.

    A refusal of the whole request leaves no trace of the steps before it only where
    `all_or_none` holds. Raises RequestError.
    """
    if not all_or_none:
        return [_step(step) for step in steps]
    with transaction(api.org) as roll_back:
        try:
            results = [_step(step) for step in steps]
        except RequestError:
            roll_back()
            raise
        if all(result["success"] for result in results):
            return results
        roll_back()
    rolled = {"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "message": ROLLED_BACK}
    return [
        {"success": False, "errors": [rolled | {"fields": []}]} if result["success"] else result
        for result in results
    ]


def _step(step: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return step()
    except RowError as error:
        return {"success": False, "errors": error.entries()}


def _done(key: str, **more: bool) -> dict[str, Any]:
    return {"id": key, "success": True, "errors": [], **more}


def create(api: Api, request: Request) -> Reply:
    """``POST composite/sobjects``."""
    records, all_or_none = _records(request)
    kinds = [_kind(api, record) for record in records]
    _chunked(kinds)
    _checked(api, request, list(zip(kinds, records, strict=True)))

    def step(kind: SObject, record: dict[str, Any]) -> Callable[[], dict[str, Any]]:
        return lambda: _done(api.org.create(kind.name, record, request.actor))

    steps = [step(kind, record) for kind, record in zip(kinds, records, strict=True)]
    return Reply(perform(api, steps, all_or_none=all_or_none), rows=len(records))


def _checked(api: Api, request: Request, pairs: list[tuple[SObject, dict[str, Any]]]) -> None:
    # A field that is not there, or a value of the wrong JSON type, spoils the whole request
    # before its first row is written.
    for kind, record in pairs:
        try:
            given_values(api.org, kind, record, request.actor, new=True)
        except RowError:
            continue


def _key(record: dict[str, Any]) -> str:
    for name in ("id", "Id", "ID"):
        if record.get(name):
            return str(record[name])
    raise RowError("MISSING_ARGUMENT", "Id not specified in an update call")


def update(api: Api, request: Request) -> Reply:
    """``PATCH composite/sobjects``."""
    records, all_or_none = _records(request)
    kinds = [_kind(api, record) for record in records]
    _chunked(kinds)
    _checked(api, request, list(zip(kinds, records, strict=True)))

    def step(kind: SObject, record: dict[str, Any]) -> Callable[[], dict[str, Any]]:
        def take() -> dict[str, Any]:
            row = api.org.existing(kind.name, _key(record))
            api.org.update(kind.name, row["Id"], record, request.actor)
            return _done(row["Id"])

        return take

    steps = [step(kind, record) for kind, record in zip(kinds, records, strict=True)]
    return Reply(perform(api, steps, all_or_none=all_or_none), rows=len(records))


def upsert_many(api: Api, request: Request, name: str, field: str) -> Reply:
    """``PATCH composite/sobjects/X/Ext__c``."""
    records, all_or_none = _records(request)
    kind = api.kind(name)
    one = external_field(api, request, kind, field)
    if any("attributes" not in record for record in records):
        raise RequestError(
            400,
            "JSON_PARSER_ERROR",
            "Nested object for polymorphic foreign key must have an attributes field before any "
            "other fields.",
        )
    _checked(api, request, [(kind, record) for record in records])

    def step(record: dict[str, Any]) -> Callable[[], dict[str, Any]]:
        def take() -> dict[str, Any]:
            if one.type == "id":
                key = next((record[key] for key in ("id", "Id") if record.get(key)), None)
                record["Id"] = key
            key, created = upsert(api.org, kind, one, record, request.actor)
            return _done(key, created=created)

        return take

    results = perform(api, [step(record) for record in records], all_or_none=all_or_none)
    for result in results:
        result.setdefault("created", False)
    return Reply(results, rows=len(records))


def _wanted(ids: list[str]) -> list[str]:
    if len(ids) > MAX_RECORDS:
        raise too_many()
    return ids


def remove(api: Api, request: Request) -> Reply:
    """``DELETE composite/sobjects?ids=``."""
    ids = _wanted([one for one in request.query.get("ids", "").split(",") if one])
    all_or_none = request.query.get("allOrNone", "").lower() == "true"

    def step(key: str) -> Callable[[], dict[str, Any]]:
        def take() -> dict[str, Any]:
            name = api.org.kind_of(key)
            if name is None or long_id(key) is None:
                raise RowError("MALFORMED_ID", f"malformed id {key}")
            delete(api.org, name, key, request.actor)
            return _done(long_id(key) or key)

        return take

    return Reply(perform(api, [step(key) for key in ids], all_or_none=all_or_none), rows=len(ids))


def _retrieved(api: Api, request: Request, name: str, ids: list[str], fields: list[str]) -> Reply:
    kind = api.kind(name)
    records: list[dict[str, Any] | None] = []
    for key in _wanted(ids):
        row = api.org.tables[kind.name].rows.get(long_id(key) or "")
        gone = row is None or row.get("IsDeleted")
        records.append(None if gone or row is None else shown(api.org, request, kind, row, fields))
    return Reply(records, rows=len(records))


def retrieve(api: Api, request: Request, name: str) -> Reply:
    """``GET composite/sobjects/X?ids=&fields=``; null where there is no such row."""
    ids = [one for one in request.query.get("ids", "").split(",") if one]
    fields = [one for one in request.query.get("fields", "").split(",") if one]
    return _retrieved(api, request, name, ids, fields)


def retrieve_posted(api: Api, request: Request, name: str) -> Reply:
    """``POST composite/sobjects/X`` with ids and fields in the body."""
    body = request.object()
    given = [body.get(key, []) for key in ("ids", "fields")]
    for one in given:
        if not isinstance(one, list) or not all(isinstance(text, str) for text in one):
            raise RequestError(400, "JSON_PARSER_ERROR", "ids and fields must be lists of texts.")
    return _retrieved(api, request, name, *given)


ROUTES = (
    ("POST", "composite/sobjects", create),
    ("PATCH", "composite/sobjects", update),
    ("DELETE", "composite/sobjects", remove),
    ("PATCH", "composite/sobjects/{name}/{field}", upsert_many),
    ("GET", "composite/sobjects/{name}", retrieve),
    ("POST", "composite/sobjects/{name}", retrieve_posted),
)
