"""Diff: from derivations to one plan per connection, and what the state learns on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Connection

from syncd.connector import ObjectSchema
from syncd.model import Derived, Finding, Scalar
from syncd.plan import (
    CurrentTask,
    KeptValue,
    Plan,
    SetField,
    TaskChange,
    TaskFields,
    WantedTask,
    cap_new_tasks,
    diff_fields,
    diff_tasks,
)
from syncd.playbooks import closing_note, desired_tasks
from syncd.store import UNDONE, AccountState, Reject, StoredTask, chunks, to_text
from syncd.sync.derive import ACCOUNTS_AT_ONCE, Derivation, Due, Member, derive_all, ref_of
from syncd.sync.overtaken import overtaken
from syncd.sync.turn import Connected, Turn


@dataclass(slots=True)
class Difference:
    """What one run would change in one connection, gathered account by account."""

    sets: list[SetField] = field(default_factory=list)
    tasks: list[TaskChange] = field(default_factory=list)
    kept: list[KeptValue] = field(default_factory=list)
    quiet: set[str] = field(default_factory=set)
    """Accounts with nothing left to write: they are settled."""

    def drop(self, accounts: AbstractSet[str]) -> None:
        """Forget what was found for these accounts."""
        self.sets = [change for change in self.sets if change.account not in accounts]
        self.tasks = [change for change in self.tasks if change.account not in accounts]
        self.kept = [value for value in self.kept if value.account not in accounts]
        self.quiet -= accounts


@dataclass(frozen=True, slots=True)
class Past:
    """What the state knows of a few hundred accounts: words last written, tasks, rejects."""

    written: Mapping[tuple[str, str], dict[str, Any]]
    tasks: Mapping[str, Sequence[StoredTask]]
    rejects: Mapping[str, Sequence[Reject]]


@dataclass(slots=True)
class Learned:
    """What the state is to keep of them."""

    states: list[AccountState] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)
    decisions: dict[str, tuple[Mapping[str, Derived], Mapping[str, Scalar], Mapping[str, date]]] = (
        field(default_factory=dict)
    )
    written: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    filled: dict[str, dict[str, bool]] = field(default_factory=dict)
    kept: list[KeptValue] = field(default_factory=list)
    edits: list[KeptValue] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    still_refused: set[tuple[str, str, str, str]] = field(default_factory=set)


def diff(turn: Turn, served: Sequence[Connected], due: Due) -> dict[str, Plan]:
    """Derive the due accounts and compare; one plan per connection, by name.

    Unless the run is only a look, the derivations are stored as they come; an account stays
    marked until its changes are written, so that a run that dies is made up for.
    """
    found = {connected.name: Difference() for connected in served}
    by_name = {connected.name: connected for connected in served}
    keys = list(due.keys)
    while keys:
        some, keys = keys[:ACCOUNTS_AT_ONCE], keys[ACCOUNTS_AT_ONCE:]
        with turn.store.begin() as tx:
            _diff_some(tx, turn, by_name, msgspec.structs.replace(due, keys=tuple(some)), found)
        turn.progress("derive", ",".join(by_name), len(some))
    if not turn.dry:
        _look_again(turn, by_name, due, found)
    plans = {}
    for name, difference in found.items():
        with turn.store.begin(write=False) as tx:
            given = turn.store.tasks.opened_today(tx, name, turn.today)
        most = turn.policy.tasks.max_new_tasks_per_user_per_day
        tasks, postponed = cap_new_tasks(difference.tasks, given_today=given, most=most)
        plans[name] = Plan(
            connection=name,
            sets=tuple(difference.sets),
            tasks=tuple(tasks),
            kept=tuple(difference.kept),
            postponed=tuple(postponed),
        )
        if not turn.dry:
            _settle(turn, difference, plans[name])
    return plans


def _look_again(
    turn: Turn, by_name: Mapping[str, Connected], due: Due, found: Mapping[str, Difference]
) -> None:
    """Plan once more for the accounts whose records a person has changed since they were read."""
    keys: set[str] = set()
    for name, connected in by_name.items():
        keys |= overtaken(turn, connected, found[name].sets)
    for difference in found.values():
        difference.drop(keys)
    for some in chunks(sorted(keys), ACCOUNTS_AT_ONCE):
        with turn.store.begin() as tx:
            # One that was merged away just now belongs to another account.
            left = tuple(sorted(turn.store.book.account(tx, some)))
            _diff_some(tx, turn, by_name, msgspec.structs.replace(due, keys=left), found)


def _settle(turn: Turn, difference: Difference, plan: Plan) -> None:
    """Accounts without changes are done; those with postponed tasks come again tomorrow."""
    busy = {change.account for change in plan.sets} | {task.account for task in plan.tasks}
    later = {task.account for task in plan.postponed}
    with turn.store.begin() as tx:
        turn.store.book.settle(tx, sorted(difference.quiet | (later - busy)))
        turn.store.book.come_again(tx, sorted(later), turn.today + timedelta(days=1))


def _diff_some(
    tx: Connection,
    turn: Turn,
    by_name: Mapping[str, Connected],
    due: Due,
    found: Mapping[str, Difference],
) -> None:
    derivations = list(derive_all(tx, turn, list(by_name.values()), due))
    past = Past(
        written=_written(tx, turn, by_name, derivations),
        tasks=turn.store.tasks.of_accounts(tx, due.keys),
        rejects=turn.store.quarantine.of_accounts(tx, due.keys),
    )
    learned = Learned()
    for derivation in derivations:
        key = derivation.loaded.stored.key
        changed = False
        if derivation.loaded.records is None:
            changed = _close_all(tx, turn, by_name, derivation, past, found)
        for member in derivation.loaded.members if derivation.loaded.records else ():
            connected = by_name[member.connection]
            changed |= _diff_member(
                tx, turn, connected, derivation, member, past, due, learned, found[connected.name]
            )
        home = key.partition(":")[0]
        by_name[home].derived += 1
        if changed:
            learned.busy.append(key)
        else:
            found[home].quiet.add(key)
        learned.states.append(derivation.state)
        learned.decisions[key] = (derivation.stands, derivation.facts, derivation.since)
    for name, filled in learned.filled.items():
        turn.store.book.set_filled(tx, name, filled)
    if turn.dry:
        turn.store.book.save_names(tx, learned.states)
        for name, connected in by_name.items():
            mine = [reject for reject in learned.rejects if reject.connection == name]
            connected.rejected += turn.store.quarantine.unknown(tx, mine)
    else:
        _store(tx, turn, by_name, due, past, learned)


def _store(
    tx: Connection,
    turn: Turn,
    by_name: Mapping[str, Connected],
    due: Due,
    past: Past,
    learned: Learned,
) -> None:
    """Keep what a few hundred accounts came to."""
    store, now = turn.store, to_text(turn.clock())
    store.book.save(tx, learned.states, learned.decisions, now=now, today=turn.today)
    # Also those that came by their day or by the borders: else a held plan would lose them.
    store.book.touch_keys(tx, learned.busy)
    for name, connected in by_name.items():
        object = ref_of(connected, "").object
        store.ledger.save_written(tx, name, object, learned.written.get(name, {}))
        kept = [item for item in learned.kept if item.connection == name]
        fresh = store.ledger.save_kept(tx, name, due.keys, kept, now)
        store.ledger.note_edits(
            tx,
            due.run,
            [
                edit
                for edit in learned.edits
                if edit.connection == name
                and (turn.write.on_human_edit == "overwrite" or (edit.record, edit.field) in fresh)
            ],
            now,
        )
        mine = [reject for reject in learned.rejects if reject.connection == name]
        connected.rejected += store.quarantine.put(tx, mine, run=0, now=now)
    stand = {place(reject) for reject in learned.rejects} | learned.still_refused
    store.quarantine.release(
        tx,
        [
            place(reject)
            for rejects in past.rejects.values()
            for reject in rejects
            if reject.connection in by_name and place(reject) not in stand
        ],
    )


def _written(
    tx: Connection,
    turn: Turn,
    by_name: Mapping[str, Connected],
    derivations: Sequence[Derivation],
) -> dict[tuple[str, str], dict[str, Any]]:
    """What syncd last left in these records, by (connection, record id)."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for name, connected in by_name.items():
        ids = [m.record.id for d in derivations for m in d.loaded.members if m.connection == name]
        object = ref_of(connected, "").object
        for id, fields in turn.store.ledger.written(tx, name, object, ids).items():
            found[name, id] = fields
    return found


def _diff_member(
    tx: Connection,
    turn: Turn,
    connected: Connected,
    derivation: Derivation,
    member: Member,
    past: Past,
    due: Due,
    learned: Learned,
    difference: Difference,
) -> bool:
    """One record of an account: its fields and tasks. True when there is something to write."""
    name, key = connected.name, derivation.loaded.stored.key
    ref = ref_of(connected, member.record.id)
    schema = connected.schemas[ref.object]
    ours = past.written.get((name, ref.id), {})
    fields = diff_fields(
        ref=ref,
        account=key,
        writes=connected.mapping.account_writes,
        values=derivation.values,
        raw=member.record.fields,
        schema=schema,
        written=ours,
        undone=ours.get(UNDONE, {}),
        entitled=member.account.status == "customer",
        policy=turn.write,
        today=turn.today,
    )
    refused = {
        (reject.record, reject.field): reject
        for reject in past.rejects.get(key, [])
        if reject.connection == name and reject.kind == "write"
    }
    sets = _without_refused(connected, fields.sets, member, schema, refused, learned)
    tasks, findings = _task_changes(tx, turn, connected, derivation, member, past, due)
    tasks = _tasks_without_refused(connected, tasks, refused, learned)
    learned.rejects += _findings(connected, key, (*derivation.findings, *findings))
    learned.filled.setdefault(name, {})[ref.id] = fields.filled
    learned.kept += fields.kept
    learned.edits += fields.edits
    adopted = {**ours, **fields.agreed}
    if adopted != ours:
        learned.written.setdefault(name, {})[ref.id] = adopted
    difference.sets += sets
    difference.kept += fields.kept
    difference.tasks += tasks
    return bool(sets or tasks)


# --- the quarantine -------------------------------------------------------------------------------


def place(reject: Reject) -> tuple[str, str, str, str]:
    """Where a reject stands in the quarantine."""
    return (reject.connection, reject.object, reject.record, reject.field)


def write_fingerprint(
    connected: Connected, sets: Sequence[SetField], schema: ObjectSchema, record: Mapping[str, Any]
) -> str:
    """Changes when a refused write is worth another try: value, definition, record or mapping."""
    written = {write.field for write in connected.mapping.account_writes}
    real = [change for change in sets if change.result != "synced_at"]
    parts = [
        [(change.field, change.after) for change in real],
        [msgspec.to_builtins(schema.find(change.field)) for change in real],
        {field: value for field, value in record.items() if field not in written},
        connected.mapping.hash,
    ]
    encoded = msgspec.json.encode(parts, order="deterministic", enc_hook=str)
    return hashlib.blake2b(encoded, digest_size=16).hexdigest()


def _without_refused(
    connected: Connected,
    sets: Sequence[SetField],
    member: Member,
    schema: ObjectSchema,
    refused: Mapping[tuple[str, str], Reject],
    learned: Learned,
) -> tuple[SetField, ...]:
    """Leave out what the CRM refused before, as long as nothing about it has changed."""

    def stands(part: Sequence[SetField], field: str) -> bool:
        item = refused.get((member.record.id, field))
        if item is None or item.fingerprint != write_fingerprint(
            connected, part, schema, member.record.fields
        ):
            return False
        learned.still_refused.add(place(item))
        return True

    if not refused:
        return tuple(sets)
    left = [change for change in sets if not stands([change], change.field)]
    real = [change for change in left if change.result != "synced_at"]
    if not real or stands(left, ""):
        return ()
    return tuple(left)


def _tasks_without_refused(
    connected: Connected,
    tasks: Sequence[TaskChange],
    refused: Mapping[tuple[str, str], Reject],
    learned: Learned,
) -> list[TaskChange]:
    left = []
    for task in tasks:
        item = refused.get((task.key, ""))
        if item is not None and item.fingerprint == task_fingerprint(connected, task):
            learned.still_refused.add(place(item))
        else:
            left.append(task)
    return left


def _findings(connected: Connected, account: str, findings: Sequence[Finding]) -> list[Reject]:
    """The records that cannot be used, as they go to quarantine."""
    return [
        Reject(
            connection=finding.ref.connection,
            object=finding.ref.object,
            record=finding.ref.id,
            field=finding.field,
            account=account,
            code=finding.code,
            message=finding.message,
            remedy=finding.remedy,
            kind="record",
            fingerprint=hashlib.blake2b(finding.message.encode(), digest_size=16).hexdigest(),
        )
        for finding in findings
        if finding.ref.connection == connected.name
    ]


# --- tasks ----------------------------------------------------------------------------------


def _task_changes(
    tx: Connection,
    turn: Turn,
    connected: Connected,
    derivation: Derivation,
    member: Member,
    past: Past,
    due: Due,
) -> tuple[list[TaskChange], tuple[Finding, ...]]:
    mapping, name = connected.mapping, connected.name
    if mapping.task is None or mapping.task_source is None or derivation.loaded.records is None:
        return [], ()
    records = derivation.loaded.records
    wanted, findings = desired_tasks(
        turn.playbooks,
        records,
        derivation.values,
        derivation.before,
        turn.policy,
        turn.today,
        load=due.load,
        currency=connected.context.currency,
    )
    stored = past.tasks.get(derivation.loaded.stored.key, [])
    inherited = _inherited(stored, member.record.id)
    current = current_tasks(tx, turn, connected, [t for t in stored if t.connection == name])
    arr = derivation.values.get("arr")
    worth = arr.value if arr is not None and isinstance(arr.value, Decimal) else Decimal(0)
    changes = diff_tasks(
        connection=name,
        account=derivation.loaded.stored.key,
        account_record=member.record.id,
        worth=worth,
        wanted=[
            WantedTask(
                key=inherited.get(task.key, task.key),
                playbook=task.playbook,
                fields=TaskFields(
                    subject=task.subject,
                    body=task.body,
                    due=task.due,
                    priority=task.priority,
                    assignee=task.assignee,
                ),
                because=task.because,
                opens=task.opens and task.assignee is not None,
                due_moves=task.due_moves,
            )
            for task in wanted
        ],
        current=current,
        closing_note={task.key: closing_note(task.playbook, derivation.values) for task in current},
        words=mapping.task,
        can=mapping.task.fields,
    )
    return changes, tuple(findings)


def _inherited(stored: Sequence[StoredTask], account: str) -> dict[str, str]:
    """Keys of tasks that came from a merged account, by the key that they would have here."""
    own = {task.key for task in stored}
    found = {}
    for task in stored:
        parts = task.key.split("/")
        if len(parts) > 1 and parts[1] != account:
            here = "/".join([parts[0], account, *parts[2:]])
            if here not in own:
                found[here] = task.key
    return found


def task_fingerprint(connected: Connected, change: TaskChange) -> str:
    """Changes when a refused task is worth another try."""
    assert connected.mapping.task is not None
    schema = connected.schemas[connected.mapping.task.shape.object]
    parts = [
        change.op,
        dict(change.wrote),
        [msgspec.to_builtins(schema.find(name)) for name in change.values],
        connected.mapping.hash,
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


def _close_all(
    tx: Connection,
    turn: Turn,
    by_name: Mapping[str, Connected],
    derivation: Derivation,
    past: Past,
    found: Mapping[str, Difference],
) -> bool:
    """An account that left the book: its open tasks are closed with a note."""
    changed = False
    stored = past.tasks.get(derivation.loaded.stored.key, [])
    for name, id in derivation.loaded.stored.members:
        connected = by_name.get(name)
        if connected is None or connected.mapping.task is None:
            continue
        mine = current_tasks(tx, turn, connected, [t for t in stored if t.connection == name])
        changes = diff_tasks(
            connection=name,
            account=derivation.loaded.stored.key,
            account_record=id,
            worth=Decimal(0),
            wanted=(),
            current=mine,
            closing_note={task.key: "The account is no longer in the book." for task in mine},
            words=connected.mapping.task,
            can=connected.mapping.task.fields,
        )
        found[name].tasks += changes
        changed |= bool(changes)
    return changed
