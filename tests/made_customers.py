"""Made-up customers and books that meet borders often, for property tests.

Contracts begin about where others end, dates lie a day before, on and after the days on which
something turns, amounts come in ties.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import oracle.renewal
import oracle.tier
from hypothesis import strategies as st

from syncd.model import (
    Account,
    AccountRecords,
    Activity,
    Contact,
    Contract,
    Opportunity,
    Ref,
    Role,
    Ticket,
    Usage,
)
from syncd.policy import RenewalPolicy, TierPolicy

TODAYS = st.sampled_from(
    [date(2026, 6, 15), date(2026, 1, 1), date(2028, 2, 29), date(2027, 2, 28), date(2026, 12, 31)]
)
BORDERS = (-121, -120, -119, -91, -60, -31, -30, -1, 0, 1, 2, 29, 30, 31, 32, 119, 120, 121, 365)
AMOUNTS = st.sampled_from(
    [None, Decimal(0), Decimal(-5), Decimal(100), Decimal(100), Decimal("33.335"), Decimal(250)]
)


def on(day: date, days: int) -> date:
    return day + timedelta(days=days)


def ref(kind: str, id: str) -> Ref:
    return Ref("crm", kind, id)


@st.composite
def near(draw: st.DrawFn, days: list[date]) -> date:
    """A day about one of these days, or some years around."""
    day = draw(st.sampled_from(days))
    far = st.integers(-1100, 800)
    border = st.sampled_from(BORDERS)
    return on(day, draw(border | border | far))


@st.composite
def contract(draw: st.DrawFn, id: str, days: list[date], others: list[str]) -> Contract:
    """A contract, mostly good, that begins or ends about one of these days."""
    term = draw(st.sampled_from([None, 12, 12, 1, 3, 6, 13, 24, 36, 0, -1]))
    start = draw(st.none() if draw(st.integers(0, 19)) == 0 else near(days))
    end = None
    if term is None or draw(st.booleans()):
        end = draw(near(days) if start is None else near([start, on(start, 365), *days]))
    if draw(st.integers(0, 9)) == 0:
        end = None
    status = draw(st.sampled_from(["active"] * 6 + ["draft", "terminated"]))
    return Contract(
        ref=ref("contract", id),
        id=id,
        status=status,
        start_date=start,
        end_date=end,
        term_months=term,
        arr=draw(AMOUNTS),
        auto_renew=draw(st.booleans()),
        notice_days=draw(st.sampled_from([None, 0, 30, 60, 90, -1])),
        renews=draw(st.sampled_from([None, None, None, *others])),
    )


@st.composite
def deal(draw: st.DrawFn, id: str, days: list[date]) -> Opportunity:
    """An opportunity, of all kinds and states."""
    closed = draw(st.booleans())
    return Opportunity(
        ref=ref("opportunity", id),
        id=id,
        kind=draw(st.sampled_from(["renewal", "renewal", "renewal", "new", "expansion", "other"])),
        closed=closed,
        won=closed and draw(st.booleans()),
        close_date=draw(st.none() | near(days)),
        start_date=draw(st.none() | near(days)),
        term_months=draw(st.sampled_from([None, 12, 1, 24, 0])),
        arr=draw(AMOUNTS),
    )


@st.composite
def customers(draw: st.DrawFn) -> tuple[AccountRecords, date]:
    """A customer with contracts, deals and contacts, and a day."""
    today = draw(TODAYS)
    days = [today]
    contracts: list[Contract] = []
    for id in ["c1", "c2", "c3", "c4"][: draw(st.integers(0, 4))]:
        made = draw(contract(id, days, [c.id for c in contracts]))
        contracts.append(made)
        end = oracle.renewal.end_of(made)
        days += [day for day in (made.start_date, end) if day is not None]
    if len(contracts) > 1 and draw(st.booleans()):
        contracts.reverse()
    override = draw(st.none() if draw(st.integers(0, 4)) else near(days))
    account = Account(
        ref=ref("account", "acme"), id="acme", arr=draw(AMOUNTS), renewal_date_override=override
    )
    bare = AccountRecords(account, contracts=tuple(contracts))
    renews_on = oracle.renewal.values(bare, RenewalPolicy(), today)["renewal_date"]
    if renews_on is not None and draw(st.booleans()):
        today = on(renews_on, draw(st.sampled_from([-121, -120, -100, -60, -59, -9, 0, 1, 31])))
        renews_on = oracle.renewal.values(bare, RenewalPolicy(), today)["renewal_date"]
    if renews_on is not None:
        days = [today, renews_on, on(renews_on, 1), on(renews_on, -120)]
    deals = [draw(deal(id, days)) for id in ["d1", "d2", "d3"][: draw(st.integers(0, 3))]]
    contacts = [
        Contact(
            ref=ref("contact", id),
            id=id,
            roles=draw(st.sampled_from([(), ("champion",), ("end_user",)])),
            active=draw(st.booleans()),
        )
        for id in ["p1", "p2"][: draw(st.integers(0, 2))]
    ]
    roles = [
        Role(ref=ref("role", "r1"), contact="p1", role=draw(st.sampled_from(["champion", "x"])))
    ][: draw(st.integers(0, 1))]
    records = AccountRecords(
        account,
        contracts=tuple(contracts),
        opportunities=tuple(deals),
        contacts=tuple(contacts),
        roles=tuple(roles),
        kinds=frozenset({"contract", "opportunity", "contact", "role"}),
    )
    return records, today


RENEWAL_POLICIES = st.builds(
    RenewalPolicy,
    pick=st.sampled_from(["earliest", "latest", "largest"]),
    window_days=st.sampled_from([120, 120, 90, 0]),
    gap_days=st.sampled_from([30, 30, 0]),
    overlap_days=st.sampled_from([30, 30, 10]),
    default_term_months=st.sampled_from([12, 12, 6]),
)


@st.composite
def books(draw: st.DrawFn) -> tuple[list[oracle.tier.Customer], date]:
    """A book of customers with ties, flags, stored tiers and red bands, and a day."""
    today = draw(st.sampled_from([date(2026, 1, 31), date(2026, 2, 1), date(2026, 6, 15)]))
    count = draw(st.integers(0, 60))
    steps = st.sampled_from([None, 0, -10, 8, 10, 12, 40, 50, 60, 100, 100, 1000, 7777])
    tiers = st.sampled_from([None, "strategic", "growth", "maintenance", "gone"])
    book = []
    for n in range(count):
        arr = draw(steps)
        share = draw(st.sampled_from([None, None, "-1", "0", "0.19", "0.2", "0.25", "0.3", "0.31"]))
        book.append(
            oracle.tier.Customer(
                id=draw(st.sampled_from(["A", "a", "0", "é"])) + str(n),
                arr=None if arr is None else Decimal(arr),
                potential=None if share is None else Decimal(share) * (arr or 10),
                flagged=draw(st.integers(0, 9)) == 0,
                override=draw(st.sampled_from([None] * 9 + ["growth"])),
                tier=draw(tiers),
                demoted=draw(st.booleans()),
                red_since=draw(
                    st.sampled_from([None, None, on(today, -30), on(today, -29), on(today, -99)])
                ),
            )
        )
    return book, today


TIER_POLICIES = st.builds(
    TierPolicy,
    strategic_share=st.sampled_from([0.4, 0.4, 0.1, 1.0, 0.0]),
    strategic_min=st.sampled_from([5, 5, 0, 1]),
    strategic_max=st.sampled_from([20, 20, 5, 6]),
    key_account_share=st.sampled_from([0.1, 0.05, 0.15]),
    margin=st.sampled_from([0.2, 0.2, 0.0, 0.5]),
    growth_potential_share=st.sampled_from([0.25, 0.25, 0.1]),
)


@st.composite
def lives(draw: st.DrawFn, day: date | None = None) -> tuple[AccountRecords, date]:
    """A customer with contacts, tickets, activities and usage about the windows' edges."""
    today = day or draw(TODAYS)
    edges = st.sampled_from(
        [0, -1, -13, -14, -15, -27, -28, -29, -30, -31, -59, -60, -61, -89, -90, -91, -111, -112]
    )
    about = (edges | st.integers(-400, 5)).map(lambda n: on(today, n))
    moment = about.map(lambda d: datetime.combine(d, time(9), UTC))
    count = st.none() | st.integers(0, 30)
    amount = st.sampled_from([None, *map(Decimal, (0, 79, 80, 81, 100, -1))])
    ids = ["p1", "p2", "p3"]
    return AccountRecords(
        Account(
            ref=ref("account", "acme"),
            id="acme",
            seats=draw(st.sampled_from([None, 0, 10, 20])),
            nps=draw(st.sampled_from([None, *map(Decimal, (-100, -7, 0, 55, 100))])),
            csat=draw(st.sampled_from([None, *map(Decimal, ("1", "3.5", "5"))])),
            created_on=draw(st.none() | about),
            executive_sponsor=draw(st.sampled_from([None, "u1"])),
            cross_sell=draw(st.sampled_from([None, None, None, "no", "Analytics"])),
        ),
        contacts=tuple(
            Contact(
                ref=ref("contact", id),
                id=id,
                roles=draw(st.sampled_from([(), ("champion", "end_user"), ("executive_sponsor",)])),
                active=draw(st.booleans()),
                last_activity_on=draw(st.none() | about),
            )
            for id in ids[: draw(st.integers(0, 3))]
        ),
        roles=tuple(
            Role(ref=ref("role", "r1"), contact="p1", role=role)
            for role in draw(st.sets(st.sampled_from(["economic_buyer", "executive_sponsor"])))
        ),
        tickets=tuple(
            Ticket(
                ref=ref("ticket", str(n)),
                id=str(n),
                opened_at=draw(st.none() | moment),
                closed_at=draw(st.none() | moment),
                priority=draw(st.sampled_from(["low", "high", "urgent"])),
                escalated=draw(st.integers(0, 5)) == 0,
            )
            for n in range(draw(st.integers(0, 8)))
        ),
        activities=tuple(
            Activity(
                ref=ref("activity", str(n)),
                id=str(n),
                contact=draw(st.sampled_from([None, *ids])),
                kind=draw(st.sampled_from(["meeting", "call", "email_in", "email_out", "qbr"])),
                at=draw(moment),
            )
            for n in range(draw(st.integers(0, 3)))
        )
        + tuple(
            Activity(ref=ref("activity", f"m{n}"), id=f"m{n}", kind="email_in", at=draw(moment))
            for n in range(draw(st.sampled_from([0, 0, 5, 8])))
        ),
        usage=tuple(
            Usage(
                ref=ref("usage", str(n)),
                period_start=draw(st.none() | about),
                active_users=draw(count),
                logins=draw(count),
                seats=draw(st.sampled_from([None, 10, 20])),
                meters={"api": (draw(amount), draw(amount))},
            )
            for n in range(draw(st.integers(0, 6)))
        ),
        kinds=frozenset({"contact", "role", "ticket", "activity", "usage"})
        - draw(st.sets(st.sampled_from(["ticket", "activity", "usage"]), max_size=2)),
        fields=frozenset({"contact.roles", "contact.last_activity_on", "activity.contact"}),
    ), today
