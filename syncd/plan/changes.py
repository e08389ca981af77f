"""What a plan is made of: fields to set, tasks to open, update or close, values left alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property
from itertools import chain
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from syncd.connector import Value

Shown: TypeAlias = None | bool | int | float | str
"""A value in the words that the CRM shows, fit for JSON."""

UNDONE = "!undone"
"""Marks, beside what syncd wrote, what was taken back: that is not written again by itself.

Of an account's fields: by field, what was put back, and after it all that was taken back for it. It
ends with the next other value.
"""

ALSO = "!also"
"""Marks, beside what syncd wrote, other words of its own that a field may show: those of a record
that was merged into this one, and those of a write whose outcome was not known when it was asked.
"""


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
    what those that change were before. A name of `wrote` that begins with UNDONE holds all that
    was taken back of that field; of the status, the reasons of closings that were taken back.
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
    wrote: Mapping[str, Any]
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


class Plan(Struct, frozen=True, dict=True):
    """All that one run would change in one connection. A record's changes stand together."""

    connection: str
    sets: Sequence[SetField] = ()
    tasks: Sequence[TaskChange] = ()
    kept: Sequence[KeptValue] = ()
    postponed: Sequence[TaskChange] = ()
    """Tasks over a person's daily number: they wait for the next day."""

    @property
    def empty(self) -> bool:
        """Nothing to write."""
        return not self.sets and not self.tasks

    @cached_property
    def accounts(self) -> frozenset[str]:
        """Keys of the accounts that something is to be written for."""
        changes: Iterable[SetField | TaskChange] = chain(self.sets, self.tasks)
        return frozenset(change.account for change in changes)

    def overwritten(self) -> frozenset[str]:
        """What the safety limit counts, a short hash for each; an approval is given for these.

        The rest of the plan may change until it is carried out: a new task or a first value
        needs no approval.
        """
        return frozenset(
            hashlib.blake2b(
                msgspec.json.encode((s.object, s.record, s.field, s.before, s.after)),
                digest_size=8,
            ).hexdigest()
            for s in self.sets
            if counts(s)
        )


def remembered(ours: Mapping[str, Any], words: Mapping[str, Shown]) -> dict[str, Any]:
    """What syncd left in a record, with these words now in their fields; no other are its own."""
    marks = {
        ALSO: {name: other for name, other in ours.get(ALSO, {}).items() if name not in words},
        UNDONE: {
            name: undone
            for name, undone in ours.get(UNDONE, {}).items()
            if name not in words or words[name] == undone[0]
        },
    }
    kept = {name: word for name, word in ours.items() if name not in marks}
    return {**kept, **words, **{mark: fields for mark, fields in marks.items() if fields}}


def taken_back(ours: Mapping[str, Any], field: str, value: Shown, back: Shown) -> dict[str, Any]:
    """What syncd left in a record, of which `value` is being taken back and `back` put back."""
    undone = ours.get(UNDONE, {})
    values = [word for word in [*undone.get(field, [])[1:], value] if word != back]
    return {**ours, UNDONE: {**undone, field: [back, *dict.fromkeys(values)]}}


def also_ours(ours: Mapping[str, Any], words: Mapping[str, Shown]) -> dict[str, Any]:
    """What syncd left in a record, where these words may show up in its fields as well."""
    also = {name: list(other) for name, other in ours.get(ALSO, {}).items()}
    for name, word in words.items():
        if word not in also.setdefault(name, []):
            also[name].append(word)
    return {**ours, ALSO: also} if also else dict(ours)


def united(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """What syncd left in a record, after another one was merged into it.

    People choose whose value stays, so either is syncd's own. What was taken back of a field of
    the other record counts where nothing was of this one's.
    """
    words = {name: word for name, word in theirs.items() if not name.startswith("!")}
    found = dict(ours)
    for name in words.keys() - ours.keys():
        found[name] = words[name]
    if UNDONE in theirs:
        found[UNDONE] = {**theirs[UNDONE], **found.get(UNDONE, {})}
    found = also_ours(found, {name: word for name, word in words.items() if name in ours})
    for name, others in theirs.get(ALSO, {}).items():
        for word in others:
            found = also_ours(found, {name: word})
    return found


def counts(change: SetField) -> bool:
    """Whether the safety limit counts this change: a filled field, ``health_*`` aside."""
    return change.overwrites and not change.result.startswith("health_")
