"""Calendar arithmetic the made-up book needs."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

SATURDAY = 5


def add_months(day: date, months: int) -> date:
    """`day` moved by `months` calendar months; 31 January + 1 is 28 or 29 February."""
    count = day.year * 12 + day.month - 1 + months
    year, month = count // 12, count % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def term_end(start: date, months: int) -> date:
    """The last day of a term of `months` that begins on `start`."""
    return add_months(start, months) - timedelta(days=1)


def term_start(end: date, months: int) -> date:
    """The first day of a term of `months` whose last day is `end`."""
    return add_months(end + timedelta(days=1), -months)


def business_days_before(today: date, count: int) -> date:
    """The latest weekday from which `count` weekdays (Monday to Friday) follow, up to `today`."""
    day = today
    while count or day.weekday() >= SATURDAY:
        count -= day.weekday() < SATURDAY
        day -= timedelta(days=1)
    return day


def next_leap_day(today: date) -> date:
    """The first 29 February after `today`."""
    year = today.year
    while not (year % 4 == 0 and (year % 100 or year % 400 == 0) and date(year, 2, 29) > today):
        year += 1
    return date(year, 2, 29)


def monday(day: date) -> date:
    """The Monday of the week of `day`."""
    return day - timedelta(days=day.weekday())
