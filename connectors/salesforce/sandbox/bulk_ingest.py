"""Bulk API 2.0 ingest jobs: rows written from a CSV, with an outcome for each."""

from __future__ import annotations

import csv
import io
from functools import partial
from typing import Any

from connectors.salesforce.sandbox.api import Api, Reply, Request
from connectors.salesforce.sandbox.bulk_jobs import (
    CSV_MEDIA,
    DELIMITERS,
    Job,
    dropped,
    invalid,
    job,
    listed,
    new_job,
)
from connectors.salesforce.sandbox.errors import JsonTypeError, RequestError, RowError
from connectors.salesforce.sandbox.held import Actor
from connectors.salesforce.sandbox.records import external_field, upsert
from connectors.salesforce.sandbox.removal import delete, purge
from connectors.salesforce.sandbox.schema import SObject
from connectors.salesforce.sandbox.values import from_csv

KIND = "ingest"
OPERATIONS = frozenset({"insert", "update", "upsert", "delete", "hardDelete"})
MAX_BYTES = 150_000_000
KEY, CREATED, ERROR = "sf__Id", "sf__Created", "sf__Error"


def create(api: Api, request: Request) -> Reply:
    """``POST jobs/ingest``. Raises RequestError."""
    body = request.object()
    operation = body.get("operation")
    if operation not in OPERATIONS:
        raise invalid(f"Unknown operation: {operation or ''}")
    kind = api.org.lower.get(str(body.get("object")).lower())
    if kind is None:
        raise invalid(f"Unable to find object: {body.get('object') or ''}", "INVALIDENTITY")
    external = body.get("externalIdFieldName")
    if operation == "upsert":
        if not external:
            raise invalid("External ID field name is required for an upsert")
        external_field(api, request, kind, str(external))
    made = new_job(api, request, KIND, kind.name, body)
    made.external_id = None if external is None else str(external)
    made.polls = int(api.state.get("bulk_polls", 1))
    return Reply(made.shown(whole=False))


def upload(api: Api, request: Request, key: str) -> Reply:
    """``PUT jobs/ingest/ID/batches``: the CSV, once. Raises RequestError."""
    found = job(api, KIND, key)
    if found.state != "Open" or found.upload:
        raise invalid(f"The job does not take data: {found.state}", "INVALIDJOBSTATE")
    if len(request.body) > MAX_BYTES:
        raise RequestError(413, "LIMIT_EXCEEDED", "The uploaded data is too large")
    found.upload = request.body
    return Reply(b"", 201)


def change(api: Api, request: Request, key: str) -> Reply:
    """``PATCH jobs/ingest/ID``: the upload is complete, or the job is aborted."""
    found = job(api, KIND, key)
    wanted = request.object().get("state")
    if wanted not in {"UploadComplete", "Aborted"}:
        raise invalid(f"Invalid job state: {wanted or ''}", "INVALIDJOBSTATE")
    ended = found.state in {"JobComplete", "Failed", "Aborted"}
    if ended or (wanted == "UploadComplete" and found.state != "Open"):
        raise invalid(f"The job is in another state: {found.state}", "INVALIDJOBSTATE")
    found.state = wanted
    if wanted == "Aborted" and found.upload:
        header, rows = _read(found)
        found.header = header
        found.unprocessed = [[row.get(name) or "" for name in header] for row in rows]
    return Reply(found.shown(whole=False))


def _read(found: Job) -> tuple[list[str], list[dict[str, str]]]:
    text = found.upload.decode("utf-8-sig")
    reader = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=DELIMITERS[found.delimiter], restval=""
    )
    return list(reader.fieldnames or []), list(reader)


def advance(api: Api, found: Job) -> None:
    """Take a job one state further where its time has come."""
    if found.state not in {"UploadComplete", "InProgress"}:
        return
    if found.polls > 0:
        found.polls -= 1
        found.state = "InProgress"
        return
    try:
        header, rows = _read(found)
    except (UnicodeDecodeError, csv.Error):
        found.state, found.error = "Failed", "InvalidBatch : The data is no CSV in UTF-8"
        return
    long = next((place for place, row in enumerate(rows, 1) if None in row), None)
    if long is not None:
        found.state = "Failed"
        found.error = f"InvalidBatch : Row {long} has more columns than the header"
        return
    kind = api.org.objects[found.object]
    unknown = [name for name in header if not _known(api, kind, name)]
    if unknown:
        found.state = "Failed"
        found.error = f"InvalidBatch : Field name not found : {unknown[0]}"
        return
    found.header = header
    for row in rows:
        _write(api, found, kind, row)
    found.state = "JobComplete"


def _known(api: Api, kind: SObject, name: str) -> bool:
    if kind.find(name) is not None:
        return True
    relationship, _, field = name.rpartition(".")
    link = kind.relationships.get(relationship.partition(":")[0].lower())
    if link is None:
        return False
    return any(to in api.org.objects and api.org.objects[to].find(field) for to in link.to)


def _values(kind: SObject, row: dict[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, text in row.items():
        if text == "":
            continue  # an empty cell changes nothing
        value = from_csv(kind.find(name), text)
        if "." in name:
            relationship, _, field = name.rpartition(".")
            values[relationship.rpartition(":")[2] or relationship] = {field: value}
        else:
            values[name] = value
    return values


def _write(api: Api, found: Job, kind: SObject, row: dict[str, str]) -> None:
    cells = [row.get(name) or "" for name in found.header]
    actor = Actor(found.user)
    values = _values(kind, row)
    key = next((str(values[name]) for name in values if name.lower() == "id"), "")
    try:
        made, created = _apply(api, found, kind, (key, values), actor)
    except RowError as error:
        fields = ",".join(error.fields) or "--"
        found.failed.append([key, f"{error.code}:{error.message}:{fields}", *cells])
    except (JsonTypeError, RequestError) as error:
        found.failed.append([key, f"{error.code}:{error.message}:--", *cells])
    else:
        found.done.append([made, str(created).lower(), *cells])


def _apply(
    api: Api, found: Job, kind: SObject, given: tuple[str, dict[str, Any]], actor: Actor
) -> tuple[str, bool]:
    key, values = given
    if found.operation == "insert":
        return api.org.create(kind.name, values, actor), True
    if found.operation == "upsert":
        one = kind.find(found.external_id or "Id")
        assert one is not None
        return upsert(api.org, kind, one, values, actor)
    if not key:
        raise RowError("MISSING_ARGUMENT", "Id not specified in an update call")
    row = api.org.existing(kind.name, key)
    if found.operation == "update":
        api.org.update(kind.name, row["Id"], values, actor)
    else:
        delete(api.org, kind.name, row["Id"], actor)
        if found.operation == "hardDelete":
            purge(api.org, kind.name, row["Id"])
    return str(row["Id"]), False


def look(api: Api, request: Request, key: str) -> Reply:
    """``GET jobs/ingest/ID``: each look brings the job nearer to its end."""
    del request
    found = job(api, KIND, key)
    advance(api, found)
    return Reply(found.shown(whole=True))


def _table(rows: list[list[str]], found: Job, header: list[str]) -> Reply:
    return Reply(found.csv(rows, header), rows=len(rows), media=CSV_MEDIA)


def successful(api: Api, request: Request, key: str) -> Reply:
    """``GET jobs/ingest/ID/successfulResults``."""
    del request
    found = job(api, KIND, key)
    return _table(found.done, found, [KEY, CREATED, *found.header])


def failed(api: Api, request: Request, key: str) -> Reply:
    """``GET jobs/ingest/ID/failedResults``."""
    del request
    found = job(api, KIND, key)
    return _table(found.failed, found, [KEY, ERROR, *found.header])


def unprocessed(api: Api, request: Request, key: str) -> Reply:
    """``GET jobs/ingest/ID/unprocessedrecords``."""
    del request
    found = job(api, KIND, key)
    return _table(found.unprocessed, found, found.header)


ROUTES = (
    ("POST", "jobs/ingest", create),
    ("GET", "jobs/ingest", partial(listed, KIND)),
    ("GET", "jobs/ingest/{key}", look),
    ("PATCH", "jobs/ingest/{key}", change),
    ("DELETE", "jobs/ingest/{key}", partial(dropped, KIND)),
    ("PUT", "jobs/ingest/{key}/batches", upload),
    ("GET", "jobs/ingest/{key}/successfulResults", successful),
    ("GET", "jobs/ingest/{key}/failedResults", failed),
    ("GET", "jobs/ingest/{key}/unprocessedrecords", unprocessed),
)
