"""One source: its pages into the mirror, its cursor with them."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec.structs import replace

from syncd.connector import Source
from syncd.errors import AccessError, RequestError, StopRunError
from syncd.store import to_text
from syncd.sync.pull.noting import note_records
from syncd.sync.pull.schemas import (
    canonical,
    read_schema,
    reject_field,
    switch_off,
    withhold_source,
)
from syncd.sync.pull.unseen import drop_unseen
from syncd.sync.turn import Connected, Turn


def pull_narrowed(turn: Turn, connected: Connected, source: Source, error: AccessError) -> int:
    """The CRM refused a field that its schema promised, or links: leave them out, go on.

    Links to the account are another matter: records that belong nowhere are of no use.
    """
    try:
        fresh = read_schema(turn, connected, source.object, fresh=True)
    except (AccessError, RequestError) as hidden:
        withhold_source(turn, connected, source, hidden)
        switch_off(turn, connected)
        return 0
    blamed = {name.lower() for name in error.fields}
    missing = tuple(
        name
        for name in source.fields
        if ("." not in name and fresh.find(name) is None) or name.lower() in blamed
    )
    cut = tuple(link for link in source.associations if link.to.lower() in blamed)
    lost = canonical(connected, source, [*missing, *(link.key for link in cut)])
    homeless = cut and any(name.partition(".")[2] in {"account", "opportunity"} for name in lost)
    if homeless or not (missing or cut):
        withhold_source(turn, connected, source, error)
        switch_off(turn, connected)
        return 0
    for name in (*missing, *(link.key for link in cut)):
        reject_field(connected, source, name)
    connected.withheld |= lost
    switch_off(turn, connected)
    narrowed = replace(
        source,
        fields=tuple(n for n in source.fields if n not in missing),
        associations=tuple(link for link in source.associations if link not in cut),
    )
    connected.sources = tuple(narrowed if s.name == source.name else s for s in connected.sources)
    try:
        return pull_source(turn, connected, narrowed)
    except AccessError as further:
        return pull_narrowed(turn, connected, narrowed, further)


def _query_hash(source: Source) -> str:
    """Changes when the source asks for something else."""
    return hashlib.blake2b(msgspec.json.encode(source), digest_size=16).hexdigest()


def pull_source(turn: Turn, connected: Connected, source: Source) -> int:
    """Pull one source; with --full, or when the question changed, all of it."""
    store, name, asked = turn.store, connected.name, _query_hash(source)
    with store.begin() as tx:
        cursor = None if turn.full else store.cursors.of(tx, name, source.name, asked)
        complete = store.cursors.is_complete(tx, name, source.name, asked)
        resumed = cursor is not None and store.cursors.is_underway(tx, name, source.name, asked)
        had = store.mirror.count(tx, name, source.name)
    whole = cursor is None
    if whole:
        connected.whole |= {source.name}
    seen: set[str] = set()
    count = 0
    last = cursor
    for page in connected.connector.pull(source, cursor):
        with store.begin() as tx:
            note_records(tx, turn, connected, source, page.records, settled=complete)
            if page.cursor is not None:
                last = page.cursor
                store.cursors.save(
                    tx,
                    name,
                    source.name,
                    asked,
                    last,
                    complete=complete,
                    underway=whole or resumed,
                    now=to_text(turn.clock()),
                )
        if whole:
            seen.update(record.id for record in page.records if not record.gone)
        count += len(page.records)
        turn.progress("pull", name, len(page.records))
        if turn.stop.is_set():
            raise StopRunError("stopped while reading; the next run goes on from here")
    if resumed:
        # The read from the beginning that was interrupted has reached its end.
        seen = set(connected.connector.ids(source))
    if whole or resumed:
        drop_unseen(turn, connected, source, seen, had, same_question=complete)
    with store.begin() as tx:
        store.cursors.save(
            tx,
            name,
            source.name,
            asked,
            last,
            complete=True,
            underway=False,
            now=to_text(turn.clock()),
        )
    return count
