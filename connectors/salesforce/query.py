"""SOQL queries over REST, paged through whatever the pages' size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import quote_plus, urlsplit

from simple_salesforce.api import Salesforce

from connectors.salesforce import soql
from connectors.salesforce.session import Session
from syncd.errors import IncompleteReadError, RequestError, TransientError

Row: TypeAlias = dict[str, Any]

MISSING_SHARE = 0.01  # rows that may be deleted between the first and the last page of a query
IN_LIST_BYTES = 6_000
QUERY_ALL = "queryAll"
NO_SUCH_ADDRESS = {404, 405}


class Query(NamedTuple):
    """A query to be paged through. `deleted` includes the Recycle Bin and archived tasks."""

    object: str
    fields: tuple[str, ...]
    conditions: tuple[str, ...]
    order: str = ""
    deleted: bool = False

    @property
    def text(self) -> str:
        """The SOQL."""
        return soql.select(self.object, self.fields, self.conditions, self.order)


class Rows(NamedTuple):
    """One page of rows. `total` is what the whole query found; `last`: no further page."""

    rows: list[Row]
    total: int
    last: bool


def _checked(query: Query, answer: Any) -> dict[str, Any]:
    """A query's answer, if it is one; an empty or foreign body is asked for again.

    Rows bear their Id where the query asks for it: Salesforce gives no more than it is asked for.
    """
    records = answer.get("records") if isinstance(answer, dict) else None
    if not isinstance(records, list):
        raise TransientError("Salesforce answered a query without records", applied=None)
    if not all(isinstance(row, dict) for row in records) or (
        "Id" in query.fields and not all(isinstance(row.get("Id"), str) for row in records)
    ):
        raise TransientError("Salesforce answered a query with records of no Id", applied=None)
    found: dict[str, Any] = answer
    return found


def _first(query: Query, answer: Any) -> dict[str, Any]:
    """The first page. One that is said to be all has as many rows as it says that there are."""
    page = _checked(query, answer)
    total, came = _total(page), len(page["records"])
    if not page.get("nextRecordsUrl") and came < total:
        text = f"{query.object}: Salesforce announced {total} rows and gave {came}"
        raise TransientError(text, applied=None)
    return page


def _next(query: Query, url: str, client: Salesforce) -> dict[str, Any]:
    """The page behind a nextRecordsUrl: a path, though some that stand before an org say it all."""
    path = urlsplit(url)._replace(scheme="", netloc="").geturl()
    return _checked(query, client.query_more(f"/{path.lstrip('/')}", identifier_is_url=True))


def _begun(session: Session, query: Query) -> dict[str, Any]:
    """The first page. An org that has no queryAll shows at least what is not deleted."""
    deleted = query.deleted and QUERY_ALL not in session.absent
    try:
        return session.read(lambda sf: _first(query, sf.query(query.text, include_deleted=deleted)))
    except RequestError as error:
        if not deleted or error.status not in NO_SUCH_ADDRESS:
            raise
    session.lacks(QUERY_ALL, "only full runs find deletions")
    return _begun(session, query)


def pages(session: Session, query: Query) -> Iterator[Rows]:
    """The query's pages, whatever their size. A query that is too wide is read in parts.

    Raises IncompleteReadError when fewer rows came than Salesforce had announced, but for the one
    in a hundred that may have been deleted meanwhile.
    """
    first, further = _parts(query)
    answer = _begun(session, first)
    total, seen = _total(answer), 0
    asked: set[str] = set()
    while True:
        rows = answer["records"]
        seen += len(rows)
        url = str(answer.get("nextRecordsUrl") or "")
        last = bool(answer.get("done", not url)) or not url
        for part in further:
            rows = _widened(session, rows, part)
        if last and total - seen > total * MISSING_SHARE:
            raise IncompleteReadError(
                f"{query.object}: Salesforce announced {total} rows and gave {seen}"
            )
        yield Rows(rows, total, last)
        if last:
            return
        if url in asked:
            raise IncompleteReadError(f"{query.object}: Salesforce gives the same page for ever")
        asked.add(url)
        answer = session.read(partial(_next, first, url))


def _total(answer: dict[str, Any]) -> int:
    """What the whole query found; where that is not told, at least what the page has."""
    total = answer.get("totalSize")
    return total if isinstance(total, int) else len(answer["records"])


def _parts(query: Query) -> tuple[Query, list[Query]]:
    """The query itself, or where its field list is too long, one query and its further parts."""
    if not soql.too_long(query.text):
        return query, []
    base = len(quote_plus(query._replace(fields=("Id",)).text))
    room = max(1_000, soql.QUERY_BYTES - IN_LIST_BYTES - base)
    groups = soql.field_groups(query.fields, room)
    further = [
        Query(
            query.object, ("Id", *(name for name in group if name != "Id")), (), "", query.deleted
        )
        for group in groups[1:]
    ]
    return query._replace(fields=tuple(groups[0])), further


def _widened(session: Session, rows: list[Row], part: Query) -> list[Row]:
    """The rows with the part's fields; those that vanished in between are left out."""
    found = {row["Id"]: row for row in by_values(session, part, "Id", [row["Id"] for row in rows])}
    return [_joined(row, found[row["Id"]]) for row in rows if row["Id"] in found]


def _joined(left: Row, right: Row) -> Row:
    """Two parts of one row; parents (nested rows) are joined too."""
    joined = dict(left)
    for name, value in right.items():
        known = joined.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            joined[name] = _joined(known, value)
        else:
            joined[name] = value
    return joined


def by_values(session: Session, query: Query, field: str, values: Sequence[str]) -> Iterator[Row]:
    """The rows whose field has one of these values, in as many queries as that takes."""
    for listed in soql.in_lists(values):
        narrowed = query._replace(conditions=(*query.conditions, f"{field} IN {listed}"))
        for page in pages(session, narrowed):
            yield from page.rows
