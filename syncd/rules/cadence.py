"""When an account was last touched and last had a QBR, and when the next ones are due."""

from __future__ import annotations

from datetime import date

from syncd.model import Activity, Decision, Derived
from syncd.rules.dates import add_days, earliest
from syncd.rules.rule import Rule, RuleInput
from syncd.rules.standing import date_of, of_tier, standing, tier_position
from syncd.rules.touches import touches

QBR_BEFORE_RENEWAL_DAYS = 90
QBR_REST_DAYS = 30
"""A QBR ahead of the renewal is due only if the last one is more than so many days back then."""

WRITES = ("last_touch_on", "next_checkin_due", "last_qbr_on", "next_qbr_due")


def decide(given: RuleInput) -> Decision:
    """The four dates; blank where there is nothing to count from."""
    if "activity" not in given.records.kinds:
        return Decision({name: Derived(None, "no activities are mapped") for name in WRITES})
    today = given.today
    last: tuple[date, Activity] | None = None
    last_qbr: tuple[date, Activity] | None = None
    next_touch: date | None = None
    next_qbr: date | None = None
    for day, activity in touches(given.records):
        is_qbr = activity.kind == "qbr"
        if day > today:
            next_touch = earliest(next_touch, day)
            if is_qbr:
                next_qbr = earliest(next_qbr, day)
            continue
        if last is None or day > last[0]:
            last = (day, activity)
        if is_qbr and (last_qbr is None or day > last_qbr[0]):
            last_qbr = (day, activity)
    tier = standing(given, "tier")
    return Decision(
        {
            "last_touch_on": _latest(last, "two-way touch", next_touch),
            "next_checkin_due": _checkin(given, last, earliest(next_touch, tier.valid_until)),
            "last_qbr_on": _latest(last_qbr, "QBR", next_qbr),
            "next_qbr_due": _qbr(given, last_qbr, earliest(next_qbr, tier.valid_until)),
        }
    )


TOUCHED = {"meeting": "a meeting", "call": "a call", "email_in": "a mail from them", "qbr": "a QBR"}


def _latest(last: tuple[date, Activity] | None, word: str, until: date | None) -> Derived:
    if last is None:
        return Derived(None, f"no {word} yet", valid_until=until)
    day, activity = last
    how = "" if word == "QBR" else f": {TOUCHED[activity.kind]}"
    return Derived(day, f"the last {word}{how}", (activity.ref,), until)


def _checkin(given: RuleInput, last: tuple[date, Activity] | None, until: date | None) -> Derived:
    position, tier = tier_position(given)
    interval = of_tier(given.policy.cadence.checkin_days, position)
    if last is not None:
        day, activity = last
        because = f"{interval} days ({tier}) after the last touch on {day}"
        return Derived(add_days(day, interval), because, (activity.ref,), until)
    account = given.records.account
    if account.created_on is None:
        return Derived(None, "no touch and no creation date to count from", valid_until=until)
    because = f"{interval} days ({tier}) after the account was created on {account.created_on}"
    return Derived(add_days(account.created_on, interval), because, (account.ref,), until)


def _qbr(given: RuleInput, last: tuple[date, Activity] | None, until: date | None) -> Derived:
    position, tier = tier_position(given)
    interval = of_tier(given.policy.cadence.qbr_days, position)
    account = given.records.account
    start = last[0] if last is not None else account.created_on
    refs = (last[1].ref,) if last is not None else (account.ref,)
    renewal = standing(given, "renewal_date")
    renewal_date = date_of(renewal)
    until = earliest(until, renewal.valid_until)
    due = None if start is None else add_days(start, interval)
    if renewal_date is not None:
        ahead = add_days(renewal_date, -QBR_BEFORE_RENEWAL_DAYS)
        rested = last is None or ahead > add_days(last[0], QBR_REST_DAYS)
        if rested and (due is None or ahead < due):
            because = f"{QBR_BEFORE_RENEWAL_DAYS} days before the renewal on {renewal_date}"
            return Derived(ahead, because, renewal.records, until)
    if due is None:
        because = "no QBR, creation date or renewal date to count from"
        return Derived(None, because, valid_until=until)
    after = "the last QBR" if last is not None else "the account was created"
    return Derived(due, f"{interval} days ({tier}) after {after} on {start}", refs, until)


RULE = Rule(
    name="cadence",
    decide=decide,
    writes=WRITES,
    inputs=frozenset({"activity.account", "activity.kind", "activity.at"}),
)
