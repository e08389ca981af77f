"""Logins: the OAuth token endpoint in four flows, and the SOAP login of old clients."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from html import escape, unescape
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.salesforce.sandbox.api import SESSION_LIFE, Api
from connectors.salesforce.sandbox.founding import INTEGRATION

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
KEY_BITS = 2048
LAST_SOAP_LOGIN = 64
_SOAP_FIELD = re.compile(r"<(?:\w+:)?(username|password)>(.*?)</(?:\w+:)?\1>", re.DOTALL)


class LoginError(Exception):
    """A refused login, with OAuth's code and description."""

    def __init__(self, code: str, description: str) -> None:
        """`code` such as ``invalid_grant``."""
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description


@dataclass(slots=True)
class Logins:
    """The org's connected app and the credentials that it takes."""

    api: Api
    client_id: str = "3MVG9sandbox.syncd"
    client_secret: str = field(default="5A4DB0X5ECRE7", repr=False)
    password: str = field(default="sandbox-pass", repr=False)
    security_token: str = field(default="TOKEN", repr=False)
    refresh_token: str = field(default="5Aep861sandbox.refresh", repr=False)
    run_as: str = INTEGRATION
    public_keys: list[str] = field(default_factory=list)
    _private_key: str | None = field(default=None, repr=False)

    def private_key(self) -> str:
        """The PEM of a key whose JWTs are taken; made when first asked for."""
        if self._private_key is None:
            key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
            self._private_key = key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode()
            public = key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            self.public_keys.append(public.decode())
        return self._private_key

    def user(self, username: str) -> str:
        """The id of the active user with this name. Raises LoginError."""
        for row in self.api.org.tables["User"].having("Username", username):
            if row.get("IsActive"):
                return str(row["Id"])
        raise LoginError("invalid_grant", "user hasn't approved this consumer")

    def token(self, form: dict[str, str], authorization: str, base: str) -> dict[str, Any]:
        """The token endpoint's answer. `base` is the instance's URL. Raises LoginError."""
        grant = form.get("grant_type", "")
        if grant == JWT_GRANT:
            return self._grant(self._by_jwt(form.get("assertion", "")), base, signed=False)
        client, secret = form.get("client_id"), form.get("client_secret")
        if authorization.startswith("Basic "):
            client, secret = _basic(authorization)
        if grant not in {"client_credentials", "password", "refresh_token"}:
            raise LoginError("unsupported_grant_type", "grant type not supported")
        if client != self.client_id:
            raise LoginError("invalid_client_id", "client identifier invalid")
        public = grant == "refresh_token" and secret is None
        if not public and not hmac.compare_digest(secret or "", self.client_secret):
            raise LoginError("invalid_client", "invalid client credentials")
        if grant == "refresh_token":
            if form.get("refresh_token") != self.refresh_token:
                raise LoginError("invalid_grant", "expired access/refresh token")
            return self._grant(self.user(self.run_as), base)
        if grant == "password":
            return self._grant(
                self._by_password(form.get("username", ""), form.get("password", "")), base
            )
        return self._grant(self.user(self.run_as), base)

    def _by_password(self, username: str, password: str) -> str:
        if password not in {self.password, self.password + self.security_token}:
            raise LoginError("invalid_grant", "authentication failure")
        try:
            return self.user(username)
        except LoginError:
            raise LoginError("invalid_grant", "authentication failure") from None

    def _by_jwt(self, assertion: str) -> str:
        for key in self.public_keys:
            try:
                claims = jwt.decode(
                    assertion,
                    key,
                    algorithms=["RS256"],
                    options={"verify_aud": False, "verify_exp": False},
                )
            except jwt.InvalidTokenError:
                continue
            return self._claimed(claims)
        raise LoginError("invalid_grant", "invalid assertion")

    def _claimed(self, claims: dict[str, Any]) -> str:
        if claims.get("iss") != self.client_id:
            raise LoginError("invalid_client_id", "client identifier invalid")
        expires = str(claims.get("exp", ""))
        if not expires.isdigit() or int(expires) < self.api.org.clock().timestamp():
            raise LoginError("invalid_grant", "expired authorization code")
        if "salesforce.com" not in str(claims.get("aud", "")) and not claims.get("aud"):
            raise LoginError("invalid_grant", "audience is invalid")
        return self.user(str(claims.get("sub", "")))

    def _grant(self, user: str, base: str, *, signed: bool = True) -> dict[str, Any]:
        token = self.api.login(user)
        org = self.api.org.ids["org"]
        issued = str(int(self.api.org.clock().timestamp() * 1000))
        answer: dict[str, Any] = {"access_token": token}
        if signed:
            digest = hmac.new(self.client_secret.encode(), (user + issued).encode(), hashlib.sha256)
            answer["signature"] = base64.b64encode(digest.digest()).decode()
        answer |= {
            "scope": "api",
            "instance_url": base,
            "id": f"https://login.salesforce.com/id/{org}/{user}",
            "token_type": "Bearer",
        }
        if signed:
            answer["issued_at"] = issued
        return answer

    def soap(self, version: str, body: str, base: str) -> tuple[int, str]:
        """SOAP login()'s status and envelope."""
        given = {name: unescape(text) for name, text in _SOAP_FIELD.findall(body)}
        try:
            modern = float(version) > LAST_SOAP_LOGIN
            user = self._by_password(given.get("username", ""), given.get("password", ""))
        except (LoginError, ValueError):
            return 500, _fault(
                "INVALID_LOGIN", "Invalid username, password, security token; or user locked out."
            )
        if modern:
            return 500, _fault(
                "UNSUPPORTED_API_VERSION", "login() is not in this version; use OAuth instead."
            )
        row = self.api.org.tables["User"].rows[user]
        org = self.api.org.ids["org"]
        token = self.api.login(user)
        server = f"{base}/services/Soap/u/{version}/{org[:15]}"
        return 200, _envelope(
            '<loginResponse xmlns="urn:partner.soap.sforce.com"><result>'
            f"<metadataServerUrl>{server.replace('/u/', '/m/')}</metadataServerUrl>"
            f"<passwordExpired>false</passwordExpired><sandbox>false</sandbox>"
            f"<serverUrl>{server}</serverUrl><sessionId>{token}</sessionId>"
            f"<userId>{user}</userId><userInfo><organizationId>{org}</organizationId>"
            f"<sessionSecondsValid>{int(SESSION_LIFE.total_seconds())}</sessionSecondsValid>"
            f"<userEmail>{escape(row['Email'])}</userEmail><userId>{user}</userId>"
            f"<userName>{escape(row['Username'])}</userName></userInfo></result></loginResponse>"
        )


def _basic(authorization: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(authorization[6:], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise LoginError("invalid_client_id", "client identifier invalid") from None
    client, _, secret = text.partition(":")
    return client, secret


def _envelope(body: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://'
        'schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    )


def _fault(code: str, message: str) -> str:
    return _envelope(
        '<soapenv:Fault xmlns:sf="urn:fault.partner.soap.sforce.com"><faultcode>'
        f"sf:{code}</faultcode><faultstring>{code}: {message}</faultstring><detail>"
        f'<sf:LoginFault xsi:type="sf:LoginFault"><sf:exceptionCode>{code}</sf:exceptionCode>'
        f"<sf:exceptionMessage>{message}</sf:exceptionMessage></sf:LoginFault></detail>"
        "</soapenv:Fault>"
    )
