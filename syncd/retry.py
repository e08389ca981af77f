"""The one retry policy: only TransientError, jittered, bounded, heeding the CRM's own wait."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
)

from syncd.errors import TransientError, UnreachableError

T = TypeVar("T")

ATTEMPTS = 6
TOTAL_SECONDS = 180.0
BASE_SECONDS = 0.5
CAP_SECONDS = 30.0
LONGEST_HEEDED_WAIT = 60.0  # a CRM that asks for more than this gets its wish in the next run


def _worth_repeating(error: BaseException) -> bool:
    """A transient failure that surely did nothing, or that is safe to repeat."""
    return isinstance(error, TransientError) and (error.retry_after or 0) <= LONGEST_HEEDED_WAIT


def wait_seconds(attempt: int, retry_after: float | None) -> float:
    """Seconds before try `attempt` + 1: the CRM's wish if it has one, else exponential, jittered.

    A named wait is never cut short; a little is added so that many clients do not return at once.
    """
    if retry_after is not None:
        return retry_after + random.uniform(0.05, 0.5)  # noqa: S311 - jitter is not a secret
    ceiling = min(CAP_SECONDS, BASE_SECONDS * 2.0**attempt)
    return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - jitter is not a secret


def heed(error: TransientError) -> None:
    """Wait as long as the CRM asked for before it is called with something else."""
    if error.retry_after is not None:
        time.sleep(wait_seconds(0, error.retry_after))


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    after = error.retry_after if isinstance(error, TransientError) else None
    return wait_seconds(state.attempt_number, after)


def retrying(
    call: Callable[[], T],
    *,
    repeat: Callable[[TransientError], bool] = lambda _: True,
    on_wait: Callable[[TransientError, float], None] | None = None,
    attempts: int = ATTEMPTS,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Carry out `call`, again while it raises TransientError and `repeat` allows it.

    Writes pass ``repeat=lambda e: e.applied is False`` so that a call whose outcome is unknown
    is not repeated blindly. Raises UnreachableError when tries run out on a failure that did
    nothing, and the TransientError itself when `repeat` forbids another try.
    """

    def before_sleep(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        if on_wait is not None and isinstance(error, TransientError):
            on_wait(error, state.upcoming_sleep)

    policy = Retrying(
        retry=retry_if_exception(
            lambda e: _worth_repeating(e) and isinstance(e, TransientError) and repeat(e)
        ),
        wait=_wait,
        stop=stop_after_attempt(attempts) | stop_after_delay(TOTAL_SECONDS),
        sleep=sleep,
        before_sleep=before_sleep,
        reraise=True,
    )
    try:
        return policy(call)
    except TransientError as error:
        if not repeat(error):
            raise
        raise UnreachableError(str(error)) from error
