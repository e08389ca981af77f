"""Rarer stories of renewals: each stage of the window, borders by a day, odd amounts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from connectors.sandbox.making.calendar import term_end, term_start
from connectors.sandbox.making.draft import Draft
from connectors.sandbox.making.stories.renewal import spoil
from connectors.sandbox.making.stories.shelf import Shelf

more = Shelf()


@more.story("the renewal window opens today")
def _opens_today(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(120))


@more.story("renewal in 121 days: the window opens tomorrow")
def _opens_tomorrow(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(121))


@more.story("renewal in 80 days, review with a proposal due")
def _ninety(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(80))


@more.story("renewal in 50 days, open renewal opportunity")
def _sixty_open(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(50))
    draft.add_deal("renewal", "open", draft.day(45), start_date=draft.day(51))


@more.story("renewal in 50 days, no renewal opportunity for too long")
def _sixty_none(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(50))


@more.story("renewal in 25 days, last call")
def _thirty(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(25))


@more.story("contract ends today")
def _ends_today(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.today, by_term=True)


@more.story("contract ended 60 days ago: too late for tasks")
def _long_ended(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(-60))


@more.story("two contracts that end on one day")
def _one_day(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(150), term=24)
    draft.sign(ends=draft.day(150), kind="expansion", arr=draft.arr // 4)


@more.story("next contract begins too late to be a successor")
def _too_late(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(30))
    draft.sign(ends=term_end(draft.day(76), 12), kind="new", lead_days=80)


@more.story("auto-renewing contract with a successor does not roll over")
def _succeeded(draft: Draft) -> None:
    draft.start_over()
    ended = draft.sign(ends=draft.day(-100), auto_renew=True, notice_days=60)
    draft.sign(ends=term_end(draft.day(-99), 12), kind="renewal", renews=ended.key, lead_days=25)


@more.story("three contracts in a row, the last not begun")
def _chain(draft: Draft) -> None:
    draft.start_over()
    one = draft.sign(ends=term_start(draft.day(35), 12) - timedelta(days=1))
    two = draft.sign(ends=draft.day(35), kind="renewal", renews=one.key)
    draft.sign(ends=term_end(draft.day(36), 12), kind="renewal", renews=two.key, lead_days=50)


@more.story("renewal won without a start date")
def _won_undated(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(60))
    draft.add_deal("renewal", "won", draft.day(-12))


@more.story("renewal lost, another attempt open")
def _second_attempt(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(40))
    draft.add_deal("renewal", "lost", draft.day(-30))
    draft.add_deal("renewal", "open", draft.day(30), start_date=draft.day(41))


@more.story("no contract, won deal without amount and term")
def _bare_deal(draft: Draft) -> None:
    draft.start_over()
    draft.add_deal("new", "won", draft.day(-260), amount=None, term_months=None)


@more.story("no contract and no deal")
def _nothing_signed(draft: Draft) -> None:
    draft.start_over()


@more.story("contract without start (rejected)")
def _no_start(draft: Draft) -> None:
    spoil(draft, start=None, end=draft.day(125), term=12)


@more.story("rejected contract beside a sound one")
def _one_bad(draft: Draft) -> None:
    draft.add_contract(draft.day(-30), None, None, draft.worth(12))


@more.story("draft contract beside one in force")
def _draft_contract(draft: Draft) -> None:
    draft.add_contract(draft.day(5), term_end(draft.day(5), 36), 36, status="draft")


@more.story("terminated without a date, replaced by a smaller contract")
def _replaced(draft: Draft) -> None:
    draft.start_over()
    draft.sign(ends=draft.day(140), status="terminated")
    draft.sign(ends=term_end(draft.day(-60), 12), kind="renewal", arr=draft.arr // 2)


@more.story("contract worth nothing")
def _free(draft: Draft) -> None:
    draft.start_over()
    draft.arr = Decimal(0)
    draft.sign(ends=draft.day(160))


@more.story("credit: contract of a negative value")
def _credit(draft: Draft) -> None:
    draft.add_contract(draft.day(-90), draft.day(90), 6, Decimal("-1800.00"))


@more.story("contract over 18 months, its term not written down")
def _no_term(draft: Draft) -> None:
    draft.start_over()
    start = draft.day(-300)
    deal = draft.add_deal("new", "won", draft.day(-310), term_months=18, start_date=start)
    draft.add_contract(start, term_end(start, 18), None, deal.amount, deal=deal.key)


@more.story("renewal date set by hand")
def _override(draft: Draft) -> None:
    draft.renewal_date_override = draft.day(90)
