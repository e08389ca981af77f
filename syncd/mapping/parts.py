"""The tables that mapping files are made of, strict, whatever kind of record they stand in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
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
Mail: TypeAlias = Annotated[str, AfterValidator(_mailed)]
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


class Meter(Part):
    """Metered use against its limit: two fields of the usage object."""

    used: Name = Field(description="what was used")
    limit: Name | None = Field(None, description="what may be used")


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
