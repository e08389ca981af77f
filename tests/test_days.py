"""Day by day without news: only accounts whose day has come are derived, and nothing is missed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from memory_book import TODAY, Room
from sqlalchemy import select

from syncd.store.tables import accounts

ACCOUNTS, DAYS = 300, 60
BOOK_WIDE = ("tier", "key_account", "load_told")
"""What the rest of the book can change of an account."""


def fill(room: Room) -> Room:
    """Customers of all sizes whose contracts end all over the year, some with a deal of late."""
    for number in range(ACCOUNTS):
        id = f"A{number:03}"
        ends = TODAY + timedelta(days=(number * 37) % 400 - 20)
        owner = ("u1", "u2")[number % 2]
        room.customer(id, ends=ends, value=1_000 + (number * 7_919) % 90_000, OwnerId=owner)
        if number % 5 == 0:
            room.crm.put(
                "Opportunity",
                f"o-{id}",
                AccountId=id,
                Name=f"Deal {number}",
                OwnerId=owner,
                Type="New" if number % 10 else "Renewal",
                IsClosed=True,
                IsWon=True,
                CloseDate=(TODAY - timedelta(days=number % 190)).isoformat(),
                Amount=5_000,
                Pain="Month ends take nine days to close" if number % 3 else "tbd",
            )
    return room


@pytest.fixture
def rooms() -> Iterator[tuple[Room, Room]]:
    """Two CRMs with the same book, each with a state of its own."""
    made = (
        fill(Room("sqlite://", names=("crm",))),
        fill(Room("sqlite://", names=("twin",))),
    )
    yield made
    for room in made:
        room.close()


def stored(room: Room) -> dict[str, Any]:
    """The accounts of the state, by key."""
    with room.store.begin(write=False) as tx:
        return {row.key: row for row in tx.execute(select(accounts))}


def shown(room: Room) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """All that people see in the CRM: the accounts, and the tasks whatever their ids."""
    tasks = [{k: v for k, v in task.items() if k != "id"} for task in room.tasks()]
    return room.crm.rows["Account"], tasks


@pytest.mark.slow
def test_a_day_without_news_derives_only_whose_day_has_come(rooms: tuple[Room, Room]) -> None:
    """Over two months each day derives the accounts that the state's index names for it, and those
    that the book's borders move; the CRM looks as if all had been derived on every day.
    """
    room, twin = rooms
    counts = []
    for made in rooms:
        made.sync()
    for _ in range(DAYS):
        for made in rooms:
            made.next_day()
        before = stored(room)
        come = {k for k, row in before.items() if row.valid_until and row.valid_until <= room.today}
        report = room.sync()
        after = stored(room)
        moved = {
            key
            for key, row in before.items()
            if any(getattr(row, name) != getattr(after[key], name) for name in BOOK_WIDE)
        }
        counts.append(report.connections[0].derived)
        with twin.store.begin() as tx:
            twin.store.book.touch_all(tx, "twin")

        assert counts[-1] == len(come | moved)
        assert twin.sync().connections[0].derived == ACCOUNTS
        assert shown(room) == shown(twin)

    assert 0 < sum(counts) < ACCOUNTS * DAYS / 5
    assert room.sync().connections[0].derived == 0
