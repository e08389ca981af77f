"""Logins to Salesforce that are refused, redirected, renewed or expire."""

from __future__ import annotations

import base64
import itertools
import threading
from typing import Any
from urllib.parse import parse_qs

import certifi
import jwt
import pytest
import requests
import responses
import salesforce_answers
import salesforce_org
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import ValidationError
from salesforce_answers import HTML, pull, refused, rows
from salesforce_org import AUTH, BASE, TOKEN, TOKEN_URL, URL, connection

from connectors.salesforce import SalesforceConnector, session
from connectors.salesforce.auth import Token
from connectors.salesforce.settings import SalesforceSettings
from connectors.sandbox.server import SandboxServer
from syncd.connector import Context
from syncd.errors import LoginError, UnreachableError

org, waits = salesforce_org.org, salesforce_org.waits
sandbox, server = salesforce_org.sandbox, salesforce_org.server
salesforce = salesforce_answers.salesforce


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


def test_each_token_is_told_to_who_keeps_logs(org: responses.RequestsMock) -> None:
    """It is in no config, and what repeats it must not get out."""
    told: list[str] = []
    settings = connection().settings
    connector = SalesforceConnector(settings, Context(name="salesforce", conceal=told.append))
    connector.open()

    assert told == [TOKEN["access_token"]]


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


def test_a_client_secret_of_any_alphabet(org: responses.RequestsMock) -> None:
    """A secret with signs beyond Latin-1, such as a copied dash, is sent for the org to judge."""
    connection(auth=AUTH | {"client_secret": "hush\u2013hush"}).open()
    sent = str(org.calls[0].request.headers["Authorization"]).removeprefix("Basic ")

    assert base64.b64decode(sent).decode().endswith(":hush\u2013hush")


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


def test_a_login_waits_as_long_as_it_is_told(
    org: responses.RequestsMock, waits: list[float | None]
) -> None:
    """A throttled login is not repeated before the time that Salesforce named."""
    org.remove(responses.POST, TOKEN_URL)
    org.post(TOKEN_URL, status=503, body=HTML, headers={"Retry-After": "7"})
    org.post(TOKEN_URL, json=TOKEN)
    one = connection()
    one.open()
    one.close()

    assert waits == [7]


def test_nothing_logs_out(salesforce: SalesforceConnector, org: responses.RequestsMock) -> None:
    """Closing makes no call: others may share the session."""
    before = len(org.calls)
    salesforce.close()

    assert len(org.calls) == before
    with pytest.raises(LoginError, match="not open"):
        salesforce.identity()


def test_logins_are_made_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many connections open at once; each has a client and a token of its own."""
    inside, most, turns, numbers = 0, 0, threading.Event(), itertools.count()

    def slow(wire: requests.Session, settings: SalesforceSettings) -> Token:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        turns.wait(0.02)  # long enough for others to come in, if they could
        inside -= 1
        return Token(f"token {next(numbers)}", URL, "00D", "005")

    monkeypatch.setattr(session, "log_in", slow)
    made = [connection() for _ in range(8)]
    threads = [threading.Thread(target=one.open) for one in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sessions = [one._org.session for one in made]

    assert most == 1
    assert len({id(one.wire) for one in sessions}) == len({one.token for one in sessions}) == 8
    for one in made:
        one.close()
