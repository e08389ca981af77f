"""Sandboxes to rehearse on: made by the installed connectors, found by their entry points."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import date
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from syncd.bootstrap import find_sandbox
from syncd.errors import ConfigError, Problem
from syncd.located import read_toml

GROUP = "syncd.rehearsal"


def _part(name: str) -> Any:
    return next(point for point in entry_points(group=GROUP) if point.name == name).load()


def make_book(*, accounts: int, seed: int, today: date) -> Any:
    """The made-up book of customers, the same for every sandbox."""
    return _part("book")(customers=accounts, seed=seed, today=today)


def make_sandbox(
    kind: str, *, accounts: int, seed: int, today: date, data: Path | None = None
) -> Any:
    """A sandbox of that kind, with the state in `data` if it exists, else with a made-up book.

    Raises ConfigError when the file cannot be read.
    """
    sandbox = find_sandbox(kind)
    if data is not None and data.exists():
        made = sandbox()
        try:
            made.load(data)
        except (OSError, ValueError, KeyError) as error:
            raise ConfigError(
                [Problem(str(data), 0, 0, f"this is no state of a {kind} sandbox: {error}")]
            ) from error
        return made
    return sandbox.from_book(make_book(accounts=accounts, seed=seed, today=today))


def brew(sandbox: Any, path: Path) -> None:
    """Let the sandbox strike its clients with the faults of a TOML file.

    Raises ConfigError, naming the place, when the file is wrong.
    """
    _take(sandbox.faults.take, path, "docs/faults.md has all keys")


def rule(sandbox: Any, path: Path) -> None:
    """Give the org of the sandbox the rules of a TOML file.

    Raises ConfigError, naming the place, when the file is wrong, or the CRM has no such rules.
    """
    if not hasattr(sandbox, "set_rules"):
        raise ConfigError([Problem(str(path), 0, 0, f"a {sandbox.kind} sandbox has no rules")])
    _take(sandbox.set_rules, path, "docs/sandboxes.md has all keys")


def _take(take: Callable[[Any], None], path: Path, hint: str) -> None:
    located = read_toml(path, str(path))
    try:
        take(located.value)
    except ValueError as error:
        text, _, place = str(error).partition(" - at `$")
        loc = tuple(
            int(part) if part.isdigit() else part for part in re.findall(r"\w+", place) if part
        )
        raise ConfigError([located.problem(loc, text, hint)]) from error


def serve_sandbox(sandbox: Any, ca_file: Path, *, port: int = 0) -> Any:
    """Serve a sandbox over TLS on loopback; a context manager with `url`."""
    return _part("server")(app=sandbox.app, ca_file=ca_file, port=port, hosts=sandbox.hosts)


def write_config(
    folder: Path,
    connections: Mapping[str, Mapping[str, Any]],
    *,
    timezone: str = "UTC",
    fallback_assignee: str = "",
) -> Path:
    """A config.toml for these sandbox connections; their secrets go to files beside it."""
    lines = [
        "[syncd]",
        'state    = "sqlite:///syncd.db"',
        f'timezone = "{timezone}"',
        'currency = "USD"',
        "",
    ]
    for name, settings in connections.items():
        lines.append(f"[connections.{name}]")
        tables: list[str] = []
        for key, value in settings.items():
            if isinstance(value, Mapping):
                tables.append(f"[connections.{name}.{key}]")
                tables += [_line(folder, name, k, v) for k, v in value.items()]
            else:
                lines.append(f"{key} = {_toml(value)}")
        lines += [*tables, ""]
    lines += ["[currency.rates]", "EUR = 1.08", "GBP = 1.27", ""]
    if fallback_assignee:
        lines += ["[policy.tasks]", f"fallback_assignee = {_toml(fallback_assignee)}", ""]
    path = folder / "config.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _line(folder: Path, name: str, key: str, value: Any) -> str:
    if key == "flow" or not isinstance(value, str):
        return f"{key} = {_toml(value)}"
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700, exist_ok=True)
    secret = secrets / f"{name}_{key}"
    secret.write_text(value, encoding="utf-8")
    secret.chmod(0o600)
    return f'{key} = {{ file = "secrets/{secret.name}" }}'


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def sandboxes(
    stack: ExitStack, folder: Path, *, accounts: int, seed: int, today: date, kinds: list[str]
) -> tuple[dict[str, Any], Path]:
    """Start a sandbox of each kind with one book, and write the config that connects to them."""
    book = make_book(accounts=accounts, seed=seed, today=today)
    made: dict[str, Any] = {}
    settings: dict[str, Mapping[str, Any]] = {}
    for kind in kinds:
        sandbox = find_sandbox(kind).from_book(book)
        ca_file = folder / f"{kind}-ca.pem"
        server = stack.enter_context(serve_sandbox(sandbox, ca_file))
        made[kind] = sandbox
        settings[kind] = {
            **sandbox.connection_settings(server.url, ca_file),
            "mapping": f"{kind}-sandbox",
        }
    spare = next((person.email for person in book.people if person.key == "ops01"), "")
    return made, write_config(folder, settings, fallback_assignee=spare)
