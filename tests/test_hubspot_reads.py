"""What the HubSpot connector reads: lists, searches, links, batches, owners, pipelines."""

from __future__ import annotations

from typing import Any

import hubspot_scripted
import pytest
from hubspot_scripted import (
    COMPANIES,
    DEALS,
    Answer,
    Portal,
    refusal,
    reply,
    row,
)
from werkzeug import Request, Response

from connectors.hubspot import HubSpotConnector
from syncd.connector import (
    Association,
    Source,
)
from syncd.errors import (
    AccessError,
    IncompleteReadError,
)

https, portal, hubspot = hubspot_scripted.https, hubspot_scripted.portal, hubspot_scripted.hubspot


def test_a_full_pull_costs_a_call_per_hundred_and_per_thousand_links(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """Links of ten list pages are read in one call; only the last page bears a cursor."""
    total = 1200

    def page(request: Request) -> Response:
        start = int(request.args.get("after", "0"))
        rows = [row(i, dealname="d") for i in range(start + 1, min(start + 100, total) + 1)]
        more = {"paging": {"next": {"after": str(start + 100)}}} if start + 100 < total else {}
        return reply({"results": rows, **more})

    def links(request: Request) -> Response:
        inputs = request.get_json()["inputs"]
        to = [{"toObjectId": 9, "associationTypes": []}]
        return reply({"results": [{"from": {"id": i["id"]}, "to": to} for i in inputs]})

    portal.on("GET /crm/v3/objects/deals", page)
    portal.on("POST /crm/v4/associations/deals/companies/batch/read", links)

    pages = list(hubspot.pull(DEALS, None))
    records = [r for p in pages for r in p.records]

    assert len(records) == total
    assert {r.links["companies"] for r in records} == {("9",)}
    assert hubspot.calls.read == 12 + 2
    assert [p.cursor is None for p in pages] == [True, False]


def test_links_put_the_primary_first_and_know_labels(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """Primary is read off the type, never off the order; further pages of links are read too."""
    portal.on("GET /crm/v3/objects/deals", reply({"results": [row(1), row(2)]}))
    primary = {"category": "HUBSPOT_DEFINED", "typeId": 5, "label": "Primary"}
    plain = {"category": "HUBSPOT_DEFINED", "typeId": 341, "label": None}
    partner = {"category": "USER_DEFINED", "typeId": 12, "label": "Partner"}
    none = {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": "No company is associated with deal 2.",
        "context": {"fromObjectId": ["2"]},
    }
    portal.on(
        "POST /crm/v4/associations/deals/companies/batch/read",
        reply(
            {
                "results": [
                    {
                        "from": {"id": "1"},
                        "to": [
                            {"toObjectId": 30, "associationTypes": [plain, partner]},
                            {"toObjectId": 20, "associationTypes": [plain, primary]},
                        ],
                        "paging": {"next": {"after": "x"}},
                    }
                ],
                "errors": [none],
            },
            207,
        ),
        reply(
            {
                "results": [
                    {"from": {"id": "1"}, "to": [{"toObjectId": 40, "associationTypes": [plain]}]}
                ]
            }
        ),
    )
    source = Source(
        name="d",
        object="deals",
        fields=(),
        associations=(Association("companies"), Association("companies", "Partner")),
    )

    (page,) = hubspot.pull(source, None)
    links = {r.id: r.links for r in page.records}

    assert links["1"] == {"companies": ("20", "30", "40"), "companies:Partner": ("30",)}
    assert links["2"] == {"companies": (), "companies:Partner": ()}


def test_links_that_cannot_be_read_are_not_no_links(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """Any other error of an association read ends the pull."""
    portal.on("GET /crm/v3/objects/deals", reply({"results": [row(1)]}))
    error = {"status": "error", "category": "INTERNAL", "message": "try again"}
    portal.on(
        "POST /crm/v4/associations/deals/companies/batch/read",
        reply({"results": [], "errors": [error]}, 207),
    )

    with pytest.raises(IncompleteReadError, match="try again"):
        list(hubspot.pull(DEALS, None))


def search_of(rows: list[dict[str, Any]]) -> Answer:
    """A search that knows hs_object_id GT, equality and sorts by id."""

    def answer(request: Request) -> Response:
        (group,) = request.get_json()["filterGroups"]
        found = rows
        for f in group["filters"]:
            if f["propertyName"] == "hs_object_id":
                found = [r for r in found if int(r["id"]) > int(f["value"])]
            elif f["operator"] == "EQ":
                found = [r for r in found if r["properties"].get(f["propertyName"]) == f["value"]]
        return reply({"total": len(found), "results": found[:200]})

    return answer


def test_an_increment_goes_by_ids_and_ends(portal: Portal, hubspot: HubSpotConnector) -> None:
    """Hundreds of records of one millisecond are each read once, without offsets."""
    portal.on("POST /crm/v3/objects/companies/search", search_of([row(i) for i in range(1, 451)]))

    pages = list(hubspot.pull(COMPANIES, {"modified": "2026-03-01T10:00:00.000Z"}))
    ids = [r.id for p in pages for r in p.records]
    bodies = portal.bodies("POST /crm/v3/objects/companies/search")

    assert ids == [str(i) for i in range(1, 451)]
    assert len(bodies) == 3
    assert all("after" not in body for body in bodies)
    assert bodies[0]["filterGroups"][0]["filters"] == [
        {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "1772359200000"}
    ]


def test_an_increment_of_contacts_goes_by_their_own_date(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """Contacts keep the date of their last change under another name."""
    portal.on("POST /crm/v3/objects/contacts/search", search_of([]))
    source = Source(name="c", object="contacts", fields=("email",))

    list(hubspot.pull(source, {"modified": "2026-03-01T10:00:00.000Z"}))
    (body,) = portal.bodies("POST /crm/v3/objects/contacts/search")

    assert body["filterGroups"][0]["filters"][0]["propertyName"] == "lastmodifieddate"


def test_what_left_the_filter_comes_as_gone(portal: Portal, hubspot: HubSpotConnector) -> None:
    """Changed records that `where` no longer takes are reported; nothing changed costs one call."""
    portal.on(
        "POST /crm/v3/objects/companies/search",
        search_of([row(1, lifecyclestage="customer"), row(2, lifecyclestage="lead")]),
    )
    where = ({"propertyName": "lifecyclestage", "operator": "EQ", "value": "customer"},)
    source = Source(name="a", object="companies", fields=("name",), where=where)
    cursor = {"modified": "2026-03-01T10:00:00.000Z"}

    records = [r for p in hubspot.pull(source, cursor) for r in p.records]
    portal.on("POST /crm/v3/objects/companies/search", search_of([]))
    before = hubspot.calls.read
    list(hubspot.pull(source, cursor))

    assert [(r.id, r.gone) for r in records] == [("1", False), ("2", True)]
    assert hubspot.calls.read == before + 1


def test_the_cursor_lies_before_the_pull_by_hubspots_clock(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """A local clock that runs ahead loses nothing."""
    portal.on(
        "GET /account-info/v3/details",
        reply({"portalId": 7}, headers={"Date": "Sun, 01 Mar 2026 10:01:00 GMT"}),
    )
    portal.on("GET /crm/v3/objects/companies", reply({"results": [row(1)]}))
    hubspot.open()
    (page,) = hubspot.pull(COMPANIES, None)

    assert page.cursor is not None
    assert page.cursor["modified"].startswith("2026-03-01T10:00:00")


def test_many_properties_are_read_by_batches(portal: Portal, hubspot: HubSpotConnector) -> None:
    """A list whose address would be too long reads ids, and the rest by batch."""
    fields = tuple(f"a_property_with_a_long_name_{i:04}" for i in range(300))
    portal.on("GET /crm/v3/objects/companies", reply({"results": [row(1)]}))
    portal.on(
        "POST /crm/v3/objects/companies/batch/read",
        reply({"results": [row(1, **dict.fromkeys(fields, "x"))]}),
    )

    (page,) = hubspot.pull(Source(name="a", object="companies", fields=fields), None)

    assert set(page.records[0].fields.values()) == {"x"}
    assert portal.bodies("GET /crm/v3/objects/companies")[0]["properties"] == "hs_object_id"


def test_stages_are_read_off_the_pipelines(portal: Portal, hubspot: HubSpotConnector) -> None:
    """Won is a closed stage of probability 1, whatever its id; "false" is not true."""
    stage = {"displayOrder": 0}
    portal.on(
        "GET /crm/v3/pipelines/deals",
        reply(
            {
                "results": [
                    {
                        "id": "p",
                        "label": "Sales",
                        "stages": [
                            stage
                            | {
                                "id": "77",
                                "label": "Signed",
                                "metadata": {"isClosed": "true", "probability": "1.0"},
                            },
                            stage
                            | {
                                "id": "78",
                                "label": "Lost",
                                "metadata": {"isClosed": "true", "probability": "0.0"},
                            },
                            stage
                            | {"id": "79", "label": "Talk", "metadata": {"isClosed": "false"}},
                        ],
                    }
                ]
            }
        ),
    )
    stages = ("77", "78", "79", "80", None)
    rows = [row(i, dealstage=s, pipeline="p") for i, s in enumerate(stages, 1)]
    portal.on("GET /crm/v3/objects/deals", reply({"results": rows}))
    fields = ("dealstage.is_won", "dealstage.is_closed", "dealstage.label", "pipeline.label")

    (page,) = hubspot.pull(Source(name="d", object="deals", fields=fields), None)

    assert [tuple(r.fields[f] for f in fields) for r in page.records] == [
        ("true", "true", "Signed", "Sales"),
        ("false", "true", "Lost", "Sales"),
        ("false", "false", "Talk", "Sales"),
        (None, None, None, "Sales"),
        (None, None, None, "Sales"),
    ]
    assert hubspot.calls.other == 2


def test_owners_are_read_with_those_who_left(portal: Portal, hubspot: HubSpotConnector) -> None:
    """Archived owners come as inactive, and names are composed."""

    def answer(request: Request) -> Response:
        if request.args["archived"] == "true":
            return reply({"results": [{"id": "2", "email": "b@x.com", "archived": True}]})
        ann = {"id": "1", "email": "a@x.com", "firstName": "Ann", "lastName": "Lee", "userId": 5}
        return reply({"results": [ann]})

    portal.on("GET /crm/v3/owners/", answer)
    source = Source(name="user", object="owners", fields=("id", "name", "active", "userId"))

    (page,) = hubspot.pull(source, {})

    assert [r.fields for r in page.records] == [
        {"id": "1", "name": "Ann Lee", "active": "true", "userId": "5"},
        {"id": "2", "name": "b@x.com", "active": "false", "userId": None},
    ]
    assert page.cursor == {}
    assert hubspot.read(source, ["2", "3"]).keys() == {"2"}


def test_read_tells_archived_and_merged_from_missing(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """Deleted records come as gone with their fields, merged ones name the survivor."""

    def batch(request: Request) -> Response:
        if request.args["archived"] == "true":
            gone = row(2, name="Gone") | {"archived": True, "archivedAt": "2026-03-02T00:00:00Z"}
            return reply({"results": [gone]})
        return reply({"results": [row(1, name="Here", hs_merged_object_ids="5")]})

    portal.on("POST /crm/v3/objects/companies/batch/read", batch)
    portal.on("GET /crm/v3/objects/companies/3", reply(row(1)))

    found = hubspot.read(COMPANIES, ["1", "2", "3", "4", "5", "1"])

    assert found.keys() == {"1", "2", "3", "5"}
    assert (found["2"].gone, found["2"].fields["name"]) == (True, "Gone")
    assert found["3"].merged_into == found["5"].merged_into == "1"
    assert not found["1"].gone


def test_archived_tasks_come_as_tombstones(portal: Portal, hubspot: HubSpotConnector) -> None:
    """With `keep_deleted`, archived records of the source since the cursor come with fields."""

    def archived(request: Request) -> Response:
        assert request.args["archived"] == "true"
        old = {"archived": True, "archivedAt": "2026-02-01T00:00:00Z"}
        new = {"archived": True, "archivedAt": "2026-03-02T00:00:00Z"}
        rows = [
            row(1, syncd_key="a", hs_task_subject="x") | old,
            row(2, syncd_key="b", hs_task_subject="y") | new,
            row(3, syncd_key=None, hs_task_subject="z") | new,
        ]
        return reply({"results": rows})

    portal.on("GET /crm/v3/objects/tasks", archived)
    portal.on("POST /crm/v3/objects/tasks/search", search_of([]))
    source = Source(
        name="task",
        object="tasks",
        fields=("hs_task_subject",),
        where=({"propertyName": "syncd_key", "operator": "HAS_PROPERTY"},),
        keep_deleted=True,
    )

    pages = list(hubspot.pull(source, {"modified": "2026-03-01T10:00:00.000Z"}))
    records = [r for p in pages for r in p.records]

    assert [(r.id, r.gone, r.fields) for r in records] == [("2", True, {"hs_task_subject": "y"})]
    assert pages[-1].cursor is not None
    assert "archived_skipped" not in pages[-1].cursor


def test_very_many_archived_records_are_left_to_the_full_pull(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """An increment reads ten pages of archived records at most, and later ones none."""

    def endless(request: Request) -> Response:
        after = str(int(request.args.get("after", "1")) + 1)
        return reply({"results": [row(int(after))], "paging": {"next": {"after": after}}})

    portal.on("GET /crm/v3/objects/tasks", endless)
    portal.on("POST /crm/v3/objects/tasks/search", search_of([]))
    source = Source(name="task", object="tasks", fields=(), keep_deleted=True)

    first = list(hubspot.pull(source, {"modified": "2026-03-01T10:00:00.000Z"}))[-1].cursor
    lists = len(portal.bodies("GET /crm/v3/objects/tasks"))
    list(hubspot.pull(source, first))

    assert first is not None
    assert first["archived_skipped"] is True
    assert len(portal.bodies("GET /crm/v3/objects/tasks")) == lists == 11


def test_ids_come_from_lists_or_from_search(portal: Portal, hubspot: HubSpotConnector) -> None:
    """Without a filter ids are listed, with one they are searched for."""
    portal.on("GET /crm/v3/objects/companies", reply({"results": [row(1), row(2)]}))
    portal.on(
        "POST /crm/v3/objects/companies/search", search_of([row(1, kind="a"), row(2, kind="b")])
    )
    where = ({"propertyName": "kind", "operator": "EQ", "value": "a"},)
    filtered = Source(name="a", object="companies", fields=("name",), where=where)

    assert list(hubspot.ids(COMPANIES)) == ["1", "2"]
    assert list(hubspot.ids(filtered)) == ["1"]


def test_a_filter_in_words_or_too_long_is_refused(hubspot: HubSpotConnector) -> None:
    """HubSpot's filters are a list of at most four beside those that syncd adds."""
    one = {"propertyName": "kind", "operator": "EQ", "value": "a"}

    with pytest.raises(AccessError, match="list of filters"):
        list(hubspot.ids(Source(name="a", object="companies", fields=(), where="kind = 'a'")))
    with pytest.raises(AccessError, match="has 6 filters"):
        list(hubspot.ids(Source(name="a", object="companies", fields=(), where=(one,) * 6)))


def test_a_list_that_does_not_move_on_is_incomplete(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """The same page again is an error, never an endless loop."""
    portal.on(
        "GET /crm/v3/objects/companies",
        reply({"results": [row(1)], "paging": {"next": {"after": "2"}}}),
    )
    stuck = [row(i) for i in range(200)]
    portal.on("POST /crm/v3/objects/companies/search", reply({"results": stuck}))

    with pytest.raises(IncompleteReadError, match="same page"):
        list(hubspot.pull(COMPANIES, None))
    with pytest.raises(IncompleteReadError, match="same page"):
        list(hubspot.pull(COMPANIES, {"modified": "2026-03-01T10:00:00.000Z"}))


def test_a_forbidden_object_is_named(portal: Portal, hubspot: HubSpotConnector) -> None:
    """A 403 in a pull says which object it costs."""
    portal.on("GET /crm/v3/objects/companies", refusal(403, "no", "MISSING_SCOPES"))

    with pytest.raises(AccessError) as caught:
        list(hubspot.pull(COMPANIES, None))
    assert caught.value.object == "companies"


def test_a_survivor_names_those_that_went_into_it(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """Neither search nor list shows a merged record; what changed shows who it went into."""
    merged = row(9, name="Both", hs_merged_object_ids="4; 7;9")
    portal.on("POST /crm/v3/objects/companies/search", search_of([merged, row(10)]))
    portal.on("GET /crm/v3/objects/companies", reply({"results": [merged, row(10)]}))

    for cursor in ({"modified": "2026-03-01T10:00:00.000Z"}, None):
        found = {r.id: r for p in hubspot.pull(COMPANIES, cursor) for r in p.records}

        assert found.keys() == {"4", "7", "9", "10"}
        assert [(found[id].gone, found[id].merged_into) for id in ("4", "7")] == [(True, "9")] * 2
        assert not found["9"].gone
