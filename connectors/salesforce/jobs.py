"""Bulk API 2.0 jobs: waiting for them, and their CSV.

simple-salesforce waits up to a day at a fixed pace and reads results whole; hence a loop of our
own, with growing pauses, a deadline, and every state in which a job ends.
https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/bulk_api_2_0.htm
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from typing import Any, Literal

from simple_salesforce.api import Salesforce

from connectors.salesforce.session import Session
from syncd.errors import TransientError
from syncd.retry import wait_seconds

DONE = "JobComplete"
ENDED = (DONE, "Failed", "Aborted")

csv.field_size_limit(10_000_000)


def look(session: Session, path: str) -> dict[str, Any]:
    """The job as it stands; `path` is ``jobs/query/750…`` or ``jobs/ingest/750…``."""

    def ask(client: Salesforce) -> dict[str, Any]:
        answer = client.restful(path)
        if not isinstance(answer, dict) or "state" not in answer:
            raise TransientError("Salesforce did not tell the job's state", applied=None)
        return answer

    return session.other(ask)


def ended(session: Session, path: str) -> dict[str, Any]:
    """Wait until the job has ended, or the deadline is past; the job as last seen."""
    seconds = session.settings.limits.bulk_deadline_minutes * 60
    give_up = time.monotonic() + seconds
    attempt = 0
    while True:
        job = look(session, path)
        pause = wait_seconds(attempt, None)
        if job["state"] in ENDED or time.monotonic() + pause > give_up:
            return job
        if session.log is not None:
            session.log.debug("bulk_job_awaited", job=path, state=job["state"])
        time.sleep(pause)  # noqa: TID251 - a job is no failure to be retried, it takes its time
        attempt += 1


def table(
    session: Session,
    kind: Literal["read", "other"],
    path: str,
    params: dict[str, Any],
    columns: frozenset[str] | None = None,
) -> tuple[list[dict[str, str]], str]:
    """The rows of one page of results, and the locator of the next page (empty: none).

    A page that broke off is asked for again: results can be re-read. `columns`: the only ones of
    use, for a job's results say again all that was written.
    """

    def ask(client: Salesforce) -> tuple[list[dict[str, str]], str]:
        headers = {"Accept": "text/csv"}
        answer = session.raw(client, "GET", path, params=params, headers=headers)
        rows = list(_rows(answer.content, columns))
        announced = answer.headers.get("Sforce-NumberOfRecords", "")
        if announced.isdigit() and int(announced) != len(rows):
            raise TransientError(f"{len(rows)} of {announced} result rows came", applied=None)
        locator = answer.headers.get("Sforce-Locator", "")
        return rows, "" if locator == "null" else locator

    return session.read(ask) if kind == "read" else session.other(ask)


def _rows(content: bytes, columns: frozenset[str] | None) -> Iterator[dict[str, str]]:
    # Some gateways put a mark before the first column.
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", errors="replace", newline="")
    reader = csv.reader(text, strict=True)
    try:
        header = next(reader, None) or []
        wanted = [
            (place, name) for place, name in enumerate(header) if columns is None or name in columns
        ]
        for cells in reader:
            if len(cells) != len(header):
                raise TransientError("a result row was not complete", applied=None)
            yield {name: cells[place] for place, name in wanted}
    except csv.Error as error:
        raise TransientError(f"a result row was not complete ({error})", applied=None) from error
