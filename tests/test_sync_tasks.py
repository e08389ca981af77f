"""Tasks: opened, updated and closed; what people did to them stays; accounts that leave."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import memory_rooms
import pytest
import states
from memory_book import OURS, Room, planned, written
from memory_rooms import SOON, change_task, sign_renewal
from msgspec.structs import replace

from syncd.explanation import explain
from syncd.sync import EXIT_REJECTED

state, postgres = states.state, states.postgres
room, synced = memory_rooms.room, memory_rooms.synced


@pytest.mark.parametrize("end", ["completed", "deleted"])
def test_a_task_that_a_person_ended_stays_so(synced: Room, end: str) -> None:
    """Completed or deleted by a person, it is neither reopened nor opened again."""
    id = change_task(synced, "renewal-120", "A0", Subject="mine")
    if end == "completed":
        synced.crm.put("Task", id, Status="completed")
    else:
        synced.crm.delete("Task", id)
    synced.sync()
    synced.crm.put("Contract", "c-A0", Value=55_000)
    synced.sync()
    synced.sync(full=True)

    assert synced.stored_tasks("A0")["renewal-120"] == end
    assert len(synced.tasks(WhatId="A0", Playbook="renewal-120")) == (
        1 if end == "completed" else 0
    )


def test_a_task_is_closed_when_its_reason_goes(synced: Room) -> None:
    """The renewal is signed: the open task is completed with a note, once."""
    sign_renewal(synced, "A0")
    report = synced.sync()
    (task,) = synced.tasks(WhatId="A0")

    assert report.connections[0].tasks_done == {"close": 1}
    assert task["Status"] == "completed"
    assert task["Description"].startswith("The renewal is no longer running")
    assert synced.stored_tasks("A0") == {"renewal-120": "closed"}
    assert planned(synced.sync()) == (0, 0)


def test_a_closed_task_that_a_person_reopens_is_theirs(synced: Room) -> None:
    """A task reopened by hand is open again; it is closed again only while its reason is gone."""
    sign_renewal(synced, "A0")
    synced.sync()
    change_task(synced, "renewal-120", "A0", Status="open")
    synced.sync()
    last = synced.sync()

    assert len(synced.tasks(WhatId="A0")) == 1
    assert planned(last) == (0, 0)


def test_a_task_follows_the_account_manager(synced: Room) -> None:
    """A new owner gets the open task; a person's own words in it stay."""
    change_task(synced, "renewal-120", "A0", Description="I called them")
    synced.crm.put("Account", "A0", OwnerId="u2")
    report = synced.sync()
    (task,) = synced.tasks(WhatId="A0")

    assert report.connections[0].tasks_done == {"update": 1}
    assert task["OwnerId"] == "u2"
    assert task["Description"] == "I called them"
    assert planned(synced.sync()) == (0, 0)


def test_an_update_is_told_with_what_stays(synced: Room) -> None:
    """Day and subject that a person set are those that the plan shows, for they stay."""
    change_task(synced, "renewal-120", "A0", ActivityDate=date(2031, 1, 31), Subject="Mine")
    synced.crm.put("Account", "A0", OwnerId="u2")
    (change,) = synced.sync().connections[0].plan.tasks
    (task,) = synced.tasks(WhatId="A0")

    assert (change.op, change.due, change.subject) == ("update", date(2031, 1, 31), "Mine")
    assert (task["ActivityDate"], task["Subject"]) == (date(2031, 1, 31), "Mine")


def test_a_task_that_a_person_gave_away_stays_there(synced: Room) -> None:
    """A person moved the task to a colleague: it is not taken back."""
    change_task(synced, "renewal-120", "A0", OwnerId="u2")
    synced.crm.put("Contract", "c-A0", Value=55_000)
    synced.sync()
    (task,) = synced.tasks(WhatId="A0", Playbook="renewal-120")

    assert task["OwnerId"] == "u2"


def test_an_account_in_inactive_hands_is_told(room: Room) -> None:
    """Without an active person the task is not opened, and the gap is reported."""
    room.crm.put("User", "u1", IsActive=False)
    room.crm.put("User", "u2", IsActive=False)
    report = room.sync()

    assert report.exit_code == EXIT_REJECTED
    assert room.tasks() == []
    assert all("Nobody can get the task" in message for _, _, message in room.rejects())


def test_a_task_that_would_not_open_needs_nobody(synced: Room) -> None:
    """With nobody left, only tasks that are due or open are told: no stage that has passed, none
    of a renewal long overdue, and none that its person completed before they left.
    """
    change_task(synced, "renewal-120", "A0", Status="completed")
    synced.sync()
    synced.crm.put("User", "u1", IsActive=False)
    synced.crm.put("User", "u2", IsActive=False)
    synced.crm.put("Contract", "c-A2", StartDate="2024-02-01", EndDate="2025-01-31")
    report = synced.sync()

    assert report.exit_code == EXIT_REJECTED
    told = [field for _, field, _ in synced.rejects()]
    assert [field for field in told if field.startswith("renewal")] == [
        "renewal-120/A1/2026-09-30/am"
    ]


def test_a_lost_state_opens_no_task_again(synced: Room, tmp_path: Any, postgres: Any) -> None:
    """With an empty state the tasks in the CRM are adopted by their keys, whoever ended them."""
    change_task(synced, "renewal-120", "A0", Status="completed")
    new = (
        postgres.database()
        if synced.state.startswith("postgresql")
        else f"sqlite:///{tmp_path}/new.db"
    )
    synced.forget_everything(new)
    report = synced.sync()

    assert planned(report) == (0, 0)
    assert len(synced.tasks()) == 2
    assert synced.stored_tasks("A0") == {"renewal-120": "completed"}
    assert synced.stored_tasks("A1") == {"renewal-120": "open"}
    sign_renewal(synced, "A1")
    assert synced.sync().connections[0].tasks_done == {"close": 1}


def test_a_person_gets_so_many_tasks_a_day(state: str) -> None:
    """The rest waits for the next days; priority and ARR decide who comes first."""
    room = Room(state, tasks={"max_new_tasks_per_user_per_day": 2})
    for number in range(5):
        room.customer(f"A{number}", ends=SOON, value=10_000 * (number + 1))
    first = room.sync()
    today = {task["WhatId"] for task in room.tasks()}
    room.crm.put("Contract", "c-A0", Value=11_000)
    same_day = room.sync()
    room.next_day()
    second = room.sync()
    room.next_day()
    third = room.sync()
    room.close()

    assert today == {"A4", "A3"}
    assert first.connections[0].deferred == 3
    assert written(same_day)[1] == 0
    assert written(second)[1] == 2
    assert written(third)[1] == 1


@pytest.mark.parametrize("how", ["deleted", "filtered", "deleted, found by --full"])
def test_an_account_that_leaves_has_its_tasks_closed(synced: Room, how: str) -> None:
    """Its open tasks are closed with a note; its fields in the CRM stay as they are."""
    stood = synced.ours("A0")
    if how == "filtered":
        synced.crm.put("Account", "A0", Kept="no")
    else:
        synced.crm.delete("Account", "A0")
    if how.endswith("--full"):
        synced.crm.deleted["Account"].clear()
    report = synced.sync(full=how.endswith("--full"))
    (task,) = synced.tasks(WhatId="A0")
    row = (synced.crm.rows["Account"] | synced.crm.deleted.get("Account", {})).get("A0", stood)

    assert report.connections[0].tasks_done == {"close": 1}
    assert task["Description"].startswith("The account is no longer in the book.")
    assert {name: row.get(name) for name in OURS} == stood
    assert report.connections[0].accounts == 5
    assert planned(synced.sync()) == (0, 0)
    turn = synced.turn()
    told = explain(turn, turn.connections, "crm:A0")

    assert told["account"]["status"] == "gone"
    assert [one["text"].partition(":")[0] for one in told["missing"]] == ["it left the book"]


def test_an_account_that_comes_back_is_served_again(synced: Room) -> None:
    """Leaving and returning changes no field twice and opens no second task."""
    synced.crm.put("Account", "A0", Kept="no")
    synced.sync()
    synced.crm.put("Account", "A0", Kept="yes")
    synced.crm.put("Contract", "c-A0", Value=12_345)
    synced.sync()

    assert synced.account("A0")["Arr"] == Decimal(12_345)
    assert len(synced.tasks(WhatId="A0")) == 1


@pytest.mark.parametrize("full", [False, True])
def test_a_merged_account_hands_its_tasks_on(synced: Room, *, full: bool) -> None:
    """The loser's open task belongs to the survivor and is opened no second time."""
    synced.crm.merge("Account", "A5", "A0")
    synced.sync(full=full)
    last = synced.sync()

    assert len(synced.tasks()) == 2
    assert synced.stored_tasks("A0") == {}
    assert "renewal-120" in synced.stored_tasks("A5")
    assert planned(last) == (0, 0)
    assert synced.account("A5")["RenewalDate"] == SOON.isoformat()


def test_merged_twice_between_two_runs(synced: Room) -> None:
    """A1 into A0, A0 into A5: in whatever order they are seen, the last one has it all."""
    before = {task["id"] for task in synced.tasks()}
    synced.crm.merge("Account", "A0", "A1")
    synced.crm.merge("Account", "A5", "A0")
    synced.sync(full=True)
    with synced.store.begin(write=False) as tx:
        (stored,) = synced.store.tasks.of_accounts(tx, ["crm:A0", "crm:A1", "crm:A5"]).items()

    assert stored[0] == "crm:A5"
    assert {task.record for task in stored[1]} == before
    assert {task["id"] for task in synced.tasks()} == before
    assert planned(synced.sync()) == (0, 0)


def test_merged_into_an_account_that_was_merged_before_it_was_ever_seen(synced: Room) -> None:
    """B0 came and went between two runs; what went into it is not lost with it."""
    before = {task["id"] for task in synced.tasks()}
    synced.customer("B0", value=5_000)
    synced.crm.merge("Account", "B0", "A0")
    synced.crm.merge("Account", "A5", "B0")
    synced.sync()

    assert "renewal-120" in synced.stored_tasks("A5")
    assert {task["id"] for task in synced.tasks()} == before
    assert planned(synced.sync()) == (0, 0)


def test_a_run_leaves_no_answers_of_its_day_behind(synced: Room) -> None:
    """What the playbooks' conditions gave is of that day: a daemon does not gather it."""
    asked = [playbook.when for playbook in synced.playbooks]
    playbook = next(iter(synced.playbooks))
    playbook.when.holds({})
    remembered = playbook.when._known
    synced.sync()

    assert remembered == 1
    assert [condition._known for condition in asked] == [0] * len(asked)


def test_texts_longer_than_the_tasks_fields_are_cut_with_a_mark(room: Room) -> None:
    """Opened, read back and closed: nothing is refused, and nothing written again and again."""
    for name, length in (("Subject", 30), ("Description", 60)):
        field = room.crm.fields["Task"][name]
        room.crm.fields["Task"][name] = replace(field, length=length)
    room.sync()
    opened = {task["id"]: (task["Subject"], task["Description"]) for task in room.tasks()}
    again = [planned(room.sync(full=full)) for full in (False, True)]
    sign_renewal(room, "A0")
    room.sync()
    (closed,) = room.tasks(WhatId="A0")

    assert len(opened) == 2
    assert all(len(subject) <= 30 and len(body) <= 60 for subject, body in opened.values())
    assert all(body.endswith("…") for _, body in opened.values())
    assert again == [(0, 0), (0, 0)]
    assert closed["Status"] == "completed"
    assert len(closed["Description"]) <= 60
    assert planned(room.sync()) == (0, 0)
