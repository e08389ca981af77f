"""Writing records and tasks: batches of 100, one outcome for each input.

* Each input bears an ``objectWriteTraceId``; without it one bad property fails the whole batch.
  Outcomes are matched by that id or by the record's id, never by their order.
* A batch that is refused whole is divided until the bad inputs stand alone.
* A connection that breaks after sending, or a 5xx, leaves the batch UNKNOWN: it is not repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from connectors.hubspot import answers
from connectors.hubspot.answers import Answer, Complaint
from connectors.hubspot.door import Door, RefusedError
from connectors.hubspot.linking import Linking
from connectors.hubspot.paths import Paths
from connectors.hubspot.wire import wire
from syncd.connector import (
    FieldUpdate,
    ObjectSchema,
    Outcome,
    TaskShape,
    TaskUpsert,
    Value,
    WriteResult,
)
from syncd.errors import (
    AccessError,
    AllowanceError,
    LoginError,
    TransientError,
    UnreachableError,
)
from syncd.retry import LONGEST_HEEDED_WAIT

BATCH = 100
Answered = tuple[int, WriteResult]

_BLAMES_A_PROPERTY = ("PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE")
_NEW_TASK = {"hs_task_type": "TODO"}


class Input(Struct, frozen=True):
    """One input of a batch. `ref` is what HubSpot knows it by: the record's id, or the key."""

    index: int
    ref: str
    properties: dict[str, str]
    id_property: str = ""

    @property
    def body(self) -> dict[str, Any]:
        """The input as it goes out."""
        body: dict[str, Any] = {
            "id": self.ref,
            "properties": self.properties,
            "objectWriteTraceId": str(self.index),
        }
        return body | ({"idProperty": self.id_property} if self.id_property else {})


class Writer:
    """Changes fields of records, and makes and changes tasks."""

    def __init__(
        self, door: Door, paths: Paths, schema: Callable[[str], ObjectSchema], zone: ZoneInfo
    ) -> None:
        """`schema` gives an object's types, `zone` the noon of dates."""
        self._door = door
        self._paths = paths
        self._schema = schema
        self._zone = zone
        self._linking = Linking(door, paths)

    def update(self, object: str, updates: Sequence[FieldUpdate]) -> Iterator[Answered]:
        """Change fields of existing records."""
        inputs = [
            Input(index, update.id, self._wire(object, update.fields))
            for index, update in enumerate(updates)
        ]
        yield from self._carry_out(
            inputs, lambda batch: self._send(self._paths.batch(object, "update"), batch)
        )

    def upsert_tasks(self, shape: TaskShape, tasks: Sequence[TaskUpsert]) -> Iterator[Answered]:
        """Change tasks whose id is known; make or change the others by their key, and link them.

        A task that was made but could not be linked is answered without an id, so that it is
        tried again by its key.
        """
        known: list[Input] = []
        new: list[Input] = []
        for index, task in enumerate(tasks):
            properties = self._wire(shape.object, task.fields)
            if shape.account_field:
                properties[shape.account_field] = task.account_id
            if task.id:
                known.append(Input(index, task.id, properties))
            else:
                properties = {**_NEW_TASK, **properties, shape.key_field: task.key}
                new.append(Input(index, task.key, properties, shape.key_field))
        yield from self._carry_out(
            known, lambda batch: self._send(self._paths.batch(shape.object, "update"), batch)
        )
        yield from self._carry_out(new, lambda batch: self._make(shape, tasks, batch))

    def _make(
        self, shape: TaskShape, tasks: Sequence[TaskUpsert], batch: list[Input]
    ) -> Iterator[Answered]:
        made: dict[int, WriteResult] = {}
        for index, result in self._send(self._paths.batch(shape.object, "upsert"), batch):
            if result.outcome is Outcome.DONE and shape.account_association is not None:
                made[index] = result
            else:
                yield index, result
        if not made or shape.account_association is None:
            return
        pairs = {
            (result.id or "", tasks[index].account_id): index for index, result in made.items()
        }
        refused = self._linking.link(shape.object, shape.account_association, list(pairs))
        for pair, index in pairs.items():
            if pair in refused:
                words = refused[pair]
                text = f"task {pair[0]} could not be linked to {pair[1]}: {words.message}"
                yield index, WriteResult(Outcome.REJECTED, code=words.code, message=text)
            else:
                yield index, made[index]

    def _wire(self, object: str, fields: Any) -> dict[str, str]:
        schema = self._schema(object)
        return {name: self._wire_one(schema, name, value) for name, value in fields.items()}

    def _wire_one(self, schema: ObjectSchema, name: str, value: Value) -> str:
        field = schema.find(name)
        return wire(value, field.type if field is not None else None, self._zone)

    def _carry_out(
        self, inputs: Sequence[Input], send: Callable[[list[Input]], Iterator[Answered]]
    ) -> Iterator[Answered]:
        waiting = {one.index for one in inputs}
        try:
            for batch in _batches(inputs):
                for index, result in send(batch):
                    waiting.discard(index)
                    yield index, result
        except AllowanceError as error:
            yield from _all(waiting, Outcome.DEFERRED, "ALLOWANCE", str(error))
        except AccessError as error:
            text = f"{error} {error.remedy}".strip()
            yield from _all(waiting, Outcome.REJECTED, error.code or "FORBIDDEN", text)
        except (UnreachableError, LoginError) as error:
            # Nothing was done about these: raised only where HubSpot surely did nothing.
            yield from _all(waiting, Outcome.DEFERRED, "", str(error))
            if not _asked_to_come_back(error):
                raise

    def _send(self, path: str, inputs: list[Input]) -> Iterator[Answered]:
        try:
            answer = self._door.write("POST", path, body={"inputs": [one.body for one in inputs]})
        except TransientError as error:
            for one in inputs:
                yield one.index, WriteResult(Outcome.UNKNOWN, message=str(error))
        except RefusedError as error:
            for part in _divide(inputs, error.complaint):
                if part is inputs:
                    for one in inputs:
                        yield one.index, _rejected(error.complaint)
                else:
                    yield from self._send(path, part)
        else:
            yield from _matched(inputs, answer)

    @staticmethod
    def calls(updates: Iterable[int], tasks: int) -> int:
        """Calls for so many updates of each object, and tasks (made and linked)."""
        return sum(-(-n // BATCH) for n in updates) + 2 * -(-tasks // BATCH)


def _batches(inputs: Sequence[Input]) -> Iterator[list[Input]]:
    """Inputs by 100, never the same record twice in one batch (HubSpot refuses such a batch)."""
    rest = list(inputs)
    while rest:
        batch: dict[str, Input] = {}
        later: list[Input] = []
        for one in rest:
            if one.ref in batch or len(batch) == BATCH:
                later.append(one)
            else:
                batch[one.ref] = one
        yield list(batch.values())
        rest = later


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
        if one is not None and open_inputs.pop(one.index, None) is not None:
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
            yield index, WriteResult(Outcome.UNKNOWN, message=answers.shorten(text))


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
