"""simple-salesforce, unchanged, works against the sandbox over TLS."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import salesforce_served
from salesforce_served import Served, body, field
from simple_salesforce.exceptions import (
    SalesforceMalformedRequest,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

from connectors.salesforce.sandbox import SalesforceSandbox

stage, served = salesforce_served.stage, salesforce_served.served


def test_query_pages_of_2000(served: Served) -> None:
    """More than 2,000 rows come in pages joined by nextRecordsUrl, with the full totalSize."""
    for number in range(4100):
        served.org.org.store("Account", {"Name": f"A{number:05d}"})

    first = served.client.query("SELECT Id, Name FROM Account ORDER BY Name")
    second = served.client.query_more(first["nextRecordsUrl"], identifier_is_url=True)
    third = served.client.query_more(second["nextRecordsUrl"], identifier_is_url=True)

    assert list(first) == ["totalSize", "done", "nextRecordsUrl", "records"]
    assert [len(page["records"]) for page in (first, second, third)] == [2000, 2000, 100]
    assert {page["totalSize"] for page in (first, second, third)} == {4100}
    assert first["nextRecordsUrl"].endswith("-2000")
    assert third["done"]
    assert "nextRecordsUrl" not in third
    assert list(first["records"][0]) == ["attributes", "Id", "Name"]
    served.clock.now += timedelta(minutes=100)
    assert served.get("query/0r8xx0000000000000-2000").json()[0]["errorCode"] == (
        "INVALID_QUERY_LOCATOR"
    )


def test_long_texts_make_small_pages(served: Served) -> None:
    """One long text halves the page, two custom ones bring it down to 200."""
    for number in range(1500):
        served.org.org.store("Account", {"Name": f"A{number}"})

    one = served.client.query("SELECT Id, Description FROM Account")
    two = served.client.query("SELECT Id, Plan_Overview__c, Plan_Health__c FROM Account")
    asked = served.get("query", q="SELECT Id FROM Account")

    assert len(one["records"]) == 1000
    assert len(two["records"]) == 200
    assert len(asked.json()["records"]) == 1500


def test_records_created_changed_and_deleted(served: Served) -> None:
    """Row operations answer as recorded: 201 with id, 204, 404 for what is not there."""
    made = served.client.Account.create({"Name": "Acme"})
    changed = served.client.Account.update(made["id"], {"ARR__c": 12000.5})
    row = served.client.Account.get(made["id"])
    gone = served.client.Account.delete(made["id"])
    with pytest.raises(SalesforceResourceNotFound) as deleted:
        served.client.Account.get(made["id"])
    with pytest.raises(SalesforceResourceNotFound) as missing:
        served.client.Account.get("001000000000000AAA")

    assert made == {"id": made["id"], "success": True, "errors": []}
    assert (changed, gone) == (204, 204)
    assert row["ARR__c"] == 12000.5
    assert body(deleted)[0]["errorCode"] == "ENTITY_IS_DELETED"
    assert body(missing) == [
        {"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}
    ]


def test_field_made_by_api_needs_permission(served: Served) -> None:
    """A new Activity field shows on Task and Event only once it is granted and assigned."""
    task = {"Subject": "Call", "Syncd_Key__c": "k1"}
    served.client.toolingexecute(
        "sobjects/CustomField/",
        method="POST",
        data=field("Activity.Syncd_Key__c", externalId=True, unique=True),
    )
    names = {one["name"] for one in served.client.Task.describe()["fields"]}
    with pytest.raises(SalesforceMalformedRequest) as hidden:
        served.client.query("SELECT Syncd_Key__c FROM Task")
    granted = served.client.PermissionSet.create({"Name": "Syncd", "Label": "syncd"})["id"]
    for name in ("Task", "Event"):
        served.client.FieldPermissions.create(
            {
                "ParentId": granted,
                "SobjectType": name,
                "Field": f"{name}.Syncd_Key__c",
                "PermissionsRead": True,
                "PermissionsEdit": True,
            }
        )
    with pytest.raises(SalesforceMalformedRequest):
        served.client.Task.create(task)
    served.client.PermissionSetAssignment.create(
        {"AssigneeId": served.org.org.ids["integration"], "PermissionSetId": granted}
    )
    made = served.client.Task.create(task)
    found = served.client.toolingexecute(
        "query/",
        params={"q": "SELECT Id, DeveloperName FROM CustomField WHERE TableEnumOrId = 'Activity'"},
    )

    assert "Syncd_Key__c" not in names
    assert body(hidden)[0]["errorCode"] == "INVALID_FIELD"
    assert "No such column 'Syncd_Key__c' on entity 'Task'" in body(hidden)[0]["message"]
    assert made["success"]
    assert "Syncd_Key" in {one["DeveloperName"] for one in found["records"]}
    assert "Syncd_Key__c" in {one["name"] for one in served.client.Event.describe()["fields"]}


def test_read_only_field_access(served: Served) -> None:
    """A field that the user may read but not edit is refused by name when written."""
    served.org.set_field_access("Account", "ARR__c", read=True, edit=False)
    made = served.org.insert("Account", Name="Acme", ARR__c=5)

    with pytest.raises(SalesforceMalformedRequest) as refused:
        served.client.Account.update(made, {"ARR__c": 6})
    row = served.client.Account.get(made)
    served.org.set_field_access("Account", "ARR__c", read=False, edit=False)

    assert row["ARR__c"] == 5
    assert body(refused)[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert body(refused)[0]["fields"] == ["ARR__c"]
    assert "ARR__c" not in served.client.Account.get(made)


def test_limits_are_counted_and_refused(served: Served) -> None:
    """Each answer carries the usage; a used-up allowance is answered with 403."""
    served.org.daily_calls = served.org.used_calls + 2

    usage = served.get("limits").headers["Sforce-Limit-Info"]
    remaining = served.client.limits()["DailyApiRequests"]
    with pytest.raises(SalesforceRefusedRequest) as refused:
        served.client.query("SELECT Id FROM Account")

    assert usage == f"api-usage={served.org.daily_calls - 1}/{served.org.daily_calls}"
    assert remaining == {"Max": served.org.daily_calls, "Remaining": 0}
    assert body(refused) == [
        {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
    ]


def test_calls_are_listed(served: Served) -> None:
    """The calls made can be read and forgotten, here and over HTTP."""
    served.org.calls.clear()
    served.records("SELECT Id FROM User")

    listed = served.web.get(f"{served.server.url}/_sandbox/calls").json()

    assert listed == [{"method": "GET", "path": "query", "rows": 2, "status": 200}]
    served.web.delete(f"{served.server.url}/_sandbox/calls")
    assert served.org.calls == []


def test_deleted_and_updated(served: Served) -> None:
    """Deletions show in queryAll and getDeleted, changes in getUpdated, both by the minute."""
    kept = served.org.insert("Account", Name="Kept")
    lost = served.org.insert("Account", Name="Lost")
    served.clock.now += timedelta(minutes=5)
    start = served.clock.now
    served.org.edit("Account", kept, Name="Kept still")
    served.org.delete("Account", lost)
    served.clock.now += timedelta(minutes=5)

    updated = served.client.Account.updated(start, served.clock.now)
    deleted = served.client.Account.deleted(start, served.clock.now)
    everything = served.records("SELECT Id, IsDeleted FROM Account", include_deleted=True)
    backwards = served.get(
        "sobjects/Account/updated/", start="2026-03-10T12:00:00Z", end="2026-03-10T11:00:00Z"
    )

    assert updated == {"ids": [kept], "latestDateCovered": "2026-03-10T12:10:00.000+0000"}
    assert deleted["deletedRecords"] == [
        {"id": lost, "deletedDate": "2026-03-10T12:05:00.000+0000"}
    ]
    assert set(deleted) == {"deletedRecords", "earliestDateAvailable", "latestDateCovered"}
    assert {one["Id"]: one["IsDeleted"] for one in everything} == {kept: False, lost: True}
    assert [one["Id"] for one in served.records("SELECT Id FROM Account")] == [kept]
    assert backwards.json()[0]["errorCode"] == "INVALID_REPLICATION_DATE"


def test_state_is_dumped_and_loaded(served: Served, tmp_path: Path) -> None:
    """The whole state, schema included, survives a file and the network."""
    served.org.add_field("Account", "Mine__c", label="Mine", type="Number", precision=5, scale=0)
    made = served.org.insert("Account", Name="Acme", Mine__c=7)
    served.org.dump(tmp_path / "org.json")
    other = SalesforceSandbox(clock=served.clock)
    other.load(tmp_path / "org.json")
    url = f"{served.server.url}/_sandbox/state"
    text = served.web.get(url).content
    served.org.delete("Account", made)
    put = served.web.put(url, data=text)

    assert other.rows("Account") == served.org.rows("Account")
    assert other.rows("Account")[0]["Mine__c"] == 7
    assert put.status_code == 204
    assert served.records("SELECT Mine__c FROM Account")[0]["Mine__c"] == 7
    assert other.insert("Account", Name="Next") != made


def test_connection_settings_name_everything(tmp_path: Path) -> None:
    """The settings are those of a [connections.salesforce] table."""
    settings = SalesforceSandbox().connection_settings("https://127.0.0.1:1", tmp_path / "ca.pem")

    assert list(settings) == [
        "connector",
        "mapping",
        "instance_url",
        "api_version",
        "ca_file",
        "auth",
    ]


def test_versions_and_wrong_paths(served: Served) -> None:
    """The versions need no login; old versions, wrong paths and methods have their own codes."""
    versions = served.web.get(f"{served.server.url}/services/data").json()
    header = {"Authorization": f"Bearer {served.client.session_id}"}
    old = served.web.get(f"{served.server.url}/services/data/v25.0/limits", headers=header)
    wrong = served.web.put(f"{served.server.url}/services/data/v66.0/query", headers=header)
    long = served.get("query", q="SELECT Id FROM Account WHERE Name = '" + "x" * 17_000 + "'")

    assert versions[0] == {"label": "Summer '14", "url": "/services/data/v31.0", "version": "31.0"}
    assert {"label": "Spring '26", "url": "/services/data/v66.0", "version": "66.0"} in versions
    assert old.status_code == 410
    assert (wrong.status_code, wrong.json()[0]["errorCode"]) == (405, "METHOD_NOT_ALLOWED")
    assert long.status_code == 414
    assert served.get("").json()["query"] == "/services/data/v66.0/query"
    assert served.get("nothing").json()[0]["errorCode"] == "NOT_FOUND"
