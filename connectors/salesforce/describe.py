"""Describes: an object's fields in neutral words, and what the pull needs to know of it.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_describe.htm
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from connectors.salesforce.door import remedy
from connectors.salesforce.session import Session
from syncd.connector import FieldType, ObjectSchema, SchemaField
from syncd.errors import AccessError, RequestError, TransientError

NOT_FOUND = 404
SHORT_TEXT = 255
STAMPS = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
DELETED, MERGED = "IsDeleted", "MasterRecordId"

TYPES = {
    "string": FieldType.TEXT,
    "combobox": FieldType.TEXT,
    "phone": FieldType.TEXT,
    "url": FieldType.TEXT,
    "email": FieldType.TEXT,
    "encryptedstring": FieldType.TEXT,
    "id": FieldType.TEXT,
    "textarea": FieldType.TEXT,
    "currency": FieldType.MONEY,
    "double": FieldType.NUMBER,
    "int": FieldType.NUMBER,
    "long": FieldType.NUMBER,
    "percent": FieldType.PERCENT,
    "boolean": FieldType.BOOL,
    "date": FieldType.DATE,
    "datetime": FieldType.DATETIME,
    "picklist": FieldType.PICKLIST,
    "multipicklist": FieldType.MULTIPICKLIST,
    "reference": FieldType.REFERENCE,
}
SCALED = {FieldType.NUMBER, FieldType.MONEY, FieldType.PERCENT}


class Marks(NamedTuple):
    """What an object has beside its own fields.

    `stamp`: the field that tells of changes, None where there is none.
    """

    stamp: str | None
    keeps_deleted: bool
    can_merge: bool

    @classmethod
    def among(cls, fields: Collection[str]) -> Marks:
        """The marks of an object with these fields, or with those of an earlier `fields`."""
        return cls(
            stamp=next((name for name in STAMPS if name in fields), None),
            keeps_deleted=DELETED in fields,
            can_merge=MERGED in fields,
        )

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that bear the marks."""
        marks = ((self.stamp, True), (DELETED, self.keeps_deleted), (MERGED, self.can_merge))
        return tuple(name for name, has in marks if name and has)


class Described(NamedTuple):
    """An object as described.

    `relations`: the objects behind each parent relationship, by its name in lower case.
    `permissionable`: the fields that field-level security can be set for.
    """

    schema: ObjectSchema
    marks: Marks
    relations: Mapping[str, tuple[str, ...]]
    permissionable: frozenset[str]


def field_type(raw: Mapping[str, Any]) -> FieldType:
    """The neutral type of a described field."""
    vendor = raw.get("type") or "string"
    if vendor == "textarea":
        if raw.get("htmlFormatted") or raw.get("extraTypeInfo") == "richtextarea":
            return FieldType.HTML
        if (raw.get("length") or 0) > SHORT_TEXT:
            return FieldType.LONG_TEXT
    return TYPES.get(vendor, FieldType.OTHER)


def schema_field(raw: Mapping[str, Any]) -> SchemaField:
    """A described field. `unique`: unique and an external id, so tasks can be upserted by it.

    What a describe does not tell is taken to be no obstacle: Salesforce has the last word.
    """
    kind = field_type(raw)
    calculated = bool(raw.get("calculated") or raw.get("autoNumber"))
    told = raw.get("updateable")
    options = raw.get("picklistValues") or ()
    return SchemaField(
        name=raw["name"],
        label=raw.get("label") or raw["name"],
        type=kind,
        vendor_type=raw.get("type") or "",
        length=raw.get("length") or None,
        scale=raw.get("scale") if kind in SCALED else None,
        writable=bool(told) if told is not None else not calculated and raw.get("type") != "id",
        createable=bool(raw.get("createable", told is not False and not calculated)),
        required=bool(
            raw.get("createable")
            and not raw.get("nillable", True)
            and not raw.get("defaultedOnCreate")
        ),
        unique=bool(
            raw.get("unique", True) and (raw.get("externalId", True) or raw.get("idLookup"))
        ),
        calculated=bool(raw.get("calculated")),
        restricted=bool(raw.get("restrictedPicklist")),
        never_blank=kind is FieldType.BOOL,
        options=tuple(
            option["value"]
            for option in options
            if option.get("active", True) and "value" in option
        ),
        references=tuple(raw.get("referenceTo") or ()),
    )


def described(raw: Mapping[str, Any], object: str = "") -> Described:
    """A describe answer, read; `object` is the name that was asked for."""
    fields = {field["name"]: schema_field(field) for field in raw["fields"]}
    return Described(
        schema=ObjectSchema(
            name=raw.get("name") or object,
            fields=fields,
            createable=bool(raw.get("createable", True)),
            updateable=bool(raw.get("updateable", True)),
        ),
        marks=Marks.among(fields),
        relations={
            field["relationshipName"].lower(): tuple(field.get("referenceTo") or ())
            for field in raw["fields"]
            if field.get("relationshipName")
        },
        permissionable=frozenset(
            field["name"]
            for field in raw["fields"]
            if field.get("permissionable", field["name"].endswith("__c"))
        ),
    )


class Describes:
    """The describes of one opened connection, each asked for once."""

    def __init__(self, session: Session) -> None:
        """Ask nothing yet."""
        self._session = session
        self._known: dict[str, Described] = {}

    def of(self, object: str) -> Described:
        """The object's describe. Raises AccessError when it does not exist or is hidden."""
        known = self._known.get(object.lower())
        if known is None:
            known = self._known[object.lower()] = self._ask(object)
        return known

    def forget(self, object: str) -> None:
        """Ask anew at the next need: its fields have changed."""
        self._known.pop(object.lower(), None)

    def _ask(self, object: str) -> Described:
        path = f"sobjects/{quote(object, safe='')}/describe"

        def ask(client: Any) -> Described:
            answer = client.restful(path)
            named = answer.get("fields") if isinstance(answer, dict) else None
            if not isinstance(named, list) or not all(
                isinstance(field, dict) and isinstance(field.get("name"), str) for field in named
            ):
                raise TransientError(f"the describe of {object} was not complete", applied=None)
            return described(answer, object)

        try:
            return self._session.other(ask)
        except RequestError as error:
            if error.status != NOT_FOUND:
                raise
            raise AccessError(
                f"the object {object} does not exist in this org, or the integration user "
                "may not see it",
                object=object,
                remedy=remedy(object, (), error.code),
                code=error.code,
            ) from error
