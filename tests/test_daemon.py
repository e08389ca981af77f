"""The daemon: its calendar, its life as a real process, its pages, and what it never shows."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from apscheduler.schedulers.background import BackgroundScheduler
from memory_book import MAPPING
from processes import KINDS, Site, Zygote, site

from syncd.bootstrap import load
from syncd.config import cron_trigger
from syncd.console import Console, app
from syncd.daemon.calendar import overdue
from syncd.daemon.program import Daemon
from syncd.errors import StoreLostError
from syncd.store import Store

LONDON = "Europe/London"
SECRETS = {
    "token": "canary-console-9f31c7",
    "hubspot": "pat-na1-canary-0b77aa12-51de",
    "notify": "json://canary-notify-77ab/path-canary-5512",
}


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """One for all tests of this file."""
    made = Zygote()
    yield made
    made.stop()


@pytest.fixture
def crm(tmp_path: Path, zygote: Zygote) -> Iterator[Site]:
    """A HubSpot sandbox with eight customers."""
    with site("hubspot", tmp_path, zygote, accounts=8) as made:
        yield made


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def ask(port: int, path: str, token: str = "") -> tuple[int, str]:
    """Status and text of a page; 0 when nobody answers."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        asked.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = asked.getresponse()
        return answer.status, answer.read().decode()
    except OSError:
        return 0, ""
    finally:
        asked.close()


def wait_for(crm: Site, event: str, name: str = "err", *, times: int = 1) -> list[dict[str, Any]]:
    """The lines of that event, once there are so many (within a minute)."""
    pause = Event()
    for _ in range(600):
        told = crm.folder / name  # which the process makes a moment after it was started
        text = told.read_text() if told.exists() else ""
        lines = [json.loads(line) for line in text.splitlines() if line[:1] == "{"]
        found = [line for line in lines if line.get("event") == event]
        if len(found) >= times:
            return found
        pause.wait(0.1)
    raise AssertionError(f"no {event} within a minute: {crm.said()[-2000:]}")


# --- the calendar ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "after", "comes"),
    [
        ("0 9 * * 1", "2026-06-13T00:00+01:00", "2026-06-15T09:00+01:00"),  # a Monday
        ("0 9 * * 0", "2026-06-15T00:00+01:00", "2026-06-21T09:00+01:00"),  # a Sunday
        ("0 9 * * 7", "2026-06-15T00:00+01:00", "2026-06-21T09:00+01:00"),
        ("0 9 * * 1-5", "2026-06-12T10:00+01:00", "2026-06-15T09:00+01:00"),
        (
            "0 9 13 * 5",
            "2026-06-05T10:00+01:00",
            "2026-06-12T09:00+01:00",
        ),  # either
        ("0 3 * * *", "2026-03-28T12:00+00:00", "2026-03-29T03:00+01:00"),  # clocks go forward
        ("0 3 * * *", "2026-10-24T12:00+01:00", "2026-10-25T03:00+00:00"),  # and back
        ("*/15 * * * *", "2026-10-25T01:50+01:00", "2026-10-25T01:00+00:00"),
    ],
)
def test_cron_in_a_time_zone(expression: str, after: str, comes: str) -> None:
    """Weekdays as cron counts them, midnight of the time zone, and days of 23 and 25 hours."""
    trigger = cron_trigger(expression, LONDON)
    moment = datetime.fromisoformat(after).astimezone(ZoneInfo(LONDON))
    found = trigger.get_next_fire_time(None, moment)

    assert found is not None
    assert found.astimezone(UTC) == datetime.fromisoformat(comes)


def test_the_hours_that_are_skipped_or_repeated() -> None:
    """A nightly run at 01:30 comes once a day, whatever the clocks do; others go on as before."""
    nightly, often = cron_trigger("30 1 * * *", LONDON), cron_trigger("*/15 * * * *", LONDON)
    spring, autumn = datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)

    assert [time.date().day for time in _next(nightly, spring, 3)] == [29, 30, 31]
    assert [time.date().day for time in _next(nightly, autumn, 3)] == [25, 26, 27]
    for day in (spring, autumn):
        times = _next(often, day, 96)
        gaps = {later - time for time, later in pairwise(times)}

        assert gaps == {timedelta(minutes=15)}


@pytest.mark.parametrize(
    ("day", "expression", "times"),
    [
        ("2026-03-29", "30 1 * * *", 1),
        ("2026-10-25", "30 1 * * *", 1),
        ("2026-10-25", "45 0-2 * * 0", 3),
        ("2026-03-29", "*/15 * * * *", 23 * 4),
        ("2026-10-25", "*/15 * * * *", 25 * 4),
    ],
)
def test_a_scheduler_goes_through_the_days_of_23_and_25_hours(
    day: str, expression: str, times: int
) -> None:
    """With jitter, too, a job's times come one after another, none twice and none lost."""
    zone = ZoneInfo(LONDON)
    now = datetime.fromisoformat(day).replace(tzinfo=zone).astimezone(UTC)
    end = now.astimezone(zone) + timedelta(days=1)
    trigger = cron_trigger(expression, LONDON, 30)
    job = BackgroundScheduler(timezone=zone).add_job(len, trigger, args=("",))
    job.next_run_time = trigger.get_next_fire_time(None, now.astimezone(zone))
    began: list[datetime] = []
    while now < end.astimezone(UTC):
        now += timedelta(minutes=1)
        due = job._get_run_times(now.astimezone(zone))
        if due:
            began += [time.astimezone(UTC) for time in due]
            job.next_run_time = trigger.get_next_fire_time(due[-1], now.astimezone(zone))

    assert len(began) == times
    assert all(earlier < later for earlier, later in pairwise(began))


def _next(trigger: Any, moment: datetime, count: int) -> list[datetime]:
    """So many times that it comes, in UTC, as the scheduler asks for them."""
    times: list[datetime] = []
    last = None
    for _ in range(count):
        last = trigger.get_next_fire_time(last, moment + timedelta(microseconds=1))
        moment = last.astimezone(UTC)
        times.append(moment)
    return times


def test_an_hour_that_comes_twice_can_be_missed_twice() -> None:
    """Runs that were due in the repeated hour are counted on into the next."""
    trigger_began = datetime(2026, 10, 25, 0, 50, tzinfo=UTC)  # 01:50, for the first time

    assert overdue("*/15 * * * *", LONDON, trigger_began, trigger_began + timedelta(hours=2), 8)
    assert not overdue("*/15 * * * *", LONDON, trigger_began, trigger_began + timedelta(hours=2), 9)


def test_what_was_missed_is_one_run() -> None:
    """After a night without power one run is overdue, not thirty."""
    evening = datetime(2026, 6, 15, 20, tzinfo=UTC)
    morning = evening + timedelta(hours=12)

    assert overdue("*/15 * * * *", LONDON, evening, morning)
    assert overdue("*/15 * * * *", LONDON, evening, morning, 3)
    assert not overdue("*/15 * * * *", LONDON, morning, morning + timedelta(minutes=14))
    assert not overdue("0 3 * * *", LONDON, morning, morning + timedelta(hours=2))


def test_a_clock_that_goes_back_moves_the_schedule(tmp_path: Path) -> None:
    """The next run comes by the clock as it is now, and a lost state is caught up with later."""
    (tmp_path / "config.toml").write_text(
        "[syncd]\nstate = 'sqlite:///syncd.db'\n[schedule]\njitter = '0s'\n[connections.crm]\n"
        "connector = 'memory'\nmapping = './map.toml'\n"
    )
    (tmp_path / "map.toml").write_text(MAPPING)
    loaded = load(tmp_path / "config.toml", env={})
    store = Store.open(loaded.config.state)
    with time_machine.travel(datetime(2026, 6, 20, 9, 1, tzinfo=UTC), tick=False) as now:
        daemon = Daemon(loaded, store, lambda: datetime.now(UTC))  # noqa: TID251
        daemon._scheduler.start(paused=True)
        daemon._leads = True
        daemon.beat()
        now.move_to(datetime(2026, 6, 15, 9, 1, tzinfo=UTC))
        daemon.beat()
        coming = daemon._scheduler.get_job("sync").next_run_time
        well = daemon.alive()
        store.close()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Store, "begin", _lost)
            daemon.beat()
        leads = daemon._leads
        daemon._scheduler.shutdown(wait=False)
    store.close()

    assert coming == datetime(2026, 6, 15, 9, 15, tzinfo=UTC)
    assert well[0]
    assert leads is None


def _lost(*_: Any, **__: Any) -> Any:
    raise StoreLostError("the server is away")


# --- a life ---------------------------------------------------------------------------------------


def test_a_life(crm: Site) -> None:
    """It catches up at once, answers its pages, is healthy, and ends with 0 on SIGTERM."""
    port = free_port()
    crm.begin(console=f'listen = "127.0.0.1:{port}"', schedule='sync = "0 0 1 1 *"')
    pid = crm.start("run")
    (run,) = wait_for(crm, "run")
    pages = {path: ask(port, path) for path in ("/healthz", "/readyz", "/metrics", "/none")}
    log = crm.folder / "err"
    log.rename(crm.folder / "daemon")
    healthy = crm.run("health", "--json")
    told = crm.answer()
    os.kill(pid, signal.SIGTERM)
    code = crm.zygote.wait(pid)
    last = wait_for(crm, "daemon_stopped", "daemon")
    unhealthy = crm.run("health")

    assert run["exit_code"] in {0, 3}
    assert pages["/healthz"] == (200, "alive\n")
    assert pages["/readyz"] == (200, "ready\n")
    assert pages["/none"][0] == 404
    assert 'syncd_records_written_total{connection="hubspot"}' in pages["/metrics"][1]
    assert (healthy, told["healthy"]) == (0, True)
    assert code == 0
    assert len(last) == 1
    assert unhealthy == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_stop_in_the_midst_of_a_run(kind: str, tmp_path: Path, zygote: Zygote) -> None:
    """SIGTERM while a batch is under way: it is finished and noted, and the process ends with 0."""
    with site(kind, tmp_path, zygote, accounts=8) as crm:
        port = free_port()
        state = f"sqlite:///{tmp_path}/state.db"
        crm.begin()
        calls = crm.calls_of_a_sync()
        wanted = crm.crm()
        crm.begin(state, console=f'listen = "127.0.0.1:{port}"')
        pids: list[int] = []
        crm.gate.arm(calls - 3, lambda: os.kill(pids[0], signal.SIGTERM))
        pids.append(crm.start("run"))
        code = crm.zygote.wait(pids[0])
        crm.gate.arm(None, lambda: None)
        store = Store.open(state)
        with store.begin(write=False) as tx:
            open_ends = store.ledger.entries(tx, store.ledger.unsettled(tx, kind))
        store.close()
        after = crm.run("sync")
        found = crm.crm()

    assert code == 0
    assert after in {0, 3}
    assert {entry.kind for entry in open_ends} <= {"fields", "open"}
    assert found.lost(wanted) == []
    assert found.copies == 0


def test_a_second_stands_by_and_takes_over(crm: Site) -> None:
    """Killed without a word, the first is followed by the one that stood by."""
    first, second = free_port(), free_port()
    state = f"sqlite:///{crm.folder}/state.db"
    crm.begin(state, console=f'listen = "127.0.0.1:{first}"')
    one = crm.start("run")
    wait_for(crm, "run")
    (crm.folder / "err").rename(crm.folder / "one")
    crm.config.write_text(crm.config.read_text().replace(str(first), str(second)))
    two = crm.start("run")
    wait_for(crm, "standing_by")
    waiting = ask(second, "/readyz")
    os.kill(one, signal.SIGKILL)
    killed = crm.zygote.wait(one)
    pause = Event()
    leading = (0, "")
    for _ in range(300):
        leading = ask(second, "/readyz")
        if leading == (200, "ready\n"):
            break
        pause.wait(0.1)
    os.kill(two, signal.SIGTERM)

    assert crm.zygote.wait(two) == 0
    assert killed == -signal.SIGKILL
    assert waiting == (200, "ready, standing by\n")
    assert leading == (200, "ready\n")


def test_a_second_of_the_same_config_listens_when_it_takes_over(crm: Site) -> None:
    """On one machine the first has the console's address; the other waits for that too."""
    port = free_port()
    crm.begin(f"sqlite:///{crm.folder}/state.db", console=f'listen = "127.0.0.1:{port}"')
    one = crm.start("run")
    wait_for(crm, "run")
    (crm.folder / "err").rename(crm.folder / "one")
    two = crm.start("run")
    (told,) = wait_for(crm, "console_waits")
    wait_for(crm, "standing_by")
    before = ask(port, "/metrics")[1]
    os.kill(one, signal.SIGTERM)
    ended = crm.zygote.wait(one)
    wait_for(crm, "console_listening")
    leading, after = ask(port, "/readyz"), ask(port, "/metrics")[1]
    os.kill(two, signal.SIGTERM)

    assert f"cannot listen on 127.0.0.1:{port}" in told["reason"]
    assert (ended, crm.zygote.wait(two)) == (0, 0)
    assert leading == (200, "ready\n")
    assert _open_tasks(before) == _open_tasks(after) > 0


def _open_tasks(metrics: str) -> float:
    (line,) = [m for m in metrics.splitlines() if m.startswith("syncd_open_tasks ")]
    return float(line.split()[1])


def test_an_address_that_a_stranger_has_is_told(crm: Site) -> None:
    """Nobody is at work on the state: that is a mistake, and ends with 2."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        crm.begin(console=f'listen = "127.0.0.1:{port}"')
        code = crm.run("run")

    assert code == 2
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use;" in (
        crm.folder / "err"
    ).read_text(encoding="utf-8")


def test_a_crm_that_is_away_does_not_stop_it(crm: Site) -> None:
    """The run fails with 5 and is told; the daemon lives on."""
    port = free_port()
    crm.begin(console=f'listen = "127.0.0.1:{port}"')
    text = crm.config.read_text()
    away = f"https://127.0.0.1:{free_port()}"
    crm.config.write_text(text.replace(_base_url(text), away))
    pid = crm.start("run")
    (run,) = wait_for(crm, "run")
    pages = ask(port, "/healthz"), ask(port, "/metrics")
    os.kill(pid, signal.SIGTERM)

    assert crm.zygote.wait(pid) == 0
    assert run["exit_code"] == 5
    assert pages[0] == (200, "alive\n")
    assert 'syncd_runs_total{code="5"} 1.0' in pages[1][1]


def _base_url(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("base_url")).split('"')[1]


# --- secrets --------------------------------------------------------------------------------------


def test_no_secret_comes_out(crm: Site) -> None:
    """Planted in each place, no secret is in any log, answer, page or file, whatever goes wrong."""
    port = free_port()
    state = f"sqlite:///{crm.folder}/state.db"
    for name, secret in SECRETS.items():
        (crm.folder / "secrets" / name).write_text(secret)
    crm.begin(
        state,
        console=f'listen = "127.0.0.1:{port}"\ntoken = {{ file = "secrets/token" }}',
        notify='urls = [{ file = "secrets/notify" }]',
    )
    out: list[str] = []

    def run(*args: str) -> int:
        code = crm.run(*args)
        out.append((crm.folder / "out").read_text() + crm.said())
        return code

    run("sync", "--json")
    for command in ("status", "runs", "history", "rejects", "plan", "check", "verify"):
        run(command, "--json")
        run(command)
    text = crm.config.read_text()
    crm.config.write_text(text.replace("secrets/hubspot_access_token", "secrets/hubspot"))
    refused = run("sync")
    crm.config.write_text(text.replace("sqlite:///", "postgresql+psycopg://u:canary-pw-1@h/"))
    broken = run("sync")
    crm.config.write_text(text.replace(_base_url(text), "https://127.0.0.1:9"))
    pid = crm.start("run")
    wait_for(crm, "daemon_started")
    pages = [ask(port, path, t) for path in ("/metrics", "/readyz") for t in ("", SECRETS["token"])]
    os.kill(pid, signal.SIGTERM)
    crm.zygote.wait(pid)
    out += [crm.said(), *(page for _, page in pages)]
    told = "\n".join(out).encode()
    told += b"".join(p.read_bytes() for p in crm.folder.glob("state.db*"))
    real = (crm.folder / "secrets" / "hubspot_access_token").read_bytes()

    assert (refused, broken) == (5, 2)
    assert [status for status, _ in pages] == [401, 200, 401, 200]
    assert b"canary" not in told
    assert real not in told
    assert len(told) > 10_000


def test_a_console_beyond_loopback_needs_a_token(crm: Site) -> None:
    """Without one the config is wrong, and nothing is contacted."""
    crm.begin(console='listen = "0.0.0.0:8080"')
    crm.gate.arm(None, lambda: None)

    assert crm.run("run") == 2
    assert "needs a token" in crm.said()
    assert crm.gate.calls == 0


def test_each_page_but_healthz_asks_for_the_token() -> None:
    """A right token opens, anything else does not, in whatever form it comes."""

    class Well:
        def alive(self) -> tuple[bool, str]:
            return True, "alive"

        def ready(self) -> tuple[bool, str]:
            return False, "not yet"

        def metrics(self) -> bytes:
            return b"figures"

    console = Console(app(Well(), "s3cret-token"), "127.0.0.1", 0)
    console.open()
    wrong = ["", "s3cret", "s3cret-token2", "S3CRET-TOKEN"]
    refused = {ask(console.port, "/metrics", token)[0] for token in wrong}
    open_to_all = ask(console.port, "/healthz")
    right = [ask(console.port, path, "s3cret-token") for path in ("/metrics", "/readyz")]
    console.stop()

    assert refused == {401}
    assert open_to_all == (200, "alive\n")
    assert right == [(200, "figures"), (503, "not yet\n")]
