"""Contracts as they run: which are usable, when they end, how they roll over and follow on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct

from syncd.model import Contract, Finding
from syncd.policy import RenewalPolicy
from syncd.rules.dates import add_days, add_months, last_day, length_in_months
from syncd.rules.words import named


class Term(Struct, frozen=True, gc=False):
    """A contract as it runs on a day: the bounds of its current term.

    `start` and `end` are moved on where the contract rolled over; `rolls` says that it has, or
    will, because nothing follows it. `begun` is where the contract as a whole began.
    """

    contract: Contract
    begun: date
    start: date
    end: date
    rolls: bool

    @property
    def arr(self) -> Decimal:
        """The contract's ARR; 0 where it has none."""
        return positive(self.contract.arr)

    def in_force(self, day: date) -> bool:
        """Whether the contract runs on that day."""
        return self.begun <= day <= self.end


def positive(amount: Decimal | None) -> Decimal:
    """The amount; 0 where there is none: zero and negative ARR is no ARR."""
    return amount if amount is not None and amount > 0 else Decimal(0)


def own_end(contract: Contract) -> date | None:
    """The end that the contract itself names, by date or by term; None if it names none."""
    if contract.end_date is not None:
        return contract.end_date
    if contract.start_date is None or contract.term_months is None:
        return None
    return last_day(contract.start_date, contract.term_months)


def usable(contracts: Iterable[Contract]) -> tuple[list[Contract], list[Finding]]:
    """The valid contracts, in their order, and a finding for each of the others."""
    valid: list[Contract] = []
    findings: list[Finding] = []
    for contract in contracts:
        finding = _flaw(contract)
        if finding is None:
            valid.append(contract)
        else:
            findings.append(finding)
    return valid, findings


def _flaw(contract: Contract) -> Finding | None:
    end = own_end(contract)
    if contract.start_date is None:
        return Finding(
            contract.ref,
            "contract_without_start",
            f"contract {named(contract)} has no start date",
            field="start_date",
            remedy="Fill in the contract's start date.",
        )
    if end is None:
        return Finding(
            contract.ref,
            "contract_without_end",
            f"contract {named(contract)} has neither an end date nor a term",
            field="end_date",
            remedy="Fill in the contract's end date, or its term in months.",
        )
    if end < contract.start_date:
        return Finding(
            contract.ref,
            "contract_ends_before_start",
            f"contract {named(contract)} ends on {end}, before it starts on {contract.start_date}",
            field="end_date" if contract.end_date is not None else "term_months",
            remedy="Correct the contract's start date, end date or term.",
        )
    return None


def own_terms(contracts: Iterable[Contract], policy: RenewalPolicy) -> list[Term]:
    """The active ones of these valid contracts with their own ends, none of them rolled over."""
    terms: list[Term] = []
    for contract in contracts:
        end = own_end(contract)
        if contract.status == "active" and contract.start_date is not None and end is not None:
            terms.append(Term(contract, contract.start_date, contract.start_date, end, rolls=False))
    if not any(term.contract.auto_renew for term in terms):
        return terms
    return [
        Term(term.contract, term.begun, term.start, term.end, rolls=True)
        if term.contract.auto_renew and successor(term, terms, policy) is None
        else term
        for term in terms
    ]


def terms_on(day: date, own: list[Term]) -> list[Term]:
    """The contracts as they run on that day: what renews itself has been moved on to it."""
    if not any(term.rolls and term.end < day for term in own):
        return own
    return [rolled(term, day) if term.rolls and term.end < day else term for term in own]


def rolled(term: Term, day: date) -> Term:
    """The term moved on by its own length until it ends on the day or later.

    Ends are counted from the contract's start where its term says so, else from its own end, so
    that the 31st, a month's last day or a leap day is not lost on the way.
    """
    months = term.contract.term_months or 0
    if months <= 0:
        months = length_in_months(term.begun, term.end)
    exact = last_day(term.begun, months) == term.end

    def end_after(turns: int) -> date:
        if exact:
            return last_day(term.begun, months * (turns + 1))
        following = last_day(add_days(term.end, 1), months * turns)
        return max(add_months(term.end, months * turns), following)

    apart = (day.year - term.end.year) * 12 + day.month - term.end.month
    turns = max(1, apart // months - 1)
    while (end := end_after(turns)) < day:
        turns += 1
    start = add_days(end_after(turns - 1), 1)
    return Term(term.contract, term.begun, start, end, rolls=True)


def successor(term: Term, terms: Sequence[Term], policy: RenewalPolicy) -> Term | None:
    """The contract that follows: it names this one, or begins about where this one ends."""
    if len(terms) == 1:
        return None
    first = add_days(term.end, -policy.overlap_days)
    last = add_days(term.end, policy.gap_days)
    best: Term | None = None
    for other in terms:
        if other.contract is term.contract:
            continue
        follows = other.contract.renews == term.contract.id or (
            term.begun < other.begun and first <= other.begun <= last and other.end > term.end
        )
        if follows and (best is None or _order(other) < _order(best)):
            best = other
    return best


def _order(term: Term) -> tuple[date, str]:
    return term.begun, term.contract.id


def chain(term: Term, terms: Sequence[Term], policy: RenewalPolicy) -> list[Term]:
    """The contract and those that follow on from it, in their order.

    Contracts that renew each other in a circle end with the last one not yet seen.
    """
    found = [term]
    seen = {term.contract.id}
    following = successor(term, terms, policy)
    while following is not None and following.contract.id not in seen:
        seen.add(following.contract.id)
        found.append(following)
        following = successor(following, terms, policy)
    return found


def chain_end(term: Term, terms: Sequence[Term], policy: RenewalPolicy) -> Term:
    """The last of the contracts that follow on from this one; itself when none does."""
    return chain(term, terms, policy)[-1]
