"""The limits of a portal's API: a rolling ten seconds, searches a second, the day's calls."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import date, datetime

from connectors.hubspot.sandbox.errors import ApiError

WINDOW = 10.0
_PLENTY = 1_000_000
_GROUP = "publicapi:private-apps:api-calls-daily:147000001"


class Limits:
    """Counts calls. `enforced` False refuses none and grants plenty.

    `per_ten_seconds` is of one app; `daily` and `searches` are of the whole account.
    `retry_after` are the seconds that refusals name in their header; None: no header.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        enforced: bool,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """The limits of a Professional account."""
        self.enforced = enforced
        self.per_ten_seconds = 190
        self.searches = 5
        self.daily = 625_000
        self.retry_after: int | None = None
        self.used_today = 0
        self._clock = clock
        self._monotonic = monotonic
        self._day: date | None = None
        self._calls: deque[float] = deque()
        self._searches: deque[float] = deque()

    def take(self, *, search: bool) -> None:
        """Count one call. Raises ApiError (429) where it breaks a limit."""
        self._begin_day()
        now = self._monotonic()
        _forget(self._calls, now - WINDOW)
        _forget(self._searches, now - 1.0)
        if self.enforced:
            if self.used_today >= self.daily:
                raise self._refuse("DAILY", "daily")
            if len(self._calls) >= self.per_ten_seconds:
                raise self._refuse("TEN_SECONDLY_ROLLING", "ten_secondly_rolling")
            if search and len(self._searches) >= self.searches:
                raise self._refuse("SECONDLY", "secondly")
        self.used_today += 1
        self._calls.append(now)
        if search:
            self._searches.append(now)

    def headers(self, *, oauth: bool = False) -> dict[str, str]:
        """The X-HubSpot-RateLimit headers; the day's are not told to OAuth apps."""
        most = self.per_ten_seconds if self.enforced else _PLENTY
        per_second = max(1, most // 10)
        now = self._monotonic()
        recent = sum(1 for at in self._calls if at > now - 1.0) if self.enforced else 0
        shown = {
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Max": str(most),
            "X-HubSpot-RateLimit-Remaining": str(max(0, most - len(self._calls))),
            "X-HubSpot-RateLimit-Secondly": str(per_second),
            "X-HubSpot-RateLimit-Secondly-Remaining": str(max(0, per_second - recent)),
        }
        if not oauth:
            left = max(0, self.daily - self.used_today)
            shown["X-HubSpot-RateLimit-Daily"] = str(self.daily)
            shown["X-HubSpot-RateLimit-Daily-Remaining"] = str(left)
        return shown

    def _begin_day(self) -> None:
        today = self._clock().date()
        if today != self._day:
            if self._day is not None:
                self.used_today = 0
            self._day = today

    def _refuse(self, policy: str, name: str) -> ApiError:
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return ApiError(
            429,
            f"You have reached your {name} limit.",
            None,
            headers=headers,
            errorType="RATE_LIMIT",
            policyName=policy,
            groupName=_GROUP,
        )


def _forget(taken: deque[float], until: float) -> None:
    while taken and taken[0] <= until:
        taken.popleft()
