"""The tasks of one account: those there are against those that should be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal, Protocol

from msgspec import Struct
from msgspec.structs import replace

from syncd.connector import Value
from syncd.plan.changes import UNDONE, Shown, TaskChange, TaskFields


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
    wrote: Mapping[str, Any]
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
    fit: Callable[[str, str], str] = lambda _, text: text,
) -> list[TaskChange]:
    """Compare the tasks that should be with those that are.

    Cases: never opened and wanted → open; open and wanted → update what changed and no person
    edited; open and no longer wanted → close with a note; moved to another CRM and wanted again
    → open the same one again; completed, closed or deleted → left alone for ever. An update or a
    closing that was taken back is not repeated, another one is. `can` names
    the canonical fields that this mapping writes; `moved` the keys of open tasks that another
    CRM takes over. `fit` cuts a text to what the CRM's field of that canonical name holds.
    """
    known = {task.key: task for task in current}
    changes: list[TaskChange] = []
    for whole in wanted:
        want = _fitted(whole, fit)
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
            and not alike(have.wrote.get(name), value)
            and not _taken_back(have, name, value)
            and (have.now is None or _untouched(have.now.get(name), have.wrote.get(name)))
            and (have.now is None or not alike(have.now.get(name), value))
        }
        if differing:
            values = words.encode({**_typed(differing, want.fields)})
            stands = {**have.wrote, **(have.now or {}), **differing}
            update = _change(
                "update",
                connection,
                account,
                account_record,
                want,
                {**_without_marks(have.wrote, differing), **differing},
                values,
                worth,
                record=have.record,
                was={name: have.wrote.get(name) for name in differing},
            )
            # As people will see it: what stays in the CRM is not what would be written anew.
            changes.append(
                replace(
                    update, due=_date(stands.get("due")), subject=str(stands.get("subject") or "")
                )
            )
    stays = {want.key for want in wanted}
    for task in current:
        if task.state != "open" or task.key in stays:
            continue
        note = closing_note.get(task.key, "The reason for this task is gone.")
        if _taken_back(task, "status", note):
            continue
        body = str((task.now or task.wrote).get("body") or "")
        closed = {**task.wrote, "status": "completed"}
        fields_now: dict[str, Any] = {"status": "completed"}
        if "body" in can:
            fields_now["body"] = fit("body", f"{note}\n\n{body}" if body else note)
            closed["body"] = fields_now["body"]
        changes.append(
            TaskChange(
                op="close",
                connection=connection,
                playbook=task.playbook,
                key=task.key,
                account=account,
                account_record=account_record,
                assignee=_text(task.wrote.get("owner")),
                due=_date(task.wrote.get("due")),
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


def _fitted(want: WantedTask, fit: Callable[[str, str], str]) -> WantedTask:
    subject, body = fit("subject", want.fields.subject), fit("body", want.fields.body)
    return replace(want, fields=replace(want.fields, subject=subject, body=body))


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


def alike(one: Shown, other: Shown) -> bool:
    """Equal, but for white space, which CRMs trim and reflow."""
    if isinstance(one, str) and isinstance(other, str):
        return one.split() == other.split()
    return one == other


def _taken_back(task: CurrentTask, name: str, value: Shown) -> bool:
    """This very value (of the status: this reason to close) was undone."""
    return any(alike(undone, value) for undone in task.wrote.get(f"{UNDONE}{name}", ()))


def _without_marks(wrote: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The same without what was taken back of these fields: another value comes into them."""
    marks = {f"{UNDONE}{name}" for name in names}
    return {name: value for name, value in wrote.items() if name not in marks}


def _untouched(now: Shown, wrote: Shown) -> bool:
    """No person changed what syncd left there."""
    return now is None or alike(now, wrote)


def _date(value: Shown) -> date | None:
    """The day that a task shows as due; None where it shows none, or no day."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


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
