"""Carries a plan out. Nothing else in syncd changes another system.

Each intent stands in the ledger before its call, each outcome after it. A write whose outcome
is unknown is looked up before it is repeated; what stays unknown is looked up by the next run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain

from syncd.connector import Outcome, WriteResult
from syncd.errors import StopRunError
from syncd.plan import Packed, Plan
from syncd.store import chunks, to_text
from syncd.writeback.outcomes import note
from syncd.writeback.sending import by_record, intent, send
from syncd.writeback.target import RecordWrite, Refusal, Target, Written

__all__ = [
    "Refusal",
    "Target",
    "Written",
    "write",
]


ANSWERS_AT_ONCE = 100
"""Answers after which they are stored and the lease is asked: each CRM's smallest batch."""
INTENDED_AT_ONCE = 1_000
"""Intents that are written down in one go: others write to the state in between."""
SETTLED_AT_ONCE = 2_000
"""Accounts that are settled in one go."""
AT_HAND = 100
"""Records of a plan that are unpacked at once: about as many as a CRM answers at once."""


def write(target: Target, plan: Plan) -> Written:
    """Carry the plan out, fields first. Refusals are counted; the rest goes on.

    A StopRunError of the connector ends it early and is kept in `stopped`; an account stays
    marked in the state until each of its writes is done or refused.
    """
    written = Written()
    writes = Packed(by_record(plan.sets), AT_HAND)
    tasks = Packed((RecordWrite(task.account, task=task) for task in plan.tasks), AT_HAND)
    left = Counter(item.account for item in chain(writes, tasks))
    target.still_ours()
    for some in (writes, tasks):
        if written.stopped is not None:
            written.deferred += len(some)
            continue
        try:
            _carry_out(target, some, written, left, again=True)
        except StopRunError as error:
            written.stopped = error
    written.finished = frozenset(account for account in left if left[account] <= 0)
    for done in chunks(sorted(written.finished - target.shared), SETTLED_AT_ONCE):
        with target.store.begin() as tx:
            target.store.book.settle(tx, done)
    return written


def _carry_out(
    target: Target,
    writes: Sequence[RecordWrite],
    written: Written,
    left: Counter[str],
    *,
    again: bool,
) -> None:
    """Try these writes; look up the unknown ones; try once more what did not arrive."""
    if not writes or target.stopping():
        written.deferred += len(writes)
        return
    entries: list[int] = []
    for some in chunks(writes, INTENDED_AT_ONCE):
        with target.store.begin() as tx:
            entries += target.store.ledger.intend(
                tx, target.run, [intent(target, item) for item in some], to_text(target.clock())
            )
    unknown: list[int] = []
    repeat = Packed[RecordWrite](block=AT_HAND)
    answers: list[tuple[int, WriteResult]] = []

    def store_answers() -> None:
        if not answers:
            return
        target.still_ours()
        some = [(writes[index], entries[index], result) for index, result in answers]
        answers.clear()
        repeat.extend(note(target, some, written, left))

    try:
        for index, result in send(target, writes):
            if result.outcome is Outcome.UNKNOWN:
                unknown.append(index)
                continue
            answers.append((index, result))
            if len(answers) >= ANSWERS_AT_ONCE:
                store_answers()
                if target.stopping():
                    break
    finally:
        store_answers()
    if unknown:
        repeat.extend(_look(target, writes, entries, unknown, written, left))
    if repeat and again:
        _carry_out(target, repeat, written, left, again=False)
    elif repeat:
        written.deferred += len(repeat)


def _look(
    target: Target,
    writes: Sequence[RecordWrite],
    entries: Sequence[int],
    unknown: Sequence[int],
    written: Written,
    left: Counter[str],
) -> Iterator[RecordWrite]:
    """Ask the CRM what became of the unknown ones; returns those that did not arrive."""
    arrived = target.look([entries[index] for index in unknown])
    done = WriteResult(outcome=Outcome.DONE)
    found = (index for index in unknown if entries[index] in arrived)
    for some in chunks(found, ANSWERS_AT_ONCE):
        note(target, [(writes[index], entries[index], done) for index in some], written, left)
    return (writes[index] for index in unknown if entries[index] not in arrived)
