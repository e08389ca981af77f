"""The mapping file's form, strict: pydantic models, and the JSON Schema that editors use.

The models are made from the vocabulary, so that a new canonical field is one line there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeAlias, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    create_model,
    model_validator,
)

from syncd.mapping.results import (
    RESULTS,
    TASK_TEXTS,
)
from syncd.mapping.vocabulary import (
    HANDOFF_FIELDS,
    KINDS,
    PLAN_FIELDS,
)
from syncd.mapping.vocabulary import (
    Field as CanonicalField,
)

CodecName: TypeAlias = Literal[
    "text",
    "number",
    "money",
    "percent",
    "bool",
    "date",
    "datetime",
    "duration",
    "domain",
    "list",
    "html_text",
]


def _named(name: str) -> str:
    if not name or any(mark.isspace() or mark in "'\"" for mark in name):
        raise ValueError(f"{name!r} is no name of a CRM object or field: it has a space or a quote")
    return name


def _mailed(address: str) -> str:
    name, _, host = address.partition("@")
    if not name or "." not in host or any(mark.isspace() for mark in address):
        raise ValueError(f"{address!r} is no mail address")
    return address


Name: TypeAlias = Annotated[str, StringConstraints(min_length=1), AfterValidator(_named)]
"""A name of the CRM's: of an object, a field, an association."""
Label: TypeAlias = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Plain: TypeAlias = bool | int | float | date | datetime | str


class Part(BaseModel):
    """Strict and frozen: unknown keys are errors, and nothing is turned into another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=False)


class FieldTable(Part):
    """Where a canonical field comes from, when a bare field name does not say it all."""

    field: Name | None = Field(None, description="the CRM's field")
    association: Name | None = Field(None, description="the linked record of this object instead")
    label: Label | None = Field(None, description="only links that bear this label")
    first_of: Annotated[list[Name], Field(min_length=1)] | None = Field(
        None, description="of these fields the first that is filled"
    )
    as_: CodecName | None = Field(None, alias="as", description="how to read it")
    values: dict[str, bool | str] | None = Field(
        None, min_length=1, description="the CRM's words = the canonical ones"
    )
    default: Plain | None = Field(
        None, description="what an empty field, or a word not among values, means"
    )

    @model_validator(mode="after")
    def _one_origin(self) -> FieldTable:
        origins = [
            name for name in ("field", "association", "first_of") if getattr(self, name) is not None
        ]
        if len(origins) > 1:
            raise ValueError(f"give either {' or '.join(origins)}, not both")
        if not origins and self.default is None:
            raise ValueError("give a field, first_of, an association, or a default alone")
        if self.label is not None and self.association is None:
            raise ValueError("a label goes with an association")
        return self


FieldRule: TypeAlias = Name | FieldTable


_OPERANDS: Mapping[str, set[str]] = {
    "BETWEEN": {"value", "highValue"},
    "IN": {"values"},
    "NOT_IN": {"values"},
    "HAS_PROPERTY": set(),
    "NOT_HAS_PROPERTY": set(),
}


class Filter(Part):
    """One of HubSpot's search filters."""

    propertyName: Name  # noqa: N815 - HubSpot's own word
    operator: Literal[
        "EQ",
        "NEQ",
        "LT",
        "LTE",
        "GT",
        "GTE",
        "BETWEEN",
        "IN",
        "NOT_IN",
        "HAS_PROPERTY",
        "NOT_HAS_PROPERTY",
        "CONTAINS_TOKEN",
        "NOT_CONTAINS_TOKEN",
    ]
    value: str | int | float | bool | None = None
    highValue: str | int | float | None = None  # noqa: N815 - HubSpot's own word
    values: list[str | int | float] | None = None

    @model_validator(mode="after")
    def _has_its_operands(self) -> Filter:
        given = {
            name
            for name in ("value", "highValue", "values")
            if getattr(self, name) not in (None, [])
        }
        wanted = _OPERANDS.get(self.operator, {"value"})
        if given != wanted:
            words = " and ".join(sorted(wanted, reverse=True)) or "neither value nor values"
            raise ValueError(f"operator {self.operator} takes {words}")
        return self


class Section(Part):
    """A kind, or part of one, and the CRM object it comes from."""

    object: Name = Field(description="the CRM's object: its API name or type id")
    where: Label | Annotated[list[Filter], Field(min_length=1)] | None = Field(
        None, description="only these records: a SOQL condition, or a list of HubSpot filters"
    )
    fields: Any = None


def _fields_model(name: str, fields: Mapping[str, CanonicalField], text: str) -> type[Part]:
    members: dict[str, Any] = {
        field.name: (FieldRule | None, Field(None, description=field.text))
        for field in fields.values()
    }
    return create_model(name, __base__=Part, __doc__=text, **members)


def _section_model(kind: str, **more: Any) -> type[Section]:
    known = dict(KINDS[kind])
    if kind != "user":
        known["id"] = CanonicalField("id", KINDS["user"]["id"].shape, "always the record's own id")
    fields = _fields_model(
        f"{kind.title()}Fields", known, f"Where each field of {kind} comes from."
    )
    members: dict[str, Any] = {"fields": (fields, Field(default_factory=fields)), **more}
    return create_model(
        kind.title(), __base__=Section, __doc__=f"Where {kind} records come from.", **members
    )


class Meter(Part):
    """Metered use against its limit: two fields of the usage object."""

    used: Name = Field(description="what was used")
    limit: Name | None = Field(None, description="what may be used")


_PlanFields = _fields_model("PlanFields", PLAN_FIELDS, "The account plan's sections.")
_HandoffFields = _fields_model("HandoffItems", HANDOFF_FIELDS, "Handoff items on the opportunity.")
_MAIL = Annotated[str, AfterValidator(_mailed)]

SECTIONS: Mapping[str, type[Section]] = {
    "account": _section_model(
        "account", plan=(_PlanFields | None, Field(None, description="the account plan"))
    ),
    "opportunity": _section_model(
        "opportunity",
        amount_is=(
            Literal["total", "annual"],
            Field("total", description="amount is for the whole term, or for a year"),
        ),
        handoff=(_HandoffFields | None, Field(None, description="handoff items on this record")),
    ),
    "handoff": _section_model("handoff"),
    "contract": _section_model(
        "contract",
        value_is=(
            Literal["total", "annual"],
            Field("total", description="value is for the whole term, or for a year"),
        ),
    ),
    "contact": _section_model("contact"),
    "role": _section_model("role"),
    "ticket": _section_model("ticket"),
    "activity": _section_model("activity"),
    "usage": _section_model(
        "usage",
        meters=(dict[Name, Meter] | None, Field(None, description="metered use, by name")),
    ),
    "user": _section_model(
        "user",
        managers=(
            dict[_MAIL, _MAIL] | None,
            Field(None, description="mail address = its manager's mail address"),
        ),
    ),
}


class WriteTable(Part):
    """Where a value is written to, when a bare field name does not say it all."""

    field: Name = Field(description="the CRM's field")
    as_: CodecName | None = Field(None, alias="as", description="how to write it")
    values: dict[str, str] | None = Field(
        None, min_length=1, description="syncd's words = the CRM's words"
    )


class LinkTable(Part):
    """The account of a task, by association."""

    association: Name
    label: Label | None = None


WriteRule: TypeAlias = Name | WriteTable


def _task_members() -> dict[str, Any]:
    members: dict[str, Any] = {
        name: (WriteRule | None, Field(None, description=text)) for name, text in TASK_TEXTS.items()
    }
    members["key"] = (WriteRule, Field(description=TASK_TEXTS["key"]))
    members["account"] = (
        Name | LinkTable | None,
        Field(None, description=TASK_TEXTS["account"]),
    )
    return members


_AccountWrites: type[Part] = create_model(
    "AccountWrites",
    __base__=Part,
    __doc__="What is written to accounts; only what stands here is ever written.",
    **cast(
        "dict[str, Any]",
        {
            result.name: (WriteRule | None, Field(None, description=result.text))
            for result in RESULTS.values()
        },
    ),
)
_TaskWrites: type[Part] = create_model(
    "TaskWrites",
    __base__=Part,
    __doc__="Tasks; without this section none is written.",
    object=(Name | None, Field(None, description="the CRM's task object")),
    **_task_members(),
)


def _writes_model() -> type[Part]:
    members: dict[str, Any] = {
        "account": (_AccountWrites | None, Field(None, description="fields of accounts")),
        "task": (_TaskWrites | None, Field(None, description="tasks")),
    }
    return create_model("Writes", __base__=Part, __doc__="What is written.", **members)


def _file_model() -> type[Part]:
    members: dict[str, Any] = {
        "version": (Literal[1], Field(description="the form of this file: 1")),
        "account": (SECTIONS["account"], Field(description="accounts")),
    }
    for kind, section in SECTIONS.items():
        if kind != "account":
            several = Annotated[list[section], Field(min_length=1)]  # type: ignore[valid-type] # made at run time
            members[kind] = (section | several | None, Field(None, description=f"{kind} records"))
    writes = _writes_model()
    members["writes"] = (writes, Field(default_factory=writes, description="what is written"))
    return create_model(
        "MappingFile",
        __base__=Part,
        __doc__="A mapping file: where syncd's inputs stand in a CRM, and where results go.",
        **members,
    )


MappingFile: type[Part] = _file_model()


def mapping_schema() -> dict[str, Any]:
    """The JSON Schema of mapping files, for editors and CI."""
    schema = MappingFile.model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "syncd mapping file",
        **{key: value for key, value in schema.items() if key != "title"},
    }
