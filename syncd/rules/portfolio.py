"""The book over a period: an ARR bridge that foots to the cent, and the rates made of it.

All from the contracts' own history, so that any past period can be asked for. Accounts stand in
the tier, segment and hands that they are in now. An account's ARR on a day is rounded to the cent
first, so that parts always sum to the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from msgspec import Struct

from syncd.model import Contract
from syncd.policy import Policy
from syncd.rules.contract_history import End, History, history
from syncd.rules.dates import add_days, add_months

AM_RATIOS = (15, 50, 100)
"""Accounts of each tier that are a full load for one account manager."""
QUOTA_NRR = 1.1
LONGEST_LIFE_YEARS = 10
GROUPINGS = ("book", "tier", "owner", "segment")

_CENT = Decimal("0.01")
_ZERO = Decimal(0)


class PortfolioAccount(Struct, frozen=True):
    """What the portfolio needs of an account. `tier` and the sponsor are today's values."""

    id: str
    name: str | None = None
    status: str = "customer"
    owner: str | None = None
    owner_name: str | None = None
    segment: str | None = None
    tier: str | None = None
    sponsor_engaged: bool | None = None
    nps: Decimal | None = None
    contracts: tuple[Contract, ...] = ()


class Group(Struct, frozen=True):
    """The figures of one group. Money to the cent; rates as fractions; None: not to be had.

    starting_arr + new + expansion - contraction - churn = ending_arr. `mean_acv` is the mean
    ARR of the customers that have ARR on the last day; `load` the mean of the group's account
    managers, 1.0 being a full one.
    """

    by: str
    key: str
    label: str
    starting_arr: Decimal
    new: Decimal
    expansion: Decimal
    contraction: Decimal
    churn: Decimal
    ending_arr: Decimal
    nrr: float | None
    grr: float | None
    renewal_rate_count: float | None
    renewal_rate_arr: float | None
    logo_retention: float | None
    expansion_mrr: Decimal
    mean_acv: Decimal | None
    acv_growth: float | None
    clv: Decimal | None
    sponsor_engaged_share: float | None
    mean_nps: float | None
    accounts: int
    account_managers: int
    accounts_per_am: float | None
    load: float | None
    quota_attainment: float | None
    contracts_ended: int
    contracts_renewed: int


class _Row(Struct, frozen=True):
    """An account with its ARR on the first day, on the last, and a year before the last."""

    account: PortfolioAccount
    start: Decimal
    end: Decimal
    year_ago: Decimal
    ends: tuple[End, ...]


def portfolio(
    accounts: Iterable[PortfolioAccount], start: date, end: date, by: str, policy: Policy
) -> list[Group]:
    """The groups of a period, both days included; by book, tier, owner or segment.

    Raises ValueError for another grouping, or a period that ends before it starts.
    """
    if by not in GROUPINGS:
        raise ValueError(f"by must be one of {', '.join(GROUPINGS)}, not {by}")
    if end < start:
        raise ValueError(f"the period ends on {end}, before it starts on {start}")
    rows = [_row(a, start, end, policy) for a in accounts if a.status != "prospect"]
    parts: dict[str, list[_Row]] = {"all": []} if by == "book" else {}
    for row in rows:
        parts.setdefault(_key(row.account, by), []).append(row)
    groups = [_group(by, key, part, policy) for key, part in parts.items()]
    return sorted(groups, key=_order(by, policy))


def loads(
    customers: Iterable[tuple[str, str | None, str | None, Decimal | None]], policy: Policy
) -> dict[str, tuple[float, str]]:
    """Each account manager's load and largest account, from (account, owner, tier, ARR)."""
    carried: dict[str, float] = {}
    largest: dict[str, tuple[Decimal, str]] = {}
    for account, owner, tier, arr in customers:
        if not owner:
            continue
        carried[owner] = carried.get(owner, 0.0) + _weight(tier, policy)
        mine = (arr if arr is not None else _ZERO, account)
        best = largest.get(owner)
        if best is None or mine[0] > best[0] or (mine[0] == best[0] and account < best[1]):
            largest[owner] = mine
    return {owner: (round(load, 6), largest[owner][1]) for owner, load in carried.items()}


def _weight(tier: str | None, policy: Policy) -> float:
    names = policy.tier.names
    position = names.index(tier) if tier in names else len(names) - 1
    return 1 / AM_RATIOS[min(position, len(AM_RATIOS) - 1)]


def _row(account: PortfolioAccount, start: date, end: date, policy: Policy) -> _Row:
    past: History = history(account.contracts, policy.renewal)
    year = add_days(add_months(end, -12), 1)
    return _Row(
        account,
        _cents(past.arr_on(start)),
        _cents(past.arr_on(end)),
        _cents(past.arr_on(year)),
        past.ends_within(start, end),
    )


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP)


def _key(account: PortfolioAccount, by: str) -> str:
    keys = {"book": "all", "tier": account.tier, "owner": account.owner, "segment": account.segment}
    return keys[by] or ""


def _order(by: str, policy: Policy) -> Callable[[Group], tuple[int, str]]:
    names = policy.tier.names

    def order(group: Group) -> tuple[int, str]:
        if not group.key:
            return (len(names) + 1, "")
        if by == "tier":
            return (names.index(group.key) if group.key in names else len(names), group.key)
        return (0, group.label.casefold() + group.key)

    return order


def _label(by: str, key: str, rows: Sequence[_Row]) -> str:
    if by == "owner":
        return next((r.account.owner_name for r in rows if r.account.owner_name), key or "nobody")
    if by == "book":
        return "whole book"
    return key or f"no {by}"


def _group(by: str, key: str, rows: Sequence[_Row], policy: Policy) -> Group:
    starting = _total(row.start for row in rows)
    ending = _total(row.end for row in rows)
    cohort = [row for row in rows if row.start > 0]
    kept = [row for row in cohort if row.end > 0]
    nrr = _rate(_total(row.end for row in cohort), starting)
    expansion = _total(max(_ZERO, row.end - row.start) for row in kept)
    with_arr = sum(row.end > 0 for row in rows)
    acv = _mean(ending, with_arr)
    acv_before = _mean(starting, len(cohort))
    ended = [end for row in rows for end in row.ends]
    renewed = [end for end in ended if end.renewed]
    return Group(
        by=by,
        key=key,
        label=_label(by, key, rows),
        starting_arr=starting,
        new=_total(row.end for row in rows if row.start == 0),
        expansion=expansion,
        contraction=_total(max(_ZERO, row.start - row.end) for row in kept),
        churn=_total(row.start for row in cohort if row.end == 0),
        ending_arr=ending,
        nrr=nrr,
        grr=_rate(_total(min(row.start, row.end) for row in cohort), starting),
        renewal_rate_count=_rate(len(renewed), len(ended)),
        renewal_rate_arr=_rate(_total(e.arr for e in renewed), _total(e.arr for e in ended)),
        logo_retention=_rate(len(kept), len(cohort)),
        expansion_mrr=_cents(expansion / 12),
        mean_acv=None if acv is None else _cents(acv),
        acv_growth=_growth(acv_before, acv),
        clv=_lifetime_value(acv, rows),
        **_people([row.account for row in rows if row.account.status == "customer"], policy),
        quota_attainment=None if nrr is None else round(nrr / QUOTA_NRR, 6),
        contracts_ended=len(ended),
        contracts_renewed=len(renewed),
    )


def _people(customers: Sequence[PortfolioAccount], policy: Policy) -> dict[str, Any]:
    """The figures that look at the customers as they are now."""
    first = [a for a in customers if a.tier == policy.tier.names[0]]
    scores = [account.nps for account in customers if account.nps is not None]
    managed = [account for account in customers if account.owner]
    managers = len({account.owner for account in managed})
    load = sum(_weight(account.tier, policy) for account in managed)
    nps = _rate(_total(scores), len(scores))
    return {
        "sponsor_engaged_share": _rate(sum(a.sponsor_engaged is True for a in first), len(first)),
        "mean_nps": nps,
        "accounts": len(customers),
        "account_managers": managers,
        "accounts_per_am": _rate(len(managed), managers),
        "load": round(load / managers, 6) if managers else None,
    }


def _lifetime_value(acv: Decimal | None, rows: Sequence[_Row]) -> Decimal | None:
    """The mean ACV over the expected life, from the year that ends with the period."""
    cohort = [row for row in rows if row.year_ago > 0]
    before = _total(row.year_ago for row in cohort)
    if acv is None or before == 0:
        return None
    lost = 1 - _total(min(row.year_ago, row.end) for row in cohort) / before
    years = LONGEST_LIFE_YEARS if lost * LONGEST_LIFE_YEARS <= 1 else 1 / lost
    return _cents(acv * years)


def _total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, _ZERO)


def _rate(part: Decimal | int, whole: Decimal | int) -> float | None:
    return None if whole == 0 else round(float(Decimal(part) / Decimal(whole)), 6)


def _mean(total: Decimal, count: int) -> Decimal | None:
    return None if count == 0 else total / count


def _growth(before: Decimal | None, after: Decimal | None) -> float | None:
    if before is None or after is None:
        return None
    return _rate(after - before, before)
