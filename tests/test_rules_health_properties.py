"""What always holds of health, cadence, stakeholders, account plan and expansion."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncd.model import (
    Account,
    AccountPlan,
    AccountRecords,
    Activity,
    Before,
    Contact,
    Decision,
    Derived,
    Ref,
    Ticket,
    Usage,
)
from syncd.policy import Policy
from syncd.rules import account_plan, cadence, expansion, health, stakeholders
from syncd.rules.rule import BookBorders, RuleInput

TODAY = date(2026, 6, 15)
RULES = (cadence.RULE, stakeholders.RULE, health.RULE, account_plan.RULE, expansion.RULE)
KINDS = frozenset({"activity", "contact", "role", "ticket", "usage", "account"})
FIELDS = frozenset({"contact.roles", "contact.last_activity_on", "activity.contact"})


def _ref(n: int) -> Ref:
    return Ref("crm", "x", str(n))


_days = st.integers(-250, 60).map(lambda n: TODAY + timedelta(days=n))
_maybe_day = st.one_of(st.none(), _days)
_moment = _maybe_day.map(lambda d: None if d is None else datetime.combine(d, time(12), UTC))
_count = st.one_of(st.none(), st.integers(0, 200))
_amount = st.one_of(st.none(), st.integers(-5, 120).map(Decimal))

_activity = st.builds(
    Activity,
    ref=st.integers(0, 99).map(_ref),
    id=st.just("a"),
    contact=st.sampled_from([None, "c1", "c2", "c3"]),
    kind=st.sampled_from(["meeting", "call", "email_in", "email_in", "email_out", "qbr", "other"]),
    at=_moment,
)
_ticket = st.builds(
    Ticket,
    ref=st.integers(0, 99).map(_ref),
    id=st.just("t"),
    opened_at=_moment,
    closed_at=_moment,
    priority=st.sampled_from(["low", "normal", "urgent"]),
    escalated=st.booleans(),
)
_usage = st.builds(
    Usage,
    ref=st.integers(0, 99).map(_ref),
    period_start=_maybe_day,
    active_users=_count,
    logins=_count,
    seats=_count,
    meters=st.dictionaries(st.sampled_from(["api", "disk"]), st.tuples(_amount, _amount)),
)
_contact = st.builds(
    Contact,
    ref=st.integers(0, 99).map(_ref),
    id=st.sampled_from(["c1", "c2", "c3"]),
    roles=st.lists(st.sampled_from(["champion", "end_user", "executive_sponsor"]), max_size=2).map(
        tuple
    ),
    last_activity_on=_maybe_day,
    active=st.booleans(),
)
_text = st.sampled_from([None, "", "tbd", "Two more plants"])
_plan = st.one_of(st.none(), st.builds(AccountPlan, *([_text] * 5), updated_on=_maybe_day))
_account = st.builds(
    Account,
    ref=st.just(_ref(0)),
    id=st.just("acme"),
    nps=st.one_of(st.none(), st.integers(-150, 150).map(Decimal)),
    csat=st.one_of(st.none(), st.integers(0, 6).map(Decimal)),
    seats=_count,
    plan=_plan,
    executive_sponsor=st.sampled_from([None, "u"]),
    cross_sell=st.sampled_from([None, "", "no", "Analytics"]),
    created_on=_maybe_day,
)
_records = st.builds(
    AccountRecords,
    account=_account,
    contacts=st.lists(_contact, max_size=3, unique_by=lambda c: c.id).map(tuple),
    tickets=st.lists(_ticket, max_size=6).map(tuple),
    activities=st.lists(_activity, max_size=12).map(tuple),
    usage=st.lists(_usage, max_size=6).map(tuple),
    kinds=st.frozensets(st.sampled_from(sorted(KINDS))).map(lambda off: KINDS - off),
    fields=st.frozensets(st.sampled_from(sorted(FIELDS))).map(lambda off: FIELDS - off),
)
_before = st.builds(
    Before,
    values=st.fixed_dictionaries(
        {},
        optional={
            "health_band": st.sampled_from([None, "green", "yellow", "red", "unknown"]),
            "tier": st.sampled_from(["strategic", "growth"]),
        },
    ),
    snapshots=st.lists(st.tuples(_days, st.one_of(st.none(), st.integers(0, 100))), max_size=3).map(
        lambda rows: tuple(sorted(rows, key=lambda row: row[0], reverse=True))
    ),
)
_tier = st.sampled_from([None, "strategic", "growth", "maintenance"])
_examples = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def _decide(
    records: AccountRecords, before: Before, tier: str | None, today: date
) -> dict[str, Derived]:
    """All five rules in their order, as ``derive`` asks them."""
    values: dict[str, Derived] = {} if tier is None else {"tier": Derived(tier)}
    for rule in RULES:
        decision: Decision = rule.decide(
            RuleInput(records, before, values, BookBorders(), Policy(), today)
        )
        assert decision.values.keys() == set(rule.writes)
        values.update(decision.values)
    return values


@_examples
@given(records=_records, before=_before, tier=_tier)
def test_whatever_is_missing_values_stay_in_their_ranges(
    records: AccountRecords, before: Before, tier: str | None
) -> None:
    """No input raises, and every value is blank or one of those that the rules allow."""
    got: dict[str, Any] = {k: v.value for k, v in _decide(records, before, tier, TODAY).items()}

    score, coverage = got["health_score"], got["health_coverage"]
    assert score is None or (0 <= score <= 100 and score % 5 == 0)
    assert isinstance(coverage, int)
    assert 0 <= coverage <= 100
    assert (score is None) is (got["health_band"] == "unknown")
    assert (score is None) or coverage >= 40
    assert got["health_band"] in {"green", "yellow", "red", "unknown"}
    assert (got["health_drivers"] or "").count("; ") <= 2
    assert got["stakeholder_coverage"] in {None, 0, 1, 2, 3, 4}
    assert got["plan_completeness"] in {None, 0, 20, 40, 60, 80, 100}
    assert got["last_touch_on"] is None or got["last_touch_on"] <= TODAY
    assert not (got["expansion_signal"] and got["health_band"] == "red")


@_examples
@given(records=_records, before=_before, tier=_tier)
def test_nothing_changes_before_its_valid_until(
    records: AccountRecords, before: Before, tier: str | None
) -> None:
    """With the same records, each value stays as it is on every day before its valid_until."""
    now = _decide(records, before, tier, TODAY)
    stored = Before(
        values={**before.values, **{name: derived.value for name, derived in now.items()}},
        snapshots=before.snapshots,
        first_run=False,
    )

    assert all(d.valid_until is None or d.valid_until > TODAY for d in now.values())
    for ahead in (1, 2, 3, 5, 8, 13, 14, 15, 27, 28, 29, 30, 31, 45, 60, 89, 90, 91, 120, 200, 400):
        day = TODAY + timedelta(days=ahead)
        later = _decide(records, stored, tier, day)
        for name, derived in now.items():
            if name != "tier" and (derived.valid_until is None or day < derived.valid_until):
                assert later[name].value == derived.value, (name, day)


@_examples
@given(records=_records, before=_before, tier=_tier)
def test_the_day_before_and_the_day_itself(
    records: AccountRecords, before: Before, tier: str | None
) -> None:
    """On the eve of valid_until all is as it was."""
    now = _decide(records, before, tier, TODAY)
    stored = Before(
        values={**before.values, **{name: derived.value for name, derived in now.items()}},
        snapshots=before.snapshots,
        first_run=False,
    )

    for name, derived in now.items():
        if derived.valid_until is not None:
            eve = derived.valid_until - timedelta(days=1)
            assert _decide(records, stored, tier, eve)[name].value == derived.value, name


@given(
    exact=st.floats(0, 100, allow_nan=False),
    moves=st.lists(st.floats(-2.99, 2.99, allow_nan=False), max_size=20),
)
def test_bands_do_not_flap(exact: float, moves: list[float]) -> None:
    """A score that moves by less than 3 points around a border changes its band at most once."""
    policy = Policy().health
    for border in (40.0, 70.0):
        band = health.band_of(min(100.0, max(0.0, exact)), policy)
        seen = [band]
        for move in moves:
            band = health.band_of(border + move, policy, band)
            seen.append(band)
        changes = sum(a != b for a, b in pairwise(seen[1:]))

        assert changes == 0
