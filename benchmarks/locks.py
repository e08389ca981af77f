"""How long a run over a big book keeps others from the state, how long it takes, how much it needs.

    python benchmarks/locks.py [--accounts 20000] [--command plan] [--linked]

The book (three deals, one contract and two contacts to an account) stands in a file and is read by
the memory connector, so that what is measured is syncd itself. Linked: a second CRM has the same
customers, known by their domains, and all of them are joined. Beside the command, another process
asks every 50 ms to write to the state: how long it waited at most is how long a heartbeat, an
approval or the renewal of a lease waits. Ends with 1 when that is over 5 s, or a lease was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Self

from big_book import big_book

from connectors.sandbox.book import BookCustomer
from syncd.cli.output import moment

LONGEST_WAIT = 5.0
EVERY = 0.05
LOST = ("lease_not_renewed", "no_beat")

CONFIG = """
[syncd]
state = "sqlite:///state.db"
[write]
mode = "apply"
max_overwrite_share = 1.0
[connections.crm]
connector = "memory"
mapping = "crm.toml"
path = "book.json"
[policy.tasks]
fallback_assignee = "ops@seller.example"
max_new_tasks_per_user_per_day = 10
"""
LINKED = """
[connections.desk]
connector = "memory"
mapping = "desk.toml"
path = "desk.json"
[link]
connections = ["crm", "desk"]
"""
DESK = """
version = 1
[account]
object = "Account"
[account.fields]
name = "Name"
domain = { field = "Website", as = "domain" }
"""
MAPPING = """
version = 1
[account]
object = "Account"
[account.fields]
name = "Name"
owner = "OwnerId"
domain = { field = "Website", as = "domain" }
[opportunity]
object = "Opportunity"
[opportunity.fields]
account = "AccountId"
name = "Name"
owner = "OwnerId"
kind = "Kind"
closed = { field = "IsClosed", as = "bool" }
won = { field = "IsWon", as = "bool" }
close_date = { field = "CloseDate", as = "date" }
start_date = { field = "StartDate", as = "date" }
term_months = { field = "Term", as = "number" }
amount = { field = "Amount", as = "money" }
[opportunity.handoff]
pain_points = "Pain"
promised_outcomes = "Outcomes"
champion = "Champion"
[contract]
object = "Contract"
[contract.fields]
account = "AccountId"
name = "Name"
status = { field = "Status", values = { Activated = "active" }, default = "draft" }
start_date = { field = "StartDate", as = "date" }
end_date = { field = "EndDate", as = "date" }
term_months = { field = "Term", as = "number" }
value = { field = "Value", as = "money" }
auto_renew = { field = "AutoRenew", as = "bool" }
notice_days = { field = "Notice", as = "number" }
[contact]
object = "Contact"
[contact.fields]
account = "AccountId"
name = "Name"
roles = { field = "Roles", as = "list" }
last_activity_on = { field = "LastActivity", as = "date" }
[writes.account]
arr = "Arr"
renewal_date = "RenewalDate"
renewal_status = "RenewalStatus"
renewal_reason = "RenewalReason"
renewal_risk = "RenewalRisk"
tier = "Tier"
tier_reason = "TierReason"
key_account = "KeyAccount"
handoff_completeness = "HandoffPercent"
handoff_missing = "HandoffMissing"
handoff_status = "HandoffStatus"
stakeholder_coverage = "Coverage"
next_checkin_due = "NextCheckin"
synced_at = "SyncedAt"
[writes.task]
object = "Task"
key = "Key"
"""
OURS = (
    "Arr",
    "RenewalDate",
    "RenewalStatus",
    "RenewalReason",
    "RenewalRisk",
    "Tier",
    "TierReason",
    "KeyAccount",
    "HandoffPercent",
    "HandoffMissing",
    "HandoffStatus",
    "Coverage",
    "NextCheckin",
    "SyncedAt",
)
TASK = ("Key", "WhatId", "OwnerId", "Subject", "Description", "ActivityDate", "Priority", "Status")


def objects(accounts: int) -> dict[str, dict[str, dict[str, Any]]]:
    """The book as rows of a CRM, by object and id."""
    book = big_book(accounts, moment().date())
    found: dict[str, dict[str, dict[str, Any]]] = {
        "User": {
            person.key: {"Name": person.name, "Email": person.email, "IsActive": True}
            for person in book.people
        },
        "Task": {"t0": dict.fromkeys(TASK, "")},
    }
    for customer in book.customers:
        for object, id, row in _rows(customer):
            found.setdefault(object, {})[id] = row
    return found


def _rows(customer: BookCustomer) -> list[tuple[str, str, dict[str, Any]]]:
    key = customer.key
    account = {"Name": customer.name, "OwnerId": customer.owner, "Website": customer.domain}
    rows: list[tuple[str, str, dict[str, Any]]] = [
        ("Account", key, {**account, **dict.fromkeys(OURS)})
    ]
    for deal in customer.deals:
        row = {
            "AccountId": key,
            "Name": deal.name,
            "OwnerId": deal.owner,
            "Kind": deal.kind,
            "IsClosed": deal.stage != "open",
            "IsWon": deal.stage == "won",
            "CloseDate": str(deal.close_date),
            "StartDate": None if deal.start_date is None else str(deal.start_date),
            "Term": deal.term_months,
            "Amount": None if deal.amount is None else str(deal.amount),
            "Pain": deal.handoff and deal.handoff.pain_points,
            "Outcomes": deal.handoff and deal.handoff.promised_outcomes,
            "Champion": deal.handoff and deal.handoff.champion,
        }
        rows.append(("Opportunity", deal.key, row))
    for contract in customer.contracts:
        row = {
            "AccountId": key,
            "Name": contract.name,
            "Status": "Activated",
            "StartDate": str(contract.start_date),
            "EndDate": str(contract.end_date),
            "Term": contract.term_months,
            "Value": str(contract.value),
            "AutoRenew": contract.auto_renew,
            "Notice": contract.notice_days,
        }
        rows.append(("Contract", contract.key, row))
    for contact in customer.contacts:
        row = {
            "AccountId": key,
            "Name": f"{contact.first_name} {contact.last_name}",
            "Roles": list(contact.roles),
            "LastActivity": str(contact.last_activity_on),
        }
        rows.append(("Contact", contact.key, row))
    return rows


class Probe:
    """Another writer of the state: how long it had to wait at most."""

    def __init__(self, state: Path) -> None:
        """Nothing is asked yet."""
        self.longest = 0.0
        self.turns = 0
        self._state = state
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        """Ask from now on."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ask no more."""
        self._done.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._done.wait(EVERY):
            if not self._state.exists():
                continue
            opened = sqlite3.connect(self._state, timeout=600, isolation_level=None)
            since = time.perf_counter()
            try:
                opened.execute("BEGIN IMMEDIATE")
                self.longest = max(self.longest, time.perf_counter() - since)
                self.turns += 1
                opened.execute("ROLLBACK")
            finally:
                opened.close()


def main() -> int:
    """Measure and print; 1 when a bound is passed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--command", choices=["plan", "sync"], default="plan")
    parser.add_argument("--linked", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
        folder = Path(name)
        (folder / "config.toml").write_text(CONFIG + (LINKED if given.linked else ""))
        (folder / "crm.toml").write_text(MAPPING)
        (folder / "desk.toml").write_text(DESK)
        book = objects(given.accounts)
        (folder / "book.json").write_text(json.dumps(book))
        desk = {name: book[name] for name in ("User", "Account")}
        (folder / "desk.json").write_text(json.dumps(desk))
        del book, desk
        size = (folder / "book.json").stat().st_size / 2**20
        log = folder / "log"
        command = [sys.executable, "-m", "syncd", given.command, "--json", "-c", "config.toml"]
        began = time.perf_counter()
        with (
            Probe(folder / "state.db") as probe,
            (folder / "answer").open("w") as answer,
            log.open("w") as stderr,
        ):
            # Every run of one command is alike: where its memory is from matters little.
            code = subprocess.run(
                command, cwd=folder, stdout=answer, stderr=stderr, check=False, env=os.environ
            ).returncode
        seconds = time.perf_counter() - began
        told = log.read_text()
        made = json.loads((folder / "answer").read_text() or "{}")
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    lost = {event: told.count(event) for event in LOST if event in told}
    print(f"syncd {given.command} over {given.accounts:,} accounts (a file of {size:.0f} MiB)")
    print(
        f"  exit {code}, {len(made.get('changes', [])):,} changes, {len(made.get('tasks', [])):,} "
        f"tasks, {seconds:.0f} s, {memory:.0f} MiB"
    )
    print(f"  another writer waited {probe.longest:.2f} s at most, and had {probe.turns:,} turns")
    for event, count in lost.items():
        print(f"  NOT: {event} was logged {count} times")
    if code:
        print(told[-2000:])
    return int(code != 0 or probe.longest > LONGEST_WAIT or bool(lost))


if __name__ == "__main__":
    sys.exit(main())
