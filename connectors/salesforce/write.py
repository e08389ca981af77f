"""Writing: fields of records and tasks, 200 a call, each row with an answer of its own.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections.htm
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

import msgspec
from simple_salesforce.api import Salesforce

from connectors.salesforce.door import blamed, tidy
from connectors.salesforce.session import Session
from syncd.connector import FieldUpdate, Outcome, TaskShape, TaskUpsert, Value, WriteResult
from syncd.errors import (
    AccessError,
    AllowanceError,
    RequestError,
    SyncdError,
    TransientError,
    UnreachableError,
)
from syncd.retry import retrying

Row = dict[str, Any]
Numbered = tuple[int, WriteResult]

ROWS_A_CALL = 200
LOCKED = "UNABLE_TO_LOCK_ROW"
LOCK_ATTEMPTS = 4
REFUSED_CALLS = 24  # calls spent on finding the rows for which a whole batch is refused
LOST_IN_A_ROW = 3  # batches without an answer, after which the rest waits for the next run

_json = msgspec.json.Encoder(decimal_format="number")


def wire(value: Value) -> Any:
    """A value in its wire form: UTC datetimes, lists joined by ``;``, the rest as JSON has it."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return ";".join(value)
    return value


def batches(groups: Sequence[str], size: int = ROWS_A_CALL) -> list[list[int]]:
    """Indexes in batches of at most `size`, those of one group together.

    Where keeping a group together would cost a further call it is cut: batches go one after
    the other, so even then no two calls lock one parent at once.
    """
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group or f"\0{index}", []).append(index)
    ordered = [index for together in members.values() for index in together]
    sliced = [ordered[start : start + size] for start in range(0, len(ordered), size)]
    packed: list[list[int]] = [[]]
    for together in members.values():
        if len(packed[-1]) + len(together) > size and packed[-1]:
            packed.append([])
        packed[-1].extend(together)
    fits = len(packed) == len(sliced) and all(len(batch) <= size for batch in packed)
    return packed if fits and ordered else sliced


def outcome(row: Any) -> WriteResult:
    """One row of a collections answer, read."""
    if not isinstance(row, dict) or "success" not in row:
        return WriteResult(Outcome.UNKNOWN, message="the answer's line was not complete")
    if row["success"]:
        return WriteResult(Outcome.DONE, id=row.get("id"), created=bool(row.get("created")))
    errors = row.get("errors") or [{}]
    first = errors[0]
    text = "; ".join(tidy(str(error.get("message", ""))) for error in errors)
    fields = tuple(first.get("fields") or ()) or blamed(text)[1]
    code = str(first.get("statusCode") or first.get("errorCode") or "")
    return WriteResult(Outcome.REJECTED, id=row.get("id"), code=code, message=text, fields=fields)


class _LockedError(TransientError):
    """Rows of the batch were locked by someone else; they alone are worth another try."""


class Collections:
    """Sends rows to one collections address, 200 at a time."""

    def __init__(self, session: Session, path: str, rows: Sequence[Row]) -> None:
        """`path` is below ``/services/data/vNN.0/``."""
        self._session = session
        self._path = path
        self._rows = rows
        self._results: dict[int, WriteResult] = {}

    def send(self, ids: Sequence[str | None], groups: Sequence[str]) -> Iterator[Numbered]:
        """Send all rows; yields each row's result. Raises as a Connector's `update` does."""
        lost = 0
        waiting = batches(groups)
        while waiting:
            batch = waiting.pop(0)
            failure = self._settle(batch)
            for index in batch:
                if index in self._results:
                    yield index, _with_id(self._results.pop(index), ids[index])
            if failure is None:
                lost = 0
                continue
            lost += 1
            unanswered = isinstance(failure, TransientError)
            if not unanswered and not _comes_later(failure):
                raise failure
            if not unanswered or lost == LOST_IN_A_ROW:
                for index in itertools.chain.from_iterable(waiting):
                    yield index, WriteResult(Outcome.DEFERRED, id=ids[index], message=str(failure))
                return

    def _settle(self, batch: list[int]) -> SyncdError | None:
        """Send one batch and note what became of each row; returns what went wrong, if anything."""
        failure: SyncdError
        try:
            self._batch(batch)
        except TransientError as error:
            failure, rest = error, Outcome.UNKNOWN
        except SyncdError as error:
            if not _comes_later(error):
                return error
            failure, rest = error, Outcome.DEFERRED
        else:
            return None
        for index in batch:
            self._results.setdefault(index, WriteResult(rest, message=str(failure)))
        return failure

    def _batch(self, batch: list[int]) -> None:
        """One batch; rows that others had locked are sent again a few times."""
        results = self._results

        def attempt() -> None:
            pending = [index for index in batch if index not in results]
            self._whole_or_halves(pending, REFUSED_CALLS)
            locked = [index for index in pending if results[index].code == LOCKED]
            if locked:
                text = results[locked[0]].message
                for index in locked:
                    del results[index]
                raise _LockedError(text)

        try:
            retrying(
                attempt,
                attempts=LOCK_ATTEMPTS,
                repeat=lambda error: isinstance(error, _LockedError),
            )
        except UnreachableError as error:
            if not isinstance(error.__cause__, _LockedError):
                raise
            put_off = WriteResult(Outcome.DEFERRED, code=LOCKED, message=str(error))
            for index in batch:
                results.setdefault(index, put_off)

    def _whole_or_halves(self, indexes: list[int], calls_left: int) -> None:
        """Send the rows; a batch refused as a whole is cut so that the good rows go through."""
        if not indexes:
            return
        rows = [self._rows[index] for index in indexes]
        try:
            self._results.update(zip(indexes, self._call(rows), strict=True))
        except (RequestError, AccessError) as error:
            names = error.fields if isinstance(error, AccessError) else ()
            refused = WriteResult(
                Outcome.REJECTED, code=error.code, message=str(error), fields=names
            )
        else:
            return
        bad = [index for index in indexes if any(name in self._rows[index] for name in names)]
        if len(indexes) == 1 or calls_left <= 0:
            bad = indexes
        if bad:
            self._results.update(dict.fromkeys(bad, refused))
            good = [index for index in indexes if index not in self._results]
            self._whole_or_halves(good, calls_left - 1)
            return
        middle = len(indexes) // 2
        self._whole_or_halves(indexes[:middle], calls_left // 2)
        self._whole_or_halves(indexes[middle:], calls_left // 2)

    def _call(self, rows: list[Row]) -> list[WriteResult]:
        body = _json.encode({"allOrNone": False, "records": rows})

        def patch(client: Salesforce) -> Any:
            answer = client.restful(self._path, method="PATCH", data=body)
            if not isinstance(answer, list) or len(answer) != len(rows):
                raise TransientError("the answer does not have a line for each row", applied=None)
            return answer

        return [outcome(row) for row in self._session.write(patch)]


def _comes_later(error: SyncdError) -> bool:
    """Whether Salesforce itself put off the call: allowance used up, or a long wait asked for."""
    cause = error.__cause__
    return isinstance(error, AllowanceError) or (
        isinstance(cause, TransientError) and cause.retry_after is not None
    )


def _with_id(result: WriteResult, id: str | None) -> WriteResult:
    return result if result.id or id is None else msgspec.structs.replace(result, id=id)


def update(session: Session, object: str, updates: Sequence[FieldUpdate]) -> Iterator[Numbered]:
    """Change fields of existing records of one object."""
    rows = [
        {
            "attributes": {"type": object},
            "id": change.id,
            **{name: wire(value) for name, value in change.fields.items()},
        }
        for change in updates
    ]
    sender = Collections(session, "composite/sobjects", rows)
    return sender.send([change.id for change in updates], [change.group for change in updates])


def upsert_tasks(
    session: Session, shape: TaskShape, tasks: Sequence[TaskUpsert]
) -> Iterator[Numbered]:
    """Change the tasks whose id is known; make or change the others by their key."""
    known = [index for index, task in enumerate(tasks) if task.id]
    new = [index for index, task in enumerate(tasks) if not task.id]
    if known:
        updates = [
            FieldUpdate(tasks[index].id or "", tasks[index].fields, tasks[index].account_id)
            for index in known
        ]
        yield from _renumbered(known, update(session, shape.object, updates))
    if new:
        path = (
            f"composite/sobjects/{quote(shape.object, safe='')}/{quote(shape.key_field, safe='')}"
        )
        rows = [_task_row(shape, tasks[index]) for index in new]
        sender = Collections(session, path, rows)
        groups = [tasks[index].account_id for index in new]
        yield from _renumbered(new, sender.send([None] * len(new), groups))


def _task_row(shape: TaskShape, task: TaskUpsert) -> Row:
    row: Row = {"attributes": {"type": shape.object}, shape.key_field: task.key}
    if shape.account_field:
        row[shape.account_field] = task.account_id
    return row | {name: wire(value) for name, value in task.fields.items()}


def _renumbered(indexes: Sequence[int], results: Iterator[Numbered]) -> Iterator[Numbered]:
    for index, result in results:
        yield indexes[index], result


def calls(rows: int) -> int:
    """The calls that so many rows cost."""
    return -(-rows // ROWS_A_CALL)
