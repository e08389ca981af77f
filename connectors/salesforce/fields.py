"""A wanted field as Salesforce's CustomField metadata.

https://developer.salesforce.com/docs/atlas.en-us.api_meta.meta/api_meta/customfield.htm
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syncd.connector import FieldSpec, FieldType

PERMISSION_SET = "syncd"
ACTIVITY = "Activity"
SHORT_TEXT = 255
LONG_TEXT = 32_768
SHORTEST_LONG_TEXT = 256
DIGITS = 18
VISIBLE_LINES = 4
NAMES = {
    FieldType.LONG_TEXT: "LongTextArea",
    FieldType.HTML: "Html",
    FieldType.NUMBER: "Number",
    FieldType.MONEY: "Currency",
    FieldType.PERCENT: "Percent",
    FieldType.BOOL: "Checkbox",
    FieldType.DATE: "Date",
    FieldType.DATETIME: "DateTime",
    FieldType.PICKLIST: "Picklist",
    FieldType.MULTIPICKLIST: "MultiselectPicklist",
}


def owner(object: str) -> str:
    """The object that a custom field is defined on: tasks and events share Activity's."""
    return ACTIVITY if object in ("Task", "Event") else object


def full_name(spec: FieldSpec) -> str:
    """``Account.Syncd_Tier__c``, ``Activity.Syncd_Key__c``."""
    return f"{owner(spec.object)}.{spec.name}"


def distinct(specs: Sequence[FieldSpec]) -> list[FieldSpec]:
    """The specs, each object's field once; of two that differ the one that is written wins."""
    chosen: dict[tuple[str, str], FieldSpec] = {}
    for spec in specs:
        key = (spec.object.lower(), spec.name.lower())
        if key not in chosen or (spec.writable and not chosen[key].writable):
            chosen[key] = spec
    return list(chosen.values())


def is_custom(name: str) -> bool:
    """Whether a field of that name can be made; a standard field exists or it does not."""
    return name.lower().endswith("__c")


def can_be_made(spec: FieldSpec) -> bool:
    """Whether syncd can make the field; lookups and odd types are an admin's work."""
    return is_custom(spec.name) and spec.type not in (FieldType.REFERENCE, FieldType.OTHER)


def metadata(spec: FieldSpec) -> dict[str, Any]:
    """The CustomField's metadata; picklist values under `options`, for the caller's own form."""
    return {"label": spec.label, "description": spec.description, **_typed(spec)}


def _typed(spec: FieldSpec) -> dict[str, Any]:
    name = NAMES.get(spec.type, "")
    match spec.type:
        case FieldType.LONG_TEXT | FieldType.HTML:
            length = max(SHORTEST_LONG_TEXT, spec.length or LONG_TEXT)
            return {"type": name, "length": length, "visibleLines": VISIBLE_LINES}
        case FieldType.NUMBER | FieldType.PERCENT | FieldType.MONEY:
            usual = 2 if spec.type is FieldType.MONEY else 0
            scale = usual if spec.scale is None else spec.scale
            return {"type": name, "precision": DIGITS, "scale": scale}
        case FieldType.BOOL:
            return {"type": name, "defaultValue": False}
        case FieldType.DATE | FieldType.DATETIME:
            return {"type": name}
        case FieldType.PICKLIST if spec.options:
            return {"type": name, "options": spec.options}
        case FieldType.MULTIPICKLIST if spec.options:
            return {"type": name, "visibleLines": VISIBLE_LINES, "options": spec.options}
    return _text(spec)


def _text(spec: FieldSpec) -> dict[str, Any]:
    length = spec.length or SHORT_TEXT
    if length > SHORT_TEXT:
        return {"type": "LongTextArea", "length": length, "visibleLines": VISIBLE_LINES}
    text = {"type": "Text", "length": length}
    if spec.unique:
        # Upserts go by external ids only; case-sensitive, because a key is an exact text.
        return {**text, "unique": True, "externalId": True, "caseSensitive": True}
    return text
