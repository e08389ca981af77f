"""When a customer renews, for how much, and where that stands (docs/rules.md, Renewal)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from syncd.model import Decision, Derived, Finding
from syncd.rules.arr import ARR_INPUTS, amounts, arr_of, ref_of, rounded
from syncd.rules.contracts import Term
from syncd.rules.deals import DealTerm
from syncd.rules.renewal_stand import Renewal, Stand
from syncd.rules.rule import Rule, RuleInput
from syncd.rules.words import listing, named

INPUTS = ARR_INPUTS | {
    "account.renewal_date_override",
    "contract.notice_days",
    "opportunity.closed",
}

_SOURCES = {
    "override": "override",
    "in_force": "contract",
    "to_come": "contract",
    "ended": "contract",
    "deal": "opportunity",
    "": None,
}
_DAYS_LOOKED_AT = 4
"""A contract that renews itself for ever has no last day on which something happens: what is
still unchanged on the last day looked at may change then."""


def decide(given: RuleInput) -> Decision:
    """The renewal values of a customer; contracts that cannot be used are findings."""
    records, policy = given.records, given.policy.renewal
    renewal = Renewal(records, policy)
    stand = renewal.on(given.today)
    until = _changes(renewal, stand)
    refs = tuple(ref_of(term) for term in stand.ending)
    why_date = _why_date(stand, policy.pick)
    left_out = _left_out((*renewal.findings, *records.findings))
    arr = arr_of(renewal, stand, records.account)
    window = (
        why_date
        if stand.opens is None
        else f"{policy.window_days} days before the renewal date, {stand.renewal_date}."
    )
    return Decision(
        values={
            "arr": Derived(arr.value, arr.because + left_out, arr.records, arr.valid_until),
            "renewal_date": Derived(
                stand.renewal_date, why_date + left_out, refs, until["renewal_date"]
            ),
            "renewal_status": Derived(
                stand.status,
                _why_status(stand, policy.window_days),
                refs if stand.deal is None else (*refs, stand.deal.ref),
                until["status"],
            ),
            "renewal_window_opens": Derived(stand.opens, window, refs, until["renewal_date"]),
            "notice_deadline": _notice(stand, until["notice"]),
            "renewal_arr": _renewal_arr(stand, arr, until["renewal_arr"]),
            "renewal_source": Derived(_SOURCES[stand.phase], why_date, refs),
        },
        findings=tuple(renewal.findings),
    )


def _renewal_arr(stand: Stand, arr: Derived, until: date | None) -> Derived:
    """What the renewal is worth."""
    if stand.renewal_date is None:
        return Derived(None, "There is no renewal date.", (), until)
    if stand.phase == "override":
        because = "All ARR in force, as the renewal date was set by hand."
        return Derived(arr.value, because, arr.records, arr.valid_until)
    because = f"Ends on {stand.renewal_date}: {amounts(stand.ending)}."
    refs = tuple(ref_of(term) for term in stand.ending)
    return Derived(rounded(stand.renewal_arr), because, refs, until)


def _changes(renewal: Renewal, stand: Stand) -> dict[str, date | None]:
    """The first later day on which each value is another, found by looking at those days."""
    was = _seen(stand)
    until: dict[str, date | None] = dict.fromkeys(was)
    unchanged = set(was)
    if len(stand.terms) <= 1:
        unchanged.discard("renewal_arr")
        if not any(term.rolls for term in stand.terms):
            unchanged = {"status"}  # one end, or deals: the date is the same on every day
    later = stand
    for looked_at in range(1, _DAYS_LOOKED_AT + 1):
        day = renewal.next_event(later)
        if day is None or not unchanged:
            break
        later = renewal.on(day)
        last = looked_at == _DAYS_LOOKED_AT
        seen = _seen(later)
        for name in [name for name in unchanged if last or seen[name] != was[name]]:
            until[name] = day
            unchanged.discard(name)
    return until


def _seen(stand: Stand) -> dict[str, object]:
    """What is compared from day to day; the status with all that the reasons tell."""
    lead = stand.lead
    ended = stand.renewal_date is not None and stand.renewal_date < stand.day
    told = None if lead is None else (ref_of(lead.first), ref_of(lead.last))
    return {
        "renewal_date": stand.renewal_date,
        "notice": stand.notice,
        "renewal_arr": stand.renewal_arr,
        "status": (
            *(stand.status, stand.renewal_date, ended, stand.phase, stand.choices, told),
            *map(ref_of, stand.ending),
        ),
    }


def _notice(stand: Stand, until: date | None) -> Derived:
    """The last day to give notice before a contract renews itself."""
    if stand.renewal_date is None:
        return Derived(None, "There is no renewal date.", (), until)
    ending = [
        term for term in stand.terms if term.contract.auto_renew and term.end == stand.renewal_date
    ]
    refs = tuple(term.contract.ref for term in ending)
    if not ending:
        because = f"No contract that renews itself ends on {stand.renewal_date}."
    elif stand.notice is None:
        because = f"{_names(ending)} names no notice period."
    else:
        because = (
            f"{_names(ending)} renews itself on {stand.renewal_date} unless notice is given "
            f"{stand.notice_days} days before."
        )
    return Derived(stand.notice, because, refs, until)


def _why_date(stand: Stand, pick: str) -> str:
    """Where the renewal date is from."""
    if stand.phase == "override":
        return "The renewal date was set by hand on the account."
    if stand.lead is None:
        return "There is no active contract and no closed-won deal to renew."
    first, last = stand.lead.first, stand.lead.last
    if isinstance(last, DealTerm):
        return (
            f"There is no active contract; the deal that began last, {named(last.deal)}, runs "
            f"{last.months} months from {last.begin} to {last.end}."
        )
    text = f"{_ends(stand)}"
    if last.start > last.begun:
        text += ", having renewed itself"
    if isinstance(first, Term) and first.contract is not last.contract:
        text += f", and follows {named(first.contract)}"
    if stand.phase == "to_come":
        return f"{text}. No contract is in force yet."
    if stand.phase == "ended":
        return f"{text}. No contract is in force."
    if stand.choices > 1:
        return f"{text} (the {pick} of {stand.choices} in force)."
    return f"{text}."


def _ends(stand: Stand) -> str:
    """Which record names the date; a name only, so that it stays as it is while that does."""
    verb = "ended" if stand.renewal_date is not None and stand.renewal_date < stand.day else "ends"
    if stand.lead is None:
        return f"The renewal date set by hand is {stand.renewal_date}"
    last = stand.lead.last
    if isinstance(last, Term):
        return f"Contract {named(last.contract)} {verb} on {stand.renewal_date}"
    return f"The term of {named(last.deal)} {verb} on {stand.renewal_date}"


def _why_status(stand: Stand, window_days: int) -> str:
    """The status in words: what ends when, and what decided."""
    if stand.renewal_date is None:
        return "There is no active contract and no closed-won deal to renew."
    if stand.status == "secured" and stand.deal is not None:
        return f"{_ends(stand)}; the renewal {named(stand.deal)} is closed won."
    if stand.status == "churned" and stand.deal is not None:
        return (
            f"{_ends(stand)}; the renewal {named(stand.deal)} was lost on "
            f"{stand.deal.close_date} and no other is open."
        )
    if stand.status == "overdue":
        return f"{_ends(stand)} and has not been renewed."
    verb = "opened" if stand.status == "window_open" else "opens"
    return f"{_ends(stand)}; the renewal window {verb} on {stand.opens}, {window_days} days before."


def _left_out(findings: tuple[Finding, ...]) -> str:
    """Says that the answer was found without the records that were refused."""
    if not findings:
        return ""
    return f" Left out: {listing([finding.message for finding in findings])}."


def _names(terms: Sequence[Term]) -> str:
    return f"Contract {listing([named(term.contract) for term in terms])}"


RULE = Rule(
    name="renewal",
    decide=decide,
    writes=(
        "arr",
        "renewal_date",
        "renewal_status",
        "renewal_window_opens",
        "notice_deadline",
        "renewal_arr",
        "renewal_source",
    ),
    inputs=INPUTS,
)
