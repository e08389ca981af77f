"""Salesforce's answers as a test words them, and a connector that is given them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import responses
from salesforce_org import BASE, connection

from connectors.salesforce import SalesforceConnector
from syncd.connector import FieldUpdate, Source

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
    return opened(org)


def opened(org: responses.RequestsMock) -> SalesforceConnector:
    """The same, for a test that gives its answers itself."""
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
