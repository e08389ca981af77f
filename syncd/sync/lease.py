"""One run at a time on one state: a lease with a fence, renewed while the run goes on.

The fence grows with every taking of the lease. A run that was paused for so long that another
took over finds a greater one: in the state by every transaction of its own (`turn` has a fenced
store), and before each batch that it sends to a CRM (`check`).
"""

from __future__ import annotations

from dataclasses import replace
from threading import Event, Thread
from typing import Self

from sqlalchemy import Connection

from syncd.errors import LeaseError, StoreLostError
from syncd.sync.turn import Turn

NAME = "run"
SECONDS = 60.0
RENEW_SECONDS = 15.0
TAKEN = "another syncd has taken over; this one writes nothing more"


class Lease:
    """Held for the length of a run. `check` raises LeaseError once another has taken it."""

    def __init__(self, turn: Turn) -> None:
        """Nothing is taken yet."""
        self._turn = turn
        self._fence = 0
        self._done = Event()
        self._thread: Thread | None = None

    def __enter__(self) -> Self:
        """Take the lease. Raises LeaseError when another instance is at work."""
        turn = self._turn
        with turn.store.begin() as tx:
            holder = turn.store.runs.holder(tx, NAME)
            # A holder on this machine whose process is gone holds nothing any more.
            dead = holder if holder and not turn.holder_alive(holder) else None
            self._fence = turn.store.runs.acquire(
                tx, NAME, turn.instance, turn.clock(), SECONDS, steal_from=dead
            )
        self._thread = Thread(target=self._renew, name="lease", daemon=True)
        self._thread.start()
        return self

    @property
    def turn(self) -> Turn:
        """The turn as its holder may use it: without the lease its store takes nothing."""
        return replace(self._turn, store=self._turn.store.fenced(self._fenced))

    def _fenced(self, tx: Connection) -> None:
        if not self._turn.store.runs.holds(tx, NAME, self._fence):
            raise LeaseError(TAKEN)

    def _renew(self) -> None:
        while not self._done.wait(RENEW_SECONDS):
            try:
                self._extend()
            except (LeaseError, StoreLostError) as error:
                # `check` finds out before the next write; a store that is away for a moment
                # may be back by then.
                self._turn.log.warning("lease_not_renewed", reason=str(error))

    def _extend(self) -> None:
        turn = self._turn
        with turn.store.begin() as tx:
            if not turn.store.runs.renew(tx, NAME, self._fence, turn.clock(), SECONDS):
                raise LeaseError(TAKEN)

    def check(self) -> None:
        """Raise LeaseError unless the lease is still ours; extends it."""
        self._extend()

    def __exit__(self, *_: object) -> None:
        """Give the lease back."""
        self._done.set()
        if self._thread is not None:
            self._thread.join(timeout=RENEW_SECONDS)
        turn = self._turn
        try:
            with turn.store.begin() as tx:
                turn.store.runs.let_go(tx, NAME, self._fence, turn.clock())
        except StoreLostError as error:
            # It runs out by itself; what ended the run is worth more than this.
            turn.log.warning("lease_not_given_back", reason=str(error))
