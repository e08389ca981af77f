"""Days and months as the rules count them."""

from __future__ import annotations

import calendar
from datetime import date, timedelta


def days_on(day: date, count: int) -> date:
    """The day so many days later."""
    return day + timedelta(days=count)


def months_on(day: date, count: int) -> date:
    """The same day of a later month; the month's last day where it has no such day."""
    months = day.month - 1 + count
    year, month = day.year + months // 12, months % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def term_end(start: date, months: int) -> date:
    """The last day of a term: start + months - 1 day."""
    return days_on(months_on(start, months), -1)


def nearest_months(start: date, end: date) -> int:
    """The months from start to end (its last day included), rounded to the nearest; at least 1."""
    after = days_on(end, 1)
    return min(
        range(1, 700),
        key=lambda n: (abs((months_on(start, n) - after).days), -n),
    )


def business_days_between(after: date, until: date, holidays: frozenset[date]) -> int:
    """Mondays to Fridays, holidays left out, from the day after `after` up to and with `until`."""
    day, count = after, 0
    while day < until:
        day = days_on(day, 1)
        if day.isoweekday() <= 5 and day not in holidays:
            count += 1
    return count
