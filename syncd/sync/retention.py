"""What the state forgets, once a day."""

from __future__ import annotations

from datetime import timedelta

from syncd.store import to_text
from syncd.sync.turn import Turn

PRUNED = "pruned"


def prune(turn: Turn) -> None:
    """Once a day, forget what is older than the state is to remember."""
    store, now, keep = turn.store, turn.clock(), turn.retention
    with store.begin(write=False) as tx:
        last = store.runs.last_beat(tx, PRUNED)
    if last is not None and timedelta(0) <= now - last[0] < timedelta(days=1):
        return
    with store.begin() as tx:
        store.ledger.prune(tx, to_text(now - timedelta(days=keep.writes_days)))
        store.runs.prune(tx, to_text(now - timedelta(days=keep.runs_days)))
        store.book.prune(tx, turn.today - timedelta(days=keep.snapshots_days))
        store.runs.beat(tx, PRUNED, now)
