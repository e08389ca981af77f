"""What a CRM shows of its objects, and what syncd wants it to have."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class FieldType(StrEnum):
    """A field's type in neutral words."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    HTML = "html"
    NUMBER = "number"
    MONEY = "money"
    PERCENT = "percent"
    BOOL = "bool"
    DATE = "date"
    DATETIME = "datetime"
    PICKLIST = "picklist"
    MULTIPICKLIST = "multipicklist"
    REFERENCE = "reference"
    OTHER = "other"


class SchemaField(Struct, frozen=True):
    """A field of an object as the login of this connection sees it.

    `options` are the picklist's active values (as written, not labels); `restricted`: others are
    refused. `calculated`: formulas and roll-ups, whose changes the CRM does not announce.
    `never_blank`: a tick that is on or off and refuses to be cleared, as Salesforce's are.
    """

    name: str
    label: str
    type: FieldType
    vendor_type: str = ""
    length: int | None = None
    scale: int | None = None
    writable: bool = True
    createable: bool = True
    required: bool = False
    unique: bool = False
    calculated: bool = False
    restricted: bool = False
    never_blank: bool = False
    options: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


class ObjectSchema(Struct, frozen=True):
    """An object's fields by name. Names compare as the CRM compares them (see `find`)."""

    name: str
    fields: Mapping[str, SchemaField]
    createable: bool = True
    updateable: bool = True

    def find(self, name: str) -> SchemaField | None:
        """The field of that name, first as written, then without regard to case."""
        found = self.fields.get(name)
        if found is not None:
            return found
        lowered = name.lower()
        return next((f for key, f in self.fields.items() if key.lower() == lowered), None)


class FieldSpec(Struct, frozen=True):
    """A field that syncd wants the CRM to have."""

    object: str
    name: str
    label: str
    type: FieldType
    length: int | None = None
    scale: int | None = None
    options: tuple[str, ...] = ()
    unique: bool = False
    description: str = ""
    writable: bool = True  # False: read by syncd, filled by people


class ProvisionStep(Struct, frozen=True):
    """One thing that provisioning made or would make: a field, a permission, a group."""

    kind: str  # field | permission_set | field_permission | assignment | group | option
    name: str
    text: str
    done: bool = False
    error: str = ""
