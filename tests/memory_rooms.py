"""Six customers in memory, before and after a first run, and what people do to them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from memory_book import Room

from syncd.sync import EXIT_DONE

SOON = date(2026, 9, 30)  # 107 days off: inside the renewal window

LATER = date(2027, 3, 31)


@pytest.fixture
def room(state: str) -> Iterator[Room]:
    """Six customers, two of them in their renewal window."""
    made = Room(state)
    for number in range(6):
        ends = SOON if number < 2 else LATER
        made.customer(f"A{number}", ends=ends, value=10_000 * (number + 1))
    yield made
    made.close()


@pytest.fixture
def synced(room: Room) -> Room:
    """The same after a first run, with nothing left to do."""
    assert room.sync().exit_code == EXIT_DONE
    return room


def change_task(room: Room, playbook: str, account: str, **values: Any) -> str:
    """Change a task as a person would; its id."""
    (task,) = room.tasks(Playbook=playbook, WhatId=account)
    room.crm.put("Task", task["id"], **values)
    return str(task["id"])


def sign_renewal(room: Room, account: str) -> None:
    """A successor contract: the renewal is secured."""
    room.crm.put(
        "Contract",
        f"next-{account}",
        AccountId=account,
        Name="Next",
        Status="Activated",
        StartDate=(SOON + timedelta(days=1)).isoformat(),
        EndDate=(SOON + timedelta(days=365)).isoformat(),
        Value=10_000,
    )
