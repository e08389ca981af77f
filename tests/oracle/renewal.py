"""Renewal, sentence by sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from oracle.calendar_days import days_on, months_on, nearest_months, term_end
from syncd.model import AccountRecords, Contract, Opportunity

ZERO = Decimal(0)


@dataclass
class Running:
    """An active contract on a day: where its current term began and where it ends."""

    contract: Contract
    start: date
    own_end: date
    began: date
    end: date


def no_less_than_zero(amount: Decimal | None) -> Decimal:
    """Negative or zero ARR is no ARR."""
    return amount if amount is not None and amount > 0 else ZERO


def cents(amount: Decimal) -> Decimal:
    """Money as it is written."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def end_of(contract: Contract) -> date | None:
    """end_date, else start + term - 1 day."""
    if contract.end_date is not None:
        return contract.end_date
    if contract.start_date is not None and contract.term_months is not None:
        return term_end(contract.start_date, contract.term_months)
    return None


def is_valid(contract: Contract) -> bool:
    """Not: no start, neither end nor term, or an end before the start."""
    end = end_of(contract)
    return contract.start_date is not None and end is not None and end >= contract.start_date


def follower(of: Running, everyone: list[Running], policy: Any) -> Running | None:
    """The successor by the ends as they stand; of several, the one that starts first."""
    found = []
    for other in everyone:
        if other is of:
            continue
        by_name = other.contract.renews == of.contract.id
        in_time = (
            days_on(of.end, -policy.overlap_days) <= other.start <= days_on(of.end, policy.gap_days)
        )
        if by_name or (other.start > of.start and in_time and other.end > of.end):
            found.append(other)
    return min(found, key=lambda r: (r.start, r.contract.id)) if found else None


def chain_of(first: Running, everyone: list[Running], policy: Any) -> list[Running]:
    """The contract and its successors, to the last (of a circle: the last not seen yet)."""
    chain = [first]
    following = follower(first, everyone, policy)
    while following is not None and following not in chain:
        chain.append(following)
        following = follower(following, everyone, policy)
    return chain


def running_on(records: AccountRecords, policy: Any, today: date) -> list[Running]:
    """The active contracts; those that renew themselves have been moved on."""
    everyone = []
    for contract in records.contracts:
        if contract.status == "active" and is_valid(contract):
            end = end_of(contract)
            assert end is not None
            assert contract.start_date is not None
            everyone.append(Running(contract, contract.start_date, end, contract.start_date, end))
    moving = [
        r
        for r in everyone
        if r.contract.auto_renew and r.own_end < today and follower(r, everyone, policy) is None
    ]
    for r in moving:
        term = r.contract.term_months
        months = term if term is not None and term > 0 else nearest_months(r.start, r.own_end)
        exact = term_end(r.start, months) == r.own_end
        turn = 0
        while r.end < today:
            turn += 1
            r.began = days_on(r.end, 1)
            if exact:
                r.end = term_end(r.start, months * (turn + 1))
            else:
                r.end = max(
                    months_on(r.own_end, months * turn),
                    term_end(days_on(r.own_end, 1), months * turn),
                )
    return everyone


@dataclass
class Sold:
    """A closed-won opportunity and the term that it sold."""

    deal: Opportunity
    begin: date
    end: date


def sold(records: AccountRecords, policy: Any) -> list[Sold]:
    """Closed-won opportunities of kind new, renewal or expansion, from begin to end."""
    found = []
    for deal in records.opportunities:
        begin = deal.start_date or deal.close_date
        if deal.won and deal.kind in {"new", "renewal", "expansion"} and begin is not None:
            term = deal.term_months
            months = term if term is not None and term > 0 else policy.default_term_months
            found.append(Sold(deal, begin, term_end(begin, months)))
    return found


def arr(records: AccountRecords, policy: Any, today: date) -> Decimal | None:
    """ARR today."""
    everyone = running_on(records, policy, today)
    if everyone:
        in_force = [r for r in everyone if r.start <= today <= r.end]
        return cents(sum((no_less_than_zero(r.contract.arr) for r in in_force), ZERO))
    if no_less_than_zero(records.account.arr):
        return cents(no_less_than_zero(records.account.arr))
    in_term = [s for s in sold(records, policy) if s.begin <= today <= s.end]
    if in_term:
        return cents(sum((no_less_than_zero(s.deal.arr) for s in in_term), ZERO))
    return None


def by_contracts(
    everyone: list[Running], policy: Any, today: date
) -> tuple[date, list[list[Running]]]:
    """The renewal date by the contracts, and the chains that it was picked from."""
    in_force = [r for r in everyone if r.start <= today <= r.end]
    to_come = [r for r in everyone if r.start > today]
    if not in_force and not to_come:
        return max(r.end for r in everyone), [[r] for r in everyone]
    chains = [chain_of(r, everyone, policy) for r in in_force or to_come]
    ends = [chain[-1].end for chain in chains]
    if in_force and policy.pick == "latest":
        return max(ends), chains
    if in_force and policy.pick == "largest":
        most = max(no_less_than_zero(r.contract.arr) for r in in_force)
        largest = [c for c in chains if no_less_than_zero(c[0].contract.arr) == most]
        return min(chain[-1].end for chain in largest), chains
    return min(ends), chains


def current_term(chains: list[list[Running]], deals: list[Sold], day: date, today: date) -> date:
    """When the current term of what ends on that day began; date.min where nothing does."""
    begins = [s.begin for s in deals if s.end == day]
    for chain in chains:
        if chain[-1].end == day:
            begun = [r.began for r in chain if r.began <= today]
            begins.append(begun[-1] if begun else chain[-1].began)
    return min(begins, default=date.min)


def values(records: AccountRecords, policy: Any, today: date) -> Mapping[str, Any]:
    """All values of the renewal rule for a customer."""
    everyone = running_on(records, policy, today)
    deals = [] if everyone else sold(records, policy)
    override = records.account.renewal_date_override
    total = arr(records, policy, today)
    source, day, chains = None, None, list[list[Running]]()
    if everyone:
        source = "contract"
        day, chains = by_contracts(everyone, policy, today)
    elif deals:
        source = "opportunity"
        day = max(deals, key=lambda s: (s.begin, s.deal.id)).end
    if override is not None:
        source, day = "override", override
    if day is None:
        names = ("renewal_date", "renewal_source", "renewal_arr", "renewal_window_opens")
        blank = dict.fromkeys((*names, "notice_deadline"))
        return {**blank, "arr": total, "renewal_status": "none"}

    lasts = {id(chain[-1]): chain[-1] for chain in chains if chain[-1].end == day}
    ending = [no_less_than_zero(r.contract.arr) for r in lasts.values()]
    ending += [no_less_than_zero(s.deal.arr) for s in deals if s.end == day]
    began = current_term(chains, deals, day, today)
    if began == date.min:
        begins = [chain[0].began for chain in chains] + [s.begin for s in deals]
        usual = months_on(days_on(day, 1), -policy.default_term_months)
        began = min((begin for begin in begins if begin <= day), default=usual)
    notices = [
        r.contract.notice_days
        for r in everyone
        if r.contract.auto_renew and r.end == day and (r.contract.notice_days or 0) >= 0
    ]
    longest = max((days for days in notices if days is not None), default=None)
    opens = days_on(day, -policy.window_days)
    own = {s.deal.id for s in deals if s.end == day}
    return {
        "arr": total,
        "renewal_date": day,
        "renewal_source": source,
        "renewal_arr": total if override is not None else cents(sum(ending, ZERO)),
        "renewal_window_opens": opens,
        "notice_deadline": None if longest is None else days_on(day, -longest),
        "renewal_status": status(records, day, opens, began, own, today),
    }


def status(
    records: AccountRecords,
    renewal_date: date,
    opens: date,
    began: date,
    own: set[str],
    today: date,
) -> str:
    """renewal_status of a customer with a renewal date, first that fits."""
    renewals = [o for o in records.opportunities if o.kind == "renewal"]
    if opens <= today:
        for deal in renewals:
            if not deal.won or deal.close_date is None or deal.id in own:
                continue
            if deal.close_date <= began:
                continue
            if deal.start_date is not None:
                if abs((deal.start_date - days_on(renewal_date, 1)).days) <= 30:
                    return "secured"
            elif deal.close_date >= opens:
                return "secured"
        closed = [
            o
            for o in renewals
            if (o.closed or o.won) and o.close_date is not None and o.close_date >= opens
        ]
        is_open = any(not o.closed and not o.won for o in renewals)
        if closed and not is_open and not max(closed, key=lambda o: (o.close_date, o.id)).won:
            return "churned"
    if renewal_date < today:
        return "overdue"
    return "window_open" if opens <= today else "not_due"


def risk(
    records: AccountRecords,
    renewal_status: str,
    opens: date | None,
    band: str | None,
    single_threaded: bool | None,
    today: date,
) -> str | None:
    """renewal_risk."""
    if renewal_status not in {"window_open", "overdue"}:
        return None
    open_deals = [
        o for o in records.opportunities if o.kind == "renewal" and not o.closed and not o.won
    ]
    champions = [
        c
        for c in records.contacts
        if "champion" in c.roles
        or any(role.contact == c.id and role.role == "champion" for role in records.roles)
    ]
    if renewal_status == "overdue" or band == "red":
        return "high"
    if opens is not None and (today - opens).days >= 60 and not open_deals:
        return "high"
    if champions and not any(c.active for c in champions):
        return "high"
    return "medium" if band == "yellow" or single_threaded else "low"
