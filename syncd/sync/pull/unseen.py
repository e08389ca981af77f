"""What a complete read did not show: gone, merged, overlooked, or a read to disbelieve."""

from __future__ import annotations

from typing import NoReturn

from syncd.connector import Record, Source
from syncd.errors import IncompleteReadError
from syncd.store import to_text
from syncd.sync.pull.merging import merge
from syncd.sync.pull.noting import note_records, touch_owners
from syncd.sync.turn import Connected, Turn

HALVED = 0.5

FEW_ROWS = 10

CUT_SHORT = 0.05


def _refuse(turn: Turn, connected: Connected, source: Source, told: str) -> NoReturn:
    """Believe nothing of this read, and let the next run ask for everything again."""
    with turn.store.begin() as tx:
        turn.store.cursors.forget(tx, connected.name, source.name)
    raise IncompleteReadError(
        f"{source.object} {told}. Nothing was written, and nothing is treated "
        "as deleted. If this is right, run `syncd sync --full --approve`; else check the filter, "
        "the rights of the login and the CRM."
    )


def drop_unseen(
    turn: Turn,
    connected: Connected,
    source: Source,
    seen: set[str],
    had: int,
    *,
    same_question: bool,
) -> None:
    """What a complete pull did not show has left; unless it showed suspiciously little.

    Each record is looked at by its id before it is believed gone.
    """
    store, name = turn.store, connected.name
    # Our own tasks may all be deleted by people, also before they were ever read back.
    ours = source.name == connected.mapping.task_source
    with store.begin(write=False) as tx:
        known = store.mirror.ids(tx, name, source.name)
        known |= store.tasks.open_records(tx, name) if ours else set()
    unseen = sorted(known - seen)
    if not unseen:
        return
    emptied = not seen
    halved = same_question and had >= FEW_ROWS and len(seen) < had * HALVED
    if (emptied or halved) and not (turn.approve or ours):
        _refuse(turn, connected, source, f"showed {len(seen)} records where {had} were known")
    found = connected.connector.read(source, unseen)
    survivors = {
        id: record.merged_into
        for id, record in found.items()
        if record.merged_into and record.merged_into != id
    }
    standing = [found[id] for id in unseen if id in found and not found[id].gone]
    standing = [record for record in standing if record.id not in survivors]
    if standing:
        # An index that lags overlooks a few; a read that was cut short overlooks many.
        turn.log.warning("overlooked", connection=name, object=source.object, records=len(standing))
        if len(standing) >= max(FEW_ROWS, had * CUT_SHORT) or (emptied and not turn.approve):
            told = f"did not show {len(standing)} of {had} records, which are still there"
            _refuse(turn, connected, source, told)
        with store.begin() as tx:
            note_records(tx, turn, connected, source, standing, settled=same_question)
    kept = {record.id for record in standing}
    unseen = [id for id in unseen if id not in kept]
    gone = [Record(id=id, fields={}, gone=True, merged_into=survivors.get(id)) for id in unseen]
    with store.begin() as tx:
        changed = store.mirror.save(tx, name, source.name, gone, lambda _: None)
        if ours:
            store.tasks.mark_deleted(tx, name, unseen, to_text(turn.clock()))
        if source.name == connected.mapping.account_source:
            merge(tx, turn, connected, survivors)
            store.book.leave(tx, name, sorted(changed.gone))
        touch_owners(tx, turn, connected, changed.owners)
