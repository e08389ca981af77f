"""How long all rules take over a big book, and how much memory.

    python benchmarks/derive.py [--accounts 100000]

Makes that many customers, each with contracts, deals with handoff documents, contacts, roles,
tickets, activities and usage; then works out the book's borders and every customer's values and
desired tasks, as a run does. Making the customers is not measured. Prints CPU seconds and the
greatest resident memory; ends with 1 above the bounds (60 s for the rules, 1 GiB).
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from syncd.model import (
    Account,
    AccountPlan,
    AccountRecords,
    Activity,
    Before,
    Contact,
    Contract,
    Handoff,
    Opportunity,
    Ref,
    Role,
    Ticket,
    Usage,
    User,
)
from syncd.playbooks import compile_playbooks, desired_tasks, next_turn
from syncd.policy import Policy
from syncd.rules import borders, derive
from syncd.rules.rule import BookRow

TODAY = date(2026, 6, 15)
ROLES = ("champion", "economic_buyer", "technical_evaluator", "end_user")
KINDS = frozenset(
    {"contract", "opportunity", "contact", "role", "ticket", "activity", "usage", "handoff"}
)
FIELDS = frozenset({"contact.roles", "contact.last_activity_on", "activity.contact"})
CPU_BOUND, MEMORY_BOUND = 60.0, 1024.0
USERS = {
    f"u{n}": User(Ref("crm", "User", f"u{n}"), f"u{n}", name=f"User {n}", manager=f"u{n // 10}")
    for n in range(1, 400)
}


def _ref(object: str, account: int, n: int = 0) -> Ref:
    return Ref("crm", object, f"{object}-{account}-{n}")


def _ago(rng: random.Random, most: int, least: int = 0) -> date:
    return TODAY - timedelta(days=rng.randint(least, most))


def _at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 10, tzinfo=UTC)


def customer(n: int) -> AccountRecords:
    """The n-th customer; the same for every call."""
    rng = random.Random(n)
    id = f"a{n:06}"
    arr = Decimal(rng.randint(3, 120)) * 1000
    start = _ago(rng, 1000, 30)
    contracts = [
        Contract(
            ref=_ref("contract", n, k),
            id=f"c{n}-{k}",
            account=id,
            name=f"C-{n}-{k}",
            start_date=start + timedelta(days=365 * k),
            term_months=12,
            arr=arr,
            auto_renew=rng.random() < 0.5,
            notice_days=rng.choice([None, 30, 60]),
        )
        for k in range(rng.randint(1, 3))
    ]
    deals = [
        Opportunity(
            ref=_ref("opportunity", n, k),
            id=f"o{n}-{k}",
            account=id,
            kind=kind,
            closed=kind == "new" or rng.random() < 0.5,
            won=kind == "new",
            close_date=_ago(rng, 400),
            owner=f"u{rng.randint(1, 399)}",
            handoff=Handoff(
                ref=_ref("handoff", n, k),
                pain_points="<p>Month ends take nine days to close &amp; nobody knows why</p>",
                promised_outcomes="Month end within three days by June",
                champion=rng.choice(["Eve Lark", "tbd"]),
                contract_terms=f"24 months, net {n % 90}",
            ),
        )
        for k, kind in enumerate(["new", "renewal"])
    ]
    contacts = tuple(
        Contact(
            ref=_ref("contact", n, k),
            id=f"p{n}-{k}",
            roles=(rng.choice(ROLES),),
            active=rng.random() < 0.9,
            last_activity_on=_ago(rng, 200),
        )
        for k in range(4)
    )
    return AccountRecords(
        account=Account(
            ref=_ref("account", n),
            id=id,
            name=f"Customer {n}",
            owner=f"u{rng.randint(1, 399)}",
            expansion_potential=Decimal(rng.randint(0, 30)) * 1000,
            nps=Decimal(rng.randint(-50, 90)),
            seats=100,
            created_on=start,
            plan=AccountPlan("Overview", "Good", "Grow", "Ann calls", "Seats", _ago(rng, 200)),
        ),
        opportunities=tuple(deals),
        contracts=tuple(contracts),
        contacts=contacts,
        roles=tuple(Role(ref=_ref("role", n), contact=c.id, role="champion") for c in contacts[:1]),
        tickets=tuple(
            Ticket(
                ref=_ref("ticket", n, k),
                id=f"t{n}-{k}",
                opened_at=_at(_ago(rng, 150)),
                closed_at=None if rng.random() < 0.1 else _at(TODAY),
            )
            for k in range(6)
        ),
        activities=tuple(
            Activity(
                ref=_ref("activity", n, k),
                id=f"x{n}-{k}",
                contact=f"p{n}-{k % 4}",
                kind=rng.choice(["meeting", "call", "email_in", "email_out", "qbr"]),
                at=_at(_ago(rng, 300)),
            )
            for k in range(20)
        ),
        usage=tuple(
            Usage(
                ref=_ref("usage", n, k),
                period_start=TODAY - timedelta(days=7 * k + 1),
                active_users=rng.randint(20, 100),
                logins=rng.randint(100, 500),
                meters={"api": (Decimal(rng.randint(40, 100)), Decimal(100))},
            )
            for k in range(17)
        ),
        users=USERS,
        kinds=KINDS,
        fields=FIELDS,
    )


def customers(count: int) -> Iterator[AccountRecords]:
    """One after another, as a run loads them."""
    return (customer(n) for n in range(count))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    count = parser.parse_args().accounts
    policy = Policy()
    playbooks = compile_playbooks(policy)
    spent = {"borders": 0.0, "rules": 0.0, "tasks": 0.0}
    rows = [
        BookRow(account=f"a{n:06}", arr=Decimal(random.Random(n).randint(3, 120)) * 1000)
        for n in range(count)
    ]
    begin = time.process_time()
    book = borders(rows, policy.tier, TODAY)
    spent["borders"] = time.process_time() - begin
    del rows
    values = tasks = 0
    for records in customers(count):
        before = Before(values={"tier": "growth", "health_band": "green"}, first_run=False)
        begin = time.process_time()
        decision = derive(records, before, book, policy, TODAY)
        done = time.process_time()
        wanted, _ = desired_tasks(playbooks, records, decision.values, before, policy, TODAY)
        next_turn(playbooks, records, decision.values, before, policy, TODAY)
        spent["rules"] += done - begin
        spent["tasks"] += time.process_time() - done
        values += len(decision.values)
        tasks += len(wanted)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count:,} accounts, {values:,} values, {tasks:,} tasks wanted")
    print(", ".join(f"{name} {seconds:.1f} s" for name, seconds in spent.items()), "CPU")
    print(f"greatest resident memory {memory:.0f} MiB")
    scale = count / 100_000
    rules = spent["borders"] + spent["rules"]
    return int(rules > CPU_BOUND * max(scale, 0.01) or memory > MEMORY_BOUND)


if __name__ == "__main__":
    sys.exit(main())
