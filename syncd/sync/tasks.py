"""What the CRM says of our tasks: opened, completed by a person, deleted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from syncd.connector import Record
from syncd.store import StoredTask, account_key, to_text
from syncd.sync.turn import Connected, Turn

FINISHED = frozenset({"completed", "closed", "deleted"})


def note_tasks(tx: Connection, turn: Turn, connected: Connected, records: Iterable[Record]) -> None:
    """Bring the tasks by key up to what these records show.

    A task with a key of ours that the state does not know (a lost or older state) is adopted, so
    that it is not opened again. One that a person completed stays so; one reopened is open again.
    """
    mapping, store, name = connected.mapping, turn.store, connected.name
    if mapping.task is None:
        return
    now = to_text(turn.clock())
    gone, alive = [], {}
    for record in records:
        if record.gone and not record.fields:
            gone.append(record.id)
            continue
        shown: dict[str, Any] = mapping.task.decode(record)
        if shown.get("key"):
            alive[str(shown["key"])] = (record, shown)
    store.tasks.mark_deleted(tx, name, gone, now)
    known = store.tasks.by_key(tx, name, sorted(alive))
    strangers = {str(shown.get("account")) for key, (_, shown) in alive.items() if key not in known}
    accounts = store.links.keys_of(tx, name, sorted(strangers))
    saved, touched = [], set()
    for key, (record, shown) in alive.items():
        task = known.get(key)
        state = "deleted" if record.gone else str(shown.get("status") or "open")
        if task is None:
            account = shown.get("account")
            task = StoredTask(
                connection=name,
                key=key,
                playbook=str(shown.get("playbook") or key.partition("/")[0]),
                account=accounts.get(account or "", account_key(name, account or "")),
                record=record.id,
                state=state,
                assignee=shown.get("owner"),
                wrote={
                    field: value
                    for field, value in shown.items()
                    if field not in {"status", "account", "key"}
                },
                closed_at=None if state == "open" else now,
            )
            saved.append(task)
            touched.add(task.account)
            continue
        if state == "completed" and task.state in {"closed", "moved"}:
            state = task.state
        if (task.state, task.record) != (state, record.id):
            saved.append(
                replace(
                    task,
                    state=state,
                    record=record.id,
                    closed_at=None if state == "open" else task.closed_at or now,
                )
            )
            touched.add(task.account)
    store.tasks.save(tx, saved)
    store.book.touch_keys(tx, sorted(touched))


def slot_of(task: StoredTask) -> tuple[str, ...]:
    """What the task is about whatever its account's id: playbook, cycle and role of its key."""
    return slot_of_key(task.key)


def slot_of_key(key: str) -> tuple[str, ...]:
    """Playbook, cycle and role: a key without the account's id and a digest that has it."""
    parts = key.split("/")
    return (parts[0], *parts[2:4])
