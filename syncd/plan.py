"""The plan: what would change in a CRM, why, and whether it is safe. Pure.

`diff_fields` and `diff_tasks` compare what should be with what the system last held; both
answer with changes and with the values of people that were left alone. `overwrite_share`
and `raise`-free `held` say whether the whole is too much to write without a person's word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal, Protocol, TypeAlias

import msgspec
from msgspec import Struct

from syncd.connector import FieldType, ObjectSchema, SchemaField, Value
from syncd.mapping import AccountWrite
from syncd.model import Derived, Ref, Scalar

Shown: TypeAlias = None | bool | int | float | str
"""A value in the words that the CRM shows, fit for JSON."""


class WritePolicy(Struct, frozen=True):
    """How far syncd may go; from ``[write]``."""

    mode: Literal["off", "plan", "apply"] = "apply"
    max_overwrite_share: float = 0.3
    min_accounts: int = 10
    on_human_edit: Literal["keep", "overwrite"] = "keep"


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
    what those that change were before.
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


class Hold(Struct, frozen=True):
    """Why a plan is held: the share of accounts it would overwrite, and the limit."""

    connection: str
    share: float
    limit: float
    accounts: int
    filled: int


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


class FieldDiff(Struct, frozen=True):
    """What `diff_fields` found for one record."""

    sets: tuple[SetField, ...]
    kept: tuple[KeptValue, ...]
    edits: tuple[KeptValue, ...]
    """Values that a person set after us (`ours`: what syncd had left there), kept or not."""
    agreed: Mapping[str, Shown]
    """Fields whose value already stands in the CRM as it should, in shown words."""
    filled: bool
    """The record has a filled field of ours."""


def is_filled(value: Scalar) -> bool:
    """Whether a field says something: not empty, and not an unticked box."""
    return value is not None and value is not False and value != ""


def diff_fields(
    *,
    ref: Ref,
    account: str,
    writes: Sequence[AccountWrite],
    values: Mapping[str, Derived],
    raw: Mapping[str, Any],
    schema: ObjectSchema,
    written: Mapping[str, Shown],
    undone: Mapping[str, Shown],
    entitled: bool,
    policy: WritePolicy,
    today: date,
) -> FieldDiff:
    """Compare one account record's fields with what they should hold.

    Cases, in order: the CRM lacks the field → nothing; the rule said nothing → nothing; they
    agree → nothing; the account is not entitled and the value is not ours → nothing; a person
    changed it after us, or took back this very value (`undone`) → kept or, a change by hand,
    overwritten by policy; else → set.
    """
    sets: list[SetField] = []
    kept: list[KeptValue] = []
    edits: list[KeptValue] = []
    agreed: dict[str, Shown] = {}
    filled = False
    stamp: tuple[AccountWrite, SchemaField] | None = None
    for write in writes:
        field = schema.find(write.field)
        if field is None or write.field not in raw:
            continue
        current = write.decode(raw[write.field])
        filled = filled or is_filled(current)
        if write.result == "synced_at":
            stamp = (write, field)
            continue
        derived = values.get(write.result)
        if derived is None:
            continue
        desired = write.fit(derived.value, field)
        if desired is None and field.type is FieldType.BOOL and current is False:
            desired = False
        before, after = write.shown(current), write.shown(desired)
        if current == desired or before == after:
            agreed[write.field] = after
            continue
        ours = written.get(write.field)
        was_ours = write.field in written
        if not entitled and derived.value is None and (not was_ours or ours != before):
            continue
        by_hand = was_ours and ours != before
        taken_back = write.field in undone and undone[write.field] == after
        edits += [_kept(ref, account, write.field, before, ours)] if by_hand else []
        if taken_back or (by_hand and policy.on_human_edit == "keep"):
            kept.append(_kept(ref, account, write.field, before, after))
            continue
        sets.append(
            SetField(
                connection=ref.connection,
                object=ref.object,
                record=ref.id,
                account=account,
                field=write.field,
                result=write.result,
                before=before,
                after=after,
                because=derived.because,
                value=write.encode(desired),
                overwrites=is_filled(current),
            )
        )
    if stamp is not None and sets:
        sets.append(_stamp(*stamp, ref=ref, account=account, raw=raw, today=today))
    return FieldDiff(
        sets=tuple(sets), kept=tuple(kept), edits=tuple(edits), agreed=agreed, filled=filled
    )


def _kept(ref: Ref, account: str, field: str, theirs: Shown, ours: Shown) -> KeptValue:
    return KeptValue(
        connection=ref.connection,
        object=ref.object,
        record=ref.id,
        account=account,
        field=field,
        theirs=theirs,
        ours=ours,
    )


def _stamp(
    write: AccountWrite,
    field: SchemaField,
    *,
    ref: Ref,
    account: str,
    raw: Mapping[str, Any],
    today: date,
) -> SetField:
    """`synced_at`, only ever written along with another change."""
    desired = write.fit(today, field)
    return SetField(
        connection=ref.connection,
        object=ref.object,
        record=ref.id,
        account=account,
        field=write.field,
        result="synced_at",
        before=write.shown(write.decode(raw[write.field])),
        after=write.shown(desired),
        because="written along with the changes of this day",
        value=write.encode(desired),
        overwrites=False,
    )


def counts(change: SetField) -> bool:
    """Whether the safety limit counts this change: a filled field, ``health_*`` aside."""
    return change.overwrites and not change.result.startswith("health_")


def hold(plan: Plan, *, filled: Iterable[str], accounts: int, policy: WritePolicy) -> Hold | None:
    """Whether the plan would overwrite so much that a person must release it.

    Of the account records that have a filled field of ours (`filled`), the share that would have
    one overwritten or cleared; ``health_*`` aside. Not for a book smaller than `min_accounts`.
    """
    have = set(filled)
    hit = {change.record for change in plan.sets if counts(change)}
    have |= hit
    if accounts < policy.min_accounts or not have:
        return None
    share = len(hit) / len(have)
    if share <= policy.max_overwrite_share:
        return None
    return Hold(
        connection=plan.connection,
        share=round(share, 4),
        limit=policy.max_overwrite_share,
        accounts=len(hit),
        filled=len(have),
    )


PRIORITY_ORDER = {"high": 0, "normal": 1, "low": 2}


def cap_new_tasks(
    tasks: Sequence[TaskChange], *, given_today: Mapping[str, int], most: int
) -> tuple[list[TaskChange], list[TaskChange]]:
    """Share out new tasks: at most so many a person a day, by priority, then ARR.

    Returns (to be carried out, to wait for another day). Updates and closings are not counted,
    nor is a task that the person already had in another CRM.
    """
    now = [task for task in tasks if task.op != "open" or task.moved]
    later: list[TaskChange] = []
    count = dict(given_today)
    opens = sorted(
        (task for task in tasks if task.op == "open" and not task.moved),
        key=lambda t: (PRIORITY_ORDER.get(t.priority, 1), -t.worth, t.key),
    )
    for task in opens:
        person = task.assignee or ""
        if count.get(person, 0) >= most:
            later.append(task)
            continue
        count[person] = count.get(person, 0) + 1
        now.append(task)
    return now, later


class Words(Protocol):
    """Turns a canonical value into comparable words (the mapping's task part does)."""

    def encode(self, fields: Mapping[str, Any]) -> dict[str, Value]:
        """CRM fields and values of canonical task fields."""
        ...


class CurrentTask(Struct, frozen=True):
    """One of our tasks as the CRM holds it (None where unknown), and as syncd left it."""

    key: str
    playbook: str
    record: str | None
    state: str
    wrote: Mapping[str, Shown]
    now: Mapping[str, Shown] | None


class WantedTask(Struct, frozen=True):
    """A task that should be, from the playbooks. `opens` False: kept if open, not opened now."""

    key: str
    playbook: str
    fields: TaskFields
    because: str
    opens: bool
    due_moves: bool = True
    """False: the due date was counted from the day of opening, and stays."""
    moved: bool = False
    """It is open in another CRM, and goes on here."""


def task_words(fields: TaskFields, playbook: str) -> dict[str, Shown]:
    """A task's fields in words that can be stored and compared."""
    return {
        "subject": fields.subject,
        "body": fields.body,
        "due": fields.due.isoformat(),
        "priority": fields.priority,
        "owner": fields.assignee,
        "playbook": playbook,
    }


def diff_tasks(
    *,
    connection: str,
    account: str,
    account_record: str,
    worth: Decimal,
    wanted: Sequence[WantedTask],
    current: Sequence[CurrentTask],
    closing_note: Mapping[str, str],
    words: Words,
    can: frozenset[str],
    moved: frozenset[str] = frozenset(),
) -> list[TaskChange]:
    """Compare the tasks that should be with those that are.

    Cases: never opened and wanted → open; open and wanted → update what changed and no person
    edited; open and no longer wanted → close with a note; moved to another CRM and wanted again
    → open the same one again; completed, closed or deleted → left alone for ever. `can` names
    the canonical fields that this mapping writes; `moved` the keys of open tasks that another
    CRM takes over.
    """
    known = {task.key: task for task in current}
    changes: list[TaskChange] = []
    for want in wanted:
        have = known.get(want.key)
        fields = task_words(want.fields, want.playbook)
        if have is None:
            if want.opens:
                values = words.encode(
                    {
                        "key": want.key,
                        "playbook": want.playbook,
                        "status": "open",
                        **_typed(fields, want.fields),
                    }
                )
                changes.append(
                    _change(
                        "open", connection, account, account_record, want, fields, values, worth
                    )
                )
            continue
        if have.state == "moved" and want.fields.assignee is not None:
            changes.append(_reopened(connection, account, account_record, want, have, words, worth))
        if have.state != "open":
            continue
        differing = {
            name: value
            for name, value in fields.items()
            if name in can
            and name != "playbook"
            and value is not None
            and (name != "due" or want.due_moves)
            and not _alike(have.wrote.get(name), value)
            and (have.now is None or _untouched(have.now.get(name), have.wrote.get(name)))
            and (have.now is None or not _alike(have.now.get(name), value))
        }
        if differing:
            values = words.encode({**_typed(differing, want.fields)})
            changes.append(
                _change(
                    "update",
                    connection,
                    account,
                    account_record,
                    want,
                    {**have.wrote, **differing},
                    values,
                    worth,
                    record=have.record,
                    was={name: have.wrote.get(name) for name in differing},
                )
            )
    stays = {want.key for want in wanted}
    for task in current:
        if task.state != "open" or task.key in stays:
            continue
        note = closing_note.get(task.key, "The reason for this task is gone.")
        body = str((task.now or task.wrote).get("body") or "")
        closed = {**task.wrote, "status": "completed"}
        fields_now: dict[str, Any] = {"status": "completed"}
        if "body" in can:
            fields_now["body"] = f"{note}\n\n{body}" if body else note
            closed["body"] = fields_now["body"]
        due = task.wrote.get("due")
        changes.append(
            TaskChange(
                op="close",
                connection=connection,
                playbook=task.playbook,
                key=task.key,
                account=account,
                account_record=account_record,
                assignee=_text(task.wrote.get("owner")),
                due=date.fromisoformat(due) if isinstance(due, str) and due else None,
                subject=str(task.wrote.get("subject") or ""),
                because=note,
                values=words.encode(fields_now),
                wrote=closed,
                was={"status": "open", "body": body},
                record=task.record,
                worth=worth,
                moved=task.key in moved,
            )
        )
    return changes


def _reopened(
    connection: str,
    account: str,
    account_record: str,
    want: WantedTask,
    have: CurrentTask,
    words: Words,
    worth: Decimal,
) -> TaskChange:
    """A task that another CRM had taken over comes back."""
    fields = task_words(want.fields, want.playbook)
    values = words.encode({"status": "open", **_typed(fields, want.fields)})
    was = {"status": "completed", **{name: have.wrote.get(name) for name in fields}}
    return _change(
        "update",
        connection,
        account,
        account_record,
        want,
        {**fields, "status": "open"},
        values,
        worth,
        record=have.record,
        was=was,
    )


def _alike(one: Shown, other: Shown) -> bool:
    """Equal, but for white space, which CRMs trim and reflow."""
    if isinstance(one, str) and isinstance(other, str):
        return one.split() == other.split()
    return one == other


def _untouched(now: Shown, wrote: Shown) -> bool:
    """No person changed what syncd left there."""
    return now is None or _alike(now, wrote)


def _text(value: Shown) -> str | None:
    return None if value is None else str(value)


def _typed(words: Mapping[str, Shown], fields: TaskFields) -> dict[str, Any]:
    """The named fields with their own types (a date is a date again)."""
    typed: dict[str, Any] = {name: value for name, value in words.items() if name != "playbook"}
    if "due" in typed:
        typed["due"] = fields.due
    return typed


def _change(
    op: Literal["open", "update"],
    connection: str,
    account: str,
    account_record: str,
    want: WantedTask,
    wrote: Mapping[str, Shown],
    values: Mapping[str, Value],
    worth: Decimal,
    record: str | None = None,
    was: Mapping[str, Shown] | None = None,
) -> TaskChange:
    return TaskChange(
        op=op,
        connection=connection,
        playbook=want.playbook,
        key=want.key,
        account=account,
        account_record=account_record,
        assignee=want.fields.assignee,
        due=want.fields.due,
        subject=want.fields.subject,
        because=want.because,
        values=values,
        wrote=wrote,
        record=record,
        was=was or {},
        priority=want.fields.priority,
        worth=worth,
        moved=want.moved,
    )
