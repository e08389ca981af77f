"""What an account's contracts were worth on any day, and how each of them ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct

from syncd.model import Contract
from syncd.policy import RenewalPolicy
from syncd.rules.contracts import Term, own_end, own_terms, rolled, successor, terms_on, usable
from syncd.rules.dates import add_days


class End(Struct, frozen=True, gc=False):
    """A term that came to its end, and whether another followed it."""

    contract: Contract
    on: date
    arr: Decimal
    renewed: bool


class History(Struct, frozen=True):
    """Active contracts by their own terms, and terminated ones up to their termination.

    A contract that was terminated later has renewed another all the same.
    """

    active: tuple[Term, ...]
    terminated: tuple[Term, ...]
    policy: RenewalPolicy

    def arr_on(self, day: date) -> Decimal:
        """ARR in force on that day."""
        running = [*terms_on(day, list(self.active)), *self.terminated]
        return sum((term.arr for term in running if term.in_force(day)), Decimal(0))

    def ends_within(self, start: date, end: date) -> tuple[End, ...]:
        """The terms that ended from `start` to `end`; each roll-over is an end and a renewal."""
        found: list[End] = []
        for term in self.active:
            if term.rolls:
                found += self._rolls(term, start, end)
            elif start <= term.end <= end:
                found.append(self._end(term))
        for term in self.terminated:
            if term.rolls:
                found += self._rolls(term, start, min(end, add_days(term.end, -1)))
            if start <= term.end <= end:
                found.append(self._end(term))
        return tuple(found)

    def _end(self, term: Term) -> End:
        everyone = [term, *self.active, *self.terminated]
        followed = successor(term, everyone, self.policy) is not None
        return End(term.contract, term.end, term.arr, followed)

    def _rolls(self, term: Term, start: date, end: date) -> list[End]:
        """The ends of the terms of a contract that renews itself."""
        own = own_end(term.contract)
        if own is None:
            return []
        first = Term(term.contract, term.begun, term.begun, own, rolls=True)
        found: list[End] = []
        day = max(start, term.begun)
        while day <= end:
            running = first if first.end >= day else rolled(first, day)
            if running.end > end:
                break
            found.append(End(term.contract, running.end, term.arr, renewed=True))
            day = add_days(running.end, 1)
            if day == running.end:
                break
        return found


def history(contracts: Sequence[Contract], policy: RenewalPolicy) -> History:
    """The usable contracts as they ran. A termination without a date leaves nothing to count."""
    valid, _ = usable(contracts)
    active = own_terms(valid, policy)
    terminated: list[Term] = []
    for contract in valid:
        end = own_end(contract)
        if (
            contract.status != "terminated"
            or contract.terminated_on is None
            or contract.start_date is None
            or end is None
        ):
            continue
        start = contract.start_date
        if contract.terminated_on < start:
            continue  # it never ran
        own = Term(contract, start, start, end, rolls=False)
        renews_itself = (
            contract.auto_renew
            and contract.terminated_on > end
            and successor(own, [own, *active], policy) is None
        )
        last = contract.terminated_on if renews_itself else min(end, contract.terminated_on)
        terminated.append(Term(contract, start, start, last, rolls=renews_itself))
    return History(tuple(active), tuple(terminated), policy)
