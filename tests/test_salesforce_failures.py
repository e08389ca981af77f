"""The Salesforce connector when things go wrong: limits, broken answers, the address."""

from __future__ import annotations

import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
import salesforce_answers
import salesforce_org
from salesforce_answers import ACCOUNTS, HTML, pull, refused, rows
from salesforce_org import BASE, URL, connection
from urllib3 import HTTPSConnectionPool
from urllib3.exceptions import MaxRetryError, SSLError

from connectors.salesforce import SalesforceConnector
from syncd.errors import (
    AccessError,
    AllowanceError,
    IncompleteReadError,
    LoginError,
    UnreachableError,
)

org, waits = salesforce_org.org, salesforce_org.waits
sandbox, server = salesforce_org.sandbox, salesforce_org.server
salesforce = salesforce_answers.salesforce


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
    "told",
    [
        "api-usage=7400/15000",
        "api-usage=7400/15000; per-app-api-usage=17/250(appName=sample-app)",
        "per-app-api-usage=17/250(appName=sample-app); api-usage=7400/15000",
    ],
)
def test_the_orgs_own_count_is_taken_not_the_apps(
    org: responses.RequestsMock, salesforce: SalesforceConnector, told: str
) -> None:
    """Half of 15,000 is syncd's share, and everyone has used 7,400 of them: 100 are left."""
    org.get(f"{BASE}/query/", json=rows("001A"), headers={"Sforce-Limit-Info": told})

    pull(salesforce)

    assert salesforce.allowance().left == 100


EOF = ssl.SSLEOFError(8, "EOF occurred in violation of protocol")
"""The connection broke off during the TLS handshake."""
POOL = HTTPSConnectionPool("acme.my.salesforce.com")


@pytest.mark.parametrize(
    "bad",
    [
        {"body": HTML, "status": 503},
        {"body": HTML, "status": 200},
        {"body": '{"totalSize": 1, "done": true, "rec', "status": 200},
        {"json": {}, "status": 200},
        {"json": {"totalSize": 1, "done": True, "records": [None]}, "status": 200},
        {"json": {"totalSize": 1, "done": True, "records": [{"Name": "x"}]}, "status": 200},
        {"body": requests.ConnectionError("reset")},
        {"body": requests.exceptions.SSLError(MaxRetryError(POOL, "/", SSLError(EOF)))},
        {"body": requests.ReadTimeout("slow")},
        {"status": 429, "body": "", "headers": {"Retry-After": "2"}},
        {
            "status": 503,
            "body": HTML,
            "headers": {
                "Date": "Sun, 01 Mar 2026 10:00:00 GMT",
                "Retry-After": "Sun, 01 Mar 2026 10:00:02 GMT",
            },
        },
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

    with pytest.raises(LoginError, match=r"302.*My Domain address"):
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


def test_what_showed_nothing_is_read_from_its_beginning_again(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """An empty first answer costs a run; with a stamp to go on from it would cost the records."""
    org.get(f"{BASE}/query/", json=rows())
    org.get(f"{BASE}/query/", json=rows("001A"))
    (nothing,) = salesforce.pull(ACCOUNTS, None)
    (found,) = salesforce.pull(ACCOUNTS, nothing.cursor)

    assert list(nothing.records) == []
    assert [record.id for record in found.records] == ["001A"]
    assert found.cursor is not None
    assert "modstamp" in found.cursor


def test_a_row_of_no_date(org: responses.RequestsMock, salesforce: SalesforceConnector) -> None:
    """Nothing can be concluded from it, and nothing breaks."""
    answer = rows("001A")
    answer["records"][0]["SystemModstamp"] = "yesterday"
    org.get(f"{BASE}/query/", json=answer)

    with pytest.raises(IncompleteReadError, match="dates a record 'yesterday'"):
        pull(salesforce)


def test_a_describe_of_no_names_is_asked_for_again(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """A field without a name is no field."""
    org.get(f"{BASE}/sobjects/Case/describe", json={"name": "Case", "fields": [{"nome": "Id"}]})
    org.get(f"{BASE}/sobjects/Case/describe", json={"name": "Case", "fields": [{"name": "Id"}]})

    assert set(salesforce.schema("Case").fields) == {"Id"}


def test_missing_rows(org: responses.RequestsMock, salesforce: SalesforceConnector) -> None:
    """A result that is shorter than announced, over its pages, is no complete read."""
    org.get(f"{BASE}/query/", json=rows("001A", last=False, total=12))
    org.get(f"{BASE}/query/0r8-1", json=rows("001B", total=12))

    with pytest.raises(
        IncompleteReadError, match="Account: Salesforce announced 12 rows and gave 2"
    ):
        pull(salesforce)


def test_rows_missing_from_a_single_page(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """Nothing can have been deleted between pages: it is asked for again, and then given up."""
    short = org.get(f"{BASE}/query/", json=rows("001A", total=2))
    org.get(f"{BASE}/query/", json=rows("001A", "001B"))
    whole = [record.id for record in pull(salesforce)]
    org.remove(short)
    org.get(f"{BASE}/query/", json=rows("001A", total=2))

    assert whole == ["001A", "001B"]
    with pytest.raises(UnreachableError, match="Account: Salesforce announced 2 rows and gave 1"):
        pull(salesforce)


def test_proxy_of_the_environment(
    waits: list[float | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy named in the environment is used, and named when it does not answer."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    with pytest.raises(
        UnreachableError, match=r"the proxy http://127\.0\.0\.1:9 cannot be reached"
    ):
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
