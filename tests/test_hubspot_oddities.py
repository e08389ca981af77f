"""What HubSpot is not known to do, but might: each oddity alone, and what becomes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import hubspot_scripted
import pytest
from hubspot_scripted import COMPANIES, DEALS, TASKS, Portal, properties, refusal, reply, row
from werkzeug import Request, Response

from connectors.hubspot import HubSpotConnector
from connectors.hubspot.paths import Paths
from connectors.hubspot.session import Reply
from connectors.hubspot.verdicts import Verdicts
from syncd.connector import FieldUpdate, Outcome, Record, Source, TaskUpsert
from syncd.errors import (
    AccessError,
    AllowanceError,
    IncompleteReadError,
    LoginError,
    TransientError,
    UnreachableError,
)

https, portal, hubspot = hubspot_scripted.https, hubspot_scripted.portal, hubspot_scripted.hubspot

SEARCH = "POST /crm/v3/objects/companies/search"
SINCE = {"modified": "2026-03-01T10:00:00.000Z"}
VERDICTS = Verdicts(conceal=str, renewable=False)


def pulled(hubspot: HubSpotConnector, source: Source, cursor: Any = None) -> dict[str, Record]:
    """The records of a pull, by id."""
    return {r.id: r for page in hubspot.pull(source, cursor) for r in page.records}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once."""
    monkeypatch.setattr("syncd.retry.wait_seconds", lambda _attempt, _after: 0.0)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "  ",
        "{}",
        "[]",
        '{"paging": {}}',
        "<html>",
        '{"results": [{',
        '{"results": [null]}',
        '{"total": 1, "results": [{"properties": {}}]}',
        '{"total": 1, "results": [{"id": "1"}]}',
    ],
)
def test_an_answer_without_results_is_not_an_empty_one(
    portal: Portal, hubspot: HubSpotConnector, body: str
) -> None:
    """A cut or empty answer is asked for again; taken as a list, it would be a mass deletion."""
    portal.on("GET /crm/v3/objects/companies", reply(body), reply({"results": [row(1)]}))
    portal.on(SEARCH, reply(body), reply({"total": 1, "results": [row(2)]}))

    assert pulled(hubspot, COMPANIES).keys() == {"1"}
    assert pulled(hubspot, COMPANIES, SINCE).keys() == {"2"}


def test_no_content_is_not_an_empty_list(portal: Portal, hubspot: HubSpotConnector) -> None:
    """A gateway's 204 in the place of a first list would hide the records for ever."""
    portal.on("GET /crm/v3/objects/companies", reply("", 204), reply({"results": [row(1)]}))
    portal.on(SEARCH, reply("", 204), reply({"total": 1, "results": [row(2)]}))

    assert pulled(hubspot, COMPANIES).keys() == {"1"}
    assert pulled(hubspot, COMPANIES, SINCE).keys() == {"2"}


def test_bare_values_are_the_text_they_stand_for(portal: Portal, hubspot: HubSpotConnector) -> None:
    """Numbers and truths come as text in HubSpot's answers; bare ones mean the same."""
    values: dict[str, Any] = {"a": 5, "b": 0.25, "c": True, "d": False, "e": None, "f": ""}
    bare = {**row(1), "id": 1, "properties": values}
    portal.on("GET /crm/v3/objects/companies", reply({"results": [bare]}))
    source = Source(name="account", object="companies", fields=tuple("abcdefg"))

    (record,) = pulled(hubspot, source).values()

    assert record.id == "1"
    assert list(record.fields.values()) == ["5", "0.25", "true", "false", None, "", None]


def test_a_search_by_pages_of_another_size_goes_on(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """What is to come is told by HubSpot, not by how full a page is."""
    portal.on(
        SEARCH,
        reply({"total": 3, "results": [row(1), row(2)], "paging": {"next": {"after": "2"}}}),
        reply({"total": 1, "results": [row(3)]}),
    )

    assert pulled(hubspot, COMPANIES, SINCE).keys() == {"1", "2", "3"}
    assert len(portal.bodies(SEARCH)) == 2


def test_a_search_page_short_of_its_total_is_not_the_last(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """Where no next page is named either: the rest is asked for, and missed if it does not come."""
    portal.on(
        SEARCH,
        reply({"total": 2, "results": [row(1)]}),
        reply({"total": 1, "results": [row(2)]}),
    )
    whole = pulled(hubspot, COMPANIES, SINCE)
    portal.on(SEARCH, reply({"total": 2, "results": [row(1)]}), reply({"total": 1, "results": []}))

    assert whole.keys() == {"1", "2"}
    with pytest.raises(IncompleteReadError, match="same page"):
        pulled(hubspot, COMPANIES, SINCE)


def test_an_id_that_is_no_number(portal: Portal, hubspot: HubSpotConnector) -> None:
    """Ids order a search: it cannot be gone on from a word, and says so."""
    portal.on(SEARCH, reply({"total": 1, "results": [{"id": "abc", "properties": {}}]}))

    with pytest.raises(IncompleteReadError, match="ids are numbers, but one of companies is abc"):
        pulled(hubspot, COMPANIES, SINCE)


def test_what_showed_nothing_is_read_from_its_beginning_again(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """An empty first list costs a run; with a date to go on from it would cost the records."""
    portal.on("GET /crm/v3/objects/companies", reply({"results": []}), reply({"results": [row(1)]}))
    (nothing,) = hubspot.pull(COMPANIES, None)
    (found,) = hubspot.pull(COMPANIES, nothing.cursor)

    assert nothing.records == []
    assert [record.id for record in found.records] == ["1"]
    assert found.cursor is not None
    assert "modified" in found.cursor


def in_disorder(ids: list[int], *, page: int) -> Any:
    """A search that sorts by nothing and knows no filter by id."""

    def answer(request: Request) -> Response:
        start = int(request.get_json().get("after") or 0)
        told: dict[str, Any] = {
            "total": len(ids),
            "results": [row(id) for id in ids[start : start + page]],
        }
        if start + page < len(ids):
            told["paging"] = {"next": {"after": str(start + page)}}
        return reply(told)

    return answer


def test_a_search_without_order_is_read_by_offset(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """Ids that order nothing would lose records; each comes, and comes once."""
    portal.on(SEARCH, in_disorder([7, 3, 9, 1, 5], page=2))

    found = [r.id for page in hubspot.pull(COMPANIES, SINCE) for r in page.records]

    assert sorted(found) == ["1", "3", "5", "7", "9"]


def test_a_search_that_never_ends_is_incomplete(portal: Portal, hubspot: HubSpotConnector) -> None:
    """The same page with the same next one is an error, never an endless loop."""
    stuck = {"total": 9, "results": [row(2), row(1)], "paging": {"next": {"after": "x"}}}
    portal.on(SEARCH, reply(stuck))

    with pytest.raises(IncompleteReadError, match="same page"):
        pulled(hubspot, COMPANIES, SINCE)


def test_windows_beyond_ten_thousand_without_order(
    portal: Portal, hubspot: HubSpotConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By offset up to what search shows, then beyond the greatest id."""
    monkeypatch.setattr("connectors.hubspot.listing.SEARCH_WINDOW", 4)

    def answer(request: Request) -> Response:
        asked = request.get_json()
        start = int(asked.get("after") or 0)
        beyond = [f for f in asked["filterGroups"][0]["filters"] if f["operator"] == "GT"]
        ids = [id for id in range(1, 12) if not beyond or id > int(beyond[0]["value"])]
        if start >= 4:
            return refusal(400, "beyond the window", "VALIDATION_ERROR")
        told: dict[str, Any] = {"results": [row(id) for id in reversed(ids[start : start + 2])]}
        if start + 2 < len(ids):
            told["paging"] = {"next": {"after": str(start + 2)}}
        return reply(told)

    portal.on(SEARCH, answer)

    assert sorted(map(int, pulled(hubspot, COMPANIES, SINCE))) == list(range(1, 12))


@pytest.mark.parametrize(
    "refused", [refusal(403, "no", "MISSING_SCOPES"), refusal(404, "not here", "OBJECT_NOT_FOUND")]
)
def test_without_pipelines_ids_stand_for_labels_and_nothing_is_lost(
    portal: Portal, hubspot: HubSpotConnector, refused: Response
) -> None:
    """A label is its id; whether a deal is won is not known, which is not "not won"."""
    deal = row(5, dealstage="closedwon", pipeline="default")
    portal.on("GET /crm/v3/objects/deals", reply({"results": [deal]}))
    portal.on("GET /crm/v3/pipelines/deals", refused)
    labels = Source(name="d", object="deals", fields=("dealstage.label", "pipeline.label"))
    won = Source(name="d", object="deals", fields=("dealstage.label", "dealstage.is_won"))

    (record,) = pulled(hubspot, labels).values()
    with pytest.raises(AccessError) as caught:
        pulled(hubspot, won)

    assert record.fields == {"dealstage.label": "closedwon", "pipeline.label": "default"}
    assert caught.value.fields == ("dealstage.is_won",)
    assert "hs_is_closed_won" in caught.value.remedy


@pytest.mark.parametrize(
    ("metadata", "closed", "won"),
    [
        ({"isClosed": "true", "probability": "1.0"}, "true", "true"),
        ({"isClosed": "true", "probability": "0.0"}, "true", "false"),
        ({"isClosed": "false", "probability": "1.0"}, "false", "false"),
        ({"isClosed": True, "probability": 1}, "true", "true"),
        ({"probability": "1"}, "true", "true"),
        ({"probability": "0"}, "true", "false"),
        ({"ticketState": "CLOSED"}, "true", "false"),
        ({}, "false", "false"),
        (None, "false", "false"),
    ],
)
def test_stages_say_in_many_ways_that_they_are_closed(
    portal: Portal, hubspot: HubSpotConnector, metadata: Any, closed: str, won: str
) -> None:
    """The flag counts; without it a probability of nothing or all."""
    stage = {"id": "s", "label": "S", "metadata": metadata}
    portal.on("GET /crm/v3/pipelines/deals", reply({"results": [{"id": "p", "stages": [stage]}]}))
    portal.on("GET /crm/v3/objects/deals", reply({"results": [row(1, dealstage="s")]}))
    source = Source(name="d", object="deals", fields=("dealstage.is_closed", "dealstage.is_won"))

    (record,) = pulled(hubspot, source).values()

    assert list(record.fields.values()) == [closed, won]


def test_owners_without_an_archived_list(portal: Portal, hubspot: HubSpotConnector) -> None:
    """Those who left stay unknown; those who are there may say next to nothing."""

    def answer(request: Request) -> Response:
        if request.args["archived"] == "true":
            return refusal(400, "archived is not supported", "VALIDATION_ERROR")
        return reply({"results": [{"id": 5}, {"id": "6", "email": "a@b.example"}]})

    portal.on("GET /crm/v3/owners/", answer)
    source = Source(name="user", object="owners", fields=("id", "name", "active", "userId"))

    found = pulled(hubspot, source)

    assert found["5"].fields == {"id": "5", "name": None, "active": "true", "userId": None}
    assert found["6"].fields["name"] == "a@b.example"


def test_archived_lists_that_show_living_records(portal: Portal, hubspot: HubSpotConnector) -> None:
    """A record that says that it is not archived is not deleted, whatever list it comes from."""
    portal.on("GET /crm/v3/objects/companies", reply({"results": [row(1)]}))
    kept = Source(name="account", object="companies", fields=("name",), keep_deleted=True)

    assert not pulled(hubspot, kept)["1"].gone


@pytest.mark.parametrize("status", [404, 405])
def test_batches_that_are_not_there_are_read_one_by_one(
    portal: Portal, hubspot: HubSpotConnector, status: int
) -> None:
    """A record that is there is never taken for gone because a call was refused."""
    portal.on("POST /crm/v3/objects/companies/batch/read", refusal(status, "no", "NOT_FOUND"))
    portal.on("GET /crm/v3/objects/companies/1", reply(row(1, name="Acme")))

    found = hubspot.read(COMPANIES, ["1", "2"])

    assert found.keys() == {"1"}
    assert (found["1"].gone, found["1"].fields) == (False, {"name": "Acme"})


def test_links_of_a_record_that_is_gone_are_none(portal: Portal, hubspot: HubSpotConnector) -> None:
    """OBJECT_NOT_FOUND without a further code, and ids as numbers or in the old key."""
    portal.on("GET /crm/v3/objects/deals", reply({"results": [row(1), row(2), row(3)]}))
    gone = {"category": "OBJECT_NOT_FOUND", "message": "3", "context": {"id": ["3"]}}
    linked = [
        {"from": {"id": 1}, "to": [{"toObjectId": 8, "associationTypes": []}]},
        {"from": {"id": "2"}, "to": [{"id": "9"}]},
    ]
    portal.on(
        "POST /crm/v4/associations/deals/companies/batch/read",
        reply({"results": linked, "errors": [gone]}, 207),
    )

    links = {id: record.links["companies"] for id, record in pulled(hubspot, DEALS).items()}

    assert links == {"1": ("8",), "2": ("9",), "3": ()}


def test_a_portal_that_does_not_say_who_it_is(portal: Portal) -> None:
    """The token's own facts tell its portal; where they do not, a guard cannot be kept."""
    portal.on("GET /account-info/v3/details", refusal(403, "no", "MISSING_SCOPES"))
    guarded = portal.connect(portal_id="7")
    with pytest.raises(LoginError, match="does not say to which portal"):
        guarded.open()
    free = portal.connect()
    free.open()
    unknown = free.identity(), free.record_url("companies", "1"), list(free.check())
    portal.on(
        "POST /oauth/v2/private-apps/get/access-token-info",
        reply({"hubId": 7, "scopes": ["crm.objects.companies.read"]}),
    )
    guarded.open()

    assert unknown[:2] == ("", "")
    assert unknown[2][0].severity == "warning"
    assert guarded.identity() == "7"
    assert guarded.record_url("companies", "1").endswith("app.hubspot.com/contacts/7/record/0-2/1")
    with pytest.raises(LoginError, match="belongs to HubSpot portal 7"):
        portal.connect(portal_id="8").open()


def test_what_is_only_good_to_know_ends_no_run(portal: Portal, hubspot: HubSpotConnector) -> None:
    """A usage report or a token's facts that keep failing are done without, after two tries."""
    broken = Response("<h1>502</h1>", status=502)
    portal.on("GET /account-info/v3/api-usage/daily/private-apps", broken)
    portal.on("POST /oauth/v2/private-apps/get/access-token-info", broken)

    notes = list(hubspot.check())

    assert all(note.severity != "error" for note in notes)
    assert len([name for name, _ in portal.seen if "api-usage" in name]) == 2


@pytest.mark.parametrize(
    ("body", "headers", "wait"),
    [
        ({"policyName": "TEN_SECONDLY_ROLLING"}, {}, 10.0),
        ({"message": "You have reached your ten_secondly_rolling limit."}, {}, 10.0),
        ({"message": "You have reached your secondly limit."}, {}, 1.0),
        ({"policyName": "SECONDLY"}, {"retry-after": "3"}, 3.0),
        ({}, {"retry-after": "0.5"}, 0.5),
        (
            {},
            {
                "date": "Mon, 02 Mar 2026 10:00:00 GMT",
                "retry-after": "Mon, 02 Mar 2026 10:00:07 GMT",
            },
            7.0,
        ),
        ({}, {"retry-after": "soon"}, None),
        ({}, {}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 500])
def test_throttling_says_in_many_ways_when_to_come_back(
    status: int, body: dict[str, str], headers: dict[str, str], wait: float | None
) -> None:
    """Retry-After goes first, be it seconds or a date; then what is known of the limit."""
    told = reply({**body, "category": "RATE_LIMITS"}).get_data()

    with pytest.raises(TransientError) as caught:
        VERDICTS.on(Reply(status, headers, told), wrote=True)

    assert caught.value.retry_after == wait
    assert caught.value.applied is False


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (423, {}, 2.0),
        (423, {"retry-after": "9"}, 9.0),
        (477, {"retry-after": "600"}, 600.0),
        (477, {}, 2.0),
    ],
)
@pytest.mark.parametrize("body", ["{}", "<html>Locked</html>"])
def test_a_locked_or_moving_portal_is_waited_for(
    status: int, headers: dict[str, str], wait: float, body: str
) -> None:
    """423 and 477 did nothing: two seconds at least, or what HubSpot names, and once more."""
    with pytest.raises(TransientError) as caught:
        VERDICTS.on(Reply(status, headers, body.encode()), wrote=True)

    assert (caught.value.retry_after, caught.value.applied) == (wait, False)


@pytest.mark.parametrize(
    "body", [{"policyName": "DAILY"}, {"message": "You have reached your daily limit."}]
)
def test_a_used_up_day_is_known_by_name_or_words(body: dict[str, str]) -> None:
    """It is not waited for."""
    with pytest.raises(AllowanceError):
        VERDICTS.on(Reply(429, {}, reply(body).get_data()), wrote=True)


@pytest.mark.parametrize("status", [201, 200, 207])
def test_a_write_without_an_answer_is_unknown(status: int) -> None:
    """Whether it was carried out has to be looked up."""
    for content in (b"", b"<html>", b'{"results": ['):
        with pytest.raises(TransientError) as caught:
            VERDICTS.on(Reply(status, {}, content), wrote=True)
        assert caught.value.applied is None
    assert VERDICTS.on(Reply(204, {}, b""), wrote=True) == {}


def test_tasks_are_made_where_there_is_no_upsert(portal: Portal, hubspot: HubSpotConnector) -> None:
    """Read by the key, then changed or made; and linked by the type's own number."""
    portal.on("POST /crm/v3/objects/tasks/batch/upsert", refusal(405, "no", "NOT_ALLOWED"))
    portal.on(
        "POST /crm/v3/objects/tasks/batch/read",
        reply({"status": "COMPLETE", "results": [row(31, syncd_key="k/1")]}),
    )
    portal.on("POST /crm/v3/objects/tasks/batch/update", reply({"results": [row(31)]}))
    made = {**row(32, syncd_key="k/2")}
    portal.on("POST /crm/v3/objects/tasks/batch/create", reply({"results": [made]}, 201))
    linked = "POST /crm/v4/associations/tasks/companies/batch/create"
    portal.on(linked, reply({"results": []}, 201))
    wanted = [
        TaskUpsert(key=f"k/{n}", fields={"hs_task_subject": "Call"}, account_id="5") for n in (1, 2)
    ]

    found = dict(hubspot.upsert_tasks(TASKS, wanted))
    (create,) = portal.bodies("POST /crm/v3/objects/tasks/batch/create")
    (update,) = portal.bodies("POST /crm/v3/objects/tasks/batch/update")

    assert [(r.outcome, r.id) for _, r in sorted(found.items())] == [
        (Outcome.DONE, "31"),
        (Outcome.DONE, "32"),
    ]
    assert "id" not in create["inputs"][0]
    assert create["inputs"][0]["properties"]["syncd_key"] == "k/2"
    assert (update["inputs"][0]["id"], "idProperty" in update["inputs"][0]) == ("31", False)
    assert {
        one["types"][0]["associationTypeId"] for one in portal.bodies(linked)[-1]["inputs"]
    } == {192}


def test_an_upsert_that_does_not_say_whose_it_was(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """Results without trace and key are told apart by reading the key, not by their order."""
    bare = {"id": "31", "properties": {}}
    portal.on("POST /crm/v3/objects/tasks/batch/upsert", reply({"results": [bare]}))
    portal.on(
        "POST /crm/v3/objects/tasks/batch/read", reply({"results": [row(31, syncd_key="k/1")]})
    )
    path = "POST /crm/v4/associations/tasks/companies/batch/associate/default"
    portal.on(path, reply({"results": []}))

    found = dict(hubspot.upsert_tasks(TASKS, [TaskUpsert("k/1", {}, "5")]))

    assert (found[0].outcome, found[0].id) == (Outcome.DONE, "31")
    assert len(portal.bodies(path)) == 1


def test_a_catalogue_of_few_words(portal: Portal, hubspot: HubSpotConnector) -> None:
    """Names alone are enough: what is not said does not forbid."""
    portal.on("GET /crm/v3/properties/companies", reply({"results": [{"name": "tier"}]}))
    portal.on("POST /crm/v3/objects/companies/batch/update", reply({"results": [{"id": 1}]}))

    field = hubspot.schema("companies").fields["tier"]
    done = dict(hubspot.update("companies", [FieldUpdate("1", {"tier": "a"})]))

    assert (field.writable, field.unique, field.label) == (True, True, "tier")
    assert done[0].outcome is Outcome.DONE


def test_a_host_that_is_not_there_is_told(portal: Portal) -> None:
    """An address where nobody listens ends the run, after some tries."""
    with pytest.raises(UnreachableError, match="cannot be reached"):
        portal.connect(base_url="https://127.0.0.1:9").open()


def test_properties_that_were_removed_are_missed(portal: Portal, hubspot: HubSpotConnector) -> None:
    """The catalogue is read afresh when the connection is opened again."""
    before = hubspot.schema("companies").find("tier")
    portal.on("GET /crm/v3/properties/companies", properties("name"))
    hubspot.open()

    assert before is not None
    assert hubspot.schema("companies").find("tier") is None


def test_moments_with_and_without_a_fraction(portal: Portal, hubspot: HubSpotConnector) -> None:
    """UpdatedAt comes in three forms."""
    rows = [
        {**row(n), "updatedAt": text}
        for n, text in enumerate(["2026-03-01T10:00:00Z", "2026-03-01T10:00:00.250Z", "odd"], 1)
    ]
    portal.on("GET /crm/v3/objects/companies", reply({"results": rows}))

    found = pulled(hubspot, COMPANIES)

    assert found["1"].modified_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert found["2"].modified_at == datetime(2026, 3, 1, 10, 0, 0, 250_000, tzinfo=UTC)
    assert found["3"].modified_at is None


def test_owners_without_the_slash(portal: Portal, hubspot: HubSpotConnector) -> None:
    """The path is tried without it before owners count as out of sight."""
    portal.on("GET /crm/v3/owners", reply({"results": [{"id": "5", "email": "a@b.example"}]}))
    source = Source(name="user", object="owners", fields=("id", "email"))

    assert pulled(hubspot, source).keys() == {"5"}


def test_keys_with_slashes_stay_one_part_of_a_path(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """A task's key is no path of its own, where tasks are read one by one."""
    portal.on("POST /crm/v3/objects/tasks/batch/read", refusal(404, "no", "NOT_FOUND"))

    assert hubspot.find_tasks(TASKS, Source("task", "tasks", ("syncd_key",)), ["a/b c"]) == {}
    assert Paths().record("tasks", "a/b c") == "/crm/v3/objects/tasks/a%2Fb%20c"
    assert portal.seen[-1][1]["idProperty"] == "syncd_key"
