"""Relative dates: the days that ``TODAY``, ``LAST_N_DAYS:30`` and their kin stand for."""

from __future__ import annotations

from datetime import date, timedelta

from connectors.salesforce.sandbox.soql.parse import malformed
from connectors.salesforce.sandbox.soql.tree import DateLiteral
from connectors.salesforce.sandbox.times import add_months

DAY = timedelta(days=1)
NINETY = 90
_UNITS = {"DAY": 0, "WEEK": 0, "MONTH": 1, "QUARTER": 3, "YEAR": 12}


def _start(unit: str, day: date) -> date:
    if unit == "WEEK":
        return day - timedelta(days=(day.weekday() + 1) % 7)
    if unit == "MONTH":
        return day.replace(day=1)
    if unit == "QUARTER":
        return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    if unit == "YEAR":
        return date(day.year, 1, 1)
    return day


def _later(unit: str, day: date, count: int) -> date:
    months = _UNITS[unit]
    if months:
        return add_months(day, months * count)
    return day + timedelta(days=count * (7 if unit == "WEEK" else 1))


def span(literal: DateLiteral, today: date) -> tuple[date, date]:
    """The first day of a relative date, and the first day after it.

    Raises RequestError MALFORMED_QUERY for an unknown name. Fiscal periods are the calendar's.
    """
    name = literal.name.replace("FISCAL_", "")
    fixed = {
        "YESTERDAY": (today - DAY, today),
        "TODAY": (today, today + DAY),
        "TOMORROW": (today + DAY, today + 2 * DAY),
        "LAST_90_DAYS": (today - NINETY * DAY, today + DAY),
        "NEXT_90_DAYS": (today + DAY, today + (NINETY + 1) * DAY),
    }
    if literal.count is None:
        if name in fixed:
            return fixed[name]
        when, _, unit = name.partition("_")
        if when in {"THIS", "LAST", "NEXT"} and unit in _UNITS and unit != "DAY":
            start = _later(unit, _start(unit, today), {"THIS": 0, "LAST": -1, "NEXT": 1}[when])
            return start, _later(unit, start, 1)
        raise malformed(f"unexpected token: '{literal.name}'")
    try:
        return _counted(name, literal, today)
    except (OverflowError, ValueError):
        raise malformed(f"Invalid date literal: {literal.name}:{literal.count}") from None


def _counted(name: str, literal: DateLiteral, today: date) -> tuple[date, date]:
    count = literal.count or 0
    parts = name.split("_")
    unit = parts[-2 if parts[-1] == "AGO" else -1].removesuffix("S")
    if unit not in _UNITS or "N" not in parts:
        raise malformed(f"unexpected token: '{literal.name}'")
    start = _start(unit, today)
    if parts[-1] == "AGO":
        start = _later(unit, start, -count)
        return start, _later(unit, start, 1)
    if parts[0] == "LAST":
        # The last n days run up to now; the last n weeks, months … end with the one before.
        return _later(unit, start, -count), today + DAY if unit == "DAY" else start
    if parts[0] == "NEXT":
        first = _later(unit, start, 1)
        return first, _later(unit, first, count)
    raise malformed(f"unexpected token: '{literal.name}'")
