"""Very many updates at once through Bulk API 2.0 ingest, each row's outcome looked up by its id."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from simple_salesforce.api import Salesforce

from connectors.salesforce import jobs, write
from connectors.salesforce.batching import LOCKED, Numbered
from connectors.salesforce.door import blamed, tidy
from connectors.salesforce.session import Session
from connectors.salesforce.write import wire
from syncd.connector import FieldUpdate, Outcome, Value, WriteResult
from syncd.errors import AccessError, RequestError, SyncdError, TransientError, UnreachableError

ROWS_A_JOB = 50_000
USUAL_CALLS = 10  # create, upload, close, a few looks, three results
EMPTY = "#N/A"  # clears a field; an empty cell would leave it as it is


def calls(rows: int) -> int:
    """The calls that so many rows usually cost."""
    return USUAL_CALLS * -(-rows // ROWS_A_JOB)


def update(session: Session, object: str, updates: Sequence[FieldUpdate]) -> Iterator[Numbered]:
    """Change fields of existing records of one object, in jobs of 50,000 rows."""
    for begin in range(0, len(updates), ROWS_A_JOB):
        part = updates[begin : begin + ROWS_A_JOB]
        for index, result in _part(session, object, part):
            yield begin + index, result


def _part(session: Session, object: str, updates: Sequence[FieldUpdate]) -> Iterator[Numbered]:
    """One job. Where Bulk API will not have it, and for locked rows, collections are used."""
    path = _sent(session, object, updates)
    if not path:
        yield from write.update(session, object, updates)
        return
    again: list[int] = []
    for index, result in _outcomes(session, path, updates):
        if result.code == LOCKED:
            again.append(index)
        else:
            yield index, result
    for index, result in write.update(session, object, [updates[index] for index in again]):
        yield again[index], result


def _sent(session: Session, object: str, updates: Sequence[FieldUpdate]) -> str:
    """Make the job, upload the rows and set it going; its path, empty if nothing was set going."""
    job = {"operation": "update", "object": object, "contentType": "CSV", "lineEnding": "LF"}
    body = msgspec.json.encode(job)

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
    text = _csv(updates).encode()
    headers = {"Content-Type": "text/csv"}
    try:
        session.write(
            lambda sf: session.raw(sf, "PUT", f"{path}/batches", data=text, headers=headers)
        )
    except (RequestError, TransientError) as error:
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


def _csv(updates: Sequence[FieldUpdate]) -> str:
    """The rows with all columns that any of them changes; an empty cell changes nothing."""
    columns = list(dict.fromkeys(name for change in updates for name in change.fields))
    target = io.StringIO(newline="")
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(["Id", *columns])
    for change in updates:
        cells = [_cell(change.fields[name]) if name in change.fields else "" for name in columns]
        writer.writerow([change.id, *cells])
    return target.getvalue()


def _cell(value: Value) -> str:
    if value is None or value in ("", []):
        return EMPTY
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(wire(value))


def _outcomes(session: Session, path: str, updates: Sequence[FieldUpdate]) -> Iterator[Numbered]:
    """Each row's outcome. A row that no result names is unknown: the core looks at the record."""
    open_rows: dict[str, list[int]] = {}
    for index, change in enumerate(updates):
        open_rows.setdefault(change.id[:15], []).append(index)
    state, message = "", ""
    try:
        job = jobs.ended(session, path)
        state, message = str(job["state"]), str(job.get("errorMessage") or "")
        if state == "Open":
            _state(session, path, "Aborted")
            message = "the job could not be set going"
        for name, read in (("successfulResults", _done), ("failedResults", _failed)):
            for row in _results(session, f"{path}/{name}", state):
                key = (row.get("Id") or row.get("sf__Id", ""))[:15]
                if open_rows.get(key):
                    index = open_rows[key].pop(0)
                    yield index, read(updates[index].id, row)
    except UnreachableError as error:
        message = str(error)
    stopped = state in ("Failed", "Aborted", "Open")
    outcome = Outcome.DEFERRED if stopped else Outcome.UNKNOWN
    text = f"the bulk job {path.rpartition('/')[2]} ended as {state or 'unknown'}: {message}"
    for index in [index for rows in open_rows.values() for index in rows]:
        yield index, WriteResult(outcome, id=updates[index].id, message=text)


def _results(session: Session, path: str, state: str) -> Iterator[dict[str, str]]:
    if state not in jobs.ENDED:
        return
    locator = ""
    while True:
        params: dict[str, Any] = {"locator": locator} if locator else {}
        rows, locator = jobs.table(session, "other", path, params)
        yield from rows
        if not locator:
            return


def _done(id: str, row: dict[str, str]) -> WriteResult:
    del row
    return WriteResult(Outcome.DONE, id=id)


def _failed(id: str, row: dict[str, str]) -> WriteResult:
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
