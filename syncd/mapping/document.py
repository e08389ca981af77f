"""What a mapping file says, in one plain form: every shorthand written out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from syncd.connector import Association
from syncd.located import Loc
from syncd.mapping.parts import FieldTable, LinkTable, Part, Section, WriteTable
from syncd.mapping.results import (
    RESULTS,
    TASK_CODECS,
)
from syncd.mapping.vocabulary import (
    HANDOFF_FIELDS,
    KINDS,
    PLAN_FIELDS,
    Field,
)

Where = str | tuple[Mapping[str, Any], ...] | None


class Input(Struct, frozen=True):
    """Where one canonical field comes from. Neither fields nor association: `default` alone."""

    field: Field
    name: str
    loc: Loc
    codec: str
    fields: tuple[str, ...] = ()
    association: Association | None = None
    values: Mapping[str, bool | str] = {}
    default: Any = None


class Meter(Struct, frozen=True):
    """Metered use against its limit."""

    name: str
    used: str
    limit: str | None
    loc: Loc


class SectionRules(Struct, frozen=True):
    """One section: a kind from one object. `parts` are the handoff items or plan sections."""

    kind: str
    object: str
    where: Where
    loc: Loc
    inputs: Mapping[str, Input]
    parts: Mapping[str, Input] = {}
    has_parts: bool = False
    meters: tuple[Meter, ...] = ()
    annual: bool = False
    managers: Mapping[str, str] = {}
    own_id: str | None = None
    """What the file names as the id of a record that is no user."""

    def all_inputs(self) -> Iterator[Input]:
        """The section's own inputs and those of its parts."""
        yield from self.inputs.values()
        yield from self.parts.values()

    def crm_fields(self) -> Iterator[tuple[str, str]]:
        """Every CRM field that is read, and the canonical name it feeds."""
        for one in self.all_inputs():
            for name in one.fields:
                yield name, one.name
        for meter in self.meters:
            yield meter.used, "usage.meters"
            if meter.limit is not None:
                yield meter.limit, "usage.meters"


class Output(Struct, frozen=True):
    """Where one value is written to."""

    name: str
    field: str
    loc: Loc
    codec: str
    values: Mapping[str, str] = {}


class TaskRules(Struct, frozen=True):
    """How tasks are written. `outputs` has all but the account."""

    object: str
    loc: Loc
    outputs: Mapping[str, Output]
    account_field: str | None = None
    account_association: Association | None = None


class Document(Struct, frozen=True):
    """The whole mapping."""

    sections: tuple[SectionRules, ...]
    writes: tuple[Output, ...]
    task: TaskRules | None


def document_of(file: Part) -> Document:
    """The plain form of a valid file."""
    content: Any = file
    sections: list[SectionRules] = []
    for kind in KINDS:
        given = getattr(content, kind)
        if isinstance(given, list):
            sections += [_section(kind, one, (kind, index)) for index, one in enumerate(given)]
        elif given is not None:
            sections.append(_section(kind, given, (kind,)))
    account = content.writes.account
    writes = [] if account is None else _outputs(account, ("writes", "account"), _result_codec)
    task = content.writes.task
    return Document(
        tuple(sections),
        tuple(writes),
        None if task is None else _task(task, ("writes", "task")),
    )


def _section(kind: str, section: Section, loc: Loc) -> SectionRules:
    given: Any = section
    parts: dict[str, Input] = {}
    part = {"account": "plan", "opportunity": "handoff"}.get(kind)
    given_parts = getattr(given, part) if part else None
    if part == "plan" and given_parts is not None:
        parts = _inputs(given_parts, PLAN_FIELDS, "account.plan", (*loc, "plan"))
    elif part == "handoff" and given_parts is not None:
        parts = _inputs(given_parts, HANDOFF_FIELDS, "handoff", (*loc, "handoff"))
    where = given.where
    if isinstance(where, list):
        where = tuple(one.model_dump(exclude_none=True) for one in where)
    meters = getattr(given, "meters", None) or {}
    id_rule = None if kind == "user" else given.fields.id
    return SectionRules(
        kind=kind,
        object=given.object,
        where=where,
        loc=loc,
        inputs=_inputs(given.fields, KINDS[kind], kind, (*loc, "fields")),
        parts=parts,
        has_parts=bool(parts),
        meters=tuple(
            Meter(name, meter.used, meter.limit, (*loc, "meters", name))
            for name, meter in meters.items()
        ),
        annual="annual" in (getattr(given, "value_is", ""), getattr(given, "amount_is", "")),
        managers={
            person.lower(): boss.lower()
            for person, boss in (getattr(given, "managers", None) or {}).items()
        },
        own_id=id_rule.field if isinstance(id_rule, FieldTable) else id_rule,
    )


def _inputs(given: Part, fields: Mapping[str, Field], prefix: str, loc: Loc) -> dict[str, Input]:
    inputs: dict[str, Input] = {}
    for name, field in fields.items():
        rule = getattr(given, name)
        if rule is not None:
            inputs[name] = _input(rule, field, f"{prefix}.{name}", (*loc, name))
    return inputs


def _input(rule: str | FieldTable, field: Field, name: str, loc: Loc) -> Input:
    if isinstance(rule, str):
        return Input(field, name, loc, field.shape.codec, (rule,))
    names = rule.first_of or ([rule.field] if rule.field is not None else [])
    return Input(
        field=field,
        name=name,
        loc=loc,
        codec=rule.as_ or field.shape.codec,
        fields=tuple(names),
        association=None if rule.association is None else Association(rule.association, rule.label),
        values=rule.values or {},
        default=rule.default,
    )


def _result_codec(name: str) -> str:
    return RESULTS[name].shape.codec


def _task_codec(name: str) -> str:
    return TASK_CODECS[name][0]


def _outputs(given: Part, loc: Loc, codec_of: Any) -> list[Output]:
    outputs: list[Output] = []
    for name in type(given).model_fields:
        rule = getattr(given, name)
        if name in ("object", "account") or rule is None:
            continue
        if isinstance(rule, str):
            outputs.append(Output(name, rule, (*loc, name), codec_of(name)))
        elif isinstance(rule, WriteTable):
            codec = rule.as_ or codec_of(name)
            outputs.append(Output(name, rule.field, (*loc, name), codec, rule.values or {}))
    return outputs


def _task(given: Part, loc: Loc) -> TaskRules:
    task: Any = given
    account = task.account
    link = isinstance(account, LinkTable)
    return TaskRules(
        object=task.object or "",
        loc=loc,
        outputs={one.name: one for one in _outputs(given, loc, _task_codec)},
        account_field=None if link else account,
        account_association=Association(account.association, account.label) if link else None,
    )
