"""What a run promises, on a CRM in memory and a real state: nothing twice, one at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import memory_rooms
import pytest
import states
from memory_book import TODAY, Room, fill_customer, planned, written
from memory_rooms import SOON

from connectors.memory import MemoryConnector
from syncd.errors import LeaseError
from syncd.sync import EXIT_DONE, EXIT_UNREACHABLE, Lease
from syncd.sync.due import bases

state, postgres = states.state, states.postgres
room, synced = memory_rooms.room, memory_rooms.synced


def test_a_second_run_plans_nothing(room: Room) -> None:
    """The first run fills fields and opens tasks; the second derives and writes nothing."""
    first = room.sync()
    second = room.sync()

    assert first.exit_code == second.exit_code == EXIT_DONE
    assert written(first) == (42, 2)
    assert room.account("A0")["RenewalDate"] == "2026-09-30"
    assert room.account("A0")["Arr"] == Decimal(10_000)
    assert [task["WhatId"] for task in room.tasks()] == ["A0", "A1"]
    assert planned(second) == (0, 0)
    assert second.nothing_to_do
    assert second.connections[0].derived == 0


def test_only_what_changed_is_derived(synced: Room) -> None:
    """After two edits by hand only their two accounts are derived and written."""
    synced.crm.put("Contract", "c-A3", EndDate="2027-04-30")
    synced.crm.put("Contract", "c-A4", EndDate="2027-05-31")

    report = synced.sync()
    accounts = {change.record for change in report.connections[0].plan.sets}

    assert report.connections[0].derived == 2
    assert accounts == {"A3", "A4"}
    assert synced.account("A3")["RenewalDate"] == "2027-04-30"
    assert planned(synced.sync()) == (0, 0)


def test_a_full_run_finds_nothing_new_either(synced: Room) -> None:
    """Reading everything anew derives everything and changes nothing."""
    report = synced.sync(full=True)

    assert report.connections[0].derived == 6
    assert planned(report) == (0, 0)
    assert report.exit_code == EXIT_DONE


def test_touching_a_record_without_changing_it_costs_nothing(synced: Room) -> None:
    """A new modification stamp alone derives no account."""
    for key in list(synced.crm.stamps):
        synced.crm.version += 1
        synced.crm.stamps[key] = synced.crm.version

    assert synced.sync().connections[0].derived == 0


def test_midnight_derives_only_whose_day_has_come(room: Room) -> None:
    """A day on which nothing can change derives nobody; the day that the window opens, one."""
    room.customer("B0", ends=TODAY + timedelta(days=140))
    room.sync()
    room.next_day(2)  # past the day after the first run, on which "since" counts one day
    room.sync()
    room.next_day()
    quiet = room.sync()
    room.next_day(17)
    opening = room.sync()

    assert quiet.connections[0].derived == 0
    assert planned(quiet) == (0, 0)
    assert {change.record for change in opening.connections[0].plan.sets} == {"B0"}
    assert room.account("B0")["RenewalStatus"] == "window_open"
    assert len(room.tasks(WhatId="B0")) == 1


def test_an_overload_is_told_once(state: str) -> None:
    """A manager's load is told to their largest account: when the load changes, when another
    account becomes the largest, and when it has fallen; never again while nothing changes.
    """
    room = Room(state)
    for number in range(40):
        room.customer(f"A{number:02}", value=10_000 + number)
    first = room.sync()
    again = room.sync()
    room.crm.put("Contract", "c-A07", Value=90_000)
    grown = room.sync()
    after = room.sync()
    told = {task["WhatId"]: task["Status"] for task in room.tasks(Playbook="am-overloaded")}
    for number in range(35):
        room.crm.put("Account", f"A{number:02}", OwnerId="u2")
    room.sync()
    relieved = room.sync()
    room.close()

    assert first.connections[0].derived == 40
    assert again.connections[0].derived == 0
    assert told == {"A07": "open", "A39": "completed"}
    assert grown.connections[0].derived < 10
    assert after.connections[0].derived == relieved.connections[0].derived == 0


def test_a_playbook_of_ones_own_hears_of_every_change_of_load(state: str) -> None:
    """A condition on the load alone is asked at all accounts of the manager when it changes."""
    own = {
        "id": "busy",
        "when": "am_load > 0.3",
        "once_per": "quarter",
        "assignee": "am",
        "due": 5,
        "subject": "Busy",
    }
    room = Room(state, playbooks=[own])
    for number in range(3):
        room.customer(f"A{number}")
    quiet = room.sync()
    room.customer("A3")
    room.customer("A4")
    room.sync()
    busy = len(room.tasks(Playbook="busy", Status="open"))
    last = room.sync()
    room.close()

    assert (len(quiet.connections[0].plan.tasks), busy) == (0, 5)
    assert last.connections[0].derived == 0


def test_a_look_stores_no_derivation(room: Room) -> None:
    """`plan` writes nothing to the CRM, and the run after it is a first run still."""
    before = {id: dict(row) for id, row in room.crm.rows["Account"].items()}
    look = room.sync(dry=True)
    with room.store.begin(write=False) as tx:
        stored = room.store.book.derivations(tx, [f"crm:A{n}" for n in range(6)])
    again = room.sync(dry=True)
    done = room.sync()

    assert planned(look) == planned(again) == written(done)
    assert stored == {}
    assert look.connections[0].calls.write == done.connections[0].calls.write
    assert room.crm.rows["Account"].keys() == before.keys()


def test_a_look_at_another_day_changes_nothing(synced: Room) -> None:
    """`plan --as-of` derives every account for that day and leaves no trace."""
    today = synced.today
    synced.today = date(2027, 1, 15)
    look = synced.sync(dry=True, as_of=True)
    synced.today = today

    assert look.connections[0].derived == 6
    assert len(look.connections[0].plan.sets) > 0
    assert planned(synced.sync()) == (0, 0)


def test_the_reachable_connection_is_served(state: str) -> None:
    """Of two connections one is out of reach: the other is served, and the exit code is 5."""
    room = Room(state, names=("one", "two"))
    for name in room.names:
        fill_customer(MemoryConnector.crms[name], "A0", ends=SOON, value=10_000)
    MemoryConnector.crms["one"].unreachable = True
    first = room.sync()
    served = MemoryConnector.crms["two"].rows["Account"]["A0"].get("RenewalDate")
    MemoryConnector.crms["one"].unreachable = False
    second = room.sync()
    third = room.sync()
    row = MemoryConnector.crms["one"].rows["Account"]["A0"]
    room.close()

    assert first.exit_code == EXIT_UNREACHABLE
    assert [c.exit_code for c in first.connections] == [EXIT_UNREACHABLE, EXIT_DONE]
    assert served == SOON.isoformat()
    assert second.exit_code == EXIT_DONE
    assert row["RenewalDate"] == SOON.isoformat()
    assert planned(third) == (0, 0)


def test_one_run_at_a_time(synced: Room) -> None:
    """While one instance is at work another is refused, and told by whom."""
    with Lease(synced.turn()) as lease:
        synced.instance = "there:2"
        with pytest.raises(LeaseError, match="process 1 on here"):
            synced.sync()
        lease.check()
    report = synced.sync()

    assert report.exit_code == EXIT_DONE


def test_a_dead_holders_lease_is_taken_over_at_once(synced: Room) -> None:
    """A holder whose process is gone does not keep the next run waiting."""
    with synced.store.begin() as tx:
        synced.store.runs.acquire(tx, "run", "here:99", synced.now, 3600)
    synced.holder_alive = lambda holder: holder != "here:99"

    assert synced.sync().exit_code == EXIT_DONE


def test_an_expired_lease_is_taken_over(synced: Room) -> None:
    """A holder that stopped renewing loses the lease after its time."""
    with synced.store.begin() as tx:
        synced.store.runs.acquire(tx, "run", "elsewhere:99", synced.now, 600)
    with pytest.raises(LeaseError):
        synced.sync()
    synced.now += timedelta(seconds=601)

    assert synced.sync().exit_code == EXIT_DONE


def test_a_writer_that_lost_its_lease_writes_nothing(room: Room) -> None:
    """Another instance took over between check and write: this one stops before its first call."""
    room.sync(dry=True)
    turn = room.turn()
    writes = MemoryConnector.update

    def usurp(step: str, connection: str, count: int) -> None:
        if step == "derive":
            with room.store.begin() as tx:
                room.store.runs.acquire(tx, "run", "there:2", room.now, 600, steal_from="here:1")

    object.__setattr__(turn, "progress", usurp)
    from syncd.sync import run_once

    with pytest.raises(LeaseError):
        run_once(turn)

    assert room.tasks() == []
    assert room.account("A0").get("Arr") is None
    assert MemoryConnector.update is writes


def test_a_first_sync_costs_no_second_read(room: Room) -> None:
    """With nothing to overwrite nothing is read twice."""
    reads: list[int] = []
    plain = MemoryConnector.read

    def counted(self: MemoryConnector, source: Any, ids: Any) -> Any:
        reads.append(len(ids))
        return plain(self, source, ids)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryConnector, "read", counted)
        room.sync()
        room.crm.put("Contract", "c-A3", Value=77_000)
        room.sync()

    assert len(reads) == 1


def test_a_clock_that_went_back_derives_everything_anew(synced: Room) -> None:
    """What was written for a day that has not come is put right as soon as the clock is."""
    right, now = synced.today, synced.now
    synced.next_day(200)
    synced.sync()
    wrong = synced.account("A3")["RenewalStatus"]
    synced.today, synced.now = right, now
    report = synced.sync()

    assert wrong == "window_open"
    assert "clock_went_back" in synced.log.events
    assert synced.account("A3")["RenewalStatus"] == "not_due"
    assert report.connections[0].derived == 6
    assert planned(synced.sync()) == (0, 0)


def test_a_changed_rate_derives_every_account_anew(room: Room) -> None:
    """A rate of the config or of the CRM that is new or another changes what all accounts say."""
    turn = room.turn()
    (one,) = turn.connections
    found: list[str] = []
    for rate in ("0.01", "0.02", "0.02"):
        one.context = replace(one.context, others={"JPY": Decimal(rate)})
        found += bases(turn, [one]).values()
    one.context = replace(one.context, home="USD", rates={"JPY": Decimal("0.03")})
    found += bases(turn, [one]).values()

    assert found[1] == found[2]
    assert len(set(found)) == 3
