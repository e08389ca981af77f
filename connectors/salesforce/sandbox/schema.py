"""Objects and fields, their compact notation, and the flags that describe reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

LONG_TEXT = 255
DEFAULT_FLAGS = {
    "address": "NF",
    "base64": "CU",
    "boolean": "CUDFSG",
    "combobox": "CUNFSA",
    "currency": "CUNFSA",
    "datetime": "CUNFSA",
    "double": "CUNFSA",
    "id": "DFSGLA",
    "multipicklist": "CUNF",
    "percent": "CUNFSA",
}
ORDINARY_FLAGS = "CUNFSGA"
LONG_TEXT_FLAGS = "CUN"
NUMBERS = frozenset({"currency", "double", "percent", "int"})
FLOATS = frozenset({"currency", "double", "percent"})
PICKLISTS = frozenset({"picklist", "multipicklist", "combobox"})
TEXTS = frozenset(
    {"string", "textarea", "email", "phone", "url", "combobox", "picklist", "multipicklist"}
)


class Field(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A field. `flags` has a letter for each thing that is true of it.

    C createable, U updateable, N nillable, D defaulted on create, F filterable, S sortable,
    G groupable, L usable for lookups, A aggregatable, R restricted picklist, M auto-number,
    P the object's name. `formula` is the path that a calculated field shows, such as
    ``Owner.Name``.
    """

    name: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    flags: str = ORDINARY_FLAGS
    label: str = ""
    to: tuple[str, ...] = ()
    relationship: str | None = None
    values: tuple[str, ...] = ()
    default: str | bool | float | None = None
    compound: str | None = None
    extra: str | None = None
    permissionable: bool = False
    custom: bool = False
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    formula: str | None = None
    help: str | None = None
    html: bool = False
    child_name: str | None = None

    @property
    def createable(self) -> bool:
        """Whether a create may give it."""
        return "C" in self.flags

    @property
    def updateable(self) -> bool:
        """Whether an update may change it."""
        return "U" in self.flags

    @property
    def nillable(self) -> bool:
        """Whether it may be empty."""
        return "N" in self.flags

    @property
    def filterable(self) -> bool:
        """Whether a WHERE may name it."""
        return "F" in self.flags

    @property
    def sortable(self) -> bool:
        """Whether an ORDER BY may name it."""
        return "S" in self.flags

    @property
    def required(self) -> bool:
        """Whether a create must give it."""
        return self.createable and not self.nillable and "D" not in self.flags

    @property
    def long_text(self) -> bool:
        """Whether it is a text that can be neither filtered nor sorted."""
        return self.type == "textarea" and self.length > LONG_TEXT

    @property
    def indexed(self) -> bool:
        """Whether equality on it is looked up rather than scanned for."""
        return self.type == "reference" or self.external_id or self.unique or "L" in self.flags


@dataclass(slots=True)
class SObject:
    """An object of the org with its fields in describe's order."""

    name: str
    prefix: str
    label: str
    plural: str
    fields: dict[str, Field] = field(default_factory=dict)
    flags: str = "CUDQRTHM"
    lower: dict[str, Field] = field(default_factory=dict)
    relationships: dict[str, Field] = field(default_factory=dict)

    @property
    def custom(self) -> bool:
        """Whether the customer made it."""
        return self.name.endswith("__c")

    @property
    def queryable(self) -> bool:
        """Whether a query may name it."""
        return "Q" in self.flags

    def add(self, one: Field) -> None:
        """Add a field, or put it in another's place."""
        self.fields[one.name] = one
        self.lower[one.name.lower()] = one
        if one.relationship is not None:
            self.relationships[one.relationship.lower()] = one

    def remove(self, name: str) -> None:
        """Take a field away."""
        gone = self.fields.pop(name)
        del self.lower[name.lower()]
        if gone.relationship is not None:
            self.relationships.pop(gone.relationship.lower(), None)

    def find(self, name: str) -> Field | None:
        """The field of this name in any case."""
        return self.lower.get(name.lower())

    @property
    def name_field(self) -> str:
        """The field that names a record: Name, or Subject, or CaseNumber, …"""
        return next((one.name for one in self.fields.values() if "P" in one.flags), "Id")


def parse_field(line: str) -> Field:
    """A field from ``name:type:size:flags:label[:key=value…]``.

    An empty `flags` means the type's usual ones. `size` is a length, or ``precision,scale``.
    Keys: to, rel, values (each separated by ``;``), default, of (compound), extra, perm, child.
    """
    name, kind, size, flags, label, *rest = line.split(":")
    more = dict(part.split("=", 1) for part in rest)
    length = precision = scale = 0
    if "," in size:
        precision, scale = (int(part) for part in size.split(","))
    elif size:
        length = int(size)
    if kind in {"reference", "id"}:
        length = 18
    if kind == "picklist" and not length:
        length = 40
    if not flags:
        flags = usual_flags(kind, length)
    writable = "C" in flags or "U" in flags
    default: str | bool | None = more.get("default")
    if default is None and kind == "boolean":
        default = False
    return Field(
        name=name,
        type=kind,
        length=length,
        precision=precision,
        scale=scale,
        flags=flags,
        label=label,
        to=tuple(more["to"].split(";")) if "to" in more else (),
        relationship=more.get("rel"),
        values=tuple(more["values"].split(";")) if "values" in more else (),
        default=default,
        compound=more.get("of"),
        extra=more.get("extra"),
        permissionable=more["perm"] == "1" if "perm" in more else writable and "N" in flags,
        unique=more.get("unique") == "1",
        child_name=more.get("child"),
    )


def usual_flags(kind: str, length: int) -> str:
    """The flags that most writable fields of a type have."""
    if kind == "textarea" and length > LONG_TEXT:
        return LONG_TEXT_FLAGS
    return DEFAULT_FLAGS.get(kind, ORDINARY_FLAGS)


def parse_object(header: str, body: str) -> SObject:
    """An object from ``Name:prefix:Label:Labels:flags`` and a line for each of its own fields.

    Flags: C createable, U updateable, D deletable, Q queryable, R replicateable, T has
    triggers and layouts, H undeletable, M mergeable.
    """
    name, prefix, label, plural, flags = header.split(":")
    made = SObject(name, prefix, label, plural, flags=flags)
    for line in body.strip().splitlines():
        made.add(parse_field(line.strip()))
    return made


SYSTEM_FIELDS = """
CreatedDate:datetime::DFSA:Created Date
CreatedById:reference::DFSGA:Created By ID:to=User:rel=CreatedBy
LastModifiedDate:datetime::DFSA:Last Modified Date
LastModifiedById:reference::DFSGA:Last Modified By ID:to=User:rel=LastModifiedBy
SystemModstamp:datetime::DFSA:System Modstamp
"""


def picklist_entry(value: str, default: object) -> dict[str, Any]:
    """One of a describe's ``picklistValues``."""
    return {
        "active": True,
        "defaultValue": value == default,
        "label": value,
        "validFor": None,
        "value": value,
    }
