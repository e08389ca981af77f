"""What was deleted, by Salesforce's own list: also what is past the Recycle Bin.

A record that was removed for good (the bin emptied, a hard delete) leaves no row that an increment
could find. The list of deletions has it for 15 days. It costs a call for each source, so it is
asked for once an hour, and each id that it names is looked at before it is believed; a full run
finds what it does not tell.
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_getdeleted.htm
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from simple_salesforce.api import Salesforce

from connectors.salesforce import soql
from connectors.salesforce.query import NO_SUCH_ADDRESS, by_values
from connectors.salesforce.session import Session
from connectors.salesforce.shape import DELETIONS, Progress, Shape
from syncd.connector import Cursor, Page, Record
from syncd.errors import AccessError, RequestError, UnreachableError

EVERY = timedelta(hours=1)
KEPT_FOR = timedelta(days=15) - timedelta(minutes=5)
LIST = "deleted"
TRIES = 2  # it is good to have, and a run can do without
MOST = 2_000  # ids that are looked at; of more only a full run makes sense


def kept(progress: Progress, cursor: Cursor) -> Cursor:
    """The increment's new cursor; up to when deletions are known stays as it was."""
    return {**progress.cursor(), DELETIONS: cursor.get(DELETIONS) or cursor["modstamp"]}


def page(session: Session, shape: Shape, progress: Progress, cursor: Cursor) -> Page:
    """What was deleted since that was last asked, as gone; empty if it was within the hour.

    Without such a list (an org that has none, an object that is not replicated) deletions past
    the bin wait for the next full run.
    """
    bookmark, now = kept(progress, cursor), progress.started
    since = soql.stamp(bookmark[DELETIONS])
    if now is None or not shape.marks.keeps_deleted or now - since < EVERY:
        return Page((), bookmark)
    answer = _answered(session, shape.source.object, max(since, now - KEPT_FOR), now)
    told = [row for row in answer.get("deletedRecords") or () if isinstance(row, dict)]
    ids = list(dict.fromkeys(str(row["id"]) for row in told if row.get("id")))
    if len(ids) > MOST:
        _tell(session, shape.source.object, f"{len(ids)} deletions are left to the next full run")
        ids = []
    return Page(_gone(session, shape, ids), {**bookmark, DELETIONS: _covered(answer, since, now)})


def _gone(session: Session, shape: Shape, ids: list[str]) -> list[Record]:
    """Those of these records that are not there any more, merged ones with their survivor."""
    rows = by_values(session, shape.query((), deleted=True), "Id", ids) if ids else ()
    found = {row["Id"]: shape.record(row) for row in rows}
    absent = [Record(id=id, fields={}, gone=True) for id in ids if id not in found]
    return [*(record for record in found.values() if record.gone), *absent]


def _covered(answer: dict[str, Any], since: datetime, now: datetime) -> str:
    """Up to when the list is complete: Salesforce holds back what is still being committed."""
    try:
        told = soql.stamp(str(answer["latestDateCovered"])).astimezone(UTC)
    except (KeyError, ValueError):
        told = now
    return soql.moment(min(max(told, since), now))


def _answered(session: Session, object: str, since: datetime, now: datetime) -> dict[str, Any]:
    """The answer; empty where there is none to be had."""
    span = {"start": _minute(since), "end": _minute(now)}
    path = f"sobjects/{quote(object, safe='')}/deleted/"

    def ask(client: Salesforce) -> Any:
        return client.restful(path, params=span)

    if LIST in session.absent:
        return {}
    try:
        answer = session.read(ask, attempts=TRIES)
    except (AccessError, RequestError, UnreachableError) as error:
        missing = isinstance(error, RequestError) and error.status in NO_SUCH_ADDRESS
        if missing or isinstance(error, UnreachableError):
            session.lacks(LIST, "only full runs find what is past the Recycle Bin")
        else:
            _tell(session, object, str(error))
        return {}
    return answer if isinstance(answer, dict) else {}


def _tell(session: Session, object: str, reason: str) -> None:
    if session.log is not None:
        session.log.info("crm_deletions_unknown", object=object, reason=reason)


def _minute(at: datetime) -> str:
    """Seconds are ignored anyway; the next list overlaps with this one."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:00+00:00")
