"""What of the schedule has come, and what was missed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from syncd.config import cron_trigger
from syncd.store import StoredRun, to_moment


def overdue(expression: str, timezone: str, since: datetime, now: datetime, count: int = 1) -> bool:
    """Whether the schedule has come at least `count` times after `since` and up to `now`."""
    trigger = cron_trigger(expression, timezone)
    due = since
    for _ in range(count):
        coming = trigger.get_next_fire_time(None, due + timedelta(microseconds=1))
        if coming is None or coming > now:
            return False
        # Within the hour that comes twice a year, adding to a local time would start it anew.
        due = coming.astimezone(UTC)
    return True


def since_when(latest: Sequence[StoredRun], *, full: bool = False) -> datetime | None:
    """When the newest of these runs began; with `full`, the newest that looked for everything.

    A state that has never had a full run counts from the oldest run known: its first run read
    everything.
    """
    if not latest:
        return None
    fulls = [run for run in latest if run.kind == "full"]
    chosen = latest[0] if not full else fulls[0] if fulls else latest[-1]
    return to_moment(chosen.started_at)
