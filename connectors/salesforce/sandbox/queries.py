"""``query``, ``queryAll`` and their further pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.salesforce.sandbox.api import Api, Reply, Request
from connectors.salesforce.sandbox.errors import RequestError
from connectors.salesforce.sandbox.ids import checksum
from connectors.salesforce.sandbox.soql import Runner

PAGE = 2_000
LEAST_PAGE = 200
LONG_TEXT_PAGE = 1_000
LOCATOR_LIFE = timedelta(days=2)
MAX_CURSORS = 200
_BATCH = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)


@dataclass(slots=True)
class Cursor:
    """An open query: its rows and how to show them."""

    rows: list[dict[str, Any]]
    record: Callable[[dict[str, Any]], dict[str, Any]]
    page: int
    until: datetime
    user: str


def _cursors(api: Api) -> dict[str, Cursor]:
    found: dict[str, Cursor] = api.state.setdefault("cursors", {})
    return found


def _run(api: Api, request: Request, *, deleted: bool) -> Reply:
    text = request.query.get("q")
    if text is None:
        raise RequestError(400, "MALFORMED_QUERY", "A query string has to be specified")
    result = Runner(api.org, request.user, request.version).run(text, deleted=deleted)
    page = PAGE
    asked = _BATCH.search(request.headers.get("sforce-query-options", ""))
    if asked is not None:
        page = min(max(int(asked.group(1)), LEAST_PAGE), PAGE)
    if result.own_long_texts > 1:
        page = min(page, api.long_text_page)
    elif result.long_texts:
        page = min(page, max(LONG_TEXT_PAGE, api.long_text_page))
    if len(result.rows) <= page:
        records = [result.record(row) for row in result.rows]
        return Reply(
            {"totalSize": result.total, "done": True, "records": records}, rows=len(records)
        )
    cursors = _cursors(api)
    while len(cursors) >= MAX_CURSORS:
        del cursors[next(iter(cursors))]
    counters = api.org.counters
    counters["locator"] = counters.get("locator", 0) + 1
    short = f"0r8gK{counters['locator']:010d}"
    locator = short + checksum(short)
    until = api.org.clock() + LOCATOR_LIFE
    cursors[locator] = Cursor(result.rows, result.record, page, until, request.user)
    return _page(api, request, locator, 0)


def _page(api: Api, request: Request, locator: str, start: int) -> Reply:
    cursor = _cursors(api).get(locator)
    expired = cursor is not None and cursor.until < api.org.clock()
    if cursor is None or expired or cursor.user != request.user or start > len(cursor.rows):
        raise RequestError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    end = start + cursor.page
    records = [cursor.record(row) for row in cursor.rows[start:end]]
    done = end >= len(cursor.rows)
    body: dict[str, Any] = {"totalSize": len(cursor.rows), "done": done}
    if not done:
        body["nextRecordsUrl"] = f"{request.base}/query/{locator}-{end}"
    body["records"] = records
    return Reply(body, rows=len(records))


def query(api: Api, request: Request) -> Reply:
    """``GET query?q=``: without what is deleted."""
    return _run(api, request, deleted=False)


def query_all(api: Api, request: Request) -> Reply:
    """``GET queryAll?q=``: deleted rows too."""
    return _run(api, request, deleted=True)


def more(api: Api, request: Request, locator: str) -> Reply:
    """``GET query/0r8…-2000``: a further page."""
    name, _, start = locator.partition("-")
    if not start.isdigit():
        raise RequestError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return _page(api, request, name, int(start))


ROUTES = (
    ("GET", "query", query),
    ("GET", "queryAll", query_all),
    ("GET", "query/{locator}", more),
    ("GET", "queryAll/{locator}", more),
)
