"""People change ten records by hand; only the accounts that these touch are worked out and written.

`syncd sync` runs as processes of their own; the sandboxes are asked what was written.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.hubspot.sandbox import HubSpotSandbox
from connectors.salesforce.sandbox import SalesforceSandbox
from syncd.rehearsal import sandboxes

ACCOUNTS = 90
TEN = 10
OVERRIDE = "2031-05-06"
Touched = set[str]


@dataclass
class Crm:
    """A served sandbox, the config that leads to it, and the day of the book."""

    sandbox: Any
    config: Path
    today: date

    def syncd(self, *arguments: str) -> Any:
        """The JSON answer of a command, run as a process of its own."""
        command = [sys.executable, "-m", "syncd", *arguments, "-c", str(self.config), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)

        assert done.returncode in {0, 3}, done.stderr[-2000:]
        return json.loads(done.stdout)


class Salesforce(Crm):
    """What people do in the org. Each edit changes up to ten records and tells whose they are."""

    sandbox: SalesforceSandbox
    object = "Account"

    def rows(self, object: str) -> list[dict[str, Any]]:
        """The records that are there."""
        return [row for row in self.sandbox.rows(object) if not row.get("IsDeleted")]

    def state(self) -> dict[str, Any]:
        """When each account was last written."""
        return {row["Id"]: row["SystemModstamp"] for row in self.rows("Account")}

    def customers(self) -> set[str]:
        """Accounts that get values."""
        return {row["Id"] for row in self.rows("Account") if row["Type"] == "Customer - Direct"}

    def accounts(self) -> Touched:
        """The answers to a survey come in, the other way round than the last ones."""
        ids = sorted(self.customers())[:TEN]
        for row in self.rows("Account"):
            if row["Id"] in ids:
                self.sandbox.edit(
                    "Account", row["Id"], NPS__c=-100 if row.get("NPS__c", 0) > 0 else 100
                )
        return set(ids)

    def contracts(self) -> Touched:
        """Contracts get another notice period."""
        mine = [
            row
            for row in self.rows("Contract")
            if row["AccountId"] in self.customers()
            and row.get("EndDate")
            and row.get("ContractTerm")
            and date.fromisoformat(row["EndDate"]) > self.today
            and row["Status"] == "Activated"
        ][:TEN]
        for row in mine:
            self.sandbox.edit("Contract", row["Id"], Notice_Days__c=33)
        return {row["AccountId"] for row in mine}

    def opportunities(self) -> Touched:
        """Sellers write down what hurts."""
        mine = [row for row in self.rows("Opportunity") if row["StageName"] == "Closed Won"][-TEN:]
        for row in mine:
            words = "Orders are keyed in twice, and returns are lost between the two systems."
            self.sandbox.edit("Opportunity", row["Id"], Pain_Points__c=words + row["Id"])
        return {row["AccountId"] for row in mine}

    def contacts(self) -> Touched:
        """Contacts leave their company."""
        mine = [row for row in self.rows("Contact") if not row.get("Left_Company__c")][:TEN]
        for row in mine:
            self.sandbox.edit("Contact", row["Id"], Left_Company__c=True)
        return {row["AccountId"] for row in mine}

    def users(self) -> Touched:
        """An account manager gets another name; the user is named on accounts and deals."""
        owner = min(row["OwnerId"] for row in self.rows("Account"))
        self.sandbox.edit("User", owner, LastName="Renamed")
        return {
            str(row["Id"] if object == "Account" else row["AccountId"])
            for object in ("Account", "Opportunity", "Contact", "Contract")
            for row in self.rows(object)
            if owner in {value for value in row.values() if isinstance(value, str)}
        }


class HubSpot(Crm):
    """What people do in the portal."""

    sandbox: HubSpotSandbox
    object = "companies"

    def rows(self, object: str) -> list[dict[str, Any]]:
        """The records that are there."""
        return [row for row in self.sandbox.rows(object) if not row["archived"]]

    def of(self, object: str, rows: list[dict[str, Any]]) -> Touched:
        """The companies of these records."""
        return {
            company
            for row in rows
            for company in self.sandbox.associations_of(object, row["id"], "companies")
        }

    def state(self) -> dict[str, Any]:
        """When each company was last written."""
        return {row["id"]: row["updated"] for row in self.rows("companies")}

    def customers(self) -> set[str]:
        """Companies that get values."""
        return {
            row["id"]
            for row in self.rows("companies")
            if row["properties"].get("lifecyclestage") == "customer"
        }

    def accounts(self) -> Touched:
        """A renewal is set to another day than its contract says."""
        ids = sorted(self.customers())[:TEN]
        for id in ids:
            self.sandbox.edit("companies", id, renewal_date_override=OVERRIDE)
        return set(ids)

    def contracts(self) -> Touched:
        """Contracts get another notice period."""
        mine = [
            row for row in self.rows("contracts") if row["properties"].get("hs_status") == "ACTIVE"
        ][-TEN:]
        for row in mine:
            self.sandbox.edit("contracts", row["id"], notice_days="33")
        return self.of("contracts", mine)

    def opportunities(self) -> Touched:
        """Sellers write down what hurts."""
        mine = [row for row in self.rows("deals") if row["properties"]["dealstage"] == "closedwon"][
            -TEN:
        ]
        for row in mine:
            words = "Orders are keyed in twice, and returns are lost between the two systems."
            self.sandbox.edit("deals", row["id"], pain_points=words + row["id"])
        return self.of("deals", mine)

    def contacts(self) -> Touched:
        """Contacts leave their company."""
        mine = [
            row for row in self.rows("contacts") if row["properties"].get("left_company") != "true"
        ][:TEN]
        for row in mine:
            self.sandbox.edit("contacts", row["id"], left_company="true")
        return self.of("contacts", mine)

    def users(self) -> Touched:
        """An account manager gets another name; the owner is named on companies and deals."""
        owner = min(
            row["properties"]["hubspot_owner_id"]
            for row in self.rows("companies")
            if "hubspot_owner_id" in row["properties"]
        )
        self.sandbox.portal.owners[int(owner)].last = "Renamed"
        touched: Touched = set()
        for object in ("companies", "deals", "contracts", "contacts"):
            mine = [row for row in self.rows(object) if owner in row["properties"].values()]
            touched |= {row["id"] for row in mine} if object == "companies" else set()
            touched |= self.of(object, mine) if object != "companies" else set()
        return touched


@pytest.fixture(params=["salesforce", "hubspot"])
def crm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Salesforce | HubSpot]:
    """A book of customers, synced once."""
    kind: str = request.param
    today = datetime.now(UTC).date()  # noqa: TID251 - the processes work on the real day
    with ExitStack() as stack:
        made, config = sandboxes(
            stack, tmp_path, accounts=ACCOUNTS, seed=3, today=today, kinds=[kind]
        )
        crm = (Salesforce if kind == "salesforce" else HubSpot)(made[kind], config, today)
        crm.syncd("provision", "--apply")
        crm.syncd("sync")
        yield crm


@pytest.mark.slow
def test_only_what_people_touched_is_worked_out_and_written(crm: Salesforce | HubSpot) -> None:
    """For each kind of record: ten edits, and no other account is derived or written. Then all
    is still.
    """
    edits: tuple[tuple[str, Callable[[], Touched]], ...] = (
        ("accounts", crm.accounts),
        ("contracts", crm.contracts),
        ("opportunities", crm.opportunities),
        ("contacts", crm.contacts),
        ("users", crm.users),
    )
    wrote: dict[str, int] = {}
    for name, edit in edits:
        touched = edit()
        before = crm.state()
        answer = crm.syncd("sync")
        (ending,) = answer["connections"].values()
        written = {id for id, stamp in crm.state().items() if stamp != before[id]}
        wrote[name] = len(written)
        accounts = {item["account"] for item in (*answer["changes"], *answer["tasks"])}

        assert 0 < len(touched) < ACCOUNTS / 2, name
        assert 0 < ending["derived"] <= len(touched), name
        assert written <= touched, name
        assert accounts <= touched, name
        assert written <= {change["record"] for change in answer["changes"]}, name
    last = crm.syncd("sync")
    runs = crm.syncd("runs")

    assert wrote["accounts"] > TEN / 2
    assert wrote["opportunities"] > 0
    assert last["nothing_to_do"]
    assert [ending["derived"] for ending in last["connections"].values()] == [0]
    assert runs["runs"][0]["counts"]["derived"] == 0
