"""What a run promises, on a CRM in memory and a real state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import states
from memory_book import MAPPING, OURS, TODAY, Room, fill_customer, planned, written
from msgspec.structs import replace

from connectors.memory import MemoryConnector
from syncd.connector import FieldType, SchemaField
from syncd.errors import LeaseError, UnreachableError
from syncd.plan import WritePolicy
from syncd.sync import EXIT_DONE, EXIT_HELD, EXIT_REJECTED, EXIT_UNREACHABLE, Lease

state, postgres = states.state, states.postgres

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


# --- nothing twice --------------------------------------------------------------------------------


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


# --- people's values ------------------------------------------------------------------------------


def test_a_persons_value_is_kept(synced: Room) -> None:
    """A field that a person changed after us stays, is reported, and is no failure."""
    synced.crm.put("Account", "A3", RenewalStatus="on hold")
    synced.crm.put("Contract", "c-A3", Value=77_000)

    report = synced.sync()
    kept = report.connections[0].plan.kept
    again = synced.sync()

    assert report.exit_code == EXIT_DONE
    assert [(k.record, k.field, k.theirs) for k in kept] == [("A3", "RenewalStatus", "on hold")]
    assert synced.account("A3")["RenewalStatus"] == "on hold"
    assert synced.account("A3")["Arr"] == Decimal(77_000)
    assert planned(again) == (0, 0)
    with synced.store.begin(write=False) as tx:
        assert len(synced.store.ledger.kept(tx)) == 1


def test_a_persons_value_is_overwritten_where_the_policy_says_so(synced: Room) -> None:
    """on_human_edit = "overwrite" puts ours back."""
    synced.write = WritePolicy(min_accounts=10**6, on_human_edit="overwrite")
    synced.crm.put("Account", "A3", RenewalStatus="on hold")
    synced.sync()

    assert synced.account("A3")["RenewalStatus"] == "not_due"


def test_what_no_mapping_names_is_never_written(room: Room) -> None:
    """Only mapped fields and our own tasks change; no account or contract is made or lost."""
    room.crm.put("Account", "A0", Phone="1", Notes="mine")
    room.crm.put("Task", "theirs", Subject="Lunch", WhatId="A0", Key=None, Status="open")
    before = {id: dict(row) for id, row in room.crm.rows["Account"].items()}
    contracts = {id: dict(row) for id, row in room.crm.rows["Contract"].items()}
    room.sync()
    sign_renewal(room, "A0")
    room.sync()
    room.crm.delete("Contract", "next-A0")

    for id, row in room.crm.rows["Account"].items():
        assert {k: v for k, v in row.items() if k not in OURS} == {
            k: v for k, v in before[id].items() if k not in OURS
        }
    assert room.crm.rows["Contract"] == contracts
    assert room.crm.rows["Task"]["theirs"]["Subject"] == "Lunch"


def test_prospects_lose_only_what_we_wrote(synced: Room) -> None:
    """An account that is no customer any more is cleared of our values, not of a person's."""
    synced.crm.put("Account", "A3", RenewalReason="Ask Ann")
    synced.crm.put("Account", "A3", Type="Prospect")
    synced.crm.put("Account", "P1", Name="P", OwnerId="u1", Type="Prospect", Kept="y", Arr=5)
    synced.sync()
    ours = synced.ours("A3")

    assert ours["Arr"] is None
    assert ours["Tier"] is None
    assert ours["RenewalDate"] is None
    assert ours["RenewalReason"] == "Ask Ann"
    assert synced.account("P1")["Arr"] == 5
    assert planned(synced.sync()) == (0, 0)


# --- the safety limit -----------------------------------------------------------------------------


def test_a_plan_that_overwrites_too_much_is_held(synced: Room) -> None:
    """Half of the filled accounts would change: exit 4, nothing written, until it is approved."""
    synced.write = WritePolicy(min_accounts=3)
    for number in range(3):
        synced.crm.put("Contract", f"c-A{number}", Value=99_000)
    held = synced.sync()
    before = synced.account("A0")["Arr"]
    still = synced.sync()
    done = synced.sync(approve=True)
    after = synced.sync()

    assert held.exit_code == still.exit_code == EXIT_HELD
    assert held.connections[0].held is not None
    assert held.connections[0].held.share >= 0.5
    assert before == Decimal(10_000)
    assert done.exit_code == EXIT_DONE
    assert synced.account("A0")["Arr"] == Decimal(99_000)
    assert planned(after) == (0, 0)
    assert after.exit_code == EXIT_DONE


def test_an_approval_is_for_one_plan(synced: Room) -> None:
    """A released plan goes through; one that has changed since is held again."""
    synced.write = WritePolicy(min_accounts=3)
    for number in range(3):
        synced.crm.put("Contract", f"c-A{number}", Value=99_000)
    held = synced.sync()
    with synced.store.begin() as tx:
        released = synced.store.runs.approve(tx, held.run, synced.now)
    synced.crm.put("Contract", "c-A3", Value=40_100)
    other = synced.sync()
    synced.crm.put("Contract", "c-A3", Value=40_000)
    same = synced.sync()

    assert released == 1
    assert other.exit_code == EXIT_HELD
    assert same.exit_code == EXIT_DONE
    assert synced.account("A0")["Arr"] == Decimal(99_000)


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
    assert "records where 12 were known" in refused.connections[0].message
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


# --- refusals -------------------------------------------------------------------------------------


def test_a_refused_record_harms_itself_only(room: Room) -> None:
    """Its neighbours are written, it is quarantined with the CRM's words, and not tried again."""
    room.crm.refuse["Account", "Tier"] = "bad value for restricted picklist field: Tier"
    first = room.sync()
    second = room.sync()
    refused = {(record, field) for record, field, _ in room.rejects()}

    assert first.exit_code == EXIT_REJECTED
    assert second.exit_code == EXIT_DONE
    assert planned(second) == (0, 0)
    assert refused == {(f"A{n}", "Tier") for n in range(6)}
    assert room.rejects()[0][2] == "bad value for restricted picklist field: Tier"
    assert room.account("A0")["Arr"] == Decimal(10_000)
    assert room.account("A0").get("Tier") is None


@pytest.mark.parametrize("change", ["value", "record", "mapping", "definition", "policy", "retry"])
def test_a_refused_write_is_tried_again_for_a_reason(room: Room, change: str) -> None:
    """A new value, record, mapping or definition brings another try; so does a person."""
    room.crm.refuse["Account", "RenewalDate"] = "no"
    room.sync()
    room.crm.refuse.clear()
    unchanged = room.sync()
    match change:
        case "value":
            room.crm.put("Contract", "c-A0", EndDate="2026-10-31")
        case "record":
            room.crm.put("Account", "A0", Name="Renamed")
        case "mapping":
            status = 'status = { field = "Type'
            room.text = MAPPING.replace(status, f'segment = "Kept"\n{status}')
        case "definition":
            fields = room.crm.fields["Account"]
            fields["RenewalDate"] = SchemaField("RenewalDate", "New", FieldType.DATE)
            room.next_day()
        case "policy":
            cadence = room.policy.cadence.model_copy(update={"checkin_days": (15, 30, 90)})
            room.policy = room.policy.model_copy(update={"cadence": cadence})
        case "retry":
            with room.store.begin() as tx:
                accounts = room.store.quarantine.retry_all(tx)
                room.store.book.touch(tx, "crm", [key.partition(":")[2] for key in accounts])
    retried = room.sync()

    assert planned(unchanged) == (0, 0)
    assert retried.exit_code == EXIT_DONE
    assert str(room.account("A0")["RenewalDate"]).startswith("2026-")
    assert ("A0", "RenewalDate", "no") not in room.rejects()


def test_a_refused_task_waits(room: Room) -> None:
    """Tasks that the CRM refuses are quarantined by key; fields are written all the same."""
    room.crm.refuse["Task", "Subject"] = "subject not allowed"
    first = room.sync()
    second = room.sync()

    assert first.exit_code == EXIT_REJECTED
    assert written(first) == (42, 0)
    assert planned(second) == (0, 0)
    assert {record for record, _, _ in room.rejects()} == {
        "renewal-120/A0/2026-09-30/am",
        "renewal-120/A1/2026-09-30/am",
    }


def test_a_record_that_cannot_be_used_is_told_once(room: Room) -> None:
    """A contract with an unreadable date costs itself, is told once, and heals by itself."""
    room.crm.put("Contract", "c-A5", EndDate="31/12/2026")
    first = room.sync()
    second = room.sync()
    room.crm.put("Contract", "c-A5", EndDate="2026-12-31")
    third = room.sync()

    assert first.exit_code == EXIT_REJECTED
    assert [reject.record for reject in first.rejects] == ["c-A5"]
    assert room.account("A4")["RenewalDate"] == LATER.isoformat()
    assert second.exit_code == third.exit_code == EXIT_DONE
    assert room.account("A5")["RenewalDate"] == "2026-12-31"
    assert room.rejects() == []


def test_a_missing_field_switches_its_rules_off(synced: Room) -> None:
    """Values that need it are neither cleared nor changed; exit 3 once; it heals by itself."""
    field = synced.crm.fields["Contract"].pop("EndDate")
    stood = {f"A{n}": synced.ours(f"A{n}") for n in range(6)}
    tasks = synced.tasks()
    synced.next_day(1)
    off = synced.sync(full=True)
    synced.crm.put("Contract", "c-A0", Value=10_001)
    quiet = synced.sync()
    synced.next_day(1)
    later = synced.sync(full=True)
    meanwhile = {f"A{n}": synced.ours(f"A{n}") for n in range(6)}
    tasks_meanwhile = synced.tasks()
    synced.crm.fields["Contract"]["EndDate"] = field
    back = synced.sync(full=True)

    assert off.exit_code == EXIT_REJECTED
    assert off.connections[0].off
    assert "renewal" in off.connections[0].off
    assert quiet.exit_code == later.exit_code == EXIT_DONE
    assert quiet.connections[0].derived <= 1
    assert meanwhile == stood
    assert tasks_meanwhile == tasks
    assert back.exit_code == EXIT_DONE
    assert back.connections[0].off == ()
    assert synced.rejects() == []
    assert synced.account("A0")["Arr"] == Decimal(10_001)
    assert planned(synced.sync()) == (0, 0)


def test_a_missing_object_switches_its_rules_off(synced: Room) -> None:
    """An object out of sight costs its rules, and tasks out of sight cost tasks only."""
    hidden = synced.crm.fields.pop("Contract")
    stood = synced.ours("A0")
    off = synced.sync(full=True)
    synced.crm.fields["Contract"] = hidden
    hidden = synced.crm.fields.pop("Task")
    blind = synced.sync(full=True)
    synced.crm.fields["Task"] = hidden
    back = synced.sync(full=True)

    assert off.exit_code == blind.exit_code == EXIT_REJECTED
    assert synced.ours("A0") == stood
    assert back.exit_code == EXIT_DONE
    assert planned(back) == (0, 0)


# --- tasks ----------------------------------------------------------------------------------------


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


# --- leaving the book -----------------------------------------------------------------------------


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


# --- several connections, one lease ---------------------------------------------------------------


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
        with pytest.raises(LeaseError, match="here:1"):
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


# --- between read and write -----------------------------------------------------------------------


def while_deriving(room: Room, act: Any) -> Any:
    """A run during which somebody acts once: everything is read, nothing written yet."""
    acts = [act]

    def progress(step: str, connection: str, count: int) -> None:
        if step == "derive" and acts:
            acts.pop()()

    return room.sync(progress=progress)


def test_a_value_set_between_read_and_write_is_kept(synced: Room) -> None:
    """The record is read again before it is written: the person's value stays, the rest goes."""
    synced.crm.put("Contract", "c-A3", EndDate="2027-04-30")
    synced.crm.put("Account", "A3", OwnerId="u2")
    report = while_deriving(
        synced, lambda: synced.crm.put("Account", "A3", RenewalDate="2027-05-05")
    )
    kept = [(item.record, item.field, item.theirs) for item in report.connections[0].plan.kept]

    assert report.exit_code == EXIT_DONE
    assert kept == [("A3", "RenewalDate", "2027-05-05")]
    assert synced.account("A3")["RenewalDate"] == "2027-05-05"
    assert synced.account("A3")["Arr"] != Decimal(40_000)
    assert planned(synced.sync()) == (0, 0)
    assert synced.account("A3")["RenewalDate"] == "2027-05-05"


def test_a_new_customer_changed_between_read_and_write(synced: Room) -> None:
    """A field that syncd has never written is a person's too, once it is filled meanwhile."""
    synced.customer("B0", value=5_000)
    report = while_deriving(synced, lambda: synced.crm.put("Account", "B0", RenewalReason="mine"))

    assert report.exit_code == EXIT_DONE
    assert synced.account("B0")["RenewalReason"] == "mine"
    assert synced.account("B0")["Arr"] == Decimal(5_000)
    assert planned(synced.sync()) == (0, 0)


def test_an_account_that_goes_between_read_and_write(synced: Room) -> None:
    """Deleted or merged meanwhile, it is not written, and its tasks are closed or handed on."""
    synced.crm.put("Contract", "c-A0", Value=77_000)
    synced.crm.put("Contract", "c-A1", Value=77_000)

    def act() -> None:
        synced.crm.delete("Account", "A0")
        synced.crm.merge("Account", "A5", "A1")

    report = while_deriving(synced, act)
    synced.sync()

    assert report.exit_code == EXIT_DONE
    assert synced.stored_tasks("A5")["renewal-120"] == "open"
    assert [task["Status"] for task in synced.tasks(WhatId="A0")] == ["completed"]
    assert planned(synced.sync()) == (0, 0)


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


def test_a_plan_held_again_and_again_keeps_its_numbers(synced: Room) -> None:
    """The number that the first of many held runs printed still releases the plan."""
    synced.write = WritePolicy(min_accounts=3)
    for number in range(3):
        synced.crm.put("Contract", f"c-A{number}", Value=99_000)
    first = synced.sync()
    second = synced.sync()
    with synced.store.begin() as tx:
        shown = [plan.run for plan in synced.store.runs.held(tx)]
        released = synced.store.runs.approve(tx, first.run, synced.now)
    done = synced.sync()

    assert shown == [second.run]
    assert released == 1
    assert done.exit_code == EXIT_DONE
    assert synced.account("A0")["Arr"] == Decimal(99_000)


def test_a_retry_asked_for_during_a_run_is_not_forgotten(synced: Room) -> None:
    """The wish stands in the state until the write was tried again."""
    synced.crm.refuse["Account", "Arr"] = "no"
    synced.crm.put("Contract", "c-A3", Value=77_000)
    synced.sync()
    synced.crm.refuse.clear()
    with synced.store.begin() as tx:
        synced.store.quarantine.retry_all(tx)
    report = synced.sync()

    assert written(report)[0] > 0
    assert synced.account("A3")["Arr"] == Decimal(77_000)
    assert synced.rejects() == []


# --- lies -----------------------------------------------------------------------------------------


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
