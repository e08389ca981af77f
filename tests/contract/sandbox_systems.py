"""The two CRMs' sandboxes as systems of the contract suite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, ClassVar, Self

from contract_suite import (
    KEPT,
    DeletingSystem,
    MergingSystem,
    RationedSystem,
    WritableSystem,
)
from msgspec.structs import replace

from connectors.hubspot import HubSpotConnector
from connectors.hubspot.sandbox import HubSpotSandbox
from connectors.salesforce import SalesforceConnector
from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.sandbox.server import SandboxServer
from syncd.connector import (
    Association,
    Connector,
    Context,
    FieldSpec,
    FieldType,
    Record,
    Source,
    TaskShape,
    Value,
)

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOWHERE = "https://127.0.0.1:9"


class Clock:
    """The sandbox's clock: it stands, a day ago, and later at the present."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC) - timedelta(days=1)  # noqa: TID251 - cursors use the real one

    def __call__(self) -> datetime:
        return self.now


class Line:
    """The line to a sandbox. While `losing`, answers to writes are lost after they are sent."""

    def __init__(self, app: ASGIApp, writes: tuple[str, ...]) -> None:
        """`writes`: endings of the paths that write."""
        self._app = app
        self._writes = writes
        self._lost = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the sandbox answer; then cut the answer off."""
        if not (self._lost and scope["path"].endswith(self._writes)):
            await self._app(scope, receive, send)
            return

        async def swallow(_: Message) -> None:
            """Nobody hears it."""

        await self._app(scope, receive, swallow)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    @contextmanager
    def losing(self) -> Iterator[None]:
        """Lose answers."""
        self._lost = True
        yield
        self._lost = False


class SandboxSystem(DeletingSystem, MergingSystem, RationedSystem, WritableSystem):
    """A served sandbox. `writes` are the endings of the paths that write tasks."""

    connector: ClassVar[type[Connector]]
    sandbox_class: ClassVar[Callable[..., Any]]
    address: ClassVar[str]
    limits: ClassVar[dict[str, Any]] = {"daily_share": 1.0}
    writes: ClassVar[tuple[str, ...]]
    loses_answers = True
    sandbox: Any

    def __init__(self, folder: Path) -> None:
        """A sandbox that is not served yet."""
        self.clock = Clock()
        self.sandbox = self.sandbox_class(clock=self.clock)
        self.line = Line(self.sandbox.app, self.writes)
        self._server = SandboxServer(self.line, folder / "ca.pem")

    @classmethod
    @contextmanager
    def served(cls, folder: Path) -> Iterator[Self]:
        """The system, served, with the key of tasks provisioned."""
        made = cls(folder)
        with made._server:
            connector = made.connect()
            key = FieldSpec(made.shape.object, made.shape.key_field, "Key", FieldType.TEXT, 120)
            list(connector.provision([replace(key, unique=True)], apply=True))
            connector.close()
            yield made
            made.wait_until_all_hung_up()

    def wait_until_all_hung_up(self) -> None:
        """The server has seen its clients close, so that it ends without open sockets."""
        server = self._server._server
        assert server is not None
        pause = Event()
        for _ in range(100):
            if not server.server_state.connections:
                return
            pause.wait(0.01)

    def connect(self) -> Connector:
        made = self._connection(self._server.url)
        made.open()
        return made

    def strand(self) -> Connector:
        return self._connection(NOWHERE)

    def _connection(self, url: str) -> Connector:
        given = self.sandbox.connection_settings(self._server.url, self._server.ca_file)
        del given["connector"], given["mapping"]
        given |= {self.address: url, "limits": self.limits}
        settings = self.connector.Settings.model_validate(given)
        return self.connector(settings, Context(name="contract"))

    def later(self) -> None:
        self.clock.now += timedelta(days=1)

    def losing(self) -> AbstractContextManager[Any]:
        return self.line.losing()


class SalesforceSystem(SandboxSystem):
    """An org."""

    sandbox: SalesforceSandbox
    connector = SalesforceConnector
    sandbox_class = SalesforceSandbox
    address = "instance_url"
    writes = ("/composite/sobjects/Task/Syncd_Key__c",)
    accounts = Source("account", "Account", ("Name", "Site"))
    kept = Source("account", "Account", ("Name", "Site"), where=f"Site = '{KEPT}'")
    contacts = Source("contact", "Contact", ("LastName", "AccountId"))
    many = 2_100
    shape = TaskShape("Task", "Syncd_Key__c", "WhatId")
    tasks = Source("task", "Task", ("Syncd_Key__c", "Subject"), keep_deleted=True)
    subject = "Subject"
    refused: ClassVar[dict[str, Value]] = {"AccountNumber": "x" * 100}

    def add(self, count: int = 1, note: str = KEPT) -> list[str]:
        return [
            self.sandbox.insert("Account", Name=f"Account {n}", Site=note) for n in range(count)
        ]

    def note(self, ids: Iterable[str], text: str) -> None:
        for id in ids:
            self.sandbox.edit("Account", id, Site=text)

    def add_contact(self, account: str) -> str:
        return self.sandbox.insert("Contact", LastName="Haddad", AccountId=account)

    def account_of(self, contact: Record) -> str:
        return str(contact.fields["AccountId"])

    def remove(self, id: str) -> None:
        self.sandbox.delete("Account", id)

    def remove_task(self, id: str) -> None:
        self.sandbox.delete("Task", id)

    def merge(self, winner: str, loser: str) -> str:
        self.sandbox.merge("Account", winner, [loser])
        return winner

    def exhaust(self) -> None:
        self.sandbox.used_calls = self.sandbox.daily_calls

    def count(self, object: str) -> int:
        return sum(not row.get("IsDeleted") for row in self.sandbox.rows(object))


COMPANY = Association("companies")


class HubSpotSystem(SandboxSystem):
    """A portal."""

    sandbox: HubSpotSandbox
    connector = HubSpotConnector
    sandbox_class = HubSpotSandbox
    address = "base_url"
    limits: ClassVar[dict[str, Any]] = {"daily_share": 1.0, "searches_per_second": 10_000}
    writes = ("/tasks/batch/upsert",)
    accounts = Source("account", "companies", ("name", "description"))
    kept = Source(
        *("account", "companies", ("name", "description")),
        where=({"propertyName": "description", "operator": "EQ", "value": KEPT},),
    )
    contacts = Source("contact", "contacts", ("lastname",), associations=(COMPANY,))
    many = 2_100
    announces_deletions = False
    shape = TaskShape("tasks", "syncd_key", account_association=COMPANY)
    tasks = Source(
        *("task", "tasks", ("syncd_key", "hs_task_subject")),
        associations=(COMPANY,),
        keep_deleted=True,
    )
    subject = "hs_task_subject"
    needed: ClassVar[dict[str, Value]] = {"hs_timestamp": date(2026, 12, 1)}
    refused: ClassVar[dict[str, Value]] = {"lifecyclestage": "no such stage"}

    def add(self, count: int = 1, note: str = KEPT) -> list[str]:
        return [
            self.sandbox.insert("companies", name=f"Account {n}", description=note)
            for n in range(count)
        ]

    def note(self, ids: Iterable[str], text: str) -> None:
        for id in ids:
            self.sandbox.edit("companies", id, description=text)

    def add_contact(self, account: str) -> str:
        return self.sandbox.insert("contacts", [("companies", account)], lastname="Haddad")

    def account_of(self, contact: Record) -> str:
        (account,) = contact.links[COMPANY.key]
        return account

    def remove(self, id: str) -> None:
        self.sandbox.archive("companies", id)

    def remove_task(self, id: str) -> None:
        self.sandbox.archive("tasks", id)

    def merge(self, winner: str, loser: str) -> str:
        return self.sandbox.merge("companies", winner, loser)

    def exhaust(self) -> None:
        self.sandbox.limits.enforced = True
        self.sandbox.limits.used_today = self.sandbox.limits.daily

    def count(self, object: str) -> int:
        return sum(not row["archived"] for row in self.sandbox.rows(object))
