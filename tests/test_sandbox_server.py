"""What a client of any sandbox sees of its HTTP: names, spellings, host names."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from connectors.hubspot.sandbox import HubSpotSandbox
from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.sandbox.server import SandboxServer


@pytest.fixture(scope="module")
def salesforce(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    ca_file = tmp_path_factory.mktemp("ca") / "ca.pem"
    made = SalesforceSandbox()
    with SandboxServer(made.app, ca_file, hosts=made.hosts) as server:
        yield server


@pytest.fixture(scope="module")
def hubspot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    ca_file = tmp_path_factory.mktemp("ca") / "ca.pem"
    made = HubSpotSandbox()
    with SandboxServer(made.app, ca_file, hosts=made.hosts) as server:
        yield server


def names_sent(server: SandboxServer, path: str, headers: dict[str, str]) -> list[str]:
    """The header names of the answer as they stand on the wire."""
    where = urlsplit(server.url)
    context = ssl.create_default_context(cafile=str(server.ca_file))
    line = http.client.HTTPSConnection("127.0.0.1", where.port, context=context, timeout=10)
    line.request("GET", path, headers=headers)
    answer = line.getresponse()
    answer.read()
    line.close()
    return [name for name, _ in answer.getheaders()]


def token(server: SandboxServer, host: str = "") -> dict[str, str]:
    """The answer of the token endpoint, asked under a host name."""
    made = SalesforceSandbox().logins
    answer = requests.post(
        f"{server.url}/services/oauth2/token",
        data={
            "grant_type": "refresh_token",
            "client_id": made.client_id,
            "refresh_token": made.refresh_token,
        },
        headers={"Host": host} if host else {},
        verify=str(server.ca_file),
        timeout=10,
    )
    found: dict[str, str] = answer.json()
    return found


def test_salesforce_headers_are_spelt_as_recorded(salesforce: SandboxServer) -> None:
    """A client that looks for Content-Type in that spelling finds it; there is one Server."""
    bearer = {"Authorization": f"Bearer {token(salesforce)['access_token']}"}

    names = names_sent(salesforce, "/services/data/v66.0/limits", bearer)

    assert "Content-Type" in names
    assert "Sforce-Limit-Info" in names
    assert [name for name in names if name.lower() == "server"] == ["Server"]


def test_hubspot_headers_are_spelt_as_recorded(hubspot: SandboxServer) -> None:
    """The limits' names have their capitals; the correlation id's has none."""
    secret = HubSpotSandbox().access.token
    names = names_sent(hubspot, "/crm/v3/owners", {"Authorization": f"Bearer {secret}"})

    assert "X-HubSpot-RateLimit-Max" in names
    assert "x-hubspot-correlation-id" in names


def test_login_page_sends_on_to_the_org(salesforce: SandboxServer) -> None:
    """A token got at login.salesforce.com leads to the org's own domain, and to a port else."""
    assert token(salesforce, "login.salesforce.com")["instance_url"] == (
        "https://acme.my.salesforce.com"
    )
    assert token(salesforce, "other.my.salesforce.com")["instance_url"] == (
        "https://other.my.salesforce.com"
    )
    assert token(salesforce)["instance_url"] == salesforce.url


def test_userinfo_has_the_names_of_openid(salesforce: SandboxServer) -> None:
    """Clients that look for preferred_username find who they are."""
    answer = requests.get(
        f"{salesforce.url}/services/oauth2/userinfo",
        headers={"Authorization": f"Bearer {token(salesforce)['access_token']}"},
        verify=str(salesforce.ca_file),
        timeout=10,
    ).json()

    assert answer["preferred_username"] == answer["username"] != ""
    assert answer["name"] == answer["display_name"]


def test_started_with_a_file_or_without_the_mapping_fits(tmp_path: Path) -> None:
    """The book's own fields are mapped on the first start with --data, and on the next."""
    command = [sys.executable, "-m", "syncd", "sandbox", "hubspot", "--accounts", "2"]
    told = []
    for _ in range(2):
        with subprocess.Popen(
            [*command, "--data", "portal.json"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stdout is not None
            told.append(json.loads(process.stdout.readline())["connection"]["mapping"])
            process.terminate()

    assert told == ["hubspot-sandbox", "hubspot-sandbox"]
    assert (tmp_path / "portal.json").exists()
