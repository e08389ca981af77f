"""simple-salesforce, unchanged, works against the sandbox over TLS."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceError,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.sandbox.server import SandboxServer


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        """Begin at a fixed moment."""
        self.now = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Now."""
        return self.now


class Stage:
    """An application that passes on to the one that a test puts up."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        await self.app(scope, receive, send)


class Served:
    """A sandbox on a free port with a logged-in client."""

    def __init__(self, server: SandboxServer, stage: Stage) -> None:
        """Put a new org up and log in."""
        self.clock = Clock()
        self.org = SalesforceSandbox(clock=self.clock)
        self.org.api.state["bulk_polls"] = 0
        stage.app = self.org.app
        self.server = server
        self.web = requests.Session()
        self.web.trust_env = False
        self.web.verify = str(server.ca_file)
        self.client: Any = self.login()  # its own annotations do not know its attributes

    def token(self, **form: str) -> requests.Response:
        """Ask the token endpoint."""
        return self.web.post(f"{self.server.url}/services/oauth2/token", data=form)

    def login(self) -> Salesforce:
        """Give a client with a session."""
        logins = self.org.logins
        answer = self.token(
            grant_type="client_credentials",
            client_id=logins.client_id,
            client_secret=logins.client_secret,
        ).json()
        return Salesforce(
            instance_url=self.server.url,
            session_id=answer["access_token"],
            session=self.web,
            version="66.0",
        )

    def records(self, soql: str, **more: Any) -> list[dict[str, Any]]:
        """Give all records of a query."""
        found: list[dict[str, Any]] = self.client.query_all(soql, **more)["records"]
        return found

    def get(self, path: str, **params: str) -> requests.Response:
        """Ask without the client."""
        headers = {"Authorization": f"Bearer {self.client.session_id}"}
        url = f"{self.server.url}/services/data/v66.0/{path}"
        return self.web.get(url, params=params, headers=headers)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SandboxServer, Stage]]:
    stage = Stage()
    ca_file = tmp_path_factory.mktemp("ca") / "ca.pem"
    with SandboxServer(stage, ca_file, hosts=SalesforceSandbox.hosts) as server:
        yield server, stage


@pytest.fixture
def served(stage: tuple[SandboxServer, Stage]) -> Iterator[Served]:
    one = Served(*stage)
    yield one
    one.web.close()


def body(error: pytest.ExceptionInfo[SalesforceError]) -> Any:
    return error.value.content


def field(name: str, **metadata: Any) -> dict[str, Any]:
    return {
        "FullName": name,
        "Metadata": {"label": "Made", "type": "Text", "length": 40} | metadata,
    }


def test_token_errors_have_oauth_shape(served: Served) -> None:
    """A wrong client, secret or grant is answered with OAuth's error object and status 400."""
    client = served.org.logins.client_id

    wrong_client = served.token(grant_type="client_credentials", client_id="x", client_secret="y")
    wrong_secret = served.token(
        grant_type="client_credentials", client_id=client, client_secret="y"
    )
    wrong_grant = served.token(grant_type="magic")

    assert wrong_client.status_code == 400
    assert wrong_client.json() == {
        "error": "invalid_client_id",
        "error_description": "client identifier invalid",
    }
    assert wrong_secret.json()["error"] == "invalid_client"
    assert wrong_grant.json() == {
        "error": "unsupported_grant_type",
        "error_description": "grant type not supported",
    }


def test_client_credentials_token_has_recorded_keys(served: Served) -> None:
    """A client-credentials token has signature and issued_at, and neither expiry nor refresh."""
    logins = served.org.logins

    answer = served.web.post(
        f"{served.server.url}/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(logins.client_id, logins.client_secret),
    ).json()

    assert set(answer) == {
        "access_token",
        "signature",
        "scope",
        "instance_url",
        "id",
        "token_type",
        "issued_at",
    }
    assert answer["issued_at"].isdigit()
    assert answer["instance_url"] == served.server.url


def test_jwt_bearer_login(served: Served) -> None:
    """A JWT signed with the registered key logs its subject in; an expired one does not."""
    logins = served.org.logins

    def assertion(minutes: int) -> str:
        expires = served.clock.now + timedelta(minutes=minutes)
        claims = {
            "iss": logins.client_id,
            "sub": logins.run_as,
            "aud": "https://login.salesforce.com",
            "exp": str(int(expires.timestamp())),
        }
        return jwt.encode(claims, logins.private_key(), algorithm="RS256")

    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    good = served.token(grant_type=grant, assertion=assertion(3))
    late = served.token(grant_type=grant, assertion=assertion(-1))

    assert good.status_code == 200
    assert "issued_at" not in good.json()
    assert late.json()["error"] == "invalid_grant"


def test_refresh_and_password_logins(served: Served) -> None:
    """The refresh-token and password grants work and refuse in the recorded words."""
    logins = served.org.logins
    app = {"client_id": logins.client_id, "client_secret": logins.client_secret}

    fresh = served.token(grant_type="refresh_token", refresh_token=logins.refresh_token, **app)
    stale = served.token(grant_type="refresh_token", refresh_token="gone", **app)
    word = served.token(
        grant_type="password", username=logins.run_as, password=logins.password, **app
    )
    bad = served.token(grant_type="password", username=logins.run_as, password="no", **app)

    assert fresh.status_code == word.status_code == 200
    assert stale.json()["error_description"] == "expired access/refresh token"
    assert bad.json() == {
        "error": "invalid_grant",
        "error_description": "authentication failure",
    }


def test_soap_login(served: Served) -> None:
    """SOAP login() gives a session that the REST API takes; a wrong password gives a fault."""
    logins = served.org.logins

    def login(password: str) -> requests.Response:
        envelope = (
            "<env:Envelope><env:Body><n1:login><n1:username>"
            f"{logins.run_as}</n1:username><n1:password>{password}</n1:password>"
            "</n1:login></env:Body></env:Envelope>"
        )
        return served.web.post(f"{served.server.url}/services/Soap/u/59.0", data=envelope)

    good = login(logins.password + logins.security_token)
    bad = login("no")

    assert good.status_code == 200
    token = good.text.split("<sessionId>")[1].split("<")[0]
    assert token in served.org.api.sessions
    assert bad.status_code == 500
    assert "INVALID_LOGIN" in bad.text


def test_expired_session_is_refused(served: Served) -> None:
    """After the sessions end, or two idle hours, a request is answered with 401."""
    served.org.expire_sessions()

    with pytest.raises(SalesforceExpiredSession) as ended:
        served.client.query("SELECT Id FROM Account")
    served.client = served.login()
    served.clock.now += timedelta(minutes=121)
    with pytest.raises(SalesforceExpiredSession):
        served.client.query("SELECT Id FROM Account")

    assert body(ended) == [
        {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
    ]


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
