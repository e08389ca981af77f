"""Cadence, stakeholders, account plan and expansion, sentence by sentence."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from oracle.health import TWO_WAY, last_days
from syncd.model import AccountRecords


def _days(records: AccountRecords, kinds: set[str], today: date) -> list[date]:
    return [
        a.at.date()
        for a in records.activities
        if a.at is not None and a.kind in kinds and a.at.date() <= today
    ]


def cadence(
    records: AccountRecords, checkin: int, qbr: int, renewal_date: date | None, today: date
) -> dict[str, Any]:
    """The four dates; blank where there is nothing to count from."""
    if "activity" not in records.kinds:
        names = ("last_touch_on", "next_checkin_due", "last_qbr_on", "next_qbr_due")
        return dict.fromkeys(names)
    touch = max(_days(records, TWO_WAY, today), default=None)
    last_qbr = max(_days(records, {"qbr"}, today), default=None)
    begin = touch or records.account.created_on
    qbr_begin = last_qbr or records.account.created_on
    due = None if qbr_begin is None else qbr_begin + timedelta(days=qbr)
    if renewal_date is not None:
        ahead = renewal_date - timedelta(days=90)
        rested = last_qbr is None or (ahead - last_qbr).days > 30
        if rested and (due is None or ahead < due):
            due = ahead
    return {
        "last_touch_on": touch,
        "next_checkin_due": None if begin is None else begin + timedelta(days=checkin),
        "last_qbr_on": last_qbr,
        "next_qbr_due": due,
    }


def _with_role(records: AccountRecords, role: str) -> list[Any]:
    return [
        c
        for c in records.contacts
        if role in c.roles or any(row.contact == c.id and row.role == role for row in records.roles)
    ]


def stakeholders(records: AccountRecords, tier_position: int, today: date) -> dict[str, Any]:
    """Coverage, single-threaded and the sponsor, with contacts, roles and activities mapped."""
    span = last_days(today, 90)

    def touched(contact: Any) -> bool:
        return any(
            a.contact == contact.id
            and a.at is not None
            and a.kind in TWO_WAY
            and span[0] <= a.at.date() <= span[1]
            for a in records.activities
        )

    in_touch = [
        c
        for c in records.contacts
        if c.active
        and (
            touched(c)
            or (c.last_activity_on is not None and span[0] <= c.last_activity_on <= span[1])
        )
    ]
    sponsor = None
    if tier_position == 1:
        sponsor = bool(records.account.executive_sponsor) and any(
            touched(c) for c in _with_role(records, "executive_sponsor")
        )
    return {
        "stakeholder_coverage": sum(
            any(c.active for c in _with_role(records, role))
            for role in ("champion", "economic_buyer", "technical_evaluator", "end_user")
        ),
        "single_threaded": len(in_touch) < 2,
        "executive_sponsor_engaged": sponsor,
    }


def plan_status(
    filled: int, updated: date | None, last_qbr: date | None, tier_position: int, today: date
) -> str:
    """plan_status of a plan with so many sections filled."""
    if tier_position >= 3:
        return "not_required"
    if filled == 0:
        return "missing"
    if filled < 5:
        return "draft"
    if updated is None or (today - updated).days > 90:
        return "stale"
    return "stale" if last_qbr is not None and updated < last_qbr else "current"


def outgrown(records: AccountRecords, today: date) -> bool:
    """Whether a meter, the seats or a cross-sell signal speaks for expansion."""
    rows = [u for u in records.usage if u.period_start is not None and u.period_start <= today]
    for name in {name for u in rows for name in u.meters}:
        shares: dict[date, Decimal] = {}
        for u in rows:
            used, limit = u.meters.get(name, (None, None))
            if used is not None and limit is not None and limit > 0 and u.period_start:
                share = used / limit
                shares[u.period_start] = max(share, shares.get(u.period_start, share))
        latest = sorted(shares)[-2:]
        if len(latest) == 2 and all(shares[start] >= Decimal("0.8") for start in latest):
            return True
    if rows:
        newest = max(u.period_start for u in rows if u.period_start)
        known = [u for u in rows if u.period_start == newest and u.active_users is not None]
        seats = sum(u.seats or 0 for u in known) or records.account.seats or 0
        active = sum(u.active_users or 0 for u in known)
        if known and seats > 0 and 10 * active >= 9 * seats:
            return True
    said = (records.account.cross_sell or "").strip().lower()
    return said not in {"", "false", "no", "0", "none", "n/a"}
