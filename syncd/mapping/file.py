"""The mapping file's form, strict: its sections, and the JSON Schema that editors use.

The sections are made from the vocabulary, so that a new canonical field is one line there; the
tables in them are those of `parts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from pydantic import Field, conlist, create_model

from syncd.mapping.parts import FieldRule, LinkTable, Mail, Meter, Name, Part, Section, WriteRule
from syncd.mapping.results import RESULTS, TASK_TEXTS
from syncd.mapping.vocabulary import HANDOFF_FIELDS, KINDS, PLAN_FIELDS
from syncd.mapping.vocabulary import Field as CanonicalField


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


_PlanFields = _fields_model("PlanFields", PLAN_FIELDS, "The account plan's sections.")
_HandoffFields = _fields_model("HandoffItems", HANDOFF_FIELDS, "Handoff items on the opportunity.")

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
            dict[Mail, Mail] | None,
            Field(None, description="mail address = its manager's mail address"),
        ),
    ),
}


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
            several: Any = conlist(section, min_length=1)
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
