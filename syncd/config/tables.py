"""config.toml's own tables, strict and frozen. Connections add their connector's keys."""

from __future__ import annotations

import re
from decimal import Decimal
from ipaddress import ip_address
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    WithJsonSchema,
    field_validator,
)

from syncd.config.cron import crontab_problem
from syncd.config.linking import LinkTable
from syncd.policy import Policy

CURRENCY_HINT = 'three capital letters, such as "USD"'
_CURRENCY = re.compile(r"[A-Z]{3}")
_DURATION = re.compile(r"(\d+)\s*(s|m|h)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}

Rate = Annotated[Decimal, Field(gt=0)]
CurrencyName = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"})]


def is_currency(code: str) -> bool:
    """Whether this looks like an ISO 4217 code."""
    return _CURRENCY.fullmatch(code) is not None


def _currency(code: str) -> str:
    if not is_currency(code):
        raise ValueError(f'"{code}" is no currency code; write {CURRENCY_HINT}')
    return code


CurrencyCode = Annotated[CurrencyName, AfterValidator(_currency)]


class Table(BaseModel):
    """A table of config.toml: unknown keys are errors, nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SyncdTable(Table):
    """``[syncd]``."""

    state: str | SecretStr = Field(
        "sqlite:///syncd.db", description="where syncd keeps its state: SQLite or PostgreSQL"
    )
    timezone: str = Field("UTC", description='whose midnight "today" is')
    currency: CurrencyCode = Field("USD", description="the portfolio currency")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(
                f'"{value}" is not a time zone; write one such as "Europe/London"'
            ) from error
        return value


class ScheduleTable(Table):
    """``[schedule]``: cron expressions of five fields, in the time zone of ``[syncd]``."""

    sync: str = Field("*/15 * * * *", description="when syncd runs")
    reconcile: str = Field(
        "0 3 * * *", description="when it also looks for deletions, merges and formula changes"
    )
    jitter: str = Field("30s", description="each run starts up to so much later")

    @field_validator("sync", "reconcile")
    @classmethod
    def _cron(cls, value: str) -> str:
        problem = crontab_problem(value)
        if problem:
            raise ValueError(problem)
        return value

    @field_validator("jitter")
    @classmethod
    def _duration(cls, value: str) -> str:
        if not _DURATION.fullmatch(value.strip()):
            raise ValueError('must be a duration such as "30s" or "2m"')
        return value

    @property
    def jitter_seconds(self) -> int:
        """The jitter in seconds."""
        found = _DURATION.fullmatch(self.jitter.strip())
        assert found is not None
        return int(found[1]) * _SECONDS[found[2]]


class WriteTable(Table):
    """``[write]``."""

    mode: Literal["off", "plan", "apply"] = Field(
        "apply", description="off: read and derive only; plan: also print the plan; apply: write it"
    )
    max_overwrite_share: float = Field(
        0.3,
        ge=0,
        le=1,
        strict=True,
        description="hold a plan that would overwrite more than this share",
    )
    min_accounts: int = Field(
        10, ge=0, strict=True, description="but not for a book smaller than this"
    )
    on_human_edit: Literal["keep", "overwrite"] = Field(
        "keep", description="a value that a person changed after syncd: keep or overwrite"
    )


class RetentionTable(Table):
    """``[retention]``: how long the state remembers. What is still in use is never dropped."""

    runs_days: int = Field(
        90, ge=1, strict=True, description="runs, and plans that were held and never released"
    )
    writes_days: int = Field(
        730,
        ge=1,
        strict=True,
        description="who changed what (`syncd history`); older runs cannot be undone",
    )
    snapshots_days: int = Field(
        90, ge=31, strict=True, description="past health scores, for the trend"
    )


class ConsoleTable(Table):
    """``[console]``."""

    listen: str = Field("127.0.0.1:8080", description="address of /healthz, /readyz and /metrics")
    token: SecretStr | None = Field(None, description="asked for when not on loopback")

    @field_validator("listen")
    @classmethod
    def _address(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004 - the last port
            raise ValueError('must be host:port, such as "127.0.0.1:8080"')
        return value

    @property
    def host(self) -> str:
        """The host part of `listen`."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def port(self) -> int:
        """The port part of `listen`."""
        return int(self.listen.rpartition(":")[2])


class NotifyTable(Table):
    """``[notify]``."""

    urls: tuple[SecretStr, ...] = Field((), description="Slack, Teams, mail, webhook…")


class CurrencyTable(Table):
    """``[currency]``."""

    # A wrong code is reported where it stands: see _currencies in the package.
    rates: dict[CurrencyName, Rate] = Field(
        {}, description="worth of one unit in the portfolio currency"
    )


class ConfigFile(Table):
    """config.toml as a whole. ``connections`` is checked further by each connector."""

    syncd: SyncdTable = SyncdTable()
    schedule: ScheduleTable = ScheduleTable()
    write: WriteTable = WriteTable()
    retention: RetentionTable = RetentionTable()
    connections: dict[str, dict[str, Any]] = Field(
        min_length=1, description="the CRMs, each under a name of your choice"
    )
    policy: Policy = Policy()
    currency: CurrencyTable = CurrencyTable()
    link: LinkTable = LinkTable()
    console: ConsoleTable = ConsoleTable()
    notify: NotifyTable = NotifyTable()
