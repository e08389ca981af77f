"""Rows on their way out, 200 a call: batches by parent, one answer a row, locked rows again.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections.htm
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import msgspec
import requests
from simple_salesforce.api import Salesforce

from connectors.salesforce.door import blamed, tidy
from connectors.salesforce.query import NO_SUCH_ADDRESS
from connectors.salesforce.session import Session
from syncd.connector import ALLOWANCE, Outcome, WriteResult
from syncd.errors import (
    AccessError,
    AllowanceError,
    RequestError,
    SyncdError,
    TransientError,
    UnreachableError,
)
from syncd.retry import LONGEST_HEEDED_WAIT, heed, retrying

Row: TypeAlias = dict[str, Any]
Numbered: TypeAlias = tuple[int, WriteResult]

ROWS_A_CALL = 200
LOCKED = "UNABLE_TO_LOCK_ROW"
LOCK_ATTEMPTS = 4
REFUSED_CALLS = 24  # calls spent on finding the rows for which a whole batch is refused
LOST_IN_A_ROW = 3  # batches without an answer, after which the rest waits for the next run

_json = msgspec.json.Encoder(decimal_format="number")


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
    """Sends rows to one collections address, 200 at a time.

    An org that has no such address (it answers 404 or 405) gets the rows one by one.
    """

    def __init__(
        self, session: Session, path: str, row: Callable[[int], Row], single: Callable[[Row], str]
    ) -> None:
        """`row` makes the row of an index when its batch goes out.

        `path` is below ``/services/data/vNN.0/``, and so is a row's own that `single` gives.
        """
        self._session = session
        self._path = path
        self._row = row
        self._single = single
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
            unanswered = failure if isinstance(failure, TransientError) else None
            if unanswered is None and not _comes_later(failure):
                raise failure
            named = (unanswered.retry_after if unanswered is not None else None) or 0.0
            if unanswered is None or named > LONGEST_HEEDED_WAIT or lost == LOST_IN_A_ROW:
                for index in itertools.chain.from_iterable(waiting):
                    yield index, _with_id(_put_off(failure), ids[index])
                if unanswered is not None:
                    raise UnreachableError(str(failure)) from failure
                return
            if waiting:
                heed(unanswered)

    def _settle(self, batch: list[int]) -> SyncdError | None:
        """Send one batch and note what became of each row; returns what went wrong, if anything."""
        failure: SyncdError
        try:
            self._batch(batch)
        except TransientError as error:
            failure, rest = error, WriteResult(Outcome.UNKNOWN, message=str(error))
        except SyncdError as error:
            if not _comes_later(error):
                return error
            failure, rest = error, _put_off(error)
        else:
            return None
        for index in batch:
            self._results.setdefault(index, rest)
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
        rows = [self._row(index) for index in indexes]
        if self._path in self._session.absent:
            self._one_by_one(indexes)
            return
        try:
            self._results.update(zip(indexes, self._call(rows), strict=True))
        except (RequestError, AccessError) as error:
            if isinstance(error, RequestError) and _no_such_address(error):
                self._session.lacks(self._path, "rows are written one by one")
                self._one_by_one(indexes)
                return
            fields = error.fields if isinstance(error, AccessError) else ()
            names = frozenset(fields)
            refused = WriteResult(
                Outcome.REJECTED, code=error.code, message=str(error), fields=fields
            )
        else:
            return
        bad = [index for index, row in zip(indexes, rows, strict=True) if not names.isdisjoint(row)]
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

    def _one_by_one(self, indexes: list[int]) -> None:
        """Each row by a call of its own; the first that is not answered ends it."""
        for index in indexes:
            try:
                self._results[index] = self._alone(self._row(index))
            except (RequestError, AccessError) as error:
                names = error.fields if isinstance(error, AccessError) else ()
                self._results[index] = WriteResult(
                    Outcome.REJECTED, code=error.code, message=str(error), fields=names
                )

    def _alone(self, row: Row) -> WriteResult:
        path = self._single(row)
        named = path.split("/")
        # What the address names already must not be in the body.
        hidden = {"attributes", "id", named[2] if len(named) > 3 else ""}  # noqa: PLR2004 - …/X/FIELD/KEY
        body = _json.encode({name: value for name, value in row.items() if name not in hidden})

        def patch(client: Salesforce) -> WriteResult:
            answer = self._session.raw(client, "PATCH", path, data=body)
            told = answer.json() if answer.content else {}
            created = answer.status_code == requests.codes.created
            id = told.get("id") if isinstance(told, dict) else None
            return WriteResult(Outcome.DONE, id=id or row.get("id"), created=created)

        return self._session.write(patch)


def _no_such_address(error: RequestError) -> bool:
    """Whether it is the address that is missing, and not the field that it names."""
    return error.status in NO_SUCH_ADDRESS and "external id" not in str(error).lower()


def _comes_later(error: SyncdError) -> bool:
    """Whether Salesforce itself put off the call: allowance used up, or a long wait asked for."""
    cause = error.__cause__
    return isinstance(error, AllowanceError) or (
        isinstance(cause, TransientError) and cause.retry_after is not None
    )


def _put_off(error: SyncdError) -> WriteResult:
    """The result of a row that waits for the next run."""
    code = ALLOWANCE if isinstance(error, AllowanceError) else ""
    return WriteResult(Outcome.DEFERRED, code=code, message=str(error))


def _with_id(result: WriteResult, id: str | None) -> WriteResult:
    return result if result.id or id is None else msgspec.structs.replace(result, id=id)
