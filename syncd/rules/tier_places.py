"""The borders that a whole book sets, and a customer's place among them (docs/rules.md, Tier)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from statistics import median
from typing import NamedTuple

from syncd.policy import TierPolicy
from syncd.rules.contracts import positive
from syncd.rules.rule import BookBorders, BookRow
from syncd.rules.words import money

RED_DAYS = 30
"""In the review month a growth account without potential is demoted after so many red days."""

_ZERO = Decimal(0)

_ONE = Decimal(1)

_LEADING, GROWTH, _REST, _WITHOUT_ARR = range(4)

_NUMBER = re.compile(r"(?:tier|t)?\s*([1-9])", re.IGNORECASE)


class Placed(NamedTuple):
    """A customer's tier and why, and whether it is a key account.

    `demoted`: a red band keeps it out of growth since a review month, until it is red no more.
    """

    tier: str
    key_account: bool
    because: str
    demoted: bool = False


def borders(rows: Iterable[BookRow], policy: TierPolicy, today: date) -> BookBorders:
    """The borders that these customers set, all of them together.

    With the method "score", ranks and `median_arr` are of the score in place of the ARR.
    """
    del today  # the borders are the same in every month; how they are applied is not
    known = list(rows)
    span = (
        max((positive(row.arr) for row in known), default=_ZERO),
        max((positive(row.potential) for row in known), default=_ZERO),
    )
    by_arr = sorted(
        ((row.arr, row.account) for row in known if row.arr is not None and row.arr > 0),
        key=lambda pair: (-pair[0], pair[1]),
    )
    ranked = by_arr
    if policy.method == "score":
        scores = ((_score(row, span, policy), row.account) for row in known)
        ranked = sorted(
            (pair for pair in scores if pair[0] > 0), key=lambda pair: (-pair[0], pair[1])
        )
    size = _group_size([measure for measure, _ in ranked], policy)
    deep = int((_ONE + _decimal(policy.margin)) * size)
    keys = 0
    if by_arr:
        share = _decimal(policy.key_account_share) * len(by_arr)
        keys = max(1, int(share.to_integral_value(ROUND_HALF_UP)))
    return BookBorders(
        group_size=size,
        ranks={account: rank for rank, (_, account) in enumerate(ranked[:deep], start=1)},
        median_arr=median(measure for measure, _ in ranked) if ranked else None,
        total_arr=sum((arr for arr, _ in by_arr), _ZERO),
        key_accounts=frozenset(account for _, account in by_arr[:keys]),
        score_span=span,
        customers=len(known),
    )


def _group_size(measures: list[Decimal], policy: TierPolicy) -> int:
    """How many lead: as few as reach the share, within the bounds, none without ARR."""
    wanted = _decimal(policy.strategic_share) * sum(measures, _ZERO)
    reached, size = _ZERO, 0
    while size < len(measures) and reached < wanted:
        reached += measures[size]
        size += 1
    return min(len(measures), max(policy.strategic_min, min(policy.strategic_max, size)))


def assign(row: BookRow, borders: BookBorders, policy: TierPolicy, today: date) -> Placed:
    """The customer's tier, whether it is a key account, and why the tier."""
    key_account = row.account in borders.key_accounts
    chosen = named_tier(row.override, policy)
    if chosen is not None:
        return Placed(chosen, key_account, f"Set by hand with the tier override {row.override}.")
    ignored = (
        f' The tier override "{row.override}" names no tier and is not used.'
        if row.override and row.override.strip()
        else ""
    )
    names = policy.names
    stored = names.index(row.tier) if row.tier in names else None
    reviewing = today.month == policy.review_month
    exact = _place(row, borders, policy, None)
    red = _red_without_potential(row, today) and policy.method != "thresholds"
    demoted = red and row.demoted and stored == _REST
    if stored is None or reviewing:
        place = exact
        if reviewing and red and place == GROWTH:
            why = f"Health has been red for {RED_DAYS} days and no expansion potential is recorded."
            return Placed(names[_REST], key_account, why + ignored, demoted=True)
    else:
        place = _place(row, borders, policy, stored)
        if demoted and place == GROWTH:
            why = "Health is still red and no expansion potential is recorded."
            return Placed(names[_REST], key_account, why + ignored, demoted=True)
    why = _why(row, borders, policy, exact)
    if place != exact:
        why += f" Held at {names[place]}: not yet {policy.margin * 100:g} % past the border."
    return Placed(names[place], key_account, why + ignored, demoted and place == _REST)


def named_tier(override: str | None, policy: TierPolicy) -> str | None:
    """The tier that an override names: by its name in any case, or as "Tier 1" or "1"."""
    if not override:
        return None
    wanted = override.strip().casefold()
    for name in policy.names:
        if name.casefold() == wanted:
            return name
    number = _NUMBER.fullmatch(wanted)
    if number is not None and int(number[1]) <= len(policy.names):
        return policy.names[int(number[1]) - 1]
    return None


def _place(row: BookRow, borders: BookBorders, policy: TierPolicy, stored: int | None) -> int:
    """The tier's place from 0. A stored one is left only when well past the border."""
    if row.strategic and policy.method != "score":
        return _LEADING
    margin = _decimal(policy.margin)

    def factor(place: int) -> Decimal:
        """What a border above which that place lies is multiplied by."""
        if stored is None:
            return _ONE
        return _ONE - margin if stored <= place else _ONE + margin

    if policy.method == "thresholds":
        arr = positive(row.arr)
        for place, least in enumerate(policy.thresholds):
            if arr >= least * factor(place):
                return place
        return len(policy.thresholds)
    rank = borders.ranks.get(row.account)
    measure = _measure(row, borders, policy)
    if rank is not None and measure > 0 and rank <= borders.group_size * (2 - factor(_LEADING)):
        return _LEADING
    if _grows(row, measure, borders, policy, factor(GROWTH)):
        return GROWTH
    return _WITHOUT_ARR if len(policy.names) > _WITHOUT_ARR and measure <= 0 else _REST


def _grows(
    row: BookRow, measure: Decimal, borders: BookBorders, policy: TierPolicy, factor: Decimal
) -> bool:
    """Whether there is enough to gain, or enough ARR."""
    if measure > 0 and borders.median_arr is not None and measure >= factor * borders.median_arr:
        return True
    return policy.method == "pareto" and _has_potential(row, policy, factor)


def _has_potential(row: BookRow, policy: TierPolicy, factor: Decimal = _ONE) -> bool:
    potential = positive(row.potential)
    share = _decimal(policy.growth_potential_share)
    return potential > 0 and potential >= factor * share * positive(row.arr)


def _measure(row: BookRow, borders: BookBorders, policy: TierPolicy) -> Decimal:
    if policy.method == "score":
        return _score(row, borders.score_span, policy)
    return positive(row.arr)


def _score(row: BookRow, span: tuple[Decimal, Decimal], policy: TierPolicy) -> Decimal:
    """From 0 to 1: ARR and potential against the greatest of the book, and the flag, weighted."""
    weights = {name: _decimal(weight) for name, weight in policy.score.items()}
    parts = {
        "arr": positive(row.arr) / span[0] if span[0] else _ZERO,
        "potential": positive(row.potential) / span[1] if span[1] else _ZERO,
        "strategic": _ONE if row.strategic else _ZERO,
    }
    total = sum(weights.values(), _ZERO)
    if not total:
        return _ZERO
    return sum((weight * parts[name] for name, weight in weights.items()), _ZERO) / total


def _red_without_potential(row: BookRow, today: date) -> bool:
    since = row.band_red_since
    return (
        since is not None
        and positive(row.potential) <= 0
        and (today - since).days >= RED_DAYS
        and not row.strategic
    )


def _why(row: BookRow, borders: BookBorders, policy: TierPolicy, place: int) -> str:
    """The reason for the exact place, with the border."""
    arr = positive(row.arr)
    said = f"ARR {money(arr)}" if arr else "No ARR"
    if row.strategic and policy.method != "score":
        return "The account is flagged strategic."
    if policy.method == "thresholds":
        if place < len(policy.thresholds):
            return f"{said} is at least {money(policy.thresholds[place])}."
        return f"{said} is below {money(policy.thresholds[-1])}."
    what = said
    border = "" if borders.median_arr is None else money(borders.median_arr)
    if policy.method == "score":
        what, border = "The score of ARR, potential and strategic flag", "the middle of the book"
    if place == _LEADING:
        share = f"{policy.strategic_share * 100:g} %"
        return f"{what} is in the leading group of the book, which is to hold {share} of it."
    potential = f"{policy.growth_potential_share * 100:g} % of its ARR"
    if place == GROWTH:
        if policy.method == "pareto" and _has_potential(row, policy):
            return f"Expansion potential {money(positive(row.potential))} is at least {potential}."
        return f"{what} is at least the median, {border}."
    if policy.method == "score":
        return f"{what} is below the median, {border}."
    if not arr:
        return "No ARR and no expansion potential are recorded."
    return f"{what} is below the median, {border}, and potential is below {potential}."


def _decimal(number: float) -> Decimal:
    return Decimal(str(number))
