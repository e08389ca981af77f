"""The mapping of one connection: records in, canonical records out, and results on their way."""

from __future__ import annotations

from collections import abc
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from msgspec.structs import replace

from syncd.connector import FieldSpec, Record, Source
from syncd.errors import Problem
from syncd.located import LocatedToml
from syncd.mapping.checks import check_policy
from syncd.mapping.context import ReadContext
from syncd.mapping.document import Document
from syncd.mapping.kinds import Canonical, SectionReader
from syncd.mapping.specs import specs_of
from syncd.mapping.writing import AccountWrite, TaskMapping
from syncd.model import User
from syncd.policy import Policy

Parent: TypeAlias = tuple[str, str]
"""Whom a record belongs to: ("account" | "opportunity" | "contact", record id)."""
Belonging: TypeAlias = Callable[[Record], Parent | None]


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """What is made of one source's records. `canonical` holds kind.field names by CRM field."""

    source: Source
    readers: tuple[SectionReader, ...]
    belongings: tuple[Belonging, ...]
    canonical: abc.Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Mapping:
    """A connection's mapping file, ready to be used. Made by `load_mapping`.

    `sources` are what to pull: one for each distinct (object, where); `fields` are the mapped
    inputs as "kind.field"; `hash` changes when the meaning does; `warnings` do not stop syncd.
    """

    connection: str
    sources: tuple[Source, ...]
    account_source: str
    task_source: str | None
    user_sources: frozenset[str]
    kinds: frozenset[str]
    fields: frozenset[str]
    hash: str
    account_object: str
    account_writes: tuple[AccountWrite, ...]
    task: TaskMapping | None
    warnings: tuple[Problem, ...]
    managers: abc.Mapping[str, str]
    document: Document = field(repr=False)
    _plans: abc.Mapping[str, SourcePlan] = field(repr=False)
    _located: LocatedToml = field(repr=False)

    def read(self, source: str, record: Record, context: ReadContext) -> list[Canonical]:
        """Everything that a record of this source feeds, in canonical form.

        A value that cannot be read costs its field, or the record where the field matters for
        money or time, and comes as a Finding. A record that is gone is nothing.
        """
        readers = self._plans[source].readers
        if record.gone:
            return []
        if len(readers) == 1:
            return readers[0].read(record, context)
        return [item for reader in readers for item in reader.read(record, context)]

    def parent(self, source: str, record: Record) -> Parent | None:
        """Whom the record belongs to, without reading all of it; an account is its own."""
        for belonging in self._plans[source].belongings:
            found = belonging(record)
            if found is not None:
                return found
        return None

    def kinds_of(self, source: str) -> tuple[str, ...]:
        """The kinds that a source feeds; none for the tasks."""
        return tuple(dict.fromkeys(reader.kind for reader in self._plans[source].readers))

    def canonical_of(self, source: str, crm_field: str) -> list[str]:
        """The inputs ("kind.field") that a CRM field or association of this source feeds."""
        plan = self._plans[source]
        exact = plan.canonical.get(crm_field)
        if exact is not None:
            return list(exact)
        lowered = crm_field.lower()
        return [
            name
            for key, names in plan.canonical.items()
            if key.lower() == lowered
            for name in names
        ]

    def input_fields_of(self, kind_field: str) -> tuple[str, ...]:
        """The CRM fields and associations that feed an input such as ``contract.end_date``."""
        return tuple(
            dict.fromkeys(
                key
                for plan in self._plans.values()
                for key, names in plan.canonical.items()
                if kind_field in names
            )
        )

    def problems_with_policy(self, policy: Policy) -> list[Problem]:
        """Words of this file that the policy does not know, such as the name of a tier."""
        return check_policy(self.document, self._located, policy)

    def specs(self, policy: Policy) -> list[FieldSpec]:
        """The fields that provisioning should make: results, the task's key, syncd's own inputs."""
        return specs_of(self.document, policy)

    def with_managers(self, users: Iterable[User]) -> dict[str, User]:
        """Users by id, with the managers that ``[user.managers]`` names by mail address."""
        by_id = {user.id: user for user in users}
        if self.managers:
            ids: dict[str, Any] = {
                user.email.lower(): user.id for user in by_id.values() if user.email
            }
            for user in list(by_id.values()):
                boss = ids.get(self.managers.get((user.email or "").lower(), ""))
                if boss is not None:
                    by_id[user.id] = replace(user, manager=boss)
        return by_id
