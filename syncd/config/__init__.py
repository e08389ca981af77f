"""config.toml → frozen models. Every problem at once, each with file and line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from syncd.config.connections import (
    ConnectionConfig,
    ConnectionReader,
    MappingFile,
    connection_model,
    shipped_mapping,
    shipped_mappings,
)
from syncd.config.cron import cron_trigger, crontab_fields
from syncd.config.linking import LinkReader, LinkTable
from syncd.config.salvage import sound_policy
from syncd.config.secrets import WRITTEN_OUT, Resolver, is_stand_in
from syncd.config.tables import (
    CURRENCY_HINT,
    ConfigFile,
    ConsoleTable,
    NotifyTable,
    RetentionTable,
    ScheduleTable,
    SyncdTable,
    WriteTable,
    is_currency,
)
from syncd.errors import ConfigError, Problem
from syncd.link import LinkRules
from syncd.located import Loc, LocatedToml, did_you_mean, problems, read_toml
from syncd.policy import Policy

__all__ = [
    "Config",
    "ConfigFile",
    "ConnectionConfig",
    "MappingFile",
    "UnusableConfigError",
    "connection_model",
    "cron_trigger",
    "crontab_fields",
    "load_config",
    "policy_hash",
    "read_policy",
    "shipped_mapping",
    "shipped_mappings",
]

GUARDED: frozenset[Loc] = frozenset([("console", "token"), ("notify", "urls")])


@dataclass(frozen=True, slots=True)
class Config:
    """The whole config, checked. `secrets` are all secret texts, for redaction only."""

    path: Path
    state: str
    syncd: SyncdTable
    schedule: ScheduleTable
    write: WriteTable
    retention: RetentionTable
    connections: tuple[ConnectionConfig, ...]
    policy: Policy
    rates: Mapping[str, Any]
    link: LinkRules | None
    console: ConsoleTable
    notify: NotifyTable
    secrets: frozenset[str]
    located: LocatedToml

    def __repr__(self) -> str:
        """Never shows a secret."""
        return f"Config({self.path}, connections={[c.name for c in self.connections]})"


def policy_hash(policy: Policy) -> str:
    """Changes when any threshold, weight or playbook does."""
    return hashlib.blake2b(policy.model_dump_json().encode(), digest_size=16).hexdigest()


def read_policy(path: Path) -> tuple[Policy, LocatedToml]:
    """The ``[policy]`` of a file that holds nothing else, or of a whole config.toml.

    Raises ConfigError with every problem.
    """
    located = read_toml(path, str(path))
    if "policy" not in located.value:
        raise ConfigError(
            [located.problem((), "there is no [policy.*] in it", "such as [policy.tier]")]
        )
    known = set(ConfigFile.model_fields)
    found = [
        located.problem((name,), f'unknown key "{name}"', did_you_mean(name, known))
        for name in located.value
        if name not in known
    ]
    try:
        policy = Policy.model_validate(located.value["policy"])
    except ValidationError as error:
        found += problems(located, error, Policy, ("policy",))
    if found:
        raise ConfigError(sorted(found, key=lambda one: (one.line, one.column)))
    return policy, located


class UnusableConfigError(ConfigError):
    """A config with problems. Its mapping files can be looked at all the same, so that every
    problem is told at once; where the config is no help, with the defaults.
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        *,
        secrets: frozenset[str],
        mappings: Sequence[MappingFile],
        timezone: str,
        policy: Policy,
        located: LocatedToml,
    ) -> None:
        """`problems` of the config alone. `secrets` are all secret texts, for redaction only."""
        super().__init__(tuple(problems))
        self.secrets = secrets
        self.mappings = mappings
        self.timezone = timezone
        self.policy = policy
        self.located = located


def load_config(
    path: Path,
    *,
    find_connector: Callable[[str], Any],
    connectors: Callable[[], list[str]],
    env: Mapping[str, str],
    follow_secrets: bool = True,
) -> Config:
    """Read and check config.toml. `find_connector` answers None for an unknown name.

    Raises UnusableConfigError with every problem: keys, values, secrets that cannot be found,
    files that are not there. Without `follow_secrets` secrets are not looked up, and the state is
    empty where it is one.
    """
    located = read_toml(path, str(path))
    folder = path.resolve().parent
    resolver = Resolver(located, folder, env, follow=follow_secrets)
    found: list[Problem] = []
    raw = located.value
    resolved = {
        key: value if key == "connections" else resolver.resolve(value, (key,), GUARDED)
        for key, value in raw.items()
    }
    file: ConfigFile | None = None
    try:
        file = ConfigFile.model_validate(resolved)
    except ValidationError as error:
        found += problems(located, error, ConfigFile)
    reader = ConnectionReader(located, folder, resolver, find_connector, connectors)
    tables = raw.get("connections")
    made = [
        reader.read(name, table)
        for name, table in (tables.items() if isinstance(tables, dict) else ())
        if isinstance(table, dict)
    ]
    found += reader.found
    found += _currencies(raw, located)
    links = LinkReader(located, folder, list(tables) if isinstance(tables, dict) else [])
    table = _valid(LinkTable, resolved.get("link", {}))
    rules = None if table is None else links.read(table)
    found += links.found
    console = _valid(ConsoleTable, resolved.get("console", {}))
    if console is not None:
        found += _beyond_loopback(console, located)
    syncd = _valid(SyncdTable, resolved.get("syncd", {}))
    state = "" if syncd is None else _state(syncd, folder, located, found)
    found += resolver.problems
    if found or file is None:
        raise UnusableConfigError(
            sorted(dict.fromkeys(found), key=lambda p: (p.file, p.line, p.column)),
            secrets=frozenset(resolver.seen) | _password(state),
            mappings=reader.mappings,
            timezone="UTC" if syncd is None else syncd.timezone,
            policy=sound_policy(resolved.get("policy", {})),
            located=located,
        )
    return Config(
        path=path,
        state=state,
        syncd=file.syncd,
        schedule=file.schedule,
        write=file.write,
        retention=file.retention,
        connections=tuple(connection for connection in made if connection is not None),
        policy=file.policy,
        rates=file.currency.rates,
        link=rules,
        console=file.console,
        notify=file.notify,
        secrets=frozenset(resolver.seen) | _password(state),
        located=located,
    )


_T = TypeVar("_T", bound=BaseModel)


def _valid(model: type[_T], table: object) -> _T | None:
    """A table on its own, so that it is looked at even where another one is wrong."""
    try:
        return model.model_validate(table)
    except ValidationError:
        return None


def _currencies(raw: Mapping[str, Any], located: LocatedToml) -> list[Problem]:
    currency = raw.get("currency")
    rates = currency.get("rates") if isinstance(currency, dict) else None
    text = '"{}" is no currency code'
    return [
        located.problem(("currency", "rates", code), text.format(code), CURRENCY_HINT)
        for code in (rates if isinstance(rates, dict) else ())
        if not is_currency(code)
    ]


def _beyond_loopback(console: ConsoleTable, located: LocatedToml) -> list[Problem]:
    if console.on_loopback or console.token is not None:
        return []
    text = f"{console.listen} can be reached from other machines and needs a token"
    hint = 'token = { env = "SYNCD_CONSOLE_TOKEN" }, or listen on 127.0.0.1'
    return [located.problem(("console", "listen"), text, hint)]


def _state(table: SyncdTable, folder: Path, located: LocatedToml, found: list[Problem]) -> str:
    """The state's address, with a relative SQLite path beside the config."""
    at: Loc = ("syncd", "state")
    if isinstance(table.state, SecretStr):
        if is_stand_in(table.state):
            return ""
        text = table.state.get_secret_value()
    else:
        text = table.state
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        url = make_url("none://")
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        hint = '"sqlite:///syncd.db" or "postgresql+psycopg://user@host/database"'
        found.append(located.problem(at, "this is no database address", hint))
        return ""
    has_password = url.password or "password" in url.query
    if has_password and not isinstance(table.state, SecretStr):
        hint = "take the password out of it, or give the whole address from env or a file"
        found.append(located.problem(at, WRITTEN_OUT, hint))
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        return f"sqlite:///{folder / url.database}"
    return text


def _password(state: str) -> frozenset[str]:
    """The password in a database address is a secret too."""
    password = make_url(state).password if state else None
    return frozenset([str(password)]) if password else frozenset()
