"""One scheduler, one run at a time, a heartbeat, and an end within 30 seconds."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from sqlalchemy import Connection

from syncd.bootstrap import Loaded, instance_name, wired
from syncd.config import cron_trigger
from syncd.console import Console, app
from syncd.daemon.calendar import overdue, since_when
from syncd.daemon.lead import Lead
from syncd.daemon.telling import EXIT_DEFECT, EXIT_STOPPED, Telling
from syncd.errors import LeaseError, StopProgramError, StoreLostError, SyncdError
from syncd.log import get_log
from syncd.store import Store, StoredRun, to_moment
from syncd.sync import EXIT_DONE, run_once

BEAT = "daemon"
BEAT_SECONDS = 10
STALE_BEAT = timedelta(seconds=60)
STALE_RUNS = 3  # not ready after so many scheduled runs that did not begin
RUNS_SEEN = 50
LISTEN_TRIES, LISTEN_PAUSE_SECONDS = 4, 0.5
GRACE_SECONDS = 20.0  # of the 30 that an operator's stop grants


class Daemon:
    """Runs on the schedule until it is stopped. A second one on the same state stands by."""

    def __init__(self, loaded: Loaded, store: Store, clock: Callable[[], datetime]) -> None:
        """Nothing runs yet."""
        self._loaded = loaded
        self._store = store
        self._clock = clock
        self._log = get_log()
        # Put to by signals too: SimpleQueue alone may be used while it is being used.
        self.wishes: SimpleQueue[None] = SimpleQueue()
        self.exit_code = 0
        self.cut_off = False
        self._stop = Event()
        self._telling = Telling(store, loaded.config.notify.urls)
        self._lead = Lead(store)
        self._leads: bool | None = None
        self._started = self._beaten = clock()
        config = loaded.config
        token = config.console.token.get_secret_value() if config.console.token else ""
        self.console = Console(app(self, token), config.console.host, config.console.port)
        jitter = config.schedule.jitter_seconds
        self._triggers: dict[str, BaseTrigger] = {}
        # One thread: a --full run and a sync wait for each other.
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(1)},
            timezone=ZoneInfo(config.syncd.timezone),
        )
        common: dict[str, Any] = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        for name, expression, full in (
            ("sync", config.schedule.sync, False),
            ("reconcile", config.schedule.reconcile, True),
        ):
            trigger = cron_trigger(expression, config.syncd.timezone, jitter)
            self._triggers[name] = trigger
            self._scheduler.add_job(self.run, trigger, kwargs={"full": full}, id=name, **common)

    # --- work ---------------------------------------------------------------------------------

    def run(self, *, full: bool = False) -> None:
        """One run. Soft failures wait for the next; anything else ends the daemon."""
        if self._stop.is_set() or not self._leads:
            return
        try:
            with wired(self._loaded, store=self._store) as ready:
                report = run_once(ready.turn(clock=self._clock, full=full, stop=self._stop))
                connectors = {c.name: c.connector for c in ready.connections}
                self._telling.run(report, connectors, self._clock())
        except LeaseError as error:
            self._log.info("standing_by", reason=str(error))
        except StopProgramError as error:
            self._log.error("daemon_stops", reason=str(error))
            self._end(EXIT_STOPPED, str(error))
        except SyncdError as error:
            self._log.warning("run_stopped", reason=str(error))
        except Exception as error:  # noqa: BLE001 - a defect ends the process, with its trace logged
            self._log.error("defect", exc_info=True)
            self._end(EXIT_DEFECT, type(error).__name__)

    def _end(self, code: int, reason: str) -> None:
        self.exit_code = code
        self._telling.end(code, reason)
        self.wishes.put(None)

    # --- one of several -------------------------------------------------------------------------

    def beat(self) -> None:
        """Leave a sign of life, and find out whether this daemon is the one at work."""
        now = self._clock()
        self._follow_clock(now)
        self._beaten = now
        try:
            with self._store.begin() as tx:
                self._store.runs.beat(tx, BEAT, now, instance_name())
                leads = self._lead.take(tx, now)
            if leads and not self._leads:
                self._leads = True
                self._catch_up()
            if leads and not self.console.is_open:
                self._take_address()
        except StoreLostError as error:
            # With the state back, what was missed meanwhile is caught up with.
            self._leads = None
            self._log.warning("no_beat", reason=str(error))
            return
        if not leads and self._leads is not False:
            self._leads = False
            self._log.info("standing_by", reason="another daemon is at work on this state")

    def _take_address(self) -> None:
        """The daemon that had the console's address is gone, and its address free by now or soon.

        Raises nothing: a work that goes on unseen is better than none.
        """
        try:
            self._listen()
        except StopProgramError as error:
            self._log.warning("console_waits", reason=str(error))

    def _listen(self) -> None:
        self.console.open()
        self._log.info("console_listening", host=self.console.host, port=self.console.port)

    def listen(self) -> None:
        """Open the console. On a machine where another daemon is at work it has the address: this
        one stands by without, and listens when it takes over.

        Raises StopProgramError where somebody else has the address.
        """
        for last in (*[False] * (LISTEN_TRIES - 1), True):
            try:
                self._listen()
            except StopProgramError as error:
                if self._lead.elsewhere():
                    self._log.info("console_waits", reason=str(error))
                    return
                if last:
                    raise
                # The other may be about to take the lead, or to end.
                self._stop.wait(LISTEN_PAUSE_SECONDS)
            else:
                return

    def _follow_clock(self, now: datetime) -> None:
        """After a clock that went back, the next runs are still planned for its old future."""
        if now < self._beaten - STALE_BEAT:
            self._log.warning("clock_went_back", now=now.isoformat(), was=self._beaten.isoformat())
            for name, trigger in self._triggers.items():
                self._scheduler.reschedule_job(name, trigger=trigger)
        if self._scheduler.running:
            # It sleeps by another clock, which a jump or a suspended machine does not move.
            self._scheduler.wakeup()

    def _beat_on(self) -> None:
        """The heart: by its own count of seconds, so that no jump of the clock stops it."""
        while not self._stop.wait(BEAT_SECONDS):
            self.beat()

    def _let_go(self) -> None:
        try:
            self._lead.let_go(self._clock())
        except StoreLostError as error:
            self._log.warning("lease_not_given_back", reason=str(error))

    def _catch_up(self) -> None:
        """One run makes up for all that were missed while nobody ran."""
        config = self._loaded.config
        with self._store.begin(write=False) as tx:
            latest = self._runs(tx)
        now, zone = self._clock(), config.syncd.timezone
        full = overdue(
            config.schedule.reconcile, zone, since_when(latest, full=True) or self._started, now
        )
        since = since_when(latest)
        broken = bool(latest) and latest[0].finished_at is None
        if full or broken or since is None or overdue(config.schedule.sync, zone, since, now):
            self._log.info("catching_up", full=full)
            self._scheduler.add_job(
                self.run,
                kwargs={"full": full},
                id="catch-up",
                misfire_grace_time=None,
                replace_existing=True,
            )

    def _runs(self, tx: Connection) -> list[StoredRun]:
        """The latest runs that could write, newest first."""
        return [
            run for run in self._store.runs.latest(tx, RUNS_SEEN) if run.kind in {"sync", "full"}
        ]

    # --- what the console shows ---------------------------------------------------------------

    def alive(self) -> tuple[bool, str]:
        """The scheduler is at work and the heart beats."""
        if self._stop.is_set() or not self._scheduler.running:
            return False, "stopping"
        age = self._clock() - self._beaten
        if age > STALE_BEAT:
            return False, f"the last sign of life is {int(age.total_seconds())} s old"
        return True, "alive" if self._leads else "alive, standing by"

    def ready(self) -> tuple[bool, str]:
        """The state can be reached, and the last run is not overdue."""
        config = self._loaded.config
        try:
            with self._store.begin(write=False) as tx:
                since = since_when(self._runs(tx))
        except StoreLostError as error:
            return False, str(error)
        at = since or self._started
        if overdue(config.schedule.sync, config.syncd.timezone, at, self._clock(), STALE_RUNS):
            return False, f"no run has begun since {since.isoformat() if since else 'the start'}"
        return True, "ready" if self._leads else "ready, standing by"

    def metrics(self) -> bytes:
        """Prometheus text."""
        return self._telling.metrics.text()

    # --- life -----------------------------------------------------------------------------------

    def serve(self) -> None:
        """Run until somebody wishes the end."""
        with self._store.begin(write=False) as tx:
            good = next((run for run in self._runs(tx) if run.exit_code == EXIT_DONE), None)
            self._telling.stand(tx)
        if good is not None and good.finished_at is not None:
            self._telling.metrics.succeeded(to_moment(good.finished_at).timestamp())
        self._scheduler.start()
        self.beat()
        Thread(target=self._beat_on, name="heart", daemon=True).start()
        self._log.info("daemon_started", schedule=self._loaded.config.schedule.sync)
        self.wishes.get()
        self._stop.set()
        self._log.info("daemon_stopping")
        ended = Event()

        def shut_down() -> None:
            self._scheduler.shutdown(wait=True)
            ended.set()

        Thread(target=shut_down, name="shut-down", daemon=True).start()
        # What does not end in time is cut off: the ledger tells the next run where it stood.
        self.cut_off = not ended.wait(GRACE_SECONDS)
        if self.cut_off:
            self._log.warning("daemon_cut_off", seconds=GRACE_SECONDS)
        else:
            self._let_go()
        self._log.info("daemon_stopped")


def serve(loaded: Loaded, *, clock: Callable[[], datetime]) -> int:
    """The daemon with its console; returns when SIGTERM or SIGINT came, or a defect did."""
    with ExitStack() as stack:
        store = Store.open(loaded.config.state)
        stack.callback(store.close)
        daemon = Daemon(loaded, store, clock)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: daemon.wishes.put(None))
        stack.callback(daemon.console.stop)
        daemon.listen()
        daemon.serve()
        if daemon.cut_off:
            # The run that hangs would keep the process alive for as long as it hangs.
            logging.shutdown()
            os._exit(daemon.exit_code)
    return daemon.exit_code
