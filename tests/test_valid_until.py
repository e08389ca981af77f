"""valid_until is honest: day by day nothing changes before it, and it is not given in vain."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import msgspec
from case_files import stored
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_customers import RENEWAL_POLICIES, customers, lives

from syncd.model import AccountPlan, AccountRecords, Before, Decision
from syncd.policy import Policy, RenewalPolicy
from syncd.rules import borders, derive
from syncd.rules.rule import BookRow

EXAMPLES = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
AHEAD = (*range(1, 22), *range(25, 200, 12), *range(200, 1200, 90))
RETOLD = {"health_score", "health_coverage", "health_trend"}
"""Their reasons, for explain alone, tell the exact figures of the day."""
BOOK = [BookRow(account=f"other-{n}", arr=Decimal(40 * n)) for n in range(1, 8)]


@st.composite
def whole_lives(draw: st.DrawFn) -> tuple[AccountRecords, date]:
    """A customer with contracts and deals, and all that happened around it."""
    records, today = draw(customers())
    life, _ = draw(lives(today))
    text = st.sampled_from([None, "tbd", "Two more plants"])
    days = st.integers(-100, 0).map(lambda n: today + timedelta(days=n))
    plan = AccountPlan(
        draw(text), draw(text), draw(text), draw(text), draw(text), draw(st.none() | days)
    )
    account = msgspec.structs.replace(
        life.account,
        arr=records.account.arr,
        renewal_date_override=records.account.renewal_date_override,
        expansion_potential=draw(st.sampled_from([None, Decimal(30)])),
        strategic=draw(st.sampled_from([None, None, True])),
        plan=draw(st.none() | st.just(plan)),
    )
    deals = tuple(
        msgspec.structs.replace(deal, kind="new") if draw(st.booleans()) else deal
        for deal in records.opportunities
    )
    whole = msgspec.structs.replace(
        life, account=account, contracts=records.contracts, opportunities=deals
    )
    return whole, today


@st.composite
def pasts(draw: st.DrawFn, today: date) -> Before:
    """What was stored: any tier and band, since when, and earlier scores."""
    days = st.integers(-70, -1).map(lambda n: today + timedelta(days=n))
    tier = draw(st.sampled_from([None, "strategic", "growth", "maintenance"]))
    if tier is None:
        return Before()
    return Before(
        values={
            "tier": tier,
            "tier_since": draw(days),
            "tier_previous": draw(st.sampled_from([None, "growth"])),
            "health_band": draw(st.sampled_from(["green", "yellow", "red", "unknown"])),
        },
        since={"tier": draw(days), "health_band": draw(days)},
        snapshots=tuple(
            sorted(
                draw(st.dictionaries(days, st.none() | st.integers(0, 100), max_size=3)).items(),
                reverse=True,
            )
        ),
        first_run=False,
    )


def _ask(records: AccountRecords, before: Before, policy: Policy, day: date) -> Decision:
    return derive(records, before, borders(BOOK, policy.tier, day), policy, day)


@EXAMPLES
@given(whole_lives(), RENEWAL_POLICIES, st.data())
def test_nothing_changes_before_it(
    customer: tuple[AccountRecords, date], renewal: RenewalPolicy, data: st.DataObject
) -> None:
    """A second run says the same; each value stays until its day, all reasons until the first."""
    records, today = customer
    policy = Policy(renewal=renewal)
    before = data.draw(pasts(today))
    decision = _ask(records, before, policy, today)
    after = stored(before, decision, today)
    untils = {d.valid_until for d in decision.values.values() if d.valid_until is not None}
    first = min(untils, default=date.max)
    days = {today + timedelta(days=ahead) for ahead in AHEAD}
    days |= {until - timedelta(days=1) for until in untils}

    assert first > today
    for day in sorted(days | {today}):
        again = _ask(records, after, policy, day).values
        for name, derived in decision.values.items():
            if derived.valid_until is None or day < derived.valid_until:
                assert again[name].value == derived.value, (name, day)
            if day < first and name not in RETOLD:
                assert again[name].because == derived.because, (name, day)
