"""One sync, or its pull alone, in a process of its own; prints what it measured.

The sync has a watch on each step.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from syncd.bootstrap import Wired, load, wired
from syncd.cli.output import moment
from syncd.log import setup_logging
from syncd.store import Store
from syncd.sync import Lease, pull, run_once

WATCHED = {
    # step: the functions that are it; what they call of another step is counted there
    "mirror": ("syncd.sync:pull",),
    "derive": ("syncd.sync:find_due", "syncd.sync.derive:derive_one"),
    "map": ("syncd.sync.derive:load", "syncd.sync.due:load"),
    "playbooks": ("syncd.sync.task_diff:desired_tasks",),
    "diff": ("syncd.sync:diff",),
    "write": ("syncd.sync:carry_out",),
}


class Watch:
    """Seconds by step. A step within a step stops the outer one's clock."""

    def __init__(self) -> None:
        """Begin outside of every step."""
        self.seconds: dict[str, float] = defaultdict(float)
        self._steps = ["rest"]
        self._since = time.perf_counter()

    def _turn(self) -> None:
        now = time.perf_counter()
        self.seconds[self._steps[-1]] += now - self._since
        self._since = now

    def enter(self, step: str) -> None:
        """A step begins."""
        self._turn()
        self._steps.append(step)

    def leave(self) -> None:
        """It ends, and the outer one goes on."""
        self._turn()
        self._steps.pop()

    def around(self, step: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, watched; of a generator each item is."""

        def watched(*args: Any, **kwargs: Any) -> Any:
            self.enter(step)
            try:
                made = call(*args, **kwargs)
            finally:
                self.leave()
            return self.each(step, made) if isinstance(made, Iterator) else made

        return watched

    def each(self, step: str, items: Iterator[Any]) -> Iterator[Any]:
        """The items, the time for each counted as the step's."""
        while True:
            self.enter(step)
            try:
                item = next(items)
            except StopIteration:
                return
            finally:
                self.leave()
            yield item


def watch_all(watch: Watch) -> None:
    """Put the watch around every step."""
    for step, places in WATCHED.items():
        for place in places:
            module, _, name = place.partition(":")
            home = import_module(module)
            setattr(home, name, watch.around(step, getattr(home, name)))


def provision(config: Path) -> list[dict[str, Any]]:
    """Make the fields that the mapping writes; tells what it reads."""
    loaded = load(config)
    with wired(loaded, store=Store.open("sqlite://")) as ready:
        (connected,) = ready.connections
        connected.connector.open()
        specs = connected.mapping.specs(loaded.config.policy)
        list(connected.connector.provision(specs, apply=True))
        return [
            {
                "object": source.object,
                "fields": list(source.fields),
                "where": source.where,
                "deleted": source.keep_deleted,
                "links": sorted({link.to for link in source.associations}),
            }
            for source in connected.mapping.sources
        ]


def measure(config: Path) -> dict[str, Any]:
    """Sync once."""
    watch = Watch()
    watch_all(watch)
    with wired(load(config)) as ready:
        for connected in ready.connections:
            puller: Any = connected.connector
            puller.pull = watch.around("read", puller.pull)
        started = time.perf_counter()
        report = run_once(ready.turn(clock=moment))
        seconds = time.perf_counter() - started
        watch.enter("rest")
        (only,) = report.connections
        return {
            "exit_code": only.exit_code,
            "message": only.message,
            "seconds": seconds,
            "steps": dict(watch.seconds),
            "accounts": only.accounts,
            "pulled": only.pulled,
            "derived": only.derived,
            "written": only.written,
            "fields": only.fields_written,
            "tasks": sum(only.tasks_done.values()),
            "calls": {"read": only.calls.read, "write": only.calls.write},
            "sources": _rows(ready),
            "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def pull_alone(config: Path) -> dict[str, Any]:
    """Pull once, and do nothing with it."""
    with wired(load(config)) as ready, Lease(ready.turn(clock=moment)) as lease:
        (connected,) = lease.turn.connections
        started = time.perf_counter()
        rows = pull(lease.turn, connected)
        return {
            "rows": rows,
            "seconds": time.perf_counter() - started,
            "calls": connected.connector.calls.read,
            "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def _rows(ready: Wired) -> list[dict[str, Any]]:
    """How many rows each source had, and to how many kinds of objects its rows are linked."""
    (connected,) = ready.connections
    with ready.store.begin(write=False) as tx:
        return [
            {
                "rows": ready.store.mirror.count(tx, connected.name, source.name),
                "links": len({link.to for link in source.associations}),
            }
            for source in connected.sources
        ]


if __name__ == "__main__":
    setup_logging()  # as `syncd sync` off a terminal does
    step = {"provision": provision, "pull": pull_alone, "sync": measure}[sys.argv[1]]
    print(json.dumps(step(Path(sys.argv[2]))))
