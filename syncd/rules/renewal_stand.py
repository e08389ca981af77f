"""How an account's renewal stands on any one day: its date, what ends then, its status."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct

from syncd.model import AccountRecords, Opportunity
from syncd.policy import RenewalPolicy
from syncd.rules.contracts import Term, chain, chain_end, own_terms, terms_on, usable
from syncd.rules.dates import add_days, add_months
from syncd.rules.deals import DealTerm, deal_terms, open_renewals

SECURED_DAYS = 30
"""A renewal that was won starts within so many days of the day after the renewal date."""


class Lead(Struct, frozen=True, gc=False):
    """What the renewal date was taken from: a contract in its chain, or a deal."""

    first: Term | DealTerm
    last: Term | DealTerm


class Stand(Struct, frozen=True, gc=False):
    """How the renewal stands on one day.

    `phase` tells where the date is from: override, in_force, to_come, ended, deal or "" (no
    date). `lead` is the chain or deal that it was taken from, out of so many `choices`; `ending`
    are the contracts or deals that end with it; `deal` is the renewal opportunity that decided
    the status. `terms` are all active contracts as they run on the day.
    """

    day: date
    phase: str
    terms: Sequence[Term]
    renewal_date: date | None = None
    lead: Lead | None = None
    choices: int = 0
    ending: tuple[Term | DealTerm, ...] = ()
    opens: date | None = None
    notice: date | None = None
    notice_days: int | None = None
    status: str = "none"
    deal: Opportunity | None = None

    @property
    def renewal_arr(self) -> Decimal:
        """ARR of what ends on the renewal date."""
        return sum((term.arr for term in self.ending), Decimal(0))


class Renewal:
    """An account's contracts, deals and renewals, to be looked at on any day."""

    def __init__(self, records: AccountRecords, policy: RenewalPolicy) -> None:
        """Sort out the contracts and deals once."""
        self.account = records.account
        self.policy = policy
        valid, self.findings = usable(records.contracts)
        self.own = own_terms(valid, policy)
        self.deals = (
            [] if self.own else deal_terms(records.opportunities, policy.default_term_months)
        )
        self.renewals = [o for o in records.opportunities if o.kind == "renewal"]

    def on(self, day: date) -> Stand:
        """How the renewal stands on that day."""
        terms = terms_on(day, self.own)
        phase, leads = self._leads(terms, day)
        lead = self._picked(phase, leads)
        override = self.account.renewal_date_override
        renewal_date = override or (lead.last.end if lead is not None else None)
        if renewal_date is None:
            return Stand(day, phase, terms)
        ending = _ending(leads, renewal_date)
        notice_days = _notice_days(terms, renewal_date)
        opens = add_days(renewal_date, -self.policy.window_days)
        status, deal = "not_due", None
        if opens <= day:
            began = self._began(day, renewal_date, ending, leads) if self.renewals else opens
            status, deal = self._status(day, renewal_date, opens, began, ending)
        return Stand(
            day=day,
            phase="override" if override is not None else phase,
            terms=terms,
            renewal_date=renewal_date,
            lead=lead if override is None else None,
            choices=len(leads),
            ending=ending,
            opens=opens,
            notice=None if notice_days is None else add_days(renewal_date, -notice_days),
            notice_days=notice_days,
            status=status,
            deal=deal,
        )

    def _leads(self, terms: Sequence[Term], day: date) -> tuple[str, list[Lead]]:
        """The chains to choose from: in force, else to come, else ended; without any, deals."""
        if not terms:
            return "deal" if self.deals else "", [Lead(deal, deal) for deal in self.deals]
        phase, group = "in_force", [term for term in terms if term.in_force(day)]
        if not group:
            phase, group = "to_come", [term for term in terms if term.begun > day]
        if not group:
            return "ended", [Lead(term, term) for term in terms]
        return phase, [Lead(term, chain_end(term, terms, self.policy)) for term in group]

    def _picked(self, phase: str, leads: list[Lead]) -> Lead | None:
        if len(leads) <= 1:
            return leads[0] if leads else None
        if phase == "deal":
            return max(leads, key=_begin_and_id)
        if phase == "ended" or (phase == "in_force" and self.policy.pick == "latest"):
            return max(leads, key=_end_and_id)
        if phase == "in_force" and self.policy.pick == "largest":
            most = max(lead.first.arr for lead in leads)
            leads = [lead for lead in leads if lead.first.arr == most]
        return min(leads, key=_end_and_id)

    def _began(
        self, day: date, renewal_date: date, ending: tuple[Term | DealTerm, ...], leads: list[Lead]
    ) -> date:
        """When the current term of what ends on the renewal date began.

        With a date set by hand that ends nothing: when what is in force began, else a usual term
        before the date.
        """
        known = [self._current(day, lead) for lead in leads if lead.last in ending] or [
            _start(lead.first) for lead in leads if _start(lead.first) <= renewal_date
        ]
        if known:
            return min(known)
        return add_months(add_days(renewal_date, 1), -self.policy.default_term_months)

    def _current(self, day: date, lead: Lead) -> date:
        """Begin of the last of the chain's terms that has begun; of the last if none has."""
        begin = _start(lead.last)
        if begin <= day or not isinstance(lead.first, Term):
            return begin
        begun = [
            _start(term)
            for term in chain(lead.first, terms_on(day, self.own), self.policy)
            if _start(term) <= day
        ]
        return begun[-1] if begun else begin

    def _status(
        self,
        day: date,
        renewal_date: date,
        opens: date,
        began: date,
        ending: tuple[Term | DealTerm, ...],
    ) -> tuple[str, Opportunity | None]:
        """The status once the window is open, and the renewal opportunity that decided it."""
        if self.renewals:
            deal = self._securing(renewal_date, opens, began, ending)
            if deal is not None:
                return "secured", deal
            deal = self._losing(opens)
            if deal is not None:
                return "churned", deal
        return ("overdue" if renewal_date < day else "window_open"), None

    def _securing(
        self,
        renewal_date: date,
        opens: date,
        began: date,
        ending: tuple[Term | DealTerm, ...],
    ) -> Opportunity | None:
        """A renewal won in this term for the next: it starts about when the term ends."""
        sold = {term.deal.id for term in ending if isinstance(term, DealTerm)}
        follows = add_days(renewal_date, 1)
        first = add_days(follows, -SECURED_DAYS)
        last = add_days(follows, SECURED_DAYS)
        for deal in self.renewals:
            closed = deal.close_date
            if deal.won and closed is not None and closed > began and deal.id not in sold:
                start = deal.start_date
                if closed >= opens if start is None else first <= start <= last:
                    return deal
        return None

    def _losing(self, opens: date) -> Opportunity | None:
        """The renewal closed last in the window, if it was lost and no other is open."""
        if open_renewals(self.renewals):
            return None
        closed = [
            (deal.close_date, deal.id, deal)
            for deal in self.renewals
            if deal.close_date is not None and deal.close_date >= opens
        ]
        latest = max(closed, key=lambda entry: entry[:2])[2] if closed else None
        return None if latest is None or latest.won else latest

    def next_event(self, stand: Stand) -> date | None:
        """The first day after the stand's on which it may be another."""
        days: list[date] = []
        for term in stand.terms:
            days.append(term.begun)
            days.append(add_days(term.end, 1))
        if stand.renewal_date is not None and stand.opens is not None:
            days.append(stand.opens)
            days.append(add_days(stand.renewal_date, 1))
        return min((day for day in days if day > stand.day), default=None)


def _ending(leads: list[Lead], renewal_date: date) -> tuple[Term | DealTerm, ...]:
    """The last contracts of the chains (or the deals) that end on the date, each once."""
    if len(leads) == 1:
        return (leads[0].last,) if leads[0].last.end == renewal_date else ()
    found = {_id(lead.last): lead.last for lead in leads if lead.last.end == renewal_date}
    return tuple(found.values())


def _notice_days(terms: Sequence[Term], renewal_date: date) -> int | None:
    """The longest notice of the contracts that would renew themselves on the date."""
    return max(
        (
            days
            for term in terms
            if term.contract.auto_renew
            and term.end == renewal_date
            and (days := term.contract.notice_days) is not None
            and days >= 0
        ),
        default=None,
    )


def _id(term: Term | DealTerm) -> str:
    return term.contract.id if isinstance(term, Term) else term.deal.id


def _start(term: Term | DealTerm) -> date:
    return term.start if isinstance(term, Term) else term.begin


def _begin_and_id(lead: Lead) -> tuple[date, str]:
    return _start(lead.first), _id(lead.first)


def _end_and_id(lead: Lead) -> tuple[date, str]:
    return lead.last.end, _id(lead.last)
