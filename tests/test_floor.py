"""What a sync costs in API calls, as the sandboxes count them, against the least that it could."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from connectors.hubspot.sandbox import HubSpotSandbox
from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.sandbox.book import Book
from connectors.sandbox.make_book import make_book
from connectors.sandbox.server import SandboxServer
from syncd.bootstrap import load, wired
from syncd.rehearsal import write_config
from syncd.store import Store
from syncd.sync import ConnectionReport, run_once

ROOM = 1.1
PAGE = {"salesforce": 2_000, "hubspot": 100}
BATCH = {"salesforce": 200, "hubspot": 100}
LINKS = 1_000
ARCHIVED_LISTS = 2  # HubSpot lists archived tasks and archived owners apart
TODAY = date(2026, 6, 15)
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
Call = tuple[str, str]


def lean_book(accounts: int, currency: str = "") -> Book:
    """The made-up book without its many small records, which take time and cost few calls.

    With a `currency` all of it is in that one.
    """
    book = make_book(customers=accounts, seed=11, today=TODAY)
    customers = (
        replace(c, activities=(), usage=(), tickets=(), currency=currency or c.currency)
        for c in book.customers
    )
    return replace(book, customers=tuple(customers))


@dataclass
class Room:
    """A served sandbox and the config that leads to it."""

    kind: str
    sandbox: Any
    config: Path

    def provision(self) -> None:
        """Make what the mapping writes."""
        loaded = load(self.config)
        with wired(loaded, store=Store.open("sqlite://")) as ready:
            (connected,) = ready.connections
            connected.connector.open()
            specs = connected.mapping.specs(loaded.config.policy)
            list(connected.connector.provision(specs, apply=True))

    def sync(self) -> tuple[ConnectionReport, Counter[Call], int]:
        """One sync: its report, the calls that the sandbox saw, and the floor of its reads."""
        self.sandbox.calls.clear()
        with wired(load(self.config)) as ready:
            report = run_once(ready.turn(clock=lambda: NOON))
            (connected,) = ready.connections
            with ready.store.begin(write=False) as tx:
                rows = [
                    (source, ready.store.mirror.count(tx, connected.name, source.name))
                    for source in connected.sources
                ]
        least = sum(max(1, ceil(count / PAGE[self.kind])) for _, count in rows)
        if self.kind == "hubspot":
            least += ARCHIVED_LISTS
            least += sum(
                ceil(count / LINKS) * len({link.to for link in source.associations})
                for source, count in rows
            )
        calls = Counter((call.method, call.path) for call in self.sandbox.calls)
        return report.connections[0], calls, least


@contextmanager
def room(
    kind: str,
    accounts: int,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    currency: str = "",
    **limits: Any,
) -> Iterator[Room]:
    """A sandbox of that kind with so many accounts, provisioned."""
    monkeypatch.setattr("connectors.hubspot.provision.SETTLE_SECONDS", 0.0)
    book = lean_book(accounts, currency)
    sandbox = (
        SalesforceSandbox.from_book(book, long_text_page=PAGE[kind])
        if kind == "salesforce"
        else HubSpotSandbox.from_book(book)
    )
    with SandboxServer(sandbox.app, folder / "ca.pem") as server:
        settings = sandbox.connection_settings(server.url, folder / "ca.pem")
        settings |= {"mapping": f"{kind}-sandbox", "limits": {"daily_share": 1.0, **limits}}
        if kind == "hubspot":
            settings["limits"] = {"searches_per_second": 1_000}
        made = Room(kind, sandbox, write_config(folder, {kind: settings}))
        made.provision()
        yield made


def is_write(call: Call) -> bool:
    """Whether a call changes records."""
    method, path = call
    if method == "PATCH":
        return True
    return method == "POST" and path.endswith(
        ("/update", "/upsert", "/create", "/associate/default")
    )


def is_read(call: Call) -> bool:
    """Whether a call reads records: not a login, a description of fields, a limit."""
    _, path = call
    if is_write(call):
        return False
    return path.startswith("query") or any(
        part in path for part in ("/objects/", "/associations/", "/owners")
    )


@pytest.mark.slow
@pytest.mark.parametrize("accounts", [12, 130, 2_000])
@pytest.mark.parametrize("kind", sorted(PAGE))
def test_a_sync_costs_hardly_more_than_the_floor(
    kind: str, accounts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reads take a tenth more than the pages that the rows fill, writes not one call more than
    full batches; a second sync finds nothing to do, derives nothing and reads no more.
    """
    with room(kind, accounts, tmp_path, monkeypatch) as made:
        first, calls, least = made.sync()
        second, calls_again, _ = made.sync()
    reads = sum(count for call, count in calls.items() if is_read(call))
    writes = sum(count for call, count in calls.items() if is_write(call))
    again = Counter(is_write(call) for call in calls_again if is_read(call) or is_write(call))
    tasks = sum(first.tasks_done.values())
    kinds_of_task_calls = 2 if kind == "hubspot" else 1  # HubSpot: make them, and link them
    fewest = ceil((first.written - tasks) / BATCH[kind])
    fewest += kinds_of_task_calls * ceil(tasks / BATCH[kind])

    assert first.accounts >= accounts
    assert first.written - tasks > accounts / 2
    assert tasks > 0
    assert least <= reads <= ROOM * least
    assert writes <= fewest
    assert (first.calls.read, first.calls.write) == (reads, writes)
    assert (second.written, second.plan.empty) == (0, True)
    assert second.derived == 0
    assert again[True] == 0
    assert sum(n for call, n in calls_again.items() if is_read(call)) <= reads + least


def test_a_second_salesforce_sync_describes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was described in the last 24 hours is known: a quiet sync asks each source for what
    changed, those with a filter that were written to once more, and for the exchange rates of
    an org with several currencies.
    """
    with room("salesforce", 12, tmp_path, monkeypatch) as made:
        _, first, _ = made.sync()
        second, again, _ = made.sync()
        with wired(load(made.config)) as ready:
            (connected,) = ready.connections
            sources = connected.mapping.sources

    filtered = [source for source in sources if source.where]

    assert any(path.endswith("/describe") for _, path in first)
    assert {path for _, path in again} == {"query", "queryAll"}
    assert sum(again.values()) <= len(sources) + len(filtered) + 1
    assert (second.derived, second.plan.empty) == (0, True)


def test_an_org_with_one_currency_is_asked_for_no_rates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No query but for its records: that it has one currency, its objects' fields have told."""
    with room("salesforce", 12, tmp_path, monkeypatch, currency="USD") as made:
        made.sync()
        second, again, _ = made.sync()
        with wired(load(made.config)) as ready:
            sources = ready.connections[0].mapping.sources
    queries = sum(count for (_, path), count in again.items() if path.startswith("query"))

    assert second.plan.empty
    assert queries <= len(sources) + len([source for source in sources if source.where])


def test_what_bulk_read_is_no_news_to_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first sync reads and writes through Bulk API, the second reads the same rows through REST:
    every value is the same, so that nothing is derived again.
    """
    limits: dict[str, Any] = {"bulk_threshold": 1, "bulk_write_threshold": 1}
    with room("salesforce", 40, tmp_path, monkeypatch, **limits) as made:
        _, calls, _ = made.sync()
        second, calls_again, _ = made.sync()

    assert sum(count for (_, path), count in calls.items() if path.startswith("jobs/query")) > 10
    made_again = {call: count for call, count in calls_again.items() if call[1] == "jobs/query"}
    assert made_again == {("POST", "jobs/query"): 1}, "tasks alone: there were none at first"
    assert second.pulled > 40
    assert (second.derived, second.plan.empty) == (0, True)
