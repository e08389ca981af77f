"""What a plan is made of: fields to set, tasks to open, update or close, values left alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from syncd.connector import Value

Shown: TypeAlias = None | bool | int | float | str
"""A value in the words that the CRM shows, fit for JSON."""

UNDONE = "!undone"
"""Marks, beside what syncd wrote, what was taken back: that is not written again by itself."""


class SetField(Struct, frozen=True, gc=False):
    """Change one field of an account record. `value` is what the connector is given."""

    connection: str
    object: str
    record: str
    account: str
    field: str
    result: str
    before: Shown
    after: Shown
    because: str
    value: Value
    overwrites: bool
    """A filled value (an unticked box is not one) would be replaced or cleared."""


class TaskFields(Struct, frozen=True):
    """A task as a person sees it. `assignee` is a user id."""

    subject: str
    body: str
    due: date
    priority: str
    assignee: str | None


class TaskChange(Struct, frozen=True):
    """Open, update or close one task. `values` are what the connector is given, by CRM field.

    `wrote` are all its fields in words that can be compared later, by canonical name; `was`
    what those that change were before. A name of `wrote` that begins with UNDONE holds what was
    taken back of that field; of the status, the reason of a closing that was taken back.
    """

    op: Literal["open", "update", "close"]
    connection: str
    playbook: str
    key: str
    account: str
    account_record: str
    assignee: str | None
    due: date | None
    subject: str
    because: str
    values: Mapping[str, Value]
    wrote: Mapping[str, Shown]
    record: str | None = None
    was: Mapping[str, Shown] = {}
    priority: str = "normal"
    worth: Decimal = Decimal(0)
    moved: bool = False
    """It goes on in, or comes from, another CRM of the same customer."""


class KeptValue(Struct, frozen=True):
    """A person's value that stands against ours and was left alone."""

    connection: str
    object: str
    record: str
    account: str
    field: str
    theirs: Shown
    ours: Shown


class Plan(Struct, frozen=True):
    """All that one run would change in one connection."""

    connection: str
    sets: tuple[SetField, ...] = ()
    tasks: tuple[TaskChange, ...] = ()
    kept: tuple[KeptValue, ...] = ()
    postponed: tuple[TaskChange, ...] = ()
    """Tasks over a person's daily number: they wait for the next day."""

    @property
    def empty(self) -> bool:
        """Nothing to write."""
        return not self.sets and not self.tasks

    @property
    def accounts(self) -> frozenset[str]:
        """Keys of the accounts that something is to be written for."""
        return frozenset(
            [*(change.account for change in self.sets), *(task.account for task in self.tasks)]
        )

    def overwritten(self) -> frozenset[str]:
        """What the safety limit counts, a short hash for each; an approval is given for these.

        The rest of the plan may change until it is carried out: a new task or a first value
        needs no approval.
        """
        return frozenset(
            hashlib.blake2b(
                msgspec.json.encode((s.object, s.record, s.field, s.after)), digest_size=8
            ).hexdigest()
            for s in self.sets
            if counts(s)
        )


def counts(change: SetField) -> bool:
    """Whether the safety limit counts this change: a filled field, ``health_*`` aside."""
    return change.overwrites and not change.result.startswith("health_")
