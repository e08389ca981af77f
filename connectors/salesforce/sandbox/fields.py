"""Custom fields made and removed while the org runs, from the Metadata API's field shape.

https://developer.salesforce.com/docs/atlas.en-us.api_meta.meta/api_meta/customfield.htm
"""

from __future__ import annotations

import re
from typing import Any

from connectors.salesforce.sandbox.errors import RequestError
from connectors.salesforce.sandbox.org import Org
from connectors.salesforce.sandbox.schema import Field, usual_flags

ACTIVITY = "Activity"
ACTIVITIES = ("Task", "Event")
MAX_TEXT = 255
MAX_LONG_TEXT = 131_072
MIN_LONG_TEXT = 256
MAX_DIGITS = 18
_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*__c\Z")
_TYPES = {
    "Checkbox": "boolean",
    "Currency": "currency",
    "Date": "date",
    "DateTime": "datetime",
    "Email": "email",
    "Html": "textarea",
    "LongTextArea": "textarea",
    "Lookup": "reference",
    "MultiselectPicklist": "multipicklist",
    "Number": "double",
    "Percent": "percent",
    "Phone": "phone",
    "Picklist": "picklist",
    "Text": "string",
    "TextArea": "textarea",
    "Url": "url",
}
_LENGTHS = {"Email": 80, "Phone": 40, "Url": 255, "TextArea": 255, "Picklist": 255}


def _refused(message: str, *, code: str = "FIELD_INTEGRITY_EXCEPTION") -> RequestError:
    return RequestError(400, code, message, fields=[])


def homes(org: Org, name: str) -> tuple[str, ...]:
    """The objects that a field of `name` appears on: Activity's on Task and Event.

    Raises RequestError.
    """
    if name == ACTIVITY:
        return ACTIVITIES
    if name not in org.objects or name in ACTIVITIES:
        raise _refused(
            f"Entity Enumeration Or ID: bad value for restricted picklist field: {name}",
            code="INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        )
    return (name,)


def field_of(name: str, metadata: dict[str, Any]) -> Field:
    """The field that a CustomField's metadata describes. Raises RequestError."""
    given = metadata.get("type")
    kind = _TYPES.get(str(given))
    if kind is None:
        raise _refused(f"Can not specify an unknown type: {given}")
    label = metadata.get("label")
    if not label:
        raise _refused("You must enter a label for the field", code="REQUIRED_FIELD_MISSING")
    length = _length(str(given), metadata)
    precision, scale = _digits(kind, metadata)
    flags = usual_flags(kind, length)
    if metadata.get("required"):
        flags = flags.replace("N", "")
    default: str | bool | None
    values, restricted, default = _values(metadata)
    if kind in {"picklist", "multipicklist"} and not values:
        raise _refused("You must provide a value set for a picklist field")
    if restricted:
        flags += "R"
    if metadata.get("externalId") and kind not in {"string", "email", "double"}:
        raise _refused(f"Can not specify 'externalId' for a CustomField of type {given}")
    if kind == "boolean":
        if "defaultValue" not in metadata:
            raise _refused("Must specify 'defaultValue' for a CustomField of type Checkbox")
        default = str(metadata["defaultValue"]).lower() == "true"
    target = metadata.get("referenceTo")
    relationship = metadata.get("relationshipName")
    return Field(
        name=name,
        type=kind,
        length=18 if kind == "reference" else length,
        precision=precision,
        scale=scale,
        flags=flags,
        label=str(label),
        to=(str(target),) if target else (),
        relationship=name.removesuffix("__c") + "__r" if kind == "reference" else None,
        values=values,
        default=default,
        extra={"Html": "richtextarea"}.get(
            str(given), "plaintextarea" if kind == "textarea" else None
        ),
        permissionable=not metadata.get("required"),
        custom=True,
        external_id=bool(metadata.get("externalId")),
        unique=bool(metadata.get("unique")),
        case_sensitive=bool(metadata.get("caseSensitive")),
        formula=metadata.get("formula"),
        help=metadata.get("inlineHelpText"),
        html=given == "Html",
        child_name=f"{relationship}__r" if relationship else None,
    )


def _length(given: str, metadata: dict[str, Any]) -> int:
    length = metadata.get("length")
    if given == "Text":
        if not isinstance(length, int) or not 1 <= length <= MAX_TEXT:
            raise _refused("Must specify 'length' for a CustomField of type Text")
        return length
    if given in {"LongTextArea", "Html"}:
        if not isinstance(length, int) or not MIN_LONG_TEXT <= length <= MAX_LONG_TEXT:
            raise _refused(f"Must specify 'length' for a CustomField of type {given}")
        if "visibleLines" not in metadata:
            raise _refused(f"Must specify 'visibleLines' for a CustomField of type {given}")
        return length
    return _LENGTHS.get(given, 0)


def _digits(kind: str, metadata: dict[str, Any]) -> tuple[int, int]:
    if kind not in {"double", "currency", "percent"}:
        return 0, 0
    precision, scale = metadata.get("precision"), metadata.get("scale")
    if not isinstance(precision, int) or not isinstance(scale, int):
        raise _refused("Must specify 'precision' and 'scale' for a CustomField of a number type")
    if precision > MAX_DIGITS or not 0 <= scale <= precision:
        raise _refused(f"'precision' must be at most {MAX_DIGITS} and no less than 'scale'")
    return precision, scale


def _values(metadata: dict[str, Any]) -> tuple[tuple[str, ...], bool, str | None]:
    wanted = metadata.get("valueSet") or {}
    entries = (wanted.get("valueSetDefinition") or {}).get("value") or []
    names = tuple(str(one.get("valueName") or one.get("fullName")) for one in entries)
    chosen = [name for name, one in zip(names, entries, strict=True) if one.get("default")]
    return names, bool(wanted.get("restricted")), chosen[0] if chosen else None


def add_field(org: Org, full_name: str, metadata: dict[str, Any]) -> str:
    """Make ``Account.X__c``; returns its id. Nobody may see it yet. Raises RequestError."""
    owner, _, name = full_name.partition(".")
    where = homes(org, owner)
    if not _NAME.match(name):
        raise _refused(
            "The field name you provided is not valid: it must begin with a letter, end in __c "
            f"and have no spaces: {name}",
            code="INVALID_FIELD_NAME",
        )
    for each in where:
        if org.objects[each].find(name) is not None:
            raise _refused(
                f"There is already a field named {name.removesuffix('__c')} on {owner}.",
                code="DUPLICATE_DEVELOPER_NAME",
            )
    made = field_of(name, metadata)
    for each in where:
        org.objects[each].add(made)
        org.tables[each].index(made)
        if made.default is not None:
            for row in org.tables[each].rows.values():
                row[name] = made.default
    org.access.forget()
    org.field_ids[full_name] = org.new_key("00N")
    return org.field_ids[full_name]


def remove_field(org: Org, full_name: str) -> None:
    """Delete a field with its values and permissions. Raises RequestError."""
    owner, _, name = full_name.partition(".")
    for each in homes(org, owner):
        if name not in org.objects[each].fields:
            raise _refused(f"No such field: {full_name}")
        org.objects[each].remove(name)
        org.tables[each].drop(name)
        permissions = org.tables["FieldPermissions"]
        for row in list(permissions.rows.values()):
            if row["Field"] == f"{each}.{name}":
                permissions.discard(row["Id"])
    org.field_ids.pop(full_name, None)
    org.access.forget()
