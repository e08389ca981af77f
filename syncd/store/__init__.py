"""The state: what the CRM last showed, what was derived, what was written, what was refused.

``Store`` opens it; each part has its own reader and writer. Every method takes a transaction
(``with store.begin() as tx``), so that a caller decides what stands or falls together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from syncd.errors import StoreError, StoreLostError
from syncd.store.book import (
    AccountState,
    Book,
    StoredAccount,
    StoredDerivation,
    account_key,
    rank_name,
)
from syncd.store.copying import copy_state
from syncd.store.cursors import Cursors
from syncd.store.erasure import Erased, Erasure
from syncd.store.failures import is_defect, lost
from syncd.store.ledger import BY_A_PERSON, Entry, Intent, Kept, Ledger
from syncd.store.links import Joined, Links, Membership, Parted
from syncd.store.mirror import Changed, Mirror, Row, fingerprint
from syncd.store.opening import alembic_config, is_there, migrate, open_engine
from syncd.store.quarantine import Quarantine, Reject
from syncd.store.runs import HeldPlan, Runs, StoredRun
from syncd.store.scrubbing import scrub
from syncd.store.sql import chunks, from_json, to_json, to_moment, to_text
from syncd.store.tables import metadata
from syncd.store.tasks import StoredTask, Tasks

__all__ = [
    "BY_A_PERSON",
    "AccountState",
    "Changed",
    "Entry",
    "Erased",
    "HeldPlan",
    "Intent",
    "Joined",
    "Kept",
    "Links",
    "Membership",
    "Parted",
    "Reject",
    "Row",
    "Store",
    "StoredAccount",
    "StoredDerivation",
    "StoredRun",
    "StoredTask",
    "account_key",
    "alembic_config",
    "chunks",
    "copy_state",
    "fingerprint",
    "from_json",
    "metadata",
    "open_engine",
    "rank_name",
    "to_json",
    "to_moment",
    "to_text",
]


class Store:
    """The state of one syncd."""

    def __init__(self, engine: Engine, fence: Callable[[Connection], None] | None = None) -> None:
        """Use this engine; the schema must be the newest (see `open`)."""
        self.engine = engine
        self._fence = fence
        self.cursors = Cursors()
        self.mirror = Mirror()
        self.book = Book()
        self.links = Links()
        self.ledger = Ledger()
        self.tasks = Tasks()
        self.quarantine = Quarantine()
        self.runs = Runs()
        self.erasure = Erasure()

    @classmethod
    def open(cls, url: str) -> Store:
        """Open the state and bring it to the newest schema.

        Raises StoreError in an operator's words when it cannot be opened.
        """
        engine = open_engine(url)
        migrate(engine)
        return cls(engine)

    @classmethod
    def find(cls, url: str) -> Store | None:
        """The state if one of the newest schema is there; None, and nothing is made, if not.

        Raises StoreError or StoreLostError when the database cannot be opened.
        """
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
            return None
        engine = open_engine(url)
        try:
            there = is_there(engine)
        except (StoreError, StoreLostError):
            engine.dispose()
            raise
        if there:
            return cls(engine)
        engine.dispose()
        return None

    def fenced(self, fence: Callable[[Connection], None]) -> Store:
        """The same state, of which every writing transaction first asks `fence`.

        It raises what forbids the writing: a run that lost its lease changes nothing any more.
        """
        return Store(self.engine, fence)

    @contextmanager
    def begin(self, *, write: bool = True) -> Iterator[Connection]:
        """A transaction; with ``write=False`` it does not wait for writers.

        Raises StoreLostError when the database fails (full disk, lost connection, locked file).
        """
        try:
            with self.engine.connect() as opened:
                tx = opened if write else opened.execution_options(syncd_read_only=True)
                with tx.begin():
                    if write and self._fence is not None:
                        self._fence(tx)
                    yield tx
        except DBAPIError as error:
            if is_defect(error):
                raise
            raise lost(error) from error

    def scrub(self) -> bool:
        """Leave no copy of what was erased: in the write-ahead log, or in rows' old versions.

        False when others who are at work on the state kept it from that.
        """
        return scrub(self.engine)

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()
