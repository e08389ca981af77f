"""Records that a person changed between our read and our write: read again before they are written.

No CRM offers a batch write that fails when the record has changed. What is about to be written is
therefore read once more, as late as possible. In an ordinary run that is every account of the
plan; where the accounts have just been read from their beginning, only those of which a filled
field would be overwritten, so that a first sync costs no call more. So are the tasks that are to
be changed or closed: people end them and write into them all day.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syncd.connector import Record, Source
from syncd.plan import SetField, TaskChange
from syncd.store import chunks
from syncd.sync.lookup import source_named
from syncd.sync.pull import digest_of, note_records
from syncd.sync.turn import Connected, Turn

READ_AT_ONCE = 10_000
"""Records that are read again at once; few calls are only partly filled for it."""


def overtaken(
    turn: Turn, connected: Connected, sets: Sequence[SetField], tasks: Sequence[TaskChange]
) -> set[str]:
    """Keys of the accounts whose records are not any more what the plan was made from.

    The mirror then has the records as they are. A field of ours that holds something new counts
    as a person's: `keep` keeps it even where syncd had never written it.
    """
    return _accounts(turn, connected, sets) | _tasks(turn, connected, tasks)


def _accounts(turn: Turn, connected: Connected, sets: Sequence[SetField]) -> set[str]:
    accounts = _worth_a_look(connected, sets)
    if turn.write.on_human_edit != "keep" or not accounts:
        return set()
    name, source = connected.name, source_named(connected, connected.mapping.account_source)
    before, changed = _changed(turn, connected, source, sorted(accounts))
    # One that the mirror does not have left the book meanwhile.
    changed = [record for record in changed if record.id in before]
    if not changed:
        return set()
    with turn.store.begin() as tx:
        ours = turn.store.ledger.written(tx, name, source.object, [r.id for r in changed])
        for record in changed:
            noted = _as_read(connected, before[record.id], record, ours.get(record.id, {}))
            ours[record.id] = noted
        turn.store.ledger.save_written(tx, name, source.object, ours)
        note_records(tx, turn, connected, source, changed)
    turn.log.info("overtaken", connection=name, records=sorted(record.id for record in changed))
    return {accounts[record.id] for record in changed}


def _tasks(turn: Turn, connected: Connected, tasks: Sequence[TaskChange]) -> set[str]:
    accounts = {task.record: task.account for task in tasks if task.record}
    if not accounts:
        return set()
    source = source_named(connected, connected.mapping.task_source)
    _, changed = _changed(turn, connected, source, sorted(accounts))
    if not changed:
        return set()
    with turn.store.begin() as tx:
        note_records(tx, turn, connected, source, changed)
    records = sorted(record.id for record in changed)
    turn.log.info("overtaken", connection=connected.name, tasks=records)
    return {accounts[id] for id in records}


def _changed(
    turn: Turn, connected: Connected, source: Source, ids: Sequence[str]
) -> tuple[dict[str, Record], list[Record]]:
    """Those of these records that are different now: as they were read, and as they are."""
    digest = digest_of(connected, source.name)
    before: dict[str, Record] = {}
    changed: list[Record] = []
    for some in chunks(ids, READ_AT_ONCE):
        now = connected.connector.read(source, some)
        with turn.store.begin(write=False) as tx:
            mirrored = turn.store.mirror.many(tx, connected.name, source.name, some)
            known = {record.id: record for record in mirrored}
        for id, record in now.items():
            if record.gone or id not in known or digest(record) != digest(known[id]):
                changed.append(record)
                before |= {id: known[id]} if id in known else {}
    return before, changed


def _worth_a_look(connected: Connected, sets: Sequence[SetField]) -> dict[str, str]:
    """Account keys by record id."""
    fresh = connected.mapping.account_source in connected.whole
    return {change.record: change.account for change in sets if change.overwrites or not fresh}


def _as_read(
    connected: Connected, before: Record, now: Record, ours: dict[str, Any]
) -> dict[str, Any]:
    """What counts as left there by syncd; of fields changed just now that is what was read."""
    noted = dict(ours)
    for write in connected.mapping.account_writes:
        if write.field not in before.fields or write.field not in now.fields:
            continue
        was, shown = (write.shown(write.decode(r.fields[write.field])) for r in (before, now))
        if was != shown and write.field not in noted:
            noted[write.field] = was
    return noted
