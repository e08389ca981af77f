"""A HubSpot sandbox behind TLS, and HubSpot's own client before it, for the tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import hubspot
import urllib3

from connectors.hubspot.sandbox import HubSpotSandbox
from connectors.sandbox.book import (
    Book,
    BookActivity,
    BookContact,
    BookContract,
    BookCustomer,
    BookDeal,
    BookHandoff,
    BookPlan,
    BookTicket,
    BookUsage,
    Person,
)
from connectors.sandbox.server import SandboxServer

RECORDINGS = Path(__file__).parents[2] / "shared" / "recordings" / "hubspot" / "amp-labs"
NOW = datetime(2026, 3, 2, 10, 0, 0, 250_000, tzinfo=UTC)
TODAY = date(2026, 3, 2)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        """It shows `NOW`."""
        self.now = NOW

    def __call__(self) -> datetime:
        """What it shows."""
        return self.now

    def move(self, seconds: float) -> None:
        """Move it on."""
        self.now += timedelta(seconds=seconds)


class Client:
    """HubSpot's own client, and plain requests beside it."""

    def __init__(self, sandbox: HubSpotSandbox, url: str, ca_file: Path) -> None:
        """With the sandbox's own token."""
        self.sandbox = sandbox
        self.url = url
        self.token = sandbox.access.token
        self.api = hubspot.Client.create(
            access_token=self.token, host=url, base_url=url, ssl_ca_cert=str(ca_file)
        )
        self.pool = urllib3.PoolManager(ca_certs=str(ca_file), retries=False)

    def call(
        self, method: str, path: str, body: Any = None, *, token: str | None = None
    ) -> tuple[int, Any]:
        """The status and the JSON of a plain request."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        reply = self.pool.request(
            method,
            self.url + path,
            body=None if body is None else json.dumps(body),
            headers={**headers, "Content-Type": "application/json"},
        )
        return reply.status, json.loads(reply.data) if reply.data else None

    def make(self, object: str, **properties: Any) -> str:
        """A record made through the API; its id."""
        status, body = self.call("POST", f"/crm/v3/objects/{object}", {"properties": properties})
        assert status == 201, body
        return str(body["id"])


@contextmanager
def serving(sandbox: HubSpotSandbox, folder: Path) -> Iterator[Client]:
    """The sandbox, served."""
    with SandboxServer(sandbox.app, folder / "ca.pem", hosts=sandbox.hosts) as server:
        client = Client(sandbox, server.url, server.ca_file)
        yield client
        client.pool.clear()


def book() -> Book:
    """Two people, and one customer with something of everything."""
    contact = BookContact("k1", "Noor", "Haddad", "Noor@Acme.example", "CFO", ("champion",))
    handoff = BookHandoff(pain_points="re-keying orders", champion="Noor")
    deal = BookDeal(
        key="d1",
        name="Acme new",
        kind="new",
        stage="won",
        close_date=date(2025, 6, 1),
        amount=Decimal("12000.50"),
        owner="p1",
        term_months=12,
        contract="c1",
        handoff=handoff,
        contact_roles=(("k1", "champion"),),
    )
    contract = BookContract(
        "c1", "Acme 1", "active", date(2025, 7, 1), date(2026, 6, 30), 12, Decimal(12000), True, 60
    )
    return Book(
        today=TODAY,
        people=(
            Person("p1", "Sam Seller", "sam@us.example"),
            Person("p2", "Old Hand", "old@us.example", active=False),
        ),
        customers=(
            BookCustomer(
                key="a",
                name="Acme",
                domain="acme.example",
                status="customer",
                segment="enterprise",
                region="emea",
                country="Spain",
                currency="EUR",
                owner="p1",
                csm="p2",
                created_on=date(2024, 1, 2),
                plan=BookPlan(overview="grow", updated_on=date(2026, 1, 1)),
                contacts=(contact,),
                deals=(deal,),
                contracts=(contract,),
                tickets=(BookTicket("t1", "Down", NOW - timedelta(days=9), None, "urgent", True),),
                activities=(
                    BookActivity("v1", "qbr", NOW - timedelta(days=3), "k1", "QBR"),
                    BookActivity("v2", "meeting", NOW + timedelta(days=3), "k1", "Next"),
                ),
                usage=(BookUsage(date(2026, 2, 23), 40, 120, 50, (10, 100)),),
            ),
            BookCustomer(
                key="b",
                name="Acme Iberia",
                domain=None,
                status="churned",
                segment="smb",
                region="emea",
                country="Spain",
                currency="EUR",
                owner="p1",
                csm=None,
                created_on=date(2024, 5, 2),
                parent="a",
            ),
        ),
    )
