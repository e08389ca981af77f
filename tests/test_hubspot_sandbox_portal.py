"""The HubSpot sandbox's catalogue, login, limits, faults, book and state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from hubspot.crm.companies.exceptions import ForbiddenException, UnauthorizedException
from hubspot_portal import Client, Clock, book, serving

from connectors.hubspot.sandbox import Fault, HubSpotSandbox

COMPANIES = "/crm/v3/objects/companies"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(tmp_path: Path, clock: Clock) -> Iterator[Client]:
    with serving(HubSpotSandbox(clock=clock), tmp_path) as found:
        yield found


def definition(called: str, **more: Any) -> dict[str, Any]:
    common = {"name": called, "label": called, "groupName": "companyinformation"}
    return {**common, "type": "string", "fieldType": "text", **more}


def test_properties_by_the_sdk(client: Client) -> None:
    """Properties are listed, made, changed, deleted and made again."""
    api = client.api.crm.properties
    body = definition("syncd_tier", type="enumeration", fieldType="select")
    body["options"] = [{"label": "One", "value": "one", "displayOrder": 0, "hidden": False}]
    made = api.core_api.create("companies", body)
    changed = api.core_api.update(
        "companies", "syncd_tier", {"options": [{"label": "Two", "value": "two"}]}
    )
    listed = {one.name: one for one in api.core_api.get_all("companies").results}
    api.core_api.archive("companies", "syncd_tier")
    gone, _ = client.call("GET", "/crm/v3/properties/companies/syncd_tier")
    again = api.core_api.create("companies", body)

    assert made.options[0].value == "one"
    assert [one.value for one in changed.options] == ["two"]
    assert listed["hs_num_open_deals"].modification_metadata.read_only_value
    assert listed["hubspot_owner_id"].referenced_object_type == "OWNER"
    assert not listed["domain"].has_unique_value
    assert listed["syncd_tier"].hubspot_defined is None
    assert gone == 404
    assert again.name == "syncd_tier"


def test_properties_that_are_refused(client: Client) -> None:
    """A name twice is a 409; HubSpot's own stay; form, group and options must fit."""
    path = "/crm/v3/properties/companies"
    client.call("POST", path, definition("mine", hasUniqueValue=True))
    twice, body = client.call("POST", path, definition("mine"))
    batch, answer = client.call(
        "POST", f"{path}/batch/create", {"inputs": [definition("mine"), definition("yours")]}
    )
    wrong = [
        client.call("POST", path, definition("x", **more))[0]
        for more in (
            {"type": "bool", "fieldType": "text"},
            {"groupName": "nowhere"},
            {"label": ""},
            {"name": "Bad Name"},
            {
                "type": "bool",
                "fieldType": "booleancheckbox",
                "options": [{"label": "Yes", "value": "yes"}],
            },
        )
    ]
    unique, _ = client.call("PATCH", f"{path}/mine", {"hasUniqueValue": False})
    native, refusal = client.call("DELETE", f"{path}/name")

    assert (twice, body["category"]) == (409, "OBJECT_ALREADY_EXISTS")
    assert body["message"] == "A property named 'mine' already exists."
    assert (batch, [one["name"] for one in answer["results"]]) == (207, ["yours"])
    assert answer["errors"][0]["subCategory"] == "Properties.PROPERTY_WITH_NAME_EXISTS"
    assert answer["errors"][0]["context"] == {"name": ["mine"]}
    assert wrong == [400] * 5
    assert unique == 400
    assert (native, refusal["subCategory"]) == (
        400,
        "PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE",
    )


def test_property_groups(client: Client) -> None:
    """A group is made once, and archived only when it has no live properties."""
    path = "/crm/v3/properties/companies/groups"
    made, group = client.call("POST", path, {"name": "syncd", "label": "syncd"})
    twice, _ = client.call("POST", path, {"name": "syncd", "label": "syncd"})
    client.call("POST", "/crm/v3/properties/companies", definition("mine", groupName="syncd"))
    used, _ = client.call("DELETE", f"{path}/syncd")
    client.call("DELETE", "/crm/v3/properties/companies/mine")
    unused, _ = client.call("DELETE", f"{path}/syncd")

    assert (made, twice, used, unused) == (201, 409, 400, 204)
    assert group.keys() == {"name", "label", "displayOrder", "archived"}


def test_owners_pipelines_and_account(client: Client) -> None:
    """Owners, pipelines and the account's details by HubSpot's client and shapes."""
    client.sandbox.portal.add_owner("left@x.example", "Lee", "Left", archived=True)
    owners = client.api.crm.owners.owners_api
    pipelines = client.api.crm.pipelines.pipelines_api.get_all("deals")
    stages = {one.id: one.metadata for one in pipelines.results[0].stages}
    _, tickets = client.call("GET", "/crm/v3/pipelines/tickets")
    _, details = client.call("GET", "/account-info/v3/details")
    _, usage = client.call("GET", "/account-info/v3/api-usage/daily/private-apps")
    _, token = client.call(
        "POST", "/oauth/v2/private-apps/get/access-token-info", {"tokenKey": client.token}
    )

    assert [one.email for one in owners.get_page().results] == ["ada.admin@acme.example"]
    assert [one.email for one in owners.get_page(archived=True).results] == ["left@x.example"]
    assert stages["closedwon"] == {"isClosed": "true", "probability": "1.0"}
    assert tickets["results"][0]["stages"][3]["metadata"]["ticketState"] == "CLOSED"
    assert (details["utcOffset"], details["utcOffsetMilliseconds"]) == ("-05:00", -18_000_000)
    assert usage["results"][0]["currentUsage"] > 0
    assert token["hubId"] == details["portalId"]
    assert "crm.objects.companies.write" in token["scopes"]


def test_custom_objects(client: Client) -> None:
    """A custom object is defined by a schema and then used as any other."""
    status, schema = client.call(
        "POST",
        "/crm/v3/schemas",
        {
            "name": "contract_line",
            "labels": {"singular": "Line", "plural": "Lines"},
            "requiredProperties": ["line_no"],
            "primaryDisplayProperty": "line_no",
            "properties": [
                {"name": "line_no", "label": "No", "type": "number", "fieldType": "number"}
            ],
            "associatedObjects": ["COMPANY"],
        },
    )
    type = schema["objectTypeId"]
    company = client.make("companies", name="Acme")
    id = client.make(type, line_no="1")
    linked, _ = client.call(
        "POST",
        f"/crm/v4/associations/{type}/companies/batch/associate/default",
        {"inputs": [{"from": {"id": id}, "to": {"id": company}}]},
    )
    missing, _ = client.call("POST", f"/crm/v3/objects/{type}", {"properties": {}})
    _, listed = client.call("GET", "/crm/v3/schemas")
    by_name, _ = client.call("GET", f"/crm/v3/objects/{schema['fullyQualifiedName']}/{id}")

    assert status == 201
    assert [one["name"] for one in listed["results"]] == ["product_usage", "contract_line"]
    assert (linked, missing, by_name) == (200, 400, 200)
    assert client.sandbox.associations_of(type, id, "companies") == [company]


def test_logins_that_are_refused(client: Client) -> None:
    """A wrong or expired token is a 401 with HubSpot's body."""
    wrong, body = client.call("GET", COMPANIES, token="nonsense")
    client.sandbox.expire_token()
    with pytest.raises(UnauthorizedException):
        client.api.crm.companies.basic_api.get_page()
    client.sandbox.restore_token()
    right, _ = client.call("GET", COMPANIES)

    assert (wrong, body["category"]) == (401, "INVALID_AUTHENTICATION")
    assert body["message"].startswith("Authentication credentials not found.")
    assert right == 200


def test_missing_scopes(client: Client) -> None:
    """Without its scope a call is a 403 that names the scope."""
    client.sandbox.scopes.remove("crm.objects.companies.read")
    client.sandbox.scopes.remove("crm.schemas.companies.write")
    status, body = client.call("GET", COMPANIES)
    with pytest.raises(ForbiddenException):
        client.api.crm.companies.basic_api.get_page()
    linked, _ = client.call(
        "POST", "/crm/v4/associations/deals/companies/batch/read", {"inputs": []}
    )
    created, _ = client.call("POST", "/crm/v3/properties/companies", definition("x"))
    deals, _ = client.call("GET", "/crm/v3/objects/deals")

    assert (status, body["category"]) == (403, "MISSING_SCOPES")
    assert body["errors"][0]["context"] == {
        "requiredGranularScopes": ["crm.objects.companies.read"]
    }
    assert (linked, created, deals) == (403, 403, 200)


def test_oauth(client: Client, clock: Clock) -> None:
    """OAuth tokens come by refresh token, live 1800 seconds, and are then refused as expired."""
    access = client.sandbox.access
    tokens = client.api.oauth.tokens_api.create(
        grant_type="refresh_token",
        client_id=access.client_id,
        client_secret=access.client_secret,
        refresh_token=access.refresh_token,
    )
    good, _ = client.call("GET", COMPANIES, token=tokens.access_token)
    clock.move(1801)
    late, body = client.call("GET", COMPANIES, token=tokens.access_token)
    reply = client.pool.request_encode_body(
        "POST",
        client.url + "/oauth/v1/token",
        fields={
            "grant_type": "refresh_token",
            "client_id": access.client_id,
            "client_secret": access.client_secret,
            "refresh_token": "old",
        },
        encode_multipart=False,
    )

    assert tokens.expires_in == 1800
    assert (good, late, body["category"]) == (200, 401, "EXPIRED_AUTHENTICATION")
    assert (reply.status, reply.json()["status"]) == (400, "BAD_REFRESH_TOKEN")


def test_limits(client: Client) -> None:
    """Beyond the limits calls are 429 with HubSpot's bodies; searches show no headers."""
    limits = client.sandbox.limits
    limits.enforced, limits.per_ten_seconds, limits.searches = True, 3, 1
    search, _ = client.call("POST", f"{COMPANIES}/search", {})
    searches, secondly = client.call("POST", f"{COMPANIES}/search", {})
    headers = client.pool.request(
        "GET", client.url + COMPANIES, headers={"Authorization": f"Bearer {client.token}"}
    ).headers
    client.call("GET", COMPANIES)
    burst, rolling = client.call("GET", COMPANIES)
    limits.per_ten_seconds, limits.daily = 100, limits.used_today
    day, daily = client.call("GET", COMPANIES)

    assert (search, searches, burst, day) == (200, 429, 429, 429)
    assert secondly["message"] == "You have reached your secondly limit."
    assert rolling["policyName"] == "TEN_SECONDLY_ROLLING"
    assert rolling["errorType"] == "RATE_LIMIT"
    assert daily["policyName"] == "DAILY"
    assert headers["X-HubSpot-RateLimit-Max"] == "3"
    assert headers["X-HubSpot-RateLimit-Daily"] == "625000"
    assert headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"


def test_faults(client: Client) -> None:
    """Faults strike the calls they name, before or after these are carried out."""
    client.sandbox.strike(
        Fault("rate_limit_wait", path="/crm/v3/objects/companies"),
        Fault("html_502", path="*/deals", method="GET", skip=1),
        Fault("drop", method="POST", applies=True),
    )
    limited, _ = client.call("GET", COMPANIES)
    spared, _ = client.call("GET", "/crm/v3/objects/deals")
    reply = client.pool.request("GET", client.url + "/crm/v3/objects/deals")
    with pytest.raises(urllib3.exceptions.HTTPError):
        client.call("POST", COMPANIES, {"properties": {"name": "Acme"}})

    assert (limited, spared, reply.status) == (429, 200, 502)
    assert reply.data.startswith(b"<!DOCTYPE html>")
    assert [row["properties"]["name"] for row in client.sandbox.rows("companies")] == ["Acme"]


def test_a_call_is_counted_by_its_path(client: Client) -> None:
    """Calls are told by template and rows, to this process and to others."""
    client.sandbox.insert("companies", name="Acme")
    client.call("GET", COMPANIES)
    _, told = client.call("GET", "/_sandbox/calls")
    client.call("DELETE", "/_sandbox/calls")

    assert told == [{"method": "GET", "path": "/crm/v3/objects/{type}", "rows": 1, "status": 200}]
    assert client.sandbox.calls == []


def test_state_goes_out_and_in(client: Client, tmp_path: Path, clock: Clock) -> None:
    """A dumped portal, loaded into another, is the same to the last byte; also over HTTP."""
    full = HubSpotSandbox.from_book(book(), clock=clock)
    full.merge("companies", *[row["id"] for row in full.rows("companies")])
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    full.dump(first)
    other = HubSpotSandbox(clock=clock)
    other.load(first)
    other.dump(second)
    put = client.pool.request("PUT", client.url + "/_sandbox/state", body=first.read_bytes())
    got = client.pool.request("GET", client.url + "/_sandbox/state")
    bad = client.pool.request("PUT", client.url + "/_sandbox/state", body=b"{}")

    assert first.read_bytes() == second.read_bytes()
    assert (put.status, got.data) == (204, first.read_bytes())
    assert bad.status == 400


def test_a_book_becomes_a_portal(clock: Clock) -> None:
    """A customer of the book stands in the portal with all that hangs on it."""
    sandbox = HubSpotSandbox.from_book(book(), clock=clock)
    acme, iberia = sandbox.rows("companies")
    deal, contract = sandbox.rows("deals")[0], sandbox.rows("contracts")[0]
    owners = {str(one.id): one for one in sandbox.portal.owners.values()}
    linked = {
        kind: len(sandbox.associations_of("companies", acme["id"], kind))
        for kind in ("contacts", "deals", "contracts", "tickets", "meetings", "product_usage")
    }

    assert owners[acme["properties"]["csm"]].archived
    assert acme["properties"]["lifecyclestage"] == "customer"
    assert iberia["properties"]["lifecyclestage"] == "churned"
    assert acme["properties"]["hs_num_child_companies"] == "1"
    assert iberia["properties"]["hs_parent_company_id"] == acme["id"]
    assert acme["properties"]["notes_next_activity_date"] == "2026-03-05T10:00:00.250Z"
    assert deal["properties"]["amount"] == "12000.50"
    assert deal["properties"]["hs_is_closed_won"] == "true"
    assert contract["properties"]["hs_end_date"] == "2026-06-30"
    assert contract["properties"]["hs_status"] == "ACTIVE"
    assert sandbox.associations_of("deals", deal["id"], "contacts")
    assert sandbox.associations_of("contracts", contract["id"], "deals") == [deal["id"]]
    assert sandbox.rows("contacts")[0]["properties"]["email"] == "noor@acme.example"
    assert linked == {
        "contacts": 1,
        "deals": 1,
        "contracts": 1,
        "tickets": 1,
        "meetings": 2,
        "product_usage": 1,
    }


def test_a_removed_property_is_gone(client: Client) -> None:
    """A property taken out of the portal is left out of lists and refused in writes."""
    id = client.make("companies", name="Acme", arr="5")
    client.sandbox.remove_property("companies", "arr")
    _, body = client.call("GET", f"{COMPANIES}/{id}?properties=arr")
    status, _ = client.call("PATCH", f"{COMPANIES}/{id}", {"properties": {"arr": "6"}})

    assert "arr" not in body["properties"]
    assert status == 400
