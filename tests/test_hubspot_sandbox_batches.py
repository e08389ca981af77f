"""The HubSpot sandbox's batches, search and associations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hubspot_portal import Client, Clock, serving

from connectors.hubspot.sandbox import HubSpotSandbox


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(tmp_path: Path, clock: Clock) -> Iterator[Client]:
    with serving(HubSpotSandbox(clock=clock), tmp_path) as found:
        yield found


def companies(client: Client, count: int) -> list[str]:
    return [client.sandbox.insert("companies", name=f"C{n:04}", arr=n) for n in range(count)]


def update(client: Client, inputs: list[dict[str, Any]]) -> tuple[int, Any]:
    return client.call("POST", "/crm/v3/objects/companies/batch/update", {"inputs": inputs})


def search(client: Client, **body: Any) -> tuple[int, Any]:
    return client.call("POST", "/crm/v3/objects/companies/search", body)


def where(name: str, operator: str, **more: Any) -> list[dict[str, Any]]:
    return [{"filters": [{"propertyName": name, "operator": operator, **more}]}]


def names(body: Any) -> list[str]:
    return [row["properties"]["name"] for row in body["results"]]


def test_batch_read_by_the_sdk(client: Client) -> None:
    """Batch reads answer in another order than was asked, and 207 for ids that are not there."""
    ids = companies(client, 3)
    answer = client.api.crm.companies.batch_api.read(
        {"properties": ["name"], "inputs": [{"id": id} for id in [*ids, "404"]]}
    )

    assert answer.num_errors == 1
    assert answer.errors[0].category == "OBJECT_NOT_FOUND"
    assert answer.errors[0].context == {"ids": ["404"]}
    assert {row.id for row in answer.results} == set(ids)
    assert [row.id for row in answer.results] != ids


def test_batches_take_a_hundred(client: Client) -> None:
    """A batch has at most 100 inputs, and 50 where history is asked for."""
    path = "/crm/v3/objects/companies/batch/read"
    inputs = [{"id": str(n)} for n in range(101)]
    too_many, _ = client.call("POST", path, {"inputs": inputs})
    history, _ = client.call(
        "POST", path, {"inputs": inputs[:51], "propertiesWithHistory": ["name"]}
    )
    allowed, _ = client.call("POST", path, {"inputs": inputs[:100]})

    assert (too_many, history, allowed) == (400, 400, 207)


def test_one_bad_property_fails_the_whole_batch(client: Client) -> None:
    """Without trace ids one bad value refuses all inputs, and nothing is written."""
    ids = companies(client, 2)
    status, body = update(
        client,
        [
            {"id": ids[0], "properties": {"arr": "9"}},
            {"id": ids[1], "properties": {"nonsense": "9"}},
        ],
    )

    assert (status, body["errors"][0]["code"]) == (400, "PROPERTY_DOESNT_EXIST")
    assert client.sandbox.rows("companies")[0]["properties"]["arr"] == "0"


def test_trace_ids_keep_neighbours_apart(client: Client) -> None:
    """With a trace id of its own each input succeeds or fails alone."""
    ids = companies(client, 2)
    status, body = update(
        client,
        [
            {"id": ids[0], "properties": {"arr": "9"}, "objectWriteTraceId": "a"},
            {"id": ids[1], "properties": {"arr": "many"}, "objectWriteTraceId": "b"},
        ],
    )

    assert status == 207
    assert [row["objectWriteTraceId"] for row in body["results"]] == ["a"]
    assert body["errors"][0]["context"]["objectWriteTraceId"] == ["b"]
    assert body["numErrors"] == 1


def test_duplicate_ids_are_refused(client: Client) -> None:
    """The same id twice refuses the batch with HubSpot's words."""
    (id,) = companies(client, 1)
    status, body = update(client, [{"id": id, "properties": {}}] * 2)

    assert status == 400
    assert body["message"] == f"Duplicate IDs found in batch input: [{id}]. IDs must be unique"
    assert body["context"] == {"ids": [id]}


def test_upsert_by_a_unique_property(client: Client) -> None:
    """Upserts create, then update, by a property with unique values, and by no other."""
    definition = {"name": "syncd_key", "label": "Key", "groupName": "task"}
    status, _ = client.call(
        "POST",
        "/crm/v3/properties/tasks",
        {**definition, "type": "string", "fieldType": "text", "hasUniqueValue": True},
    )
    api = client.api.crm.objects.batch_api
    one = {
        "id": "k1",
        "idProperty": "syncd_key",
        "properties": {"hs_timestamp": "2026-04-01", "hs_task_subject": "Call"},
        "objectWriteTraceId": "0",
    }
    first = api.upsert("tasks", {"inputs": [one]})
    second = api.upsert("tasks", {"inputs": [one]})
    refused, _ = client.call(
        "POST",
        "/crm/v3/objects/tasks/batch/upsert",
        {"inputs": [{**one, "idProperty": "hs_task_subject"}]},
    )
    read = api.read(
        "tasks",
        {"idProperty": "syncd_key", "inputs": [{"id": "k1"}], "properties": ["syncd_key"]},
    )
    taken, body = client.call(
        "POST",
        "/crm/v3/objects/tasks",
        {"properties": {"hs_timestamp": "2026-04-01", "syncd_key": "k1"}},
    )

    assert status == 201
    assert (first.results[0].new, second.results[0].new) == (True, False)
    assert first.results[0].id == second.results[0].id == read.results[0].id
    assert refused == 400
    assert (taken, body["errors"][0]["code"]) == (400, "CONFLICTING_UNIQUE_VALUE")


def test_batch_create_and_archive(client: Client) -> None:
    """Creating answers 201, or 207 with the id of who has the address; archiving 204."""
    client.make("contacts", email="a@x.example")
    path = "/crm/v3/objects/contacts/batch"
    people: list[dict[str, Any]] = [
        {"properties": {"email": f"{letter}@x.example"}} for letter in "ab"
    ]
    whole, refused = client.call("POST", f"{path}/create", {"inputs": people})
    traced = [{**one, "objectWriteTraceId": str(n)} for n, one in enumerate(people)]
    apart, body = client.call("POST", f"{path}/create", {"inputs": traced})
    made, _ = client.call(
        "POST", f"{path}/create", {"inputs": [{"properties": {"email": "c@x.example"}}]}
    )
    gone, _ = client.call("POST", f"{path}/archive", {"inputs": [{"id": body["results"][0]["id"]}]})

    assert (whole, refused["message"]) == (409, "Contact already exists")
    assert (apart, made, gone) == (207, 201, 204)
    assert body["errors"][0]["context"].keys() == {"objectWriteTraceId", "existingId"}
    assert len([row for row in client.sandbox.rows("contacts") if row["archived"]]) == 1


@pytest.mark.parametrize(
    ("name", "operator", "more", "found"),
    [
        ("arr", "EQ", {"value": "2"}, [2]),
        ("arr", "NEQ", {"value": "2"}, [0, 1, 3, 4]),
        ("arr", "LT", {"value": "2"}, [0, 1]),
        ("arr", "LTE", {"value": 2}, [0, 1, 2]),
        ("arr", "GT", {"value": "2"}, [3, 4]),
        ("arr", "GTE", {"value": "2"}, [2, 3, 4]),
        ("arr", "BETWEEN", {"value": "1", "highValue": "3"}, [1, 2, 3]),
        ("arr", "IN", {"values": ["1", "4"]}, [1, 4]),
        ("arr", "NOT_IN", {"values": ["1", "4"]}, [0, 2, 3]),
        ("nps", "HAS_PROPERTY", {}, []),
        ("nps", "NOT_HAS_PROPERTY", {}, [0, 1, 2, 3, 4]),
        ("name", "EQ", {"value": "c0003"}, [3]),
        ("name", "IN", {"values": ["c0003"]}, [3]),
        ("name", "IN", {"values": ["C0003"]}, []),
        ("name", "CONTAINS_TOKEN", {"value": "c000*"}, [0, 1, 2, 3, 4]),
        ("name", "NOT_CONTAINS_TOKEN", {"value": "c0001"}, [0, 2, 3, 4]),
        ("lifecyclestage", "EQ", {"value": "LEAD"}, []),
        ("lifecyclestage", "IN", {"values": ["lead"]}, [0, 1, 2, 3, 4]),
        ("createdate", "GTE", {"value": "2026-03-02T10:00:00.250Z"}, [0, 1, 2, 3, 4]),
        ("createdate", "GT", {"value": "1772445600250"}, []),
    ],
)
def test_search_operators(
    client: Client, name: str, operator: str, more: dict[str, Any], found: list[int]
) -> None:
    """Each operator by the type of its property."""
    companies(client, 5)
    status, body = search(client, filterGroups=where(name, operator, **more))

    assert status == 200
    assert names(body) == [f"C{n:04}" for n in found]
    assert body["total"] == len(found)


def test_search_pages_by_offset_and_by_id(client: Client) -> None:
    """Pages go by offset without a link, or by ids greater than the last; groups are either-or."""
    ids = companies(client, 7)
    sorts = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
    _, first = search(client, limit=3, sorts=sorts)
    _, second = search(client, limit=3, sorts=sorts, after=first["paging"]["next"]["after"])
    _, beyond = search(client, sorts=sorts, filterGroups=where("hs_object_id", "GT", value=ids[4]))
    either = where("arr", "EQ", value="1") + where("arr", "EQ", value="5")
    _, groups = search(client, filterGroups=either, sorts=["-arr"])
    _, words = search(client, query="c0006")

    assert first["paging"] == {"next": {"after": "3"}}
    assert [row["id"] for row in first["results"] + second["results"]] == ids[:6]
    assert ([row["id"] for row in beyond["results"]], beyond["total"]) == (ids[5:], 2)
    assert names(groups) == ["C0005", "C0001"]
    assert names(words) == ["C0006"]


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"after": "9990", "limit": 11},
        {"filterGroups": where("arr", "GT", value="1") * 6},
        {"filterGroups": [{"filters": where("arr", "GT", value="1")[0]["filters"] * 7}]},
        {"filterGroups": where("arr", "LIKE", value="1")},
        {"filterGroups": where("nonsense", "EQ", value="1")},
        {"sorts": ["arr", "name"]},
        {"properties": ["x" * 3000]},
    ],
)
def test_search_limits(client: Client, body: dict[str, Any]) -> None:
    """Searches beyond the documented limits are refused."""
    companies(client, 1)
    status, answer = search(client, **body)

    assert status == 400, answer


def test_search_runs_behind_the_records(tmp_path: Path, clock: Clock) -> None:
    """With a lag, search sees new records and changes later; reads by id see them at once."""
    with serving(HubSpotSandbox(clock=clock, search_lag=5), tmp_path) as client:
        id = client.make("companies", name="Old")
        _, unseen = search(client)
        clock.move(6)
        client.sandbox.edit("companies", id, name="New")
        _, before = search(client)
        _, read = client.call("GET", f"/crm/v3/objects/companies/{id}")
        clock.move(6)
        _, after = search(client)

    assert unseen["total"] == 0
    assert (names(before), names(after)) == (["Old"], ["New"])
    assert read["properties"]["name"] == "New"


def test_search_by_date_of_change_and_association(client: Client, clock: Clock) -> None:
    """Increments find what changed since, and records are found by whom they belong to."""
    ids = companies(client, 4)
    deal = client.sandbox.insert("deals", [("companies", ids[2])], dealname="x")
    clock.move(60)
    client.sandbox.edit("companies", ids[1], nps=3)
    since = str(int((clock.now.timestamp() - 30) * 1000))
    _, changed = search(client, filterGroups=where("hs_lastmodifieddate", "GTE", value=since))
    _, linked = search(client, filterGroups=where("associations.deal", "EQ", value=deal))

    assert names(changed) == ["C0001"]
    assert names(linked) == ["C0002"]


def test_associations_by_the_sdk(client: Client) -> None:
    """Default associations make the first company primary; reading tells numbers and types."""
    first, second, alone = companies(client, 3)
    deal = client.make("deals", dealname="x")
    api = client.api.crm.associations.v4
    pairs = [{"from": {"id": deal}, "to": {"id": id}} for id in (first, second)]
    made = api.batch_api.create_default("deals", "companies", {"inputs": pairs})
    read = api.batch_api.get_page("deals", "companies", {"inputs": [{"id": deal}]})
    back = api.batch_api.get_page("companies", "deals", {"inputs": [{"id": first}, {"id": alone}]})
    found = {
        str(one.to_object_id): {(t.type_id, t.label) for t in one.association_types}
        for one in read.results[0].to
    }

    assert made.status == "COMPLETE"
    assert read.results[0]._from.id == deal
    assert found == {first: {(341, None), (5, "Primary")}, second: {(341, None)}}
    assert {t.type_id for t in back.results[0].to[0].association_types} == {342, 6}
    assert back.errors[0].sub_category == "crm.associations.NO_ASSOCIATIONS_FOUND"


def test_labelled_associations(client: Client) -> None:
    """Primary moves by its type; labels are made, read, used and taken off; one end is enough."""
    first, second = companies(client, 2)
    deal = client.sandbox.insert("deals", [("companies", first)], dealname="x")
    path = f"/crm/v4/objects/deals/{deal}/associations/companies"
    primary = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}]
    put, made = client.call("PUT", f"{path}/{second}", primary)
    _, read = client.call("GET", path)
    labels = "/crm/v4/associations/deals/companies/labels"
    defined, body = client.call("POST", labels, {"name": "reseller", "label": "Reseller"})
    _, listed = client.call("GET", labels)
    type = {
        "associationCategory": "USER_DEFINED",
        "associationTypeId": body["results"][0]["typeId"],
    }
    created, answer = client.call(
        "POST",
        "/crm/v4/associations/deals/companies/batch/create",
        {"inputs": [{"from": {"id": deal}, "to": {"id": first}, "types": [type]}]},
    )
    removed, _ = client.call("DELETE", f"{path}/{first}")

    assert (put, made["labels"]) == (201, ["Primary"])
    assert {
        one["toObjectId"]: [t["label"] for t in one["associationTypes"]] for one in read["results"]
    } == {int(first): [None], int(second): ["Primary", None]}
    assert defined == 200
    assert {one["label"] for one in listed["results"]} == {None, "Primary", "Reseller"}
    assert (created, answer["results"][0]["labels"]) == (201, ["Reseller"])
    assert removed == 204
    assert client.sandbox.associations_of("deals", deal, "companies") == [second]
    assert client.sandbox.associations_of("companies", first, "deals") == []


def test_wrong_associations(client: Client) -> None:
    """Unknown ids and a record with itself are errors of their own; a wrong type refuses all."""
    (id,) = companies(client, 1)
    inputs = [{"from": {"id": id}, "to": {"id": other}} for other in ("nobody", id)]
    status, body = client.call(
        "POST",
        "/crm/v4/associations/companies/companies/batch/associate/default",
        {"inputs": inputs},
    )
    wrong, answer = client.call(
        "POST",
        "/crm/v4/associations/companies/contacts/batch/create",
        {
            "inputs": [
                {
                    "from": {"id": id},
                    "to": {"id": id},
                    "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 192}],
                }
            ]
        },
    )

    assert status == 207
    assert body["errors"][0]["subCategory"] == "crm.associations.INVALID_IDENTIFIER"
    assert body["errors"][0]["message"] == "nobody is not a valid ID"
    assert body["errors"][1]["message"] == f"Object {id} cannot be associated to itself ({id})"
    assert wrong == 400, answer


def test_many_associations_are_paged(client: Client) -> None:
    """More than 500 associated records come in pages."""
    (company,) = companies(client, 1)
    for n in range(503):
        client.sandbox.insert("deals", [("companies", company)], dealname=str(n))
    path = "/crm/v4/associations/companies/deals/batch/read"
    _, body = client.call("POST", path, {"inputs": [{"id": company}]})
    result = body["results"][0]
    after = result["paging"]["next"]["after"]
    _, rest = client.call("POST", path, {"inputs": [{"id": company, "after": after}]})

    assert len(result["to"]) == 500
    assert len(rest["results"][0]["to"]) == 3
    assert "paging" not in rest["results"][0]


def test_one_address_twice_in_a_batch(client: Client) -> None:
    """A whole batch that gives two contacts one address is refused before anything is made."""
    inputs = [{"properties": {"email": "a@x.example"}}, {"properties": {"email": "A@x.example"}}]
    status, _ = client.call("POST", "/crm/v3/objects/contacts/batch/create", {"inputs": inputs})

    assert status == 409
    assert client.sandbox.rows("contacts") == []


def test_v3_associations_are_read(client: Client) -> None:
    """The v3 answers name association types in words."""
    (company,) = companies(client, 1)
    deal = client.sandbox.insert("deals", [("companies", company)], dealname="x")
    status, body = client.call(
        "POST",
        "/crm/v3/associations/deals/companies/batch/read",
        {"inputs": [{"id": deal}]},
    )
    _, one = client.call("GET", f"/crm/v3/objects/deals/{deal}/associations/companies")

    assert status == 200
    assert {t["type"] for t in body["results"][0]["to"]} == {
        "deal_to_company",
        "deal_to_company_unlabeled",
    }
    assert one["results"] == body["results"][0]["to"]
