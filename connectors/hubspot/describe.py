"""A portal's property catalogue as syncd's schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.hubspot import owners, pipelines
from connectors.hubspot.door import Door, about
from connectors.hubspot.paths import Paths
from connectors.hubspot.verdicts import RefusedError
from syncd.connector import FieldType, ObjectSchema, SchemaField
from syncd.errors import AccessError

LONGEST_TEXT = 65_536
_CALCULATED = (
    "calculation_equation",
    "calculation_read_time",
    "calculation_rollup",
    "calculation_score",
)
_MOVE_WITH_THE_RECORD = frozenset(
    {"hs_is_closed", "hs_is_closed_won", "hs_is_closed_lost", "hs_deal_stage_probability"}
)
"""Calculated, but of the record's own stage: a change of them comes with one of the record."""
_REFERENCES = {"OWNER": owners.OBJECT}
_PLAIN_TYPES = {
    "bool": FieldType.BOOL,
    "date": FieldType.DATE,
    "datetime": FieldType.DATETIME,
    "phone_number": FieldType.TEXT,
}
_TEXT_KINDS = {
    "text": FieldType.TEXT,
    "phonenumber": FieldType.TEXT,
    "select": FieldType.TEXT,
    "textarea": FieldType.LONG_TEXT,
    "html": FieldType.HTML,
}
_ENUMERATION_KINDS = {"booleancheckbox": FieldType.BOOL, "checkbox": FieldType.MULTIPICKLIST}
_REQUIRED = {("tasks", "hs_timestamp"), ("0-27", "hs_timestamp")}


class Catalogue:
    """The objects' schemas, read once per opened connection."""

    def __init__(self, door: Door, paths: Paths) -> None:
        """Contacts nothing."""
        self._door = door
        self._paths = paths
        self._known: dict[str, ObjectSchema] = {}

    def forget(self, object: str | None = None) -> None:
        """Read afresh when next asked: one object, or all."""
        if object is None:
            self._known.clear()
        else:
            self._known.pop(object, None)

    def schema(self, object: str) -> ObjectSchema:
        """The object's properties and pipeline fields.

        Raises AccessError when the object does not exist or the login may not see it.
        """
        if object == owners.OBJECT:
            return owners.SCHEMA
        if object not in self._known:
            self._known[object] = self._read(object)
        return self._known[object]

    def properties(self, object: str) -> list[Mapping[str, Any]]:
        """The object's properties as HubSpot describes them."""
        try:
            with about(object):
                answer = self._door.other("GET", self._paths.properties(object), bears=("name",))
        except RefusedError as error:
            if error.status not in (400, 404):
                raise
            raise AccessError(
                f"HubSpot has no object {object!r}, or the token may not see it. {error}",
                object=object,
                remedy="Check the object's name; custom objects go by their type id (2-123).",
                code=error.code,
            ) from error
        return [p for p in answer.get("results") or () if not p.get("archived")]

    def _read(self, object: str) -> ObjectSchema:
        fields = {str(p["name"]): _field(object, p) for p in self.properties(object)}
        return ObjectSchema(name=object, fields={**fields, **pipelines.described(fields)})


def _field(object: str, property: Mapping[str, Any]) -> SchemaField:
    name = str(property["name"])
    kind = str(property.get("fieldType") or "")
    type = field_type(property)
    rights = property.get("modificationMetadata") or {}
    calculated = bool(property.get("calculated")) or kind in _CALCULATED
    writable = not rights.get("readOnlyValue") and not calculated
    external = bool(property.get("externalOptions"))
    target = _REFERENCES.get(str(property.get("referencedObjectType") or ""))
    has_options = type in (FieldType.PICKLIST, FieldType.MULTIPICKLIST) and not external
    return SchemaField(
        name=name,
        label=str(property.get("label") or name),
        type=type,
        vendor_type=f"{property.get('type')}/{kind}",
        length=LONGEST_TEXT if property.get("type") == "string" else None,
        writable=writable,
        createable=writable,
        required=(object, name) in _REQUIRED,
        # Where the catalogue does not say, the first write will.
        unique=property.get("hasUniqueValue") is not False,
        calculated=calculated and name not in _MOVE_WITH_THE_RECORD,
        restricted=has_options,
        options=tuple(str(o["value"]) for o in property.get("options") or ())
        if has_options
        else (),
        references=(target,) if type is FieldType.REFERENCE and target else (),
    )


def field_type(property: Mapping[str, Any]) -> FieldType:
    """The neutral type of a property of HubSpot's."""
    type, kind = str(property.get("type") or ""), str(property.get("fieldType") or "")
    if type in _PLAIN_TYPES:
        return _PLAIN_TYPES[type]
    if type == "number":
        if property.get("showCurrencySymbol") or property.get("numberDisplayHint") == "currency":
            return FieldType.MONEY
        percent = property.get("numberDisplayHint") == "percentage"
        return FieldType.PERCENT if percent else FieldType.NUMBER
    if type == "string":
        return _TEXT_KINDS.get(kind, FieldType.TEXT)
    if type == "enumeration":
        if property.get("externalOptions") and property.get("referencedObjectType"):
            return FieldType.REFERENCE
        return _ENUMERATION_KINDS.get(kind, FieldType.PICKLIST)
    return FieldType.OTHER
