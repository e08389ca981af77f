"""Everyday customers: the ground that stories stand on, and the rest of the book."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import accumulate
from math import exp
from typing import TYPE_CHECKING

from connectors.sandbox.making import names, notes, staff
from connectors.sandbox.making.calendar import term_start
from connectors.sandbox.making.draft import Draft, Mood
from connectors.sandbox.making.draws import between, chance, pick, stream

if TYPE_CHECKING:
    from datetime import date
    from random import Random

    from connectors.sandbox.book import BookHandoff, BookPlan

SEGMENTS = (  # name, share of companies, middle ARR, spread, ARR per seat
    ("Enterprise", 0.10, 130_000, 0.60, 480),
    ("Mid-Market", 0.35, 36_000, 0.40, 600),
    ("SMB", 0.55, 8_500, 0.45, 720),
)
ENTERPRISE, MID_MARKET, SMB = range(3)
ARR_STEP = 120  # so that every usual term costs a whole amount
STRIDE = 7_919  # a prime, so that neighbours in the book have unlike names
TERMS = (12, 12, 12, 12, 12, 12, 12, 24, 24, 36)
WINDOW_DAYS = 120  # this long before its end, talks about a renewal begin
UNHAPPY = 0.5  # customers that use less than this share of their seats answer late
PLACE_STEPS = tuple(accumulate(names.PLACE_WEIGHTS))
PLACEHOLDERS = ("TBD", "n/a", "...", "see notes", "tbc", "xxx", "?", "To be confirmed.")


def company_name(seed: int, index: int) -> tuple[str, str, str]:
    """Name, domain and trade of the company at `index`; no two in a book are the same."""
    heads, tails, trades = len(names.STEM_HEADS), len(names.STEM_TAILS), len(names.TRADES)
    count = heads * tails * trades
    place = (seed * 613 + index * STRIDE) % count
    stem = names.STEM_HEADS[place % heads] + names.STEM_TAILS[place // heads % tails]
    trade = names.TRADES[place // (heads * tails)]
    lap = index // count
    name = f"{stem} {trade} {lap + 1}" if lap else f"{stem} {trade}"
    return name, f"{name.lower().replace(' ', '-')}.example", trade


def segment_of(draw: float) -> int:
    """Which segment a draw from 0 to 1 falls into."""
    if draw < SEGMENTS[ENTERPRISE][1]:
        return ENTERPRISE
    return MID_MARKET if draw < SEGMENTS[ENTERPRISE][1] + SEGMENTS[MID_MARKET][1] else SMB


def begin(seed: int, index: int, today: date) -> Draft:
    """A company with its people and its size, and nothing signed yet."""
    rng = stream(seed, "customer", index)
    name, domain, trade = company_name(seed, index)
    region, country, currency, _ = rng.choices(names.PLACES, cum_weights=PLACE_STEPS)[0]
    segment = segment_of(rng.random())
    label, _, middle, spread, per_seat = SEGMENTS[segment]
    steps = max(5, round(middle * exp(spread * rng.gauss(0, 1)) / ARR_STEP))
    arr = Decimal(steps * ARR_STEP)
    csm = staff.key_of("csm", staff.csm_number(index))
    draft = Draft(
        index=index,
        key=f"c{index + 1:04d}",
        today=today,
        rng=rng,
        name=name,
        domain=domain,
        trade=trade,
        segment=label,
        region=region,
        country=country,
        currency=currency,
        owner=staff.key_of("am", staff.am_number(index)),
        seller=staff.key_of("ae", staff.ae_number(index)),
        csm=csm if segment != SMB or chance(rng, 0.2) else None,
        arr=arr,
        seats=max(3, int(arr) // per_seat),
        created_on=today - timedelta(days=between(rng, 200, 700)),
    )
    if segment == ENTERPRISE or chance(rng, 0.1):
        draft.executive_sponsor = staff.key_of("amm", staff.lead_number(staff.am_number(index)))
    return draft


def resize(draft: Draft, segment: int, arr: int) -> None:
    """Give a story's customer the size its story needs."""
    label, _, _, _, per_seat = SEGMENTS[segment]
    draft.segment, draft.arr = label, Decimal(arr)
    draft.seats = max(3, arr // per_seat)


def settle(draft: Draft) -> None:
    """A calm customer: renewal far off, healthy, in touch, a current plan. Stories start here."""
    rng = draft.rng
    first = between(rng, 2, 9)
    draft.add_contact("champion", seen=first)
    draft.add_contact("economic_buyer", seen=between(rng, 15, 40))
    draft.add_contact("technical_evaluator", "end_user", seen=between(rng, 20, 60))
    draft.sign(ends=draft.day(between(rng, 135, 178)), lead_days=between(rng, 8, 25))
    draft.nps, draft.csat = between(rng, 25, 60), Decimal(between(rng, 38, 47)) / 10
    draft.mood = Mood(qbr_days_ago=between(rng, 30, 70))
    draft.plan = current_plan(draft, between(rng, 5, 25))


def current_plan(draft: Draft, updated_days_ago: int | None) -> BookPlan:
    """A complete account plan; None: no one knows when it was last updated."""
    return notes.plan(
        draft.rng,
        trade=draft.trade,
        am=draft.owner.upper(),
        updated_on=None if updated_days_ago is None else draft.day(-updated_days_ago),
    )


def live(draft: Draft) -> None:
    """An everyday fate: most are customers, some never signed, some have left."""
    pick(draft.rng, FATES)(draft)


def prospect(draft: Draft) -> None:
    """A company that has not signed: an open deal, perhaps a lost one before."""
    rng = draft.rng
    draft.status, draft.csm, draft.executive_sponsor = "prospect", None, None
    draft.add_contact("champion", seen=between(rng, 1, 30))
    if chance(rng, 0.5):
        draft.add_contact("economic_buyer", seen=None)
    if chance(rng, 0.3):
        draft.add_deal("new", "lost", draft.day(-between(rng, 200, 500)))
    draft.add_deal("new", "open", draft.day(between(rng, 5, 90)))
    draft.mood = Mood(weeks=0, tickets="none", mail="outbound")


def leave(draft: Draft) -> None:
    """A customer that left: its contract ended, the renewal was lost."""
    rng = draft.rng
    draft.status = "churned"
    draft.add_contact("champion", seen=between(rng, 60, 200), active=chance(rng, 0.5))
    ended = draft.day(-between(rng, 10, 400))
    draft.sign(ends=ended, lead_days=between(rng, 5, 30))
    draft.add_deal("renewal", "lost", ended - timedelta(days=between(rng, 0, 40)))
    draft.nps = between(rng, -80, 0)
    draft.mood = Mood(weeks=0, tickets="none", mail="none")


def stay(draft: Draft) -> None:
    """A customer like most: one contract or a renewed one, now and then a deal besides."""
    rng = draft.rng
    temper = pick(rng, TEMPERS)
    people(draft, temper)
    term = pick(rng, TERMS)
    left = between(rng, 3, term * 30)
    renewed = chance(rng, 0.35)
    auto = chance(rng, 0.3)
    if renewed:
        renew(draft, left, term, auto=auto)
    else:
        draft.sign(
            ends=draft.day(left),
            term=term,
            lead_days=between(rng, 5, 30),
            by_term=chance(rng, 0.3),
            auto_renew=auto,
            notice_days=pick(rng, (30, 60, 90)) if auto else None,
        )
        vary_handoff(draft)
    if left <= WINDOW_DAYS and chance(rng, 0.6):
        draft.add_deal(
            "renewal", "open", draft.day(left), term_months=term, start_date=draft.day(left + 1)
        )
    side_deals(draft)
    if chance(rng, 0.15):
        draft.expansion_potential = Decimal(int(draft.arr) * between(rng, 5, 60) // 100)
    draft.mood = replace(temper, active_share=max(0.1, temper.active_share + rng.gauss(0, 0.08)))
    draft.nps = max(-100, min(100, round(rng.gauss(60 * temper.active_share, 22))))
    if chance(rng, 0.6):
        draft.csat = Decimal(between(rng, 25, 48)) / 10
    if draft.segment != "SMB":
        vary_plan(draft)


FATES = (prospect, leave, *[stay] * 8)
TEMPERS = (
    *[Mood(qbr_days_ago=40)] * 5,
    *[Mood(active_share=0.6, qbr_days_ago=120)] * 3,
    Mood(active_share=0.93, login_trend=1.2, qbr_days_ago=60),
    Mood(active_share=0.45, tickets="old", qbr_days_ago=200),
    Mood(active_share=0.3, login_trend=0.6, tickets="spike"),
)


def people(draft: Draft, temper: Mood) -> None:
    """Two contacts on average; the unhappy answer late."""
    rng = draft.rng
    slow = 4 if temper.active_share < UNHAPPY else 1
    draft.add_contact("champion", seen=between(rng, 1, 25) * slow)
    if chance(rng, 0.7):
        draft.add_contact("economic_buyer", seen=between(rng, 10, 120) * slow)
    if draft.segment != "SMB":
        draft.add_contact("technical_evaluator", seen=between(rng, 5, 80))
    if draft.segment == "Enterprise":
        draft.add_contact("executive_sponsor", seen=between(rng, 20, 140))


def renew(draft: Draft, left: int, term: int, *, auto: bool) -> None:
    """Two terms in a row; what grew between them was a deal of its own."""
    rng = draft.rng
    before = draft.arr
    growth = between(rng, -2, 4) * 5
    draft.arr = Decimal(max(5, round(int(before) * (100 + growth) / 100 / ARR_STEP)) * ARR_STEP)
    second_start = term_start(draft.day(left), term)
    first = draft.sign(
        ends=second_start - timedelta(days=1), lead_days=between(rng, 5, 30), arr=before
    )
    if draft.arr > before:
        draft.add_deal(
            "expansion",
            "won",
            second_start - timedelta(days=between(rng, 60, 200)),
            amount=draft.arr - before,
        )
    draft.sign(
        ends=draft.day(left),
        term=term,
        kind="renewal",
        lead_days=between(rng, 15, 50),
        renews=first.key,
        auto_renew=auto,
        notice_days=pick(rng, (30, 60, 90)) if auto else None,
    )


def side_deals(draft: Draft) -> None:
    """Expansions in talks or lost, and small things such as training."""
    rng = draft.rng
    part = Decimal(max(1, int(draft.arr) // 5 // ARR_STEP) * ARR_STEP)
    if chance(rng, 0.5):
        draft.add_deal("expansion", "open", draft.day(between(rng, 5, 120)), amount=part)
    if chance(rng, 0.35):
        draft.add_deal("expansion", "lost", draft.day(-between(rng, 20, 300)), amount=part)
    if chance(rng, 0.4):
        draft.add_deal(
            "other",
            pick(rng, ("won", "lost", "open")),
            draft.day(-between(rng, 10, 200)),
            amount=Decimal(between(rng, 2, 12) * 500),
            term_months=None,
        )


def vary_handoff(draft: Draft) -> None:
    """Sellers write unlike documents: half complete, some with gaps, some with fillers."""
    rng = draft.rng
    deal = draft.deals[-1]
    if deal.handoff is None:
        return
    if chance(rng, 0.1):
        draft.put_deal(replace(deal, handoff=None))
    elif chance(rng, 0.45):
        draft.put_deal(replace(deal, handoff=with_gaps(rng, deal.handoff)))


def with_gaps(rng: Random, handoff: BookHandoff) -> BookHandoff:
    """The document with a few items left empty or filled for form's sake."""
    gap = None if chance(rng, 0.5) else pick(rng, PLACEHOLDERS)
    return replace(
        handoff,
        promised_outcomes=gap if chance(rng, 0.3) else handoff.promised_outcomes,
        economic_buyer=gap if chance(rng, 0.6) else handoff.economic_buyer,
        contract_terms=gap if chance(rng, 0.3) else handoff.contract_terms,
        verbal_commitments=gap if chance(rng, 0.6) else handoff.verbal_commitments,
    )


def vary_plan(draft: Draft) -> None:
    """Plans of the larger customers: current, old, begun or missing."""
    rng = draft.rng
    if chance(rng, 0.45):
        draft.plan = current_plan(draft, between(rng, 5, 80))
    elif chance(rng, 0.4):
        draft.plan = current_plan(draft, between(rng, 100, 300))
    elif chance(rng, 0.4):
        draft.plan = replace(current_plan(draft, 30), goals=None, success_metrics="TBD")
