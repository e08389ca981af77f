"""Stories of health, touches, stakeholders, account plans and expansion."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from connectors.sandbox.making import everyday
from connectors.sandbox.making.calendar import term_end
from connectors.sandbox.making.draft import Draft, Mood
from connectors.sandbox.making.stories.shelf import Shelf

first = Shelf()
more = Shelf()


def all_seen(draft: Draft, days_ago: int | None) -> None:
    """Say that nobody there was active later than this (None: ever)."""
    seen = None if days_ago is None else draft.day(-days_ago)
    draft.contacts = [replace(contact, last_activity_on=seen) for contact in draft.contacts]


@first.story("tiny forgotten account, untouched for 200 days")
def _forgotten(draft: Draft) -> None:
    everyday.resize(draft, everyday.SMB, 2_400)
    draft.start_over()
    draft.sign(ends=draft.day(130))
    draft.contacts.clear()
    draft.add_contact("champion", seen=200)
    draft.csm = draft.plan = draft.executive_sponsor = None
    draft.mood = Mood(tickets="none", mail="outbound_since", active_share=0.67)


@first.story("support spike")
def _spike(draft: Draft) -> None:
    draft.mood.tickets = "spike"


@first.story("usage falling")
def _falling(draft: Draft) -> None:
    draft.mood.active_share, draft.mood.login_trend = 0.35, 0.3


@first.story("NPS alone, nothing else known")
def _nps_only(draft: Draft) -> None:
    draft.csat = None
    all_seen(draft, None)
    draft.mood = Mood(weeks=0, tickets="none", activities=False)


@first.story("single-threaded in the renewal window")
def _single(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(80))
    draft.add_deal("renewal", "open", draft.day(75), start_date=draft.day(81))
    alone, *others = draft.contacts
    draft.contacts = [
        alone,
        *(replace(other, last_activity_on=draft.day(-150)) for other in others),
    ]


@first.story("executive sponsor engaged")
def _sponsor(draft: Draft) -> None:
    everyday.resize(draft, everyday.ENTERPRISE, 420_000)
    draft.start_over()
    draft.sign(ends=draft.day(170), term=24)
    draft.executive_sponsor = "vp01"
    draft.add_contact("executive_sponsor", seen=12)


@first.story("account plan stale")
def _stale(draft: Draft) -> None:
    everyday.resize(draft, everyday.ENTERPRISE, 264_000)
    draft.start_over()
    draft.sign(ends=draft.day(165))
    draft.plan = everyday.current_plan(draft, 140)


@first.story("API calls at 90 % of the limit, two weeks running")
def _meter(draft: Draft) -> None:
    draft.mood.meter = (0.93, 0.9)


@first.story("red in everything, renewal in 60 days")
def _red(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(60))
    all_seen(draft, 150)
    draft.nps, draft.csat = -60, Decimal("1.6")
    draft.mood = Mood(0.15, 0.2, tickets="escalated", mail="outbound_since", meter=(0.9, 0.95))


@more.story("urgent and escalated tickets open")
def _escalated(draft: Draft) -> None:
    draft.mood.tickets = "escalated"


@more.story("ticket open for more than 14 days")
def _old_ticket(draft: Draft) -> None:
    draft.mood.tickets = "old"


@more.story("inbound mail falling off")
def _mail(draft: Draft) -> None:
    draft.mood.mail = "falling"


@more.story("never touched")
def _untouched(draft: Draft) -> None:
    all_seen(draft, None)
    draft.mood = Mood(mail="none")


@more.story("only our own mail, nobody answered")
def _outbound(draft: Draft) -> None:
    all_seen(draft, None)
    draft.mood = Mood(mail="outbound")


@more.story("last met 120 days ago, next meeting still to come")
def _future_meeting(draft: Draft) -> None:
    all_seen(draft, 120)
    draft.mood = Mood(mail="outbound_since", meeting_in_days=9)


@more.story("usage rows that say 0 seats")
def _no_seats(draft: Draft) -> None:
    draft.mood.no_seats = True


@more.story("CSAT without NPS")
def _csat_only(draft: Draft) -> None:
    draft.nps, draft.csat = None, Decimal("4.4")


@more.story("customer for ten days: hardly any usage yet")
def _newborn(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=term_end(draft.day(-10), 12), lead_days=5)
    draft.created_on = draft.day(-40)
    draft.contacts = [replace(one, last_activity_on=draft.day(-2)) for one in draft.contacts]
    draft.mood = Mood(weeks=2, tickets="none")


@more.story("the champion has left, the window is open")
def _champion_left(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(85))
    draft.put_contact(replace(draft.contacts[0], active=False))


@more.story("one person holds all roles")
def _one_person(draft: Draft) -> None:
    draft.contacts.clear()
    draft.add_contact("champion", "economic_buyer", "technical_evaluator", "end_user", seen=5)


@more.story("no contacts")
def _no_contacts(draft: Draft) -> None:
    draft.contacts.clear()


@more.story("executive sponsor named, not seen for 110 days")
def _sponsor_away(draft: Draft) -> None:
    everyday.resize(draft, everyday.ENTERPRISE, 310_800)
    draft.start_over()
    draft.sign(ends=draft.day(160))
    draft.executive_sponsor = "vp01"
    draft.add_contact("executive_sponsor", seen=110)


@more.story("strategic, account plan missing")
def _no_plan(draft: Draft) -> None:
    draft.strategic, draft.plan = True, None


@more.story("strategic, account plan begun")
def _half_plan(draft: Draft) -> None:
    draft.strategic = True
    draft.plan = replace(everyday.current_plan(draft, 10), goals="TBD", actions=None)


@more.story("strategic, account plan not updated since the last QBR")
def _plan_before_review(draft: Draft) -> None:
    draft.strategic = True
    draft.mood.qbr_days_ago = 12
    draft.plan = everyday.current_plan(draft, 50)


@more.story("strategic, account plan without a date")
def _undated_plan(draft: Draft) -> None:
    draft.strategic = True
    draft.plan = everyday.current_plan(draft, None)


@more.story("strategic, QBR due")
def _review_due(draft: Draft) -> None:
    draft.strategic = True
    draft.mood.qbr_days_ago = 85


@more.story("nearly all seats in use")
def _full_seats(draft: Draft) -> None:
    draft.mood.active_share = 0.97


@more.story("API calls at 90 % in the latest week alone")
def _one_peak(draft: Draft) -> None:
    draft.mood.meter = (0.92, 0.41)


@more.story("asked for another product")
def _cross_sell(draft: Draft) -> None:
    draft.cross_sell = "Field Reports"
