"""From the tasks that an account should have to what changes in each CRM."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from syncd.mapping import TaskMapping
from syncd.model import Finding
from syncd.plan import CurrentTask, TaskChange, TaskFields, WantedTask, diff_tasks
from syncd.playbooks import NO_ASSIGNEE, DesiredTask, closing_note, desired_tasks
from syncd.store import StoredTask, chunks
from syncd.sync.derive import Derivation
from syncd.sync.due import Due, load_of
from syncd.sync.loading import Member, ref_of
from syncd.sync.tasks import FINISHED, slot_of, slot_of_key
from syncd.sync.turn import Connected, Turn


class Asked(Struct, frozen=True):
    """What the playbooks want of one account, asked once for all its CRMs."""

    wanted: Sequence[DesiredTask] = ()
    findings: tuple[Finding, ...] = ()

    def told(self, stored: Sequence[StoredTask]) -> tuple[Finding, ...]:
        """The findings without those that nobody can get a task which is neither there nor due.

        `stored` are the account's tasks in all its CRMs.
        """
        there = {slot_of(task) for task in stored if task.state in {"open", "moved"}}
        finished = {slot_of(task) for task in stored if task.state in FINISHED}
        lacking = {slot_of_key(task.key) for task in self.wanted if task.lacking} - finished
        return tuple(
            finding
            for finding in self.findings
            if finding.code != NO_ASSIGNEE or slot_of_key(finding.field) in there | lacking
        )


def ask(turn: Turn, by_name: Mapping[str, Connected], derivation: Derivation, due: Due) -> Asked:
    """The tasks that the account should have, in the CRM that gets its tasks."""
    loaded = derivation.loaded
    if loaded.records is None:
        return Asked()
    home = by_name[loaded.home]
    if home.mapping.task is None or home.mapping.task_source is None:
        return Asked()
    wanted, findings = desired_tasks(
        turn.playbooks,
        loaded.records,
        derivation.values,
        derivation.before,
        turn.policy,
        turn.today,
        load=load_of(turn, due, loaded),
        currency=home.context.currency,
    )
    id = next(m.record.id for m in loaded.members if m.connection == loaded.home)
    ref = ref_of(home, id)
    return Asked(wanted, tuple(replace(finding, ref=ref) for finding in findings))


def task_changes(
    tx: Connection,
    turn: Turn,
    connected: Connected,
    derivation: Derivation,
    member: Member,
    stored: Sequence[StoredTask],
    asked: Asked,
) -> list[TaskChange]:
    """What changes in one of the account's CRMs. `stored` are its tasks in all of them."""
    mapping, name = connected.mapping, connected.name
    if mapping.task is None or mapping.task_source is None:
        return []
    mine = [task for task in stored if task.connection == name]
    others = [task for task in stored if task.connection != name]
    moved: dict[str, str] = {}
    wanted: list[WantedTask] = []
    if name == derivation.loaded.home:
        wanted = _wanted(mine, others, asked)
    else:
        mine, moved = _elsewhere(mine, others, asked, derivation.loaded.home)
    current = current_tasks(tx, turn, connected, mine)
    arr = derivation.values.get("arr")
    return diff_tasks(
        connection=name,
        account=derivation.loaded.stored.key,
        account_record=member.record.id,
        worth=arr.value if arr is not None and isinstance(arr.value, Decimal) else Decimal(0),
        wanted=wanted,
        current=current,
        closing_note={task.key: closing_note(task.playbook, derivation.values) for task in current}
        | moved,
        words=mapping.task,
        can=mapping.task.fields,
        moved=frozenset(moved),
        fit=_fit(connected, mapping.task),
    )


def _fit(connected: Connected, task: TaskMapping) -> Callable[[str, str], str]:
    """Cuts a text of a task to what its field holds."""
    schema = connected.schemas.get(task.shape.object)
    return lambda name, text: task.fit(name, text, schema)


def _wanted(
    mine: Sequence[StoredTask], others: Sequence[StoredTask], asked: Asked
) -> list[WantedTask]:
    """The tasks that should be here. One that was finished in another CRM is not opened again."""
    finished = {slot_of(task) for task in others if task.state in FINISHED}
    comes = {slot_of(task) for task in others if task.state == "open"}
    inherited = _inherited(mine, asked)
    known = {task.key for task in mine if task.state != "moved"}
    wanted = []
    for task in asked.wanted:
        key, slot = inherited.get(task.key, task.key), slot_of_key(task.key)
        if slot in finished and key not in known:
            continue
        wanted.append(
            WantedTask(
                key=key,
                playbook=task.playbook,
                fields=TaskFields(
                    subject=task.subject,
                    body=task.body,
                    due=task.due,
                    priority=task.priority,
                    assignee=task.assignee,
                ),
                because=task.because,
                opens=(task.opens or slot in comes) and task.assignee is not None,
                due_moves=task.due_moves,
                moved=slot in comes,
            )
        )
    return wanted


def _inherited(mine: Sequence[StoredTask], asked: Asked) -> dict[str, str]:
    """Keys of tasks that were opened under another id of the account, by the key they would have.

    The account was merged into this one, or was linked with it.
    """
    own = {task.key for task in mine}
    by_slot: dict[tuple[str, ...], str] = {}
    for task in sorted(mine, key=lambda task: (task.state != "open", task.key)):
        by_slot.setdefault(slot_of(task), task.key)
    return {
        task.key: by_slot[slot]
        for task in asked.wanted
        if task.key not in own and (slot := slot_of_key(task.key)) in by_slot
    }


def _elsewhere(
    mine: Sequence[StoredTask], others: Sequence[StoredTask], asked: Asked, home: str
) -> tuple[list[StoredTask], dict[str, str]]:
    """The open tasks of a CRM that does not get tasks (any more), and notes for those that moved.

    A task that its new home cannot take, for nobody is there to do it, stays where it is.
    """
    there = {slot_of(task) for task in others if task.connection == home}
    wanted = {slot_of_key(task.key): task for task in asked.wanted}
    closing: list[StoredTask] = []
    moved: dict[str, str] = {}
    for task in mine:
        want = wanted.get(slot_of(task))
        if task.state != "open" or want is None:
            closing.append(task)
        elif want.assignee is not None or slot_of(task) in there:
            closing.append(task)
            moved[task.key] = f"The same customer is in {home}: this task goes on there."
    return closing, moved


def task_fingerprint(turn: Turn, connected: Connected, change: TaskChange) -> str:
    """Changes when a refused task is worth another try."""
    assert connected.mapping.task is not None
    # None: the login may not see the task object at all.
    schema = connected.schemas.get(connected.mapping.task.shape.object)
    parts = [
        change.op,
        dict(change.wrote),
        [msgspec.to_builtins(schema and schema.find(name)) for name in change.values],
        connected.mapping.hash,
        turn.policy_hash,
    ]
    encoded = msgspec.json.encode(parts, order="deterministic", enc_hook=str)
    return hashlib.blake2b(encoded, digest_size=16).hexdigest()


def current_tasks(
    tx: Connection, turn: Turn, connected: Connected, stored: Sequence[StoredTask]
) -> list[CurrentTask]:
    """The account's tasks as the state and the mirror know them."""
    mapping = connected.mapping
    open_ids = [task.record for task in stored if task.state == "open" and task.record]
    shown: dict[str, Mapping[str, Any]] = {}
    if mapping.task is not None and mapping.task_source is not None:
        for some in chunks(open_ids):
            for record in turn.store.mirror.many(tx, connected.name, mapping.task_source, some):
                shown[record.id] = mapping.task.decode(record)
    return [
        CurrentTask(
            key=task.key,
            playbook=task.playbook,
            record=task.record,
            state=task.state,
            wrote=task.wrote,
            now=shown.get(task.record or ""),
        )
        for task in stored
    ]


def close_all(
    tx: Connection,
    turn: Turn,
    by_name: Mapping[str, Connected],
    derivation: Derivation,
    stored: Sequence[StoredTask],
) -> dict[str, list[TaskChange]]:
    """An account that left the book: its open tasks are closed with a note, by connection."""
    found: dict[str, list[TaskChange]] = {}
    for name, id in derivation.loaded.stored.members:
        connected = by_name.get(name)
        if connected is None or connected.mapping.task is None:
            continue
        mine = current_tasks(tx, turn, connected, [t for t in stored if t.connection == name])
        found[name] = diff_tasks(
            connection=name,
            account=derivation.loaded.stored.key,
            account_record=id,
            worth=Decimal(0),
            wanted=(),
            current=mine,
            closing_note={task.key: "The account is no longer in the book." for task in mine},
            words=connected.mapping.task,
            can=connected.mapping.task.fields,
            fit=_fit(connected, connected.mapping.task),
        )
    return found
