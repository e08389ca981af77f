"""The way that peers take: a CRM's own host names, through a proxy, to a sandbox; and the judging
of what they read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from crm import SalesforceCrm
from proxy import Proxy, by_pattern
from room import PeerError
from run import PEERS, compare_all, compare_new
from scripted import Jsforce

from connectors.hubspot.sandbox import HubSpotSandbox
from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.sandbox.server import SandboxServer


@pytest.fixture(
    scope="module",
    params=[
        (SalesforceSandbox, "login.salesforce.com", "/services/data"),
        (SalesforceSandbox, "acme.my.salesforce.com", "/services/data"),
        (HubSpotSandbox, "api.hubapi.com", "/crm/v3/owners"),
    ],
    ids=lambda found: found[1],
)
def reached(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[SandboxServer, Proxy, str, str]]:
    make, host, path = request.param
    made = make()
    ca_file = tmp_path_factory.mktemp("peers") / "ca.pem"
    with (
        SandboxServer(made.app, ca_file, hosts=made.hosts) as server,
        Proxy(by_pattern({host: server.port})) as proxy,
    ):
        yield server, proxy, host, path


def ask(server: SandboxServer, proxy: Proxy, url: str) -> requests.Response:
    """A request through the proxy that trusts the sandbox's authority alone."""
    with requests.Session() as web:
        web.trust_env = False
        web.verify = str(server.ca_file)
        web.proxies = {"https": proxy.url}
        return web.get(url, timeout=10)


def test_sandbox_answers_under_the_crms_name(reached: tuple[Any, ...]) -> None:
    """The certificate is good for the name, and the name leads to the sandbox."""
    server, proxy, host, path = reached

    assert ask(server, proxy, f"https://{host}{path}").status_code in (200, 401)
    assert host in proxy.used


def test_other_names_are_refused(reached: tuple[Any, ...]) -> None:
    """No peer reaches anything else."""
    server, proxy, *_ = reached
    with pytest.raises(requests.exceptions.ProxyError):
        ask(server, proxy, "https://example.com/")

    assert "CONNECT example.com:443" in proxy.refused


class Book(SalesforceCrm):
    """Three accounts, and no process."""

    def __init__(self) -> None:
        """Nothing is started."""

    def ids(self) -> dict[str, set[str]]:
        return {"Account": {"1", "2", "3"}}


@pytest.mark.parametrize(
    ("read", "why"),
    [
        ({}, "3 not at all"),
        ({"Account": ["1", "2"]}, "1 not at all"),
        ({"Account": ["1", "2", "4"]}, "1 not at all"),
        ({"Account": ["1", "2", "3", "3"]}, "it read 4"),
    ],
)
def test_missing_and_doubled_records_are_seen(read: dict[str, list[str]], why: str) -> None:
    """A record less, another one, or one twice fails the peer."""
    peer = Jsforce.__new__(Jsforce)
    peer.crm = Book()

    with pytest.raises(PeerError, match=why):
        compare_all(peer, read)


def test_what_is_new_must_come_and_not_all_again() -> None:
    """A changed record that does not come fails the peer, and so does the whole book again."""
    peer = Jsforce.__new__(Jsforce)
    everything = [str(number) for number in range(10)]
    compare_new(peer, {"Account": {"1"}}, {"Account": ["1", "2"]}, {"Account": everything})

    with pytest.raises(PeerError, match="were changed"):
        compare_new(peer, {"Account": {"1"}}, {"Account": ["2"]}, {"Account": everything})
    with pytest.raises(PeerError, match="again"):
        compare_new(peer, {"Account": {"1"}}, {"Account": everything}, {"Account": everything})


def test_every_peer_is_pinned_without_a_registrys_address() -> None:
    """Each has a version, and its lists name no place to download from."""
    from run import HERE

    for peer in PEERS:
        source = HERE / peer.folder()
        listed = [*source.glob("requirements.txt"), *source.glob("package-lock.json")]

        assert peer.version(source)[0].isdigit()
        assert len(listed) == 1
        assert "registry" not in listed[0].read_text()
        assert "--index" not in listed[0].read_text()
