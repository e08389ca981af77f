"""syncd's rules against a second, slow reading of the rules' text (``tests/oracle``).

What is compared is made in ``made_customers.py``, so that borders are met often.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import oracle.cadence
import oracle.handoff
import oracle.health
import oracle.renewal
import oracle.tier
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_customers import (
    RENEWAL_POLICIES,
    TIER_POLICIES,
    TODAYS,
    books,
    customers,
    lives,
    on,
    ref,
)

from syncd.model import (
    Account,
    AccountRecords,
    Before,
    Contact,
    Derived,
    Handoff,
    Opportunity,
)
from syncd.policy import Policy, RenewalPolicy, TierPolicy
from syncd.rules import (
    assign,
    borders,
    cadence,
    expansion,
    handoff,
    health,
    renewal,
    renewal_risk,
    stakeholders,
)
from syncd.rules.contract_history import history
from syncd.rules.rule import BookBorders, BookRow, RuleInput

EXAMPLES = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


def _asked(records: AccountRecords, values: dict[str, Derived], policy: Policy, day: date) -> Any:
    return RuleInput(records, Before(), values, BookBorders(), policy, day)


@EXAMPLES
@given(customers(), RENEWAL_POLICIES)
def test_renewal(customer: tuple[AccountRecords, date], policy: RenewalPolicy) -> None:
    """Every renewal value is what the second reading makes of it."""
    records, today = customer
    decision = renewal.RULE.decide(_asked(records, {}, Policy(renewal=policy), today))

    found = {name: derived.value for name, derived in decision.values.items()}
    assert found == oracle.renewal.values(records, policy, today)
    ran = history([c for c in records.contracts if c.status != "terminated"], policy)
    if ran.active:
        assert oracle.renewal.cents(ran.arr_on(today)) == found["arr"]
    refused = {c.id for c in records.contracts if not oracle.renewal.is_valid(c)}
    assert {finding.ref.id for finding in decision.findings} == refused


@EXAMPLES
@given(
    customers(),
    st.sampled_from([None, "green", "yellow", "red", "unknown"]),
    st.sampled_from([None, True, False]),
)
def test_renewal_risk(
    customer: tuple[AccountRecords, date], band: str | None, single: bool | None
) -> None:
    """The risk of a renewal that is in its window or overdue."""
    records, today = customer
    values = dict(renewal.RULE.decide(_asked(records, {}, Policy(), today)).values)
    values |= {"health_band": Derived(band), "single_threaded": Derived(single)}
    decision = renewal_risk.RULE.decide(_asked(records, values, Policy(), today))

    expected = oracle.renewal.values(records, RenewalPolicy(), today)
    assert decision.values["renewal_risk"].value == oracle.renewal.risk(
        records, expected["renewal_status"], expected["renewal_window_opens"], band, single, today
    )


@EXAMPLES
@given(books(), TIER_POLICIES)
def test_tier(given_book: tuple[list[oracle.tier.Customer], date], policy: TierPolicy) -> None:
    """Every customer's tier, and who is a key account, against the borders of the whole book."""
    book, today = given_book
    rows = [
        BookRow(
            account=c.id,
            arr=c.arr,
            potential=c.potential,
            strategic=c.flagged,
            override=c.override,
            tier=c.tier,
            band_red_since=c.red_since,
            demoted=c.demoted,
        )
        for c in book
    ]
    limits = borders(rows, policy, today)
    found = {row.account: assign(row, limits, policy, today) for row in rows}

    assert {id: tier for id, (tier, *_) in found.items()} == oracle.tier.tiers(book, policy, today)
    assert {id for id, (_, key, *_) in found.items() if key} == oracle.tier.key_accounts(
        book, policy
    )
    assert limits.group_size == oracle.tier.leading_size(book, policy)


_past = st.builds(
    lambda band, rows: (band, rows),
    st.sampled_from([None, "green", "yellow", "red", "unknown"]),
    st.lists(
        st.tuples(
            st.sampled_from([1, 29, 30, 31, 60]), st.sampled_from([None, 0, 35, 40, 70, 95, 100])
        ),
        max_size=3,
        unique_by=lambda row: row[0],
    ),
)


@EXAMPLES
@given(lives(), _past, st.integers(0, 2), st.none() | st.integers(-90, 400))
def test_health_cadence_and_the_rest(
    life: tuple[AccountRecords, date],
    past: tuple[str | None, list[tuple[int, int | None]]],
    position: int,
    renews_in: int | None,
) -> None:
    """Health, cadence, stakeholders and expansion from what happened around a customer."""
    records, today = life
    policy = Policy()
    before = Before(
        values={"health_band": past[0]},
        snapshots=tuple((on(today, -ago), score) for ago, score in sorted(past[1])),
    )
    renews_on = None if renews_in is None else on(today, renews_in)
    values: dict[str, Derived] = {
        "tier": Derived(policy.tier.names[position]),
        "renewal_date": Derived(renews_on),
    }
    for rule in (cadence.RULE, stakeholders.RULE, health.RULE, expansion.RULE):
        given_input = RuleInput(records, before, values, BookBorders(), policy, today)
        values |= rule.decide(given_input).values

    checkin, qbr = policy.cadence.checkin_days[position], policy.cadence.qbr_days[position]
    expected = oracle.health.values(records, checkin, before, policy.health, today)
    expected |= oracle.cadence.cadence(records, checkin, qbr, renews_on, today)
    expected |= oracle.cadence.stakeholders(records, position + 1, today)
    if "activity" not in records.kinds and position == 0:
        expected["executive_sponsor_engaged"] = None
    outgrown = oracle.cadence.outgrown(records, today)
    expected["expansion_signal"] = outgrown and expected["health_band"] != "red"
    if "usage" not in records.kinds:
        expected.pop("expansion_signal")
    assert {name: values[name].value for name in expected} == expected


@EXAMPLES
@given(st.data())
def test_handoff(data: st.DataObject) -> None:
    """Completeness, what is missing, and the status, over deals of all kinds."""
    draw = data.draw
    today = draw(TODAYS)
    holidays = draw(st.sets(st.integers(-9, 0).map(lambda n: on(today, n)), max_size=2))
    text = st.sampled_from(
        [
            *(None, "", "  ", "TBD", "(n/a)", "<p>none.</p>", "No", "&nbsp;", "- - -", "50 %"),
            *("€", "$$", "aaaa", "A", "ok", "x" * 20, "nineteen characters", "<b>Al</b>"),
            *("twenty characters ok", "To be confirmed!", "&lt;5", "<i>T</i>BC", "see notes?"),
        ]
    )
    deals = []
    for n in range(draw(st.integers(0, 3))):
        closed = draw(
            st.sampled_from([0, -1, -4, -5, -6, -7, -8, -9, -30, -178, -179, -180, -181, 1])
        )
        items = {
            name: draw(text)
            for name in oracle.handoff.WEIGHTS
            for name in [name.lower().replace(" ", "_")]
        }
        deals.append(
            Opportunity(
                ref=ref("opportunity", f"d{n}"),
                id=f"d{n}",
                kind=draw(st.sampled_from(["new", "new", "new", "renewal"])),
                closed=True,
                won=draw(st.integers(0, 4)) > 0,
                close_date=on(today, closed),
                handoff=draw(st.none() | st.just(Handoff(ref=ref("handoff", "h"), **items))),
            )
        )
    contacts = tuple(
        Contact(
            ref=ref("contact", role),
            id=role,
            roles=(role,) if draw(st.booleans()) else (),
            active=draw(st.booleans()),
        )
        for role in draw(st.sets(st.sampled_from(["champion", "economic_buyer"])))
    )
    records = AccountRecords(
        Account(ref=ref("account", "acme"), id="acme"),
        opportunities=tuple(deals),
        contacts=contacts,
    )
    policy = Policy.model_validate({"tasks": {"holidays": sorted(holidays)}})

    decision = handoff.RULE.decide(_asked(records, {}, policy, today))
    assert {
        name: derived.value for name, derived in decision.values.items()
    } == oracle.handoff.values(records, frozenset(holidays), today)
