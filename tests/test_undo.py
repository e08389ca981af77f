"""Taking a run back: what it wrote is put back, what people did since is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import states
from memory_book import Room, planned

from syncd.errors import ConfigError
from syncd.sync import EXIT_DONE
from syncd.undoing import Undone, undo
from syncd.verifying import verify

state, postgres = states.state, states.postgres

SOON = date(2026, 9, 30)


@pytest.fixture
def room(state: str) -> Iterator[Room]:
    """Three customers in their renewal window, synced."""
    made = Room(state)
    for number in range(3):
        made.customer(f"A{number}", ends=SOON, value=10_000 * (number + 1))
    assert made.sync().exit_code == EXIT_DONE
    yield made
    made.close()


def taken_back(room: Room, run: int, *, apply: bool = True) -> Undone:
    turn = room.turn()
    return undo(turn, turn.connections, run, apply=apply)


def test_a_mistake_is_taken_back_but_for_what_people_did(room: Room) -> None:
    """A wrong policy is written and undone: fields are as before, an edit since stays."""
    before = {id: room.ours(id) for id in ("A0", "A1", "A2")}
    right = room.policy
    room.policy = right.model_copy(
        update={"renewal": right.renewal.model_copy(update={"window_days": 30})}
    )
    mistake = room.sync()
    wrong = {id: room.ours(id) for id in before}
    room.crm.put("Account", "A1", RenewalStatus="ask Ann")
    look = taken_back(room, mistake.run, apply=False)
    meanwhile = {id: room.ours(id) for id in before}
    room.policy = right
    done = taken_back(room, mistake.run)
    after = {id: room.ours(id) for id in before}
    report = room.sync()

    assert wrong["A0"]["RenewalStatus"] == "not_due"
    assert meanwhile["A0"] == wrong["A0"]
    assert {item.get("field") for item in look.left} == {"RenewalStatus"}
    assert done.failed == 0
    assert after["A0"] == before["A0"]
    assert after["A1"] == {**before["A1"], "RenewalStatus": "ask Ann"}
    assert {t["Status"] for t in room.tasks()} == {"open"}
    assert planned(report) == (0, 0)


def test_what_was_taken_back_is_not_written_again(room: Room) -> None:
    """The very values stay away, in full runs too; another value is written."""
    first = room.sync(dry=True).run - 1
    done = taken_back(room, first)
    blank = room.ours("A0")
    quiet = room.sync(full=True)
    room.crm.put("Contract", "c-A0", Value=77_000)
    room.sync()

    assert done.written > 0
    assert blank["RenewalDate"] is None
    assert blank["Arr"] is None
    assert [task["Status"] for task in room.tasks()] == ["completed"] * 3
    assert planned(quiet) == (0, 0)
    assert room.account("A0")["Arr"] != Decimal(10_000)
    assert room.account("A0")["RenewalDate"] is None
    assert len(room.tasks()) == 3


def test_what_two_runs_wrote_is_taken_back_one_after_the_other(room: Room) -> None:
    """Neither value comes back, of fields nor of tasks, though the rules still say the later."""
    before, tasks = room.ours("A0"), room.tasks()
    runs = []
    for worth in (20_000, 30_000):
        room.crm.put("Contract", "c-A0", Value=worth)
        runs.append(room.sync().run)
    written = room.ours("A0"), room.tasks()
    for run in reversed(runs):
        taken_back(room, run)
    after = room.ours("A0"), room.tasks()
    quiet = room.sync(full=True)

    assert written[0] != before
    assert written[1] != tasks
    assert after == (before, tasks)
    assert planned(quiet) == (0, 0)


def test_another_value_ends_what_was_taken_back(room: Room) -> None:
    """What was wrong once may be right in a year: from the next other value on it is written."""
    room.crm.put("Contract", "c-A0", Value=20_000)
    taken_back(room, room.sync().run)
    stayed = room.account("A0")["Arr"]
    worths = []
    for worth in (30_000, 20_000):
        room.crm.put("Contract", "c-A0", Value=worth)
        room.sync()
        worths.append((room.account("A0")["Arr"], str(room.tasks()).count(f"{worth:,}") > 0))

    assert stayed == Decimal(10_000)
    assert worths == [(Decimal(30_000), True), (Decimal(20_000), True)]


def test_a_closing_that_was_taken_back_stays_so(room: Room) -> None:
    """The task goes on until its reason changes; a full derivation finds nothing to write."""
    room.crm.put("Contract", "c-A0", EndDate=date(2031, 9, 30))
    closing = room.sync()
    closed = [task["Status"] for task in room.tasks()]
    taken_back(room, closing.run)
    reopened = [task["Status"] for task in room.tasks()]
    quiet = room.sync(full=True)
    turn = room.turn()
    (checked,) = verify(turn, turn.connections, sample=50)
    room.crm.put("Account", "A0", Type="Prospect")
    room.sync(full=True)

    assert sorted(closed) == ["completed", "open", "open"]
    assert reopened == ["open"] * 3
    assert planned(quiet) == (0, 0)
    assert checked.well
    assert "completed" in [task["Status"] for task in room.tasks()]


def test_an_update_that_was_taken_back_stays_so(room: Room) -> None:
    """A task's new owner goes back to the old one; what a person changed since is left."""
    before = {task["Key"]: task["OwnerId"] for task in room.tasks()}
    room.crm.put("Account", "A0", OwnerId="u2")
    room.crm.put("Account", "A1", OwnerId="u2")
    moving = room.sync()
    moved = {task["Key"]: task["OwnerId"] for task in room.tasks()}
    mine = next(task for task in room.tasks() if "A1" in task["Key"])
    room.crm.put("Task", mine["id"], OwnerId="u3")
    result = taken_back(room, moving.run)
    quiet = room.sync(full=True)
    after = {task["Key"]: task["OwnerId"] for task in room.tasks()}

    assert moved != before
    assert after == {**before, mine["Key"]: "u3"}
    assert {item.get("task") for item in result.left} >= {mine["Key"]}
    assert planned(quiet) == (0, 0)


def test_undoing_twice_does_it_once(room: Room) -> None:
    """The second time there is nothing left to put back."""
    first = room.sync(dry=True).run - 1
    taken_back(room, first)
    again = taken_back(room, first)

    assert again.written == 0
    assert all(plan.empty for plan in again.plans.values())


def test_a_task_that_a_person_ended_is_left(room: Room) -> None:
    """Completed or deleted since, it is not touched."""
    tasks = room.tasks()
    room.crm.put("Task", tasks[0]["id"], Status="completed", Description="done by Ann")
    room.crm.delete("Task", tasks[1]["id"])
    first = room.sync(dry=True).run - 1
    result = taken_back(room, first)

    assert {item.get("task") for item in result.left} == {tasks[0]["Key"], tasks[1]["Key"]}
    assert room.tasks()[0]["Description"] == "done by Ann"
    assert len(room.tasks()) == 2


@pytest.mark.parametrize(
    "edit", [{"OwnerId": "u3"}, {"Subject": "Mine"}, {"Description": "waits for Bob"}, "begun"]
)
def test_a_task_that_a_person_has_taken_up_is_left(room: Room, edit: Any) -> None:
    """Reassigned, retitled, written in or begun since it was opened, it is not closed."""
    mine, *others = room.tasks()
    room.crm.put("Task", mine["id"], **({"Status": "In Progress"} if edit == "begun" else edit))
    stood = next(task for task in room.tasks() if task["id"] == mine["id"])
    first = room.sync(dry=True).run - 1
    result = taken_back(room, first)
    after = {task["id"]: task for task in room.tasks()}

    assert [item.get("task") for item in result.left] == [mine["Key"]]
    assert result.left[0]["because"] == "it has been changed since"
    assert after[mine["id"]] == stood
    assert {after[task["id"]]["Status"] for task in others} == {"completed"}


def test_a_closed_task_that_a_person_wrote_in_is_left(room: Room) -> None:
    """A note that was put to a task after syncd closed it is not written over."""
    room.crm.put("Contract", "c-A0", EndDate=date(2031, 9, 30))
    closing = room.sync()
    mine = next(task for task in room.tasks() if task["Status"] == "completed")
    room.crm.put("Task", mine["id"], Description="Ann: agreed by phone")
    result = taken_back(room, closing.run)
    after = next(task for task in room.tasks() if task["id"] == mine["id"])

    assert mine["Key"] in {item.get("task") for item in result.left}
    assert (after["Status"], after["Description"]) == ("completed", "Ann: agreed by phone")


def test_a_run_that_never_was(room: Room) -> None:
    """An unknown number is told, with the command that lists the known ones."""
    with pytest.raises(ConfigError, match="there is no run 99"):
        taken_back(room, 99)


def test_history_tells_who_held_which_value_when(room: Room) -> None:
    """Both what syncd wrote and what a person put in its place, in order."""
    room.crm.put("Account", "A0", RenewalStatus="on hold")
    room.crm.put("Contract", "c-A0", Value=11_000)
    room.sync()
    with room.store.begin(write=False) as tx:
        entries = room.store.ledger.of_account(tx, "crm:A0")
    told = [
        (entry.kind, change["before"], change["after"])
        for entry in reversed(entries)
        for change in entry.changes
        if change["field"] == "RenewalStatus"
    ]

    assert told == [("fields", None, "window_open"), ("person", "window_open", "on hold")]
