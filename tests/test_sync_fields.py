"""People's values: kept, also when they are set between the read and the write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import memory_rooms
import pytest
import states
from memory_book import OURS, Room, connector, planned
from memory_rooms import change_task, sign_renewal
from sqlalchemy import update

from connectors.memory import MemoryConnector, MemorySettings
from syncd.connector import Context, FieldUpdate, Outcome, WriteResult
from syncd.plan import WritePolicy
from syncd.store.tables import accounts
from syncd.sync import EXIT_DONE

state, postgres = states.state, states.postgres
room, synced = memory_rooms.room, memory_rooms.synced


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


def test_values_that_were_kept_are_overwritten_once_the_policy_says_so(synced: Room) -> None:
    """The next run does it, though nothing of the account has changed since."""
    synced.crm.put("Account", "A3", RenewalStatus="on hold")
    synced.sync()
    synced.write = WritePolicy(min_accounts=10**6, on_human_edit="overwrite")
    synced.sync()

    assert synced.account("A3")["RenewalStatus"] == "not_due"


@pytest.mark.parametrize(
    "word", ["Österreich", "ÖSTERREICH AG", "österreich ag", "www.Kaffee.example", "kaffee.example"]
)
def test_an_account_is_found_as_people_write_it(room: Room, word: str) -> None:
    """By its name in any case and alphabet, and by its domain as it stands in a browser."""
    room.crm.put("Account", "A1", Name="Österreich AG")
    room.sync()
    with room.store.begin() as tx:
        ours = accounts.c.name == "Österreich AG"
        tx.execute(update(accounts).where(ours).values(domain="kaffee.example"))
        found = room.store.book.search(tx, word)

    assert [key.rpartition(":")[2] for key in found] == ["A1"]


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


def test_a_merged_accounts_value_in_the_survivor_is_ours(synced: Room) -> None:
    """Whoever merges chooses whose value stays; the loser's is no value of a person's."""
    synced.crm.merge("Account", "A5", "A3")
    synced.crm.put("Account", "A5", Arr=Decimal(40_000), RenewalReason="mine")
    report = synced.sync()

    assert [k.field for k in report.connections[0].plan.kept] == ["RenewalReason"]
    assert synced.account("A5")["Arr"] == Decimal(60_000 + 40_000)
    assert planned(synced.sync()) == (0, 0)


def test_a_merged_accounts_past_goes_to_a_new_survivor(synced: Room) -> None:
    """As in HubSpot, where both are merged into a third: people's values and history stand."""
    synced.crm.put("Account", "A3", RenewalStatus="on hold")
    synced.sync()
    values = {**synced.account("A3")}
    since = synced.derived("A3")["tier_since"]
    synced.next_day(3)
    synced.crm.put("Account", "N", **values)
    synced.crm.merge("Account", "N", "A3")
    report = synced.sync()

    kept = [(k.record, k.field, k.theirs) for k in report.connections[0].plan.kept]
    with synced.store.begin(write=False) as tx:
        standing = [(k.record, k.field) for k in synced.store.ledger.kept(tx)]
        history = synced.store.ledger.of_account(tx, "crm:N")

    assert kept == [("N", "RenewalStatus", "on hold")]
    assert standing == [("N", "RenewalStatus")]
    assert synced.account("N")["RenewalStatus"] == "on hold"
    assert synced.derived("N")["tier_since"] == since
    assert {entry.record for entry in history} >= {"A3"}
    assert planned(synced.sync()) == (0, 0)


class Late(MemoryConnector):
    """A CRM that answers no write, and carries it out when nobody waits any more."""

    def update(
        self, object: str, updates: Sequence[FieldUpdate]
    ) -> Iterator[tuple[int, WriteResult]]:
        for index, _ in enumerate(updates):
            yield index, WriteResult(Outcome.UNKNOWN)


def test_a_write_that_arrives_late_is_not_a_persons(synced: Room) -> None:
    """Looked up, it was not there; what it leaves afterwards is still ours to change."""
    synced.connector = lambda name: Late(MemorySettings(path=""), Context(name=name))
    synced.crm.put("Contract", "c-A3", Value=77_000)
    synced.sync()
    synced.crm.put("Account", "A3", Arr=Decimal(77_000))
    synced.crm.put("Contract", "c-A3", Value=88_000)
    synced.connector = connector
    report = synced.sync()

    assert len(report.connections[0].plan.kept) == 0
    assert synced.account("A3")["Arr"] == Decimal(88_000)


def test_a_task_ended_between_read_and_write(synced: Room) -> None:
    """What a person wrote into it as they ended it stays: syncd does not close it over them."""
    sign_renewal(synced, "A0")
    sign_renewal(synced, "A1")

    def act() -> None:
        change_task(synced, "renewal-120", "A0", Status="completed", Description="They signed!")
        synced.crm.delete("Task", change_task(synced, "renewal-120", "A1"))

    report = while_deriving(synced, act)
    (task,) = synced.tasks(WhatId="A0")

    assert report.exit_code == EXIT_DONE
    assert report.connections[0].tasks_done == {}
    assert task["Description"] == "They signed!"
    assert synced.stored_tasks("A0") == {"renewal-120": "completed"}
    assert synced.stored_tasks("A1") == {"renewal-120": "deleted"}
    assert planned(synced.sync()) == (0, 0)


def test_a_task_edited_between_read_and_write(synced: Room) -> None:
    """It is closed all the same, with the person's words below the note; given away, it stays."""
    sign_renewal(synced, "A0")
    synced.crm.put("Account", "A1", OwnerId="u2")

    def act() -> None:
        change_task(synced, "renewal-120", "A0", Description="They want a discount")
        change_task(synced, "renewal-120", "A1", OwnerId="u3")

    report = while_deriving(synced, act)
    (closed,) = synced.tasks(WhatId="A0")
    (given,) = synced.tasks(WhatId="A1")

    assert report.exit_code == EXIT_DONE
    assert closed["Status"] == "completed"
    assert closed["Description"].endswith("They want a discount")
    assert given["OwnerId"] == "u3"
    assert planned(synced.sync()) == (0, 0)
