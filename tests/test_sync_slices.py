"""What a run asks of others: the state in slices, a stop that is heard, no call too many."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from linked_book import TwoCrms
from memory_book import Room
from memory_rooms import SOON
from sqlalchemy import Connection

from connectors.memory import MemoryConnector, MemorySettings
from syncd.connector import Context, FieldUpdate, Outcome, WriteResult
from syncd.errors import StopRunError
from syncd.store import Intent
from syncd.store.book import Book
from syncd.store.ledger import Ledger
from syncd.store.mirror import Mirror
from syncd.sync import EXIT_DONE

CUSTOMERS = 7
AT_ONCE = 2


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """Seven customers, worked through two at a time, on a SQLite file."""
    for module in ("loading", "due", "difference"):
        monkeypatch.setattr(f"syncd.sync.{module}.ACCOUNTS_AT_ONCE", AT_ONCE)
    for place in (
        "plan.packed.BLOCK",
        "sync.difference.SETTLED_AT_ONCE",
        "sync.lookup.LOOKED_UP_AT_ONCE",
        "sync.overtaken.READ_AT_ONCE",
        "writeback.AT_HAND",
        "writeback.SETTLED_AT_ONCE",
    ):
        monkeypatch.setattr(f"syncd.{place}", AT_ONCE)
    made = Room(f"sqlite:///{tmp_path / 'state.db'}")
    for number in range(CUSTOMERS):
        made.customer(f"A{number}")
    yield made
    made.close()


def write_to(state: Path) -> None:
    """Write as another process would; raises "database is locked" where a run holds the state."""
    other = sqlite3.connect(state, timeout=0, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("COMMIT")
    other.close()


def at_each_slice(monkeypatch: pytest.MonkeyPatch, call: Callable[[Sequence[str]], None]) -> None:
    """Call this whenever accounts are loaded, in the midst of finding them due or comparing."""
    real = Book.befores

    def befores(self: Book, tx: Connection, keys: Sequence[str]) -> Any:
        call(keys)
        return real(self, tx, keys)

    monkeypatch.setattr(Book, "befores", befores)


@pytest.mark.parametrize("how", [{"dry": True}, {}, {"full": True}])
def test_others_write_to_the_state_while_accounts_are_worked_out(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: dict[str, bool]
) -> None:
    """A heartbeat, an approval or the lease waits for no account to be read or derived."""
    slices: list[int] = []

    def write(keys: Sequence[str]) -> None:
        write_to(tmp_path / "state.db")
        slices.append(len(keys))

    at_each_slice(monkeypatch, write)

    assert room.sync(**how).exit_code == EXIT_DONE
    assert max(slices) == AT_ONCE
    assert sum(slices) == 2 * CUSTOMERS  # once for the borders of the book, once for the values


def test_others_write_to_the_state_while_customers_are_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what the records of two CRMs are recognised is read without keeping the state."""
    room = TwoCrms(f"sqlite:///{tmp_path / 'state.db'}")
    room.sold("S1", "acme.example")
    room.served("T1", "acme.example")
    seen: list[str] = []
    real = Mirror.many

    def many(self: Mirror, tx: Connection, connection: str, source: str, ids: Any) -> Any:
        write_to(tmp_path / "state.db")
        seen.append(connection)
        return real(self, tx, connection, source, ids)

    monkeypatch.setattr(Mirror, "many", many)
    room.sync(dry=True)

    assert {"sales", "service"} <= {*seen}
    assert room.accounts() == {"sales:S1": (("sales", "S1"), ("service", "T1"))}
    room.close()


def test_a_stop_is_heard_while_the_borders_are_worked_out(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the borders need of every account takes minutes: a stop does not wait for it."""
    turn = room.turn()
    slices: list[int] = []

    def stop(keys: Sequence[str]) -> None:
        slices.append(len(keys))
        turn.stop.set()

    at_each_slice(monkeypatch, stop)
    with pytest.raises(StopRunError, match="the next run goes on from here"):
        room.run(turn)

    assert slices == [AT_ONCE]


def test_intents_are_written_down_in_slices_before_the_first_call(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan of any size holds the state for moments; all of it stands before anything is sent."""
    monkeypatch.setattr("syncd.writeback.INTENDED_AT_ONCE", AT_ONCE)
    slices: list[int] = []
    real = Ledger.intend

    def intend(
        self: Ledger, tx: Connection, run: int, intents: Sequence[Intent], now: str
    ) -> list[int]:
        if intents:
            slices.append(len(intents))
        return real(self, tx, run, intents, now)

    monkeypatch.setattr(Ledger, "intend", intend)
    report = room.sync()

    assert report.exit_code == EXIT_DONE
    assert slices[:4] == [2, 2, 2, 1]
    assert room.sync().nothing_to_do


def test_a_plan_in_small_blocks_comes_to_the_same(room: Room, tmp_path: Path) -> None:
    """However a plan is packed and its writes are handed out, the CRM ends up the same."""
    for number in range(CUSTOMERS):
        room.customer(f"B{number}", ends=SOON)
    report = room.sync()
    rows, nothing_left = room.crm.rows, room.sync().nothing_to_do
    with pytest.MonkeyPatch.context() as large:
        for place in ("plan.packed.BLOCK", "writeback.AT_HAND"):
            large.setattr(f"syncd.{place}", 1_000)
        other = Room(f"sqlite:///{tmp_path / 'other.db'}")
        for number in range(CUSTOMERS):
            other.customer(f"A{number}")
            other.customer(f"B{number}", ends=SOON)
        whole = other.sync()
        same = other.crm.rows == rows
        other.close()
    plan, other_plan = report.connections[0].plan, whole.connections[0].plan

    assert len(plan.sets) > AT_ONCE < len(plan.tasks)
    assert list(plan.sets) == list(other_plan.sets)
    assert list(plan.tasks) == list(other_plan.tasks)
    assert same
    assert nothing_left


class Unanswered(MemoryConnector):
    """Does every write, and answers none."""

    def update(
        self, object: str, updates: Sequence[FieldUpdate]
    ) -> Iterator[tuple[int, WriteResult]]:
        """Change the rows; nobody hears of it."""
        for index, _ in super().update(object, updates):
            yield index, WriteResult(Outcome.UNKNOWN)


def test_writes_without_an_answer_are_looked_up_in_slices(room: Room) -> None:
    """As many as there are; each is asked for once and none is written again."""
    room.connector = lambda name: Unanswered(MemorySettings(path=""), Context(name=name))
    (done,) = room.sync().connections

    assert (done.written, done.deferred) == (CUSTOMERS, 0)
    assert done.calls.write == 1
    assert room.sync().nothing_to_do


def test_an_account_that_left_between_two_slices_is_passed_over(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One found due that is in the book no more costs nothing but itself."""
    gone: list[str] = []

    def forget(keys: Sequence[str]) -> None:
        if not gone:
            gone.append("crm:A6")
            with room.store.begin() as tx:
                room.store.book.forget(tx, gone)

    at_each_slice(monkeypatch, forget)

    assert room.sync().exit_code == EXIT_DONE
    assert room.ours("A5")["Tier"]
    assert room.ours("A6")["Tier"] is None


@pytest.mark.parametrize(("sign", "asked"), [("Name", 1), ("CurrencyIsoCode", 0), ("", 1)])
def test_rates_are_asked_for_where_a_crm_has_several_currencies(
    room: Room, sign: str, asked: int
) -> None:
    """An object's fields tell: without the field of several currencies a run asks for no rates."""
    calls: list[str] = []

    class Rated(MemoryConnector):
        currency_field = sign

        def rates(self) -> tuple[str, Mapping[str, Decimal]] | None:
            calls.append(self.name)
            return "USD", {"USD": Decimal(1)}

    room.connector = lambda name: Rated(MemorySettings(path=""), Context(name=name))
    room.sync()

    assert len(calls) == asked
