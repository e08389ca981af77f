"""Times of change as the database gives them: as a cursor, as a moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any


def moment(stamp: Any) -> datetime | None:
    """The moment of a stamp that is one; without a zone it counts as UTC."""
    if not isinstance(stamp, datetime):
        return None
    return stamp if stamp.tzinfo is not None else stamp.replace(tzinfo=UTC)


def earlier(since: Any, seconds: int) -> Any:
    """A moment so much earlier; other stamps as they are."""
    return since - timedelta(seconds=seconds) if isinstance(since, datetime) else since


def packed(stamp: Any) -> dict[str, Any]:
    """A stamp as JSON, with what it was."""
    if isinstance(stamp, datetime):
        return {"datetime": stamp.isoformat()}
    if isinstance(stamp, date):
        return {"date": stamp.isoformat()}
    return {"number": stamp} if isinstance(stamp, int | float) else {"text": str(stamp)}


def unpacked(stamp: Mapping[str, Any] | None) -> Any:
    """The stamp that was packed."""
    if not stamp:
        return None
    ((kind, value),) = stamp.items()
    if kind == "datetime":
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if kind == "date" else value
