"""`make chaos`: the long versions of what the tests show in short, with a seed, as a table.

    python tests/chaos.py [--seed N] [--quick] [--only WORDS]

WORDS are a part of "WHAT CRM STATE" as the table names them: "two at once", "hubspot postgresql".

Exits 1 when a write was lost or doubled.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from memory_book import Room, planned
from processes import KINDS, Picture, Site, Zygote, site
from sqlalchemy import func, select
from states import Postgres

from connectors.memory import MemoryConnector
from syncd.store import metadata
from syncd.sync import EXIT_DONE, EXIT_REJECTED, Retention

FINE = {EXIT_DONE, EXIT_REJECTED}
HEADS = ("what", "crm", "state", "faults", "runs", "lost", "doubled", "stuck")


@dataclass(slots=True)
class Row:
    """A line of the table. `stuck`: clean runs that did not end well, or left something to do."""

    what: str
    crm: str
    state: str
    faults: int = 0
    runs: int = 0
    lost: int = 0
    doubled: int = 0
    stuck: int = 0

    def judge(self, crm: Site, wanted: Picture, where: str) -> None:
        """One clean run, and what is then wrong with the CRM."""
        code = crm.run("sync")
        found = crm.crm()
        self.lost += len(found.lost(wanted))
        self.doubled += found.copies
        for line in found.lost(wanted)[:3]:
            print(f"  {where}: {line}")
        if code not in FINE:
            print(f"  {where}: the clean run ended with {code}: {crm.said()[-300:]}")
        again = crm.run("sync", "--json")
        self.stuck += code not in FINE or again != EXIT_DONE or not crm.answer()["nothing_to_do"]


def undisturbed(crm: Site, *, later: bool) -> tuple[int, Picture]:
    """How many calls a run makes that nothing disturbs, and what the CRM then holds."""
    crm.begin()
    if later:
        crm.run("sync")
        crm.people_act()
    calls = crm.calls_of_a_sync()
    return calls, crm.crm()


def at_every_call(
    crm: Site, state: Callable[[], str], row: Row, rng: random.Random, step: int, *, later: bool
) -> None:
    """Killed before and after each call of a run (each `step`th)."""
    calls, wanted = undisturbed(crm, later=later)
    for call in range(rng.randrange(step), calls, step):
        for after in (False, True):
            crm.begin(state())
            if later:
                crm.run("sync")
                crm.people_act()
            row.faults += crm.killed_at(call, after=after)
            row.judge(crm, wanted, f"call {call}")


def at_random(crm: Site, state: Callable[[], str], row: Row, rng: random.Random, n: int) -> None:
    """Killed at any moment, also between two calls, several times before it may end."""
    _, wanted = undisturbed(crm, later=False)
    for _ in range(n):
        crm.begin(state())
        for _ in range(rng.randrange(1, 5)):
            pid = crm.start("sync")
            timer = threading.Timer(rng.uniform(0.05, 1.5), os.kill, (pid, signal.SIGKILL))
            timer.start()
            row.faults += crm.zygote.wait(pid) == -signal.SIGKILL
            timer.cancel()
        row.judge(crm, wanted, "at random")


def together(crm: Site, state: Callable[[], str], row: Row, rng: random.Random, n: int) -> None:
    """Two at once, one of them killed now and then."""
    _, wanted = undisturbed(crm, later=False)
    for _ in range(n):
        crm.begin(state())
        first, second = crm.start("sync"), crm.start("sync")
        timer = threading.Timer(rng.uniform(0.05, 1.5), os.kill, (first, signal.SIGKILL))
        timer.start()
        row.faults += 1 + (crm.zygote.wait(first) == -signal.SIGKILL)
        timer.cancel()
        crm.zygote.wait(second)
        row.judge(crm, wanted, "two at once")


def cycles(number: int, seed: int) -> Row:
    """So many days on a book in memory, each with its changes: the state stays small."""
    row = Row(f"{number} days", "memory", "sqlite")
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        room = Room(f"sqlite:///{folder}/syncd.db")
        keep = Retention(runs_days=30, writes_days=60, snapshots_days=31)
        for nth in range(8):
            room.customer(f"A{nth}", ends=room.today + timedelta(days=60 * nth))
        sizes: list[int] = []
        memory: list[int] = []
        for day in range(number):
            account = f"A{rng.randrange(8)}"
            ends = room.today + timedelta(days=rng.randrange(10, 700))
            room.crm.put("Contract", f"c-{account}", EndDate=ends.isoformat())
            report = room.sync(retention=keep, full=day % 7 == 0)
            row.runs += 1
            row.faults += 1
            row.stuck += report.exit_code != EXIT_DONE
            _tidy(room)
            room.next_day()
            if day % (number // 20) == 0:
                sizes.append(_rows(room))
                memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
        room.sync()
        row.lost += sum(planned(room.sync(full=True)))
        keys = [task["Key"] for task in room.tasks()]
        row.doubled += len(keys) - len(set(keys))
        row.stuck += max(sizes[10:]) > 1.2 * max(sizes[3:10])
        print(f"  rows in the state over time: {sizes}")
        print(f"  peak memory over time, MiB: {memory}")
        room.close()
    return row


def _tidy(room: Room) -> None:
    """People complete what is due, and the CRM archives old activities, as CRMs do."""
    due, old = room.today.isoformat(), (room.today - timedelta(days=60)).isoformat()
    for id, task in list(room.crm.rows.get("Task", {}).items()):
        if task["Status"] == "completed" and str(task["ActivityDate"]) < old:
            room.crm.delete("Task", id)
        elif task["Status"] == "open" and str(task["ActivityDate"]) < due:
            room.crm.put("Task", id, Status="completed")


def _rows(room: Room) -> int:
    with room.store.begin(write=False) as tx:
        return sum(
            tx.scalar(select(func.count()).select_from(table)) or 0
            for table in metadata.tables.values()
            if table.name != "tasks"  # a line for each cycle, for ever: none is opened twice
        )


Act = Callable[[Site, Callable[[], str], Row, random.Random, int, int], None]
ACTS: dict[str, Act] = {
    "killed at each call": lambda crm, state, row, rng, step, _: at_every_call(
        crm, state, row, rng, step, later=False
    ),
    "killed later on": lambda crm, state, row, rng, step, _: at_every_call(
        crm, state, row, rng, step, later=True
    ),
    "killed at random": lambda crm, state, row, rng, _, n: at_random(crm, state, row, rng, n),
    "two at once": lambda crm, state, row, rng, _, n: together(crm, state, row, rng, n),
}


def rows(seed: int, *, quick: bool, only: str) -> Iterator[Row]:
    """All that is tried."""
    rng = random.Random(seed)
    zygote, postgres = Zygote(), Postgres()
    step, n = (4, 6) if quick else (1, 40)
    for kind in KINDS:
        with (
            tempfile.TemporaryDirectory() as folder,
            site(kind, Path(folder), zygote, accounts=12, seed=seed) as crm,
        ):
            for name, state in (("sqlite", str), ("postgresql", postgres.database)):
                for what, act in ACTS.items():
                    if only in f"{what} {kind} {name}":
                        row, before = Row(what, kind, name), crm.runs
                        act(crm, state, row, rng, step, n)
                        row.runs = crm.runs - before
                        yield row
    zygote.stop()
    postgres.stop()
    if only in "days":
        yield cycles(400 if quick else 10_000, seed)
    MemoryConnector.crms.clear()


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    print(f"seed {given.seed}")
    print("{:<20} {:<11} {:<11} {:>7} {:>6} {:>5} {:>8} {:>6}".format(*HEADS))
    found = []
    for row in rows(given.seed, quick=given.quick, only=given.only):
        found.append(row)
        print(
            f"{row.what:<20} {row.crm:<11} {row.state:<11} {row.faults:>7} {row.runs:>6} "
            f"{row.lost:>5} {row.doubled:>8} {row.stuck:>6}",
            flush=True,
        )
    total = [sum(getattr(row, name) for row in found) for name in HEADS[3:]]
    print("{:<44} {:>7} {:>6} {:>5} {:>8} {:>6}".format("all", *total))
    return int(any(total[2:]))


if __name__ == "__main__":
    sys.exit(main())
