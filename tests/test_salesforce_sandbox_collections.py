"""Many records in one call to the Salesforce sandbox: collections, composites, bulk jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import salesforce_served
from salesforce_served import Served, body
from simple_salesforce.exceptions import (
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)

stage, served = salesforce_served.stage, salesforce_served.served


def test_collection_update_has_result_per_row(served: Served) -> None:
    """A bad row fails alone, in its place and without id; the others are written."""
    good = served.org.insert("Account", Name="Good")
    records = [
        {"attributes": {"type": "Account"}, "id": good, "Segment__c": "SMB"},
        {"attributes": {"type": "Account"}, "id": good, "Segment__c": "Huge"},
        {"attributes": {"type": "Account"}, "id": "001000000000000AAA", "Name": "x"},
        {"attributes": {"type": "Account"}, "id": good, "Name": "n" * 256},
    ]

    results = served.client.restful(
        "composite/sobjects", method="PATCH", json={"allOrNone": False, "records": records}
    )

    assert results[0] == {"id": good, "success": True, "errors": []}
    assert results[1]["errors"] == [
        {
            "statusCode": "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "message": "Segment: bad value for restricted picklist field: Huge",
            "fields": ["Segment__c"],
        }
    ]
    assert results[2] == {
        "success": False,
        "errors": [
            {
                "statusCode": "INVALID_CROSS_REFERENCE_KEY",
                "message": "invalid cross reference id",
                "fields": [],
            }
        ],
    }
    assert results[3]["errors"][0]["statusCode"] == "STRING_TOO_LONG"


def test_all_or_none_rolls_back(served: Served) -> None:
    """With allOrNone one bad row undoes the others and says so of each."""
    records = [
        {"attributes": {"type": "Account"}, "Name": "One"},
        {"attributes": {"type": "Account"}, "Name": None},
    ]

    results = served.client.restful(
        "composite/sobjects", method="POST", json={"allOrNone": True, "records": records}
    )

    assert results[0]["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert results[1]["errors"] == [
        {
            "statusCode": "REQUIRED_FIELD_MISSING",
            "message": "Required fields are missing: [Name]",
            "fields": ["Name"],
        }
    ]
    assert served.org.rows("Account") == []


def test_collection_takes_200(served: Served) -> None:
    """201 records, or a field that is not there, spoil the whole request."""
    records = [{"attributes": {"type": "Account"}, "Name": "x"}] * 201

    with pytest.raises(SalesforceMalformedRequest) as many:
        served.client.restful("composite/sobjects", method="POST", json={"records": records})
    records = [
        {"attributes": {"type": "Account"}, "Name": "x"},
        {"attributes": {"type": "Account"}, "Name": "x", "foo": "1"},
    ]
    with pytest.raises(SalesforceMalformedRequest) as unknown:
        served.client.restful("composite/sobjects", method="POST", json={"records": records})

    assert body(many)[0]["errorCode"] == "EXCEEDED_ID_LIMIT"
    assert body(unknown) == [
        {"message": "No such column 'foo' on sobject of type Account", "errorCode": "INVALID_FIELD"}
    ]
    assert served.org.rows("Account") == []


def test_upsert_by_external_id(served: Served) -> None:
    """Upsert creates, then updates; several matches are 300 with their URLs."""
    served.org.add_field("Account", "Ext__c", label="Ext", type="Text", length=20, externalId=True)
    path = "sobjects/Account/Ext__c/a%2F1"
    made = served.client.restful(path, method="PATCH", json={"Name": "One"})
    again = served.client.restful(path, method="PATCH", json={"Name": "Two"})
    served.org.insert("Account", Name="Twin", Ext__c="A/1")
    with pytest.raises(SalesforceMoreThanOneRecord) as several:
        served.client.restful(path, method="PATCH", json={"Name": "Three"})
    with pytest.raises(SalesforceResourceNotFound) as no_field:
        served.client.restful("sobjects/Account/Nope__c/1", method="PATCH", json={"Name": "x"})

    assert made == {"id": made["id"], "success": True, "errors": [], "created": True}
    assert again == {"id": made["id"], "success": True, "errors": [], "created": False}
    assert len(body(several)) == 2
    assert body(no_field)[0]["message"] == (
        "Provided external ID field does not exist or is not accessible: Nope__c"
    )


def test_collection_upsert_tells_created(served: Served) -> None:
    """Upserting a collection marks each row as created or not, and takes twins in one request."""
    served.org.add_field(
        "Activity", "Key__c", label="Key", type="Text", length=80, externalId=True, unique=True
    )

    def upsert(*keys: str) -> list[dict[str, Any]]:
        records = [
            {"attributes": {"type": "Task"}, "Key__c": key, "Subject": "Do it"} for key in keys
        ]
        path = "composite/sobjects/Task/Key__c"
        answer: list[dict[str, Any]] = served.client.restful(
            path, method="PATCH", json={"allOrNone": False, "records": records}
        )
        return answer

    first = upsert("a", "b", "A")
    second = upsert("b", "c")

    assert [one["created"] for one in first] == [True, True, False]
    assert [one["created"] for one in second] == [False, True]
    assert second[0]["id"] == first[1]["id"]
    assert len(served.org.rows("Task")) == 3


def test_composite_refers_and_carries_failures(served: Served) -> None:
    """A later subrequest uses an earlier one's id; a failing one is carried inside 200."""
    subrequests = {
        "compositeRequest": [
            {
                "method": "POST",
                "url": "/services/data/v66.0/sobjects/Account",
                "referenceId": "a",
                "body": {"Name": "Acme"},
            },
            {
                "method": "POST",
                "url": "/services/data/v66.0/sobjects/Contact",
                "referenceId": "c",
                "body": {"LastName": "Doe", "AccountId": "@{a.id}"},
            },
            {"method": "GET", "url": "/services/data/v66.0/sobjects/Foo", "referenceId": "f"},
        ]
    }

    answer = served.client.restful("composite", method="POST", json=subrequests)[
        "compositeResponse"
    ]

    assert [one["httpStatusCode"] for one in answer] == [201, 201, 404]
    assert answer[2] == {
        "body": [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}],
        "httpHeaders": {},
        "httpStatusCode": 404,
        "referenceId": "f",
    }
    assert set(answer[0]["httpHeaders"]) == {"Location"}
    assert served.org.rows("Contact")[0]["AccountId"] == answer[0]["body"]["id"]


def test_composite_batch_and_graph(served: Served) -> None:
    """A batch reports each subrequest; a graph with a failure leaves nothing behind."""
    batch = served.client.restful(
        "composite/batch",
        method="POST",
        json={"batchRequests": [{"method": "GET", "url": "v66.0/sobjects/Nope/1"}]},
    )
    bad: dict[str, Any] = {
        "method": "POST",
        "url": "/services/data/v66.0/sobjects/Account",
        "body": {},
    }
    good = bad | {"body": {"Name": "x"}, "referenceId": "g"}
    graph = served.client.restful(
        "composite/graph",
        method="POST",
        json={"graphs": [{"graphId": "1", "compositeRequest": [good, bad | {"referenceId": "b"}]}]},
    )

    assert batch["hasErrors"]
    assert batch["results"][0]["statusCode"] == 404
    assert graph["graphs"][0]["isSuccessful"] is False
    entries = graph["graphs"][0]["graphResponse"]["compositeResponse"]
    assert entries[0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert entries[1]["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert served.org.rows("Account") == []


def test_bulk_query_in_pages(served: Served) -> None:
    """A Bulk 2.0 query job ends with CSV pages joined by locators."""
    for number in range(5):
        served.org.insert("Account", Name=f"A{number}")

    pages = list(
        served.client.bulk2.Account.query(
            "SELECT Id, Name, Owner.Name FROM Account ORDER BY Name", max_records=2, wait=0.01
        )
    )
    with pytest.raises(SalesforceMalformedRequest) as unsupported:
        served.client.restful(
            "jobs/query",
            method="POST",
            json={"operation": "query", "query": "SELECT COUNT(Id) FROM Account"},
        )

    lines = [page.strip().splitlines() for page in pages]
    assert [len(page) for page in lines] == [3, 3, 2]
    assert lines[0][0] == '"Id","Name","Owner.Name"'
    assert lines[2][1].split(",")[1] == '"A4"'
    assert body(unsupported)[0]["errorCode"] == "FEATURENOTENABLED"


def test_bulk_ingest_reports_each_row(served: Served, tmp_path: Path) -> None:
    """An upsert job writes good rows, lists bad ones with the reason, and is complete."""
    served.org.add_field("Account", "Ext__c", label="Ext", type="Text", length=20, externalId=True)
    served.org.insert("Account", Name="Old", Ext__c="1", Phone="1")
    (tmp_path / "rows.csv").write_text(
        "Ext__c,Name,Phone,Segment__c\n1,New,#N/A,\n2,Two,2,SMB\n3,Three,3,Huge\n"
    )

    outcome = served.client.bulk2.Account.upsert(
        str(tmp_path / "rows.csv"), external_id_field="Ext__c", wait=0.01
    )[0]
    failed = served.client.bulk2.Account.get_failed_records(outcome["job_id"])
    good = served.client.bulk2.Account.get_successful_records(outcome["job_id"])

    assert outcome["numberRecordsFailed"] == 1
    assert outcome["numberRecordsProcessed"] == 3
    assert failed.splitlines()[0] == '"sf__Id","sf__Error","Ext__c","Name","Phone","Segment__c"'
    assert "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST:" in failed
    assert [line.split(",")[1] for line in good.splitlines()] == [
        '"sf__Created"',
        '"false"',
        '"true"',
    ]
    old = next(row for row in served.org.rows("Account") if row["Ext__c"] == "1")
    assert old["Name"] == "New"
    assert "Phone" not in old
