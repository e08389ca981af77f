"""The Salesforce connector when things go wrong: logins, limits, broken answers, refused rows."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import certifi
import jwt
import pytest
import requests
import responses
import salesforce_org
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import ValidationError
from salesforce_org import AUTH, BASE, TOKEN_URL, URL, connection

from connectors.salesforce import SalesforceConnector
from connectors.sandbox.server import SandboxServer
from syncd.connector import (
    FieldUpdate,
    Outcome,
    Source,
    TaskShape,
    TaskUpsert,
    Value,
    WriteResult,
)
from syncd.errors import (
    AccessError,
    AllowanceError,
    IncompleteReadError,
    LoginError,
    RequestError,
    UnreachableError,
)

org, waits = salesforce_org.org, salesforce_org.waits
sandbox, server = salesforce_org.sandbox, salesforce_org.server

ACCOUNTS = Source("accounts", "Account", ("Name",))
PATCH = f"{BASE}/composite/sobjects"
DESCRIBE = {
    "name": "Account",
    "createable": True,
    "updateable": True,
    "fields": [
        {"name": name, "type": kind, "label": name}
        for name, kind in (("Id", "id"), ("Name", "string"), ("SystemModstamp", "datetime"))
    ],
}
HTML = "<!DOCTYPE html><html><head><title>Down for Maintenance</title></head></html>"


@pytest.fixture
def salesforce(org: responses.RequestsMock, waits: list[float | None]) -> SalesforceConnector:
    """An open connection to an org that knows accounts."""
    org.get(f"{BASE}/sobjects/Account/describe", json=DESCRIBE)
    made = connection()
    made.open()
    return made


def rows(*ids: str, last: bool = True, total: int | None = None) -> dict[str, Any]:
    """A query's answer with accounts of these ids."""
    found = [{"Id": id, "Name": id, "SystemModstamp": "2026-05-06T11:56:44.000+0000"} for id in ids]
    more = {} if last else {"nextRecordsUrl": "/services/data/v66.0/query/0r8-1"}
    return {"totalSize": total or len(ids), "done": last, "records": found, **more}


def refused(code: str, text: str, status: int = 400) -> dict[str, Any]:
    """The arguments of an error answer."""
    return {"json": [{"errorCode": code, "message": text}], "status": status}


def posted(mock: responses.RequestsMock, url: str) -> list[Any]:
    """The JSON bodies sent to that address, in order."""
    return [
        json.loads(call.request.body or "{}")
        for call in mock.calls
        if (call.request.url or "").startswith(url) and call.request.method != "GET"
    ]


def changes(count: int) -> list[FieldUpdate]:
    """Updates of so many accounts."""
    return [FieldUpdate(f"001{n:015}", {"Name": f"n{n}"}) for n in range(count)]


def lines(count: int, **instead: Any) -> list[dict[str, Any]]:
    """A collections answer of so many good lines."""
    return [{"id": f"001{n:015}", "success": True, "errors": []} | instead for n in range(count)]


def pull(connector: SalesforceConnector, cursor: dict[str, Any] | None = None) -> list[Any]:
    """All records of a pull."""
    return [record for page in connector.pull(ACCOUNTS, cursor) for record in page.records]


@pytest.mark.parametrize(
    ("body", "words", "tries"),
    [
        (
            {"error": "invalid_client_id", "error_description": "client identifier invalid"},
            "client_id is not known to this org",
            2,
        ),
        (
            {"error": "invalid_grant", "error_description": "expired access/refresh token"},
            "authorise anew",
            1,
        ),
        (
            {"error": "invalid_grant", "error_description": "no client credentials user enabled"},
            "no run-as user",
            1,
        ),
    ],
)
def test_login_refused(
    org: responses.RequestsMock, body: dict[str, str], words: str, tries: int
) -> None:
    """A refused login says in plain words what to mend, without the secret.

    Only a client that is not known is sent once more, its credentials in the form.
    """
    org.replace("POST", TOKEN_URL, json=body, status=400)

    with pytest.raises(LoginError, match=words) as caught:
        connection().open()

    assert len(org.calls) == tries
    assert "a-secret" not in str(caught.value)


def test_login_redirected(org: responses.RequestsMock) -> None:
    """A login that is sent elsewhere names where; no credentials follow."""
    org.replace("POST", TOKEN_URL, status=302, headers={"Location": "https://other.example/x"})

    with pytest.raises(LoginError, match=r"other\.example"):
        connection().open()

    assert len(org.calls) == 1


def test_login_answered_by_a_page(org: responses.RequestsMock, waits: list[Any]) -> None:
    """A web page instead of a token is tried a few times, then told as what it is."""
    org.replace("POST", TOKEN_URL, body=HTML)

    with pytest.raises(UnreachableError, match="Down for Maintenance"):
        connection().open()

    assert len(org.calls) == 4


def test_unreachable_host(waits: list[Any]) -> None:
    """A host that refuses connections ends in UnreachableError that names it."""
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:9 cannot be reached"):
        connection(instance_url="https://127.0.0.1:9").open()


def test_untrusted_certificate(server: SandboxServer) -> None:
    """An unknown certificate authority points to ca_file, and is not tried again."""
    with pytest.raises(UnreachableError, match="ca_file"):
        connection(instance_url=server.url).open()


def test_ca_file_wins_over_the_environment(
    sandbox: Any, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CA bundle named in the environment does not push the configured one aside."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    given = sandbox.connection_settings(server.url, server.ca_file)
    made = connection(**{key: given[key] for key in ("instance_url", "ca_file", "auth")})

    made.open()
    made.close()

    assert made.calls.other == 1


def test_flows(org: responses.RequestsMock) -> None:
    """Each flow posts its own form; a JWT is signed, short-lived and addressed to Salesforce."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    app = {"client_id": "app"}
    flows: list[dict[str, str]] = [
        {"flow": "jwt", **app, "username": "u@acme.example", "private_key": pem},
        {"flow": "refresh_token", **app, "refresh_token": "r"},
        {
            "flow": "password",
            **app,
            "client_secret": "s",
            "username": "u",
            "password": "p",
            "security_token": "t",
        },
    ]
    for auth in flows:
        connection(auth=auth).open()
    forms = [parse_qs(str(call.request.body)) for call in org.calls]

    claims = jwt.decode(
        forms[0]["assertion"][0],
        key.public_key(),
        algorithms=["RS256"],
        audience="https://login.salesforce.com",
    )
    assert claims["iss"] == "app"
    assert claims["sub"] == "u@acme.example"
    assert isinstance(claims["exp"], int)
    assert forms[1] == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["r"],
        "client_id": ["app"],
    }
    assert forms[2]["password"] == ["pt"]


def test_broken_private_key() -> None:
    """A key that is no key is told without showing it."""
    auth = {"flow": "jwt", "client_id": "app", "username": "u", "private_key": "hush-hush"}
    with pytest.raises(LoginError, match="PEM") as caught:
        connection(auth=auth).open()

    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"instance_url": "http://acme.my.salesforce.com"}, "plain http:// is refused"),
        ({"instance_url": "acme.my.salesforce.com"}, "must be the org's address"),
        ({"instance_url": "https://login.salesforce.com"}, "My Domain"),
        ({"auth": {"flow": "jwt", "client_id": "x"}}, "also needs username, private_key"),
        ({"auth": AUTH | {"scope": "api"}}, "Extra inputs"),
        ({"api_version": "latest"}, "REST API version"),
    ],
)
def test_settings_refused(change: dict[str, Any], words: str) -> None:
    """Wrong settings are refused in words that say what to write instead."""
    with pytest.raises(ValidationError, match=words):
        connection(**change)


def test_settings_hide_secrets() -> None:
    """Neither the settings nor their dump show a secret."""
    settings = connection().settings

    assert "a-secret" not in repr(settings) + settings.model_dump_json()


def test_expired_session_is_renewed_once(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """One expiry costs one login, and the call is made again with the new token."""
    url = f"{BASE}/query/"
    org.get(url, **refused("INVALID_SESSION_ID", "Session expired or invalid", 401))
    org.get(url, json=rows("001A"))
    org.replace("POST", TOKEN_URL, json=salesforce_org.TOKEN | {"access_token": "two"})

    assert [record.id for record in pull(salesforce)] == ["001A"]

    logins = [call for call in org.calls if call.request.url == TOKEN_URL]
    assert len(logins) == 2
    assert org.calls[-1].request.headers["Authorization"] == "Bearer two"


def test_session_that_never_works_is_no_loop(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """A token that is refused right after the login ends the run."""
    org.get(f"{BASE}/query/", **refused("INVALID_SESSION_ID", "not valid for the REST API", 401))

    with pytest.raises(LoginError, match="not valid for the REST API"):
        pull(salesforce)

    assert sum(call.request.url == TOKEN_URL for call in org.calls) == 2


def test_nothing_logs_out(salesforce: SalesforceConnector, org: responses.RequestsMock) -> None:
    """Closing makes no call: others may share the session."""
    before = len(org.calls)
    salesforce.close()

    assert len(org.calls) == before
    with pytest.raises(LoginError, match="not open"):
        salesforce.identity()


def test_daily_limit(org: responses.RequestsMock, salesforce: SalesforceConnector) -> None:
    """The org's own daily limit stops the run, and is not tried again."""
    url = f"{BASE}/query/"
    org.get(url, **refused("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", 403))

    with pytest.raises(AllowanceError, match="TotalRequests"):
        pull(salesforce)

    assert salesforce.calls.read == 1


def test_concurrent_limit(org: responses.RequestsMock, salesforce: SalesforceConnector) -> None:
    """Too many long calls at once is waited out."""
    url = f"{BASE}/query/"
    text = "ConcurrentPerOrgLongTxn Limit exceeded."
    org.get(url, **refused("REQUEST_LIMIT_EXCEEDED", text, 403))
    org.get(url, json=rows("001A"))

    assert len(pull(salesforce)) == 1


def test_share_of_the_day(org: responses.RequestsMock, salesforce: SalesforceConnector) -> None:
    """Calls of everyone count; once the share is used no further call is made."""
    usage = {"Sforce-Limit-Info": "api-usage=7500/15000; per-app-api-usage=1/9(appName=syncd)"}
    org.get(f"{BASE}/query/", json=rows("001A"), headers=usage)
    pull(salesforce)
    before = len(org.calls)

    with pytest.raises(AllowanceError, match="7500 of the org's 15000"):
        pull(salesforce)

    assert len(org.calls) == before
    assert salesforce.allowance().left == 0


@pytest.mark.parametrize(
    "bad",
    [
        {"body": HTML, "status": 503},
        {"body": HTML, "status": 200},
        {"body": '{"totalSize": 1, "done": true, "rec', "status": 200},
        {"json": {}, "status": 200},
        {"body": requests.ConnectionError("reset")},
        {"body": requests.ReadTimeout("slow")},
        {"status": 429, "body": "", "headers": {"Retry-After": "2"}},
        {"json": [{"errorCode": "UNKNOWN_EXCEPTION", "message": "ErrorId 1"}], "status": 500},
    ],
)
def test_reads_are_repeated(
    org: responses.RequestsMock,
    salesforce: SalesforceConnector,
    waits: list[Any],
    bad: dict[str, Any],
) -> None:
    """A read with a broken or passing answer is made again, heeding the wait that was named."""
    org.get(f"{BASE}/query/", **bad)
    org.get(f"{BASE}/query/", json=rows("001A"))

    assert [record.id for record in pull(salesforce)] == ["001A"]
    assert waits == [2.0 if "headers" in bad else None]


def test_no_redirect_to_another_host(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """The token is not carried to a host that a redirect names."""
    org.get(f"{BASE}/query/", status=302, headers={"Location": "https://evil.example/"})

    with pytest.raises(RequestError, match="302"):
        pull(salesforce)


def test_unknown_field(org: responses.RequestsMock, salesforce: SalesforceConnector) -> None:
    """A field that vanished is named with its object and the click path."""
    text = (
        "\nSELECT Foo__c FROM Account\n       ^\nERROR at Row:1:Column:8\n"
        "No such column 'Foo__c' on entity 'Account'. If you are attempting to use a custom field"
    )
    org.get(f"{BASE}/query/", **refused("INVALID_FIELD", text))

    with pytest.raises(AccessError, match=r"INVALID_FIELD: No such column 'Foo__c'") as caught:
        pull(salesforce)

    assert caught.value.object == "Account"
    assert caught.value.fields == ("Foo__c",)
    assert "Object Manager > Account > Fields & Relationships > Foo__c" in caught.value.remedy


def test_unknown_object(org: responses.RequestsMock, salesforce: SalesforceConnector) -> None:
    """An object that is not there is an AccessError, not a crash."""
    org.get(f"{BASE}/sobjects/Nope__c/describe", **refused("NOT_FOUND", "does not exist", 404))

    with pytest.raises(AccessError, match=r"Nope__c does not exist"):
        salesforce.schema("Nope__c")


def test_lost_locator(org: responses.RequestsMock, salesforce: SalesforceConnector) -> None:
    """A result that Salesforce dropped half-way is gone on with behind the last id."""
    org.get(f"{BASE}/query/", json=rows("001A", last=False, total=2))
    org.get(f"{BASE}/query/0r8-1", **refused("INVALID_QUERY_LOCATOR", "invalid query locator"))
    org.get(f"{BASE}/query/", json=rows("001B"))

    assert [record.id for record in pull(salesforce)] == ["001A", "001B"]
    assert "Id+%3E+%27001A%27" in str(org.calls[-1].request.url)


def test_missing_rows(org: responses.RequestsMock, salesforce: SalesforceConnector) -> None:
    """A result far shorter than announced is no complete read."""
    org.get(f"{BASE}/query/", json=rows("001A", total=900))

    with pytest.raises(IncompleteReadError, match="announced 900 rows and gave 1"):
        pull(salesforce)


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
    """Tasks of one account share a batch, at no more calls than rows need."""
    org.patch(f"{PATCH}/Task/Key__c", json=lines(200, created=True))
    org.patch(f"{PATCH}/Task/Key__c", json=lines(50, created=True))
    tasks = [TaskUpsert(f"k{n}", {}, f"001{n % 100}") for n in range(250)]
    shape = TaskShape("Task", "Key__c", "WhatId")

    results = dict(salesforce.upsert_tasks(shape, tasks))

    assert sorted(results) == list(range(250))
    bodies = posted(org, PATCH)
    accounts = [{row["WhatId"] for row in body["records"]} for body in bodies]
    assert not accounts[0] & accounts[1]
    assert salesforce.write_calls({"Account": 201}, 250) == 4
    assert salesforce.calls.write == 2


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


def bulk_org(org: responses.RequestsMock, *states: str) -> None:
    """Answers for a bulk query whose job goes through these states."""
    org.get(f"{BASE}/query/", json=rows("001A", last=False, total=60_000))
    org.post(f"{BASE}/jobs/query", json={"id": "750A", "state": "UploadComplete"})
    for state in states:
        job = {"id": "750A", "state": state, "numberRecordsProcessed": 2, "errorMessage": "why"}
        org.get(f"{BASE}/jobs/query/750A", json=job)


def stored(text: str, locator: str = "null", count: int = 1) -> dict[str, Any]:
    """The arguments of a page of bulk results."""
    headers = {"Sforce-Locator": locator, "Sforce-NumberOfRecords": str(count)}
    return {"body": text, "headers": headers}


HEAD = '"Id","SystemModstamp","Name"\n'
FIRST = f'{HEAD}"001A","2026-05-06T11:56:44.000Z","a, ""b"""\n'
SECOND = f'{HEAD}"001B","2026-05-06T11:56:44.000Z",""\n'


def test_bulk_job_outlives_a_restart(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """The job's id is the first cursor, and a later pull reads on from the page it had reached."""
    bulk_org(org, "InProgress", "JobComplete")
    results = f"{BASE}/jobs/query/750A/results"
    org.get(results, **stored(FIRST, "MQ"))
    org.get(results, **stored(SECOND))
    pages = list(salesforce.pull(ACCOUNTS, None))

    assert pages[0].records == ()
    assert pages[0].cursor is not None
    assert pages[0].cursor["job"] == "750A"
    assert [page.records[0].fields for page in pages[1:]] == [{"Name": 'a, "b"'}, {"Name": None}]
    assert "modstamp" in (pages[2].cursor or {})

    org.replace("GET", results, **stored(SECOND))
    again = list(salesforce.pull(ACCOUNTS, pages[1].cursor))

    assert [record.id for page in again for record in page.records] == ["001B"]
    assert "locator=MQ" in str(org.calls[-1].request.url)


@pytest.mark.parametrize("state", ["Failed", "Aborted"])
def test_bulk_job_that_failed(
    org: responses.RequestsMock, salesforce: SalesforceConnector, state: str
) -> None:
    """A job that ended badly gives nothing away: what it was to bring is read page by page."""
    bulk_org(org, "InProgress", state)
    more = f"{URL}/services/data/v66.0/query/0r8-1"
    org.get(more, json=rows("001B"))
    org.get(f"{BASE}/query/", json=rows("001A", last=False, total=2))

    assert [record.id for record in pull(salesforce)] == ["001A", "001B"]
    assert len(posted(org, f"{BASE}/jobs/query")) == 1


def test_bulk_that_always_fails(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """Where no job can be made, for whatever reason, the pages are read instead."""
    more = f"{URL}/services/data/v66.0/query/0r8-1"
    org.get(f"{BASE}/query/", json=rows("001A", last=False, total=60_000))
    org.post(f"{BASE}/jobs/query", status=500, body=HTML)
    org.get(more, json=rows("001B", total=60_000))

    with pytest.raises(IncompleteReadError, match="announced 60000 rows and gave 2"):
        pull(salesforce)


def test_bulk_job_that_failed_in_between(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """A kept job that failed since is not waited for: the pull begins anew."""
    bulk_org(org, "Failed")
    org.replace("GET", f"{BASE}/query/", json=rows("001A"))
    cursor = {"started": "2026-05-06T11:56:44Z", "job": "750A"}

    assert [record.id for record in pull(salesforce, cursor)] == ["001A"]


def test_bulk_results_gone(org: responses.RequestsMock, salesforce: SalesforceConnector) -> None:
    """Results that Salesforce no longer keeps are read page by page."""
    bulk_org(org, "JobComplete")
    text = "Unable to find a locator"
    org.get(f"{BASE}/jobs/query/750A/results", **refused("INVALIDLOCATOR", text))
    org.replace("GET", f"{BASE}/query/", json=rows("001A"))
    cursor = {"started": "2026-05-06T11:56:44Z", "job": "750A", "locator": "MQ", "count": 1}

    assert [record.id for record in pull(salesforce, cursor)] == ["001A"]


def test_bulk_deadline(org: responses.RequestsMock, waits: list[Any]) -> None:
    """A job that takes too long ends the run; it goes on by itself."""
    org.get(f"{BASE}/sobjects/Account/describe", json=DESCRIBE)
    bulk_org(org, "InProgress")
    slow = connection(limits={"bulk_deadline_minutes": 0.0001})
    slow.open()

    with pytest.raises(IncompleteReadError, match="next run takes it up"):
        pull(slow)


def test_bulk_results_cut_short(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """A page with fewer rows than it announces is asked for again; a short whole is an error."""
    bulk_org(org, "JobComplete")
    results = f"{BASE}/jobs/query/750A/results"
    org.get(results, **stored(FIRST, count=2))
    org.get(results, **stored(FIRST))

    with pytest.raises(IncompleteReadError, match="found 2 rows and gave 1"):
        pull(salesforce)


def ingest_org(org: responses.RequestsMock, state: str, done: str = "", failed: str = "") -> None:
    """Answers for a bulk update whose job ends like this."""
    job = f"{BASE}/jobs/ingest/750B"
    org.post(f"{BASE}/jobs/ingest", json={"id": "750B", "state": "Open"})
    org.put(f"{job}/batches", status=201)
    org.patch(job, json={"id": "750B", "state": "UploadComplete"})
    org.get(job, json={"id": "750B", "state": state, "errorMessage": "why"})
    for name, rows in (("successfulResults", done), ("failedResults", failed)):
        head = '"sf__Id","sf__Created","sf__Error","Id","Name"\n'
        org.get(f"{job}/{name}", body=head + rows)


def bulk_update(waits: list[Any], rows: int) -> dict[int, WriteResult]:
    """The results of so many updates by a connection that uses Bulk API from two rows on."""
    made = connection(limits={"bulk_write_threshold": 1, "bulk_deadline_minutes": 0.0001})
    made.open()
    results = dict(made.update("Account", changes(rows)))
    made.close()
    return results


def ingested(n: int, error: str = "") -> str:
    """A line of a job's results."""
    id = f"001{n:015}"
    return f'"{id}","false","{error}","{id}","n{n}"\n'


def test_bulk_rows_by_their_own_results(
    org: responses.RequestsMock, waits: list[float | None]
) -> None:
    """A job that is complete may have failed rows, rows to send again, and rows it never names."""
    refused_row = ingested(1, "FIELD_CUSTOM_VALIDATION_EXCEPTION:No: really:Name --")
    locked_row = ingested(2, "UNABLE_TO_LOCK_ROW:busy:--")
    ingest_org(org, "JobComplete", ingested(0), refused_row + locked_row)
    org.patch(PATCH, json=[{"id": f"001{2:015}", "success": True, "errors": []}])

    found = bulk_update(waits, 4)

    assert [found[n].outcome for n in range(4)] == ["done", "rejected", "done", "unknown"]
    assert (found[1].code, found[1].fields) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", ("Name",))
    assert found[1].message == "No: really"
    assert [row["id"] for row in posted(org, PATCH)[0]["records"]] == [f"001{2:015}"]


@pytest.mark.parametrize(
    ("state", "outcomes", "sent"),
    [
        ("Failed", ["done", "done"], 1),
        ("Aborted", ["done", "deferred"], 0),
        ("InProgress", ["unknown", "unknown"], 0),
    ],
)
def test_bulk_write_that_does_not_end_well(
    org: responses.RequestsMock,
    waits: list[float | None],
    state: str,
    outcomes: list[str],
    sent: int,
) -> None:
    """A failed job's rows go by collections, an aborted one's wait, an endless one's are open."""
    ingest_org(org, state, ingested(0))
    org.patch(PATCH, json=lines(1))

    found = bulk_update(waits, 2)

    assert [found[n].outcome for n in range(2)] == outcomes
    assert len(posted(org, PATCH)) == sent


def test_bulk_that_is_not_to_be_had(org: responses.RequestsMock, waits: list[float | None]) -> None:
    """Without Bulk API the rows go by collections."""
    org.post(f"{BASE}/jobs/ingest", **refused("NOT_FOUND", "no such thing", 404))
    org.patch(PATCH, json=lines(3))

    found = bulk_update(waits, 3)

    assert {one.outcome for one in found.values()} == {Outcome.DONE}


def test_proxy_of_the_environment(
    waits: list[float | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy named in the environment is used, and named when it does not answer."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    with pytest.raises(UnreachableError, match=r"acme\.my\.salesforce\.com cannot be reached"):
        connection().open()


def test_importing_the_connector_is_cheap() -> None:
    """simple-salesforce is not imported before a connection is opened."""
    code = "import connectors.salesforce, sys; print('simple_salesforce' in sys.modules)"
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )

    assert done.stdout.strip() == "False"


def test_address_of_the_org() -> None:
    """A record's page is below the org's address, whatever stood behind it in the settings."""
    made = connection(instance_url=f"{URL}/lightning/")

    assert made.record_url("Account", "001A") == f"{URL}/lightning/r/Account/001A/view"
