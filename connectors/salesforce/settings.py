"""The keys of a Salesforce connection in config.toml."""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

SHARED_LOGIN_HOSTS = ("login.salesforce.com", "test.salesforce.com")


class Flow(StrEnum):
    """How syncd logs in: the OAuth grants that Salesforce offers to an integration user."""

    CLIENT_CREDENTIALS = "client_credentials"
    JWT = "jwt"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the flow's name, not a secret
    PASSWORD = "password"  # noqa: S105 - the flow's name, not a secret


LEGACY_ENDS = (
    "the username-password login is being retired by Salesforce (end announced for Winter '27; the "
    "SOAP login ends with Summer '27)"
)
NEEDED = {
    Flow.CLIENT_CREDENTIALS: ("client_id", "client_secret"),
    Flow.JWT: ("client_id", "username", "private_key"),
    Flow.REFRESH_TOKEN: ("client_id", "refresh_token"),
    Flow.PASSWORD: ("client_id", "client_secret", "username", "password"),
}


class AuthSettings(BaseModel):
    """``[connections.<name>.auth]``: the flow and what it needs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flow: Flow = Field(Flow.CLIENT_CREDENTIALS, description="the OAuth grant")
    client_id: SecretStr | str | None = Field(None, description="the app's consumer key")
    client_secret: SecretStr | None = Field(None, description="the app's consumer secret")
    username: SecretStr | str | None = Field(
        None, description="the integration user's; for jwt and password"
    )
    private_key: SecretStr | None = Field(None, description="for jwt")
    refresh_token: SecretStr | None = Field(None, description="for refresh_token")
    password: SecretStr | None = Field(None, description="for password, which is being retired")
    security_token: SecretStr | None = Field(None, description="for password")
    audience: str = Field(
        "",
        description="the aud of a JWT; empty: login.salesforce.com, or test.salesforce.com for a "
        "sandbox org's host",
    )

    @model_validator(mode="after")
    def _complete(self) -> AuthSettings:
        missing = [key for key in NEEDED[self.flow] if not self.text(key)]
        if missing:
            raise ValueError(f'flow = "{self.flow}" also needs {", ".join(missing)}')
        return self

    def text(self, key: str) -> str:
        """The plain text of a key; empty where it is not given."""
        value = getattr(self, key)
        if isinstance(value, SecretStr):
            return value.get_secret_value().strip()
        return str(value or "").strip()


class LimitSettings(BaseModel):
    """``[connections.<name>.limits]``.

    A REST page has 2,000 rows, so that 50,000 rows are 25 calls; where Salesforce gives smaller
    pages, ten of them are the most before Bulk API takes over. For writes Salesforce advises 2,000.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    daily_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="part of the org's daily API calls, counted with everybody's use, at which "
        "syncd stops",
    )
    bulk_threshold: int = Field(
        default=50_000, ge=1, description="a full read of more rows goes through Bulk API 2.0"
    )
    bulk_write_threshold: int = Field(
        default=2_000,
        ge=1,
        description="more updates in one run, or so many new tasks, go through Bulk API 2.0",
    )
    bulk_deadline_minutes: float = Field(
        default=60,
        gt=0,
        description="how long a bulk job may take before the run gives up on it; the job goes on, "
        "and the next run takes it up",
    )


class SalesforceSettings(BaseModel):
    """``[connections.<name>]`` of a Salesforce org, without what every connection has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    instance_url: str = Field(
        description="the org's own address, such as https://acme.my.salesforce.com"
    )
    api_version: str = Field("66.0", description="of the REST API")
    ca_file: str = Field("", description="a private certificate authority, as behind a proxy")
    lag_seconds: int = Field(
        default=300,
        ge=0,
        le=86_400,
        description="how much of what was already read is read again, because a record's stamp is "
        "set before its transaction is committed",
    )
    timeout_seconds: float = Field(default=120, gt=0, le=600, description="that of one answer")
    allow_duplicates: bool = Field(
        default=False,
        description="write also where one of the org's duplicate rules only warns",
    )
    auth: AuthSettings
    limits: LimitSettings = LimitSettings()

    @field_validator("instance_url")
    @classmethod
    def _https_host(cls, value: str) -> str:
        parts = urlsplit(value.strip())
        if parts.scheme == "http":
            raise ValueError(
                "plain http:// is refused: the login and every record would travel unencrypted; "
                "write https://"
            )
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError(
                "must be the org's address, such as https://acme.my.salesforce.com "
                "(Setup > My Domain)"
            )
        return f"https://{parts.netloc.rpartition('@')[2]}"

    @field_validator("api_version", mode="before")
    @classmethod
    def _version(cls, value: object) -> object:
        whole, _, rest = str(value).removeprefix("v").partition(".")
        if not whole.isdigit() or rest not in ("", "0"):
            raise ValueError('must be a REST API version in quotes, such as "66.0"')
        return f"{whole}.0"

    @model_validator(mode="after")
    def _own_host(self) -> SalesforceSettings:
        host = urlsplit(self.instance_url).hostname
        if self.auth.flow is Flow.CLIENT_CREDENTIALS and host in SHARED_LOGIN_HOSTS:
            raise ValueError(
                f'flow = "client_credentials" works only at the org\'s own address, not at {host}: '
                "set instance_url to the My Domain address (Setup > My Domain)"
            )
        return self
