"""Real `syncd` processes against served sandboxes, and a gate that strikes at a chosen call."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Self

from starlette.requests import ClientDisconnect

from connectors.hubspot.sandbox import HubSpotSandbox
from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.sandbox.make_book import make_book
from connectors.sandbox.server import SandboxServer
from syncd.rehearsal import write_config
from syncd.sync import EXIT_DONE, EXIT_REJECTED

KINDS = ("salesforce", "hubspot")
ZYGOTE = Path(__file__).parent / "zygote.py"
STAMPS = frozenset(
    [
        "SystemModstamp",
        "LastModifiedDate",
        "LastModifiedById",
        "CreatedDate",
        "CreatedById",
        "LastViewedDate",
        "LastReferencedDate",
        "LastActivityDate",
        "CompletedDateTime",
        "Id",
        "hs_lastmodifieddate",
        "hs_createdate",
        "createdate",
        "lastmodifieddate",
        "hs_object_id",
        "hs_updated_by_user_id",
        "hs_created_by_user_id",
        "hs_object_source",
        "hubspot_owner_assigneddate",
        "hs_task_completion_date",
    ]
)
"""Fields that tell when something was written, not what."""


class Zygote:
    """Makes processes; see zygote.py."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(ZYGOTE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._codes: dict[int, int] = {}
        self._pids: list[int] = []
        self._hear()

    def _hear(self) -> None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the zygote has died"
        told = json.loads(line)
        if "pid" in told:
            self._pids.append(told["pid"])
        elif "ended" in told:
            self._codes[told["ended"]] = told["code"]

    def start(self, args: list[str], out: Path, err: Path) -> int:
        """Start a command; its process id."""
        assert self._process.stdin is not None
        wish = {"args": args, "out": str(out), "err": str(err)}
        self._process.stdin.write(json.dumps(wish) + "\n")
        self._process.stdin.flush()
        while not self._pids:
            self._hear()
        return self._pids.pop()

    def wait(self, pid: int) -> int:
        """The process's exit code; negative: the signal that ended it."""
        while pid not in self._codes:
            self._hear()
        return self._codes.pop(pid)

    def stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


@dataclass(slots=True)
class Gate:
    """Stands before a sandbox: counts its calls, and acts at the chosen one.

    `after`: once the sandbox has done what was asked, but before the answer goes out. `only`: calls
    whose path has these words, as in ``POST …/jobs/ingest``.
    """

    app: Any
    calls: int = 0
    at: int | None = None
    after: bool = False
    only: str = ""
    act: Callable[[], None] = lambda: None

    def arm(
        self, at: int | None, act: Callable[[], None], *, after: bool = False, only: str = ""
    ) -> None:
        """Begin to count anew, and act at that call."""
        self.calls, self.at, self.act, self.after, self.only = 0, at, act, after, only

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or self.only not in f"{scope['method']} {scope['path']}":
            await self.app(scope, receive, send)
            return
        number, self.calls = self.calls, self.calls + 1
        with suppress(ClientDisconnect):  # the client was killed as it spoke
            await self._pass(scope, receive, send, strikes=number == self.at)

    async def _pass(self, scope: Any, receive: Any, send: Any, *, strikes: bool) -> None:
        if not strikes:
            await self.app(scope, receive, send)
        elif self.after:
            held: list[Any] = []

            async def hold(message: Any) -> None:
                held.append(message)

            await self.app(scope, receive, hold)
            self.act()
            for message in held:
                await send(message)
        else:
            self.act()
            await self.app(scope, receive, send)


@dataclass(slots=True)
class Site:
    """A served sandbox with a book, and a config that leads to it; the state is named anew."""

    kind: str
    sandbox: Any
    gate: Gate
    folder: Path
    config: Path
    zygote: Zygote
    initial: Path
    states: Iterator[int] = field(default_factory=count)
    text: str = ""
    runs: int = 0

    def begin(self, state: str = "", **more: str) -> None:
        """The CRM as it was at first, and an empty state (at this address)."""
        self.sandbox.load(self.initial)
        if self.kind == "salesforce":  # as on another day: thousands of runs outlast one allowance
            self.sandbox.used_calls = 0
        address = state or f"sqlite:///{self.folder}/{self.kind}-{next(self.states)}.db"
        tables = "\n".join(f"[{name}]\n{keys}\n" for name, keys in more.items())
        text = self.text.replace("sqlite:///syncd.db", address) + tables
        self.config.write_text(text, encoding="utf-8")

    def start(self, *args: str) -> int:
        """Start a command of syncd; its process id."""
        self.runs += 1
        command = [*args, "--config", str(self.config)]
        return self.zygote.start(command, self.folder / "out", self.folder / "err")

    def run(self, *args: str) -> int:
        """A command of syncd, to its end; its exit code."""
        return self.zygote.wait(self.start(*args))

    def answer(self) -> Any:
        """The JSON that the last command answered with."""
        return json.loads((self.folder / "out").read_text(encoding="utf-8"))

    def said(self) -> str:
        """What the last command wrote on stderr."""
        return (self.folder / "err").read_text(encoding="utf-8")

    def lines(self) -> list[dict[str, Any]]:
        """The last command's log lines."""
        return [json.loads(line) for line in self.said().splitlines() if line[:1] == "{"]

    def people_act(self) -> None:
        """A day's work of other people: owners, ends of contracts, a task, an account that goes."""
        if self.kind == "salesforce":
            accounts = sorted(r["Id"] for r in self.sandbox.rows("Account"))
            owner = min(r["OwnerId"] for r in self.sandbox.rows("Account"))
            for id in accounts[:6]:
                self.sandbox.edit("Account", id, OwnerId=owner)
            for row in self.sandbox.rows("Contract")[::2]:
                self.sandbox.edit("Contract", row["Id"], ContractTerm=60)
            tasks = [r for r in self.sandbox.rows("Task") if r.get("Syncd_Key__c")]
            last = max(tasks, key=lambda r: str(r["Syncd_Key__c"]))
            self.sandbox.edit("Task", last["Id"], Status="Completed")
            self.sandbox.delete("Account", accounts[-1])
            return
        companies = sorted(r["id"] for r in self.sandbox.rows("companies"))
        owners = [r["properties"].get("hubspot_owner_id") for r in self.sandbox.rows("companies")]
        owner = min(id for id in owners if id)
        for id in companies[:6]:
            self.sandbox.edit("companies", id, hubspot_owner_id=owner)
        for row in self.sandbox.rows("contracts")[::2]:
            self.sandbox.edit("contracts", row["id"], hs_end_date="2031-03-31")
        tasks = [r for r in self.sandbox.rows("tasks") if r["properties"].get("syncd_key")]
        last = max(tasks, key=lambda r: str(r["properties"]["syncd_key"]))
        self.sandbox.edit("tasks", last["id"], hs_task_status="COMPLETED")
        self.sandbox.archive("companies", companies[-1])

    def killed_at(self, call: int, *, after: bool, only: str = "") -> bool:
        """A sync that is killed at that call (of those to such a path); whether it came so far."""
        pids: list[int] = []

        def kill() -> None:
            os.kill(pids[0], signal.SIGKILL)

        self.gate.arm(call, kill, after=after, only=only)
        pids.append(self.start("sync"))
        code = self.zygote.wait(pids[0])
        self.gate.arm(None, lambda: None)
        return code == -signal.SIGKILL

    def calls_of_a_sync(self) -> int:
        """How many calls a sync makes now; it is carried out, and must end well."""
        self.gate.arm(None, lambda: None)
        code = self.run("sync")
        assert code in {EXIT_DONE, EXIT_REJECTED}, self.said()
        return self.gate.calls

    def crm(self) -> Picture:
        """What the CRM holds now."""
        return Picture.of(self.kind, self.sandbox)


@dataclass(frozen=True, slots=True)
class Picture:
    """What syncd may have changed in a CRM: account fields by (id, field), tasks by key."""

    fields: Mapping[tuple[str, str], Any]
    tasks: Mapping[str, Mapping[str, Any]]
    copies: int

    @classmethod
    def of(cls, kind: str, sandbox: Any) -> Self:
        """Take it. `copies` are tasks that bear a key that another bears."""
        if kind == "salesforce":
            accounts = {row["Id"]: row for row in sandbox.rows("Account")}
            tasks = [row for row in sandbox.rows("Task") if row.get("Syncd_Key__c")]
            keyed = [(row["Syncd_Key__c"], row) for row in tasks]
        else:
            accounts = {row["id"]: row["properties"] for row in sandbox.rows("companies")}
            tasks = [row for row in sandbox.rows("tasks") if row["properties"].get("syncd_key")]
            keyed = [
                (
                    row["properties"]["syncd_key"],
                    {
                        **row["properties"],
                        "company": sandbox.associations_of("tasks", row["id"], "companies"),
                    },
                )
                for row in tasks
            ]
        keys = Counter(key for key, _ in keyed)
        return cls(
            fields={
                (id, name): value
                for id, row in accounts.items()
                for name, value in row.items()
                if name not in STAMPS and not name.startswith(("num_", "notes_", "hs_last"))
            },
            tasks={
                key: {name: value for name, value in row.items() if name not in STAMPS}
                for key, row in keyed
            },
            copies=sum(keys.values()) - len(keys),
        )

    def lost(self, wanted: Picture) -> list[str]:
        """What differs from the wanted picture."""
        found = [
            f"{place}: {self.fields.get(place)!r}, not {value!r}"
            for place, value in wanted.fields.items()
            if self.fields.get(place) != value
        ]
        found += [f"no task {key}" for key in wanted.tasks.keys() - self.tasks.keys()]
        found += [f"a task too many: {key}" for key in self.tasks.keys() - wanted.tasks.keys()]
        found += [
            f"{key}.{name}: {self.tasks[key].get(name)!r}, not {value!r}"
            for key in wanted.tasks.keys() & self.tasks.keys()
            for name, value in wanted.tasks[key].items()
            if self.tasks[key].get(name) != value
        ]
        return found


@contextmanager
def site(
    kind: str, folder: Path, zygote: Zygote, *, accounts: int, seed: int = 7
) -> Iterator[Site]:
    """A sandbox with a made-up book, served, provisioned, and remembered as it then is."""
    book = make_book(customers=accounts, seed=seed, today=datetime.now(UTC).date())  # noqa: TID251
    made: Any = SalesforceSandbox if kind == "salesforce" else HubSpotSandbox
    sandbox = made.from_book(book)
    gate = Gate(sandbox.app)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        ca_file = folder / f"{kind}-ca.pem"
        server = stack.enter_context(SandboxServer(gate, ca_file))
        settings = {
            **sandbox.connection_settings(server.url, ca_file),
            "mapping": f"{kind}-sandbox",
        }
        spare = next(person.email for person in book.people if person.key == "ops01")
        config = write_config(folder, {kind: settings}, fallback_assignee=spare)
        made_site = Site(kind, sandbox, gate, folder, config, zygote, folder / f"{kind}.json")
        limit = "[write]\nmax_overwrite_share = 1.0\n"
        made_site.text = config.read_text(encoding="utf-8") + limit
        code = made_site.run("provision", "--apply")
        assert code == 0, made_site.said()
        sandbox.dump(made_site.initial)
        yield made_site
