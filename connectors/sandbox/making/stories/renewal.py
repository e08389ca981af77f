"""Stories of renewal dates, terms and successors."""

from __future__ import annotations

from datetime import date, timedelta

from connectors.sandbox.making.calendar import add_months, next_leap_day, term_end, term_start
from connectors.sandbox.making.draft import Draft
from connectors.sandbox.making.stories.shelf import Shelf

first = Shelf()

LONGEST_MONTH = 31


@first.story("renewal in 100 days, no renewal opportunity")
def _no_opportunity(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(100))


@first.story("auto-renewing contract that rolled over twice")
def _rolled_over(draft: Draft) -> None:
    draft.start_over()
    start = term_start(draft.day(75), 36)
    draft.sign(ends=term_end(start, 12), auto_renew=True, notice_days=30)


@first.story("successor contract starting within the gap")
def _gap(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(40))
    draft.sign(ends=term_end(draft.day(56), 12), kind="renewal", lead_days=66)


@first.story("successor names the contract it renews, after a long gap")
def _named(draft: Draft) -> None:
    draft.start_over()
    ending = draft.sign(ends=draft.day(20))
    draft.sign(ends=term_end(draft.day(80), 12), kind="renewal", lead_days=95, renews=ending.key)


@first.story("two contracts in force, the earliest rules")
def _two(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(55))
    draft.sign(ends=draft.day(210), kind="expansion", arr=draft.arr // 2)
    draft.add_deal("renewal", "open", draft.day(50), start_date=draft.day(56))


@first.story("contract ends on a leap day")
def _leap_day(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=next_leap_day(draft.today), term=48, by_term=True)


@first.story("contract ends where a month end is cut short")
def _month_end(draft: Draft) -> None:
    # Begun on a 31st, with a term that leads into a month without one.
    month = add_months(draft.today.replace(day=1), -4)
    while add_months(month, 1) - month != timedelta(days=LONGEST_MONTH):
        month = add_months(month, -1)
    start = month.replace(day=LONGEST_MONTH)
    term = next(count for count in range(10, 24) if add_months(start, count).day < start.day)
    draft.start_over()
    deal = draft.add_deal(
        "new",
        "won",
        start - timedelta(days=9),
        term_months=term,
        start_date=start,
        handoff=draft.handoff(term),
    )
    draft.add_contract(start, None, term, deal.amount, deal=deal.key)


@first.story("contract without end and term (rejected)")
def _no_end(draft: Draft) -> None:
    spoil(draft, start=draft.day(-240), end=None, term=None)


@first.story("contract ending before its start (rejected)")
def _backwards(draft: Draft) -> None:
    spoil(draft, start=draft.day(-240), end=draft.day(-605), term=12)


def spoil(draft: Draft, *, start: date | None, end: date | None, term: int | None) -> None:
    """A sound deal whose only contract was written down wrongly."""
    draft.start_over()
    deal = draft.add_deal("new", "won", draft.day(-250), start_date=draft.day(-240))
    draft.add_contract(start, end, term, deal.amount, deal=deal.key)


@first.story("terminated contract")
def _terminated(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(110), status="terminated", terminated_on=draft.day(-45))


@first.story("future contract only")
def _future(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=term_end(draft.day(25), 12), lead_days=35)
    draft.mood.weeks = 0


@first.story("all contracts ended (overdue)")
def _ended(draft: Draft) -> None:
    draft.start_over()
    ended = draft.sign(ends=term_start(draft.day(-20), 12) - timedelta(days=1))
    draft.sign(ends=draft.day(-20), kind="renewal", renews=ended.key, lead_days=30)


@first.story("no contract, closed-won deal with term")
def _deal_only(draft: Draft) -> None:
    draft.start_over()
    start = term_start(draft.day(85), 24)
    draft.add_deal("new", "won", start - timedelta(days=15), term_months=24, start_date=start)


@first.story("renewal deal won: secured")
def _secured(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(45))
    draft.add_deal("renewal", "won", draft.day(-8), start_date=draft.day(46))


@first.story("renewal deal lost: churned renewal")
def _lost(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(25))
    draft.add_deal("renewal", "lost", draft.day(-6), start_date=draft.day(26))


@first.story("notice deadline within 14 days")
def _notice(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(70), auto_renew=True, notice_days=60)
