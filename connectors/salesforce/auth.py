"""The OAuth logins: one POST to the org's token endpoint each.

https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_flows.htm
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import jwt
import requests
from requests.auth import HTTPBasicAuth

from connectors.salesforce.door import fault, refusal, turned, wait_named
from connectors.salesforce.settings import LEGACY_ENDS, AuthSettings, Flow, SalesforceSettings
from syncd.errors import LoginError, TransientError

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_LIFE = timedelta(minutes=3)
OWN_DOMAINS = (".salesforce.com", ".force.com", ".cloudforce.com", ".sfcrmproducts.cn")
MISPLACED_CODES = {"invalid_client", "invalid_client_id", "invalid_request"}

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


PLAIN_CODES = {
    "invalid_client": "client_id or client_secret is wrong",
    "invalid_client_id": "client_id is not known to this org",
    "invalid_grant": "the credentials are wrong, or the user may not log in this way",
    "unsupported_grant_type": "the app does not allow this login flow",
}


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
    """The token request's form fields for the configured flow; a client's own are left out."""
    auth = settings.auth
    client = _client(settings)
    match auth.flow:
        case Flow.CLIENT_CREDENTIALS:
            return {"grant_type": "client_credentials"}
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


def _client(settings: SalesforceSettings) -> dict[str, str]:
    auth = settings.auth
    return {"client_id": auth.text("client_id"), "client_secret": auth.text("client_secret")}


def log_in(wire: requests.Session, settings: SalesforceSettings) -> Token:
    """Ask for an access token.

    Client credentials go into the Authorization header, as simple-salesforce sends them. What
    stands before an org may want them in the form instead (RFC 6749 leaves it to the server), so
    a refusal is followed by one try of that kind.

    Raises LoginError when Salesforce refuses, TransientError or UnreachableError when the host
    does not answer properly.
    """
    fields = form(settings)
    if settings.auth.flow is not Flow.CLIENT_CREDENTIALS:
        return _ask(wire, settings, fields)
    client = _client(settings)
    try:
        return _ask(wire, settings, fields, (client["client_id"], client["client_secret"]))
    except LoginError as refused:
        if not isinstance(refused, _ClientRefusedError):
            raise
        return _ask(wire, settings, {**fields, **client})


class _ClientRefusedError(LoginError):
    """The refusal is about the client, and might be about the place of its credentials."""


def _ask(
    wire: requests.Session,
    settings: SalesforceSettings,
    fields: dict[str, str],
    basic: tuple[str, str] | None = None,
) -> Token:
    url = f"{settings.instance_url}/services/oauth2/token"
    try:
        answer = wire.post(
            url,
            data=fields,
            # As bytes: requests would make Latin-1 of a text, and fail where that has no such sign.
            auth=None if basic is None else HTTPBasicAuth(*(part.encode() for part in basic)),
            headers={"Accept": "application/json"},
            allow_redirects=False,
        )
        if answer.is_redirect:
            target = urlsplit(answer.headers["Location"]).netloc
            raise LoginError(
                f"{settings.instance_url} redirects the login to {target}: "
                "set instance_url to the org's My Domain address (Setup > My Domain)"
            )
        if answer.status_code != requests.codes.ok:
            raise _refused(settings, answer, about_client=basic is not None)
        reply = answer.json()
    except requests.RequestException as error:
        raise turned(error, None) from error
    if not isinstance(reply, dict) or not reply.get("access_token"):
        raise TransientError(f"{settings.instance_url} answered the login without a token")
    return _token(reply, settings)


def _refused(
    settings: SalesforceSettings, answer: requests.Response, *, about_client: bool
) -> Exception:
    try:
        found = fault(answer.json())
    except requests.exceptions.JSONDecodeError:
        found = fault(answer.text)
    if answer.status_code >= requests.codes.server_error or answer.status_code in (420, 429):
        return refusal(answer.status_code, found, wait_named(answer))
    said = found.text.lower()
    words = next((plain for sign, plain in PLAIN_WORDS if sign in said), "")
    words = words or PLAIN_CODES.get(found.code, "")
    reason = f"{words} " if words else ""
    code = f"{found.code}: " if found.code else ""
    kind = _ClientRefusedError if about_client and _misplaced(answer, found.code) else LoginError
    ends = f". Mind that {LEGACY_ENDS}" if settings.auth.flow is Flow.PASSWORD else ""
    return kind(
        f"Salesforce at {settings.instance_url} refused the {settings.auth.flow} login: "
        f"{reason}({code}{found.text}){ends}"
    )


def _misplaced(answer: requests.Response, code: str) -> bool:
    """Whether the refusal may only mean that the credentials were not looked for in the header.

    A known client with a wrong secret, or one without the right to this flow, is refused for good.
    """
    return answer.status_code == requests.codes.unauthorized or code in MISPLACED_CODES


def _token(reply: dict[str, Any], settings: SalesforceSettings) -> Token:
    parts = str(reply.get("id") or "").rstrip("/").split("/")
    organization, user = (parts[-2], parts[-1]) if len(parts) > 2 else ("", "")  # noqa: PLR2004 - …/id/ORG/USER
    return Token(
        access_token=str(reply["access_token"]),
        instance_url=_instance(str(reply.get("instance_url") or ""), settings.instance_url),
        organization_id=organization,
        user_id=user,
    )


def _instance(told: str, configured: str) -> str:
    """Where to call from now on: the address that the reply names, if there is one.

    A configured address that is not Salesforce's own (a gateway, say) is kept where the reply
    names one that is: the gateway is there because Salesforce is not to be reached directly.
    """
    named, known = urlsplit(told), urlsplit(configured)
    if named.scheme != "https" or not named.hostname:
        return configured
    around = not (known.hostname or "").endswith(OWN_DOMAINS)
    if around and named.hostname.endswith(OWN_DOMAINS):
        return configured
    return f"https://{named.netloc}"
