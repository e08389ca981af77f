"""Writes that Salesforce refuses, does not answer or cannot take now."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import requests
import responses
import salesforce_answers
import salesforce_org
from salesforce_answers import HTML, PATCH, changes, lines, posted, refused

from connectors.salesforce import SalesforceConnector
from syncd.connector import FieldUpdate, Outcome, TaskShape, TaskUpsert, Value, WriteResult
from syncd.errors import UnreachableError

org, waits = salesforce_org.org, salesforce_org.waits
salesforce = salesforce_answers.salesforce


def test_update_goes_out_as_salesforce_wants_it(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """Attributes first, exact decimals, UTC datetimes, joined lists, null to clear."""
    org.patch(PATCH, json=lines(1))
    fields: dict[str, Value] = {
        "Amount__c": Decimal("1200.10"),
        "Day__c": date(2026, 2, 1),
        "At__c": datetime(2026, 2, 1, 9, 30, tzinfo=UTC),
        "Many__c": ["a", "b"],
        "Flag__c": True,
        "Gone__c": None,
    }

    results = list(salesforce.update("Account", [FieldUpdate("001A", fields)]))

    assert results[0][1].outcome is Outcome.DONE
    assert org.calls[-1].request.body == (
        b'{"allOrNone":false,"records":[{"attributes":{"type":"Account"},"id":"001A",'
        b'"Amount__c":1200.10,"Day__c":"2026-02-01","At__c":"2026-02-01T09:30:00.000Z",'
        b'"Many__c":"a;b","Flag__c":true,"Gone__c":null}]}'
    )


def test_groups_stay_together(org: responses.RequestsMock, salesforce: SalesforceConnector) -> None:
    """Tasks of one account share a batch, at no more calls than rows need.

    Seventy accounts have three of them, twenty have two: 200 rows would cut through an account.
    """
    org.patch(f"{PATCH}/Task/Key__c", json=lines(198, created=True))
    org.patch(f"{PATCH}/Task/Key__c", json=lines(52, created=True))
    tasks = [TaskUpsert(f"k{n}", {}, f"001{n % 90}") for n in range(250)]
    shape = TaskShape("Task", "Key__c", "WhatId")

    results = dict(salesforce.upsert_tasks(shape, tasks))

    assert sorted(results) == list(range(250))
    bodies = posted(org, PATCH)
    accounts = [{row["WhatId"] for row in body["records"]} for body in bodies]
    assert not accounts[0] & accounts[1]
    assert salesforce.write_calls({"Account": 201}, 250) == 4
    assert salesforce.calls.write == 2


def test_tasks_that_are_known_stay_together_too(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """A change of a task locks its account as a new one does."""
    org.patch(PATCH, json=lines(198))
    org.patch(PATCH, json=lines(52))
    ids = [f"00T{n:015}" for n in range(250)]
    tasks = [TaskUpsert(f"k{n}", {}, f"001{n % 90}", id=id) for n, id in enumerate(ids)]

    results = dict(salesforce.upsert_tasks(TaskShape("Task", "Key__c", "WhatId"), tasks))
    sent = [{row["id"] for row in body["records"]} for body in posted(org, PATCH)]
    accounts = [{ids.index(id) % 90 for id in batch} for batch in sent]

    assert sorted(results) == list(range(250))
    assert not accounts[0] & accounts[1]


@pytest.mark.parametrize(
    "bad", [{"status": 500, "body": HTML}, {"body": requests.ConnectionError()}]
)
def test_unanswered_write_is_unknown(
    org: responses.RequestsMock, salesforce: SalesforceConnector, bad: dict[str, Any]
) -> None:
    """A batch without an answer is unknown and not repeated; the next batch goes through."""
    org.patch(PATCH, **bad)
    org.patch(PATCH, json=lines(50))

    results = dict(salesforce.update("Account", changes(250)))

    assert [results[n].outcome for n in (0, 199, 200, 249)] == ["unknown"] * 2 + ["done"] * 2
    assert len(posted(org, PATCH)) == 2


def test_the_next_batch_heeds_the_wait_that_was_named(
    org: responses.RequestsMock, salesforce: SalesforceConnector, waits: list[float | None]
) -> None:
    """Salesforce is busy and says for how long: another batch comes no sooner."""
    org.patch(PATCH, status=503, body=HTML, headers={"Retry-After": "3"})
    org.patch(PATCH, json=lines(50))

    results = dict(salesforce.update("Account", changes(250)))

    assert [results[n].outcome for n in (0, 199, 200, 249)] == ["unknown"] * 2 + ["done"] * 2
    assert waits == [3.0]


def test_a_long_wait_puts_off_the_rest(
    org: responses.RequestsMock, salesforce: SalesforceConnector, waits: list[float | None]
) -> None:
    """What takes longer than a run would wait comes with the next one."""
    org.patch(PATCH, status=503, body=HTML, headers={"Retry-After": "600"})
    results: dict[int, WriteResult] = {}
    with pytest.raises(UnreachableError):
        results.update(salesforce.update("Account", changes(250)))

    assert [results[n].outcome for n in (0, 199, 200, 249)] == ["unknown"] * 2 + ["deferred"] * 2
    assert len(posted(org, PATCH)) == 1
    assert waits == []


def test_dead_line_defers_the_rest(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """After three batches without an answer no further one is sent, and the run ends."""
    org.patch(PATCH, body=requests.ConnectionError())
    results: dict[int, WriteResult] = {}

    with pytest.raises(UnreachableError, match="broke off"):
        results.update(salesforce.update("Account", changes(1000)))

    assert len(posted(org, PATCH)) == 3
    assert results[599].outcome is Outcome.UNKNOWN
    assert results[600].outcome is Outcome.DEFERRED
    assert len(results) == 1000


def test_allowance_midway_defers_the_rest(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """What the allowance no longer covers is deferred, each row told."""
    org.patch(PATCH, json=lines(200), headers={"Sforce-Limit-Info": "api-usage=9000/15000"})

    results = dict(salesforce.update("Account", changes(450)))

    assert results[199].outcome is Outcome.DONE
    assert {results[n].outcome for n in range(200, 450)} == {Outcome.DEFERRED}
    assert len(posted(org, PATCH)) == 1


def test_locked_rows_alone_are_repeated(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """A row that someone else had locked is sent again, its neighbours are not."""
    locked = {
        "success": False,
        "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable", "fields": []}],
    }
    org.patch(PATCH, json=[lines(1)[0], locked])
    org.patch(PATCH, json=lines(1))

    results = dict(salesforce.update("Account", changes(2)))

    assert {result.outcome for result in results.values()} == {Outcome.DONE}
    assert [len(body["records"]) for body in posted(org, PATCH)] == [2, 1]


def test_row_locked_for_long_is_deferred(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """A lock that does not go away waits for the next run."""
    error = {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable", "fields": []}
    org.patch(PATCH, json=[{"success": False, "errors": [error]}])

    [(_, result)] = salesforce.update("Account", changes(1))

    assert result.outcome is Outcome.DEFERRED
    assert result.code == "UNABLE_TO_LOCK_ROW"


def test_rejected_row(org: responses.RequestsMock, salesforce: SalesforceConnector) -> None:
    """A refused row keeps the org's own words, code and fields; its neighbour goes through."""
    error = {
        "statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "message": "Tier needs an owner",
        "fields": ["Tier__c"],
    }
    org.patch(PATCH, json=[{"success": False, "errors": [error]}, lines(1)[0]])

    results = dict(salesforce.update("Account", changes(2)))

    assert results[0] == WriteResult(
        Outcome.REJECTED,
        id="001000000000000000",
        code="FIELD_CUSTOM_VALIDATION_EXCEPTION",
        message="Tier needs an owner",
        fields=("Tier__c",),
    )
    assert results[1].outcome is Outcome.DONE


def test_field_that_spoils_a_batch(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """Where one field makes Salesforce refuse a whole batch, the rows without it go through."""
    text = "No such column 'Old__c' on sobject of type Account"
    org.patch(PATCH, **refused("INVALID_FIELD", text))
    org.patch(PATCH, json=lines(3))
    updates = [*changes(3), FieldUpdate("001X", {"Old__c": 1})]

    results = dict(salesforce.update("Account", updates))

    assert [results[n].outcome for n in range(4)] == ["done"] * 3 + ["rejected"]
    assert results[3].fields == ("Old__c",)


def test_row_that_spoils_a_batch(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """Where Salesforce does not say which row, halves are tried until the good ones are through."""

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        records = json.loads(request.body or "")["records"]
        if any(row["Name"] == "n5" for row in records):
            return 400, {}, json.dumps([{"errorCode": "JSON_PARSER_ERROR", "message": "bad"}])
        return 200, {}, json.dumps(lines(len(records)))

    org.add_callback("PATCH", PATCH, answer)
    results = dict(salesforce.update("Account", changes(16)))

    assert [n for n in range(16) if results[n].outcome is not Outcome.DONE] == [5]
    assert results[5].code == "JSON_PARSER_ERROR"


def test_answer_with_too_few_lines(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """Lines are matched by order, so an answer of another length tells nothing."""
    org.patch(PATCH, json=lines(1))

    results = dict(salesforce.update("Account", changes(2)))

    assert {result.outcome for result in results.values()} == {Outcome.UNKNOWN}
