"""A book of customers in memory, and the runs of syncd over it, for the tests of the core."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any

from connectors.memory import Crm, MemoryConnector, MemorySettings
from syncd.connector import Context
from syncd.located import parse_toml
from syncd.mapping import Mapping, ReadContext, mapping_of
from syncd.plan import WritePolicy
from syncd.playbooks import compile_playbooks
from syncd.policy import Policy
from syncd.store import Store
from syncd.sync import Connected, Report, Turn, run_once

TODAY = date(2026, 6, 15)
MAPPING = """
version = 1
[account]
object = "Account"
where = [{ propertyName = "Kept", operator = "NEQ", value = "no" }]
[account.fields]
name = "Name"
owner = "OwnerId"
status = { field = "Type", values = { Customer = "customer", Prospect = "prospect" } }
[opportunity]
object = "Opportunity"
[opportunity.fields]
account = "AccountId"
name = "Name"
owner = "OwnerId"
kind = { field = "Type", values = { New = "new" }, default = "other" }
closed = "IsClosed"
won = "IsWon"
close_date = "CloseDate"
amount = "Amount"
[opportunity.handoff]
pain_points = "Pain"
[contract]
object = "Contract"
[contract.fields]
account = "AccountId"
name = "Name"
status = { field = "Status", values = { Activated = "active" }, default = "draft" }
start_date = "StartDate"
end_date = "EndDate"
value = "Value"
[user.managers]
"ann@acme.example" = "bea@acme.example"
[writes.account]
arr = "Arr"
renewal_date = "RenewalDate"
renewal_status = "RenewalStatus"
renewal_reason = "RenewalReason"
tier.field = "Tier"
tier.values = { strategic = "Tier 1", growth = "Tier 2", maintenance = "Tier 3" }
key_account = "KeyAccount"
handoff_completeness = "HandoffPercent"
synced_at = "SyncedAt"
[writes.task]
object = "Task"
key = "Key"
playbook = "Playbook"
"""
OURS = (
    "Arr",
    "RenewalDate",
    "RenewalStatus",
    "RenewalReason",
    "Tier",
    "KeyAccount",
    "HandoffPercent",
    "SyncedAt",
)


class Heard:
    """A log that keeps the names of what it was told."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def info(self, event: str, **fields: Any) -> None:
        self.events.append(event)

    def warning(self, event: str, **fields: Any) -> None:
        self.events.append(event)

    def bind(self, **fields: Any) -> Heard:
        return self


@cache
def mapping_from(text: str = MAPPING, connection: str = "crm") -> Mapping:
    """The mapping that this text describes."""
    located = parse_toml(text.encode(), "map.toml")
    return mapping_of(located, connection=connection, defaults=MemoryConnector.mapping_defaults)


class Room:
    """A CRM in memory (or several), a state, and a day. Every run has fresh connections."""

    def __init__(self, state: str, *, names: tuple[str, ...] = ("crm",), **policy: Any) -> None:
        self.state = state
        self.store = Store.open(state)
        self.names = names
        self.today = TODAY
        self.now = datetime.combine(TODAY, time(9), UTC)
        self.policy = Policy.model_validate(policy)
        self.playbooks = compile_playbooks(self.policy)
        self.text = MAPPING
        self.write = WritePolicy(min_accounts=10**6)
        self.connector: Callable[[str], MemoryConnector] = connector
        self.instance = "here:1"
        self.holder_alive: Callable[[str], bool] = lambda _: True
        self.log = Heard()
        for name in names:
            MemoryConnector.crms[name] = _crm(self.policy)

    @property
    def crm(self) -> Crm:
        """The first connection's CRM."""
        return MemoryConnector.crms[self.names[0]]

    def close(self) -> None:
        self.store.close()
        for name in self.names:
            MemoryConnector.crms.pop(name, None)

    def customer(
        self, id: str, *, ends: date | None = None, value: int = 12_000, **more: Any
    ) -> None:
        """An account with a contract of a year that ends on that day."""
        fill_customer(self.crm, id, ends=ends or date(2027, 3, 31), value=value, **more)

    def turn(self, **more: Any) -> Turn:
        """What the next run is given."""
        return Turn(
            store=self.store,
            connections=[self._connected(name) for name in self.names],
            policy=self.policy,
            playbooks=self.playbooks,
            policy_hash=str(hash(self.policy.model_dump_json())),
            write=self.write,
            today=self.today,
            clock=lambda: self.now,
            instance=self.instance,
            log=self.log,
            holder_alive=self.holder_alive,
            **more,
        )

    def _connected(self, name: str) -> Connected:
        return Connected(
            name=name,
            connector=self.connector(name),
            mapping=mapping_from(self.text, name),
            context=ReadContext(currency="USD", rates={}),
        )

    def sync(self, **more: Any) -> Report:
        """One run, some seconds later."""
        return self.run(self.turn(**more))

    def run(self, turn: Turn) -> Report:
        """One run with this turn, some seconds later."""
        self.now += timedelta(seconds=10)
        return run_once(turn)

    def next_day(self, days: int = 1) -> None:
        """Let midnight pass."""
        self.today += timedelta(days=days)
        self.now += timedelta(days=days)

    def account(self, id: str) -> dict[str, Any]:
        """The account's row in the CRM."""
        return self.crm.rows["Account"][id]

    def ours(self, id: str) -> dict[str, Any]:
        """What stands in our fields of the account."""
        return {name: self.account(id).get(name) for name in OURS}

    def tasks(self, **wanted: Any) -> list[dict[str, Any]]:
        """The CRM's tasks with these values, by key."""
        rows = self.crm.rows.get("Task", {})
        found = [
            {"id": id, **row}
            for id, row in rows.items()
            if all(row.get(name) == value for name, value in wanted.items())
        ]
        return sorted(found, key=lambda row: str(row["Key"]))

    def stored_tasks(self, account: str) -> dict[str, str]:
        """State of each task of the account, by playbook."""
        with self.store.begin(write=False) as tx:
            key = f"{self.names[0]}:{account}"
            return {
                t.playbook: t.state for t in self.store.tasks.of_accounts(tx, [key]).get(key, [])
            }

    def derived(self, account: str) -> dict[str, Any]:
        """What was last derived of the account, by name."""
        with self.store.begin(write=False) as tx:
            key = f"{self.names[0]}:{account}"
            found = self.store.book.derivations(tx, [key])[key]
        return {name: value.value for name, value in found.values.items()}

    def rejects(self) -> list[tuple[str, str, str]]:
        """(record, field, message) of all that is in quarantine."""
        with self.store.begin(write=False) as tx:
            return [(r.record, r.field, r.message) for r in self.store.quarantine.all(tx)]

    def forget_everything(self, state: str) -> None:
        """Lose the state; go on with an empty one."""
        self.store.close()
        self.state = state
        self.store = Store.open(state)


def connector(name: str) -> MemoryConnector:
    """A connection to the CRM of that name, not open yet."""
    return MemoryConnector(MemorySettings(path=""), Context(name=name))


def _crm(policy: Policy) -> Crm:
    crm = Crm()
    crm.put("User", "u1", Name="Ann", Email="ann@acme.example", IsActive=True)
    crm.put("User", "u2", Name="Bea", Email="bea@acme.example", IsActive=True)
    columns: dict[str, Iterable[str]] = {
        "Account": ("Name", "OwnerId", "Type", "Kept"),
        "Opportunity": (
            *("AccountId", "Name", "OwnerId", "Type", "IsClosed", "IsWon", "CloseDate"),
            *("Amount", "Pain"),
        ),
        "Contract": ("AccountId", "Name", "Status", "StartDate", "EndDate", "Value"),
        "Task": (
            "WhatId",
            "OwnerId",
            "Subject",
            "Description",
            "ActivityDate",
            "Priority",
            "Status",
        ),
    }
    for object, names in columns.items():
        crm.put(object, "first", **dict.fromkeys(names))
        crm.rows[object].clear()
    MemoryConnector.crms["new"] = crm
    list(connector("new").provision(mapping_from().specs(policy), apply=True))
    del MemoryConnector.crms["new"]
    return crm


def fill_customer(crm: Crm, id: str, *, ends: date, value: int, **more: Any) -> None:
    """An account with a contract of a year that ends on that day."""
    row = {"Name": f"Customer {id}", "OwnerId": "u1", "Type": "Customer", "Kept": "yes", **more}
    crm.put("Account", id, **row)
    crm.put(
        "Contract",
        f"c-{id}",
        AccountId=id,
        Name=f"Contract {id}",
        Status="Activated",
        StartDate=(ends - timedelta(days=364)).isoformat(),
        EndDate=ends.isoformat(),
        Value=value,
    )


def written(report: Report) -> tuple[int, int]:
    """How many fields and tasks a run wrote."""
    return (
        report.total("fields_written"),
        sum(sum(c.tasks_done.values()) for c in report.connections),
    )


def planned(report: Report) -> tuple[int, int]:
    """How many fields and tasks a run planned."""
    plans = [c.plan for c in report.connections]
    return sum(len(plan.sets) for plan in plans), sum(len(plan.tasks) for plan in plans)
