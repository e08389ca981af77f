"""What a careless or hostile client sends the org is refused in the API's own way."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.sandbox.server import SandboxServer

DATA = "/services/data/v66.0"


class Web:
    """Plain requests with a session's token."""

    def __init__(self, server: SandboxServer, made: SalesforceSandbox) -> None:
        self.made = made
        self.url = server.url
        self.web = requests.Session()
        self.web.trust_env = False  # the environment's list of authorities would come first
        self.web.verify = str(server.ca_file)
        self.web.headers["Authorization"] = f"Bearer {made.api.login(made.org.ids['integration'])}"

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.web.request(method, self.url + path, timeout=30, **more)

    def refused(self, method: str, path: str, **more: Any) -> tuple[int, str, str]:
        """Status, code and message of a refusal in the shape of the REST API."""
        answer = self.call(method, path, **more)
        (one,) = answer.json()
        return answer.status_code, one["errorCode"], one["message"]


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    made = SalesforceSandbox()
    with SandboxServer(made.app, tmp_path_factory.mktemp("ca") / "ca.pem") as server:
        found = Web(server, made)
        yield found
        found.web.close()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/services/async/66.0/job", 404),
        ("GET", "/%00", 404),
        ("GET", "/services/oauth2/token", 405),
        ("OPTIONS", f"{DATA}/limits", 405),
        ("TRACE", f"{DATA}/limits", 405),
        ("PATCH", f"{DATA}/sobjects/Account", 405),
    ],
)
def test_unknown_places_and_methods(web: Web, method: str, path: str, status: int) -> None:
    """Wherever it is asked, the refusal is the API's list of one error."""
    told, code, _ = web.refused(method, path)

    assert told == status
    assert code == {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}[status]


@pytest.mark.parametrize("media", ["application/xml", "text/plain", "text/csv"])
def test_other_media_are_not_taken(web: Web, media: str) -> None:
    """A body that calls itself something else than JSON is a 415."""
    status, code, message = web.refused(
        "POST", f"{DATA}/sobjects/Account", data='{"Name":"x"}', headers={"Content-Type": media}
    )

    assert (status, code) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert message.endswith(media)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<a/>", "Unexpected character ('<' (code 60)) at [line:1, column:1]"),
        (b'{\n "Name":', "Unexpected end-of-input at [line:2, column:9]"),
        (b'{"Name":NaN}', "Unexpected character ('N' (code 78)) at [line:1, column:9]"),
        (b"[" * 5000, "The HTTP entity body is nested too deeply."),
        (
            b'{"Name":{"a":1}}',
            (
                "Cannot deserialize instance of string from START_OBJECT value { or request may "
                "be missing a required field at [line:1, column:2]"
            ),
        ),
    ],
)
def test_bodies_that_are_no_record(web: Web, body: bytes, message: str) -> None:
    """The parser's own words, with the place; nothing of the sandbox's inside."""
    headers = {"Content-Type": "application/json"}

    assert web.refused("POST", f"{DATA}/sobjects/Account", data=body, headers=headers) == (
        400,
        "JSON_PARSER_ERROR",
        message,
    )


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("composite", {"compositeRequest": [{"method": "GET", "referenceId": "a"}]}),
        ("composite", {"compositeRequest": [7]}),
        ("composite/batch", {"batchRequests": [{}]}),
        ("composite/graph", {"graphs": [7]}),
        ("composite/graph", {"graphs": [{"compositeRequest": [7]}]}),
        ("composite/sobjects/Account", {"ids": ["001"], "fields": 5}),
    ],
)
def test_composites_without_form(web: Web, path: str, body: Any) -> None:
    """Subrequests that are none are a 400 for the whole request."""
    status, code, _ = web.refused("POST", f"{DATA}/{path}", json=body)

    assert (status, code) == (400, "JSON_PARSER_ERROR")


def test_a_date_beyond_the_calendar(web: Web) -> None:
    """A literal that no calendar holds is malformed."""
    soql = "SELECT Id FROM Account WHERE CreatedDate = LAST_N_DAYS:99999999999"
    status, code, message = web.refused("GET", f"{DATA}/query", params={"q": soql})

    assert (status, code) == (400, "MALFORMED_QUERY")
    assert "LAST_N_DAYS:99999999999" in message


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"Name\na,b\n", "InvalidBatch : Row 1 has more columns than the header"),
        (b"\xff\xfe\x00", "InvalidBatch : The data is no CSV in UTF-8"),
    ],
)
def test_bulk_data_that_is_no_table(web: Web, data: bytes, error: str) -> None:
    """The job fails as a whole and says why."""
    asked = {"operation": "insert", "object": "Account", "contentType": "CSV", "lineEnding": "LF"}
    job = f"{DATA}/jobs/ingest/{web.call('POST', f'{DATA}/jobs/ingest', json=asked).json()['id']}"
    web.call("PUT", f"{job}/batches", data=data, headers={"Content-Type": "text/csv"})
    web.call("PATCH", job, json={"state": "UploadComplete"})
    told = [web.call("GET", job).json() for _ in range(3)][-1]

    assert (told["state"], told["errorMessage"]) == ("Failed", error)


def test_compressed_requests_are_taken(web: Web) -> None:
    """A body in gzip is read; one that only says so is refused."""
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    path = f"{DATA}/sobjects/Account"
    made = web.call("POST", path, data=gzip.compress(b'{"Name":"Packed"}'), headers=headers)
    refused = web.refused("POST", path, data=b'{"Name":"Plain"}', headers=headers)

    assert made.status_code == 201
    assert "Packed" in {row["Name"] for row in web.made.rows("Account")}
    assert refused[:2] == (400, "INVALID_INPUT")


def test_logins_without_sense(web: Web) -> None:
    """Bytes that are no text, and a token that was never given, get OAuth's errors."""
    token = web.call("POST", "/services/oauth2/token", data=b"\xff\xfe")
    revoked = web.call("POST", "/services/oauth2/revoke", data={"token": "never given"})

    assert (token.status_code, token.json()["error"]) == (400, "unsupported_grant_type")
    assert (revoked.status_code, revoked.json()["error"]) == (400, "invalid_token")


def test_a_state_that_is_none_changes_nothing(web: Web) -> None:
    """A wrong file is refused, and the org goes on as it was."""
    before = web.call("GET", "/_sandbox/state").content
    status = web.call("PUT", "/_sandbox/state", data="{}").status_code

    assert status == 400
    assert web.call("GET", "/_sandbox/state").content == before
