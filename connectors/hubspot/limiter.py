"""Keeps calls under HubSpot's limits: a rolling ten seconds, searches a second, the day.

Source: developers.hubspot.com, "API usage guidelines": 100 to 250 calls in ten seconds for an
app, 5 searches a second for the whole account, the day's calls shared by the account. What is
granted and left comes with each answer's ``X-HubSpot-RateLimit-*`` headers, searches excepted.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping

from connectors.hubspot.settings import Limits
from syncd.connector import Allowance

_WINDOW_SECONDS = 10.0
_SMALLEST_GRANT = 100  # calls in ten seconds, of the smallest subscription
_HEADROOM = 0.9  # our window and HubSpot's do not begin at the same moment


class Limiter:
    """Waits before a call where it would break a limit, and reads what answers grant.

    Threads may share one: connections of one login do (see `shared`).
    """

    def __init__(
        self,
        limits: Limits,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,  # noqa: TID251 - pacing is this module's task
    ) -> None:
        """Start with the smallest grant that HubSpot gives anybody."""
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._calls: deque[float] = deque()
        self._searches: deque[float] = deque()
        self._grant = limits.requests_per_10_seconds or _SMALLEST_GRANT
        self._day_limit: int | None = None
        self._day_left: int | None = None

    @property
    def allowance(self) -> Allowance:
        """The day's calls as the last answer told them."""
        with self._lock:
            limit, left = self._day_limit, self._day_left
        if limit is None or left is None:
            return Allowance(share=self._limits.daily_share)
        used = max(0, limit - left)
        return Allowance(limit=limit, used=used, share=self._limits.daily_share)

    def pause(self, seconds: float) -> None:
        """Wait; for whoever must give HubSpot time."""
        self._sleep(seconds)

    def wait(self, *, search: bool = False) -> None:
        """Return when one more call is within the limits, and count it."""
        if search:
            self._take(self._searches, 1.0, self._limits.searches_per_second)
        self._take(self._calls, _WINDOW_SECONDS, max(1, int(self._grant * _HEADROOM)))

    def heed(self, headers: Mapping[str, str]) -> None:
        """Take over what an answer's headers (lower case) say about limits."""
        granted = _whole(headers, "x-hubspot-ratelimit-max")
        if granted and self._limits.requests_per_10_seconds is None:
            interval = _whole(headers, "x-hubspot-ratelimit-interval-milliseconds") or 10_000
            self._grant = max(1, int(granted * _WINDOW_SECONDS * 1000 / interval))
        limit = _whole(headers, "x-hubspot-ratelimit-daily")
        left = _whole(headers, "x-hubspot-ratelimit-daily-remaining")
        if limit is not None and left is not None:
            self.learn(limit, left)

    def learn(self, limit: int, left: int) -> None:
        """Take over the day's figures from elsewhere than headers."""
        with self._lock:
            self._day_limit, self._day_left = limit, left

    def _take(self, taken: deque[float], window: float, most: int) -> None:
        while True:
            with self._lock:
                now = self._clock()
                while taken and now - taken[0] >= window:
                    taken.popleft()
                if len(taken) < most:
                    taken.append(now)
                    return
                wait = window - (now - taken[0]) + 0.005
            self._sleep(wait)


class Shared:
    """The limiters of this process: one for each login, as long as a connection holds it.

    HubSpot counts by app and account, not by connection: two connections with one token have one
    allowance. Their limits may differ; each set of limits then has a limiter of its own.
    """

    def __init__(self) -> None:
        """None yet."""
        self._lock = threading.Lock()
        self._held: dict[Hashable, tuple[Limiter, int]] = {}

    def take(self, login: Hashable, limits: Limits) -> Limiter:
        """The login's limiter, to be given back."""
        with self._lock:
            limiter, holders = self._held.get((login, limits)) or (Limiter(limits), 0)
            self._held[login, limits] = limiter, holders + 1
            return limiter

    def give_back(self, login: Hashable, limits: Limits) -> None:
        """The last one to give it back ends what it remembers."""
        with self._lock:
            limiter, holders = self._held.pop((login, limits))
            if holders > 1:
                self._held[login, limits] = limiter, holders - 1


SHARED = Shared()


def _whole(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "")
    return int(text) if text.isdecimal() else None
