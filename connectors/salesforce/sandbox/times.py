"""Dates and datetimes as the API writes and reads them. Datetimes are UTC, whole seconds."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

_DATETIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?(Z|[+-]\d{2}:?\d{2})?\Z"
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
DECEMBER = 12


def wire(moment: datetime) -> str:
    """``2026-05-06T11:56:44.000+0000``: whole seconds, so that texts order as the times do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def parse_datetime(text: str) -> datetime | None:
    """The moment a text names, fractions of a second cut; None where it names none."""
    found = _DATETIME.match(text)
    if found is None:
        return None
    day, clock, zone = found.groups()
    try:
        return datetime.fromisoformat(f"{day}T{clock}{'+00:00' if zone in (None, 'Z') else zone}")
    except ValueError:
        return None


def parse_date(text: str) -> date | None:
    """The date a text names; None where it names none."""
    if not _DATE.match(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def stamp_of(text: str) -> str | None:
    """A datetime's, or a date's midnight's, wire form; None where the text is neither."""
    moment = parse_datetime(text)
    if moment is not None:
        return wire(moment)
    day = parse_date(text)
    return None if day is None else f"{day.isoformat()}T00:00:00.000+0000"


def add_months(day: date, months: int) -> date:
    """The same day of the month `months` later, or that month's last day."""
    years, month = divmod(day.year * DECEMBER + day.month - 1 + months, DECEMBER)
    first = date(years, month + 1, 1)
    following = date(years + month // (DECEMBER - 1), (month + 1) % DECEMBER + 1, 1)
    return date(first.year, first.month, min(day.day, (following - timedelta(days=1)).day))
