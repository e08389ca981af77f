"""Values in the form HubSpot takes them: always text.

"" clears a property. Dates are plain dates, never midnights of some zone. A date that goes into
a datetime property (a task's ``hs_timestamp``) becomes noon of the portfolio's time zone: read
back there it is the same day, and so it is in most other zones. Twelve hours west of Greenwich it
becomes eleven o'clock: noon there is a midnight of UTC, by which HubSpot writes plain days.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from syncd.connector import FieldType, Value

_NOON = time(12)
_BEFORE_NOON = time(11)
_MIDNIGHT = time(0)


def wire(value: Value, type: FieldType | None, zone: ZoneInfo) -> str:
    """The text for a property of that type; `type` None: not known."""
    if isinstance(value, datetime):
        at = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        if type is FieldType.DATE:
            return at.astimezone(zone).date().isoformat()
        return _instant(at)
    if isinstance(value, date):
        if type is FieldType.DATETIME:
            noon = datetime.combine(value, _NOON, tzinfo=zone)
            if noon.astimezone(UTC).time() == _MIDNIGHT:
                noon = datetime.combine(value, _BEFORE_NOON, tzinfo=zone)
            return _instant(noon)
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list):
        return ";".join(value)
    return "" if value is None else str(value)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
