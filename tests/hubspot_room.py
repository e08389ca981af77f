"""A portal as a whole: served, provisioned, and synced through its config."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.hubspot.sandbox import HubSpotSandbox
from connectors.sandbox.server import SandboxServer
from syncd.bootstrap import load, wired
from syncd.rehearsal import write_config
from syncd.store import Store
from syncd.sync import run_once

TODAY = date(2026, 6, 15)
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
QUICK = {"requests_per_10_seconds": 100_000, "searches_per_second": 1_000}


class Room:
    """A served portal and the config that leads to it."""

    def __init__(self, sandbox: HubSpotSandbox, config: Path) -> None:
        self.sandbox, self.config = sandbox, config

    def provision(self) -> list[str]:
        """Make what is missing; the errors."""
        loaded = load(self.config)
        with wired(loaded, store=Store.open("sqlite://")) as ready:
            (connected,) = ready.connections
            connected.connector.open()
            specs = connected.mapping.specs(loaded.config.policy)
            steps = list(connected.connector.provision(specs, apply=True))
        return [step.error for step in steps if step.error]

    def sync(self, *, full: bool = False) -> Any:
        """One sync; its report."""
        with wired(load(self.config)) as ready:
            return run_once(ready.turn(clock=lambda: NOON, full=full))

    def company(self, id: str) -> dict[str, Any]:
        """A company's properties."""
        rows = {row["id"]: row["properties"] for row in self.sandbox.rows("companies")}
        found: dict[str, Any] = rows[id]
        return found


@contextmanager
def serving(sandbox: HubSpotSandbox, folder: Path, mapping: str, **settings: Any) -> Iterator[Room]:
    """The sandbox, served."""
    with SandboxServer(sandbox.app, folder / "ca.pem") as server:
        own = sandbox.connection_settings(server.url, folder / "ca.pem")
        keys = {**own, "mapping": mapping, "limits": QUICK, **settings}
        yield Room(sandbox, write_config(folder, {"hubspot": keys}))


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for new properties to settle."""
    monkeypatch.setattr("connectors.hubspot.provision.SETTLE_SECONDS", 0.0)
