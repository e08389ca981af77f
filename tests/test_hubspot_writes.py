"""What the HubSpot connector writes: batches, outcomes, tasks and their links."""

from __future__ import annotations

import socket
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import hubspot_scripted
import pytest
from hubspot_scripted import (
    TASKS,
    Portal,
    refusal,
    reply,
    row,
)
from werkzeug import Request, Response

from connectors.hubspot import HubSpotConnector
from connectors.hubspot.wire import wire
from syncd.connector import (
    FieldSpec,
    FieldType,
    FieldUpdate,
    Outcome,
    Source,
    TaskUpsert,
    Value,
)

https, portal, hubspot = hubspot_scripted.https, hubspot_scripted.portal, hubspot_scripted.hubspot


def update(id: str, **fields: Value) -> FieldUpdate:
    return FieldUpdate(id=id, fields=fields)


def test_results_are_matched_by_id_and_errors_by_trace(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """A shuffled 207 answer gives each input its own outcome."""
    bad = {
        "status": "error",
        "category": "VALIDATION_ERROR",
        "message": 'Property values were not valid: [{"isValid":false,"message":"x was not one of '
        'the allowed options: [a, b]","error":"INVALID_OPTION","name":"tier"}]',
        "context": {"objectWriteTraceId": ["1"]},
    }
    missing = {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": "Could not get some COMPANY objects",
        "context": {"ids": ["13"]},
    }
    portal.on(
        "POST /crm/v3/objects/companies/batch/update",
        reply({"results": [row(12), row(10)], "errors": [missing, bad]}, 207),
    )

    updates = [update(str(i), tier="x") for i in (10, 11, 12, 13)]
    results = dict(hubspot.update("companies", updates))

    assert [results[i].outcome for i in range(4)] == [
        Outcome.DONE,
        Outcome.REJECTED,
        Outcome.DONE,
        Outcome.REJECTED,
    ]
    assert (results[1].code, results[1].fields) == ("INVALID_OPTION", ("tier",))
    assert "allowed options: [a, b]" in results[1].message
    assert results[3].code == "OBJECT_NOT_FOUND"


def test_a_batch_refused_whole_is_divided(portal: Portal, hubspot: HubSpotConnector) -> None:
    """The neighbours of a bad record are written."""

    def answer(request: Request) -> Response:
        inputs = request.get_json()["inputs"]
        if any(i["id"] == "7" for i in inputs):
            return refusal(400, "Invalid input JSON", "VALIDATION_ERROR")
        return reply({"results": [row(int(i["id"])) for i in inputs]})

    portal.on("POST /crm/v3/objects/companies/batch/update", answer)

    results = dict(hubspot.update("companies", [update(str(i), name="n") for i in range(100)]))

    assert len(results) == 100
    assert [i for i, r in results.items() if r.outcome is not Outcome.DONE] == [7]
    assert results[7].code == "VALIDATION_ERROR"
    assert hubspot.calls.write < 20


def test_an_unknown_property_costs_one_call(portal: Portal, hubspot: HubSpotConnector) -> None:
    """When every input bears the refused property, halving is not tried."""
    error = {"message": "no", "code": "PROPERTY_DOESNT_EXIST", "context": {"propertyName": ["q"]}}
    portal.on(
        "POST /crm/v3/objects/companies/batch/update",
        refusal(400, "Property values were not valid", "VALIDATION_ERROR", errors=[error]),
    )

    results = dict(hubspot.update("companies", [update(str(i), q="1") for i in range(50)]))

    assert {(r.outcome, r.code, r.fields) for r in results.values()} == {
        (Outcome.REJECTED, "PROPERTY_DOESNT_EXIST", ("q",))
    }
    assert hubspot.calls.write == 1


def test_a_write_of_unknown_outcome_is_not_repeated(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """A 502 after sending leaves that batch unknown, and the next one is written."""
    portal.on(
        "POST /crm/v3/objects/companies/batch/update",
        Response("<html>Bad gateway</html>", status=502),
        lambda r: reply({"results": [row(int(i["id"])) for i in r.get_json()["inputs"]]}),
    )

    results = dict(hubspot.update("companies", [update(str(i), name="n") for i in range(150)]))

    assert [r.outcome for r in results.values()].count(Outcome.UNKNOWN) == 100
    assert [r.outcome for r in results.values()].count(Outcome.DONE) == 50
    assert hubspot.calls.write == 2


def test_writes_wait_for_another_day_when_the_allowance_is_up(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """The daily limit defers what was not written yet."""
    portal.on(
        "POST /crm/v3/objects/companies/batch/update",
        lambda r: reply({"results": [row(int(i["id"])) for i in r.get_json()["inputs"]]}),
        reply({"message": "You have reached your daily limit.", "policyName": "DAILY"}, 429),
    )

    results = dict(hubspot.update("companies", [update(str(i), name="n") for i in range(250)]))
    outcomes = [results[i].outcome for i in range(250)]

    assert outcomes[:100] == [Outcome.DONE] * 100
    assert outcomes[100:] == [Outcome.DEFERRED] * 150


def test_a_portal_that_moves_defers_writes(portal: Portal, hubspot: HubSpotConnector) -> None:
    """HubSpot's 477 with a long wait is left to the next run."""
    portal.on(
        "POST /crm/v3/objects/companies/batch/update",
        Response("{}", status="477 Migration", headers={"Retry-After": "7200"}),
    )

    results = dict(hubspot.update("companies", [update("1", name="n")]))

    assert results[0].outcome is Outcome.DEFERRED


def test_the_same_record_twice_goes_in_two_batches(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """HubSpot refuses a batch with an id twice, so it gets none."""
    portal.on(
        "POST /crm/v3/objects/companies/batch/update",
        lambda r: reply({"results": [row(int(i["id"])) for i in r.get_json()["inputs"]]}),
    )

    results = dict(hubspot.update("companies", [update("1", name="a"), update("1", tier="b")]))

    assert {r.outcome for r in results.values()} == {Outcome.DONE}
    assert hubspot.calls.write == 2


def test_new_tasks_are_made_by_their_key_and_linked(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """The due date is noon of the portfolio's zone, and a new task is linked before it is done."""
    portal.on(
        "POST /crm/v3/objects/tasks/batch/upsert",
        reply({"results": [row(5, syncd_key="k1") | {"new": True}]}),
    )
    portal.on(
        "POST /crm/v4/associations/tasks/companies/batch/associate/default",
        reply({"status": "COMPLETE", "results": []}),
    )
    task = TaskUpsert(key="k1", fields={"hs_timestamp": date(2026, 7, 1)}, account_id="9")

    ((index, result),) = hubspot.upsert_tasks(TASKS, [task])
    (made,) = portal.bodies("POST /crm/v3/objects/tasks/batch/upsert")[0]["inputs"]
    (link,) = portal.bodies("POST /crm/v4/associations/tasks/companies/batch/associate/default")

    assert (index, result.outcome, result.id, result.created) == (0, Outcome.DONE, "5", True)
    assert made == {
        "id": "k1",
        "idProperty": "syncd_key",
        "objectWriteTraceId": "0",
        "properties": {
            "hs_task_type": "TODO",
            "hs_timestamp": "2026-07-01T11:00:00.000Z",
            "syncd_key": "k1",
        },
    }
    assert link == {"inputs": [{"from": {"id": "5"}, "to": {"id": "9"}}]}


def test_a_task_that_could_not_be_linked_is_not_done(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """It is answered without an id, so that the next try goes by its key and links it."""
    portal.on(
        "POST /crm/v3/objects/tasks/batch/upsert",
        reply({"results": [row(5, syncd_key="k1"), row(6, syncd_key="k2")]}),
    )
    error = {
        "status": "error",
        "category": "VALIDATION_ERROR",
        "message": "9 is not a valid ID",
        "context": {"id": ["9"]},
    }
    portal.on(
        "POST /crm/v4/associations/tasks/companies/batch/associate/default",
        reply({"results": [], "errors": [error]}, 207),
    )
    portal.on("GET /crm/v3/objects/companies/9", reply(row(9)))
    tasks = [TaskUpsert(key=f"k{i}", fields={}, account_id=a) for i, a in ((1, "9"), (2, "8"))]

    results = dict(hubspot.upsert_tasks(TASKS, tasks))

    assert (results[0].outcome, results[0].id) == (Outcome.REJECTED, None)
    assert "9 is not a valid ID" in results[0].message
    assert results[1].outcome is Outcome.DONE


def test_known_tasks_are_changed_by_id(portal: Portal, hubspot: HubSpotConnector) -> None:
    """A known id costs one call and makes nothing."""
    portal.on("POST /crm/v3/objects/tasks/batch/update", reply({"results": [row(5)]}))
    task = TaskUpsert(key="k", fields={"hs_task_status": "COMPLETED"}, account_id="9", id="5")

    ((_, result),) = hubspot.upsert_tasks(TASKS, [task])

    assert (result.outcome, result.id, result.created) == (Outcome.DONE, "5", False)
    assert hubspot.calls.write == 1
    assert hubspot.write_calls({"companies": 101}, 0) == 2
    assert hubspot.write_calls({}, 100) == 2


def test_tasks_are_found_by_key_unless_half_made(portal: Portal, hubspot: HubSpotConnector) -> None:
    """A task without its account counts as not made yet; an archived one is gone."""

    def batch(request: Request) -> Response:
        assert request.get_json()["idProperty"] == "syncd_key"
        if request.args["archived"] == "true":
            return reply({"results": [row(3, syncd_key="c") | {"archived": True}]})
        return reply({"results": [row(1, syncd_key="a"), row(2, syncd_key="b")]})

    portal.on("POST /crm/v3/objects/tasks/batch/read", batch)
    portal.on(
        "POST /crm/v4/associations/tasks/companies/batch/read",
        reply({"results": [{"from": {"id": "1"}, "to": [{"toObjectId": 9}]}]}),
    )
    source = Source(name="task", object="tasks", fields=("syncd_key",), keep_deleted=True)

    found = hubspot.find_tasks(TASKS, source, ["a", "b", "c", "d"])

    assert {key: record.gone for key, record in found.items()} == {"a": False, "c": True}
    assert found["a"].links == {"companies": ("9",)}


@pytest.mark.parametrize(
    ("value", "type", "text"),
    [
        (True, FieldType.BOOL, "true"),
        (False, None, "false"),
        (None, FieldType.DATE, ""),
        (Decimal("1E+3"), FieldType.MONEY, "1000"),
        (0.1, FieldType.NUMBER, "0.1"),
        (5, FieldType.NUMBER, "5"),
        (["a", "b"], FieldType.MULTIPICKLIST, "a;b"),
        (date(2026, 3, 1), FieldType.DATE, "2026-03-01"),
        (date(2026, 3, 1), FieldType.DATETIME, "2026-02-28T23:00:00.000Z"),
        (datetime(2026, 3, 1, 23, tzinfo=UTC), FieldType.DATE, "2026-03-02"),
        (datetime(2026, 3, 1, 23, tzinfo=UTC), FieldType.DATETIME, "2026-03-01T23:00:00.000Z"),
    ],
)
def test_wire_forms(value: Value, type: FieldType | None, text: str) -> None:
    """Each kind of value goes out as HubSpot takes it, here from thirteen hours east."""
    assert wire(value, type, ZoneInfo("Pacific/Auckland")) == text


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "Europe/London"])
def test_a_due_date_is_the_same_day_when_read_back(zone: str) -> None:
    """Noon of the portfolio's zone is that day there, at either end of the world."""
    text = wire(date(2026, 3, 29), FieldType.DATETIME, ZoneInfo(zone))

    assert datetime.fromisoformat(text).astimezone(ZoneInfo(zone)).date() == date(2026, 3, 29)


def test_a_connection_that_breaks_after_sending_leaves_the_batch_unknown(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """A reset is not repeated, as HubSpot may have written."""

    def hang_up(request: Request) -> Response:
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return reply({})

    portal.on("POST /crm/v3/objects/companies/batch/update", hang_up)

    ((_, result),) = hubspot.update("companies", [update("1", name="n")])

    assert result.outcome is Outcome.UNKNOWN
    assert "connection broke" in result.message
    assert hubspot.calls.write == 1


SPECS = (
    FieldSpec(object="companies", name="tier", label="Tier", type=FieldType.TEXT),
    FieldSpec(
        object="companies",
        name="health",
        label="Health",
        type=FieldType.PICKLIST,
        options=("green", "red"),
    ),
    FieldSpec(object="tasks", name="key", label="Key", type=FieldType.TEXT, unique=True),
)


def test_provisioning_shows_first_and_makes_what_is_missing(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """What is there stays, options are added to those present, and groups come first."""
    health = {
        "name": "health",
        "type": "enumeration",
        "fieldType": "select",
        "options": [{"label": "Grün", "value": "green", "displayOrder": 0, "hidden": True}],
    }
    key = {"name": "key", "type": "string", "fieldType": "text", "hasUniqueValue": True}
    tier = {"name": "tier", "type": "string", "fieldType": "text"}
    portal.on("GET /crm/v3/properties/companies", reply({"results": [tier, health]}))
    portal.on("GET /crm/v3/properties/tasks", reply({"results": []}))
    portal.on("GET /crm/v3/properties/tasks/groups", reply({"results": []}))

    shown = list(hubspot.provision(SPECS, apply=False))
    portal.on("POST /crm/v3/properties/tasks/groups", reply({"name": "syncd"}, 201))
    portal.on("POST /crm/v3/properties/tasks", reply(key, 201))
    portal.on("PATCH /crm/v3/properties/companies/health", reply(health))
    portal.on("GET /crm/v3/properties/tasks", reply({"results": []}), reply({"results": [key]}))
    made = list(hubspot.provision(SPECS, apply=True))
    (options,) = portal.bodies("PATCH /crm/v3/properties/companies/health")
    (definition,) = portal.bodies("POST /crm/v3/properties/tasks")

    assert [(s.kind, s.name, s.done) for s in shown] == [
        ("option", "companies.health", False),
        ("group", "tasks.syncd", False),
        ("field", "tasks.key", False),
    ]
    assert [s.done for s in made] == [True] * 3
    assert options["options"][0]["label"] == "Grün"
    assert [o["value"] for o in options["options"]] == ["green", "red"]
    assert (definition["hasUniqueValue"], definition["groupName"]) == (True, "syncd")


def test_provisioning_leaves_unfit_properties_alone(
    portal: Portal, hubspot: HubSpotConnector
) -> None:
    """A property of another type, or a key without unique values, is told and not touched."""
    wrong = [
        {"name": "tier", "type": "number", "fieldType": "number"},
        {"name": "key", "type": "string", "fieldType": "text", "hasUniqueValue": False},
    ]
    portal.on("GET /crm/v3/properties/companies", reply({"results": wrong}))
    portal.on("GET /crm/v3/properties/tasks", reply({"results": wrong}))

    steps = list(hubspot.provision([SPECS[0], SPECS[2]], apply=True))

    assert ["exists as number" in steps[0].error, "unique" in steps[1].error] == [True, True]
    assert hubspot.calls.write == 0
