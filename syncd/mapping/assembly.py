"""Puts a Mapping together from a checked document: its sources, its readers, its writes."""

from __future__ import annotations

import json
from collections import abc
from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from msgspec.structs import replace

from syncd.connector import Association, Record, Source, TaskShape
from syncd.errors import Problem
from syncd.located import LocatedToml
from syncd.mapping.document import Document, Input, SectionRules, TaskRules, Where
from syncd.mapping.ids import full_id
from syncd.mapping.kinds import SectionReader
from syncd.mapping.mapping import Belonging, Mapping, Parent, SourcePlan
from syncd.mapping.writing import AccountWrite, TaskCell, TaskMapping

TASK_SOURCE = "task"
_ASSOCIATION = "association "
_PARENTS: abc.Mapping[str, tuple[str, ...]] = {
    "handoff": ("opportunity",),
    "role": ("account", "opportunity", "contact"),
    "activity": ("account", "contact"),
    "user": (),
}
"""Through which fields a record of a kind finds its account; others by their account."""


class _Draft:
    """A source in the making: sections with the same object and filter share one."""

    def __init__(self, name: str, object: str, where: Where) -> None:
        self.name = name
        self.object = object
        self.where = where
        self.sections: list[SectionRules] = []
        self.associations: dict[str, Association] = {}
        self.canonical: dict[str, list[str]] = {}
        self._spellings: dict[str, str] = {}

    def spell(self, field: str) -> str:
        """The one spelling of a field: CRMs compare names without regard to case."""
        spelled = self._spellings.setdefault(field.lower(), field)
        self.canonical.setdefault(spelled, [])
        return spelled

    def add(self, section: SectionRules) -> None:
        """Read this section's fields too."""
        for meter in section.meters:
            for field in (meter.used, meter.limit):
                if field is not None:
                    self.canonical[self.spell(field)].append("usage.meters")
        self.sections.append(
            replace(
                section,
                inputs={name: self._spelled(one) for name, one in section.inputs.items()},
                parts={name: self._spelled(one) for name, one in section.parts.items()},
                meters=tuple(
                    replace(
                        meter,
                        used=self.spell(meter.used),
                        limit=None if meter.limit is None else self.spell(meter.limit),
                    )
                    for meter in section.meters
                ),
            )
        )

    def _spelled(self, one: Input) -> Input:
        fields = tuple(self.spell(name) for name in one.fields)
        for name in fields:
            self.canonical[name].append(one.name)
        if one.association is not None:
            key = one.association.key
            self.associations[key] = one.association
            self.canonical.setdefault(_ASSOCIATION + key, []).append(one.name)
        return replace(one, fields=fields)

    def feeding(self) -> dict[str, tuple[str, ...]]:
        """The inputs that each field, and each association by its key, feeds."""
        found: dict[str, tuple[str, ...]] = {}
        for name, fed in self.canonical.items():
            key = name.removeprefix(_ASSOCIATION)
            found[key] = (*found.get(key, ()), *fed)
        return found

    def source(self, *, keep_deleted: bool = False) -> Source:
        """What the connector is asked for."""
        return Source(
            name=self.name,
            object=self.object,
            fields=tuple(name for name in self.canonical if not name.startswith(_ASSOCIATION)),
            associations=tuple(self.associations.values()),
            where=self.where,
            keep_deleted=keep_deleted,
        )


class Assembly:
    """Puts a Mapping together from a checked document."""

    def __init__(
        self,
        document: Document,
        connection: str,
        defaults: abc.Mapping[str, Any],
        timezone: tzinfo,
    ) -> None:
        """`defaults` are the connector's, `timezone` the portfolio's."""
        self._document = document
        self._connection = connection
        self._soql = bool(defaults.get("id_field"))
        self._fraction = defaults.get("percent") == "fraction"
        self._short_ids = bool(defaults.get("short_ids"))
        self._zone = timezone
        self._drafts: dict[tuple[str, str], _Draft] = {}

    def mapping(self, located: LocatedToml, hash: str, warnings: Sequence[Problem]) -> Mapping:
        """The finished mapping."""
        document = self._document
        for section in document.sections:
            draft = self._draft_of(section)
            draft.add(section)
            own_key = self._own_key(section)
            if own_key is not None:
                draft.spell(own_key)
        account = next(s for s in document.sections if s.kind == "account")
        account_draft = self._draft_of(account)
        writes = tuple(
            AccountWrite(
                one.name,
                account.object,
                account_draft.spell(one.field),
                one.codec,
                one.values,
                zone=self._zone,
                fraction=self._fraction,
            )
            for one in document.writes
        )
        plans = {draft.name: self._plan(draft) for draft in self._drafts.values()}
        task = None
        if document.task is not None:
            task = self._task(document.task)
            plans[TASK_SOURCE] = self._task_plan(task)
        fields = {one.name for s in document.sections for one in s.all_inputs()}
        fields |= {"usage.meters" for s in document.sections if s.meters}
        fields |= {"account.plan" for s in document.sections if s.kind == "account" and s.parts}
        kinds = {section.kind for section in document.sections}
        if any(section.kind == "opportunity" and section.parts for section in document.sections):
            kinds.add("handoff")
        return Mapping(
            connection=self._connection,
            sources=tuple(plan.source for plan in plans.values()),
            account_source=account_draft.name,
            task_source=None if task is None else TASK_SOURCE,
            user_sources=frozenset(
                draft.name
                for draft in self._drafts.values()
                if any(section.kind == "user" for section in draft.sections)
            ),
            kinds=frozenset(kinds),
            fields=frozenset(fields),
            hash=hash,
            account_object=account.object,
            account_writes=writes,
            task=task,
            warnings=tuple(warnings),
            managers={
                person: boss
                for section in document.sections
                for person, boss in section.managers.items()
            },
            document=document,
            _plans=plans,
            _located=located,
        )

    def _draft_of(self, section: SectionRules) -> _Draft:
        where = section.where
        key = (
            section.object.lower(),
            where if isinstance(where, str) else json.dumps(where, sort_keys=True),
        )
        if key not in self._drafts:
            count = sum(1 for object, _ in self._drafts if object == key[0])
            count += section.object == TASK_SOURCE
            name = section.object if not count else f"{section.object}#{count + 1}"
            self._drafts[key] = _Draft(name, section.object, where)
        return self._drafts[key]

    def _own_key(self, section: SectionRules) -> str | None:
        """The field that tells syncd's own tasks from activities of the same object."""
        task = self._document.task
        if section.kind != "activity" or task is None:
            return None
        same = section.object.lower() == task.object.lower()
        return task.outputs["key"].field if same else None

    def _plan(self, draft: _Draft) -> SourcePlan:
        return SourcePlan(
            source=draft.source(),
            readers=tuple(
                SectionReader(
                    self._connection,
                    section,
                    fraction=self._fraction,
                    short_ids=self._short_ids,
                    own_key=None if own_key is None else draft.spell(own_key),
                )
                for section in draft.sections
                for own_key in (self._own_key(section),)
            ),
            belongings=tuple(
                belonging
                for section in draft.sections
                for belonging in _belongings(section, short_ids=self._short_ids)
            ),
            canonical=draft.feeding(),
        )

    def _task(self, task: TaskRules) -> TaskMapping:
        shape = TaskShape(
            object=task.object,
            key_field=task.outputs["key"].field,
            account_field=task.account_field,
            account_association=task.account_association,
        )
        cells = tuple(
            TaskCell(one.name, one.field, one.codec, one.values) for one in task.outputs.values()
        )
        return TaskMapping(shape, cells, zone=self._zone)

    def _task_plan(self, task: TaskMapping) -> SourcePlan:
        shape = task.shape
        where: Where = (
            f"{shape.key_field} != null"
            if self._soql
            else ({"propertyName": shape.key_field, "operator": "HAS_PROPERTY"},)
        )
        link = shape.account_association
        source = Source(
            name=TASK_SOURCE,
            object=shape.object,
            fields=task.crm_fields(),
            associations=() if link is None else (link,),
            where=where,
            keep_deleted=True,
        )

        def belonging(record: Record) -> Parent | None:
            id = task.account_of(record)
            return None if id is None else ("account", id)

        return SourcePlan(source, (), (belonging,), dict.fromkeys(source.fields, ()))


def _belongings(section: SectionRules, *, short_ids: bool) -> list[Belonging]:
    if section.kind == "account":
        return [lambda record: ("account", record.id)]
    return [
        _by_input(name, section.inputs[name], short_ids=short_ids)
        for name in _PARENTS.get(section.kind, ("account",))
        if name in section.inputs
    ]


def _by_input(kind: str, one: Input, *, short_ids: bool) -> Belonging:
    key = None if one.association is None else one.association.key
    names = one.fields

    def belonging(record: Record) -> Parent | None:
        if key is not None:
            links = record.links.get(key)
            return (kind, links[0]) if links else None
        for name in names:
            value = record.fields.get(name)
            if value:
                return (kind, full_id(str(value)) if short_ids else str(value))
        return None

    return belonging
