"""The lead: of several daemons on one state one is at work, the others stand by."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from syncd.bootstrap import instance_name, process_lives
from syncd.errors import LeaseError
from syncd.store import Store

LEASE = "daemon"
LEASE_SECONDS = 60.0


class Lead:
    """Taken again with each beat, for a minute; given back at the end."""

    def __init__(self, store: Store) -> None:
        """Nothing is taken yet."""
        self._store = store
        self._fence = 0

    def take(self, tx: Connection, now: datetime) -> bool:
        """Take the lead or keep it; False where another daemon has it."""
        runs = self._store.runs
        if self._fence and runs.renew(tx, LEASE, self._fence, now, LEASE_SECONDS):
            return True
        holder = runs.holder(tx, LEASE)
        # A holder on this machine whose process is gone holds nothing any more.
        dead = holder if holder and not process_lives(holder) else None
        try:
            self._fence = runs.acquire(
                tx, LEASE, instance_name(), now, LEASE_SECONDS, steal_from=dead
            )
        except LeaseError:
            self._fence = 0
        return bool(self._fence)

    def elsewhere(self) -> bool:
        """Whether another daemon that seems to live has it. Raises StoreLostError."""
        with self._store.begin(write=False) as tx:
            holder = self._store.runs.holder(tx, LEASE)
        return bool(holder) and holder != instance_name() and process_lives(holder or "")

    def let_go(self, now: datetime) -> None:
        """Let a daemon that stands by take over at once. Raises StoreLostError."""
        if self._fence:
            with self._store.begin() as tx:
                self._store.runs.let_go(tx, LEASE, self._fence, now)
