"""Figures for Prometheus: of runs and connections, never of single accounts."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest


class Metrics:
    """The daemon's figures."""

    def __init__(self) -> None:
        """All at zero."""
        self.registry = CollectorRegistry()
        of = ("connection",)
        self._runs = Counter("syncd_runs", "Runs by exit code", ("code",), registry=self.registry)
        self._written = Counter(
            "syncd_records_written", "Records and tasks written", of, registry=self.registry
        )
        self._refused = Counter(
            "syncd_refused", "Records and writes refused", of, registry=self.registry
        )
        self._calls = Counter(
            "syncd_api_calls", "API calls made", (*of, "kind"), registry=self.registry
        )
        self._last = Gauge(
            "syncd_last_success_timestamp_seconds",
            "End of the last run without failure",
            registry=self.registry,
        )
        self._seconds = Gauge("syncd_run_seconds", "Length of the last run", registry=self.registry)
        self._left = Gauge(
            "syncd_allowance_left", "API calls left to syncd today", of, registry=self.registry
        )
        self._open = Gauge("syncd_open_tasks", "Open tasks of syncd", registry=self.registry)
        self._quarantine = Gauge(
            "syncd_quarantine", "Records in quarantine", registry=self.registry
        )

    def connection(
        self, name: str, *, written: int, refused: int, read: int, write: int, left: int | None
    ) -> None:
        """What a run did in one connection."""
        self._written.labels(name).inc(written)
        self._refused.labels(name).inc(refused)
        self._calls.labels(name, "read").inc(read)
        self._calls.labels(name, "write").inc(write)
        if left is not None:
            self._left.labels(name).set(left)

    def stand(self, open_tasks: int, quarantine: int) -> None:
        """How things stand, after a run and when the daemon starts."""
        self._open.set(open_tasks)
        self._quarantine.set(quarantine)

    def run(self, *, code: int, seconds: float, ended: float) -> None:
        """How a run ended; `ended` in Unix seconds."""
        self._runs.labels(str(code)).inc()
        self._seconds.set(seconds)
        if code in {0, 3}:
            self.succeeded(ended)

    def succeeded(self, ended: float) -> None:
        """When a run last ended well, in Unix seconds; known from the state after a restart."""
        self._last.set(ended)

    def text(self) -> bytes:
        """All figures in Prometheus' text form."""
        return generate_latest(self.registry)
