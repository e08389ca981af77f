"""Merged companies: whose records, tasks, history and people's values they go on with."""

from __future__ import annotations

from pathlib import Path

import hubspot_room
import pytest
from hubspot_room import TODAY, Room, serving

from connectors.hubspot.sandbox import HubSpotSandbox
from connectors.sandbox.make_book import make_book

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
