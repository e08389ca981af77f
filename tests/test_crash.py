"""Real processes that die, sleep or meet: the CRM ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import states
from processes import KINDS, Site, Zygote, site

from connectors.sandbox.faults import Fault
from syncd.store import Store, to_text
from syncd.sync import EXIT_DONE, EXIT_REJECTED

state, postgres = states.state, states.postgres

EXIT_LEASE = 6
FINE = {EXIT_DONE, EXIT_REJECTED}


def writes(call: Any) -> bool:
    """Whether a call that a sandbox saw changes records."""
    last = str(call.path).rpartition("/")[2]
    made = call.method == "POST" and last in {"update", "upsert", "create", "default"}
    return made or bool(call.method == "PATCH")


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """One for all tests of this file: importing syncd and both SDKs takes a while."""
    made = Zygote()
    yield made
    made.stop()


@pytest.fixture(params=KINDS)
def crm(request: pytest.FixtureRequest, tmp_path: Path, zygote: Zygote) -> Iterator[Site]:
    """Each sandbox with twelve customers."""
    with site(request.param, tmp_path, zygote, accounts=12) as made:
        yield made


def test_a_killed_run_is_made_up_for(crm: Site, state: str) -> None:
    """Killed before or after the CRM did what a call asked: one clean run mends it."""
    crm.begin()
    calls = crm.calls_of_a_sync()
    wanted = crm.crm()
    crm.begin(state)
    reached = 0
    for back, after in ((12, False), (1, False), (1, True)):
        reached += crm.killed_at(calls - back, after=after)
    code = crm.run("sync")
    found = crm.crm()
    again = crm.run("sync", "--json")

    assert reached > 0
    assert code in FINE
    assert found.lost(wanted) == []
    assert found.copies == 0
    assert again == EXIT_DONE
    assert crm.answer()["nothing_to_do"]


def test_a_bulk_query_outlives_the_process_that_began_it(tmp_path: Path, zygote: Zygote) -> None:
    """Killed while it waits for the job: the next run waits for the same one, and reads on."""
    limits = "bulk_threshold = 5\nbulk_write_threshold = 5"
    with site("salesforce", tmp_path, zygote, accounts=12) as crm:
        crm.begin(**{"connections.salesforce.limits": limits})
        crm.sandbox.api.state["bulk_polls"] = 3
        killed = crm.killed_at(1, after=True, only="GET /services/data/v66.0/jobs/query/")
        begun = jobs_begun(crm, "query")
        code = crm.run("sync")
        both = jobs_begun(crm, "query")
        again = crm.run("sync", "--json")

    assert killed
    assert code in FINE
    assert len(begun) == 1
    assert both[: len(begun)] == begun
    assert len({object for object, _ in both}) == len(both)
    assert again == EXIT_DONE
    assert crm.answer()["nothing_to_do"]


@pytest.mark.parametrize("object", ["Account", "Task"])
def test_a_bulk_write_outlives_the_process_that_began_it(
    tmp_path: Path, zygote: Zygote, object: str
) -> None:
    """Killed while it waits for the job: the next run waits for it, and writes no row twice."""
    limits = "bulk_write_threshold = 5"
    nth = 0 if object == "Account" else 6
    with site("salesforce", tmp_path, zygote, accounts=12) as crm:
        crm.begin(**{"connections.salesforce.limits": limits})
        crm.sandbox.api.state["bulk_polls"] = 3
        killed = crm.killed_at(nth, after=False, only="GET /services/data/v66.0/jobs/ingest/750")
        begun = jobs_begun(crm, "ingest")
        code = crm.run("sync")
        both = jobs_begun(crm, "ingest")
        found = crm.crm()
        again = crm.run("sync", "--json")

    assert killed
    assert code in FINE
    assert begun[-1][0] == object
    assert [name for name, _ in both] == ["Account", "Task"]
    assert found.copies == 0
    assert again == EXIT_DONE
    assert crm.answer()["nothing_to_do"]


def jobs_begun(crm: Site, kind: str) -> list[tuple[str, str]]:
    """The bulk jobs that the org has seen, in order: object and id."""
    return [(job.object, job.id) for job in crm.sandbox.api.state.get(f"{kind}_jobs", {}).values()]


def test_a_killed_later_run_is_made_up_for(crm: Site) -> None:
    """Likewise when tasks are moved and closed, and people have ended some."""
    crm.begin()
    crm.run("sync")
    crm.people_act()
    calls = crm.calls_of_a_sync()
    wanted = crm.crm()
    crm.begin()
    crm.run("sync")
    crm.people_act()
    reached = [crm.killed_at(calls - back, after=after) for back, after in ((2, True), (1, True))]
    code = crm.run("sync", "--full")
    found = crm.crm()

    assert any(reached)
    assert code in FINE
    assert found.lost(wanted) == []
    assert found.copies == 0


def test_the_second_is_refused_and_a_sleeper_cannot_write(crm: Site, state: str) -> None:
    """While one runs the next exits 6; one that slept past its lease writes nothing any more."""
    crm.begin(state)
    calls = crm.calls_of_a_sync()
    crm.people_act()
    asleep, pids = Event(), list[int]()

    def fall_asleep() -> None:
        os.kill(pids[0], signal.SIGSTOP)
        asleep.set()

    crm.gate.arm(calls - 10, fall_asleep)
    pids.append(crm.start("sync"))
    assert asleep.wait(60)
    crm.gate.arm(None, lambda: None)
    refused = crm.run("sync")
    said = crm.said()
    store = Store.open(state)
    long_ago = to_text(datetime.now(UTC) - timedelta(hours=2))  # noqa: TID251
    with store.begin() as tx:
        tx.exec_driver_sql(f"UPDATE leases SET expires_at = '{long_ago}'")
    store.close()
    taken = crm.run("sync")
    crm.gate.arm(None, lambda: None)
    stands = crm.crm()
    crm.sandbox.calls.clear()
    os.kill(pids[0], signal.SIGCONT)
    woken = crm.zygote.wait(pids[0])
    tried = [call for call in crm.sandbox.calls if writes(call)]
    wrote = crm.crm()

    assert refused == EXIT_LEASE
    assert f"(process {pids[0]} on " in said
    assert taken in FINE
    assert woken == EXIT_LEASE
    assert wrote.lost(stands) == []
    assert wrote.copies == 0
    assert tried == []


def test_two_at_once_end_as_one(crm: Site, state: str) -> None:
    """Started in the same moment: one works, the other exits 6 or finds nothing left to do."""
    crm.begin()
    crm.run("sync")
    wanted = crm.crm()
    crm.begin(state)
    first, second = crm.start("sync"), crm.start("sync")
    codes = {crm.zygote.wait(first), crm.zygote.wait(second)}
    found = crm.crm()

    assert codes <= {*FINE, EXIT_LEASE}
    assert codes & FINE
    assert found.lost(wanted) == []
    assert found.copies == 0


def test_the_log_of_a_run_has_one_line_for_it_and_one_for_each_write(crm: Site) -> None:
    """JSON lines off a terminal: `run` once, `write` for each record, stamped and named."""
    crm.begin()
    crm.run("sync", "--json")
    written = crm.answer()["written"]
    lines = [json.loads(line) for line in crm.said().splitlines()]
    runs = [line for line in lines if line["event"] == "run"]
    writes = [line for line in lines if line["event"] == "write"]

    assert len(runs) == 1
    assert runs[0]["written"] == written == len(writes) > 0
    assert all(line["outcome"] == "done" and line["timestamp"] for line in writes)


@pytest.mark.parametrize("answer", ["html", "drop"])
def test_an_answer_that_is_none_is_looked_into(crm: Site, answer: str) -> None:
    """A page of HTML, or no answer at all: on reads, and on writes that were carried out."""
    crm.begin()
    calls = crm.calls_of_a_sync()
    wanted = crm.crm()
    crm.begin()
    for skip in (4, calls - 6, 1):
        crm.sandbox.strike(Fault(answer=answer, skip=skip, times=1, applies=True))
    codes = [crm.run("sync"), crm.run("sync")]
    crm.sandbox.faults.set([])
    last = crm.run("sync", "--json")
    found = crm.crm()

    assert set(codes) <= {*FINE, 5}
    assert last == EXIT_DONE
    assert crm.answer()["nothing_to_do"]
    assert found.lost(wanted) == []
    assert found.copies == 0
