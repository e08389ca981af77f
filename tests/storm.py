"""A storm: one sync after the other against a sandbox whose every tenth call fails.

    make storm                                   5,000 accounts, each CRM
    .venv/bin/python tests/storm.py --kind hubspot --accounts 500

A tenth of all calls gets a 5xx, a twentieth loses its connection (half of those after the call was
carried out), some are throttled, a login expires every minute, and single rows are refused. Syncs
follow each other, as the schedule has them, until one finds nothing to do. Then the CRM is compared
with a second one that had good weather, record by record.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors.sandbox.book import Book
from connectors.sandbox.faults import Fault, Rows
from connectors.sandbox.make_book import make_book
from connectors.sandbox.server import SandboxServer
from syncd.bootstrap import find_sandbox, load, wired
from syncd.rehearsal import write_config
from syncd.store import Store
from syncd.sync import run_once

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

TODAY = date(2026, 6, 15)
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
MOST_SYNCS = 12
EARLY = 0.02  # seconds by which two clocks of one machine may differ
WAITS = {"TEN_SECONDLY_ROLLING": 10.0, "SECONDLY": 1.0}  # HubSpot, where it names no time

BROKEN = [
    Fault(status=500, share=0.03, times=0),
    Fault(status=502, share=0.03, times=0),
    Fault(status=503, share=0.02, times=0),
    Fault(status=504, share=0.02, times=0),
    Fault(answer="drop", share=0.025, times=0),
    Fault(answer="drop", share=0.025, times=0, applies=True),
]
THROTTLED = {
    "hubspot": [
        Fault(answer="rate_limit_wait", share=0.02, times=0),
        Fault(answer="search_rate_limit", path="*/search", share=0.1, times=0),
        Fault(answer="rate_limit_500", path="*/search", share=0.05, times=0),
    ],
    "salesforce": [
        Fault(status=503, headers={"Retry-After": "1"}, share=0.02, times=0),
        Fault(answer="throttled", share=0.01, times=0),
    ],
}
REFUSED = {
    "hubspot": Fault(
        path="*/companies/batch/update", rows=Rows("INVALID_OPTION", "cursed", share=0.01), times=0
    ),
    "salesforce": Fault(
        method="PATCH",
        path="*/composite/sobjects",
        rows=Rows("FIELD_CUSTOM_VALIDATION_EXCEPTION", "cursed", share=0.01),
        times=0,
    ),
}
ACCOUNTS = {"hubspot": "companies", "salesforce": "Account"}
TASKS = {"hubspot": ("tasks", "syncd_key"), "salesforce": ("Task", "Syncd_Key__c")}


@dataclass(slots=True)
class Seen:
    """What a client was told and what it did: throttled calls, and those repeated too soon."""

    app: ASGIApp
    calls: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    throttled: int = 0
    too_soon: list[str] = field(default_factory=list)
    until: dict[str, float] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a call and remember how it ended."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        name = f"{scope['method']} {scope['path']}"
        if time.monotonic() < self.until.pop(name, 0.0) - EARLY:
            self.too_soon.append(name)
        self.calls += 1
        told = 0
        wait: float | None = None
        body = b""

        async def listen(message: Message) -> None:
            nonlocal told, wait, body
            if message["type"] == "http.response.start":
                told = message["status"]
                named = {k.lower(): v for k, v in message["headers"]}.get(b"retry-after")
                wait = None if named is None else float(named)
            else:
                body += message.get("body", b"")
            await send(message)

        await self.app(scope, receive, listen)
        self.statuses[told] += 1
        if wait is None:
            found = [w for policy, w in WAITS.items() if f'"{policy}"'.encode() in body]
            wait = found[0] if told == 429 and found else None
        if wait is not None:
            self.throttled += 1
            self.until[name] = time.monotonic() + wait


class Weather:
    """A sandbox with a book, served, and the config that leads to it."""

    def __init__(self, kind: str, sandbox: Any, seen: Seen, config: Path) -> None:
        """Nothing is synced yet."""
        self.kind, self.sandbox, self.seen, self.config = kind, sandbox, seen, config

    def provision(self) -> None:
        """Make what the mapping writes."""
        loaded = load(self.config)
        with wired(loaded, store=Store.open("sqlite://")) as ready:
            (connected,) = ready.connections
            connected.connector.open()
            specs = connected.mapping.specs(loaded.config.policy)
            list(connected.connector.provision(specs, apply=True))

    def sync(self) -> Any:
        """One sync; its report."""
        with wired(load(self.config)) as ready:
            return run_once(ready.turn(clock=lambda: NOON))

    def refused(self) -> set[str]:
        """The accounts and task keys whose writes stand in quarantine."""
        store = Store.open(f"sqlite:///{self.config.parent / 'syncd.db'}")
        with store.begin(write=False) as tx:
            found = {r.record for r in store.quarantine.all(tx) if r.kind == "write"}
        store.close()
        return found

    def accounts(self) -> dict[str, dict[str, Any]]:
        """What syncd wrote to accounts, by id."""
        found = {}
        for row in self.sandbox.rows(ACCOUNTS[self.kind]):
            fields = row.get("properties", row)
            found[str(row.get("id") or row.get("Id"))] = {
                name: value
                for name, value in fields.items()
                if name.lower().startswith("syncd_") and "synced_at" not in name.lower()
            }
        return found

    def tasks(self) -> list[str]:
        """The keys of syncd's tasks."""
        object, key = TASKS[self.kind]
        rows = [row.get("properties", row) for row in self.sandbox.rows(object)]
        return [str(row[key]) for row in rows if row.get(key)]


def small_book(accounts: int, seed: int) -> Book:
    """The made-up book without its many small records, which only take time."""
    book = make_book(customers=accounts, seed=seed, today=TODAY)
    return replace(
        book, customers=tuple(replace(c, activities=(), usage=()) for c in book.customers)
    )


@contextmanager
def weather(kind: str, book: Book, folder: Path) -> Iterator[Weather]:
    """A served sandbox of that kind with the book in it."""
    folder.mkdir(parents=True)
    sandbox = find_sandbox(kind).from_book(book)
    seen = Seen(sandbox.app)
    with SandboxServer(seen, folder / "ca.pem", hosts=sandbox.hosts) as server:
        settings: dict[str, Any] = dict(sandbox.connection_settings(server.url, folder / "ca.pem"))
        if kind == "hubspot":  # a private app's token would never expire
            settings["auth"] = {
                "flow": "oauth",
                "client_id": sandbox.access.client_id,
                "client_secret": sandbox.access.client_secret,
                "refresh_token": sandbox.access.refresh_token,
            }
            settings["limits"] = {"requests_per_10_seconds": 100_000, "searches_per_second": 1_000}
        settings["mapping"] = f"{kind}-sandbox"
        config = write_config(folder, {kind: settings}, fallback_assignee="ops@seller.example")
        yield Weather(kind, sandbox, seen, config)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a storm came to; `wrong` is empty if it did no harm."""

    kind: str
    accounts: int
    syncs: int
    calls: int
    calm_calls: int
    statuses: Mapping[int, int]
    throttled: int
    refused: int
    tasks: int
    seconds: float
    story: tuple[str, ...]
    wrong: tuple[str, ...]


def brave(
    kind: str,
    accounts: int,
    folder: Path,
    *,
    seed: int = 7,
    login_every: float = 60.0,
    certain: Sequence[Fault] = (),
) -> Outcome:
    """Sync through a storm until there is nothing to do, and compare with good weather.

    `certain` faults go before those that come by chance.
    """
    book = small_book(accounts, seed)
    with weather(kind, book, folder / "calm") as calm:
        calm.provision()
        calm.sync()
        wanted, keys, calm_calls = calm.accounts(), set(calm.tasks()), calm.seen.calls
    with weather(kind, book, folder / "storm") as room:
        room.provision()
        expired = Fault(answer="expired", times=0, every=login_every)
        room.sandbox.faults.set([*certain, expired, *BROKEN, *THROTTLED[kind], REFUSED[kind]])
        began, syncs = time.monotonic(), 0
        idle, story = False, list[str]()
        while not idle and syncs < MOST_SYNCS:
            report = room.sync()
            idle = report.nothing_to_do
            story.append(_more(report))
            syncs += 1
        seconds = time.monotonic() - began
        room.sandbox.faults.set([])
        after = room.sync()
        refused = room.refused()
        wrong = list(_wrong(room, wanted, keys, refused))
        if not idle:
            wrong.append(f"{MOST_SYNCS} syncs found no end")
        if not after.nothing_to_do:
            wrong.append(f"good weather brought more to do: {_more(after)}")
        return Outcome(
            kind=kind,
            accounts=accounts,
            syncs=syncs,
            calls=room.seen.calls,
            calm_calls=calm_calls,
            statuses=room.seen.statuses,
            throttled=room.seen.throttled,
            refused=len(refused),
            tasks=len(room.tasks()),
            seconds=seconds,
            story=tuple(story),
            wrong=tuple(wrong),
        )


def _more(report: Any) -> str:
    """What a sync found to do, and how it ended."""
    (c,) = report.connections
    sets = [f"{s.record}.{s.field}: {s.before} -> {s.after}" for s in c.plan.sets[:3]]
    tasks = [f"{t.op} {t.key}" for t in c.plan.tasks[:3]]
    counts = f"{len(c.plan.sets)} fields, {len(c.plan.tasks)} tasks"
    done = f"{c.written} written, {c.failed} refused, {c.deferred} deferred"
    return f"exit {c.exit_code} {c.message}; {counts}, {done}: {'; '.join([*sets, *tasks])}"


def _wrong(
    room: Weather, wanted: Mapping[str, Mapping[str, Any]], keys: set[str], refused: set[str]
) -> Iterator[str]:
    doubled = [key for key, count in Counter(room.tasks()).items() if count > 1]
    if doubled:
        yield f"{len(doubled)} tasks came twice, such as {doubled[0]}"
    lost = keys - set(room.tasks()) - refused
    if lost:
        yield f"{len(lost)} tasks are missing, such as {min(lost)}"
    extra = set(room.tasks()) - keys
    if extra:
        yield f"{len(extra)} tasks are too many, such as {min(extra)}"
    held = room.accounts()
    differ = [id for id in wanted if held[id] != wanted[id] and id not in refused]
    if differ:
        id = differ[0]
        names = [n for n in {*held[id], *wanted[id]} if held[id].get(n) != wanted[id].get(n)]
        yield f"{len(differ)} accounts differ, such as {id}: {', '.join(sorted(names))}"
    if room.seen.too_soon:
        yield f"{len(room.seen.too_soon)} throttled calls came too soon: {room.seen.too_soon[0]}"


def show(outcome: Outcome) -> str:
    """The figures as text."""
    statuses = ", ".join(f"{s}: {n}" for s, n in sorted(outcome.statuses.items()) if s)
    story = "".join(f"  sync: {line[:300]}\n" for line in outcome.story)
    return (
        f"{outcome.kind}: {outcome.accounts:,} accounts, {outcome.syncs} syncs in "
        f"{outcome.seconds:.0f} s, {outcome.calls:,} calls (in good weather "
        f"{outcome.calm_calls:,}), {outcome.throttled} throttled, {outcome.tasks:,} tasks, "
        f"{outcome.refused} refused rows\n  answers by status: {statuses}\n{story}  "
        + ("\n  ".join(outcome.wrong) or "no task twice, no write lost, no call before its time")
    )


def main() -> None:
    """Brave a storm on each CRM and tell."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--accounts", type=int, default=5_000)
    asked.add_argument("--kind", choices=sorted(ACCOUNTS), action="append")
    asked.add_argument("--seed", type=int, default=7)
    given = asked.parse_args()
    wrong = False
    with tempfile.TemporaryDirectory(prefix="syncd-storm-") as name:
        for kind in given.kind or sorted(ACCOUNTS):
            outcome = brave(kind, given.accounts, Path(name) / kind, seed=given.seed)
            sys.stdout.write(show(outcome) + "\n")
            sys.stdout.flush()
            wrong |= bool(outcome.wrong)
    sys.exit(int(wrong))


if __name__ == "__main__":
    main()
