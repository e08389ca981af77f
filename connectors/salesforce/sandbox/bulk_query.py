"""Bulk API 2.0 query jobs: a query's rows as CSV, page by page."""

from __future__ import annotations

import base64
import binascii
from functools import partial
from typing import Any

from connectors.salesforce.sandbox.api import Api, Reply, Request
from connectors.salesforce.sandbox.bulk_jobs import (
    CSV_MEDIA,
    Job,
    dropped,
    invalid,
    job,
    jobs,
    listed,
    new_job,
)
from connectors.salesforce.sandbox.errors import RequestError
from connectors.salesforce.sandbox.soql import Runner, parse
from connectors.salesforce.sandbox.soql.aggregate import is_aggregate
from connectors.salesforce.sandbox.soql.tree import Query
from connectors.salesforce.sandbox.times import parse_datetime

KIND = "query"
MAX_JOBS = 10_000
MAX_ROWS = 50_000
OPERATIONS = frozenset({"query", "queryAll"})


def create(api: Api, request: Request) -> Reply:
    """``POST jobs/query``. Raises RequestError where Bulk does not take the query."""
    body = request.object()
    text = str(body.get("query") or "")
    if body.get("operation") not in OPERATIONS or not text:
        raise invalid("A query job needs an operation, query or queryAll, and a query")
    if len(jobs(api, KIND)) >= MAX_JOBS:
        raise invalid(
            f"Max bulk v2 query jobs ({MAX_JOBS}) per 24 hrs has been reached", "EXCEEDED_ID_LIMIT"
        )
    query = parse(text)
    if is_aggregate(query) or query.offset or any(isinstance(i.what, Query) for i in query.items):
        raise invalid(
            "Aggregate queries, OFFSET and parent-to-child subqueries are not supported in Bulk "
            "Query",
            "FEATURENOTENABLED",
        )
    kind = api.org.lower.get(query.source.text.lower())
    if kind is None:
        raise invalid(
            f"Entity '{query.source.text}' is not supported by the Bulk API", "INVALIDENTITY"
        )
    result = Runner(api.org, request.user, request.version).run(text)
    if any(one.type == "address" for _, _, one in result.columns):
        raise invalid("Selecting compound data not supported in Bulk Query", "INVALIDENTITY")
    made = new_job(api, request, KIND, kind.name, body)
    made.query = text
    made.state = "UploadComplete"
    made.polls = int(api.state.get("bulk_polls", 1))
    return Reply(made.shown(whole=False))


def advance(api: Api, found: Job) -> None:
    """Take a job one state further where its time has come."""
    if found.state not in {"UploadComplete", "InProgress"}:
        return
    if found.polls > 0:
        found.polls -= 1
        found.state = "InProgress"
        return
    runner = Runner(api.org, found.user, found.version)
    try:
        result = runner.run(found.query or "", deleted=found.operation == "queryAll")
    except RequestError as error:
        found.state, found.error = "Failed", f"{error.code}: {error.message}"
        return
    found.header = [name for name, _, _ in result.columns]
    getters = [get for _, get, _ in result.columns]
    found.done = [[cell(get(row)) for get in getters] for row in result.rows]
    found.total = len(found.done)
    found.state = "JobComplete"


def cell(value: Any) -> str:
    """A value in a CSV: datetimes with Z, empty ones as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.endswith("+0000") and parse_datetime(value) is not None:
        return value.removesuffix("+0000") + "Z"
    return str(value)


def look(api: Api, request: Request, key: str) -> Reply:
    """``GET jobs/query/ID``: each look brings the job nearer to its end."""
    del request
    found = job(api, KIND, key)
    advance(api, found)
    return Reply(found.shown(whole=True))


def results(api: Api, request: Request, key: str) -> Reply:
    """``GET jobs/query/ID/results?maxRecords=&locator=``. Raises RequestError."""
    found = job(api, KIND, key)
    if found.state != "JobComplete":
        raise invalid(f"The job is not complete: {found.state}", "INVALIDJOBSTATE")
    if request.version != found.version:
        raise invalid("The API version must be the one that the job was made with", "INVALIDJOB")
    start = _place(request.query.get("locator"))
    asked = request.query.get("maxRecords", "")
    most = int(asked) if asked.isdigit() and int(asked) else MAX_ROWS
    rows = found.done[start : start + most]
    end = start + len(rows)
    return Reply(
        found.csv(rows, found.header),
        headers={
            "Sforce-Locator": "null" if end >= found.total else _locator(end),
            "Sforce-NumberOfRecords": str(len(rows)),
        },
        rows=len(rows),
        media=CSV_MEDIA,
    )


def _locator(place: int) -> str:
    return base64.b64encode(str(place).encode()).decode().rstrip("=")


def _place(locator: str | None) -> int:
    if not locator or locator == "null":
        return 0
    try:
        return int(base64.b64decode(locator + "=" * (-len(locator) % 4)))
    except (binascii.Error, ValueError):
        raise invalid(f"Invalid locator: {locator}", "INVALIDLOCATOR") from None


def pages(api: Api, request: Request, key: str) -> Reply:
    """``GET jobs/query/ID/resultPages``: links to read pages side by side."""
    found = job(api, KIND, key)
    if found.state != "JobComplete":
        raise invalid(f"The job is not complete: {found.state}", "INVALIDJOBSTATE")
    base = f"{request.base}/jobs/query/{found.id}/results"
    places = range(0, max(found.total, 1), MAX_ROWS)
    links = [base if place == 0 else f"{base}?locator={_locator(place)}" for place in places]
    return Reply(
        {
            "resultPages": [{"resultUrl": link} for link in links],
            "nextRecordsUrl": None,
            "done": True,
        }
    )


def change(api: Api, request: Request, key: str) -> Reply:
    """``PATCH jobs/query/ID``: abort."""
    found = job(api, KIND, key)
    if request.object().get("state") != "Aborted":
        raise invalid("A query job can only be aborted", "INVALIDJOBSTATE")
    if found.state not in {"UploadComplete", "InProgress"}:
        raise invalid(f"The job has ended: {found.state}", "INVALIDJOBSTATE")
    found.state = "Aborted"
    return Reply(found.shown(whole=False))


ROUTES = (
    ("POST", "jobs/query", create),
    ("GET", "jobs/query", partial(listed, KIND)),
    ("GET", "jobs/query/{key}", look),
    ("PATCH", "jobs/query/{key}", change),
    ("DELETE", "jobs/query/{key}", partial(dropped, KIND)),
    ("GET", "jobs/query/{key}/results", results),
    ("GET", "jobs/query/{key}/resultPages", pages),
)
