"""The ARR in force: of contracts, else of the account, else of deals (docs/rules.md, Renewal)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from syncd.model import Account, Derived, Ref
from syncd.rules.contracts import Term, positive, terms_on
from syncd.rules.dates import add_days
from syncd.rules.deals import DealTerm
from syncd.rules.renewal_stand import Renewal, Stand
from syncd.rules.rule import RuleInput
from syncd.rules.words import listing, money, named

ARR_INPUTS = frozenset(
    {
        "account.arr",
        "account.currency",
        "account.status",
        "contract.account",
        "contract.arr",
        "contract.auto_renew",
        "contract.currency",
        "contract.end_date",
        "contract.renews",
        "contract.start_date",
        "contract.status",
        "contract.term_months",
        "contract.value",
        "opportunity.account",
        "opportunity.amount",
        "opportunity.arr",
        "opportunity.close_date",
        "opportunity.currency",
        "opportunity.kind",
        "opportunity.start_date",
        "opportunity.term_months",
        "opportunity.won",
    }
)
_CENT = Decimal("0.01")


def arr_in_force(given: RuleInput) -> Decimal | None:
    """The ARR that `decide` finds, without its reasons: the borders ask for every account's."""
    renewal = Renewal(given.records, given.policy.renewal)
    terms = terms_on(given.today, renewal.own)
    kept = _kept_arr(terms, given.records.account)
    return _sum(terms, _running(terms or renewal.deals, given.today)) if kept is None else kept


def arr_of(renewal: Renewal, stand: Stand, account: Account) -> Derived:
    """ARR in force today, and the first day on which it is another."""
    today = stand.day
    kept = _kept_arr(stand.terms, account)
    if kept is not None:
        return Derived(kept, "The ARR kept on the account.", (account.ref,))
    terms: Sequence[Term | DealTerm] = stand.terms or renewal.deals
    running = _running(terms, today)
    if running:
        word = "Contracts in force" if stand.terms else "Deals in term"
        because = f"{word}: {amounts(running)}."
    elif stand.terms:
        because = "The active contracts have ended or not begun."
    else:
        because = "No contract, no ARR on the account and no deal in term."
    # The next to begin or to end may be without ARR: then the reason changes alone.
    until = min((day for term in terms for day in _bounds(term) if day > today), default=None)
    return Derived(
        _sum(stand.terms, running), because, tuple(ref_of(term) for term in running), until
    )


def _kept_arr(contracts: Sequence[Term], account: Account) -> Decimal | None:
    """What the CRM keeps on the account, where it counts: without any active contract."""
    kept = positive(account.arr)
    return rounded(kept) if kept and not contracts else None


def _running(terms: Sequence[Term | DealTerm], day: date) -> list[Term | DealTerm]:
    return [term for term in terms if _runs(term, day)]


def _sum(contracts: Sequence[Term], running: Sequence[Term | DealTerm]) -> Decimal | None:
    """ARR of what runs; nothing known where neither a contract nor a deal says anything."""
    if not (running or contracts):
        return None
    return rounded(sum((term.arr for term in running), Decimal(0)))


def _runs(term: Term | DealTerm, day: date) -> bool:
    """Whether it counts on that day, today or later: what renews itself runs on."""
    if isinstance(term, Term):
        return term.begun <= day and (term.rolls or day <= term.end)
    return term.begin <= day <= term.end


def _bounds(term: Term | DealTerm) -> tuple[date, ...]:
    """The days on which it may begin or cease to count."""
    after = add_days(term.end, 1)
    if isinstance(term, Term):
        return (term.begun,) if term.rolls else (term.begun, after)
    return term.begin, after


def amounts(terms: Sequence[Term | DealTerm]) -> str:
    """Contracts or deals by name, each with its ARR."""
    return listing(
        [f"{_name(term)} ({money(term.arr) if term.arr else 'no ARR'})" for term in terms]
    )


def _name(term: Term | DealTerm) -> str:
    return named(term.contract if isinstance(term, Term) else term.deal)


def ref_of(term: Term | DealTerm) -> Ref:
    """The record of the contract or deal."""
    return term.contract.ref if isinstance(term, Term) else term.deal.ref


def rounded(amount: Decimal) -> Decimal:
    """To the cent."""
    return amount.quantize(_CENT, ROUND_HALF_UP)
