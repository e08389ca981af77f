"""Large full pulls through Bulk API 2.0 queries; the job's id in the cursor outlives a restart."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from connectors.salesforce import jobs
from connectors.salesforce.describe import Describes
from connectors.salesforce.query import Query
from connectors.salesforce.session import Session
from connectors.salesforce.shape import Progress, Shape
from syncd.connector import Cursor, Page
from syncd.errors import (
    AccessError,
    IncompleteReadError,
    RequestError,
    TransientError,
    UnreachableError,
)

PAGE_ROWS = 10_000


def start(session: Session, query: Query) -> str:
    """Begin the query as a job; returns its id, empty where Bulk API cannot do this query."""
    body = msgspec.json.encode(
        {
            "operation": "queryAll" if query.deleted else "query",
            "query": query._replace(order="").text,
        }
    )

    def create(client: Any) -> str:
        answer = client.restful("jobs/query", method="POST", data=body)
        if not isinstance(answer, dict) or not answer.get("id"):
            raise TransientError("Salesforce did not tell the job's id", applied=None)
        return str(answer["id"])

    try:
        return session.read(create)
    except (RequestError, AccessError, UnreachableError) as error:
        if session.log is not None:
            session.log.info("bulk_query_not_possible", object=query.object, reason=str(error))
        return ""


def alive(session: Session, job: str) -> bool:
    """Whether a job of an earlier run can still be used (results are kept for 7 days)."""
    try:
        return jobs.look(session, f"jobs/query/{job}")["state"] not in ("Failed", "Aborted")
    except RequestError:
        return False


def pull(
    session: Session, describes: Describes, shape: Shape, cursor: Cursor
) -> Generator[Page, None, bool]:
    """The job's records, from the result page at which the cursor stands; whether that was all.

    False where the job failed or was aborted, or its results are gone: they are kept for seven
    days. Raises IncompleteReadError when it takes too long, or gives too few rows.
    """
    job, locator = str(cursor["job"]), str(cursor.get("locator", ""))
    count = int(cursor.get("count", 0))
    progress = Progress.resumed(session, shape.marks, cursor)
    told = jobs.ended(session, f"jobs/query/{job}")
    state = str(told["state"])
    if state not in jobs.ENDED:
        raise IncompleteReadError(
            f"{shape.source.object}: the bulk query {job} is {state} after "
            f"{session.settings.limits.bulk_deadline_minutes:g} minutes: it goes on, and the next "
            "run takes it up (limits.bulk_deadline_minutes)"
        )
    if state != jobs.DONE:
        return _lost(session, shape, job, f"{state}: {told.get('errorMessage') or 'no reason'}")
    codecs = _codecs(describes, shape)
    while True:
        params = {"maxRecords": PAGE_ROWS} | ({"locator": locator} if locator else {})
        try:
            rows, locator = jobs.table(session, "read", f"jobs/query/{job}/results", params)
        except RequestError as error:
            return _lost(session, shape, job, str(error))
        records = [shape.flat_record(_read(row, codecs)) for row in rows]
        count += len(records)
        progress.note(session, records)
        if locator:
            yield Page(records, progress.halfway(job=job, locator=locator, count=count))
            continue
        announced = int(told.get("numberRecordsProcessed") or 0)
        if count < announced:
            raise IncompleteReadError(
                f"{shape.source.object}: bulk query {job} found {announced} rows and gave {count}"
            )
        yield Page(records, progress.complete() if shape.marks.stamp else None)
        return True


def _lost(session: Session, shape: Shape, job: str, reason: str) -> bool:
    if session.log is not None:
        session.log.warning("bulk_query_lost", object=shape.source.object, job=job, reason=reason)
    return False


def _read(row: Mapping[str, str], codecs: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    """A row by column in lower case; what was not asked for stays text."""
    return {name.lower(): codecs.get(name.lower(), _text)(cell) for name, cell in row.items()}


def _text(cell: str) -> Any:
    return cell or None


def _moment(cell: str) -> Any:
    """As REST writes it, so that the same value is the same text however it was read."""
    return cell.removesuffix("Z") + "+0000" if cell.endswith("Z") else cell or None


def _decimal(cell: str) -> Any:
    return Decimal(cell) if cell else None


def _whole(cell: str) -> Any:
    return int(Decimal(cell)) if cell else None


def _boolean(cell: str) -> Any:
    return cell.lower() == "true" if cell else None


CODECS: Mapping[str, Callable[[str], Any]] = {
    "boolean": _boolean,
    "int": _whole,
    "long": _whole,
    "double": _decimal,
    "currency": _decimal,
    "percent": _decimal,
    "datetime": _moment,
}


def _codecs(describes: Describes, shape: Shape) -> dict[str, Callable[[str], Any]]:
    """How to read each column, by its name in lower case: CSV has no types of its own."""
    return {
        name.lower(): CODECS.get(_vendor_type(describes, shape.source.object, name), _text)
        for name in shape.fields
    }


def _vendor_type(describes: Describes, object: str, path: str) -> str:
    """Salesforce's type of the field at a path; empty where no parent object has it."""
    first, dot, rest = path.partition(".")
    known = describes.of(object)
    if not dot:
        field = known.schema.find(first)
        return field.vendor_type if field is not None else ""
    for parent in known.relations.get(first.lower(), ()):
        try:
            found = _vendor_type(describes, parent, rest)
        except AccessError:
            continue
        if found:
            return found
    return ""
