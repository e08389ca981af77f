"""Reading: full pulls, increments, ids.

A full pull goes by Id and may be resumed after any page; a very large one goes through Bulk API.
An increment reads everything whose stamp is not before the cursor, without an upper end, so
nothing fresh is hidden; the cursor then stays behind the pull's start by the lag, because a stamp
is set before its transaction commits. What was deleted comes from the Recycle Bin with it; what was
removed past the bin shows in Salesforce's list of deletions, asked for once an hour (`deletions`).
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.salesforce import bulk, deletions, soql
from connectors.salesforce.describe import Describes, Marks
from connectors.salesforce.query import Query, Rows, pages
from connectors.salesforce.session import Session
from connectors.salesforce.shape import Progress, Shape
from syncd.connector import Cursor, Page, Record, Source
from syncd.errors import RequestError

ROWS_A_PAGE = 2_000
SMALL_PAGES = 10  # a bulk query of any size takes about three calls
LOST_LOCATOR = "INVALID_QUERY_LOCATOR"


def full(session: Session, describes: Describes, shape: Shape, cursor: Cursor) -> Iterator[Page]:
    """All records of the source, from where the cursor of a cut-off pull stands.

    A bulk job that Salesforce gave up on, or whose results are gone, costs time only: the
    records are then read page by page.
    """
    if "job" in cursor and bulk.alive(session, str(cursor["job"])):
        if (yield from bulk.pull(session, describes, shape, cursor)):
            return
        cursor = {}
    by_bulk = "after" not in cursor
    progress = Progress.resumed(session, shape.marks, cursor)
    after, begun_at = str(cursor.get("after", "")), None
    while True:
        conditions = _filter(shape.source)
        if after:
            conditions.append(f"Id > {soql.text(after)}")
        query = shape.query(conditions, "Id", deleted=shape.source.keep_deleted)
        try:
            for page in pages(session, query):
                if by_bulk and _is_large(page, session.settings.limits.bulk_threshold):
                    by_bulk = False
                    job = bulk.start(session, query)
                    if job:
                        progress.note(session, ())
                        bookmark = progress.halfway(job=job)
                        yield Page((), bookmark)
                        if (yield from bulk.pull(session, describes, shape, bookmark)):
                            return
                        break
                records = [shape.record(row) for row in page.rows]
                progress.note(session, records)
                after = records[-1].id if records else after
                if page.last:
                    yield Page(records, progress.complete() if shape.marks.stamp else None)
                    return
                yield Page(records, progress.halfway(after=after))
        except RequestError as error:
            if error.code != LOST_LOCATOR or after == begun_at:
                raise
            begun_at = after


def _is_large(page: Rows, threshold: int) -> bool:
    """Whether there are more than `threshold` rows, or they would come in too many small pages.

    Salesforce gives rows with two or more custom long texts 200 a page (SOQL reference, query
    result size): ten times the calls for the same rows. What would fit into one page of the usual
    size is never read by a job for the sake of its pages.
    """
    if page.last or page.total <= ROWS_A_PAGE:
        return page.total > threshold
    most = min(SMALL_PAGES, threshold / ROWS_A_PAGE)
    small = len(page.rows) < ROWS_A_PAGE
    return page.total > threshold or (small and page.total > len(page.rows) * most)


def _filter(source: Source) -> list[str]:
    """The source's condition, if it has one."""
    return [source.where] if isinstance(source.where, str) and source.where else []


def increment(session: Session, shape: Shape, cursor: Cursor) -> Iterator[Page]:
    """What changed since the cursor, in the order of its stamps; deleted records come as gone.

    Under a `where`, the ids of all changed records are read first: those that the filtered
    read does not return have left the source. (Read in that order, a record that enters the
    source in between is not taken for one that left.)
    """
    source, stamp = shape.source, shape.marks.stamp
    since = str(cursor["modstamp"])
    progress = Progress.resumed(session, shape.marks, cursor)
    changed: dict[str, None] = {}
    conditions = [f"{stamp} >= {since}"]
    if _filter(source):
        keeps = shape.marks.keeps_deleted
        ids = Query(source.object, ("Id",), tuple(conditions), "", keeps)
        for found in pages(session, ids):
            progress.note(session, ())
            changed.update(dict.fromkeys(row["Id"] for row in found.rows))
        if not changed:
            yield deletions.page(session, shape, progress, cursor)
            return
        conditions += _filter(source)
    query = shape.query(conditions, f"{stamp}, Id", deleted=True)
    for page in pages(session, query):
        records = [shape.record(row) for row in page.rows]
        progress.note(session, records)
        for record in records:
            changed.pop(record.id, None)
        if not page.last:
            # Under a where, only the end knows who left; without one, each page stands alone.
            yield Page(records, None if source.where else deletions.kept(progress, cursor))
            continue
        left = [Record(id=id, fields={}, gone=True) for id in changed]
        yield Page([*records, *left], deletions.kept(progress, cursor))
    yield deletions.page(session, shape, progress, cursor)


def ids(session: Session, source: Source, marks: Marks) -> Iterator[str]:
    """The ids of the source's records now; archived tasks are among them, deleted ones not."""
    conditions = _filter(source)
    archived = source.keep_deleted and marks.keeps_deleted
    if archived:
        conditions.append("IsDeleted = false")
    query = Query(source.object, ("Id",), tuple(conditions), "", archived)
    for page in pages(session, query):
        yield from (row["Id"] for row in page.rows)
