"""A CRM that shows less than it holds: nothing is concluded from what did not come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import memory_rooms
import pytest
import states
from memory_book import Room, planned, written
from memory_rooms import SOON
from msgspec.structs import replace

from connectors.memory import MemoryConnector
from syncd.errors import UnreachableError
from syncd.sync import EXIT_DONE, EXIT_UNREACHABLE

state, postgres = states.state, states.postgres
room, synced = memory_rooms.room, memory_rooms.synced


@pytest.mark.parametrize("left", [0, 4])
def test_an_emptied_or_halved_pull_writes_nothing(room: Room, left: int) -> None:
    """Far fewer records than before are an error until a person says that it is right."""
    for number in range(6, 12):
        room.customer(f"A{number}", ends=SOON)
    room.sync()
    gone = {id: dict(row) for id, row in room.crm.rows["Account"].items()}
    for id in list(gone)[left:]:
        del room.crm.rows["Account"][id]  # an answer that lacks them, not a deletion
    tasks = room.tasks()
    refused = room.sync(full=True)
    after = room.sync()
    open_tasks = room.tasks()
    accepted = room.sync(full=True, approve=True)

    assert refused.exit_code == after.exit_code == EXIT_UNREACHABLE
    told = refused.connections[0].message
    assert told.startswith(f"Account showed {left} records where 12 were known")
    assert open_tasks == tasks
    assert written(refused) == written(after) == (0, 0)
    assert accepted.exit_code == EXIT_DONE
    assert accepted.connections[0].tasks_done == {"close": len(tasks) - min(left, 2)}


def test_an_emptied_pull_that_recovers_goes_on(synced: Room) -> None:
    """Once the records are back, the next run is an ordinary one."""
    rows = dict(synced.crm.rows["Account"])
    synced.crm.rows["Account"].clear()
    refused = synced.sync(full=True)
    synced.crm.rows["Account"].update(rows)
    back = synced.sync()

    assert refused.exit_code == EXIT_UNREACHABLE
    assert back.exit_code == EXIT_DONE
    assert planned(back) == (0, 0)


def hiding(patch: pytest.MonkeyPatch, hidden: set[str], *, fails: str = "") -> None:
    """From now on pulls leave these records out, though they stand; one object cannot be read."""
    plain = MemoryConnector.pull

    def pull(self: MemoryConnector, source: Any, cursor: Any) -> Iterator[Any]:
        for page in plain(self, source, cursor):
            left = [record for record in page.records if record.id not in hidden]
            yield replace(page, records=left)
            if source.object == fails:
                raise UnreachableError("the answer was cut off")

    patch.setattr(MemoryConnector, "pull", pull)


def test_a_read_that_was_cut_short_writes_nothing(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A third of the contracts is left out, though they stand: nothing changes, and it says so."""
    for number in range(6, 30):
        room.customer(f"A{number}", ends=SOON)
    room.sync()
    before = {id: dict(row) for id, row in room.crm.rows["Account"].items()}
    with monkeypatch.context() as patch:
        hiding(patch, {f"c-A{number}" for number in range(10)})
        refused = room.sync(full=True)
    back = room.sync()

    assert refused.exit_code == EXIT_UNREACHABLE
    assert "did not show 10 of 30 records" in refused.connections[0].message
    assert planned(refused) == (0, 0)
    assert room.crm.rows["Account"] == before
    assert back.exit_code == EXIT_DONE
    assert planned(back) == (0, 0)


def test_a_single_overlooked_record_is_not_taken_for_deleted(
    synced: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that a lagging index leaves out is looked at by its id, and stays."""
    with monkeypatch.context() as patch:
        hiding(patch, {"c-A0"})
        report = synced.sync(full=True)

    assert report.exit_code == EXIT_DONE
    assert planned(report) == (0, 0)
    assert "overlooked" in synced.log.events


def test_a_source_that_breaks_off_closes_nothing(
    synced: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one object only a part could be read: nothing is written, nothing treated as deleted."""
    tasks = synced.tasks()
    synced.crm.put("Account", "A0", Type="Prospect")
    with monkeypatch.context() as patch:
        hiding(patch, {"c-A0", "c-A1"}, fails="Contract")
        broken = synced.sync(full=True)
    meanwhile = synced.tasks()
    mended = synced.sync()

    assert broken.exit_code == EXIT_UNREACHABLE
    assert planned(broken) == (0, 0)
    assert meanwhile == tasks
    assert mended.exit_code == EXIT_DONE
    assert mended.connections[0].tasks_done == {"close": 1}


def test_people_may_delete_every_task(synced: Room) -> None:
    """An emptied list of our own tasks is believed, once each is seen to be gone."""
    for task in synced.tasks():
        synced.crm.delete("Task", task["id"])
    report = synced.sync(full=True)

    assert report.exit_code == EXIT_DONE
    assert synced.tasks() == []
    assert synced.stored_tasks("A0") == {"renewal-120": "deleted"}
