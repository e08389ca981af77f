"""What the tests of the Salesforce connector share: connections to a sandbox and to no org."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import responses

import syncd.retry
from connectors.salesforce import SalesforceConnector, jobs
from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.sandbox.server import SandboxServer
from syncd.connector import Context

URL = "https://acme.my.salesforce.com"
TOKEN_URL = f"{URL}/services/oauth2/token"
BASE = f"{URL}/services/data/v66.0"
TOKEN = {
    "access_token": "00DX!one",
    "instance_url": URL,
    "id": "https://login.salesforce.com/id/00D000000000001EAA/005000000000001AAA",
}
AUTH = {"flow": "client_credentials", "client_id": "app", "client_secret": "a-secret"}

Connect = Callable[..., SalesforceConnector]


def connection(**settings: Any) -> SalesforceConnector:
    """A connector that is not open yet."""
    given = {"instance_url": URL, "auth": AUTH} | settings
    return SalesforceConnector(
        SalesforceConnector.Settings.model_validate(given), Context(name="salesforce")
    )


@pytest.fixture
def org() -> Iterator[responses.RequestsMock]:
    """No org at all: answers are written by the test. Logging in works."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(TOKEN_URL, json=TOKEN)
        yield mock


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """No pause between tries; the list tells which waits were named."""
    named: list[float | None] = []

    def no_wait(attempt: int, retry_after: float | None) -> float:
        named.append(retry_after)
        return 0.0

    monkeypatch.setattr(syncd.retry, "wait_seconds", no_wait)
    monkeypatch.setattr(jobs, "wait_seconds", no_wait)
    return named


@pytest.fixture
def sandbox() -> SalesforceSandbox:
    """An empty emulated org."""
    return SalesforceSandbox()


@pytest.fixture
def server(sandbox: SalesforceSandbox, tmp_path: Path) -> Iterator[SandboxServer]:
    """The sandbox, served."""
    with SandboxServer(sandbox.app, tmp_path / "ca.pem") as running:
        yield running
        all_hung_up(running)


def all_hung_up(server: SandboxServer) -> None:
    """Wait until the server has seen its clients close, so that it ends without open sockets."""
    assert server._server is not None
    pause = threading.Event()
    for _ in range(100):
        if not server._server.server_state.connections:
            return
        pause.wait(0.01)


@pytest.fixture
def connect(sandbox: SalesforceSandbox, server: SandboxServer) -> Iterator[Connect]:
    """Opens connections to the sandbox, with further settings if given."""
    opened: list[SalesforceConnector] = []

    def make(**settings: Any) -> SalesforceConnector:
        given = sandbox.connection_settings(server.url, server.ca_file) | settings
        del given["connector"], given["mapping"]
        made = connection(**given)
        made.open()
        opened.append(made)
        return made

    yield make
    for one in opened:
        one.close()
