"""Bulk jobs that fail, end late, or tell less than they did."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses
import salesforce_answers
import salesforce_org
from salesforce_answers import (
    ACCOUNTS,
    DESCRIBE,
    HTML,
    PATCH,
    changes,
    lines,
    posted,
    pull,
    refused,
    rows,
)
from salesforce_org import BASE, URL, connection

from connectors.salesforce import SalesforceConnector, jobs
from syncd.connector import Outcome, WriteResult
from syncd.errors import IncompleteReadError

org, waits = salesforce_org.org, salesforce_org.waits
salesforce = salesforce_answers.salesforce


def bulk_org(org: responses.RequestsMock, *states: str) -> None:
    """Answers for a bulk query whose job goes through these states."""
    org.get(f"{BASE}/query/", json=rows("001A", last=False, total=60_000))
    org.post(f"{BASE}/jobs/query", json={"id": "750A", "state": "UploadComplete"})
    for state in states:
        job = {"id": "750A", "state": state, "numberRecordsProcessed": 2, "errorMessage": "why"}
        org.get(f"{BASE}/jobs/query/750A", json=job)


def stored(text: str, locator: str = "null", count: int = 1) -> dict[str, Any]:
    """The arguments of a page of bulk results."""
    headers = {"Sforce-Locator": locator, "Sforce-NumberOfRecords": str(count)}
    return {"body": text, "headers": headers}


HEAD = '"Id","SystemModstamp","Name"\n'

FIRST = f'{HEAD}"001A","2026-05-06T11:56:44.000Z","a, ""b"""\n'

SECOND = f'{HEAD}"001B","2026-05-06T11:56:44.000Z",""\n'


def test_bulk_job_outlives_a_restart(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """The job's id is the first cursor, and a later pull reads on from the page it had reached."""
    bulk_org(org, "InProgress", "JobComplete")
    results = f"{BASE}/jobs/query/750A/results"
    org.get(results, **stored(FIRST, "MQ"))
    org.get(results, **stored(SECOND))
    pages = list(salesforce.pull(ACCOUNTS, None))

    assert pages[0].records == ()
    assert pages[0].cursor is not None
    assert pages[0].cursor["job"] == "750A"
    assert [page.records[0].fields for page in pages[1:]] == [{"Name": 'a, "b"'}, {"Name": None}]
    assert "modstamp" in (pages[2].cursor or {})

    org.replace("GET", results, **stored(SECOND))
    again = list(salesforce.pull(ACCOUNTS, pages[1].cursor))

    assert [record.id for page in again for record in page.records] == ["001B"]
    assert "locator=MQ" in str(org.calls[-1].request.url)


@pytest.mark.parametrize("state", ["Failed", "Aborted"])
def test_bulk_job_that_failed(
    org: responses.RequestsMock, salesforce: SalesforceConnector, state: str
) -> None:
    """A job that ended badly gives nothing away: what it was to bring is read page by page."""
    bulk_org(org, "InProgress", state)
    more = f"{URL}/services/data/v66.0/query/0r8-1"
    org.get(more, json=rows("001B"))
    org.get(f"{BASE}/query/", json=rows("001A", last=False, total=2))

    assert [record.id for record in pull(salesforce)] == ["001A", "001B"]
    assert len(posted(org, f"{BASE}/jobs/query")) == 1


def test_bulk_that_always_fails(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """Where no job can be made, for whatever reason, the pages are read instead."""
    more = f"{URL}/services/data/v66.0/query/0r8-1"
    org.get(f"{BASE}/query/", json=rows("001A", last=False, total=60_000))
    org.post(f"{BASE}/jobs/query", status=500, body=HTML)
    org.get(more, json=rows("001B", total=60_000))

    with pytest.raises(IncompleteReadError, match="announced 60000 rows and gave 2"):
        pull(salesforce)


def test_bulk_job_that_failed_in_between(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """A kept job that failed since is not waited for: the pull begins anew."""
    bulk_org(org, "Failed")
    org.replace("GET", f"{BASE}/query/", json=rows("001A"))
    cursor = {"started": "2026-05-06T11:56:44Z", "job": "750A"}

    assert [record.id for record in pull(salesforce, cursor)] == ["001A"]


def test_bulk_results_gone(org: responses.RequestsMock, salesforce: SalesforceConnector) -> None:
    """Results that Salesforce no longer keeps are read page by page."""
    bulk_org(org, "JobComplete")
    text = "Unable to find a locator"
    org.get(f"{BASE}/jobs/query/750A/results", **refused("INVALIDLOCATOR", text))
    org.replace("GET", f"{BASE}/query/", json=rows("001A"))
    cursor = {"started": "2026-05-06T11:56:44Z", "job": "750A", "locator": "MQ", "count": 1}

    assert [record.id for record in pull(salesforce, cursor)] == ["001A"]


def test_bulk_deadline(org: responses.RequestsMock, waits: list[Any]) -> None:
    """A job that takes too long ends the run; it goes on by itself."""
    org.get(f"{BASE}/sobjects/Account/describe", json=DESCRIBE)
    bulk_org(org, "InProgress")
    slow = connection(limits={"bulk_deadline_minutes": 0.0001})
    slow.open()

    with pytest.raises(IncompleteReadError, match="next run takes it up"):
        pull(slow)


def test_bulk_pauses_grow(
    org: responses.RequestsMock, salesforce: SalesforceConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look at a job comes after a longer pause than the one before."""
    tries: list[int] = []

    def note(attempt: int, retry_after: float | None) -> float:
        tries.append(attempt)
        return 0.0

    monkeypatch.setattr(jobs, "wait_seconds", note)
    bulk_org(org, "UploadComplete", "InProgress", "InProgress", "InProgress", "JobComplete")
    org.get(f"{BASE}/jobs/query/750A/results", **stored(FIRST + SECOND.removeprefix(HEAD), count=2))

    assert len(pull(salesforce)) == 2
    assert tries == sorted(tries)
    assert len(set(tries)) >= 4


def test_bulk_results_cut_short(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """A page with fewer rows than it announces is asked for again; a short whole is an error."""
    bulk_org(org, "JobComplete")
    results = f"{BASE}/jobs/query/750A/results"
    org.get(results, **stored(FIRST, count=2))
    org.get(results, **stored(FIRST))

    with pytest.raises(IncompleteReadError, match="found 2 rows and gave 1"):
        pull(salesforce)


@pytest.mark.parametrize("cut", [{"body": FIRST, "count": 2}, {"body": FIRST[:-4], "count": 1}])
def test_bulk_page_that_broke_off_is_read_again(
    org: responses.RequestsMock, salesforce: SalesforceConnector, cut: dict[str, Any]
) -> None:
    """Fewer rows than announced, or half a row: the same page is asked for once more."""
    bulk_org(org, "JobComplete")
    results = f"{BASE}/jobs/query/750A/results"
    org.get(results, **stored(cut["body"], count=cut["count"]))
    org.get(results, **stored(FIRST + SECOND.removeprefix(HEAD), count=2))

    assert [record.id for record in pull(salesforce)] == ["001A", "001B"]


def test_bulk_results_are_streamed(
    org: responses.RequestsMock, salesforce: SalesforceConnector
) -> None:
    """A page is handed on before the next is asked for, and holds at most 10,000 rows."""
    bulk_org(org, "JobComplete")
    results = f"{BASE}/jobs/query/750A/results"
    org.get(results, **stored(FIRST, locator="next"))
    org.get(results, **stored(SECOND))

    def asked() -> list[dict[str, str]]:
        urls = [c.request.url or "" for c in org.calls]
        return [dict(parse_qsl(urlsplit(url).query)) for url in urls if url.startswith(results)]

    pages = salesforce.pull(ACCOUNTS, None)
    started, first = next(pages), next(pages)

    assert (list(started.records), [record.id for record in first.records]) == ([], ["001A"])
    assert asked() == [{"maxRecords": "10000"}]
    assert [record.id for page in pages for record in page.records] == ["001B"]
    assert asked()[1:] == [{"maxRecords": "10000", "locator": "next"}]


def ingest_org(org: responses.RequestsMock, state: str, done: str = "", failed: str = "") -> None:
    """Answers for a bulk update whose job ends like this."""
    job = f"{BASE}/jobs/ingest/750B"
    org.post(f"{BASE}/jobs/ingest", json={"id": "750B", "state": "Open"})
    org.put(f"{job}/batches", status=201)
    org.patch(job, json={"id": "750B", "state": "UploadComplete"})
    org.get(job, json={"id": "750B", "state": state, "errorMessage": "why"})
    for name, listed in (("successfulResults", done), ("failedResults", failed)):
        head = '"sf__Id","sf__Created","sf__Error","Id","Name"\n'
        org.get(f"{job}/{name}", body=head + listed)


def bulk_update(waits: list[Any], rows: int) -> dict[int, WriteResult]:
    """The results of so many updates by a connection that uses Bulk API from two rows on."""
    made = connection(limits={"bulk_write_threshold": 1, "bulk_deadline_minutes": 0.0001})
    made.open()
    results = dict(made.update("Account", changes(rows)))
    made.close()
    return results


def ingested(n: int, error: str = "") -> str:
    """A line of a job's results."""
    id = f"001{n:015}"
    return f'"{id}","false","{error}","{id}","n{n}"\n'


def test_bulk_rows_by_their_own_results(
    org: responses.RequestsMock, waits: list[float | None]
) -> None:
    """A job that is complete may have failed rows, rows to send again, and rows it never names."""
    refused_row = ingested(1, "FIELD_CUSTOM_VALIDATION_EXCEPTION:No: really:Name --")
    locked_row = ingested(2, "UNABLE_TO_LOCK_ROW:busy:--")
    ingest_org(org, "JobComplete", ingested(0), refused_row + locked_row)
    org.patch(PATCH, json=[{"id": f"001{2:015}", "success": True, "errors": []}])

    found = bulk_update(waits, 4)

    assert [found[n].outcome for n in range(4)] == ["done", "rejected", "done", "unknown"]
    assert (found[1].code, found[1].fields) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", ("Name",))
    assert found[1].message == "No: really"
    assert [row["id"] for row in posted(org, PATCH)[0]["records"]] == [f"001{2:015}"]


@pytest.mark.parametrize(
    ("state", "outcomes", "sent"),
    [
        ("Failed", ["done", "done"], 1),
        ("Aborted", ["done", "deferred"], 0),
        ("InProgress", ["unknown", "unknown"], 0),
    ],
)
def test_bulk_write_that_does_not_end_well(
    org: responses.RequestsMock,
    waits: list[float | None],
    state: str,
    outcomes: list[str],
    sent: int,
) -> None:
    """A failed job's rows go by collections, an aborted one's wait, an endless one's are open."""
    ingest_org(org, state, ingested(0))
    org.patch(PATCH, json=lines(1))

    found = bulk_update(waits, 2)

    assert [found[n].outcome for n in range(2)] == outcomes
    assert len(posted(org, PATCH)) == sent


def test_bulk_that_is_not_to_be_had(org: responses.RequestsMock, waits: list[float | None]) -> None:
    """Without Bulk API the rows go by collections."""
    org.post(f"{BASE}/jobs/ingest", **refused("NOT_FOUND", "no such thing", 404))
    org.patch(PATCH, json=lines(3))

    found = bulk_update(waits, 3)

    assert {one.outcome for one in found.values()} == {Outcome.DONE}
