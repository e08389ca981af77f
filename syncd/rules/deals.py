"""Closed-won opportunities as terms, for customers without contracts; and open renewals."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from msgspec import Struct

from syncd.model import Opportunity
from syncd.rules.dates import last_day

KINDS_WITH_TERM = frozenset({"new", "renewal", "expansion"})


class DealTerm(Struct, frozen=True, gc=False):
    """What a closed-won opportunity sold: from `begin` up to and including `end`."""

    deal: Opportunity
    begin: date
    end: date
    months: int

    @property
    def arr(self) -> Decimal:
        """The deal's ARR; 0 where it has none."""
        arr = self.deal.arr
        return arr if arr is not None and arr > 0 else Decimal(0)


def deal_terms(opportunities: Iterable[Opportunity], default_months: int) -> list[DealTerm]:
    """The closed-won deals of kind new, renewal or expansion whose begin is known."""
    terms: list[DealTerm] = []
    for deal in opportunities:
        begin = deal.start_date or deal.close_date
        if deal.won and begin is not None and deal.kind in KINDS_WITH_TERM:
            months = deal.term_months or 0
            if months <= 0:
                months = default_months
            terms.append(DealTerm(deal, begin, last_day(begin, months), months))
    return terms


def open_renewals(opportunities: Iterable[Opportunity]) -> list[Opportunity]:
    """The renewal opportunities that are neither won nor lost yet."""
    return [o for o in opportunities if o.kind == "renewal" and not o.closed and not o.won]
