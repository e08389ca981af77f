"""The rules in their order, and `derive`, which asks them all about one account."""

from __future__ import annotations

from datetime import date

from msgspec.structs import replace

from syncd.model import AccountRecords, Before, Decision, Derived, Finding, Scalar
from syncd.policy import Policy
from syncd.rules import (
    account_plan,
    cadence,
    expansion,
    handoff,
    health,
    renewal,
    renewal_risk,
    stakeholders,
    tier,
)
from syncd.rules.arr import arr_in_force
from syncd.rules.dates import holidays_of
from syncd.rules.health import whole
from syncd.rules.portfolio import GROUPINGS, Group, PortfolioAccount, loads, portfolio
from syncd.rules.rule import BookBorders, BookRow, Rule, RuleInput
from syncd.rules.tier_places import assign, borders

__all__ = [
    "GROUPINGS",
    "RULES",
    "BookBorders",
    "BookRow",
    "Group",
    "PortfolioAccount",
    "RuleInput",
    "arr_in_force",
    "assign",
    "borders",
    "derive",
    "holidays_of",
    "last_said",
    "loads",
    "portfolio",
    "whole",
]


RULES: tuple[Rule, ...] = (
    renewal.RULE,
    tier.RULE,
    handoff.RULE,
    cadence.RULE,
    stakeholders.RULE,
    health.RULE,
    account_plan.RULE,
    expansion.RULE,
    renewal_risk.RULE,
)
"""Each rule sees the values of those before it."""

_PROSPECT = Derived(None, "The account is a prospect; only customers get values.")
_GONE = Derived(None, "The account has churned; it keeps its renewal status only.")
_CHURNED = Derived("churned", "The account has churned.")


def derive(
    records: AccountRecords,
    before: Before,
    book: BookBorders,
    policy: Policy,
    today: date,
    *,
    off: frozenset[str] = frozenset(),
) -> Decision:
    """All values that the account is entitled to; the others blank, so that they are cleared.

    Rules named in `off` are left out: their values are absent, neither cleared nor changed.
    Later rules go by what they last said, which still stands in the CRM.
    """
    if records.account.status in {"prospect", "churned"}:
        return _not_entitled(records, off)
    decision = _decided(records, before, book, policy, today, off)
    if _recovered(before, decision):
        # The tier went by a red band that is red no more: else the next run would move it.
        since = {name: day for name, day in before.since.items() if name != "health_band"}
        again = _decided(records, replace(before, since=since), book, policy, today, off)
        if _recovered(before, again):
            return again
    return decision


def _decided(
    records: AccountRecords,
    before: Before,
    book: BookBorders,
    policy: Policy,
    today: date,
    off: frozenset[str],
) -> Decision:
    known = last_said(before, off)
    values: dict[str, Derived] = {}
    findings: list[Finding] = []
    facts: dict[str, Scalar] = {}
    given = RuleInput(records, before, known, book, policy, today)
    for rule in RULES:
        if rule.name not in off:
            decision = rule.decide(given)
            known.update(decision.values)
            values.update(decision.values)
            findings.extend(decision.findings)
            facts.update(decision.facts)
    return Decision(values, tuple(findings), facts)


def last_said(before: Before, off: frozenset[str]) -> dict[str, Derived]:
    """What the rules named in `off` said when they last were asked."""
    return {
        name: Derived(before.values[name], before.reasons.get(name, ""))
        for rule in RULES
        if rule.name in off
        for name in rule.writes
        if name in before.values
    }


def _recovered(before: Before, decision: Decision) -> bool:
    band = decision.values.get("health_band")
    return before.values.get("health_band") == "red" and band is not None and band.value != "red"


def _not_entitled(records: AccountRecords, off: frozenset[str]) -> Decision:
    churned = records.account.status == "churned"
    blank = _GONE if churned else _PROSPECT
    values = {name: blank for rule in RULES if rule.name not in off for name in rule.writes}
    if churned and "renewal_status" in values:
        values["renewal_status"] = _CHURNED
    return Decision(values)
