"""What a careless or hostile client sends the portal is refused in HubSpot's own way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hubspot_portal import Client, Clock, serving

from connectors.hubspot.sandbox import HubSpotSandbox

COMPANIES = "/crm/v3/objects/companies"
LINKS = "/crm/v4/associations/companies/deals/batch"
PROPERTY = {"name": "zz", "label": "z", "groupName": "companyinformation"}
TEXT = {**PROPERTY, "type": "string", "fieldType": "text"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with serving(HubSpotSandbox(clock=Clock()), tmp_path_factory.mktemp("hostile")) as found:
        yield found


def raw(
    client: Client, method: str, path: str, body: bytes, media: str = "application/json"
) -> tuple[int, dict[str, Any]]:
    """Status and error of a request whose body need not be JSON."""
    headers = {"Authorization": f"Bearer {client.token}", "Content-Type": media}
    answer = client.pool.request(method, client.url + path, body=body, headers=headers)
    return answer.status, json.loads(answer.data)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<a/>", "Invalid input JSON on line 1, column 1: Unexpected character ('<' (code 60))"),
        (b'{\n"a":', "Invalid input JSON on line 2, column 5: Unexpected end-of-input"),
        (b"[" * 5000, "Invalid input JSON: the body is nested too deeply"),
        (b"[1]", "Invalid input JSON: the body must be an object"),
    ],
)
@pytest.mark.parametrize("path", [COMPANIES, f"{COMPANIES}/search", f"{COMPANIES}/batch/update"])
def test_bodies_that_are_no_object(client: Client, path: str, body: bytes, message: str) -> None:
    """The place is told, and nothing of the sandbox's inside."""
    status, error = raw(client, "POST", path, body)

    assert (status, error["message"]) == (400, message)
    assert error["status"] == "error"
    assert error["correlationId"]


def test_other_media_are_not_taken(client: Client) -> None:
    """A body that calls itself something else than JSON is a 415."""
    status, error = raw(client, "POST", COMPANIES, b'{"properties":{}}', "text/plain")

    assert (status, error["message"]) == (415, "HTTP 415 Unsupported Media Type")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", COMPANIES),
        ("OPTIONS", COMPANIES),
        ("GET", "/oauth/v1/token"),
    ],
)
def test_other_methods(client: Client, method: str, path: str) -> None:
    """A known place refuses an unknown method."""
    status, error = raw(client, method, path, b"")

    assert (status, error["message"]) == (405, "HTTP 405 Method Not Allowed")


def test_head_has_no_body(client: Client) -> None:
    """HEAD is GET without its body."""
    headers = {"Authorization": f"Bearer {client.token}"}
    answer = client.pool.request("HEAD", client.url + COMPANIES, headers=headers)

    assert (answer.status, answer.data) == (200, b"")


@pytest.mark.parametrize("verb", ["read", "create", "associate/default", "archive"])
@pytest.mark.parametrize(
    "one",
    [
        {},
        {"from": "x", "to": "y"},
        {"from": {"id": "1"}, "to": 5, "types": [{"associationTypeId": "abc"}]},
        {"from": {"id": {}}, "to": [5], "types": [5]},
    ],
)
def test_associations_without_form(client: Client, verb: str, one: Any) -> None:
    """Ends that are none are refused, for the whole batch or in its errors."""
    status, answer = client.call("POST", f"{LINKS}/{verb}", {"inputs": [one]})
    (error,) = answer.get("errors") or [answer]

    assert status in (207, 400)
    assert error["message"].startswith("Invalid input JSON") or "not a valid ID" in error["message"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/crm/v3/properties/companies", {**TEXT, "displayOrder": "x"}),
        ("/crm/v3/properties/companies", {**TEXT, "displayOrder": [1]}),
        ("/crm/v3/properties/companies", {**TEXT, "options": 5}),
        ("/crm/v3/properties/companies/groups", {"name": "g", "label": "g", "displayOrder": "x"}),
        ("/crm/v3/pipelines/deals", {"label": "x", "stages": "y"}),
        ("/crm/v3/pipelines/deals", {"label": "x", "stages": [1]}),
        ("/crm/v3/pipelines/deals", {"label": "x", "stages": [{"metadata": "z"}]}),
        ("/crm/v3/schemas", {"name": "x", "labels": "y"}),
        ("/crm/v3/schemas", {"name": "x", "labels": {"singular": "x"}, "properties": [5]}),
        (f"{COMPANIES}/search", {"sorts": 5}),
        (f"{COMPANIES}/search", {"filterGroups": [{"filters": [{"propertyName": "name"}]}]}),
        (f"{COMPANIES}/merge", {}),
    ],
)
def test_definitions_and_searches_without_form(client: Client, path: str, body: Any) -> None:
    """Each is a 400 that names what is wrong."""
    status, error = client.call("POST", path, body)

    assert status == 400
    assert error["message"].startswith("Invalid input JSON: ")


def test_a_state_that_is_none_changes_nothing(client: Client) -> None:
    """A wrong file is refused, and the portal goes on as it was."""
    _, before = client.call("GET", "/_sandbox/state")
    status, _ = raw(client, "PUT", "/_sandbox/state", b"{}")

    assert status == 400
    assert client.call("GET", "/_sandbox/state")[1] == before
