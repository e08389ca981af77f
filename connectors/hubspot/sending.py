"""Sending batches of writes: 100 inputs a call, one outcome for each.

* Each input bears an ``objectWriteTraceId``; without it one bad property fails the whole batch.
  Outcomes are matched by that id or by the record's id, never by their order.
* A batch that is refused whole is divided until the bad inputs stand alone.
* A connection that breaks after sending, or a 5xx, leaves the batch UNKNOWN: it is not repeated.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Any, TypeAlias

from msgspec import Struct

from connectors.hubspot import answers
from connectors.hubspot.answers import Answer, Complaint
from connectors.hubspot.door import Door
from connectors.hubspot.verdicts import RefusedError
from syncd.connector import ALLOWANCE, Outcome, WriteResult
from syncd.errors import (
    AccessError,
    AllowanceError,
    LoginError,
    TransientError,
    UnreachableError,
)
from syncd.retry import LONGEST_HEEDED_WAIT

BATCH = 100
UNMATCHED = "UNMATCHED"
"""The code of an outcome that HubSpot told without saying whose it is."""

Answered: TypeAlias = tuple[int, WriteResult]
Send: TypeAlias = Callable[[list["Input"]], Iterator[Answered]]

_BLAMES_A_PROPERTY = ("PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE")
_NO_SUCH_CALL = (
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.NOT_IMPLEMENTED,
)


class Input(Struct, frozen=True):
    """One input of a batch. `ref` is what HubSpot knows it by: the record's id, or the key.

    `new`: HubSpot does not know it yet; the key stands among its properties.
    """

    index: int
    ref: str
    properties: dict[str, str]
    id_property: str = ""
    new: bool = False

    @property
    def body(self) -> dict[str, Any]:
        """The input as it goes out."""
        body: dict[str, Any] = {
            "properties": self.properties,
            "objectWriteTraceId": str(self.index),
        }
        if not self.new:
            body["id"] = self.ref
            if self.id_property:
                body["idProperty"] = self.id_property
        return body


class Sending:
    """Sends batches and answers for each input."""

    def __init__(self, door: Door) -> None:
        """Contacts nothing."""
        self._door = door

    def carry_out(
        self, indexes: Sequence[int], made: Callable[[int], Input], send: Send
    ) -> Iterator[Answered]:
        """Hand the inputs of these indexes to `send`, batch by batch, each answered in any case.

        `made` makes an input when its batch goes out: they may be many.
        """
        waiting = set(indexes)
        try:
            for batch in _batches(map(made, indexes)):
                for index, result in send(batch):
                    waiting.discard(index)
                    yield index, result
        except AllowanceError as error:
            yield from _all(waiting, Outcome.DEFERRED, ALLOWANCE, str(error))
        except AccessError as error:
            text = f"{error} {error.remedy}".strip()
            yield from _all(waiting, Outcome.REJECTED, error.code or "FORBIDDEN", text)
        except RefusedError as error:
            yield from _all(waiting, Outcome.REJECTED, error.code, str(error))
        except (UnreachableError, LoginError) as error:
            # Nothing was done about these: raised only where HubSpot surely did nothing.
            yield from _all(waiting, Outcome.DEFERRED, "", str(error))
            if not _asked_to_come_back(error):
                raise

    def send(
        self, path: str, inputs: list[Input], *, instead: Send | None = None
    ) -> Iterator[Answered]:
        """Send one batch; `instead` takes it over where HubSpot has no such call."""
        try:
            answer = self._door.write("POST", path, body={"inputs": [one.body for one in inputs]})
        except TransientError as error:
            for one in inputs:
                yield one.index, WriteResult(Outcome.UNKNOWN, message=str(error))
        except RefusedError as error:
            if instead is not None and error.status in _NO_SUCH_CALL:
                yield from instead(inputs)
                return
            for part in _divide(inputs, error.complaint):
                if part is inputs:
                    for one in inputs:
                        yield one.index, _rejected(error.complaint)
                else:
                    yield from self.send(path, part)
        else:
            yield from _matched(inputs, answer)


def _batches(inputs: Iterator[Input]) -> Iterator[list[Input]]:
    """Inputs by 100, never the same record twice in one batch (HubSpot refuses such a batch)."""
    later: deque[Input] = deque()
    while True:
        batch: dict[str, Input] = {}
        again: list[Input] = []
        while len(batch) < BATCH and (one := later.popleft() if later else next(inputs, None)):
            if one.ref in batch:
                again.append(one)
            else:
                batch[one.ref] = one
        later.extendleft(reversed(again))
        if not batch:
            return
        yield list(batch.values())


def _divide(inputs: list[Input], complaint: Complaint) -> list[list[Input]]:
    """What to send next of a refused batch; `inputs` itself: all of it is to blame."""
    if len(inputs) == 1:
        return [inputs]
    if complaint.code in _BLAMES_A_PROPERTY and complaint.fields:
        blamed = [i for i in inputs if any(name in i.properties for name in complaint.fields)]
        if len(blamed) == len(inputs):
            # All bear a property that HubSpot does not take: halving would only cost calls, but
            # with several such properties one input may be free of this one.
            return [inputs] if len(complaint.fields) == 1 else _halves(inputs)
        if blamed:
            ids = {i.index for i in blamed}
            return [blamed, [i for i in inputs if i.index not in ids]]
    return _halves(inputs)


def _halves(inputs: list[Input]) -> list[list[Input]]:
    middle = len(inputs) // 2
    return [inputs[:middle], inputs[middle:]]


def _matched(inputs: list[Input], answer: Answer) -> Iterator[Answered]:
    by_trace = {str(one.index): one for one in inputs}
    by_ref = {one.ref: one for one in inputs}
    open_inputs = {one.index: one for one in inputs}
    for row in answer.get("results") or ():
        one = by_trace.get(str(row.get("objectWriteTraceId"))) or by_ref.get(_ref(inputs[0], row))
        if one is not None and row.get("id") and open_inputs.pop(one.index, None) is not None:
            yield (
                one.index,
                WriteResult(Outcome.DONE, id=str(row["id"]), created=bool(row.get("new"))),
            )
    stray: list[Complaint] = []
    for error in answers.errors(answer):
        words = answers.complaint(error)
        blamed = [by_trace[t] for t in words.traces if t in by_trace]
        blamed = blamed or [by_ref[id] for id in words.ids if id in by_ref]
        for one in blamed:
            if open_inputs.pop(one.index, None) is not None:
                yield one.index, _rejected(words)
        if not blamed:
            stray.append(words)
    for index in open_inputs:
        if len(stray) == 1 and len(open_inputs) == 1:
            yield index, _rejected(stray[0])
        else:
            text = "; ".join(words.message for words in stray) or "HubSpot's answer leaves it out"
            yield index, WriteResult(Outcome.UNKNOWN, code=UNMATCHED, message=answers.shorten(text))


def _ref(example: Input, row: Answer) -> str:
    if not example.id_property:
        return str(row.get("id"))
    return str((row.get("properties") or {}).get(example.id_property))


def _rejected(words: Complaint) -> WriteResult:
    return WriteResult(
        Outcome.REJECTED, code=words.code, message=words.message, fields=words.fields
    )


def _all(indexes: set[int], outcome: Outcome, code: str, message: str) -> Iterator[Answered]:
    for index in sorted(indexes):
        yield index, WriteResult(outcome, code=code, message=message)


def _asked_to_come_back(error: Exception) -> bool:
    cause = error.__cause__
    return isinstance(cause, TransientError) and (cause.retry_after or 0) > LONGEST_HEEDED_WAIT
