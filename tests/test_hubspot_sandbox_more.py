"""The objects that clients ask about even where nobody uses them, and an old way to ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hubspot_portal import Client, Clock, serving

from connectors.hubspot.sandbox import HubSpotSandbox


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with serving(HubSpotSandbox(clock=Clock()), tmp_path) as found:
        yield found


@pytest.mark.parametrize(
    "name",
    [
        "communications",
        "postal_mail",
        "quotes",
        "leads",
        "goal_targets",
        "deal_splits",
        "feedback_submissions",
        "forms",
    ],
)
def test_objects_of_every_portal_are_known(client: Client, name: str) -> None:
    """Each has properties and an empty list."""
    listed, properties = client.call("GET", f"/crm/v3/properties/{name}")
    read, rows = client.call("GET", f"/crm/v3/objects/{name}?limit=100")

    assert (listed, read) == (200, 200)
    assert "hs_lastmodifieddate" in {one["name"] for one in properties["results"]}
    assert rows == {"results": []}


def test_a_message_is_an_activity_like_others(client: Client) -> None:
    """A communication needs its time and takes its own properties."""
    path = "/crm/v3/objects/communications"
    body = {"hs_communication_channel_type": "SMS", "hs_communication_body": "On my way"}
    refused, _ = client.call("POST", path, {"properties": body})
    made, row = client.call(
        "POST", path, {"properties": {**body, "hs_timestamp": "2026-03-01T09:00:00Z"}}
    )

    assert (refused, made) == (400, 201)
    assert row["properties"]["hs_communication_channel_type"] == "SMS"


def test_properties_in_the_old_way(client: Client) -> None:
    """The bare list has the same names, for a singular as for a plural."""
    _, new = client.call("GET", "/crm/v3/properties/companies")
    status, old = client.call("GET", "/properties/v2/company/properties")

    assert status == 200
    assert [one["name"] for one in old] == [one["name"] for one in new["results"]]
    assert old[0].keys() >= {"name", "type", "label", "fieldType"}
