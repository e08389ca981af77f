"""Loads a sales pipeline in CSV files, as Maven Analytics' "CRM Sales Opportunities" has it, into
a sandbox.

    python tests/maven_book.py FOLDER salesforce state.json
    syncd sandbox salesforce --data state.json

FOLDER holds accounts.csv, sales_teams.csv and sales_pipeline.csv. An account's first deal that
was won is new business, the later ones are expansions. Deals without an account are loaded too.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from connectors.hubspot.sandbox import HubSpotSandbox
from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.sandbox.book import Book, BookCustomer, BookDeal, Person

STAGES = {"Won": "won", "Lost": "lost"}
COLUMNS = {
    "accounts.csv": (
        *("account", "sector", "year_established", "revenue", "employees"),
        *("office_location", "subsidiary_of"),
    ),
    "sales_teams.csv": ("sales_agent", "manager", "regional_office"),
    "sales_pipeline.csv": (
        *("opportunity_id", "sales_agent", "product", "account", "deal_stage"),
        *("engage_date", "close_date", "close_value"),
    ),
}


@dataclass(frozen=True, slots=True)
class Deal:
    """A row of the pipeline. `closed` is None while it is open."""

    id: str
    account: str
    agent: str
    stage: str
    closed: date | None
    value: Decimal | None


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    """A file's rows."""
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def deals(folder: Path) -> Iterator[Deal]:
    """The pipeline."""
    for row in rows(folder, "sales_pipeline.csv"):
        yield Deal(
            id=row["opportunity_id"],
            account=row["account"],
            agent=row["sales_agent"],
            stage=STAGES.get(row["deal_stage"], "open"),
            closed=date.fromisoformat(row["close_date"]) if row["close_date"] else None,
            value=Decimal(row["close_value"]) if row["close_value"] else None,
        )


def book(folder: Path, today: date) -> Book:
    """The accounts with their deals; open deals are to close in a month from `today`."""
    teams = rows(folder, "sales_teams.csv")
    managers = sorted({row["manager"] for row in teams})
    people = [_person(name) for name in managers]
    people += [_person(row["sales_agent"], row["manager"]) for row in teams]
    by_account: dict[str, list[BookDeal]] = {}
    sellers: dict[str, str] = {}
    for deal in sorted(deals(folder), key=lambda one: (one.closed or today, one.id)):
        if not deal.account:
            continue
        mine = by_account.setdefault(deal.account, [])
        first = deal.stage == "won" and all(one.stage != "won" for one in mine)
        mine.append(_deal(deal, "new" if first else "expansion", today))
        sellers[deal.account] = deal.agent
    customers = tuple(
        BookCustomer(
            key=row["account"],
            name=row["account"],
            domain=None,
            status="customer",
            segment=row["sector"],
            region=row["office_location"],
            country=row["office_location"],
            currency="USD",
            owner=sellers.get(row["account"], people[-1].key),
            csm=None,
            created_on=date(2016, 1, 4),
            parent=row["subsidiary_of"] or None,
            deals=tuple(by_account.get(row["account"], ())),
        )
        for row in rows(folder, "accounts.csv")
    )
    return Book(today=today, people=tuple(people), customers=customers)


def _person(name: str, manager: str | None = None) -> Person:
    mail = f"{name.lower().replace(' ', '.')}@seller.example"
    return Person(key=name, name=name, email=mail, manager=manager)


def _deal(deal: Deal, kind: str, today: date) -> BookDeal:
    return BookDeal(
        key=deal.id,
        name=f"{deal.account} {deal.id}",
        kind=kind,
        stage=deal.stage,
        close_date=deal.closed or today + timedelta(days=30),
        amount=deal.value,
        owner=deal.agent,
    )


def sandbox_of(kind: str, folder: Path, today: date) -> Any:
    """A sandbox of that kind with the whole pipeline in it."""
    made = book(folder, today)
    orphans = [deal for deal in deals(folder) if not deal.account]
    if kind == "salesforce":
        org = SalesforceSandbox.from_book(made)
        for deal in orphans:
            closes = (today + timedelta(days=30)).isoformat()
            org.insert("Opportunity", Name=deal.id, StageName="Prospecting", CloseDate=closes)
        return org
    portal = HubSpotSandbox.from_book(made)
    for deal in orphans:
        portal.insert("deals", dealname=deal.id, dealstage="appointmentscheduled")
    return portal


def make_up(folder: Path) -> None:
    """A small pipeline of the same shape, the same every time."""
    chance = random.Random(5)
    accounts = [f"Northwold {n}" for n in range(14)]
    agents = [("Ada Quill", "Max Orrin"), ("Ben Stroud", "Max Orrin"), ("Cy Marsh", "Lu Vane")]
    tables: dict[str, list[tuple[object, ...]]] = {
        "accounts.csv": [
            (name, "retail", 1990 + n, 100.5 + n, 20 * n, "Kenya", accounts[0] if n == 3 else "")
            for n, name in enumerate(accounts)
        ],
        "sales_teams.csv": [(agent, manager, "East") for agent, manager in agents],
        "sales_pipeline.csv": [],
    }
    for n in range(260):
        stage = chance.choice(["Won", "Won", "Lost", "Engaging", "Prospecting"])
        closed = date(2017, 3, 1) + timedelta(days=chance.randrange(300))
        over = stage in STAGES
        tables["sales_pipeline.csv"].append(
            (
                f"OPP{n:05}",
                agents[n % 3][0],
                "GTX Basic",
                # Two accounts never buy, and some deals in an early stage have no account.
                chance.choice(accounts[:-2]) if over or n % 4 else "",
                stage,
                closed - timedelta(days=50),
                closed if over else "",
                {"Won": chance.randrange(40, 30_000), "Lost": 0}.get(stage, ""),
            )
        )
    for name, found in tables.items():
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([COLUMNS[name], *found])


if __name__ == "__main__":
    sandbox_of(sys.argv[2], Path(sys.argv[1]), date(2018, 1, 1)).dump(Path(sys.argv[3]))
