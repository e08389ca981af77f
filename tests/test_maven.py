"""A book that nobody made for syncd: thousands of opportunities, no contracts, both CRMs.

What syncd writes is checked against sums over the CSV files themselves.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import maven_book
import pytest
from maven_book import COLUMNS

from connectors.sandbox.server import SandboxServer
from syncd.bootstrap import find_sandbox, load, wired
from syncd.rehearsal import write_config
from syncd.store import Store
from syncd.sync import ConnectionReport, run_once

PUBLIC = Path(__file__).parents[2] / "shared" / "data" / "maven-crm"
BOOKS = ["made-up", *(["public"] if PUBLIC.is_dir() else [])]
TODAY = date(2018, 6, 30)
NAME = {"salesforce": "Name", "hubspot": "name"}
FIELDS = {
    "salesforce": ("Syncd_ARR__c", "Syncd_Tier__c", "Syncd_Renewal_Date__c"),
    "hubspot": ("syncd_arr", "syncd_tier", "syncd_renewal_date"),
}


@dataclass(frozen=True, slots=True)
class Expected:
    """What an account's deals come to by the rules, counted without syncd. None: no value."""

    arr: Decimal | None
    tier: str
    renewal: date | None


def expected(folder: Path) -> dict[str, Expected]:
    """By account: each won deal is worth its value for a year from the day it was won."""
    arr: dict[str, Decimal | None] = {}
    renewal: dict[str, date | None] = {}
    for row in maven_book.rows(folder, "accounts.csv"):
        arr[row["account"]] = renewal[row["account"]] = None
    for deal in maven_book.deals(folder):
        if deal.stage != "won" or not deal.account:
            continue
        assert deal.closed is not None
        assert deal.value is not None
        ends = deal.closed.replace(year=deal.closed.year + 1) - timedelta(days=1)
        renewal[deal.account] = max(ends, renewal[deal.account] or ends)
        if deal.closed <= TODAY <= ends:
            arr[deal.account] = (arr[deal.account] or Decimal(0)) + deal.value
    having = sorted((value for value in arr.values() if value), reverse=True)
    share, leaders = Decimal(0), 0
    while leaders < len(having) and share < Decimal("0.4") * sum(having):
        share += having[leaders]
        leaders += 1
    leaders = min(max(leaders, 5), 20)
    border = having[min(leaders, len(having)) - 1]
    middle = median(having)

    def tier(value: Decimal | None) -> str:
        if value is not None and value >= border:
            return "strategic"
        return "growth" if value is not None and value >= middle else "maintenance"

    return {name: Expected(arr[name], tier(arr[name]), renewal[name]) for name in arr}


@dataclass(frozen=True, slots=True)
class Synced:
    """A sandbox after a first and a second sync."""

    kind: str
    folder: Path
    sandbox: Any
    first: ConnectionReport
    second: ConnectionReport


@pytest.fixture(scope="module", params=BOOKS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the CSV files."""
    if request.param == "public":
        return PUBLIC
    made = tmp_path_factory.mktemp("maven")
    maven_book.make_up(made)
    return made


@pytest.fixture(scope="module", params=["salesforce", "hubspot"])
def synced(
    request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Synced]:
    """The book, loaded by the script and synced twice with the shipped mapping."""
    kind, own = request.param, tmp_path_factory.mktemp(request.param)
    script = [sys.executable, maven_book.__file__, str(folder), kind, str(own / "state.json")]
    subprocess.run(script, check=True)
    sandbox = find_sandbox(kind)()
    sandbox.load(own / "state.json")
    with SandboxServer(sandbox.app, own / "ca.pem") as server:
        settings = sandbox.connection_settings(server.url, own / "ca.pem")
        loaded = load(write_config(own, {kind: {**settings, "mapping": kind}}))
        with wired(loaded, store=Store.open("sqlite://")) as ready:
            (connected,) = ready.connections
            connected.connector.open()
            specs = connected.mapping.specs(loaded.config.policy)
            list(connected.connector.provision(specs, apply=True))
        reports = []
        for _ in range(2):
            with wired(loaded) as ready:
                turn = ready.turn(clock=lambda: datetime(2018, 6, 30, 12, tzinfo=UTC))
                reports.append(run_once(turn).connections[0])
        yield Synced(kind, folder, sandbox, *reports)


def written(synced: Synced) -> dict[str, Expected]:
    """What stands in the CRM now, by the account's name."""
    object = {"salesforce": "Account", "hubspot": "companies"}[synced.kind]
    found = {}
    for row in synced.sandbox.rows(object):
        values = row.get("properties", row)
        arr, tier, renewal = (values.get(name) for name in FIELDS[synced.kind])
        found[str(values[NAME[synced.kind]])] = Expected(
            None if arr in {None, ""} else Decimal(str(arr)),
            str(tier),
            date.fromisoformat(renewal) if renewal else None,
        )
    return found


@pytest.mark.slow
def test_every_accounts_arr_tier_and_renewal(synced: Synced) -> None:
    """Each account has the ARR, the tier and the renewal date that its deals come to."""
    wanted = expected(synced.folder)
    found = written(synced)

    assert found == wanted
    assert {one.tier for one in wanted.values()} == {"strategic", "growth", "maintenance"}
    assert len({one.arr for one in wanted.values()}) > len(wanted) / 2


@pytest.mark.slow
def test_the_book_is_synced_whole(synced: Synced) -> None:
    """Every account and opportunity was read, those without an account too; nothing was refused,
    and a second sync finds nothing to do.
    """
    pipeline = list(maven_book.deals(synced.folder))
    accounts = maven_book.rows(synced.folder, "accounts.csv")
    object = {"salesforce": "Opportunity", "hubspot": "deals"}[synced.kind]

    assert len(synced.sandbox.rows(object)) == len(pipeline)
    assert any(not deal.account for deal in pipeline)
    assert synced.first.pulled >= len(pipeline) + len(accounts)
    assert synced.first.accounts == len(accounts)
    assert (synced.first.exit_code, synced.first.failed, synced.first.rejected) == (0, 0, 0)
    assert synced.first.off == ()
    assert (synced.second.written, synced.second.derived) == (0, 0)
    assert (len(synced.second.plan.sets), len(synced.second.plan.tasks)) == (0, 0)


def test_the_made_up_book_has_the_public_ones_shape(tmp_path: Path) -> None:
    """The columns are those of the public files, where they are at hand and where they are not."""
    maven_book.make_up(tmp_path)
    homes = [tmp_path, *([PUBLIC] if PUBLIC.is_dir() else [])]

    for home in homes:
        for name, columns in COLUMNS.items():
            assert tuple(maven_book.rows(home, name)[0]) == columns
