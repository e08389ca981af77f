"""Which tier a customer is in, since when and why (docs/rules.md, Tier)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from syncd.model import Decision, Derived
from syncd.policy import TierPolicy
from syncd.rules.arr import ARR_INPUTS
from syncd.rules.contracts import positive
from syncd.rules.dates import add_days, earliest
from syncd.rules.rule import BookRow, Rule, RuleInput
from syncd.rules.tier_places import GROWTH, RED_DAYS, assign, named_tier


def decide(given: RuleInput) -> Decision:
    """Tier, its past and its reason, and whether this is a key account."""
    arr = given.values.get("arr")
    if arr is None:
        return Decision()
    policy, today, before = given.policy.tier, given.today, given.before
    row = _row(given, arr)
    tier, key_account, because, demoted = assign(row, given.book, policy, today)
    inputs = _fingerprint(row, policy)
    stored = row.tier if row.tier in policy.names else None
    since: object = today
    previous = stored
    reason = because
    if stored == tier or stored is None:
        previous = _text(before.values.get("tier_previous"))
        previous = previous if previous in policy.names else None
    if stored == tier:
        since = before.values.get("tier_since") or before.since.get("tier") or today
        if before.facts.get("tier_inputs") == inputs:
            reason = _text(before.values.get("tier_reason")) or because
    since_day = since if isinstance(since, date) else today
    until = earliest(_next_review(row, tier, policy, today), arr.valid_until)
    refs = (given.records.account.ref,)
    was = f"It was {previous} before." if previous else "No earlier tier is known."
    return Decision(
        values={
            "tier": Derived(tier, because, refs, until),
            "tier_since": Derived(since_day, "The day the tier last changed.", refs, until),
            "tier_previous": Derived(previous, was, refs, until),
            "tier_reason": Derived(reason, because, refs, until),
            "key_account": Derived(
                key_account,
                f"{'Among' if key_account else 'Not among'} the top "
                f"{policy.key_account_share * 100:g} % of the customers that have ARR.",
                refs,
                arr.valid_until,
            ),
        },
        facts={"tier_inputs": inputs, "tier_demoted": demoted},
    )


def _row(given: RuleInput, arr: Derived) -> BookRow:
    account, before = given.records.account, given.before
    red = before.values.get("health_band") == "red"
    return BookRow(
        account=account.id,
        arr=arr.value if isinstance(arr.value, Decimal) else None,
        potential=account.expansion_potential,
        strategic=bool(account.strategic),
        override=account.tier_override,
        tier=_text(before.values.get("tier")),
        band_red_since=before.since.get("health_band") if red else None,
        demoted=before.facts.get("tier_demoted") is True,
    )


def _fingerprint(row: BookRow, policy: TierPolicy) -> str:
    """The account's own part in its reason, and the settings that the reason names."""
    settings = f"{policy.method} {policy.strategic_share} {policy.growth_potential_share}"
    if policy.method == "thresholds":
        settings += f" {' '.join(map(str, policy.thresholds))}"
    own = (positive(row.arr), positive(row.potential))
    amounts = " ".join(f"{amount:.2f}" for amount in own)
    return f"{amounts} {row.strategic:d} {row.override or ''}|{settings}"


def _next_review(row: BookRow, tier: str, policy: TierPolicy, today: date) -> date | None:
    """The next day on which the borders are applied otherwise."""
    if named_tier(row.override, policy) is not None:
        return None
    if row.strategic and policy.method != "score":
        return None
    month, year = policy.review_month, today.year
    if today.month == month:
        ends = date(year + month // 12, month % 12 + 1, 1) if year < date.max.year else None
        red = None
        if row.band_red_since is not None and tier == policy.names[GROWTH]:
            red = add_days(row.band_red_since, RED_DAYS)
        return earliest(ends, red if red is not None and red > today else None)
    year += today.month > month
    return date(year, month, 1) if year <= date.max.year else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


RULE = Rule(
    name="tier",
    decide=decide,
    writes=("tier", "tier_since", "tier_previous", "tier_reason", "key_account"),
    inputs=ARR_INPUTS
    | {"account.expansion_potential", "account.strategic", "account.tier_override"},
)
