"""What config.toml says about a HubSpot connection."""

from __future__ import annotations

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

_STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Auth(BaseModel):
    """How to log in: a private app's (or service key's) token, or OAuth with a refresh token."""

    model_config = _STRICT

    flow: Literal["private_app", "oauth"] = Field(
        "private_app", description="a private app's token, or OAuth with a refresh token"
    )
    access_token: SecretStr | None = Field(None, description="for private_app")
    client_id: SecretStr | None = Field(None, description="for oauth")
    client_secret: SecretStr | None = Field(None, description="for oauth")
    refresh_token: SecretStr | None = Field(None, description="for oauth")

    @field_validator("access_token")
    @classmethod
    def _travels_in_a_header(cls, token: SecretStr | None) -> SecretStr | None:
        text = "" if token is None else token.get_secret_value()
        if not (text.isascii() and text.isprintable()) or " " in text:
            raise ValueError("holds signs that are in no access token (copy it again)")
        return token

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
    """How much of HubSpot's allowance may be used."""

    model_config = _STRICT

    daily_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="part of the account's calls of a day, counted with everybody's use",
    )
    requests_per_10_seconds: int | None = Field(
        default=None, ge=1, description="left out: what HubSpot's headers grant"
    )
    searches_per_second: int = Field(
        default=4, ge=1, description="HubSpot allows 5 to the whole account, whoever asks"
    )


class HubSpotSettings(BaseModel):
    """A HubSpot connection."""

    model_config = _STRICT

    base_url: str = Field("https://api.hubapi.com", description="HubSpot's address")
    ca_file: str = Field("", description="a private certificate authority, as behind a proxy")
    portal_id: str = Field("", description="guards against writing to the wrong portal")
    api_version: str = Field(
        default="",
        pattern=r"^(\d{4}-\d{2}(-beta)?)?$",
        description='empty: the v3 and v4 paths; else the dated ones ("2026-09")',
    )
    connect_timeout_seconds: float = Field(
        default=5.0, gt=0, description="how long a connection may take to be made"
    )
    read_timeout_seconds: float = Field(default=30.0, gt=0, description="that of one answer")
    lag_seconds: int = Field(
        default=60,
        ge=0,
        description="by how much increments overlap, as HubSpot's search index runs behind",
    )
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
