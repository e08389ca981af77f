"""The HubSpot sandbox's records, by hubspot-api-client and by plain requests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hubspot.crm.companies.exceptions import ApiException
from hubspot_portal import Client, Clock, serving

from connectors.hubspot.sandbox import HubSpotSandbox


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(tmp_path: Path, clock: Clock) -> Iterator[Client]:
    with serving(HubSpotSandbox(clock=clock), tmp_path) as found:
        yield found


def codes(body: dict[str, Any]) -> list[str]:
    return [one["code"] for one in body["errors"]]


def test_create_and_get_by_the_sdk(client: Client) -> None:
    """HubSpot's own client creates a company, and reads it back with text values."""
    api = client.api.crm.companies.basic_api
    made = api.create({"properties": {"name": "Acme", "domain": "acme.example", "arr": 1200}})
    read = api.get_by_id(made.id, properties=["name", "arr", "nps", "nonsense"])

    assert made.properties["lifecyclestage"] == "lead"
    assert made.properties["website"] == "acme.example"
    assert read.properties["arr"] == "1200"
    assert read.properties["nps"] is None
    assert "nonsense" not in read.properties
    assert list(read.properties) == sorted(read.properties)
    assert {"createdate", "hs_lastmodifieddate", "hs_object_id"} <= read.properties.keys()


def test_shapes_of_one_record(client: Client) -> None:
    """A record bears ids as text, Instants, its address in the portal, and nothing unasked."""
    id = client.make("companies", name="Acme")
    status, body = client.call("GET", f"/crm/v3/objects/companies/{id}/")

    assert status == 200
    assert list(body) == ["id", "properties", "createdAt", "updatedAt", "archived", "url"]
    assert body["createdAt"] == "2026-03-02T10:00:00.250Z"
    assert body["url"].endswith(f"/record/0-2/{id}")
    assert body["properties"].keys() == {
        "createdate",
        "domain",
        "hs_lastmodifieddate",
        "hs_object_id",
        "name",
    }


def test_contacts_have_a_modified_property_of_their_own(client: Client) -> None:
    """A contact's date of change is lastmodifieddate; its address is unique."""
    id = client.make("contacts", email="A@x.example", firstname="Ann")
    _, body = client.call("GET", f"/crm/v3/objects/contacts/{id}")
    status, twice = client.call(
        "POST", "/crm/v3/objects/contacts", {"properties": {"email": "a@x.example"}}
    )

    assert "hs_lastmodifieddate" not in body["properties"]
    assert body["properties"]["lastmodifieddate"] == "2026-03-02T10:00:00.250Z"
    assert status == 409
    assert twice["category"] == "CONFLICT"
    assert twice["message"] == f"Contact already exists. Existing ID: {id}"


def test_lists_page_by_the_sandboxs_own_address(client: Client) -> None:
    """Lists go by ids, 100 at most, and their link leads back to the sandbox."""
    ids = [client.sandbox.insert("companies", name=f"C{n}") for n in range(5)]
    _, first = client.call("GET", "/crm/v3/objects/companies?limit=2&properties=name,arr")
    link = first["paging"]["next"]["link"]
    _, second = client.call("GET", link.removeprefix(client.url))
    _, rest = client.call(
        "GET", f"/crm/v3/objects/companies?limit=2&after={second['paging']['next']['after']}"
    )
    too_many, _ = client.call("GET", "/crm/v3/objects/companies?limit=101")
    everything = client.api.crm.companies.get_all(properties=["name", "arr"])

    assert link.startswith(client.url)
    assert [row["id"] for row in first["results"] + second["results"]] == ids[:4]
    assert [row["id"] for row in rest["results"]] == ids[4:]
    assert "paging" not in rest
    assert too_many == 400
    assert [one.id for one in everything] == ids


def test_archived_records_are_listed_apart(client: Client) -> None:
    """A deleted record is only in the archived list, and deleting an unknown one is no error."""
    gone, kept = (client.sandbox.insert("companies", name=name) for name in ("Gone", "Kept"))
    api = client.api.crm.companies.basic_api
    api.archive(gone)
    live, archived = api.get_page(archived=False), api.get_page(archived=True)
    unknown, _ = client.call("DELETE", "/crm/v3/objects/companies/987")
    status, body = client.call("GET", f"/crm/v3/objects/companies/{gone}")

    assert [one.id for one in live.results] == [kept]
    assert [one.id for one in archived.results] == [gone]
    assert archived.results[0].archived_at is not None
    assert unknown == 204
    assert (status, body["message"]) == (404, "resource not found")
    assert "category" not in body


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"nonsense": "1"}, "PROPERTY_DOESNT_EXIST"),
        ({"hs_lastmodifieddate": "2026-01-01"}, "READ_ONLY_VALUE"),
        ({"num_associated_deals": "7"}, "READ_ONLY_VALUE"),
        ({"arr": "many"}, "INVALID_INTEGER"),
        ({"strategic": "maybe"}, "INVALID_OPTION"),
        ({"segment": "Enterprise"}, "INVALID_OPTION"),
        ({"plan_updated": "1772409600001"}, "INVALID_DATE"),
        ({"plan_updated": "2026-03-02T10:00:00Z"}, "INVALID_DATE"),
        ({"plan_updated": "soon"}, "INVALID_DATE"),
        ({"hubspot_owner_id": "1"}, "INVALID_OWNER_ID"),
    ],
)
def test_wrong_values_are_refused(client: Client, properties: dict[str, str], code: str) -> None:
    """Each kind of wrong value is a 400 with HubSpot's code for it."""
    status, body = client.call(
        "POST", "/crm/v3/objects/companies", {"properties": {"name": "Acme", **properties}}
    )

    assert status == 400
    assert codes(body) == [code]
    assert body["message"].startswith("Property values were not valid: [{")
    assert body["errors"][0]["context"] == {"propertyName": list(properties)}


@pytest.mark.parametrize(
    ("object", "name", "sent", "read"),
    [
        ("companies", "plan_updated", "1772409600000", "2026-03-02"),
        ("companies", "plan_updated", "2026-03-02", "2026-03-02"),
        ("deals", "closedate", "2026-03-02", "2026-03-02T00:00:00Z"),
        ("deals", "closedate", "1772409600001", "2026-03-02T00:00:00.001Z"),
        ("deals", "closedate", "2026-03-02T01:00:00+02:00", "2026-03-01T23:00:00Z"),
        ("deals", "amount", 12.5, "12.5"),
        ("companies", "strategic", True, "true"),
        ("contacts", "hs_buying_role", "CHAMPION;END_USER", "CHAMPION;END_USER"),
    ],
)
def test_values_as_they_are_read_back(
    client: Client, object: str, name: str, sent: Any, read: str
) -> None:
    """Values are kept as text in HubSpot's forms."""
    title = {"companies": "name", "deals": "dealname", "contacts": "firstname"}[object]
    id = client.make(object, **{title: "x"})
    client.call("PATCH", f"/crm/v3/objects/{object}/{id}", {"properties": {name: sent}})
    _, body = client.call("GET", f"/crm/v3/objects/{object}/{id}?properties={name}")

    assert body["properties"][name] == read


def test_lists_of_values_are_added_to_and_cleared(client: Client) -> None:
    """A leading semicolon adds to a list of values, and an empty text clears."""
    id = client.make("contacts", firstname="x", hs_buying_role="CHAMPION")
    path = f"/crm/v3/objects/contacts/{id}"
    client.call("PATCH", path, {"properties": {"hs_buying_role": ";BLOCKER"}})
    added = client.sandbox.rows("contacts")[0]["properties"]["hs_buying_role"]
    client.call("PATCH", path, {"properties": {"hs_buying_role": ""}})
    _, body = client.call("GET", f"{path}?properties=hs_buying_role")

    assert added == "CHAMPION;BLOCKER"
    assert body["properties"]["hs_buying_role"] is None


def test_only_real_changes_move_the_date(client: Client, clock: Clock) -> None:
    """Writing what is there already leaves the date of the last change alone."""
    id = client.make("companies", name="Acme", arr="5")
    path = f"/crm/v3/objects/companies/{id}"
    clock.move(60)
    client.call("PATCH", path, {"properties": {"arr": "5"}})
    unmoved = client.sandbox.rows("companies")[0]["updated"]
    client.call("PATCH", path, {"properties": {"arr": "6"}})
    moved = client.sandbox.rows("companies")[0]["updated"]

    assert moved - unmoved == 60_000


def test_required_values(client: Client) -> None:
    """A task needs hs_timestamp, a company a name or a domain."""
    task, body = client.call(
        "POST", "/crm/v3/objects/tasks", {"properties": {"hs_task_subject": "Call"}}
    )
    company, _ = client.call("POST", "/crm/v3/objects/companies", {"properties": {"arr": "1"}})

    assert task == company == 400
    assert body["context"] == {"properties": ["hs_timestamp"]}


def test_deals_follow_their_stage(client: Client, clock: Clock) -> None:
    """Whether a deal is closed, won and how likely follows from the pipeline's stage."""
    id = client.make("deals", dealname="Acme", dealstage="qualifiedtobuy", amount="100")
    opened = client.sandbox.rows("deals")[0]["properties"]
    clock.move(86_400)
    client.call("PATCH", f"/crm/v3/objects/deals/{id}", {"properties": {"dealstage": "closedwon"}})
    won = client.sandbox.rows("deals")[0]["properties"]
    status, body = client.call(
        "PATCH", f"/crm/v3/objects/deals/{id}", {"properties": {"dealstage": "nowhere"}}
    )

    assert (opened["hs_is_closed"], opened["pipeline"]) == ("false", "default")
    assert opened["hs_deal_stage_probability"].startswith("0.4000000000000000222")
    assert (won["hs_is_closed_won"], won["days_to_close"]) == ("true", "1")
    assert won["closedate"] == "2026-03-03T10:00:00.250Z"
    assert (status, codes(body)) == (400, ["INVALID_OPTION"])


def test_tasks_move_the_next_activity_of_their_company(client: Client, clock: Clock) -> None:
    """A task in the future shows at its company, as a change of the company's; done, it goes."""
    company = client.make("companies", name="Acme")
    clock.move(5)
    link = {
        "to": {"id": company},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 192}],
    }
    _, task = client.call(
        "POST",
        "/crm/v3/objects/tasks",
        {"properties": {"hs_timestamp": "2026-04-01T12:00:00Z"}, "associations": [link]},
    )
    planned = client.sandbox.rows("companies")[0]
    client.call(
        "PATCH",
        f"/crm/v3/objects/tasks/{task['id']}",
        {"properties": {"hs_task_status": "COMPLETED"}},
    )
    done = client.sandbox.rows("companies")[0]["properties"]
    completed = client.sandbox.rows("tasks")[0]["properties"]

    assert planned["properties"]["notes_next_activity_date"] == "2026-04-01T12:00:00Z"
    assert planned["updated"] == planned["created"] + 5_000
    assert "notes_next_activity_date" not in done
    assert completed["hs_task_is_completed"] == completed["hs_task_completion_count"] == "1"


def test_merges(client: Client) -> None:
    """Two companies become one with a new id, to which both old ids lead."""
    winner = client.make("companies", name="Acme", arr="1")
    loser = client.make("companies", name="Acme Inc", nps="9")
    deal = client.sandbox.insert("deals", [("companies", loser)], dealname="x")
    status, body = client.call(
        "POST",
        "/crm/v3/objects/companies/merge",
        {"primaryObjectId": winner, "objectIdToMerge": loser},
    )
    _, old = client.call("GET", f"/crm/v3/objects/companies/{loser}?properties=name,nps,arr")
    _, batch = client.call(
        "POST", "/crm/v3/objects/companies/batch/read", {"inputs": [{"id": winner}]}
    )

    assert status == 200
    assert body["id"] not in (winner, loser)
    assert body["properties"]["hs_merged_object_ids"] == f"{winner};{loser}"
    assert old["id"] == body["id"]
    assert {old["properties"][n] for n in ("name", "nps", "arr")} == {"Acme", "9", "1"}
    assert "results" in batch, batch
    assert batch["results"][0]["id"] == body["id"]
    assert client.sandbox.associations_of("deals", deal, "companies") == [body["id"]]


def test_history_and_associations_of_a_list(client: Client, clock: Clock) -> None:
    """A list tells former values, the newest first, and associations by type."""
    company = client.make("companies", name="Acme")
    deal = client.sandbox.insert("deals", [("companies", company)], dealname="Old")
    clock.move(10)
    client.sandbox.edit("deals", deal, dealname="New")
    _, body = client.call(
        "GET", "/crm/v3/objects/deals?propertiesWithHistory=dealname&associations=companies"
    )
    row = body["results"][0]
    too_many, _ = client.call(
        "GET", "/crm/v3/objects/deals?propertiesWithHistory=dealname&limit=51"
    )

    assert [v["value"] for v in row["propertiesWithHistory"]["dealname"]] == ["New", "Old"]
    assert row["propertiesWithHistory"]["dealname"][0]["sourceType"] == "CRM_UI"
    assert sorted(r["type"] for r in row["associations"]["companies"]["results"]) == [
        "deal_to_company",
        "deal_to_company_unlabeled",
    ]
    assert too_many == 400


def test_unknown_types_and_ids(client: Client) -> None:
    """An unknown object type and an id of no number have errors of their own."""
    status, body = client.call("GET", "/crm/v3/objects/butterflies")
    wordy, words = client.call("GET", "/crm/v3/objects/companies/abc")

    assert (status, body["message"]) == (400, "Unable to infer object type from: butterflies")
    assert "category" not in body
    assert (wordy, words["category"]) == (404, "OBJECT_NOT_FOUND")


def test_contracts_can_only_be_read(client: Client) -> None:
    """Contracts are listed by their type id; the API does not write them."""
    id = client.sandbox.insert("contracts", hs_name="Acme 1", hs_start_date="2026-01-01")
    found = client.api.crm.objects.basic_api.get_page("0-721", properties=["hs_start_date"])
    status, _ = client.call("PATCH", f"/crm/v3/objects/0-721/{id}", {"properties": {}})

    assert found.results[0].properties["hs_start_date"] == "2026-01-01"
    assert status == 405


def test_dated_paths_are_the_same_routes(client: Client) -> None:
    """The paths of dated API versions lead to the same records."""
    id = client.make("companies", name="Acme")
    answers = [
        client.call("GET", path)[0]
        for path in (
            f"/crm/objects/2026-09/companies/{id}",
            "/crm/objects/2026-03/0-2?limit=1",
            "/crm/properties/2026-09/companies",
            "/crm/pipelines/2026-09/deals",
            "/crm/owners/2026-09",
            "/crm-object-schemas/2026-09/schemas",
            "/account-info/2026-09/details",
            f"/crm/objects/2026-09/companies/{id}/associations/deals",
        )
    ]

    assert answers == [200] * len(answers)


def refusal(client: Client, id: str) -> tuple[int, set[str]]:
    """The status and header names of a refused read; the error's connection ends with it."""
    try:
        client.api.crm.companies.basic_api.get_by_id(id)
    except ApiException as error:
        return error.status, {name.lower() for name in error.headers}
    return 200, set()


def test_the_sdk_raises_on_errors(client: Client) -> None:
    """HubSpot's client reads the sandbox's errors as its own."""
    status, headers = refusal(client, "1")

    assert status == 404
    assert "x-hubspot-correlation-id" in headers
