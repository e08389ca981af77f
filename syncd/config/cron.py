"""Cron expressions of five fields, as people write them (Sunday is 0 and 7).

APScheduler counts weekdays from Monday = 0, so that its own reading of ``0 9 * * 1`` fires on
Tuesday; weekdays are turned into names first. As cron does, an expression that restricts both
the day of the month and the weekday comes on either, and one that names its hours comes once on
the day of 25 hours, on which one of them is there twice.
"""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

FIELDS = ("minute", "hour", "day", "month", "day_of_week")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DAY = rf"[0-7]|{'|'.join(WEEKDAYS)}"
_PART = re.compile(rf"(?:(\*)|({_DAY})(?:-({_DAY}))?)(?:/(\d+))?")
_APSCHEDULER = re.compile(r"Error validating expression '[^']*': ")


def crontab_fields(expression: str) -> dict[str, str]:
    """The five fields by APScheduler's names. Raises ValueError in an admin's words."""
    parts = expression.split()
    if len(parts) != len(FIELDS):
        raise ValueError(
            f"it has {len(parts)} fields and needs five: minute hour day month weekday"
        )
    fields = dict(zip(FIELDS, parts, strict=True))
    names = [name for part in parts[4].lower().split(",") for name in _weekdays(part)]
    fields["day_of_week"] = "*" if set(names) >= set(WEEKDAYS) else ",".join(dict.fromkeys(names))
    return fields


def _weekdays(part: str) -> list[str]:
    """The names that one part of the weekday field stands for; ranges may go over the weekend."""
    found = _PART.fullmatch(part)
    if found is None:
        raise ValueError(f'"{part}" is no weekday: 0 to 7 (0 and 7 are Sunday) or sun to sat')
    every, first, last, step = found.groups()
    start = 0 if every else _number(first)
    if every or (last is None and step):
        end = len(WEEKDAYS) - 1
    else:
        end = start if last is None else _number(last)
    if end < start or (last == "7" and first != "7"):
        end += len(WEEKDAYS)
    if step is not None and int(step) == 0:
        raise ValueError(f'the step in "{part}" must be 1 or more')
    return [WEEKDAYS[day % len(WEEKDAYS)] for day in range(start, end + 1, int(step or 1))]


def _number(day: str) -> int:
    return int(day) % len(WEEKDAYS) if day.isdigit() else WEEKDAYS.index(day)


class Times:
    """The times of another trigger, in UTC.

    APScheduler adds jitter to local times and compares them as the clock shows them: in the hour
    that comes twice it would take the second for the first.
    """

    def __init__(self, local: BaseTrigger, jitter: int, *, once: bool) -> None:
        """Up to `jitter` seconds later; `once`: not when the clock shows a time once more."""
        self._local = local
        self._jitter = jitter
        self._once = once

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        """The next time after the previous one."""
        coming: datetime | None = self._local.get_next_fire_time(previous_fire_time, now)
        while coming is not None and self._once and _is_second(coming):
            after = coming.astimezone(UTC) + timedelta(microseconds=1)
            coming = self._local.get_next_fire_time(None, after.astimezone(coming.tzinfo))
        if coming is None:
            return None
        later = random.uniform(0, self._jitter)  # noqa: S311 - to spread the load, not to hide
        return coming.astimezone(UTC) + timedelta(seconds=later)


BaseTrigger.register(Times)


def _is_second(time: datetime) -> bool:
    """Whether the clock has shown this time an hour before, for it was put back."""
    return time.replace(fold=0).astimezone(UTC) < time.astimezone(UTC)


def cron_trigger(expression: str, timezone: str, jitter: int = 0) -> Times:
    """The trigger for an expression. Raises ValueError when it is none, or never comes."""
    try:
        fields = crontab_fields(expression)
        by_day = not fields["day"].startswith("*")
        by_weekday = not expression.split()[4].startswith("*")
        triggers = [
            CronTrigger(**fields | wide, timezone=timezone)
            for wide in ([{"day_of_week": "*"}, {"day": "*"}] if by_day and by_weekday else [{}])
        ]
    except (ValueError, TypeError) as error:
        reason = _APSCHEDULER.sub("", str(error))
        raise ValueError(f'"{expression}" is not a cron expression: {reason}') from error
    local = triggers[0] if len(triggers) == 1 else OrTrigger(triggers)
    trigger = Times(local, jitter, once=not fields["hour"].startswith("*"))
    # A leap day can be eight years away, as around 2100.
    if trigger.get_next_fire_time(None, datetime(2024, 1, 1, tzinfo=UTC)) is None:
        raise ValueError(f'"{expression}" never comes')
    return trigger


def crontab_problem(expression: str) -> str:
    """What is wrong with an expression; empty when nothing is."""
    try:
        cron_trigger(expression, "UTC")
    except ValueError as error:
        return str(error)
    return ""
