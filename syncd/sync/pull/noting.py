"""Records into the mirror, and which accounts are derived anew because of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace
from sqlalchemy import Connection

from syncd.connector import Record, Source
from syncd.store import Changed, fingerprint
from syncd.sync.pull.merging import merge
from syncd.sync.tasks import note_tasks
from syncd.sync.turn import Connected, Turn


def note_records(
    tx: Connection,
    turn: Turn,
    connected: Connected,
    source: Source,
    records: Sequence[Record],
    *,
    settled: bool = True,
) -> None:
    """Mirror these records as they are now; the accounts that they concern are derived anew."""
    changed = turn.store.mirror.save(
        tx,
        connected.name,
        source.name,
        records,
        lambda record: _owner(connected, source, record),
        digest_of(connected, source.name),
    )
    _mark(tx, turn, connected, source, records, changed, settled=settled)
    if source.name == connected.mapping.account_source:
        _try_again(tx, turn, connected, source, records)


def _try_again(
    tx: Connection, turn: Turn, connected: Connected, source: Source, records: Sequence[Record]
) -> None:
    """What the CRM refused to write to a record is tried again once the record has changed.

    An org's rule may ask for any field, also for one that no mapping names: of that only the
    modification date tells.
    """
    ids = [record.id for record in records]
    refused = {item.record for item in turn.store.quarantine.writes_of(tx, connected.name, ids)}
    page = [record for record in records if record.id in refused]
    moved = sorted(turn.store.mirror.moved(tx, connected.name, source.name, page))
    turn.store.quarantine.retry(tx, connected.name, moved)
    turn.store.book.touch(tx, connected.name, moved)


def digest_of(connected: Connected, source: str) -> Callable[[Record], str]:
    """What makes a record of this source the same as before.

    Our own fields count in the words that the CRM shows: what we wrote as 5 comes back as "5",
    and that alone must not derive every written account again.
    """
    if source != connected.mapping.account_source:
        return fingerprint
    writes = connected.mapping.account_writes

    def digest(record: Record) -> str:
        shown = {
            write.field: write.shown(write.decode(record.fields[write.field]))
            for write in writes
            if write.field in record.fields
        }
        return fingerprint(replace(record, fields={**record.fields, **shown}))

    return digest


def _owner(connected: Connected, source: Source, record: Record) -> str | None:
    parent = connected.mapping.parent(source.name, record)
    return None if parent is None else f"{parent[0]}:{parent[1]}"


def _mark(
    tx: Connection,
    turn: Turn,
    connected: Connected,
    source: Source,
    records: Iterable[Record],
    changed: Changed,
    *,
    settled: bool,
) -> None:
    """Mark the accounts that these changes concern for a new derivation."""
    book, name, mapping = turn.store.book, connected.name, connected.mapping
    if source.name == mapping.account_source:
        book.meet(tx, name, sorted(changed.ids))
        merge(tx, turn, connected, changed.merged)
        book.leave(tx, name, sorted(changed.gone))
    if source.name == mapping.task_source:
        # Our own new tasks come back here: that alone must not derive their accounts again.
        note_tasks(tx, turn, connected, records)
        return
    touch_owners(tx, turn, connected, changed.owners)
    if source.name in mapping.user_sources and settled:
        sources = [s.name for s in connected.sources if s.name != mapping.task_source]
        for user in changed.ids | changed.gone:
            mentioned = turn.store.mirror.mentioning(tx, name, sources, user)
            touch_owners(tx, turn, connected, mentioned)


def touch_owners(tx: Connection, turn: Turn, connected: Connected, owners: Iterable[str]) -> None:
    """Touch the accounts behind owners such as "account:001…" or "opportunity:006…"."""
    direct: set[str] = set()
    indirect: set[str] = set()
    for owner in owners:
        kind, _, id = owner.partition(":")
        (direct if kind == "account" else indirect).add(id)
    if indirect:
        for owner in turn.store.mirror.owners_of(tx, connected.name, sorted(indirect)).values():
            kind, _, id = owner.partition(":")
            if kind == "account":
                direct.add(id)
    turn.store.book.touch(tx, connected.name, sorted(direct))
