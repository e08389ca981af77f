"""Diff: from derivations to one plan per connection, and what the state learns on the way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from syncd.errors import StopRunError
from syncd.plan import ALSO, UNDONE, Plan, cap_new_tasks, diff_fields, remembered
from syncd.store import chunks, to_text
from syncd.sync.derive import Derivation, derive_all
from syncd.sync.due import STOPPED, Due, told_load
from syncd.sync.gathered import Difference, Learned, Past
from syncd.sync.loading import ACCOUNTS_AT_ONCE, Member, ref_of
from syncd.sync.overtaken import overtaken
from syncd.sync.quarantine import place, tasks_without_refused, unusable, without_refused
from syncd.sync.task_diff import Asked, ask, close_all, task_changes
from syncd.sync.turn import Connected, Turn

SETTLED_AT_ONCE = 2_000
"""Accounts that are settled in one go: others write to the state in between."""


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
        _diff_some(turn, by_name, msgspec.structs.replace(due, keys=tuple(some)), found)
        turn.progress("derive", ",".join(by_name), len(some))
        if turn.stop.is_set():
            raise StopRunError(STOPPED)
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
            sets=difference.sets,
            tasks=tasks,
            kept=difference.kept,
            postponed=postponed,
        )
    if not turn.dry:
        _settle(turn, found.values(), plans.values())
    return plans


def _look_again(
    turn: Turn, by_name: Mapping[str, Connected], due: Due, found: Mapping[str, Difference]
) -> None:
    """Plan once more for the accounts whose records a person has changed since they were read."""
    keys: set[str] = set()
    for name, connected in by_name.items():
        keys |= overtaken(turn, connected, found[name].sets, found[name].tasks)
    for difference in found.values():
        difference.drop(keys)
    for some in chunks(sorted(keys), ACCOUNTS_AT_ONCE):
        _diff_some(turn, by_name, msgspec.structs.replace(due, keys=tuple(some)), found)


def _settle(turn: Turn, found: Iterable[Difference], plans: Collection[Plan]) -> None:
    """Accounts without changes are done; those with postponed tasks come again tomorrow."""
    busy = {account for plan in plans for account in plan.accounts}
    later: dict[str, list[tuple[str, str]]] = {}
    for plan in plans:
        for task in plan.postponed:
            later.setdefault(task.account, []).append((plan.connection, task.assignee or ""))
    done = {key for difference in found for key in difference.quiet} | (later.keys() - busy)
    for some in chunks(sorted(done | later.keys()), SETTLED_AT_ONCE):
        with turn.store.begin() as tx:
            turn.store.book.settle(tx, [key for key in some if key in done])
            waiting = {key: later[key] for key in some if key in later}
            turn.store.book.come_again(tx, waiting, turn.today + timedelta(days=1))
            turn.store.book.postpone(tx, waiting)


def _diff_some(
    turn: Turn, by_name: Mapping[str, Connected], due: Due, found: Mapping[str, Difference]
) -> None:
    """Derive and compare a few hundred accounts; the state is kept from others for moments only."""
    with turn.store.begin(write=False) as tx:
        past, learned = _compare(tx, turn, by_name, due, found)
    with turn.store.begin() as tx:
        _learn(tx, turn, by_name, due, past, learned)


def _compare(
    tx: Connection,
    turn: Turn,
    by_name: Mapping[str, Connected],
    due: Due,
    found: Mapping[str, Difference],
) -> tuple[Past, Learned]:
    derivations = list(derive_all(tx, turn, list(by_name.values()), due))
    past = Past(
        written=_written(tx, turn, by_name, derivations),
        tasks=turn.store.tasks.of_accounts(tx, due.keys),
        rejects=turn.store.quarantine.of_accounts(tx, due.keys),
    )
    learned = Learned()
    for derivation in derivations:
        key = derivation.loaded.stored.key
        if derivation.loaded.halved:
            # One of its records left since the links were made: the next run sees what is true.
            continue
        changed = False
        if derivation.loaded.records is None:
            stored = past.tasks.get(key, [])
            for name, changes in close_all(tx, turn, by_name, derivation, stored).items():
                found[name].tasks.extend(changes)
                changed |= bool(changes)
        asked = ask(turn, by_name, derivation, due)
        for member in derivation.loaded.members if derivation.loaded.records else ():
            connected = by_name[member.connection]
            changed |= _diff_member(
                tx, turn, connected, derivation, member, past, asked, learned, found[connected.name]
            )
        home = key.partition(":")[0]
        by_name[home].derived += 1
        if changed:
            learned.busy.append(key)
        else:
            found[home].quiet.add(key)
        told = told_load(turn, due, derivation.loaded)
        learned.states.append(msgspec.structs.replace(derivation.state, load_told=told))
        learned.decisions[key] = (derivation.stands, derivation.facts, derivation.since)
    return past, learned


def _learn(
    tx: Connection,
    turn: Turn,
    by_name: Mapping[str, Connected],
    due: Due,
    past: Past,
    learned: Learned,
) -> None:
    """Keep of these accounts what a run of this kind may keep."""
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
    asked: Asked,
    learned: Learned,
    difference: Difference,
) -> bool:
    """One record of an account: its fields and tasks. True when there is something to write."""
    name, key = connected.name, derivation.loaded.stored.key
    assert derivation.loaded.records is not None
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
        also=ours.get(ALSO, {}),
        entitled=derivation.loaded.records.account.status == "customer",
        policy=turn.write,
        today=turn.today,
    )
    refused = {
        (reject.record, reject.field): reject
        for reject in past.rejects.get(key, [])
        if reject.connection == name and reject.kind == "write"
    }
    sets = without_refused(turn, connected, fields.sets, member, schema, refused, learned)
    stored = past.tasks.get(key, [])
    tasks = task_changes(tx, turn, connected, derivation, member, stored, asked)
    findings = asked.told(stored) if name == derivation.loaded.home else ()
    tasks = tasks_without_refused(turn, connected, tasks, refused, learned)
    learned.rejects += unusable(connected, key, (*derivation.findings, *findings))
    learned.filled.setdefault(name, {})[ref.id] = fields.filled
    learned.kept += fields.kept
    learned.edits += fields.edits
    adopted = remembered(ours, fields.agreed)
    if adopted != ours:
        learned.written.setdefault(name, {})[ref.id] = adopted
    difference.sets.extend(sets)
    difference.kept.extend(fields.kept)
    difference.tasks.extend(tasks)
    return bool(sets or tasks)
