"""Customers are linked, or part again, in slices: others write meanwhile, and a run may die."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from linked_book import RULES, TwoCrms

from syncd.errors import StopRunError
from syncd.store.links import Links

CUSTOMERS = 5


class Killed(BaseException):
    """The process dies here."""


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoCrms]:
    """Five customers whom both CRMs have, not linked yet, and one whom each has alone."""
    for module in ("linking", "regrouping"):
        monkeypatch.setattr(f"syncd.sync.{module}.LINKED_AT_ONCE", 2)
    made = TwoCrms(f"sqlite:///{tmp_path / 'state.db'}")
    for number in range(CUSTOMERS):
        made.sold(f"S{number}", f"c{number}.example")
        made.served(f"T{number}", f"c{number}.example")
    made.sold("S9", "alone.example")
    made.served("T8", None)
    made.link = None
    made.settled()
    yield made
    made.close()


LINKED = {
    f"sales:S{number}": (("sales", f"S{number}"), ("service", f"T{number}"))
    for number in range(CUSTOMERS)
} | {"sales:S9": (("sales", "S9"),), "service:T8": (("service", "T8"),)}


def state_of(room: TwoCrms) -> tuple[Any, Any, Any]:
    """The accounts, what was derived of each, and what both CRMs show."""
    with room.store.begin(write=False) as tx:
        derived = room.store.book.derivations(tx, sorted(room.accounts()))
    values = {
        key: {name: (value.value, value.because) for name, value in one.values.items()}
        for key, one in derived.items()
    }
    return room.accounts(), values, (room.sales.rows["Account"], room.service.rows["Account"])


@pytest.mark.parametrize("undone", [False, True], ids=["joining", "parting"])
def test_others_write_to_the_state_between_slices(
    room: TwoCrms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undone: bool
) -> None:
    """A heartbeat or an approval waits for a few accounts, not for all of them."""
    if undone:
        room.link = RULES
        room.settled()
    slices: list[int] = []
    real_join, real_part = Links.join, Links.part

    def counted(real: Any) -> Any:
        def call(self: Links, tx: Any, some: Any, *more: Any) -> None:
            slices.append(len(some))
            real(self, tx, some, *more)

        return call

    def write_to(turn: Any) -> None:
        other = sqlite3.connect(tmp_path / "state.db", timeout=0, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        other.execute("COMMIT")
        other.close()

    monkeypatch.setattr(Links, "join", counted(real_join))
    monkeypatch.setattr(Links, "part", counted(real_part))
    monkeypatch.setattr("syncd.sync.regrouping.heed_stop", write_to)
    room.link = None if undone else RULES
    room.settled()

    assert slices == [2, 2, 1]
    assert (room.accounts() == LINKED) is not undone


@pytest.mark.parametrize("at", range(1, 6))
@pytest.mark.parametrize("step", ["join", "identify"])
@pytest.mark.parametrize("killed", [True, False], ids=["killed", "stopped"])
def test_a_run_that_dies_while_it_links_is_completed_by_the_next(
    room: TwoCrms, monkeypatch: pytest.MonkeyPatch, step: str, at: int, killed: bool
) -> None:
    """Whatever slice it comes to, each customer is whole, and the next run links the rest."""
    room.link = RULES
    reached = break_off(room, monkeypatch, step, at, killed=killed)
    halves = [members for members in room.accounts().values() if len(members) > 1]
    room.settled()

    assert reached or at > 3
    assert all(members in LINKED.values() for members in halves)
    assert room.accounts() == LINKED
    assert room.shown(room.sales, "S3") == room.shown(room.service, "T3")


@pytest.mark.parametrize("at", range(1, 4))
@pytest.mark.parametrize("step", ["part", "leave_alone"])
@pytest.mark.parametrize("how", ["no [link]", "the domains changed", "the records left"])
def test_a_run_that_dies_while_customers_part_is_completed_by_the_next(
    tmp_path: Path,
    room: TwoCrms,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    at: int,
    how: str,
) -> None:
    """The state is in the end that of a run which did not die, pasts and all."""

    def ended(room: TwoCrms, *, dies: bool) -> Any:
        room.link = RULES
        room.settled()
        room.next_day()
        for number in range(CUSTOMERS):
            if how == "the domains changed":
                room.service.put("Account", f"T{number}", Website=f"other{number}.example")
            elif how == "the records left":
                room.service.delete("Account", f"T{number}")
        room.link = None if how == "no [link]" else RULES
        if dies:
            assert break_off(room, monkeypatch, step, at, killed=True)
        room.sync()
        room.sync()
        assert room.sync().nothing_to_do
        return state_of(room)

    found = ended(room, dies=True)
    again = TwoCrms(f"sqlite:///{tmp_path / 'again.db'}")
    for number in range(CUSTOMERS):
        again.sold(f"S{number}", f"c{number}.example")
        again.served(f"T{number}", f"c{number}.example")
    again.sold("S9", "alone.example")
    again.served("T8", None)
    again.link = None
    again.settled()
    wanted = ended(again, dies=False)
    again.close()

    assert found == wanted


def break_off(
    room: TwoCrms, monkeypatch: pytest.MonkeyPatch, step: str, at: int, *, killed: bool
) -> bool:
    """A run that ends at the n-th slice of this step; whether it came to that."""
    real, seen = getattr(Links, step), [0]
    turn = room.turn()

    def call(self: Links, tx: Any, *given: Any) -> None:
        seen[0] += 1
        real(self, tx, *given)
        if seen[0] == at and killed:
            raise Killed
        if seen[0] == at:
            turn.stop.set()

    with monkeypatch.context() as patched:
        patched.setattr(Links, step, call)
        try:
            room.run(turn)
        except Killed:
            room.holder_alive = lambda _: False
        except StopRunError:
            pass
    return seen[0] >= at
