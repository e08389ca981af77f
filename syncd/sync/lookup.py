"""Writes whose outcome nobody knows are looked up in the CRM before anything is repeated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from syncd.connector import Record, Source
from syncd.plan import also_ours, remembered
from syncd.store import Entry, chunks, to_moment, to_text
from syncd.sync.tasks import note_tasks
from syncd.sync.turn import Connected, Turn

LOOKED_UP_AT_ONCE = 2_000
"""Writes that are looked up at once: a run that died may have left as many as the book is large."""


def look_up_unsettled(turn: Turn, connected: Connected) -> None:
    """Settle what an earlier run left open, and bring the mirror of those records up to date."""
    # Tasks that cannot be seen cannot be looked up: they stay open until they can.
    tasks = connected.mapping.task_source in {source.name for source in connected.sources}
    with turn.store.begin(write=False) as tx:
        intended = turn.store.ledger.unsettled(tx, connected.name, tasks=tasks)
    if not intended:
        return
    wait = getattr(connected.connector, "await_writes", None)
    if wait is not None:
        wait(len(intended), to_moment(min(intended.values())))
    settle_by_looking(turn, connected, [*intended])


def settle_by_looking(turn: Turn, connected: Connected, ids: Sequence[int]) -> set[int]:
    """Ask the CRM what became of these lines of the ledger; the ids of those carried out.

    The others are marked as deferred: they are planned again from what the CRM shows now.
    """
    done: set[int] = set()
    for some in chunks(ids, LOOKED_UP_AT_ONCE):
        with turn.store.begin(write=False) as tx:
            entries = turn.store.ledger.entries(tx, some)
        done |= _settle(turn, connected, entries)
    turn.log.info("looked_up", connection=connected.name, writes=len(ids), carried_out=len(done))
    return done


def _settle(turn: Turn, connected: Connected, entries: Sequence[Entry]) -> set[int]:
    fields = [entry for entry in entries if entry.kind == "fields" and entry.record]
    tasks = [entry for entry in entries if entry.kind != "fields" and entry.task_key]
    done: set[int] = set()
    # Asked first: the state must not be locked for as long as a CRM takes to answer.
    shown = _fields_now(connected, fields)
    found = _tasks_now(connected, tasks)
    with turn.store.begin() as tx:
        if fields:
            done |= _look_at_fields(tx, turn, connected, fields, shown)
        if tasks:
            done |= _look_at_tasks(tx, turn, connected, tasks, found)
        turn.store.ledger.settle(
            tx,
            [
                (entry.id, "done" if entry.id in done else "deferred", None, "", "looked up")
                for entry in entries
            ],
            to_text(turn.clock()),
        )
    return done


def source_named(connected: Connected, name: str | None) -> Source:
    """The source as it is pulled here (narrowed to what the CRM shows)."""
    return next(source for source in connected.sources if source.name == name)


def _fields_now(connected: Connected, entries: Sequence[Entry]) -> dict[str, Record]:
    ids = sorted({entry.record for entry in entries if entry.record})
    if not ids:
        return {}
    source = source_named(connected, connected.mapping.account_source)
    return connected.connector.read(source, ids)


def _tasks_now(connected: Connected, entries: Sequence[Entry]) -> dict[str, Record]:
    mapping = connected.mapping
    keys = sorted({entry.task_key for entry in entries if entry.task_key})
    if not keys or mapping.task is None or mapping.task_source is None:
        return {}
    source = source_named(connected, mapping.task_source)
    return connected.connector.find_tasks(mapping.task.shape, source, keys)


def _look_at_fields(
    tx: Connection,
    turn: Turn,
    connected: Connected,
    entries: Sequence[Entry],
    found: Mapping[str, Record],
) -> set[int]:
    mapping, store = connected.mapping, turn.store
    source = source_named(connected, mapping.account_source)
    ids = sorted({entry.record for entry in entries if entry.record})
    store.mirror.save(
        tx,
        connected.name,
        source.name,
        [record for record in found.values() if not record.gone],
        lambda record: f"account:{record.id}",
    )
    store.book.touch(tx, connected.name, ids)
    by_field = {write.field: write for write in mapping.account_writes}
    written = store.ledger.written(tx, connected.name, source.object, ids)
    done = set()
    for entry in entries:
        record = found.get(entry.record or "")
        if record is None or record.gone:
            continue
        landed = True
        for change in entry.changes:
            write = by_field.get(change["field"])
            if write is None or write.field not in record.fields:
                continue
            if write.shown(write.decode(record.fields[write.field])) == change["after"]:
                ours = remembered(written.get(record.id, {}), {write.field: change["after"]})
            else:
                # It may still arrive: a CRM can be at work on what nobody waits for any more.
                ours = also_ours(written.get(record.id, {}), {write.field: change["after"]})
                landed = False
            written[record.id] = ours
        if landed:
            done.add(entry.id)
    store.ledger.save_written(tx, connected.name, source.object, written)
    return done


def _look_at_tasks(
    tx: Connection,
    turn: Turn,
    connected: Connected,
    entries: Sequence[Entry],
    found: Mapping[str, Record],
) -> set[int]:
    mapping, store = connected.mapping, turn.store
    if mapping.task is None or mapping.task_source is None:
        return set()
    source = source_named(connected, mapping.task_source)
    keys = sorted({entry.task_key for entry in entries if entry.task_key})
    records = list(found.values())
    store.mirror.save(tx, connected.name, source.name, records, lambda _: None)
    note_tasks(tx, turn, connected, records)
    known = store.tasks.by_key(tx, connected.name, keys)
    done = set()
    for entry in entries:
        record = found.get(entry.task_key or "")
        if record is None or record.gone:
            continue
        shown: dict[str, Any] = mapping.task.decode(record)
        wanted = {change["field"]: change["after"] for change in entry.changes}
        if all(
            shown.get(name) in {None, value} for name, value in wanted.items() if name != "body"
        ):
            done.add(entry.id)
            task = known.get(entry.task_key or "")
            if task is None:
                continue
            if entry.kind == "close":
                state = "moved" if entry.moved else "closed"
                closed = replace(task, state=state, closed_at=to_text(turn.clock()))
                store.tasks.save(tx, [closed])
            elif entry.kind == "open" and task.opened_on is None:
                store.tasks.save(tx, [replace(task, opened_on=turn.today)])
    return done
