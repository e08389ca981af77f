"""The OAuth logins: one POST to the org's token endpoint each.

https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_flows.htm
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

import jwt
import requests

from connectors.salesforce.door import fault, refusal, turned
from connectors.salesforce.settings import AuthSettings, Flow, SalesforceSettings
from syncd.errors import LoginError, TransientError

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_LIFE = timedelta(minutes=3)

PLAIN_WORDS = (
    ("client identifier invalid", "client_id is not known to this org"),
    ("invalid client credentials", "client_secret does not belong to client_id"),
    (
        "no client credentials user",
        "the app has no run-as user (its Client Credentials Flow policy)",
    ),
    ("not supported on this domain", "this grant works only at the org's My Domain address"),
    (
        "expired access/refresh token",
        "the refresh token has expired or was revoked: authorise anew",
    ),
    (
        "hasn't approved this consumer",
        "the user is not pre-authorised for the app (its OAuth policies)",
    ),
    (
        "user hasn't been approved",
        "the user is not pre-authorised for the app (its OAuth policies)",
    ),
    (
        "audience is invalid",
        "audience must be https://login.salesforce.com or https://test.salesforce.com",
    ),
    (
        "invalid assertion",
        "the private key does not belong to the app's certificate, or the clock is off",
    ),
    ("inactive user", "the integration user is inactive"),
    ("ip restricted", "the user's or app's IP ranges do not include this machine"),
    ("grant type not supported", "the app does not allow this login flow"),
    ("authentication failure", "the credentials are wrong, or the user may not log in this way"),
)


class Token(NamedTuple):
    """What a login gives: the access token, where to call, and whose it is (ids, or empty)."""

    access_token: str
    instance_url: str
    organization_id: str
    user_id: str


def default_audience(instance_url: str) -> str:
    """The host that a JWT is addressed to: that of sandbox orgs, or of all others."""
    host = urlsplit(instance_url).hostname or ""
    if ".sandbox." in host or host.startswith("test."):
        return "https://test.salesforce.com"
    return "https://login.salesforce.com"


def _assertion(auth: AuthSettings, audience: str) -> str:
    now = datetime.now(UTC)  # noqa: TID251 - an assertion expires by the clock
    claims = {
        "iss": auth.text("client_id"),
        "sub": auth.text("username"),
        "aud": audience,
        "exp": int((now + JWT_LIFE).timestamp()),
    }
    key = auth.text("private_key").replace("\\n", "\n")
    try:
        return jwt.encode(claims, key, algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        raise LoginError(
            "private_key is no RSA private key in PEM form (-----BEGIN PRIVATE KEY-----)"
        ) from None


def form(settings: SalesforceSettings) -> dict[str, str]:
    """The token request's form fields for the configured flow."""
    auth = settings.auth
    client = {"client_id": auth.text("client_id"), "client_secret": auth.text("client_secret")}
    match auth.flow:
        case Flow.CLIENT_CREDENTIALS:
            return {"grant_type": "client_credentials", **client}
        case Flow.JWT:
            audience = auth.audience or default_audience(settings.instance_url)
            return {"grant_type": JWT_GRANT, "assertion": _assertion(auth, audience)}
        case Flow.REFRESH_TOKEN:
            if not client["client_secret"]:
                del client["client_secret"]
            return {
                "grant_type": "refresh_token",
                "refresh_token": auth.text("refresh_token"),
                **client,
            }
        case Flow.PASSWORD:
            return {
                "grant_type": "password",
                "username": auth.text("username"),
                "password": auth.text("password") + auth.text("security_token"),
                **client,
            }


def log_in(wire: requests.Session, settings: SalesforceSettings) -> Token:
    """Ask for an access token.

    Raises LoginError when Salesforce refuses, TransientError or UnreachableError when the host
    does not answer properly.
    """
    url = f"{settings.instance_url}/services/oauth2/token"
    try:
        answer = wire.post(url, data=form(settings), allow_redirects=False)
        if answer.is_redirect:
            target = urlsplit(answer.headers["Location"]).netloc
            raise LoginError(
                f"{settings.instance_url} redirects the login to {target}: "
                "set instance_url to the org's My Domain address (Setup > My Domain)"
            )
        if answer.status_code != requests.codes.ok:
            raise _refused(settings, answer)
        reply = answer.json()
    except requests.RequestException as error:
        raise turned(error, None) from error
    if not isinstance(reply, dict) or not reply.get("access_token"):
        raise TransientError(f"{settings.instance_url} answered the login without a token")
    return _token(reply, settings)


def _refused(settings: SalesforceSettings, answer: requests.Response) -> Exception:
    try:
        found = fault(answer.json())
    except requests.exceptions.JSONDecodeError:
        found = fault(answer.text)
    if answer.status_code >= requests.codes.server_error or answer.status_code in (420, 429):
        return refusal(answer.status_code, found)
    said = found.text.lower()
    words = next((plain for sign, plain in PLAIN_WORDS if sign in said), "")
    reason = f"{words} " if words else ""
    code = f"{found.code}: " if found.code else ""
    return LoginError(
        f"Salesforce at {settings.instance_url} refused the {settings.auth.flow} login: "
        f"{reason}({code}{found.text})"
    )


def _token(reply: dict[str, str], settings: SalesforceSettings) -> Token:
    parts = (reply.get("id") or "").rstrip("/").split("/")
    organization, user = (parts[-2], parts[-1]) if len(parts) > 2 else ("", "")  # noqa: PLR2004 - …/id/ORG/USER
    instance = reply.get("instance_url") or ""
    return Token(
        access_token=reply["access_token"],
        instance_url=instance if instance.startswith("https://") else settings.instance_url,
        organization_id=organization,
        user_id=user,
    )
