"""`syncd undo`: put back what a run wrote, except where someone has edited since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import chain
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from syncd.errors import ConfigError, Problem
from syncd.plan import UNDONE, CurrentTask, Plan, SetField, Shown, TaskChange, alike, taken_back
from syncd.store import Entry, StoredTask
from syncd.sync import Connected, Lease, Turn, carry_out, current_tasks, pull

NOTE = "Taken back: run {run} was undone."


class Undone(Struct, frozen=True):
    """What undoing a run would change (or changed), and what it leaves alone."""

    run: int
    plans: dict[str, Plan]
    left: tuple[dict[str, Any], ...]
    written: int = 0
    failed: int = 0


def undo(turn: Turn, connections: Sequence[Connected], run: int, *, apply: bool) -> Undone:
    """Put back what `run` wrote: fields to what they were, opened tasks closed with a note.

    A field that was changed since is left, and so is a task that a person closed or, where it was
    opened or closed by the run, has taken up: another owner, text or status. What was taken
    back is not done again by itself: another value is written, an opened task stays closed for its
    cycle, a closed one is closed for another reason only. Raises ConfigError for an unknown run.
    """
    with Lease(turn) as lease:
        turn = lease.turn
        with turn.store.begin(write=False) as tx:
            known = turn.store.runs.get(tx, run)
            entries = [e for e in turn.store.ledger.of_run(tx, run) if e.state == "done"]
        if known is None:
            raise ConfigError(
                [Problem("undo", 0, 0, f"there is no run {run}", "`syncd runs` lists them")]
            )
        touched = {entry.connection for entry in entries}
        plans: dict[str, Plan] = {}
        left: list[dict[str, Any]] = []
        for connected in connections:
            if connected.name in touched:
                pull(turn, connected)
                mine = [entry for entry in entries if entry.connection == connected.name]
                plans[connected.name] = _plan(turn, connected, run, mine, left)
        if not apply:
            return Undone(run, plans, tuple(left))
        with turn.store.begin() as tx:
            number = turn.store.runs.start(tx, "undo", turn.instance, turn.clock())
        done = failed = 0
        for connected in connections:
            plan = plans.get(connected.name)
            if plan is not None and not plan.empty:
                _remember(turn, connected, plan)
                written = carry_out(turn, lease, number, connected, plan)
                done, failed = done + written.done, failed + written.failed
        with turn.store.begin() as tx:
            turn.store.runs.finish(
                tx,
                number,
                exit_code=3 if failed else 0,
                message=f"run {run} undone",
                counts={"written": done, "failed": failed},
                now=turn.clock(),
            )
        return Undone(run, plans, tuple(left), done, failed)


def _plan(
    turn: Turn, connected: Connected, run: int, entries: Sequence[Entry], left: list[dict[str, Any]]
) -> Plan:
    sets: dict[str, list[SetField]] = {}
    tasks: list[TaskChange] = []
    keys = [entry.task_key for entry in entries if entry.task_key]
    with turn.store.begin(write=False) as tx:
        stored = turn.store.tasks.by_key(tx, connected.name, keys)
        shown = {task.key: task for task in current_tasks(tx, turn, connected, [*stored.values()])}
        taken_up = _taken_up(tx, turn, connected, [*stored.values()])
        mirrored = {
            record.id: record.fields
            for record in turn.store.mirror.many(
                tx,
                connected.name,
                connected.mapping.account_source,
                sorted({entry.record for entry in entries if entry.record}),
            )
        }
    for entry in entries:
        if entry.kind == "fields":
            changes = _fields(connected, run, entry, mirrored.get(entry.record or ""), left)
            sets.setdefault(entry.record or "", []).extend(changes)
        elif entry.kind in {"open", "update", "close"}:
            task = stored.get(entry.task_key or "")
            change = _task(connected, run, entry, task, shown.get(entry.task_key or ""))
            if entry.kind != "update" and entry.task_key in taken_up:
                change = None
            if change is None:
                left.append(
                    {
                        "connection": connected.name,
                        "record": entry.record,
                        "task": entry.task_key,
                        "because": _why_left(entry, task, taken_up),
                    }
                )
            else:
                tasks.append(change)
    # The changes of a record stand together: they are one write.
    together = tuple(chain.from_iterable(sets.values()))
    return Plan(connection=connected.name, sets=together, tasks=tuple(tasks))


def _fields(
    connected: Connected,
    run: int,
    entry: Entry,
    fields: dict[str, Any] | None,
    left: list[dict[str, Any]],
) -> list[SetField]:
    by_field = {write.field: write for write in connected.mapping.account_writes}
    sets = []
    for change in entry.changes:
        write = by_field.get(change["field"])
        if write is not None and write.result == "synced_at":
            continue
        if write is None or fields is None or write.field not in fields:
            because = "the field or the record is no longer there"
            current = None
        else:
            current = write.shown(write.decode(fields[write.field]))
            if current == change["after"]:
                before = write.decode(change["before"])
                sets.append(
                    SetField(
                        connection=connected.name,
                        object=entry.object,
                        record=entry.record or "",
                        account=entry.account,
                        field=write.field,
                        result=write.result,
                        before=current,
                        after=write.shown(before),
                        because=f"run {run} is undone",
                        value=write.encode(before),
                        overwrites=True,
                    )
                )
                continue
            because = "it has been changed since"
        left.append(
            {
                "connection": connected.name,
                "record": entry.record,
                "field": change["field"],
                "now": current,
                "because": because,
            }
        )
    return sets


def _taken_up(
    tx: Connection, turn: Turn, connected: Connected, stored: Sequence[StoredTask]
) -> frozenset[str]:
    """Keys of the tasks in which a person has changed anything that syncd left there."""
    mapping, source = connected.mapping.task, connected.mapping.task_source
    if mapping is None or source is None:
        return frozenset()
    tasks = {task.record: task for task in stored if task.record is not None}
    found = set()
    for record in turn.store.mirror.many(tx, connected.name, source, sorted(tasks)):
        task = tasks[record.id]
        now = mapping.decode(record)
        # A task that is begun is open in syncd's eyes, but no longer as syncd left it.
        began = any(
            record.fields.get(field) not in (None, word)
            for field, word in mapping.encode({"status": "open"}).items()
        )
        if (task.state == "open" and began) or any(
            word is not None and now[name] is not None and not alike(now[name], word)
            for name, word in task.wrote.items()
            if name in now and name != "status"
        ):
            found.add(task.key)
    return frozenset(found)


def _why_left(entry: Entry, task: StoredTask | None, taken_up: frozenset[str]) -> str:
    if task is None:
        return "the task is no longer known"
    if entry.task_key in taken_up and task.state == ("closed" if entry.kind == "close" else "open"):
        return "it has been changed since"
    if task.state in {"closed", "moved"} and entry.kind != "close":
        return "a later run has closed it"
    if task.state == "open" and entry.kind != "close":
        return "it has been changed since"
    if task.state == "open":
        return "it is open again"
    return "a person has dealt with it since"


def _task(
    connected: Connected, run: int, entry: Entry, task: StoredTask | None, shown: CurrentTask | None
) -> TaskChange | None:
    """The way back of a task: opened → closed, closed → open, updated → as it was.

    What is taken back is marked, so that the next run does not do it again; nothing comes of a
    task, or of an updated field, that is no longer as the run left it.
    """
    mapping = connected.mapping.task
    expected = "closed" if entry.kind == "close" else "open"
    if mapping is None or task is None or task.state != expected:
        return None
    was = {change["field"]: change["before"] for change in entry.changes}
    now = {} if shown is None or shown.now is None else shown.now
    undone: dict[str, Shown] = {}
    if entry.kind == "open":
        body = now.get("body") or task.wrote.get("body") or ""
        body = f"{NOTE.format(run=run)}\n\n{body}".strip()
        values: dict[str, Any] = {"status": "completed", "body": body}
    elif entry.kind == "close":
        values = {"status": "open", "body": was.get("body") or ""}
        undone = {"status": next((change["because"] for change in entry.changes), "")}
    else:
        undone = {
            change["field"]: change["after"]
            for change in entry.changes
            if change["before"] is not None
            and alike(now.get(change["field"], change["after"]), change["after"])
        }
        values = {name: was[name] for name in undone}
        if not values:
            return None
    if isinstance(values.get("due"), str):
        values["due"] = date.fromisoformat(values["due"])
    wrote = {**task.wrote, **{n: v for n, v in values.items() if n not in {"due", "status"}}}
    for name, value in undone.items():
        wrote[f"{UNDONE}{name}"] = [*task.wrote.get(f"{UNDONE}{name}", ()), value]
    if "due" in values:
        wrote["due"] = values["due"].isoformat()
    return TaskChange(
        op="close" if entry.kind == "open" else "update",
        connection=connected.name,
        playbook=task.playbook,
        key=task.key,
        account=task.account,
        account_record=task.account.partition(":")[2],
        assignee=str(wrote["owner"]) if wrote.get("owner") else None,
        due=None,
        subject=str(wrote.get("subject") or ""),
        because=f"run {run} is undone",
        values=mapping.encode(values),
        wrote=wrote,
        was={name: task.wrote.get(name) for name in values},
        record=task.record,
    )


def _remember(turn: Turn, connected: Connected, plan: Plan) -> None:
    """These very values are not to be written again by the next run."""
    with turn.store.begin() as tx:
        ledger, object = turn.store.ledger, connected.mapping.account_object
        ids = sorted({change.record for change in plan.sets})
        written = ledger.written(tx, connected.name, object, ids)
        for change in plan.sets:
            ours = written.get(change.record, {})
            written[change.record] = taken_back(ours, change.field, change.before, change.after)
        ledger.save_written(tx, connected.name, object, written)
