"""What a client gives for a row: field names found, values checked, references resolved."""

from __future__ import annotations

from functools import partial
from typing import Any

from connectors.salesforce.sandbox.access import Guarded
from connectors.salesforce.sandbox.errors import RequestError, RowError
from connectors.salesforce.sandbox.held import Actor
from connectors.salesforce.sandbox.ids import long_id
from connectors.salesforce.sandbox.schema import Field, SObject
from connectors.salesforce.sandbox.table import Row
from connectors.salesforce.sandbox.values import coerce


def given_values(org: Guarded, kind: SObject, values: Row, actor: Actor, *, new: bool) -> Row:
    """The values as the org keeps them. Raises RowError, or RequestError for all rows."""
    view = org.access.view(actor.user if actor.bound else None, kind.name)
    given: Row = {}
    barred: list[str] = []
    for key, value in values.items():
        if key.lower() in {"attributes", "id"}:
            continue
        one = kind.find(key)
        if one is None and isinstance(value, dict | None):
            one, value = _by_external_id(org, kind, key, value)  # noqa: PLW2901 - a nested key stands for its lookup
        if one is None or one.name in view.hidden:
            raise RequestError(
                400, "INVALID_FIELD", f"No such column '{key}' on sobject of type {kind.name}"
            )
        writable = one.createable if new else one.updateable
        if (not writable and not actor.audit) or one.name in view.fixed or one.formula:
            barred.append(one.name)
            continue
        given[one.name] = coerce(one, value, partial(refer, org))
    if barred:
        raise RowError(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            f"Unable to create/update fields: {', '.join(barred)}. Please check the security "
            "settings of this field and verify that it is read/write for your profile or "
            "permission set.",
            barred,
        )
    return given


def _by_external_id(
    org: Guarded, kind: SObject, key: str, value: Row | None
) -> tuple[Field | None, Any]:
    one = kind.relationships.get(key.lower())
    if one is None or value is None:
        return one, None
    for target in one.to:
        for name, wanted in value.items():
            known = org.objects[target].find(name) if target in org.objects else None
            if known is None or not known.indexed or name == "attributes":
                continue
            for row in org.tables[target].having(known.name, wanted):
                if not row.get("IsDeleted"):
                    return one, row["Id"]
            raise RowError(
                "INVALID_FIELD",
                f"Foreign key external ID: {wanted} not found for field {known.name} in "
                f"entity {target}",
            )
    return None, None


def refer(org: Guarded, one: Field, value: Any) -> str:
    """The 18-character id that a reference field is given. Raises RowError."""
    full = long_id(value) if isinstance(value, str) else None
    name = None if full is None else org.kind_of(full)
    if full is None or name is None or (one.to and name not in one.to):
        raise RowError(
            "MALFORMED_ID", f"{one.label}: id value of incorrect type: {value}", [one.name]
        )
    row = org.tables[name].rows.get(full)
    if row is None:
        raise RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [one.name])
    if row.get("IsDeleted"):
        raise RowError("ENTITY_IS_DELETED", "entity is deleted", [one.name])
    return full
