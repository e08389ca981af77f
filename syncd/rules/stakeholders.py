"""Who is known at the customer, and how many of them are in touch."""

from __future__ import annotations

from datetime import date

from syncd.model import Contact, Decision, Derived
from syncd.rules.dates import add_days, earliest
from syncd.rules.people import contacts_with
from syncd.rules.rule import Rule, RuleInput
from syncd.rules.standing import standing, tier_position
from syncd.rules.touches import touches

COVERED_ROLES = ("champion", "economic_buyer", "technical_evaluator", "end_user")
ACTIVE_DAYS = 90
ENOUGH_CONTACTS = 2

WRITES = ("stakeholder_coverage", "single_threaded", "executive_sponsor_engaged")


def decide(given: RuleInput) -> Decision:
    """Coverage 0 to 4, whether all hangs on one contact, and whether the sponsor is engaged."""
    met = _met(given)
    return Decision(
        {
            "stakeholder_coverage": _coverage(given),
            "single_threaded": _single_threaded(given, met),
            "executive_sponsor_engaged": _sponsor(given, met),
        }
    )


def _met(given: RuleInput) -> dict[str, list[date]]:
    """The days of touches by contact."""
    met: dict[str, list[date]] = {}
    for day, activity in touches(given.records):
        if activity.contact is not None:
            met.setdefault(activity.contact, []).append(day)
    return met


def _roles_mapped(given: RuleInput) -> bool:
    return "role" in given.records.kinds or "contact.roles" in given.records.fields


def _coverage(given: RuleInput) -> Derived:
    records = given.records
    if "contact" not in records.kinds:
        return Derived(None, "no contacts are mapped")
    if not _roles_mapped(given):
        return Derived(None, "no contact roles are mapped")
    holders: list[Contact] = []
    missing: list[str] = []
    for role in COVERED_ROLES:
        holder = next((c for c in contacts_with(records, role) if c.active), None)
        if holder is None:
            missing.append(role)
        else:
            holders.append(holder)
    because = "no active " + ", ".join(missing).replace("_", " ") if missing else "all four known"
    refs = tuple(dict.fromkeys(c.ref for c in holders))
    return Derived(len(holders), because, refs)


def _single_threaded(given: RuleInput, met: dict[str, list[date]]) -> Derived:
    records, today = given.records, given.today
    if "contact" not in records.kinds:
        return Derived(None, "no contacts are mapped")
    if (
        "contact.last_activity_on" not in records.fields
        and "activity.contact" not in records.fields
    ):
        return Derived(
            None, "neither contacts' last activity nor contacts of activities are mapped"
        )
    over = add_days(today, -ACTIVE_DAYS)  # what is as far back counts no more
    active: list[Contact] = []
    events: list[date] = []  # days on which one more, or one fewer, is active
    for contact in records.contacts:
        if not contact.active:
            continue
        days = [*met.get(contact.id, ())]
        if contact.last_activity_on is not None:
            days.append(contact.last_activity_on)
        spans = _spans([day for day in days if day > over])
        active += [contact] if any(first <= today < end for first, end in spans) else []
        events += [day for span in spans for day in span if day > today]
    count = len(active)
    single = count < ENOUGH_CONTACTS
    names = ", ".join(contact.name or contact.id for contact in active)
    because = (
        f"{count} active contact{'' if count == 1 else 's'} with activity in {ACTIVE_DAYS} days"
    )
    return Derived(
        single,
        f"{because}: {names}" if 0 < count <= ENOUGH_CONTACTS else because,
        tuple(contact.ref for contact in active[:ENOUGH_CONTACTS]),
        min(events, default=None),
    )


def _spans(days: list[date]) -> list[tuple[date, date]]:
    """The spans (first day, day after the last) in which one of the days is not too far back."""
    spans: list[tuple[date, date]] = []
    for day in sorted(days):
        end = add_days(day, ACTIVE_DAYS)
        if spans and day <= spans[-1][1]:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((day, end))
    return spans


def _sponsor(given: RuleInput, met: dict[str, list[date]]) -> Derived:
    records, today = given.records, given.today
    tier = standing(given, "tier")
    position, word = tier_position(given)
    if position > 0:
        return Derived(None, f"asked of the first tier only ({word})", valid_until=tier.valid_until)
    if not records.kinds >= {"contact", "activity"} or not _roles_mapped(given):
        return Derived(None, "contacts, their roles or activities are not mapped")
    if not records.account.executive_sponsor:
        because = "no executive sponsor is named on the account"
        return Derived(False, because, (records.account.ref,), tier.valid_until)
    sponsors = contacts_with(records, "executive_sponsor")
    spans = _spans([day for contact in sponsors for day in met.get(contact.id, ())])
    until = earliest(tier.valid_until, *(d for span in spans for d in span if d > today))
    refs = tuple(contact.ref for contact in sponsors)
    past = [day for contact in sponsors for day in met.get(contact.id, ()) if day <= today]
    if any(first <= today < end for first, end in spans):
        return Derived(True, f"last touch with an executive sponsor on {max(past)}", refs, until)
    if past:
        because = f"no touch with an executive sponsor since {max(past)}"
    else:
        because = "no touch with an executive sponsor contact yet"
    return Derived(False, because, refs, until)


RULE = Rule(
    name="stakeholders",
    decide=decide,
    writes=WRITES,
    inputs=frozenset({"contact.account", "contact.active", "contact.roles", "role.role"}),
)
