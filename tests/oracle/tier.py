"""Tier and key accounts over a whole book, sentence by sentence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

ZERO = Decimal(0)


@dataclass
class Customer:
    """What tiers look at. `tier` is the stored one, `red_since` the stored band's first red day.

    `demoted`: the red band put it into its tier, in a review month.
    """

    id: str
    arr: Decimal | None
    potential: Decimal | None = None
    flagged: bool = False
    override: str | None = None
    tier: str | None = None
    red_since: date | None = None
    demoted: bool = False

    @property
    def worth(self) -> Fraction:
        """ARR; zero where there is none."""
        return Fraction(self.arr) if self.arr is not None and self.arr > 0 else Fraction(0)

    @property
    def to_gain(self) -> Fraction:
        """Expansion potential; zero where there is none."""
        return (
            Fraction(self.potential)
            if self.potential is not None and self.potential > 0
            else Fraction(0)
        )


def exactly(number: float) -> Fraction:
    """A policy's figure as it is written."""
    return Fraction(str(number))


def ranked(book: list[Customer]) -> list[Customer]:
    """By ARR, descending; ties by id, ascending as text; those without ARR are not in it."""
    return sorted((c for c in book if c.worth > 0), key=lambda c: (-c.worth, c.id))


def leading_size(book: list[Customer], policy: Any) -> int:
    """The smallest leading group that reaches the share, within its bounds."""
    order = ranked(book)
    wanted = exactly(policy.strategic_share) * sum((c.worth for c in order), Fraction(0))
    size = 0
    while size < len(order) and sum((c.worth for c in order[:size]), Fraction(0)) < wanted:
        size += 1
    least, most = int(policy.strategic_min), int(policy.strategic_max)
    return min(len(order), max(least, min(most, size)))


def median(book: list[Customer]) -> Fraction | None:
    """The median ARR of the customers that have ARR."""
    order = sorted(c.worth for c in book if c.worth > 0)
    if not order:
        return None
    middle = len(order) // 2
    return order[middle] if len(order) % 2 else (order[middle - 1] + order[middle]) / 2


def key_accounts(book: list[Customer], policy: Any) -> set[str]:
    """The top share of the customers that have ARR, rounded half up, at least one."""
    order = ranked(book)
    exact = exactly(policy.key_account_share) * len(order)
    count = int(exact + Fraction(1, 2))
    return {c.id for c in order[: max(1, count)]}


def tiers(book: list[Customer], policy: Any, today: date) -> dict[str, str]:
    """Every customer's tier by the method pareto, with three tiers."""
    strategic, growth, maintenance = policy.names
    size = leading_size(book, policy)
    place = {c.id: n for n, c in enumerate(ranked(book), start=1)}
    middle = median(book)
    share = exactly(policy.growth_potential_share)
    margin = exactly(policy.margin)
    review = today.month == policy.review_month
    found: dict[str, str] = {}
    for c in book:
        held = c.tier if c.tier in policy.names and not review else None
        rank = place.get(c.id)
        # How far the borders have moved: 1 exact, else towards holding the stored tier.
        most = Fraction(size)
        least = Fraction(1)
        if held is not None:
            most *= 1 + margin if held == strategic else 1 - margin
            least *= 1 + margin if held == maintenance else 1 - margin
        by_arr = c.worth > 0 and middle is not None and c.worth >= least * middle
        by_potential = c.to_gain > 0 and c.to_gain >= least * share * c.worth
        if c.override is not None and c.override in policy.names:
            found[c.id] = c.override
        elif c.flagged or (rank is not None and rank <= most):
            found[c.id] = strategic
        elif by_arr or by_potential:
            red = c.red_since is not None and (today - c.red_since).days >= 30
            kept_out = c.demoted and c.tier == maintenance
            demoted = red and c.to_gain == 0 and (review or kept_out)
            found[c.id] = maintenance if demoted else growth
        else:
            found[c.id] = maintenance
    return found
