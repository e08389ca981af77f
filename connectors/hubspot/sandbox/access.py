"""Tokens and scopes: who may call, and what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.hubspot.sandbox.errors import ApiError

ALL_SCOPES = frozenset(
    {
        "oauth",
        "tickets",
        "e-commerce",
        "crm.objects.owners.read",
        *(
            f"crm.objects.{name}.{right}"
            for name in ("companies", "contacts", "deals", "custom", "line_items", "services")
            for right in ("read", "write")
        ),
        "crm.objects.contracts.read",
        "settings.currencies.read",
        "settings.currencies.write",
        *(
            f"crm.objects.{name}.{right}"
            for name in ("quotes", "leads", "goals", "feedback_submissions")
            for right in ("read", "write")
        ),
        *(
            f"crm.schemas.{name}.{right}"
            for name in ("companies", "contacts", "deals", "custom", "line_items", "services")
            for right in ("read", "write")
        ),
        "crm.schemas.contracts.read",
        "crm.schemas.contracts.write",
    }
)
_MADE_UP = "sandbox"  # secrets of nothing: they open this sandbox and no other place
LIFE = timedelta(seconds=1800)
_NO_CREDENTIALS = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can "
    "find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)


@dataclass(slots=True)
class Access:
    """A private app's token, and an OAuth app's credentials with the tokens given to it."""

    clock: Callable[[], datetime]
    token: str = field(default_factory=lambda: f"pat-na1-{_MADE_UP}")
    client_id: str = field(default_factory=lambda: f"client-{_MADE_UP}")
    client_secret: str = field(default_factory=lambda: f"secret-{_MADE_UP}")
    refresh_token: str = field(default_factory=lambda: f"refresh-{_MADE_UP}")
    scopes: set[str] = field(default_factory=lambda: set(ALL_SCOPES))
    token_valid: bool = True
    by_oauth: bool = False
    issued: dict[str, datetime] = field(default_factory=dict)
    count: int = 0

    def admit(self, header: str) -> None:
        """Raise ApiError (401) unless the header bears a token that is good now."""
        scheme, _, token = header.partition(" ")
        token = token.strip()
        self.by_oauth = token in self.issued
        if scheme.lower() == "bearer":
            if token == self.token and self.token_valid:
                return
            if self.by_oauth:
                if self.clock() < self.issued[token]:
                    return
                raise ApiError(
                    401,
                    "The OAuth token used to make this call expired.",
                    "EXPIRED_AUTHENTICATION",
                    context={"expire time": [self.issued[token].isoformat()]},
                )
        raise ApiError(401, _NO_CREDENTIALS, "INVALID_AUTHENTICATION")

    def expire(self) -> None:
        """The private app's token is refused from now on, and each OAuth token given so far."""
        self.token_valid = False
        self.expire_issued()

    def expire_issued(self) -> None:
        """Each OAuth token given so far is refused; a private app's token never expires."""
        self.issued = {token: self.clock() for token in self.issued}

    def issue(self, form: dict[str, str]) -> dict[str, object]:
        """A new OAuth token. Raises ApiError (400) for wrong credentials."""
        if form.get("client_id") != self.client_id or (
            form.get("client_secret") != self.client_secret
        ):
            raise _bad_oauth("BAD_CLIENT_ID", "missing or unknown client id or secret")
        grant = form.get("grant_type")
        if grant == "refresh_token" and form.get("refresh_token") != self.refresh_token:
            raise _bad_oauth("BAD_REFRESH_TOKEN", "missing or invalid refresh token")
        if grant not in ("refresh_token", "authorization_code"):
            raise _bad_oauth("BAD_GRANT_TYPE", f"unknown grant type {grant}")
        self.count += 1
        token = f"oauth-sandbox-{self.count}"
        self.issued[token] = self.clock() + LIFE
        return {
            "token_type": "bearer",
            "refresh_token": self.refresh_token,
            "access_token": token,
            "expires_in": int(LIFE.total_seconds()),
        }


def _bad_oauth(status: str, message: str) -> ApiError:
    error = ApiError(400, message, None)
    error.body["status"] = status
    return error
