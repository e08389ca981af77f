"""Merged companies: whose records, tasks, history and people's values they go on with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import hubspot_room
import pytest
from hubspot_room import TODAY, Room, serving

from connectors.hubspot.sandbox import HubSpotSandbox
from connectors.hubspot.sending import Answered
from connectors.hubspot.write import Writer
from connectors.sandbox.make_book import make_book
from syncd.connector import TaskShape, TaskUpsert

soon = hubspot_room.soon


def tasks_of(room: Room) -> dict[str, str]:
    """The ids of syncd's tasks by key, each key once."""
    rows = [row for row in room.sandbox.rows("tasks") if row["properties"].get("syncd_key")]
    found = {row["properties"]["syncd_key"]: row["id"] for row in rows}

    assert len(found) == len(rows)

    return found


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("full", [False, True])
def test_a_merged_company_goes_on_in_its_survivor(tmp_path: Path, *, full: bool) -> None:
    """HubSpot makes a third record of two; the next run knows it by them, and starts nothing anew.

    Its survivor names them, so even a run that reads only what changed finds out.
    """
    sandbox = HubSpotSandbox.from_book(make_book(customers=12, seed=3, today=TODAY))
    with serving(sandbox, tmp_path, "hubspot-sandbox") as room:
        errors = room.provision()
        room.sync()
        before = tasks_of(room)
        busy = [
            row["id"]
            for row in sandbox.rows("companies")
            if any(
                id in before.values()
                for id in sandbox.associations_of("companies", row["id"], "tasks")
            )
        ]
        winner, loser = busy[:2]
        tier = room.company(winner)["syncd_tier"]
        sandbox.edit("companies", winner, syncd_renewal_reason="on hold, says Kim")
        room.sync()
        survivor = sandbox.merge("companies", winner, loser)
        report = room.sync(full=full)
        last = room.sync()
        after = tasks_of(room)
        company = room.company(survivor)

    kept = {(one.record, one.field) for one in report.connections[0].plan.kept}

    assert errors == []
    assert (survivor, "syncd_renewal_reason") in kept
    assert company["syncd_renewal_reason"] == "on hold, says Kim"
    assert company["syncd_tier"] == tier
    assert before.items() <= after.items()
    assert not [key for key in after.keys() - before.keys() if survivor not in key]
    assert last.nothing_to_do


@pytest.mark.usefixtures("soon")
def test_companies_that_go_while_their_tasks_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tasks of merged ones hang on the survivor, once; those of one that is gone are closed."""
    sandbox = HubSpotSandbox.from_book(make_book(customers=12, seed=3, today=TODAY))
    gone: list[str] = []
    upsert = Writer.upsert_tasks

    def late(self: Writer, shape: TaskShape, tasks: Sequence[TaskUpsert]) -> Iterator[Answered]:
        if not gone:
            homes = list(dict.fromkeys(task.account_id for task in tasks))[:3]
            gone.extend([*homes, sandbox.merge("companies", *homes[:2])])
            sandbox.archive("companies", homes[2])
        yield from upsert(self, shape, tasks)

    with serving(sandbox, tmp_path, "hubspot-sandbox") as room:
        room.provision()
        monkeypatch.setattr(Writer, "upsert_tasks", late)
        room.sync()
        made = tasks_of(room)
        room.sync()
        room.sync(full=True)
        last = room.sync()
        after = tasks_of(room)
        states = {
            row["properties"]["syncd_key"]: row["properties"]["hs_task_status"]
            for row in sandbox.rows("tasks")
            if row["properties"].get("syncd_key")
        }
        hung = {key: sandbox.associations_of("tasks", id, "companies") for key, id in after.items()}

    winner, loser, archived, survivor = gone
    merged = [key for key in made if winner in key.split("/") or loser in key.split("/")]

    assert last.nothing_to_do
    assert merged
    assert {tuple(hung[key]) for key in merged} == {(survivor,)}
    assert {key.partition("/")[0] for key in after.keys() - made.keys()} <= {"tier-changed"}
    assert {states[key] for key in made if archived in key.split("/")} == {"COMPLETED"}
