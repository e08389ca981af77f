"""Requests about one record: read, create, update, delete, upsert by an external id."""

from __future__ import annotations

from email.utils import format_datetime
from typing import Any

from connectors.salesforce.sandbox.api import Api, Reply, Request, part
from connectors.salesforce.sandbox.errors import RequestError, RowError, not_found
from connectors.salesforce.sandbox.held import Actor
from connectors.salesforce.sandbox.ids import long_id
from connectors.salesforce.sandbox.org import Org
from connectors.salesforce.sandbox.removal import delete
from connectors.salesforce.sandbox.schema import Field, SObject
from connectors.salesforce.sandbox.soql.scope import Scope
from connectors.salesforce.sandbox.soql.tree import Path
from connectors.salesforce.sandbox.table import Row
from connectors.salesforce.sandbox.times import parse_datetime


def shown(
    org: Org, request: Request, kind: SObject, row: Row, names: list[str] | None
) -> dict[str, Any]:
    """A record with the named fields, or all that the user sees. Raises RequestError."""
    scope = Scope(org, request.user, kind, ("", None))
    hidden = org.access.view(request.user, kind.name).hidden
    if names is None:
        names = [name for name in kind.fields if name not in hidden]
    record: dict[str, Any] = {
        "attributes": {
            "type": kind.name,
            "url": f"{request.base}/sobjects/{kind.name}/{row['Id']}",
        }
    }
    for name in names:
        if "." in name:
            record[name] = scope.column(Path(tuple(name.split(".")))).get(row)
            continue
        one = kind.find(name)
        if one is None or one.name in hidden:
            raise RequestError(
                400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {kind.name}"
            )
        record[one.name] = scope.reader(one, kind)(row)
    return record


def _found(org: Org, kind: SObject, key: str) -> Row:
    full = long_id(key)
    row = None if full is None else org.tables[kind.name].rows.get(full)
    if row is None:
        raise not_found()
    if row.get("IsDeleted"):
        raise RequestError(404, "ENTITY_IS_DELETED", "entity is deleted", fields=[])
    return row


def read(api: Api, request: Request, name: str, key: str) -> Reply:
    """``GET sobjects/X/ID``."""
    kind = api.kind(name)
    return _reply(api, request, kind, _found(api.org, kind, key))


def _reply(api: Api, request: Request, kind: SObject, row: Row) -> Reply:
    fields = request.query.get("fields")
    names = None if not fields else [one.strip() for one in fields.split(",")]
    headers = {}
    changed = parse_datetime(row["LastModifiedDate"])
    if changed is not None:
        headers["Last-Modified"] = format_datetime(changed, usegmt=True)
    return Reply(shown(api.org, request, kind, row, names), headers=headers, rows=1)


def _made(request: Request, kind: SObject, key: str, **more: bool) -> Reply:
    return Reply(
        {"id": key, "success": True, "errors": [], **more},
        201,
        {"Location": f"{request.base}/sobjects/{kind.name}/{key}"},
        rows=1,
    )


def create(api: Api, request: Request, name: str) -> Reply:
    """``POST sobjects/X``."""
    kind = api.kind(name)
    return _made(request, kind, api.org.create(kind.name, request.object(), request.actor))


def update(api: Api, request: Request, name: str, key: str) -> Reply:
    """``PATCH sobjects/X/ID``."""
    kind = api.kind(name)
    row = _found(api.org, kind, key)
    api.org.update(kind.name, row["Id"], request.object(), request.actor)
    return Reply(status=204, rows=1)


def remove(api: Api, request: Request, name: str, key: str) -> Reply:
    """``DELETE sobjects/X/ID``."""
    kind = api.kind(name)
    row = _found(api.org, kind, key)
    delete(api.org, kind.name, row["Id"], request.actor)
    return Reply(status=204, rows=1)


def external_field(api: Api, request: Request, kind: SObject, name: str) -> Field:
    """The field by which rows may be found. Raises RequestError NOT_FOUND."""
    one = kind.find(name)
    hidden = api.org.access.view(request.user, kind.name).hidden
    usable = one is not None and (one.external_id or "L" in one.flags)
    if one is None or not usable or one.name in hidden:
        raise RequestError(
            404,
            "NOT_FOUND",
            f"Provided external ID field does not exist or is not accessible: {name}",
        )
    return one


def matching(org: Org, kind: SObject, one: Field, value: Any) -> list[Row]:
    """The undeleted rows whose external id is the value."""
    if one.type == "id":
        row = org.tables[kind.name].rows.get(long_id(str(value)) or "")
        return [] if row is None or row.get("IsDeleted") else [row]
    if one.type in {"double", "int"}:
        value = float(value)
    return [
        row
        for row in org.tables[kind.name].having(one.name, value)
        if not row.get("IsDeleted") and (not one.case_sensitive or row[one.name] == value)
    ]


def upsert(org: Org, kind: SObject, one: Field, values: Row, actor: Actor) -> tuple[str, bool]:
    """Update the row with the external id in `values`, or create it: its id, and if created.

    Raises RowError, or RequestError.
    """
    lower = {key.lower(): (key, value) for key, value in values.items()}
    spelled, value = lower.get(one.name.lower(), (one.name, None))
    if value is None or value == "":
        if one.type == "id":
            return org.create(kind.name, values, actor), True
        raise RowError("MISSING_ARGUMENT", f"{one.name} not specified", [one.name])
    found = matching(org, kind, one, value)
    if len(found) > 1:
        raise RowError(
            "DUPLICATE_EXTERNAL_ID",
            f"{one.name}: more than one record found for external id field: "
            f"[{', '.join(row['Id'][:15] for row in found)}]",
            [one.name],
        )
    if not found:
        if one.type == "id":
            raise RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        return org.create(kind.name, values, actor), True
    rest = {key: each for key, each in values.items() if key != spelled}
    org.update(kind.name, found[0]["Id"], rest, actor)
    return str(found[0]["Id"]), False


def read_external(api: Api, request: Request, name: str, field: str, value: str) -> Reply:
    """``GET sobjects/X/Ext__c/value``."""
    kind = api.kind(name)
    found = matching(api.org, kind, external_field(api, request, kind, field), part(value))
    if not found:
        raise not_found()
    return _several(request, kind, found) or _reply(api, request, kind, found[0])


def _several(request: Request, kind: SObject, rows: list[Row]) -> Reply | None:
    if len(rows) < 2:  # noqa: PLR2004 - several begins at two
        return None
    return Reply([f"{request.base}/sobjects/{kind.name}/{row['Id']}" for row in rows], 300)


def upsert_external(api: Api, request: Request, name: str, field: str, value: str) -> Reply:
    """``PATCH sobjects/X/Ext__c/value``."""
    kind = api.kind(name)
    one = external_field(api, request, kind, field)
    found = matching(api.org, kind, one, part(value))
    several = _several(request, kind, found)
    if several is not None:
        return several
    if not found and request.query.get("updateOnly", "").lower() == "true":
        raise not_found()
    values = {one.name: part(value), **request.object()}
    if one.name.lower() in {key.lower() for key in request.object()}:
        raise RequestError(
            400,
            "INVALID_FIELD",
            f"The {one.name} field should not be specified in the sobject data.",
        )
    key, created = upsert(api.org, kind, one, values, request.actor)
    if created:
        return _made(request, kind, key, created=True)
    return Reply({"id": key, "success": True, "errors": [], "created": False}, rows=1)


def remove_external(api: Api, request: Request, name: str, field: str, value: str) -> Reply:
    """``DELETE sobjects/X/Ext__c/value``."""
    kind = api.kind(name)
    found = matching(api.org, kind, external_field(api, request, kind, field), part(value))
    if not found:
        raise not_found()
    several = _several(request, kind, found)
    if several is not None:
        return several
    delete(api.org, kind.name, found[0]["Id"], request.actor)
    return Reply(status=204, rows=1)


ROUTES = (
    ("POST", "sobjects/{name}", create),
    ("GET", "sobjects/{name}/{key}", read),
    ("PATCH", "sobjects/{name}/{key}", update),
    ("DELETE", "sobjects/{name}/{key}", remove),
    ("GET", "sobjects/{name}/{field}/{value}", read_external),
    ("PATCH", "sobjects/{name}/{field}/{value}", upsert_external),
    ("DELETE", "sobjects/{name}/{field}/{value}", remove_external),
)
