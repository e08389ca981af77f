"""The objects that clients ask about even where nobody uses them, and an old way to ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


def test_parameters_in_every_way_clients_write_them(client: Client) -> None:
    """Lists repeated or by commas, truths in any case, paths with and without their last slash."""
    id = client.make("companies", name="Acme", domain="a.example")
    path = f"/crm/v3/objects/companies/{id}"
    asked = [
        client.call("GET", f"{path}?properties=name&properties=domain"),
        client.call("GET", f"{path}?properties=name,domain"),
        client.call("GET", f"{path}?properties=name,nonsense&properties=domain&archived=False"),
        client.call("GET", f"{path}/?properties=domain%2Cname&archived=false"),
    ]
    owners = [client.call("GET", f"/crm/v3/owners{end}")[1] for end in ("", "/")]
    shown = [{k: body["properties"][k] for k in ("name", "domain")} for _, body in asked]

    assert [status for status, _ in asked] == [200] * 4
    assert shown == [{"name": "Acme", "domain": "a.example"}] * 4
    assert all("nonsense" not in body["properties"] for _, body in asked)
    assert owners[0] == owners[1]


@pytest.mark.parametrize(
    ("sent", "held"),
    [
        ("2026-03-01", "2026-03-01"),
        ("1772323200000", "2026-03-01"),
        (1772323200000, "2026-03-01"),
    ],
)
def test_a_date_is_a_day_however_it_is_sent(client: Client, sent: Any, held: str) -> None:
    """ISO, or milliseconds at midnight UTC; an hour beside it is refused."""
    client.sandbox.insert("companies", name="Acme")
    status, body = client.call(
        "POST",
        "/crm/v3/properties/companies",
        {
            "name": "day",
            "label": "Day",
            "type": "date",
            "fieldType": "date",
            "groupName": "companyinformation",
        },
    )
    _, made = client.call(
        "POST", "/crm/v3/objects/companies", {"properties": {"name": "B", "day": sent}}
    )
    refused, told = client.call(
        "POST",
        "/crm/v3/objects/companies",
        {"properties": {"name": "C", "day": str(1772323200000 + 3_600_000)}},
    )

    assert status == 201, body
    assert made["properties"]["day"] == held
    assert (refused, told["errors"][0]["code"]) == (400, "INVALID_DATE")
