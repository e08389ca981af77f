"""Two-way touches: what tells that customer and account manager have spoken."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from syncd.model import AccountRecords, Activity

TOUCH_KINDS = frozenset({"meeting", "call", "email_in", "qbr"})


def touches(records: AccountRecords) -> Iterator[tuple[date, Activity]]:
    """Every touch with its day, past and planned alike; moments are in the day's time zone."""
    for activity in records.activities:
        if activity.at is not None and activity.kind in TOUCH_KINDS:
            yield activity.at.date(), activity
