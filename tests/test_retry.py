"""The one retry policy: how long it waits, how often it tries, and what it never repeats."""

from __future__ import annotations

import pytest

from syncd.errors import RequestError, TransientError, UnreachableError
from syncd.retry import (
    ATTEMPTS,
    BASE_SECONDS,
    CAP_SECONDS,
    LONGEST_HEEDED_WAIT,
    retrying,
    wait_seconds,
)


@pytest.mark.parametrize("attempt", range(10))
def test_pauses_double_and_differ(attempt: int) -> None:
    """Each between half and all of its ceiling, so that many clients do not return at once."""
    ceiling = min(CAP_SECONDS, BASE_SECONDS * 2.0**attempt)
    pauses = {wait_seconds(attempt, None) for _ in range(50)}

    assert all(ceiling / 2 <= pause <= ceiling for pause in pauses)
    assert len(pauses) > 25


@pytest.mark.parametrize("named", [0.0, 1.0, 45.0])
def test_a_named_wait_is_never_cut_short(named: float) -> None:
    """Whatever the number of the try; a little is added, and not always the same."""
    pauses = {wait_seconds(attempt, named) for attempt in range(50)}

    assert all(named < pause <= named + 0.5 for pause in pauses)
    assert len(pauses) > 25


class Call:
    """Fails with these errors, one after the other, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.made = 0
        self.slept: list[float] = []

    def __call__(self) -> str:
        self.made += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def test_a_passing_failure_is_passed_over() -> None:
    """Tried again after the named wait, and the answer is given."""
    call = Call(TransientError("later", retry_after=3.0), TransientError("later"))

    assert retrying(call, sleep=call.slept.append) == "answer"
    assert call.made == 3
    assert call.slept[0] >= 3.0


def test_a_failure_that_stays_ends_it() -> None:
    """After so many tries the CRM counts as out of reach; the cause stays known."""
    call = Call(*(TransientError(f"no {n}") for n in range(20)))

    with pytest.raises(UnreachableError) as caught:
        retrying(call, sleep=call.slept.append)

    assert call.made == ATTEMPTS
    assert isinstance(caught.value.__cause__, TransientError)


@pytest.mark.parametrize(
    "error",
    [
        RequestError("wrong"),
        TransientError("tomorrow", retry_after=LONGEST_HEEDED_WAIT + 1),
        TransientError("who knows", applied=None),
    ],
)
def test_what_is_not_repeated(error: Exception) -> None:
    """A refusal, a wait too long for a run, and a write of which nobody knows what became."""
    call = Call(error)

    with pytest.raises((RequestError, UnreachableError, TransientError)):
        retrying(call, repeat=lambda e: e.applied is False, sleep=call.slept.append)

    assert (call.made, call.slept) == (1, [])
