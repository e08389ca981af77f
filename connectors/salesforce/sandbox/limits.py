"""``limits`` and ``limits/recordCount``, versions, the root, getUpdated and getDeleted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from connectors.salesforce.sandbox.api import (
    LAST_VERSION,
    OLDEST_VERSION,
    Api,
    Reply,
    Request,
)
from connectors.salesforce.sandbox.errors import RequestError
from connectors.salesforce.sandbox.times import parse_datetime, wire

UPDATED_DAYS = 30
DELETED_DAYS = 15
FIRST_YEAR, FIRST_YEARS_VERSION, RELEASES = 2014, 31, ("Summer", "Winter", "Spring")
_ROOT = (
    "tooling",
    "metadata",
    "support",
    "appMenu",
    "query",
    "queryAll",
    "search",
    "limits",
    "sobjects",
    "composite",
    "recent",
    "jobs",
    "parameterizedSearch",
)


def release(version: int) -> str:
    """A version's season: 31 is Summer '14, three come a year."""
    steps = version - FIRST_YEARS_VERSION
    year = FIRST_YEAR + (steps + 2) // len(RELEASES)
    return f"{RELEASES[steps % len(RELEASES)]} '{year % 100:02d}"


def versions() -> list[dict[str, str]]:
    """``GET /services/data``: without a login."""
    return [
        {
            "label": release(number),
            "url": f"/services/data/v{number}.0",
            "version": f"{number}.0",
        }
        for number in range(OLDEST_VERSION, LAST_VERSION + 1)
    ]


def root(api: Api, request: Request) -> Reply:
    """``GET /services/data/vNN.0``: where things are."""
    body = {name: f"{request.base}/{name}" for name in _ROOT}
    org = api.org.ids["org"]
    body["identity"] = f"https://login.salesforce.com/id/{org}/{request.user}"
    return Reply(body)


def limits(api: Api, request: Request) -> Reply:
    """``GET limits``."""
    del request
    made: dict[str, dict[str, int]] = {
        "DailyApiRequests": {"Max": api.daily_max, "Remaining": max(api.daily_max - api.used, 0)}
    }
    for name, most in (
        ("DailyBulkApiBatches", 15_000),
        ("DailyBulkV2QueryJobs", 10_000),
        ("DailyBulkV2QueryFileStorageMB", 976_562),
        ("DailyAsyncApexExecutions", 250_000),
        ("DailyStreamingApiEvents", 10_000),
        ("DataStorageMB", 5_120),
        ("FileStorageMB", 20_480),
        ("HourlyTimeBasedWorkflow", 1_000),
        ("SingleEmail", 5_000),
        ("MassEmail", 5_000),
    ):
        made[name] = {"Max": most, "Remaining": most}
    made["DailyBulkV2QueryJobs"]["Remaining"] -= len(api.state.get("query_jobs", ()))
    return Reply(made)


def record_count(api: Api, request: Request) -> Reply:
    """``GET limits/recordCount?sObjects=``; objects without rows are left out."""
    asked = request.query.get("sObjects")
    names = list(api.org.objects) if asked is None else [one.strip() for one in asked.split(",")]
    counts = []
    for name in names:
        kind = api.org.lower.get(name.lower())
        count = 0 if kind is None else api.org.tables[kind.name].count()
        if kind is not None and count:
            counts.append({"count": count, "name": kind.name})
    return Reply({"sObjects": counts})


def _window(api: Api, request: Request, days: int) -> tuple[datetime, datetime]:
    bounds = []
    for name in ("start", "end"):
        moment = parse_datetime(request.query.get(name, "").replace(" ", "+"))
        if moment is None:
            raise RequestError(
                400, "INVALID_REPLICATION_DATE", f"{name}Date is missing or not a date"
            )
        bounds.append(moment.replace(second=0, microsecond=0))
    start, end = bounds
    if start >= end:
        raise RequestError(400, "INVALID_REPLICATION_DATE", "startDate before endDate expected")
    if start < api.org.clock() - timedelta(days=days):
        raise RequestError(
            400,
            "INVALID_REPLICATION_DATE",
            f"startDate cannot be more than {days} days ago",
        )
    return start, end


def _covered(api: Api, end: datetime) -> str:
    now = api.org.clock().replace(second=0, microsecond=0)
    return wire(min(end, now))


def updated(api: Api, request: Request, name: str) -> Reply:
    """``GET sobjects/X/updated``: ids by SystemModstamp."""
    kind = api.kind(name)
    start, end = _window(api, request, UPDATED_DAYS)
    rows = api.org.tables[kind.name].stamped(wire(start), wire(end), with_low=True, with_high=False)
    ids = [row["Id"] for row in rows if not row.get("IsDeleted")]
    return Reply({"ids": ids, "latestDateCovered": _covered(api, end)}, rows=len(ids))


def deleted(api: Api, request: Request, name: str) -> Reply:
    """``GET sobjects/X/deleted``: from the recycle bin, and what was removed from it."""
    kind = api.kind(name)
    start, end = _window(api, request, DELETED_DAYS)
    low, high = wire(start), wire(end)
    rows = api.org.tables[kind.name].stamped(low, high, with_low=True, with_high=False)
    gone: list[dict[str, Any]] = [
        {"id": row["Id"], "deletedDate": row["SystemModstamp"]}
        for row in rows
        if row.get("IsDeleted")
    ]
    gone += [
        {"id": key, "deletedDate": when}
        for object_name, key, when in api.org.purged
        if object_name == kind.name and low <= when < high
    ]
    return Reply(
        {
            "deletedRecords": gone,
            "earliestDateAvailable": wire(api.org.clock() - timedelta(days=DELETED_DAYS)),
            "latestDateCovered": _covered(api, end),
        },
        rows=len(gone),
    )


def identity(api: Api, user: str, base: str) -> dict[str, Any]:
    """Who a user is: the identity URL's answer and, in part, userinfo's."""
    row = api.org.tables["User"].rows[user]
    org = api.org.ids["org"]
    return {
        "id": f"{base}/id/{org}/{user}",
        "asserted_user": True,
        "user_id": user,
        "organization_id": org,
        "username": row["Username"],
        "nick_name": row.get("CommunityNickname"),
        "display_name": row.get("Name"),
        "email": row.get("Email"),
        "email_verified": True,
        "first_name": row.get("FirstName"),
        "last_name": row.get("LastName"),
        "timezone": row.get("TimeZoneSidKey"),
        "active": bool(row.get("IsActive")),
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_US",
        "utcOffset": 0,
        "last_modified_date": row["LastModifiedDate"],
        "is_app_installed": True,
        "urls": {
            "rest": f"{base}/services/data/v{{version}}/",
            "sobjects": f"{base}/services/data/v{{version}}/sobjects/",
            "query": f"{base}/services/data/v{{version}}/query/",
        },
    }


ROUTES = (
    ("GET", "", root),
    ("GET", "limits", limits),
    ("GET", "limits/recordCount", record_count),
    ("GET", "sobjects/{name}/updated", updated),
    ("GET", "sobjects/{name}/deleted", deleted),
)
