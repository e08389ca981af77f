"""Lengths in months, as calendars count them."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta


def _months_on(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def length_in_months(start: date, end: date) -> int:
    """Months from `start` up to and including `end`, rounded to the nearest, at least 1."""
    if end.year >= date.max.year:
        return max(1, (end.year - start.year) * 12 + end.month - start.month)
    after = end + timedelta(days=1)
    whole = (after.year - start.year) * 12 + after.month - start.month
    if _months_on(start, whole) > after:
        whole -= 1
    reached, following = _months_on(start, whole), _months_on(start, whole + 1)
    if (after - reached) * 2 >= following - reached:
        whole += 1
    return max(1, whole)
