"""What Bulk API 2.0's query and ingest jobs have in common.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import Any

from connectors.salesforce.sandbox.api import Api, Reply, Request
from connectors.salesforce.sandbox.errors import RequestError, not_found
from connectors.salesforce.sandbox.ids import long_id

CSV_MEDIA = "text/csv;charset=UTF-8"
DELIMITERS = {
    "BACKQUOTE": "`",
    "CARET": "^",
    "COMMA": ",",
    "PIPE": "|",
    "SEMICOLON": ";",
    "TAB": "\t",
}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}


@dataclass(slots=True)
class Job:
    """A job. `polls` more looks at it pass before it goes on to its next state."""

    id: str
    kind: str
    user: str
    created: str
    operation: str
    version: str
    object: str
    delimiter: str = "COMMA"
    line_ending: str = "LF"
    query: str | None = None
    external_id: str | None = None
    state: str = "Open"
    upload: bytes = b""
    polls: int = 0
    done: list[list[str]] = field(default_factory=list)
    failed: list[list[str]] = field(default_factory=list)
    unprocessed: list[list[str]] = field(default_factory=list)
    header: list[str] = field(default_factory=list)
    total: int = 0
    error: str | None = None

    def shown(self, *, whole: bool) -> dict[str, Any]:
        """The job as JSON; `whole` adds what a look at a single job shows."""
        made: dict[str, Any] = {
            "id": self.id,
            "operation": self.operation,
            "object": self.object,
            "createdById": self.user,
            "createdDate": self.created,
            "systemModstamp": self.created,
            "state": self.state,
        }
        if self.kind == "ingest" and self.external_id is not None:
            made["externalIdFieldName"] = self.external_id
        made |= {
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.version),
        }
        if self.kind == "ingest":
            base = f"services/data/v{self.version}/jobs/ingest"
            made["contentUrl"] = f"{base}/{self.id}/batches"
        made |= {"lineEnding": self.line_ending, "columnDelimiter": self.delimiter}
        if not whole:
            return made
        made["jobType"] = "V2Ingest" if self.kind == "ingest" else "V2Query"
        made |= {"retries": 0, "totalProcessingTime": 0}
        if self.kind == "ingest":
            made["numberRecordsProcessed"] = len(self.done) + len(self.failed)
            made["numberRecordsFailed"] = len(self.failed)
            made |= {"apiActiveProcessingTime": 0, "apexProcessingTime": 0}
        else:
            made["numberRecordsProcessed"] = self.total
            made["isPkChunkingSupported"] = True
        if self.error is not None:
            made["errorMessage"] = self.error
        return made

    def csv(self, rows: list[list[str]], header: list[str]) -> bytes:
        """Rows as the CSV of this job: every cell quoted."""
        text = io.StringIO()
        writer = csv.writer(
            text,
            delimiter=DELIMITERS[self.delimiter],
            quoting=csv.QUOTE_ALL,
            lineterminator=LINE_ENDINGS[self.line_ending],
        )
        writer.writerow(header)
        writer.writerows(rows)
        return text.getvalue().encode()


def jobs(api: Api, kind: str) -> dict[str, Job]:
    """The org's jobs of a kind, ``query`` or ``ingest``, by id."""
    found: dict[str, Job] = api.state.setdefault(f"{kind}_jobs", {})
    return found


def job(api: Api, kind: str, key: str) -> Job:
    """One job. Raises RequestError NOT_FOUND."""
    found = jobs(api, kind).get(long_id(key) or "")
    if found is None:
        raise not_found()
    return found


def new_job(api: Api, request: Request, kind: str, object_name: str, body: dict[str, Any]) -> Job:
    """A new job with the layout that `body` asks for. Raises RequestError."""
    delimiter = str(body.get("columnDelimiter") or "COMMA")
    line_ending = str(body.get("lineEnding") or "LF")
    if delimiter not in DELIMITERS or line_ending not in LINE_ENDINGS:
        raise invalid(f"Unable to parse Job: {delimiter}, {line_ending}")
    if str(body.get("contentType") or "CSV") != "CSV":
        raise invalid("Unsupported content type: only CSV is taken")
    made = Job(
        id=api.org.new_key("750"),
        kind=kind,
        user=request.user,
        created=api.org.now(),
        operation=str(body["operation"]),
        version=request.version,
        object=object_name,
        delimiter=delimiter,
        line_ending=line_ending,
    )
    jobs(api, kind)[made.id] = made
    return made


def invalid(message: str, code: str = "INVALIDJOB") -> RequestError:
    """The refusal of a job."""
    return RequestError(400, code, message)


def listed(kind: str, api: Api, request: Request) -> Reply:
    """``GET jobs/…``: all jobs of the kind."""
    del request
    return Reply(
        {
            "done": True,
            "nextRecordsUrl": None,
            "records": [one.shown(whole=True) for one in jobs(api, kind).values()],
        }
    )


def dropped(kind: str, api: Api, request: Request, key: str) -> Reply:
    """``DELETE jobs/…/ID``: only what has ended. Raises RequestError."""
    del request
    found = job(api, kind, key)
    if found.state not in {"JobComplete", "Aborted", "Failed"}:
        raise invalid("Deleting not terminal jobs is not allowed", "API_ERROR")
    del jobs(api, kind)[found.id]
    return Reply(status=204)
