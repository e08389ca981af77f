"""How one logs in to the Salesforce sandbox, and how that fails."""

from __future__ import annotations

from datetime import timedelta

import jwt
import pytest
import requests
import salesforce_served
from salesforce_served import Served, body
from simple_salesforce.exceptions import SalesforceExpiredSession

stage, served = salesforce_served.stage, salesforce_served.served


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
