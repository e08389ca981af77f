"""Stories of tiers, of the team, and of names and texts that are hard to carry."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from connectors.sandbox.making import everyday, staff
from connectors.sandbox.making.draft import Draft, Mood
from connectors.sandbox.making.stories.handoff import won_on
from connectors.sandbox.making.stories.shelf import Shelf

first = Shelf()
more = Shelf()

GROUP = "c0001"  # the parent of those that have one: the first customer is in every book
LONG_TEXT = 30_000  # characters; a long text area of Salesforce takes 32,768 unless widened


def resign(draft: Draft, days_left: int = 150) -> None:
    """Sign anew, after the name, size or currency has changed."""
    draft.start_over()
    draft.sign(ends=draft.day(days_left))


def meet_anew(draft: Draft) -> None:
    """Two new contacts, after the domain has changed."""
    draft.contacts.clear()
    draft.add_contact("champion", seen=6)
    draft.add_contact("economic_buyer", seen=21)


@first.story("strategic flag on a small account")
def _strategic(draft: Draft) -> None:
    everyday.resize(draft, everyday.SMB, 4_800)
    draft.strategic = True
    resign(draft)


@first.story("large expansion potential")
def _potential(draft: Draft) -> None:
    everyday.resize(draft, everyday.SMB, 9_600)
    draft.expansion_potential = Decimal(60_000)
    resign(draft)


@first.story("account manager has left")
def _am_left(draft: Draft) -> None:
    draft.owner = staff.INACTIVE_AM
    resign(draft, 88)


@first.story("account executive has left, handoff incomplete")
def _ae_left(draft: Draft) -> None:
    draft.seller = staff.INACTIVE_AE
    deal, handoff = won_on(draft, draft.day(-18))
    draft.put_deal(replace(deal, handoff=replace(handoff, pain_points=None)))


@first.story("no domain")
def _no_domain(draft: Draft) -> None:
    draft.domain = None
    meet_anew(draft)


@first.story("umlauts, quotes, HTML and a formula in the name")
def _odd_name(draft: Draft) -> None:
    draft.name = '=1+1 Gärtner & Söhne "Größe" O\'Brien <b>GmbH</b> 🚀'
    resign(draft, 92)


@first.story("prospect")
def _prospect(draft: Draft) -> None:
    draft.start_over()
    draft.contacts.clear()
    draft.plan = draft.nps = draft.csat = None
    everyday.prospect(draft)


@first.story("churned")
def _churned(draft: Draft) -> None:
    draft.start_over()
    draft.contacts.clear()
    draft.plan = draft.csat = None
    everyday.leave(draft)


@first.story("very long texts")
def _long(draft: Draft) -> None:
    draft.name = f"{draft.name} and Associated Companies of the Northern and Eastern Provinces"
    deal, handoff = won_on(draft, draft.day(-40))
    pain = repeated(handoff.pain_points)
    draft.put_deal(replace(deal, handoff=replace(handoff, pain_points=pain)))
    plan = everyday.current_plan(draft, 10)
    draft.plan = replace(plan, overview=repeated(plan.overview))


def repeated(text: str | None) -> str:
    """The text over and over, a paragraph each time, close to what a field takes."""
    paragraph = f"{text}\n\n"
    return (paragraph * (LONG_TEXT // len(paragraph))).strip()


@first.story("multi-currency: account in euros, a second contract in pounds")
def _currencies(draft: Draft) -> None:
    draft.currency = "EUR"
    resign(draft, 155)
    deal_count = len(draft.deals)
    draft.sign(ends=draft.day(155), kind="expansion", arr=draft.arr // 2, currency="GBP")
    draft.put_deal(replace(draft.deals[deal_count], currency="GBP"))


@more.story("account manager without a manager, health red")
def _am_alone(draft: Draft) -> None:
    draft.owner = staff.LEADERLESS_AM
    draft.nps, draft.csat = -70, Decimal("1.5")
    draft.contacts = [replace(one, last_activity_on=draft.day(-170)) for one in draft.contacts]
    draft.mood = Mood(0.1, 0.2, tickets="escalated", mail="outbound_since")


@more.story("account executive without a manager, handoff overdue")
def _ae_alone(draft: Draft) -> None:
    draft.seller = staff.LEADERLESS_AE
    deal, _ = won_on(draft, draft.day(-35))
    draft.put_deal(replace(deal, handoff=None))


@more.story("customer success manager has left, handoff complete")
def _csm_left(draft: Draft) -> None:
    draft.csm = staff.INACTIVE_CSM
    won_on(draft, draft.day(-10))


@more.story("account manager and customer success manager are one person, handoff complete")
def _one_person(draft: Draft) -> None:
    draft.csm = draft.owner
    won_on(draft, draft.day(-11))


@more.story("tier set by hand")
def _tier_override(draft: Draft) -> None:
    everyday.resize(draft, everyday.SMB, 6_000)
    draft.tier_override = "strategic"
    resign(draft)


@more.story("same ARR as the next customer")
def _tie(draft: Draft) -> None:
    draft.currency = "USD"
    everyday.resize(draft, everyday.MID_MARKET, 30_000)
    resign(draft)


@more.story("same ARR as the customer before")
def _tied(draft: Draft) -> None:
    _tie(draft)


@more.story("subsidiary of another customer")
def _subsidiary(draft: Draft) -> None:
    draft.parent = GROUP
    draft.name = f"{draft.name.split()[0]} Group"
    resign(draft)


@more.story("another subsidiary of the same group, without a contract of its own")
def _sibling(draft: Draft) -> None:
    draft.parent = GROUP
    draft.start_over()


@more.story("second contract in a currency without a rate (rejected)")
def _no_rate(draft: Draft) -> None:
    draft.add_contract(draft.day(-20), draft.day(344), 12, currency="CHF")


@more.story("churned by termination, a deal still open")
def _terminated(draft: Draft) -> None:
    draft.start_over()
    draft.status = "churned"
    draft.sign(ends=draft.day(95), status="terminated", terminated_on=draft.day(-25))
    draft.add_deal("renewal", "open", draft.day(60), start_date=draft.day(96))
