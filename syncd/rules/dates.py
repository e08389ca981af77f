"""Dates as contracts and calendars count them. All pure; nothing leaves the calendar's range."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Container
from datetime import date, timedelta
from functools import lru_cache

import holidays

DAY = timedelta(days=1)
_SATURDAY = 5


def add_days(day: date, days: int) -> date:
    """`day` moved by so many days; beyond the calendar: its first or last day."""
    try:
        return day + timedelta(days)
    except OverflowError:
        return date.max if days > 0 else date.min


def add_months(day: date, months: int) -> date:
    """The same day so many months on, or that month's last: 31 January + 1 = 28/29 February."""
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    if year < date.min.year:
        return date.min
    if year > date.max.year:
        return date.max
    if day.day > 28:  # noqa: PLR2004 - the days that every month has
        return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
    return date(year, month + 1, day.day)


def last_day(start: date, months: int) -> date:
    """The last day of a term of so many months that begins on `start`."""
    after = add_months(start, months)
    return after if after == date.max else add_days(after, -1)


def length_in_months(start: date, end: date) -> int:
    """Months from `start` up to and including `end`, rounded to the nearest, at least 1."""
    after = add_days(end, 1)
    whole = (after.year - start.year) * 12 + after.month - start.month
    if add_months(start, whole) > after:
        whole -= 1
    reached = add_months(start, whole)
    following = add_months(start, whole + 1)
    if (after - reached) * 2 >= following - reached:
        whole += 1
    return max(1, whole)


def earliest(*days: date | None) -> date | None:
    """The first of the days that are given; None when none is."""
    return min((day for day in days if day is not None), default=None)


@lru_cache(maxsize=64)
def holidays_of(setting: tuple[date, ...] | str) -> Container[date]:
    """The days off that a policy names: dates, or a country's code such as GB or GB-SCT.

    Raises ValueError for a code that names no country or region.
    """
    if not isinstance(setting, str):
        return frozenset(setting)
    country, _, region = setting.strip().upper().partition("-")
    try:
        return holidays.country_holidays(country, subdiv=region or None)
    except NotImplementedError as error:
        raise ValueError(f"no holidays are known for {setting!r}") from error


def is_business_day(day: date, days_off: Container[date] = frozenset()) -> bool:
    """Monday to Friday, and no holiday."""
    return day.weekday() < _SATURDAY and day not in days_off


def add_business_days(day: date, count: int, days_off: Container[date] = frozenset()) -> date:
    """The `count`-th business day after `day`; `day` itself for 0."""
    while count > 0 and day < date.max:
        day += DAY
        count -= is_business_day(day, days_off)
    return day
