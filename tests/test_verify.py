"""`syncd verify` where a CRM does not tell of deletions between two --full runs, as HubSpot."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import states
from memory_book import Room
from memory_rooms import LATER, SOON

from connectors.memory import MemoryConnector, MemorySettings
from syncd.connector import Context, Cursor, Page, Source
from syncd.sync import EXIT_DONE
from syncd.verifying import Verified, verify

state, postgres = states.state, states.postgres


class Quiet(MemoryConnector):
    """Shows what changed, and not what is gone."""

    def pull(self, source: Source, cursor: Cursor | None) -> Iterator[Page]:
        """Pages without tombstones."""
        for page in super().pull(source, cursor):
            yield Page([record for record in page.records if not record.gone], page.cursor)


@pytest.fixture
def room(state: str) -> Iterator[Room]:
    """A customer with an open task and one without, after a first run."""
    made = Room(state)
    made.connector = lambda name: Quiet(MemorySettings(path=""), Context(name=name))
    made.customer("A0", ends=SOON)
    made.customer("A1", ends=LATER)
    made.sync()
    assert [task["WhatId"] for task in made.tasks()] == ["A0"]
    yield made
    made.close()


def verified(room: Room) -> Verified:
    """What verify finds out now."""
    turn = room.turn()
    (found,) = verify(turn, turn.connections, sample=50)
    return found


def test_a_deletion_is_no_drift(room: Room) -> None:
    """A record that left since the last --full run is named, taken out, and then known."""
    room.crm.delete("Contract", "c-A1")
    room.crm.delete("Account", "A1")
    first, second = verified(room), verified(room)

    assert first.well
    assert sorted(first.gone) == [("Account", "A1"), ("Contract", "c-A1")]
    assert second.well
    assert not second.gone
    assert room.sync(full=True).nothing_to_do


def test_what_a_deletion_leaves_to_do_is_done_by_the_next_run(room: Room) -> None:
    """The task of an account that was deleted is left to be closed; an ordinary run closes it."""
    room.crm.delete("Account", "A0")
    first = verified(room)
    report = room.sync()

    assert [task.op for task in first.plan.tasks] == ["close"]
    assert not first.well
    assert report.exit_code == EXIT_DONE
    assert [task["Status"] for task in room.tasks()] == ["completed"]
    assert verified(room).well
