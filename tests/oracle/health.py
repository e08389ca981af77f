"""Health, sentence by sentence, in exact fractions."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from syncd.model import AccountRecords, Before

TWO_WAY = {"meeting", "call", "email_in", "qbr"}


def last_days(today: date, count: int, before: int = 0) -> tuple[date, date]:
    """The first and last of `count` days that end today, or `before` days earlier."""
    end = today - timedelta(days=before)
    return end - timedelta(days=count - 1), end


def _within(day: date, span: tuple[date, date]) -> bool:
    return span[0] <= day <= span[1]


def usage(records: AccountRecords, today: date) -> Fraction | None:
    """The mean of those known of active share and logins against the usual."""
    if "usage" not in records.kinds:
        return None
    periods = [
        (u.period_start, u)
        for u in records.usage
        if u.period_start is not None and u.period_start <= today
    ]
    if not periods:
        return None
    parts = []
    latest = max(start for start, _ in periods)
    known = [u for start, u in periods if start == latest and u.active_users is not None]
    active = sum(u.active_users or 0 for u in known)
    seats = sum(u.seats or 0 for u in known) or records.account.seats or 0
    if known and seats > 0:
        parts.append(min(Fraction(active, seats), Fraction(1)))
    recent = [
        u.logins
        for start, u in periods
        if u.logins is not None and _within(start, last_days(today, 28))
    ]
    earlier = [
        u.logins
        for start, u in periods
        if u.logins is not None and _within(start, last_days(today, 84, before=28))
    ]
    if recent and sum(earlier) > 0:
        usual = Fraction(sum(earlier), 3)
        parts.append(min(Fraction(sum(recent)) / usual, Fraction(5, 4)) / Fraction(5, 4))
    return 100 * sum(parts, Fraction(0)) / len(parts) if parts else None


def support(records: AccountRecords, today: date) -> Fraction | None:
    """100 minus what spikes, severe and old tickets cost."""
    if "ticket" not in records.kinds:
        return None
    opened = [t.opened_at.date() for t in records.tickets if t.opened_at is not None]
    recent = sum(_within(day, last_days(today, 30)) for day in opened)
    earlier = sum(_within(day, last_days(today, 90, before=30)) for day in opened)
    points = Fraction(100)
    if recent > 2 * Fraction(earlier, 3) and recent >= 3:
        points -= 30
    still_open = [
        t
        for t in records.tickets
        if (t.opened_at is None or t.opened_at.date() <= today)
        and (t.closed_at is None or t.closed_at.date() > today)
    ]
    points -= min(50, 25 * sum(t.escalated or t.priority == "urgent" for t in still_open))
    if any(t.opened_at and (today - t.opened_at.date()).days > 14 for t in still_open):
        points -= 20
    return max(Fraction(0), points)


def engagement(records: AccountRecords, interval: int, today: date) -> Fraction | None:
    """100 while in touch, then linear to 0 at four intervals; halved when mail fades."""
    if "activity" not in records.kinds:
        return None
    days = [(a.at.date(), a) for a in records.activities if a.at is not None]
    touches = [day for day, a in days if a.kind in TWO_WAY and day <= today]
    since = max(touches) if touches else records.account.created_on
    if since is None:
        return None
    silent = (today - since).days
    points = Fraction(100)
    if silent > interval:
        points = max(Fraction(0), Fraction(100 * (4 * interval - silent), 3 * interval))
    mails = [day for day, a in days if a.kind == "email_in"]
    recent = sum(_within(day, last_days(today, 60)) for day in mails)
    earlier = sum(_within(day, last_days(today, 60, before=60)) for day in mails)
    if earlier >= 4 and recent < Fraction(earlier, 2):
        points /= 2
    return points


def sentiment(records: AccountRecords) -> Fraction | None:
    """NPS and CSAT scaled to 0 … 100; both: their mean."""
    parts = []
    if records.account.nps is not None:
        parts.append((Fraction(records.account.nps) + 100) / 2)
    if records.account.csat is not None:
        parts.append((Fraction(records.account.csat) - 1) * 25)
    parts = [max(Fraction(0), min(Fraction(100), part)) for part in parts]
    return sum(parts, Fraction(0)) / len(parts) if parts else None


def half_up(number: Fraction) -> int:
    """The nearest whole number, of two the greater."""
    return (number + Fraction(1, 2)).__floor__()


def values(
    records: AccountRecords, interval: int, before: Before, policy: Any, today: date
) -> dict[str, Any]:
    """Score, band, coverage and trend."""
    weights = {
        name: Fraction(str(policy.weight(name)))
        for name in ("usage", "support", "engagement", "sentiment")
    }
    points = {
        "usage": usage(records, today),
        "support": support(records, today),
        "engagement": engagement(records, interval, today),
        "sentiment": sentiment(records),
    }
    known = {name: part for name, part in points.items() if part is not None}
    weight = sum((weights[name] for name in known), Fraction(0))
    everything = sum(weights.values(), Fraction(0))
    coverage = 100 * weight / everything if everything else Fraction(0)
    found: dict[str, Any] = {"health_coverage": half_up(coverage)}
    if weight == 0 or coverage < Fraction(str(policy.min_coverage)):
        return {**found, "health_score": None, "health_band": "unknown", "health_trend": None}
    exact = sum((weights[name] * part for name, part in known.items()), Fraction(0)) / weight
    found["health_score"] = 5 * half_up(exact / 5)
    found["health_band"] = band(exact, before.values.get("health_band"), policy)
    past = [row for row in before.snapshots if row[0] <= today - timedelta(days=30)]
    then = max(past, key=lambda row: row[0])[1] if past else None
    found["health_trend"] = None
    if then is not None:
        moved = half_up(exact) - then
        found["health_trend"] = "steady"
        if abs(moved) >= 5:
            found["health_trend"] = "improving" if moved > 0 else "declining"
    return found


def band(exact: Fraction, stored: Any, policy: Any) -> str:
    """The band; a stored one is left only 3 points or more past its border."""
    green, yellow = Fraction(str(policy.bands.green)), Fraction(str(policy.bands.yellow))
    lowest = {"green": green, "yellow": yellow}
    highest = {"yellow": green, "red": yellow}
    if stored in {"green", "yellow", "red"}:
        fallen = stored in lowest and exact <= lowest[stored] - 3
        risen = stored in highest and exact >= highest[stored] + 3
        if not fallen and not risen:
            return str(stored)
    if exact >= green:
        return "green"
    return "yellow" if exact >= yellow else "red"
