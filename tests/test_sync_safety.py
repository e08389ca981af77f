"""The safety limit: a plan that would overwrite too much waits for a person."""

from __future__ import annotations

from decimal import Decimal

import memory_rooms
import states
from memory_book import Room, planned

from syncd.plan import WritePolicy
from syncd.sync import EXIT_DONE, EXIT_HELD

state, postgres = states.state, states.postgres
room, synced = memory_rooms.room, memory_rooms.synced


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


def test_an_approval_is_for_the_values_that_were_shown(synced: Room) -> None:
    """Another value has come to stand in a field that would be overwritten: held again."""
    synced.write = WritePolicy(min_accounts=3, on_human_edit="overwrite")
    for number in range(3):
        synced.crm.put("Contract", f"c-A{number}", Value=99_000)
    held = synced.sync()
    with synced.store.begin() as tx:
        synced.store.runs.approve(tx, held.run, synced.now)
    synced.crm.put("Account", "A0", Arr=Decimal(5))
    other = synced.sync()

    assert other.exit_code == EXIT_HELD
    assert synced.account("A0")["Arr"] == Decimal(5)
