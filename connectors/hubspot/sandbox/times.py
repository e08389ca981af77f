"""Moments as HubSpot writes and reads them: whole milliseconds since 1970, in UTC.

Written like a Java Instant: no fraction where there are no milliseconds, else three digits.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86_400_000
_MILLISECOND = timedelta(milliseconds=1)


def instant(ms: int) -> str:
    """Such as ``2026-12-31T00:00:00Z`` or ``2026-12-31T00:00:00.250Z``."""
    at = EPOCH + timedelta(milliseconds=ms)
    form = "milliseconds" if ms % 1000 else "seconds"
    return at.replace(tzinfo=None).isoformat(timespec=form) + "Z"


def milliseconds(at: datetime | date) -> int:
    """Milliseconds since 1970; a date is its midnight in UTC, as is a time without zone."""
    if not isinstance(at, datetime):
        at = datetime(at.year, at.month, at.day, tzinfo=UTC)
    elif at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return (at - EPOCH) // _MILLISECOND


def parse(text: str) -> int | None:
    """ISO 8601 or a number of milliseconds; None where it is neither."""
    text = text.strip()
    if text.removeprefix("-").isdecimal():
        return int(text)
    try:
        return milliseconds(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None
