"""The sandbox answers as HubSpot was recorded to; not collected where there are no recordings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hubspot_portal import RECORDINGS, Client, Clock, serving

from connectors.hubspot.answers import complaint
from connectors.hubspot.sandbox import HubSpotSandbox

__test__ = RECORDINGS.is_dir()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with serving(HubSpotSandbox(clock=Clock()), tmp_path) as made:
        yield made


def recorded(name: str) -> Any:
    return json.loads((RECORDINGS / f"{name}.json").read_text())


def shape(value: Any) -> Any:
    """Keys and types of a JSON value; of lists that of the first element."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    if isinstance(value, list):
        return [shape(part) for part in value[:1]]
    return type(value).__name__


def test_batch_errors_as_recorded(client: Client) -> None:
    """Errors of batches have the keys and types of HubSpot's recorded ones."""
    path = "/crm/v3/objects/contacts/batch"
    id = client.make("contacts", email="a@x.example")
    _, duplicates = client.call(
        "POST", f"{path}/update", {"inputs": [{"id": id, "properties": {}}] * 2}
    )
    one = {"properties": {"email": "a@x.example"}}
    _, conflict = client.call("POST", f"{path}/create", {"inputs": [one]})
    two = [
        {**one, "objectWriteTraceId": "0"},
        {"properties": {"email": "b@x.example"}, "objectWriteTraceId": "1"},
    ]
    _, partial = client.call("POST", f"{path}/create", {"inputs": two})
    _, missing = client.call(
        "POST",
        f"{path}/update",
        {"inputs": [{"id": id, "properties": {"firstname": "x"}}, {"id": "9", "properties": {}}]},
    )
    _, properties = client.call(
        "POST", f"{path}/create", {"inputs": [{"properties": {"first000name": "x"}}]}
    )

    assert shape(duplicates) == shape(recorded("test__batch__update__contacts__err-duplicate-ids"))
    assert shape(conflict) == shape(recorded("test__batch__create__contacts__err-conflict"))
    wanted = recorded("test__batch__create__contacts__err-partial-success")
    assert partial.keys() == wanted.keys()
    assert shape(partial["errors"]) == shape(wanted["errors"])
    assert wanted["results"][0].keys() <= partial["results"][0].keys()
    wanted = recorded("test__batch__update__contacts__err-partial-success")
    assert shape(missing["errors"]) == shape(wanted["errors"])
    wanted = recorded("test__batch__create__contacts__err-many-invalid-properties")
    assert shape(properties) == shape(wanted)


def test_created_contact_as_recorded(client: Client) -> None:
    """A new contact has the properties that HubSpot gives one, but for features not emulated."""
    _, body = client.call(
        "POST",
        "/crm/v3/objects/contacts/batch/create",
        {"inputs": [{"properties": {"email": "a@x.example", "firstname": "A", "lastname": "B"}}]},
    )
    wanted = recorded("test__batch__create__contacts__success")["results"][0]
    made = body["results"][0]
    elsewhere = ("prospecting", "membership", "registered", "sequences", "target_accounts")
    expected = {
        name for name in wanted["properties"] if not any(part in name for part in elsewhere)
    } - {"hs_lifecyclestage_lead_date", "hs_object_source_id"}

    assert body.keys() == recorded("test__batch__create__contacts__success").keys()
    assert made.keys() == wanted.keys()
    assert expected <= made["properties"].keys()


def test_associations_as_recorded(client: Client) -> None:
    """Association answers have the keys and types of HubSpot's recorded ones."""
    company = client.make("companies", name="Acme")
    contact, alone = client.make("contacts", firstname="x"), client.make("contacts", firstname="y")
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]
    path = "/crm/v4/associations/contacts/companies/batch"
    _, made = client.call(
        "POST",
        f"{path}/create",
        {"inputs": [{"from": {"id": contact}, "to": {"id": company}, "types": types}]},
    )
    _, read = client.call("POST", f"{path}/read", {"inputs": [{"id": contact}, {"id": alone}]})
    wanted = recorded("test__search__contacts__contacts-to-companies")
    types_read = read["results"][0]["to"][0]["associationTypes"]

    assert shape(made) == shape(recorded("internal__associations__test__contact-to-company-resp"))
    assert read.keys() == wanted.keys()
    assert shape(read["errors"]) == shape(wanted["errors"])
    assert shape(read["results"][0]["from"]) == shape(wanted["results"][0]["from"])
    assert sorted(types_read, key=str) == sorted(
        wanted["results"][0]["to"][0]["associationTypes"], key=str
    )
    assert read["errors"][0]["message"] == f"No company is associated with contact {alone}."


def test_definitions_as_recorded(client: Client) -> None:
    """Properties, pipelines and account details have the keys and types of recorded ones."""
    wanted = {
        one["name"]: one
        for one in recorded("test__metadata-contacts-properties-sampled")["results"]
    }
    _, listed = client.call("GET", "/crm/v3/properties/contacts")
    ours = {one["name"]: one for one in listed["results"]}
    _, deals = client.call("GET", "/crm/v3/pipelines/deals")
    _, account = client.call("GET", "/account-info/v3/details")
    client.call(
        "POST",
        "/crm/v3/properties/contacts/groups",
        {"name": "integrationcreatedproperties", "label": "x"},
    )
    _, made = client.call(
        "POST",
        "/crm/v3/properties/contacts/batch/create",
        recorded("test__custom__create__3-payload-batch-create-properties"),
    )
    answer = recorded("test__custom__create__4-response-batch-create-properties")

    for name in ("address", "associatedcompanyid", "hs_pipeline"):
        same = ("type", "fieldType", "externalOptions", "hasUniqueValue", "hubspotDefined")
        assert ours[name].keys() == wanted[name].keys()
        assert {k: ours[name][k] for k in same if k != "fieldType"} == {
            k: wanted[name][k] for k in same if k != "fieldType"
        }
    pipelines = recorded("test__metadata-deals-external-pipelines")
    assert shape(deals) == shape(pipelines)
    assert [s["id"] for s in deals["results"][0]["stages"]] == [
        s["id"] for s in pipelines["results"][0]["stages"]
    ]
    assert shape(account) == shape(recorded("test__post-auth__account-info"))
    assert [one.keys() for one in made["results"]] == [one.keys() for one in answer["results"]]


def test_recorded_errors_are_understood() -> None:
    """Real error bodies give code, fields and words."""
    invalid = complaint(recorded("test__batch__update__contacts__err-many-invalid-properties"))
    twice = complaint(recorded("test__batch__update__contacts__err-duplicate-ids"))

    assert invalid.code == "PROPERTY_DOESNT_EXIST"
    assert invalid.fields == ("first000name", "last000name")
    assert twice.ids == ("123456",)


def test_a_missing_scope_as_recorded(client: Client) -> None:
    """The refusal of schemas has the keys, the code and the place of the scopes."""
    client.sandbox.scopes = {"crm.objects.companies.read"}
    status, body = client.call("GET", "/crm/v3/schemas")
    wanted = recorded("test__metadata-err-schemas-scope")

    assert status == 403
    assert body["category"] == wanted["category"]
    assert complaint(body).code or complaint(wanted).code


def test_an_unknown_object_as_recorded(client: Client) -> None:
    """The same words, and no category."""
    status, body = client.call("POST", "/crm/v3/objects/butterflies/search", {})

    assert status == 400
    assert shape(body) == shape(recorded("test__search__error-invalid-object"))
    assert body["message"] == "Unable to infer object type from: butterflies"


def test_pages_of_search_as_recorded(client: Client) -> None:
    """The first page names the next by its offset, the last one none; rows have the same keys."""
    ids = [client.make("contacts", email=f"{n}@x.example") for n in range(3)]
    path = "/crm/v3/objects/contacts/search"
    names = ["company", "email", "firstname"]
    _, first = client.call("POST", path, {"limit": 2, "properties": names})
    after = first["paging"]["next"]["after"]
    _, last = client.call("POST", path, {"limit": 2, "after": after, "properties": names})
    wanted = recorded("test__search__contacts__1-first-page")
    row, theirs = first["results"][0], wanted["results"][0]

    assert first.keys() == wanted.keys()
    assert shape(first["paging"]) == shape(wanted["paging"])
    assert "paging" not in last
    assert len(ids) == first["total"]
    assert theirs.keys() <= row.keys()
    assert {type(value) for value in theirs["properties"].values()} <= {str, type(None)}
    assert {type(value) for value in row["properties"].values()} <= {str, type(None)}


def test_a_changed_property_as_recorded(client: Client) -> None:
    """PATCH answers with the whole definition."""
    group = "/crm/v3/properties/contacts/groups"
    client.call("POST", group, {"name": "integrationcreatedproperties", "label": "x"})
    batch = recorded("test__custom__create__3-payload-batch-create-properties")
    client.call("POST", "/crm/v3/properties/contacts/batch/create", batch)
    change = recorded("test__custom__update__4-payload-update-property-age")
    status, changed = client.call("PATCH", "/crm/v3/properties/contacts/age__c", change)
    _, read = client.call("GET", f"{group}/integrationcreatedproperties")

    assert status == 200
    assert changed.keys() == recorded("test__custom__update__5-response-update-property-age").keys()
    assert shape(read) == shape(recorded("test__custom__update__1-read-property-group"))
