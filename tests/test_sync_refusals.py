"""What the CRM refuses harms itself only, and is tried again for a reason."""

from __future__ import annotations

from decimal import Decimal

import memory_rooms
import pytest
import states
from memory_book import MAPPING, Room, planned, written
from memory_rooms import LATER
from msgspec.structs import replace

from syncd.connector import FieldType, SchemaField
from syncd.sync import EXIT_DONE, EXIT_REJECTED

state, postgres = states.state, states.postgres
room, synced = memory_rooms.room, memory_rooms.synced


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


def test_a_refused_word_is_told_with_those_that_are_taken(room: Room) -> None:
    """A picklist without the word: the CRM says that it is bad, syncd what would be good."""
    tier = room.crm.fields["Account"]["Tier"]
    room.crm.fields["Account"]["Tier"] = replace(tier, options=("Gold", "Silver"), restricted=True)
    room.crm.refuse["Account", "Tier"] = "bad value for restricted picklist field: Tier 1"
    room.sync()

    assert {message for _, _, message in room.rejects()} == {
        "bad value for restricted picklist field: Tier 1 (it takes: Gold, Silver)"
    }


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


@pytest.mark.parametrize("seen", [True, False], ids=["seen before", "in between"])
def test_a_right_that_is_granted_again_is_noticed_by_the_next_run(room: Room, seen: bool) -> None:
    """Also where the object was described before the right was withdrawn, and not since."""
    writable = room.crm.fields["Account"]["RenewalDate"]
    if not seen:
        room.sync(dry=True)  # the schema of before is in the state for a day
    room.crm.fields["Account"]["RenewalDate"] = replace(writable, writable=False)
    room.crm.refuse["Account", "RenewalDate"] = "check the security settings of this field"
    refused = room.sync()
    unchanged = room.sync()
    room.crm.refuse.clear()
    room.crm.fields["Account"]["RenewalDate"] = writable
    granted = room.sync()

    assert refused.exit_code == EXIT_REJECTED
    assert planned(unchanged) == (0, 0)
    assert granted.exit_code == EXIT_DONE
    assert str(room.account("A0")["RenewalDate"]).startswith("2026-")
    assert room.rejects() == []


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
