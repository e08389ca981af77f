"""What holds for any customer: no exception, one answer, and an honest valid_until."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec
from case_files import stored
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncd.model import (
    Account,
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
)
from syncd.policy import Policy, RenewalPolicy, TierPolicy
from syncd.rules import RULES, derive
from syncd.rules.dates import add_months, last_day, length_in_months
from syncd.rules.rule import BookRow
from syncd.rules.said import says_something
from syncd.rules.tier_places import assign, borders

TODAY = date(2026, 6, 15)
IDS = ("a", "b", "c", "d")
SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

near = st.dates(date(2023, 1, 1), date(2029, 12, 31))
days = st.none() | near
any_days = st.none() | near | st.sampled_from([date.min, date.max])
amounts = st.none() | st.decimals(-1000, 10**7, places=3, allow_nan=False)
texts = st.none() | st.sampled_from(["", "tbd", "<p>n/a</p>", "&nbsp;", "24 months", "none"])
ids = st.sampled_from(IDS)
moments = st.none() | st.datetimes(
    datetime(2025, 6, 1),  # noqa: DTZ001 - the strategy adds the zone
    datetime(2026, 12, 1),  # noqa: DTZ001 - likewise
    timezones=st.just(UTC),
)


def _ref(kind: str) -> st.SearchStrategy[Ref]:
    return st.builds(Ref, st.just("crm"), st.just(kind), ids)


def contracts(when: st.SearchStrategy[date | None]) -> st.SearchStrategy[Contract]:
    """Any contract, good or not; ids may even be given twice and renew each other."""
    return st.builds(
        Contract,
        ref=_ref("contract"),
        id=ids,
        status=st.sampled_from(["active", "active", "active", "draft", "terminated"]),
        start_date=when,
        end_date=when,
        term_months=st.none() | st.integers(-2, 40) | st.just(10**9),
        arr=amounts,
        auto_renew=st.booleans(),
        notice_days=st.none() | st.integers(-5, 400),
        renews=st.none() | ids,
    )


def opportunities(when: st.SearchStrategy[date | None]) -> st.SearchStrategy[Opportunity]:
    """Any deal, with or without a handoff document."""
    documents = st.builds(
        Handoff, ref=_ref("handoff"), champion=texts, skeptics=texts, contract_terms=texts
    )
    return st.builds(
        Opportunity,
        ref=_ref("opportunity"),
        id=ids,
        kind=st.sampled_from(["new", "expansion", "renewal", "other"]),
        closed=st.booleans(),
        won=st.booleans(),
        close_date=when,
        start_date=when,
        term_months=st.none() | st.integers(-2, 40),
        arr=amounts,
        handoff=st.none() | documents,
    )


@st.composite
def accounts(
    draw: st.DrawFn, when: st.SearchStrategy[date | None] = days, status: str = "customer"
) -> AccountRecords:
    """Any account with its records, all kinds mapped or none."""
    account = Account(
        ref=Ref("crm", "account", "acme"),
        id="acme",
        status=status,
        arr=draw(amounts),
        expansion_potential=draw(amounts),
        strategic=draw(st.none() | st.booleans()),
        tier_override=draw(st.none() | st.sampled_from(["growth", "Tier 9", " ", "1"])),
        renewal_date_override=draw(st.none() | when),
        created_on=draw(days),
        nps=draw(st.none() | st.decimals(-100, 100, places=0)),
    )
    contacts = st.builds(
        Contact,
        ref=_ref("contact"),
        id=ids,
        roles=st.sampled_from([(), ("champion",), ("economic_buyer", "end_user")]),
        last_activity_on=days,
        active=st.booleans(),
    )
    roles = st.builds(
        Role, ref=_ref("role"), contact=st.none() | ids, role=st.none() | st.just("champion")
    )
    tickets = st.builds(
        Ticket,
        ref=_ref("ticket"),
        id=ids,
        opened_at=moments,
        closed_at=moments,
        priority=st.sampled_from(["normal", "urgent"]),
        escalated=st.booleans(),
    )
    activities = st.builds(
        Activity,
        ref=_ref("activity"),
        id=ids,
        contact=st.none() | ids,
        kind=st.sampled_from(["meeting", "email_in", "qbr", "other"]),
        at=moments,
    )
    kinds = {"contact", "role", "ticket", "activity", "usage"}
    return AccountRecords(
        account=account,
        contracts=tuple(draw(st.lists(contracts(when), max_size=4))),
        opportunities=tuple(draw(st.lists(opportunities(when), max_size=4))),
        contacts=tuple(draw(st.lists(contacts, max_size=3))),
        roles=tuple(draw(st.lists(roles, max_size=2))),
        tickets=tuple(draw(st.lists(tickets, max_size=3))),
        activities=tuple(draw(st.lists(activities, max_size=4))),
        kinds=frozenset(draw(st.sets(st.sampled_from(sorted(kinds))))),
        fields=frozenset({"contact.last_activity_on", "contact.roles"}),
    )


rows = st.builds(
    BookRow,
    account=st.text("abcxyz", min_size=1, max_size=4),
    arr=amounts,
    potential=amounts,
    strategic=st.booleans(),
    tier=st.none() | st.sampled_from(["strategic", "growth", "maintenance", "gone"]),
    band_red_since=days,
    demoted=st.booleans(),
)
books = st.lists(rows, max_size=30, unique_by=lambda row: row.account)
policies = st.builds(
    Policy,
    renewal=st.builds(RenewalPolicy, pick=st.sampled_from(["earliest", "latest", "largest"])),
    tier=st.builds(TierPolicy, method=st.sampled_from(["pareto", "thresholds", "score"])),
)


@SETTINGS
@given(accounts(), books, policies, st.integers(0, 500))
def test_valid_until_is_sound(
    records: AccountRecords, book: list[BookRow], policy: Policy, ahead: int
) -> None:
    """Before the earliest valid_until nothing changes by itself, however long one waits."""
    limits = borders(book, policy.tier, TODAY)
    decision = derive(records, Before(), limits, policy, TODAY)
    untils = [d.valid_until for d in decision.values.values() if d.valid_until is not None]
    last = min(untils, default=date.max) - timedelta(days=1)
    after = stored(Before(), decision, TODAY)
    days_on = {TODAY, min(last, TODAY + timedelta(days=ahead)), min(last, date(2031, 1, 1))}

    for day in days_on:
        again = derive(records, after, limits, policy, day)
        assert {k: d.value for k, d in again.values.items()} == {
            k: d.value for k, d in decision.values.items()
        }


@SETTINGS
@given(accounts(), st.integers(1, 900))
def test_each_renewal_value_keeps_to_its_own_date(records: AccountRecords, ahead: int) -> None:
    """Each renewal value by itself is the same on every day before its own valid_until."""
    limits = borders([], TierPolicy(), TODAY)
    names = RULES[0].writes
    now = derive(records, Before(), limits, Policy(), TODAY).values
    day = TODAY + timedelta(days=ahead)
    later = derive(records, Before(), limits, Policy(), day).values

    for name in names:
        until = now[name].valid_until
        assert until is None or until > TODAY
        if until is None or day < until:
            assert later[name].value == now[name].value, name


@SETTINGS
@given(accounts(any_days), books, policies, st.sampled_from([TODAY, date.min, date.max]))
def test_no_records_break_a_rule(
    records: AccountRecords, book: list[BookRow], policy: Policy, today: date
) -> None:
    """Whatever the records, on whatever day, there is an answer to every value, twice the same."""
    limits = borders(book, policy.tier, today)
    decision = derive(records, Before(), limits, policy, today)

    assert decision == derive(records, Before(), limits, policy, today)
    assert set(decision.values) == {name for rule in RULES for name in rule.writes}
    assert all(finding.remedy for finding in decision.findings)


@SETTINGS
@given(accounts(), st.sets(st.sampled_from([rule.name for rule in RULES])))
def test_rules_that_are_off_say_nothing(records: AccountRecords, off: set[str]) -> None:
    """With any rules off the others answer, and none of their values appears."""
    limits = borders([], TierPolicy(), TODAY)
    decision = derive(records, Before(), limits, Policy(), TODAY, off=frozenset(off))

    assert not {n for rule in RULES if rule.name in off for n in rule.writes} & set(decision.values)


@SETTINGS
@given(books, policies)
def test_tiers_settle(book: list[BookRow], policy: Policy) -> None:
    """Assigning a stored tier again, to the same book, changes nothing; order does not matter."""
    limits = borders(book, policy.tier, TODAY)
    first = {row.account: assign(row, limits, policy.tier, TODAY) for row in book}
    again = [
        msgspec.structs.replace(row, tier=(now := first[row.account]).tier, demoted=now.demoted)
        for row in reversed(book)
    ]

    assert borders(again, policy.tier, TODAY) == limits
    for row in again:
        assert assign(row, limits, policy.tier, TODAY)[:2] == first[row.account][:2]


@given(near, st.integers(1, 60))
def test_a_term_is_as_long_as_it_is(start: date, months: int) -> None:
    """The length of a term counted in months from its days is the term."""
    assert length_in_months(start, last_day(start, months)) == months


def test_months_are_clamped_as_calendars_count() -> None:
    """31 January plus a month is the last of February; nothing leaves the calendar."""
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert add_months(date(2028, 1, 31), 1) == date(2028, 2, 29)
    assert add_months(date(2024, 2, 29), -12) == date(2023, 2, 28)
    assert add_months(date.max, 1) == date.max
    assert Decimal(add_months(date.min, -1).toordinal()) == 1


@given(st.text(max_size=80))
def test_any_text_can_be_judged(text: str) -> None:
    """No text breaks the judgement, and markup around it does not change it."""
    assert says_something(text) in {True, False}
    if "<" not in text and "&" not in text:
        assert says_something(f"<p>{text}</p>") == says_something(text)
