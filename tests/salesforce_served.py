"""A Salesforce sandbox behind TLS on a free port, with a client that is logged in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.sandbox.server import SandboxServer


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        """Begin at a fixed moment."""
        self.now = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Now."""
        return self.now


class Stage:
    """An application that passes on to the one that a test puts up."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        await self.app(scope, receive, send)


class Served:
    """A sandbox on a free port with a logged-in client."""

    def __init__(self, server: SandboxServer, stage: Stage) -> None:
        """Put a new org up and log in."""
        self.clock = Clock()
        self.org = SalesforceSandbox(clock=self.clock)
        self.org.api.state["bulk_polls"] = 0
        stage.app = self.org.app
        self.server = server
        self.web = requests.Session()
        self.web.trust_env = False
        self.web.verify = str(server.ca_file)
        self.client: Any = self.login()  # its own annotations do not know its attributes

    def token(self, **form: str) -> requests.Response:
        """Ask the token endpoint."""
        return self.web.post(f"{self.server.url}/services/oauth2/token", data=form)

    def login(self) -> Salesforce:
        """Give a client with a session."""
        logins = self.org.logins
        answer = self.token(
            grant_type="client_credentials",
            client_id=logins.client_id,
            client_secret=logins.client_secret,
        ).json()
        return Salesforce(
            instance_url=self.server.url,
            session_id=answer["access_token"],
            session=self.web,
            version="66.0",
        )

    def records(self, soql: str, **more: Any) -> list[dict[str, Any]]:
        """Give all records of a query."""
        found: list[dict[str, Any]] = self.client.query_all(soql, **more)["records"]
        return found

    def get(self, path: str, **params: str) -> requests.Response:
        """Ask without the client."""
        headers = {"Authorization": f"Bearer {self.client.session_id}"}
        url = f"{self.server.url}/services/data/v66.0/{path}"
        return self.web.get(url, params=params, headers=headers)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SandboxServer, Stage]]:
    stage = Stage()
    ca_file = tmp_path_factory.mktemp("ca") / "ca.pem"
    with SandboxServer(stage, ca_file, hosts=SalesforceSandbox.hosts) as server:
        yield server, stage


@pytest.fixture
def served(stage: tuple[SandboxServer, Stage]) -> Iterator[Served]:
    one = Served(*stage)
    yield one
    one.web.close()


def body(error: pytest.ExceptionInfo[SalesforceError]) -> Any:
    return error.value.content


def field(name: str, **metadata: Any) -> dict[str, Any]:
    return {
        "FullName": name,
        "Metadata": {"label": "Made", "type": "Text", "length": 40} | metadata,
    }
