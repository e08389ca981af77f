"""What leaders ask of the book: its figures over a period, and what another policy would move.

Both read the state alone; nothing is contacted and nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from syncd.model import Before, Derived
from syncd.playbooks import Playbooks, desired_tasks
from syncd.policy import Policy
from syncd.rules import Group, PortfolioAccount, portfolio
from syncd.sync import (
    Connected,
    Derivation,
    Loaded,
    Turn,
    derive_all,
    find_due,
    load,
    load_users,
    person_of,
)


def figures(
    turn: Turn, connections: Sequence[Connected], *, by: str, start: date, end: date
) -> list[Group]:
    """The portfolio's groups over a period (both days included)."""
    return portfolio(
        (_portfolio_account(turn, loaded, before) for loaded, before in _book(turn, connections)),
        start,
        end,
        by,
        turn.policy,
    )


def _book(turn: Turn, connections: Sequence[Connected]) -> Iterator[tuple[Loaded, Before]]:
    """Every account of the book with its records and its stored values."""
    for connected in connections:
        load_users(turn, connected)
    with turn.store.begin(write=False) as tx:
        names = [connected.name for connected in connections]
        keys = turn.store.book.keys(tx, names)
        for loaded, before in load(tx, turn, connections, keys):
            if loaded.records is not None:
                yield loaded, before


def _portfolio_account(turn: Turn, loaded: Loaded, before: Before) -> PortfolioAccount:
    assert loaded.records is not None
    account, users = loaded.records.account, loaded.records.users
    owner = users.get(account.owner or "")
    tier = before.values.get("tier")
    engaged = before.values.get("executive_sponsor_engaged")
    return PortfolioAccount(
        id=loaded.stored.key,
        name=account.name,
        status=account.status,
        owner=person_of(turn, loaded.home, account.owner),
        owner_name=owner.name if owner else None,
        segment=account.segment,
        tier=tier if isinstance(tier, str) else None,
        sponsor_engaged=engaged if isinstance(engaged, bool) else None,
        nps=account.nps,
        contracts=loaded.records.contracts,
    )


def backtest(
    turn: Turn, connections: Sequence[Connected], policy: Policy, playbooks: Playbooks
) -> dict[str, Any]:
    """What another policy would move, account by account: values, ARR, and tasks it would open.

    Both policies are asked about the stored book on the same day; text of reasons is not compared.
    """
    now = _derived(turn, connections)
    then_turn = replace(turn, policy=policy, playbooks=playbooks)
    then = _derived(then_turn, connections)
    moved = []
    opens: list[dict[str, Any]] = []
    for key, derivation in now.items():
        other = then[key]
        account = derivation.loaded.stored.key.partition(":")[2]
        name = derivation.state.name
        arr = _value(derivation.values, "arr")
        moved += [
            {
                "account": account,
                "account_name": name,
                "connection": key.partition(":")[0],
                "value": value,
                "before": _value(derivation.values, value),
                "after": _value(other.values, value),
                "because": other.values[value].because if value in other.values else "",
                "arr": arr,
            }
            for value in derivation.values
            if _comparable(value)
            and _value(derivation.values, value) != _value(other.values, value)
        ]
        known = set(_keys(turn, derivation))
        opens += [
            {"account": account, "account_name": name, "key": task, "subject": subject}
            for task, subject in _keys(then_turn, other).items()
            if task not in known
        ]
    by_value: dict[str, dict[str, Any]] = {}
    for change in moved:
        row = by_value.setdefault(change["value"], {"accounts": 0, "arr": Decimal(0)})
        row["accounts"] += 1
        row["arr"] += change["arr"] or Decimal(0)
    return {
        "accounts": len(now),
        "as_of": turn.today,
        "summary": by_value,
        "changes": moved,
        "tasks_opened": opens,
    }


def _derived(turn: Turn, connections: Sequence[Connected]) -> dict[str, Derivation]:
    for connected in connections:
        load_users(turn, connected)
    whole = replace(turn, as_of=True, dry=True)
    due = find_due(whole, connections)
    with turn.store.begin(write=False) as tx:
        return {
            derivation.loaded.stored.key: derivation
            for derivation in derive_all(tx, whole, connections, due)
            if derivation.loaded.records is not None
        }


def _comparable(value: str) -> bool:
    """Reasons change in wording with every threshold; the values say what moves."""
    return not value.endswith("_reason") and value not in {"tier_since", "tier_previous"}


def _value(values: Any, name: str) -> Any:
    derived = values.get(name)
    return derived.value if isinstance(derived, Derived) else None


def _keys(turn: Turn, derivation: Derivation) -> dict[str, str]:
    """Keys and subjects of the tasks that would be open."""
    assert derivation.loaded.records is not None
    tasks, _ = desired_tasks(
        turn.playbooks,
        derivation.loaded.records,
        derivation.values,
        derivation.before,
        turn.policy,
        turn.today,
    )
    return {task.key: task.subject for task in tasks if task.opens}
