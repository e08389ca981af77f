"""Whether sales handed the customer over in writing (docs/rules.md, Handoff document)."""

from __future__ import annotations

from collections.abc import Container
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import get_args

from msgspec import Struct

from syncd.model import AccountRecords, Decision, Derived, Handoff, Opportunity
from syncd.policy import HandoffItem, HandoffPolicy, Policy
from syncd.rules.dates import add_business_days, add_days, earliest, holidays_of
from syncd.rules.people import contacts_with
from syncd.rules.rule import Rule, RuleInput
from syncd.rules.said import says_something
from syncd.rules.words import named

ITEMS: tuple[HandoffItem, ...] = get_args(HandoffItem)
LABELS: dict[str, str] = {item: item.replace("_", " ").capitalize() for item in ITEMS}
_NOTHING_IS_AN_ANSWER = frozenset({"skeptics", "discounts", "verbal_commitments"})
_PEOPLE = frozenset({"champion", "economic_buyer"})
_WHOLE = 100


class Document(Struct, frozen=True, gc=False):
    """The handoff document that one deal owes, as it is today.

    `missing` are labels. It is overdue from `overdue_from` on unless complete, and owed until
    the day before `lapses_on`. `status` is incomplete, overdue or complete.
    """

    deal: Opportunity
    closed_on: date
    completeness: int
    missing: tuple[str, ...]
    due_on: date
    overdue_from: date
    lapses_on: date
    status: str


def documents(records: AccountRecords, policy: Policy, today: date) -> tuple[Document, ...]:
    """A document for each deal that owes one today; the one that leads comes first."""
    terms = policy.handoff
    found: list[Document] = []
    known: frozenset[str] | None = None
    for deal in records.opportunities:
        closed = deal.close_date
        if not deal.won or deal.kind not in terms.kinds or closed is None:
            continue
        lapses = add_days(closed, terms.lookback_days)
        if not closed <= today < lapses:
            continue
        if known is None:
            known = _known_people(records)
        days_off = holidays_of(policy.tasks.holidays)
        found.append(_document(deal, closed, lapses, known, terms, days_off, today))
    if len(found) > 1:
        found.sort(key=lambda d: (d.closed_on, d.deal.id), reverse=True)
        found.sort(key=lambda d: d.completeness)
    return tuple(found)


def _known_people(records: AccountRecords) -> frozenset[str]:
    """The roles that an active contact has."""
    return frozenset(
        role for role in _PEOPLE if any(c.active for c in contacts_with(records, role))
    )


def _document(
    deal: Opportunity,
    closed: date,
    lapses: date,
    known: frozenset[str],
    policy: HandoffPolicy,
    days_off: Container[date],
    today: date,
) -> Document:
    total = scored = Decimal(0)
    missing: list[str] = []
    for item in ITEMS:
        weight = Decimal(str(policy.weight(item)))
        total += weight
        if item in known or _says(deal.handoff, item, policy):
            scored += weight
        elif weight:
            missing.append(LABELS[item])
    completeness = _WHOLE
    if missing:
        exact = (_WHOLE * scored / total).to_integral_value(ROUND_HALF_UP)
        completeness = min(_WHOLE - 1, int(exact))
    due = add_business_days(closed, policy.due_business_days, days_off)
    overdue_from = add_business_days(due, 1, days_off)
    status = "overdue" if today >= overdue_from else "incomplete"
    if not missing:
        status = "complete"
    return Document(deal, closed, completeness, tuple(missing), due, overdue_from, lapses, status)


def _says(handoff: Handoff | None, item: HandoffItem, policy: HandoffPolicy) -> bool:
    text: str | None = None if handoff is None else getattr(handoff, item)
    return text is not None and says_something(
        text,
        policy.least_chars(item),
        placeholders=policy.placeholders,
        nothing_is_an_answer=item in _NOTHING_IS_AN_ANSWER,
    )


def decide(given: RuleInput) -> Decision:
    """Completeness, what is missing, and the status of the document that leads."""
    today, policy = given.today, given.policy.handoff
    to_come = earliest(
        *(
            deal.close_date
            for deal in given.records.opportunities
            if deal.won
            and deal.kind in policy.kinds
            and deal.close_date is not None
            and deal.close_date > today
        )
    )
    found = documents(given.records, given.policy, today)
    if not found:
        blank = Derived(
            None,
            f"No deal that owes a handoff document was won in the last {policy.lookback_days} "
            "days.",
            (),
            to_come,
        )
        return Decision(
            values={
                "handoff_completeness": blank,
                "handoff_missing": blank,
                "handoff_status": Derived("not_required", blank.because, (), to_come),
            }
        )
    lead = found[0]
    refs = (lead.deal.ref,) if lead.deal.handoff is None else (lead.deal.ref, lead.deal.handoff.ref)
    until = earliest(lead.lapses_on, to_come)
    turns = earliest(until, lead.overdue_from) if lead.status == "incomplete" else until
    name = named(lead.deal)
    missing = "; ".join(lead.missing) or None
    because = f"The handoff document of {name} (won on {lead.closed_on}) is complete."
    if missing:
        because = f"The handoff document of {name} (won on {lead.closed_on}) lacks: {missing}."
    due = f" It was due on {lead.due_on}." if lead.status == "overdue" else ""
    if lead.status == "incomplete":
        due = f" It is due on {lead.due_on}."
    return Decision(
        values={
            "handoff_completeness": Derived(lead.completeness, because, refs, until),
            "handoff_missing": Derived(missing, because, refs, until),
            "handoff_status": Derived(lead.status, because + due, refs, turns),
        }
    )


RULE = Rule(
    name="handoff",
    decide=decide,
    writes=("handoff_completeness", "handoff_missing", "handoff_status"),
    inputs=frozenset(
        {"opportunity.account", "opportunity.kind", "opportunity.won", "opportunity.close_date"}
        | {f"opportunity.handoff.{item}" for item in ITEMS}
        | {f"handoff.{item}" for item in ("opportunity", *ITEMS)}
    ),
)
