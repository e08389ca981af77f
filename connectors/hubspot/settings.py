"""What config.toml says about a HubSpot connection."""

from __future__ import annotations

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

_STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Auth(BaseModel):
    """How to log in: a private app's (or service key's) token, or OAuth with a refresh token."""

    model_config = _STRICT

    flow: Literal["private_app", "oauth"] = "private_app"
    access_token: SecretStr | None = None
    client_id: SecretStr | None = None
    client_secret: SecretStr | None = None
    refresh_token: SecretStr | None = None

    @model_validator(mode="after")
    def _has_what_the_flow_needs(self) -> Self:
        needed = (
            ("access_token",)
            if self.flow == "private_app"
            else ("client_id", "client_secret", "refresh_token")
        )
        missing = [name for name in needed if not _filled(getattr(self, name))]
        if missing:
            raise ValueError(f"flow {self.flow!r} needs {' and '.join(missing)}")
        return self


class Limits(BaseModel):
    """How much of HubSpot's allowance may be used.

    `daily_share`: part of the account's calls of a day, counted with everybody's use.
    `requests_per_10_seconds`: None takes what HubSpot's headers grant.
    `searches_per_second`: HubSpot allows 5 to the whole account, whoever asks.
    """

    model_config = _STRICT

    daily_share: float = Field(default=0.5, gt=0, le=1)
    requests_per_10_seconds: int | None = Field(default=None, ge=1)
    searches_per_second: int = Field(default=4, ge=1)


class HubSpotSettings(BaseModel):
    """A HubSpot connection. `portal_id` guards against writing to the wrong portal.

    `api_version` empty speaks the v3 and v4 paths, else the dated ones ("2026-09").
    `lag_seconds` is by how much increments overlap, as HubSpot's search index runs behind.
    """

    model_config = _STRICT

    base_url: str = "https://api.hubapi.com"
    ca_file: str = ""
    portal_id: str = ""
    api_version: str = Field(default="", pattern=r"^(\d{4}-\d{2}(-beta)?)?$")
    connect_timeout_seconds: float = Field(default=5.0, gt=0)
    read_timeout_seconds: float = Field(default=30.0, gt=0)
    lag_seconds: int = Field(default=60, ge=0)
    auth: Auth
    limits: Limits = Limits()

    @field_validator("portal_id", mode="before")
    @classmethod
    def _portal_as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("base_url")
    @classmethod
    def _https_only(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme == "http":
            raise ValueError("plain http:// would show the access token; use https://")
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError("must be an address such as https://api.hubapi.com")
        return value.rstrip("/")


def _filled(secret: SecretStr | None) -> bool:
    return secret is not None and bool(secret.get_secret_value().strip())
