"""Faults to strike with: what HubSpot and the networks before it answer on a bad day."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Literal

import msgspec
from msgspec import Struct, field

_HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>"

Name = Literal[
    "",
    "rate_limit",
    "rate_limit_wait",
    "search_rate_limit",
    "daily_limit",
    "rate_limit_500",
    "error_500",
    "html_502",
    "gateway_504",
    "locked_423",
    "migration_477",
    "unauthorized",
    "malformed_token_530",
    "drop",
    "truncated",
    "empty",
    "html_200",
]


class Fault(Struct):
    """What to do to calls whose method and path (``*`` is any text) fit.

    The first `skip` are spared, then `times` are struck (0: all), each with the chance `share`.
    `delay` is in seconds. With `applies` the call is carried out, and its answer lost. An empty
    `answer` only delays.
    """

    answer: Name = ""
    method: str = "*"
    path: str = "*"
    times: int = 1
    skip: int = 0
    share: float = 1.0
    delay: float = 0.0
    applies: bool = False


class Answer(Struct, frozen=True):
    """A false answer."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    media: str = "application/json;charset=utf-8"


def _refusal(
    status: int, message: str, headers: dict[str, str] | None = None, **more: str
) -> Answer:
    body = {"status": "error", "message": message, "correlationId": "fault", **more}
    return Answer(status, msgspec.json.encode(body), headers or {})


def _limit(name: str, policy: str, headers: dict[str, str] | None = None) -> Answer:
    return _refusal(
        429,
        f"You have reached your {name} limit.",
        headers,
        errorType="RATE_LIMIT",
        policyName=policy,
        groupName="publicapi:private-apps",
    )


_ANSWERS: dict[str, Answer] = {
    "rate_limit": _limit("ten_secondly_rolling", "TEN_SECONDLY_ROLLING"),
    "rate_limit_wait": _limit("ten_secondly_rolling", "TEN_SECONDLY_ROLLING", {"Retry-After": "1"}),
    "search_rate_limit": _limit("secondly", "SECONDLY"),
    "daily_limit": _limit("daily", "DAILY"),
    "rate_limit_500": _refusal(
        500, "You have reached your secondly limit.", category="RATE_LIMITS"
    ),
    "error_500": _refusal(500, "internal error"),
    "html_502": Answer(502, _HTML.encode(), media="text/html"),
    "gateway_504": Answer(504, b"<html><body>504 Gateway Time-out</body></html>", {}, "text/html"),
    "locked_423": _refusal(423, "The resource is locked"),
    "migration_477": _refusal(477, "Migration in progress", {"Retry-After": "1"}),
    "unauthorized": _refusal(
        401, "Authentication credentials not found.", category="INVALID_AUTHENTICATION"
    ),
    "malformed_token_530": Answer(530, b"error code: 1016", media="text/plain"),
    "truncated": Answer(200, b'{"results":[{"id":"1","prop'),
    "empty": Answer(200, b""),
    "html_200": Answer(200, b"<html><body>Sign in to the network</body></html>", {}, "text/html"),
}


class Faults:
    """The faults to come, in order; the first that fits a call strikes it."""

    def __init__(self, seed: int = 7) -> None:
        """No faults. `seed` is that of their chances."""
        self.waiting: list[Fault] = []
        self._chance = random.Random(seed)  # noqa: S311 - chances of a test, not a secret

    def set(self, faults: Iterable[Fault]) -> None:
        """Replace all faults."""
        self.waiting = list(faults)

    def add(self, *faults: Fault) -> None:
        """Add to them."""
        self.waiting.extend(faults)

    def strike(self, method: str, path: str) -> Fault | None:
        """The fault that strikes this call."""
        for fault in self.waiting:
            if fault.method not in ("*", method) or not fnmatchcase(path, fault.path):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            if fault.share < 1.0 and self._chance.random() >= fault.share:
                continue
            if fault.times:
                fault.times -= 1
                if not fault.times:
                    self.waiting = [one for one in self.waiting if one is not fault]
            return fault
        return None

    async def wait(self, fault: Fault) -> None:
        """Let the fault's delay pass."""
        if fault.delay:
            await asyncio.sleep(fault.delay)


def answer_of(fault: Fault) -> Answer | None:
    """What the fault answers; None: the connection is dropped."""
    return _ANSWERS.get(fault.answer)
