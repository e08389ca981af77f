"""A scripted HubSpot on loopback, for answers that the sandbox does not give."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.hubspot import HubSpotConnector
from connectors.hubspot.settings import HubSpotSettings
from syncd.connector import Association, Context, Source, TaskShape

TOKEN = "pat-na1-secret-token"
Answer = Callable[[Request], Response]

COMPANIES = Source(name="account", object="companies", fields=("name",))
DEALS = Source(
    name="deals", object="deals", fields=("dealname",), associations=(Association("companies"),)
)
TASKS = TaskShape(
    object="tasks", key_field="syncd_key", account_association=Association("companies")
)


def reply(
    body: object = None, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    text = body if isinstance(body, str) else json.dumps(body)
    return Response(text, status=status, headers=headers, content_type="application/json")


class Portal:
    """A scripted HubSpot: answers by "METHOD path", one after the other, the last one again."""

    def __init__(self, server: HTTPServer, ca_file: Path) -> None:
        """Begin with an account, companies and tasks."""
        self.url = server.url_for("").rstrip("/")
        self.ca_file = str(ca_file)
        self.seen: list[tuple[str, Any]] = []
        self.tokens: list[str] = []
        self._answers: dict[str, list[Response | Answer]] = {}
        self._connected: list[HubSpotConnector] = []
        self.on(
            "GET /account-info/v3/details",
            reply({"portalId": 7, "accountType": "STANDARD", "uiDomain": "app.hubspot.com"}),
        )
        self.on("GET /crm/v3/properties/companies", properties("name", "tier"))
        self.on("GET /crm/v3/properties/tasks", properties("syncd_key", due="hs_timestamp"))

    def on(self, call: str, *answers: Response | Answer) -> None:
        """Script the answers to a call."""
        self._answers[call] = list(answers)

    def bodies(self, call: str) -> list[Any]:
        """What was sent to a call, in order."""
        return [body for name, body in self.seen if name == call]

    def answer(self, request: Request) -> Response:
        """Answer a request by the script."""
        name = f"{request.method} {request.path}"
        body = request.get_json() if request.is_json and request.data else dict(request.args)
        self.seen.append((name, body or dict(request.form)))
        self.tokens.append(request.headers.get("Authorization", ""))
        answers = self._answers.get(name)
        if not answers:
            return reply({"status": "error", "message": "resource not found"}, 404)
        given = answers.pop(0) if len(answers) > 1 else answers[0]
        return given(request) if callable(given) and not isinstance(given, Response) else given

    def connect(self, **settings: Any) -> HubSpotConnector:
        """A connector of this portal; `settings` replace its own."""
        values = {
            "base_url": self.url,
            "ca_file": self.ca_file,
            "auth": {"access_token": TOKEN},
            **settings,
        }
        context = Context(name="hubspot", timezone="Europe/London")
        connector = HubSpotConnector(HubSpotSettings.model_validate(values), context)
        self._connected.append(connector)
        return connector

    def leave(self) -> None:
        """Close what was connected."""
        for connector in self._connected:
            connector.close()


def properties(*names: str, due: str = "") -> Response:
    rows = [{"name": n, "label": n, "type": "string", "fieldType": "text"} for n in names]
    if due:
        rows.append({"name": due, "label": due, "type": "datetime", "fieldType": "date"})
    return reply({"results": rows})


def row(id: int, **values: str | None) -> dict[str, Any]:
    return {
        "id": str(id),
        "properties": {"hs_object_id": str(id), **values},
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-03-01T10:00:00.5Z",
        "archived": False,
    }


def refusal(status: int, message: str, category: str, **rest: Any) -> Response:
    body = {"status": "error", "message": message, "correlationId": "abc-1", "category": category}
    return reply({**body, **rest}, status)


@pytest.fixture(scope="session")
def https(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[HTTPServer, Path]]:
    ca = trustme.CA()
    ca_file = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    with HTTPServer(host="127.0.0.1", ssl_context=context) as server:
        yield server, ca_file


@pytest.fixture
def portal(https: tuple[HTTPServer, Path]) -> Iterator[Portal]:
    server, ca_file = https
    server.clear()
    portal = Portal(server, ca_file)
    server.expect_request(re.compile(".*")).respond_with_handler(portal.answer)
    yield portal
    portal.leave()


@pytest.fixture
def hubspot(portal: Portal) -> HubSpotConnector:
    connector = portal.connect()
    connector.open()
    return connector
