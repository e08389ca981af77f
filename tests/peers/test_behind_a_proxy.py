"""syncd behind a company's proxy: every call goes through it, and its login comes out nowhere.

The config names the CRM's own host, which leads nowhere from here: what arrives came through the
proxy. Each request's port on the sandbox's side is one that the proxy called from.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from proxy import Proxy, by_pattern

import syncd.retry
from connectors.hubspot import HubSpotConnector
from connectors.hubspot.sandbox import HubSpotSandbox
from connectors.salesforce import SalesforceConnector
from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.sandbox.server import SandboxServer
from syncd.connector import Context, proxy_for
from syncd.errors import UnreachableError
from syncd.log import redact
from syncd.rehearsal import make_book, write_config

HOSTS = {"salesforce": "acme.my.salesforce.com", "hubspot": "api.hubapi.com"}
LOGINS = {"salesforce": "/services/oauth2/token", "hubspot": "/oauth/v1/token"}
KINDS = tuple(HOSTS)
PASSWORD = "canary:7f3@x/y#z%41 é"
LOGIN = f"mara:{PASSWORD}"
VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE")
COMMANDS = ("check", "provision --apply", "sync")


@dataclass(slots=True)
class Watched:
    """Stands before a sandbox: from which ports which paths were asked for."""

    app: Any
    doors: dict[int, set[str]] = field(default_factory=dict)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.doors.setdefault(scope["client"][1], set()).add(scope["path"])
        await self.app(scope, receive, send)

    @property
    def paths(self) -> set[str]:
        """All paths."""
        return set().union(*self.doors.values())


@dataclass(slots=True)
class Office:
    """A CRM under its own name, a proxy that leads there, and a config."""

    kind: str
    sandbox: Any
    watched: Watched
    server: SandboxServer
    proxy: Proxy
    folder: Path

    @property
    def host(self) -> str:
        """The CRM's own host name."""
        return HOSTS[self.kind]

    @property
    def settings(self) -> dict[str, Any]:
        """The keys of a connection under that name."""
        url = f"https://{self.host}"
        given: dict[str, Any] = self.sandbox.connection_settings(url, self.server.ca_file)
        return given

    def connector(self, **more: Any) -> Any:
        """A connector that is not open yet."""
        made: Any = SalesforceConnector if self.kind == "salesforce" else HubSpotConnector
        given = {k: v for k, v in self.settings.items() if k not in ("connector", "mapping")}
        return made(made.Settings.model_validate(given | more), Context(name=self.kind))

    def configure(self) -> None:
        """Write a config."""
        settings = {**self.settings, "mapping": f"{self.kind}-sandbox"}
        write_config(self.folder, {self.kind: settings}, fallback_assignee="")

    def syncd(self, command: str, **env: str) -> tuple[int, str]:
        """A command of syncd: its exit code and all that it said."""
        kept = {k: v for k, v in os.environ.items() if k.upper() not in VARIABLES}
        run = subprocess.run(
            [sys.executable, "-m", "syncd", *command.split()],
            cwd=self.folder,
            env=kept | env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return run.returncode, run.stdout + run.stderr


@pytest.fixture(scope="module", params=KINDS)
def office(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    """A CRM with five customers behind a proxy that wants a login."""
    kind = request.param
    made: Any = SalesforceSandbox if kind == "salesforce" else HubSpotSandbox
    today = datetime.now(UTC).date()
    sandbox = made.from_book(make_book(accounts=5, seed=3, today=today))
    watched, folder = Watched(sandbox.app), tmp_path_factory.mktemp(kind)
    with (
        SandboxServer(watched, folder / "ca.pem", hosts=sandbox.hosts) as server,
        Proxy(by_pattern({HOSTS[kind]: server.port}), LOGIN) as proxy,
    ):
        yield Office(kind, sandbox, watched, server, proxy, folder)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """No proxy but the test's own, no pause between tries, and nothing counted yet."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setattr(syncd.retry, "wait_seconds", lambda *_: 0.0)
    if "office" in request.fixturenames:
        found: Office = request.getfixturevalue("office")
        found.watched.doors.clear()
        found.proxy.used.clear()
        found.proxy.doors.clear()


def with_login(proxy: Proxy, password: str = quote(PASSWORD, safe="")) -> str:
    """The proxy's address with a login, as HTTPS_PROXY has it."""
    return proxy.url.replace("://", f"://mara:{password}@")


def test_a_whole_round_goes_through_the_proxy(office: Office) -> None:
    """Check, provision, sync: each call, the login's too, came from the proxy; no secret shows."""
    office.configure()
    env = {"HTTPS_PROXY": with_login(office.proxy), "HTTP_PROXY": "http://127.0.0.1:9"}
    said = [office.syncd(command, **env) for command in COMMANDS]
    words = "\n".join(text for _, text in said)
    state = b"".join(path.read_bytes() for path in office.folder.glob("syncd.db*"))
    login = LOGINS["salesforce"] if office.kind == "salesforce" else "/crm/v3/owners"

    assert [code for code, _ in said][:2] == [2, 0], words
    assert said[2][0] in {0, 3}, words
    assert office.proxy.used == {office.host}
    assert len(office.watched.paths) > 8
    assert any(path.startswith(login) for path in office.watched.paths)
    assert office.watched.doors.keys() <= office.proxy.doors
    assert "canary" not in words
    assert b"canary" not in state


def test_the_renewal_of_a_login_goes_through_too(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both CRMs' token endpoints are reached by the proxy, in each spelling of the variable."""
    auth: dict[str, Any] = dict(office.settings["auth"])
    if office.kind == "hubspot":
        access = office.sandbox.access
        auth = {
            "flow": "oauth",
            "client_id": access.client_id,
            "client_secret": access.client_secret,
            "refresh_token": access.refresh_token,
        }
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, with_login(office.proxy))
        connector = office.connector(auth=auth)
        connector.open()
        connector.close()
        monkeypatch.delenv(name)

        assert LOGINS[office.kind] in office.watched.paths
        assert office.watched.doors.keys() <= office.proxy.doors
        office.watched.doors.clear()


def test_special_characters_as_they_stand(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password with @, / or # that nobody encoded is understood all the same."""
    monkeypatch.setenv("HTTPS_PROXY", with_login(office.proxy, PASSWORD.replace("%", "%25")))
    connector = office.connector()
    connector.open()
    connector.close()

    assert office.proxy.used == {office.host}


@pytest.mark.parametrize("exempt", ["{host}", "*", ".{parent}", "elsewhere.example, {host}"])
def test_no_proxy_is_heeded(exempt: str, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exempted host is called directly; another is not."""
    found = socket.getaddrinfo

    def resolve(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host == office.host:
            return found("127.0.0.1", office.server.port, *rest, **more)
        return found(host, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    parent = office.host.partition(".")[2]
    monkeypatch.setenv("NO_PROXY", exempt.format(host=office.host, parent=parent))
    connector = office.connector()
    connector.open()
    connector.close()
    monkeypatch.setenv("NO_PROXY", "elsewhere.example")
    with pytest.raises(UnreachableError):
        office.connector().open()

    assert office.watched.paths
    assert office.proxy.doors == set()


def refusals(office: Office) -> list[tuple[str, str]]:
    """Values of HTTPS_PROXY that lead nowhere, each with what is said of it."""
    password = quote(PASSWORD, safe="")
    port = office.proxy.url.rpartition(":")[2]
    dead = (
        "the proxy http://127.0.0.1:9 cannot be reached (Connection refused): correct "
        f"HTTPS_PROXY, or name {office.host} in NO_PROXY"
    )
    wrong = (
        f"the proxy http://127.0.0.1:{port} does not take the login in HTTPS_PROXY (407 Proxy "
        "Authentication Required): write user:password@ before the proxy's host there"
    )
    return [
        (f"http://mara:{password}@127.0.0.1:9", dead),
        (f"http://mara:canary-wrong-{password}@127.0.0.1:{port}", wrong),
        (
            f"http://127.0.0.1:{port}",
            f"the proxy http://127.0.0.1:{port} wants a login, and there is none in HTTPS_PROXY",
        ),
        (
            f"http://mara:{password}@proxy:80:80",
            "HTTPS_PROXY names no proxy: it must be an address",
        ),
        (f"http://mara:{password}", "HTTPS_PROXY names no proxy: it must be an address"),
        (
            f"socks5://mara:{password}@127.0.0.1:9",
            "HTTPS_PROXY names a socks5 proxy; syncd goes through http:// proxies only",
        ),
    ]


def test_a_proxy_that_leads_nowhere(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain error that names the proxy and what to do; the password is in no traceback."""
    for value, told in refusals(office):
        monkeypatch.setenv("HTTPS_PROXY", value)
        with pytest.raises(UnreachableError) as caught:
            office.connector().open()
        shown = "".join(traceback.format_exception(caught.value))

        assert told in str(caught.value), value
        assert "canary" not in shown, value
    assert office.watched.doors == {}


def test_a_refusing_proxy_as_an_operator_meets_it(office: Office) -> None:
    """Exit code 5, the reason once more in the report, and no secret in answer, log or state."""
    office.configure()
    wrong, _, malformed, *_ = refusals(office)[1:]
    for (value, told), command in ((wrong, "sync --json"), (malformed, "check")):
        code, said = office.syncd(command, HTTPS_PROXY=value)

        assert code == 5, said
        assert told in said
        assert "canary" not in said
        assert "Traceback" not in said
    state = b"".join(path.read_bytes() for path in office.folder.glob("syncd.db*"))

    assert b"canary" not in state


def test_a_proxy_that_does_not_lead_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that the proxy forbids is named, with its status."""
    for kind in KINDS:
        made: Any = SalesforceSandbox if kind == "salesforce" else HubSpotSandbox
        sandbox = made()
        with (
            SandboxServer(sandbox.app, tmp_path / "ca.pem") as server,
            Proxy(lambda _: None) as proxy,
        ):
            office = Office(kind, sandbox, Watched(None), server, proxy, tmp_path)
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            told = rf"the proxy {proxy.url} does not lead to {office.host} \(403 Forbidden\)"
            with pytest.raises(UnreachableError, match=told):
                office.connector().open()


def test_loopback_has_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox is reached as it stands, whatever the office's network."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.acme.example:8080")

    assert proxy_for("https://127.0.0.1:47100/x") is None
    assert proxy_for("https://localhost/x") is None
    assert str(proxy_for("https://api.hubapi.com")) == (
        "Proxy(address='http://proxy.acme.example:8080', variable='HTTPS_PROXY')"
    )


def test_the_log_hides_what_the_environment_names(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should anything else show the proxy's address, the log takes the login out."""
    from syncd.bootstrap import load

    office.configure()
    monkeypatch.setenv("HTTPS_PROXY", with_login(office.proxy))
    load(office.folder / "config.toml")

    for text in (PASSWORD, quote(PASSWORD, safe=""), with_login(office.proxy), LOGIN):
        assert "canary" not in redact(f"failed: {text}!")
