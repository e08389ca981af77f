"""Very many writes at once through Bulk API 2.0 ingest, each row's outcome found by its key."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import msgspec
from simple_salesforce.api import Salesforce

from connectors.salesforce import jobs, soql, write
from connectors.salesforce.batching import LOCKED, Numbered
from connectors.salesforce.door import blamed, tidy
from connectors.salesforce.session import Session
from connectors.salesforce.write import wire
from syncd.connector import FieldUpdate, Outcome, TaskShape, TaskUpsert, Value, WriteResult
from syncd.errors import AccessError, RequestError, SyncdError, TransientError, UnreachableError

ROWS_A_JOB = 50_000
USUAL_CALLS = 10  # create, upload, close, a few looks, three results
GIVEN_UP = "JOB_FAILED"  # of a row that Salesforce gave up with its whole job
WORKING = ("UploadComplete", "InProgress")
CLOCKS_DIFFER = timedelta(minutes=10)
TOLD = frozenset({"sf__Id", "sf__Created", "sf__Error"})
"""The columns of a job's results that Salesforce adds to those of its rows."""
EMPTY = "#N/A"  # clears a field; an empty cell would leave it as it is

Single: TypeAlias = Callable[[list[int]], Iterator[Numbered]]
"""Writes these rows through collections instead; results are numbered from 0."""


class Load(NamedTuple):
    """Rows for one object. Each is named by the field `key`: Id, or the external id to upsert by.

    `row` makes the row of an index, `ids` are the records' ids where they are known.
    """

    object: str
    key: str
    row: Callable[[int], Mapping[str, Value]]
    ids: Sequence[str | None]

    @property
    def job(self) -> dict[str, str]:
        """What makes the job."""
        job = {"object": self.object, "contentType": "CSV", "lineEnding": "LF"}
        if self.key == "Id":
            return {**job, "operation": "update"}
        return {**job, "operation": "upsert", "externalIdFieldName": self.key}

    def name(self, value: Any) -> str:
        """A row's name, for finding it among the results: ids count by their first 15 characters.

        External ids are compared without case, as Salesforce compares most of them.
        """
        return str(value)[:15] if self.key == "Id" else str(value).lower()

    def rows(self) -> Iterator[Mapping[str, Value]]:
        """All rows, each made when its turn comes: they may be many, and long."""
        return map(self.row, range(len(self.ids)))

    def part(self, begin: int, end: int) -> Load:
        """Some of the rows."""
        return self._replace(row=lambda index: self.row(begin + index), ids=self.ids[begin:end])


def calls(rows: int) -> int:
    """The calls that so many rows usually cost."""
    return USUAL_CALLS * -(-rows // ROWS_A_JOB)


def update(session: Session, object: str, updates: Sequence[FieldUpdate]) -> Iterator[Numbered]:
    """Change fields of existing records of one object, in jobs of 50,000 rows."""

    def row(index: int) -> dict[str, Value]:
        change = updates[index]
        return {"Id": change.id, **change.fields}

    load = Load(object, "Id", row, [change.id for change in updates])

    def single(some: list[int]) -> Iterator[Numbered]:
        return write.update(session, object, [updates[index] for index in some])

    yield from _all(session, load, single)


def upsert_tasks(
    session: Session, shape: TaskShape, tasks: Sequence[TaskUpsert]
) -> Iterator[Numbered]:
    """Make or change tasks by their key, in jobs of 50,000 rows."""

    def row(index: int) -> dict[str, Value]:
        task = tasks[index]
        home = {shape.account_field: task.account_id} if shape.account_field else {}
        return {shape.key_field: task.key, **home, **task.fields}

    load = Load(shape.object, shape.key_field, row, [task.id for task in tasks])

    def single(some: list[int]) -> Iterator[Numbered]:
        return write.upsert_tasks(session, shape, [tasks[index] for index in some])

    yield from _all(session, load, single)


def unfinished(session: Session, since: datetime) -> Iterator[str]:
    """The paths of the jobs of this user that began since then and are still at work.

    A run that died leaves its job to Salesforce, which carries it out all the same. A job that
    was never closed does nothing, and Salesforce drops it.
    """
    user, path = session.user_id()[:15], "jobs/ingest?jobType=V2Ingest"
    asked: set[str] = set()
    while path and path not in asked:
        asked.add(path)
        try:
            answer = session.other(partial(_listed, path))
        except (RequestError, AccessError) as error:
            _tell(session, "bulk_jobs_unknown", error)
            return
        for job in answer.get("records") or ():
            mine = str(job.get("createdById") or "")[:15] == user
            if mine and job.get("state") in WORKING and _began(job, since):
                yield f"jobs/ingest/{job['id']}"
        path = str(answer.get("nextRecordsUrl") or "").partition("/jobs/ingest")[2]
        path = f"jobs/ingest{path}" if path else ""


def _listed(path: str, client: Salesforce) -> dict[str, Any]:
    answer = client.restful(path)
    return answer if isinstance(answer, dict) else {}


def _began(job: Mapping[str, Any], since: datetime) -> bool:
    """Whether it was made since then, by clocks that may differ; unknown: it may have been."""
    try:
        return soql.stamp(str(job["createdDate"])) >= since - CLOCKS_DIFFER
    except (KeyError, ValueError, TypeError):
        return True


def _all(session: Session, load: Load, single: Single) -> Iterator[Numbered]:
    for begin in range(0, len(load.ids), ROWS_A_JOB):
        part = load.part(begin, begin + ROWS_A_JOB)

        def again(some: list[int], begin: int = begin) -> Iterator[Numbered]:
            return single([begin + index for index in some])

        for index, result in _part(session, part, again):
            yield begin + index, result


def _part(session: Session, load: Load, single: Single) -> Iterator[Numbered]:
    """One job. Where Bulk API will not have it, or fails, and for locked rows, collections are
    used: to write a row again changes nothing.
    """
    path = _sent(session, load)
    if not path:
        yield from single(list(range(len(load.ids))))
        return
    again: list[int] = []
    for index, result in _outcomes(session, path, load):
        if result.code in (LOCKED, GIVEN_UP):
            again.append(index)
        else:
            yield index, result
    if again:
        for index, result in single(again):
            yield again[index], result


def _sent(session: Session, load: Load) -> str:
    """Make the job, upload the rows and set it going; its path, empty if nothing was set going."""
    body = msgspec.json.encode(load.job)

    def create(client: Salesforce) -> str:
        answer = client.restful("jobs/ingest", method="POST", data=body)
        if not isinstance(answer, dict) or not answer.get("id"):
            raise TransientError("Salesforce did not tell the job's id", applied=None)
        return str(answer["id"])

    try:
        path = f"jobs/ingest/{session.write(create)}"
    except (RequestError, AccessError, TransientError) as error:
        _tell(session, "bulk_ingest_not_possible", error)
        return ""
    text = _csv(load)
    headers = {"Content-Type": "text/csv"}
    try:
        session.write(
            lambda sf: session.raw(sf, "PUT", f"{path}/batches", data=text, headers=headers)
        )
    except (RequestError, AccessError, TransientError) as error:
        # Nothing is done with a job that was never closed, whatever of it arrived.
        _tell(session, "bulk_ingest_not_possible", error)
        _state(session, path, "Aborted")
        return ""
    _state(session, path, "UploadComplete")
    return path


def _state(session: Session, path: str, state: str) -> None:
    """Set a job's state, again if need be: that changes nothing, and the job is looked at next."""
    body = msgspec.json.encode({"state": state})
    try:
        session.other(lambda sf: sf.restful(path, method="PATCH", data=body))
    except RequestError as error:
        _tell(session, "bulk_job_state_uncertain", error)


def _tell(session: Session, event: str, error: SyncdError) -> None:
    if session.log is not None:
        session.log.warning(event, reason=str(error))


def _csv(load: Load) -> bytes:
    """The rows with all columns that any of them changes; an empty cell changes nothing."""
    columns = list(dict.fromkeys(name for row in load.rows() for name in row))
    told = io.BytesIO()
    with io.TextIOWrapper(told, encoding="utf-8", newline="", write_through=True) as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(columns)
        for row in load.rows():
            writer.writerow([_cell(row[name]) if name in row else "" for name in columns])
        return told.getvalue()


def _cell(value: Value) -> str:
    if value is None or value in ("", []):
        return EMPTY
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(wire(value))


def _outcomes(session: Session, path: str, load: Load) -> Iterator[Numbered]:
    """Each row's outcome. A row that no result names is unknown: the core looks at the record."""
    open_rows: dict[str, list[int]] = {}
    for index, row in enumerate(load.rows()):
        open_rows.setdefault(load.name(row[load.key]), []).append(index)
    state, message = "", ""
    try:
        job = jobs.ended(session, path)
        state, message = str(job["state"]), str(job.get("errorMessage") or "")
        if state == "Open":
            _state(session, path, "Aborted")
            message = "the job could not be set going"
        for name, read in (("successfulResults", _done), ("failedResults", _failed)):
            for told in _results(session, f"{path}/{name}", state, TOLD | {load.key}):
                given = told.get(load.key) or (told.get("sf__Id", "") if load.key == "Id" else "")
                same = open_rows.get(load.name(given))
                if same:
                    index = same.pop(0)
                    yield index, read(load.ids[index], told)
    except UnreachableError as error:
        message = str(error)
    stopped = state in ("Failed", "Aborted", "Open")
    outcome = Outcome.DEFERRED if stopped else Outcome.UNKNOWN
    text = f"the bulk job {path.rpartition('/')[2]} ended as {state or 'unknown'}: {message}"
    code = GIVEN_UP if state == "Failed" else ""
    for index in [index for rows in open_rows.values() for index in rows]:
        yield index, WriteResult(outcome, id=load.ids[index], code=code, message=text)


def _results(
    session: Session, path: str, state: str, columns: frozenset[str]
) -> Iterator[dict[str, str]]:
    if state not in jobs.ENDED:
        return
    locator = ""
    while True:
        params: dict[str, Any] = {"locator": locator} if locator else {}
        rows, locator = jobs.table(session, "other", path, params, columns)
        yield from rows
        if not locator:
            return


def _done(id: str | None, row: dict[str, str]) -> WriteResult:
    created = row.get("sf__Created", "").lower() == "true"
    return WriteResult(Outcome.DONE, id=id or row.get("sf__Id") or None, created=created)


def _failed(id: str | None, row: dict[str, str]) -> WriteResult:
    """``CODE:the org's text:Field1 Field2 --``, or ``CODE:the org's text:--``."""
    code, _, rest = row.get("sf__Error", "").partition(":")
    text, colon, names = rest.rpartition(":")
    if not colon:
        text, names = rest, ""
    text = tidy(text)
    fields = tuple(name.strip(",") for name in names.replace("--", " ").split())
    return WriteResult(
        Outcome.REJECTED, id=id, code=code, message=text, fields=fields or blamed(text)[1]
    )
