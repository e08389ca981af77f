"""The names that conditions and templates may use, their types, and their values for an account.

Conditions are typed: a name that is none of these is a mistake that `check` reports. A name whose
value is not known is blank, and a condition that needs it does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from rule_engine import DataType

from syncd.model import AccountRecords, Before, Derived, Scalar, User
from syncd.policy import Policy
from syncd.rules import RULES
from syncd.rules.dates import add_business_days, add_days, add_months, holidays_of
from syncd.rules.deals import open_renewals
from syncd.rules.expansion import signals
from syncd.rules.handoff import ITEMS, LABELS, Document, documents
from syncd.rules.people import contacts_with
from syncd.rules.said import plain

OVERDUE_DAYS = 30
"""Renewal playbooks open until so many days after a renewal date that nobody signed."""

DATE, NUMBER, TEXT, TRUTH = DataType.DATETIME, DataType.FLOAT, DataType.STRING, DataType.BOOLEAN

_DATES = {
    "renewal_date",
    "renewal_window_opens",
    "notice_deadline",
    "tier_since",
    "last_touch_on",
    "next_checkin_due",
    "last_qbr_on",
    "next_qbr_due",
}
_NUMBERS = {
    "arr",
    "renewal_arr",
    "handoff_completeness",
    "health_score",
    "health_coverage",
    "stakeholder_coverage",
    "plan_completeness",
}
_TRUTHS = {"key_account", "single_threaded", "executive_sponsor_engaged", "expansion_signal"}


def _value_type(name: str) -> Any:
    if name in _DATES:
        return DATE
    if name in _NUMBERS:
        return NUMBER
    return TRUTH if name in _TRUTHS else TEXT


VALUES: dict[str, Any] = {name: _value_type(name) for rule in RULES for name in rule.writes}
"""The account's values: all that the rules write."""

ACCOUNT: dict[str, Any] = {
    "today": DATE,
    "quarter": TEXT,
    "quarter_end": DATE,
    "currency": TEXT,
    "name": TEXT,
    "segment": TEXT,
    "region": TEXT,
    "am": TEXT,
    "csm": TEXT,
    "tier_position": NUMBER,
    "open_renewals": NUMBER,
    "renewal_running": TRUTH,
    "untouched_since": DATE,
    "checkin_overdue_on": DATE,
    "red_since": DATE,
    "am_load": NUMBER,
    "am_largest": TRUTH,
    "first_run": TRUTH,
}
"""What is known of the account beside its values."""

EACH: dict[str, dict[str, Any]] = {
    "handoff": {
        "opportunity": TEXT,
        "deal": TEXT,
        "deal_closed_on": DATE,
        "deal_amount": NUMBER,
        "ae": TEXT,
        "document": TEXT,
        "document_status": TEXT,
        "document_completeness": NUMBER,
        "document_missing": TEXT,
        "document_due": DATE,
    },
    "signal": {"meter": TEXT, "signal": TEXT},
}
"""Further names of a playbook that is asked once for each handoff document or signal."""

FUNCTIONS: dict[str, Any] = {
    "days_to": DataType.FUNCTION("days_to", return_type=NUMBER, argument_types=(DATE,)),
    "days_since": DataType.FUNCTION("days_since", return_type=NUMBER, argument_types=(DATE,)),
    "days_before": DataType.FUNCTION(
        "days_before", return_type=DATE, argument_types=(DATE, NUMBER)
    ),
    "days_after": DataType.FUNCTION("days_after", return_type=DATE, argument_types=(DATE, NUMBER)),
    "business_days": DataType.FUNCTION(
        "business_days", return_type=DATE, argument_types=(DATE, NUMBER)
    ),
}


def types_for(each: str | None) -> dict[str, Any]:
    """Every name that such a playbook may use, with its type."""
    return {**VALUES, **ACCOUNT, **FUNCTIONS, **(EACH[each] if each else {})}


def plain_date(day: date) -> date:
    """The day itself: conditions make moments of dates."""
    return day.date() if isinstance(day, datetime) else day


@lru_cache(maxsize=8)
def functions(today: date, setting: tuple[date, ...] | str) -> Mapping[str, Callable[..., Any]]:
    """The functions of conditions and templates on a day; `setting` names the days off."""
    off: Container[date] = holidays_of(setting)

    def days_to(day: date) -> int:
        return (plain_date(day) - today).days

    def days_since(day: date) -> int:
        return (today - plain_date(day)).days

    def days_before(day: date, days: float) -> date:
        return add_days(plain_date(day), -int(days))

    def days_after(day: date, days: float) -> date:
        return add_days(plain_date(day), int(days))

    def business_days(day: date, days: float) -> date:
        return add_business_days(plain_date(day), int(days), off)

    return {
        "days_to": days_to,
        "days_since": days_since,
        "days_before": days_before,
        "days_after": days_after,
        "business_days": business_days,
    }


def quarter_of(day: date) -> str:
    """``2026-Q1``."""
    return f"{day.year}-Q{(day.month + 2) // 3}"


def quarter_start(day: date) -> date:
    """The first day of the day's quarter."""
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def account_names(
    records: AccountRecords,
    values: Mapping[str, Derived],
    before: Before,
    policy: Policy,
    today: date,
    *,
    first_run: bool,
    load: Mapping[str, tuple[float, str]],
    currency: str,
) -> dict[str, Any]:
    """What each name of ``VALUES``, ``ACCOUNT`` and ``FUNCTIONS`` stands for."""
    stood = before.values  # of rules that are off it stands in the CRM still
    names: dict[str, Any] = {
        name: value.value if (value := values.get(name)) is not None else stood.get(name)
        for name in VALUES
    }
    account = records.account
    tiers = policy.tier.names
    untouched = names["last_touch_on"] or account.created_on
    due = names["next_checkin_due"]
    overdue_on = None
    if untouched is not None and due is not None:
        overdue_on = add_days(untouched, -(-(due - untouched).days * 3 // 2))
    carried, largest = load.get(account.owner or "", (None, None))
    quarter_begins = quarter_start(today)
    names.update(functions(today, policy.tasks.holidays))
    names.update(
        today=today,
        quarter=quarter_of(today),
        quarter_end=add_days(add_months(quarter_begins, 3), -1),
        currency=currency,
        name=account.name or account.id,
        segment=account.segment,
        region=account.region,
        am=_name(records.users.get(account.owner or "")),
        csm=_name(records.users.get(account.csm or "")),
        tier_position=tiers.index(names["tier"]) + 1 if names["tier"] in tiers else None,
        open_renewals=len(open_renewals(records.opportunities)),
        renewal_running=_running(names, today),
        untouched_since=untouched if due is not None else None,
        checkin_overdue_on=overdue_on,
        red_since=_red_since(names["health_band"], before, today),
        am_load=carried,
        am_largest=largest == account.id,
        first_run=first_run,
    )
    return names


def _name(user: User | None) -> str | None:
    return None if user is None else user.name or user.email


def _running(names: Mapping[str, Any], today: date) -> bool:
    if names["renewal_status"] == "overdue":
        renewal = names["renewal_date"]
        return renewal is not None and (today - renewal).days <= OVERDUE_DAYS
    return bool(names["renewal_status"] == "window_open")


def _red_since(band: Scalar, before: Before, today: date) -> date | None:
    """Since when the band has been red: what is stored, or today if it has just turned."""
    if band != "red":
        return None
    if before.values.get("health_band") == "red":
        return before.since.get("health_band", today)
    return today


def each_names(
    each: str, records: AccountRecords, policy: Policy, today: date
) -> Iterator[tuple[dict[str, Any], str | None]]:
    """The names of each handoff document (with its AE's user id) or of each signal."""
    if each == "signal":
        for signal in signals(records, today):
            yield {"meter": signal.meter, "signal": signal.text}, None
        return
    for owed in documents(records, policy, today):
        yield _document_names(owed, records), owed.deal.owner


def _document_names(owed: Document, records: AccountRecords) -> dict[str, Any]:
    deal = owed.deal
    return {
        "opportunity": deal.id,
        "deal": deal.name or deal.id,
        "deal_amount": deal.arr,
        "ae": _name(records.users.get(deal.owner or "")),
        "document": _document_text(owed, records),
        "document_status": owed.status,
        "document_completeness": owed.completeness,
        "document_missing": "; ".join(owed.missing),
        **document_days(owed),
    }


def document_days(owed: Document) -> dict[str, Any]:
    """The names of a handoff document that stand for days."""
    return {"deal_closed_on": owed.closed_on, "document_due": owed.due_on}


def _document_text(owed: Document, records: AccountRecords) -> str:
    """The document as text, an item a line; people known only as contacts by their names."""
    lines = []
    for item in ITEMS:
        text = plain(getattr(owed.deal.handoff, item, None) or "")
        if not text and item in {"champion", "economic_buyer"}:
            text = ", ".join(
                contact.name or contact.id
                for contact in contacts_with(records, item)
                if contact.active
            )
        if text:
            lines.append(f"{LABELS[item]}: {text}")
    return "\n".join(lines)
