"""Stories of handoff documents."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from connectors.sandbox.book import BookDeal, BookHandoff
from connectors.sandbox.making.calendar import business_days_before, term_end
from connectors.sandbox.making.draft import Draft
from connectors.sandbox.making.stories.shelf import Shelf

first = Shelf()
more = Shelf()

EMPTY = BookHandoff()
DUE_BUSINESS_DAYS = 5
LOOKBACK_DAYS = 180


def won_on(draft: Draft, close: date) -> tuple[BookDeal, BookHandoff]:
    """Start over with a new deal won on that day; the deal and its complete handoff."""
    draft.start_over()
    draft.sign(ends=term_end(close + timedelta(days=1), 12), lead_days=1)
    deal = replace(draft.deals[-1], close_date=close)
    draft.put_deal(deal)
    return deal, draft.handoff(12)


@first.story("complete handoff")
def _complete(draft: Draft) -> None:
    deal, handoff = won_on(draft, draft.day(-20))
    draft.put_deal(replace(deal, handoff=handoff))


@first.story("handoff of placeholders")
def _placeholders(draft: Draft) -> None:
    deal, _ = won_on(draft, draft.day(-30))
    draft.contacts.clear()
    draft.add_contact(seen=4)
    draft.add_contact("end_user", seen=11)
    written = BookHandoff("TBD", "...", "see notes", "n/a", "xxx", "To be confirmed!", "??", "-")
    draft.put_deal(replace(deal, handoff=written))


@first.story("handoff overdue by business days")
def _overdue(draft: Draft) -> None:
    deal, handoff = won_on(draft, business_days_before(draft.today, DUE_BUSINESS_DAYS + 1))
    written = replace(handoff, promised_outcomes=None, verbal_commitments="")
    draft.put_deal(replace(deal, handoff=written))


@first.story("handoff with HTML markup")
def _markup(draft: Draft) -> None:
    deal, handoff = won_on(draft, draft.day(-16))
    written = replace(
        handoff,
        pain_points=f"<ul><li>{handoff.pain_points}</li><li>R&amp;D&nbsp;waits</li></ul>",
        promised_outcomes=f'<p style="margin:0">{handoff.promised_outcomes}</p>',
        contract_terms="<p>12&nbsp;months, net&nbsp;30</p>",
        discounts="<p>&nbsp;</p><br>",
        verbal_commitments="<div>TBD</div>",
    )
    draft.put_deal(replace(deal, handoff=written))


@first.story("handoff champion only through a contact role")
def _by_role(draft: Draft) -> None:
    deal, handoff = won_on(draft, draft.day(-25))
    champion = draft.contacts[0]
    roles = ((champion.key, "champion"),)
    draft.put_contact(replace(champion, roles=()))
    draft.put_deal(replace(deal, handoff=replace(handoff, champion=None), contact_roles=roles))


@first.story("old deal outside the lookback, nothing written")
def _old(draft: Draft) -> None:
    deal, _ = won_on(draft, draft.day(-LOOKBACK_DAYS - 1))
    draft.put_deal(replace(deal, handoff=EMPTY))


@more.story("incomplete handoff, due today")
def _due_today(draft: Draft) -> None:
    deal, handoff = won_on(draft, business_days_before(draft.today, DUE_BUSINESS_DAYS))
    draft.put_deal(replace(deal, handoff=replace(handoff, contract_terms=None)))


@more.story("closed on the first day of the lookback, pain points missing")
def _last_day(draft: Draft) -> None:
    # "The last n days" end today, so that day 0 is one of the 180.
    deal, handoff = won_on(draft, draft.day(-LOOKBACK_DAYS + 1))
    draft.put_deal(replace(deal, handoff=replace(handoff, pain_points=None)))


@more.story("two handoffs, the less complete leads")
def _two(draft: Draft) -> None:
    deal, handoff = won_on(draft, draft.day(-60))
    draft.put_deal(replace(deal, handoff=replace(handoff, promised_outcomes="tbc", discounts="")))
    start = draft.day(-20)
    draft.sign(ends=term_end(start, 12), kind="new", lead_days=5, arr=draft.arr // 3)


@more.story("handoff where none is an answer")
def _none_counts(draft: Draft) -> None:
    deal, handoff = won_on(draft, draft.day(-14))
    written = replace(handoff, skeptics="None", discounts="n/a", verbal_commitments="no")
    draft.put_deal(replace(deal, handoff=written))


@more.story("closed yesterday, nothing written")
def _fresh(draft: Draft) -> None:
    deal, _ = won_on(draft, draft.day(-1))
    draft.put_deal(replace(deal, handoff=None))


@more.story("handoff too short to say anything")
def _short(draft: Draft) -> None:
    deal, handoff = won_on(draft, draft.day(-12))
    written = replace(handoff, pain_points="Reports are slow.", promised_outcomes="Faster reports")
    draft.put_deal(replace(deal, handoff=written))


@more.story("handoff whose economic buyer has left")
def _buyer_left(draft: Draft) -> None:
    deal, handoff = won_on(draft, draft.day(-9))
    draft.put_deal(replace(deal, handoff=replace(handoff, economic_buyer=None)))
    draft.put_contact(replace(draft.contacts[1], active=False))
