"""A canary in every secret of every login: it comes out nowhere, whatever goes right or wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from processes import KINDS, Site, Zygote, site
from pydantic import BaseModel

from connectors.hubspot.settings import Auth
from connectors.salesforce.settings import AuthSettings
from syncd import sync
from syncd.cli import exit_code
from syncd.config.secrets import secret_places

FLOWS = {
    "salesforce": ("client_credentials", "jwt", "refresh_token", "password"),
    "hubspot": ("private_app", "oauth"),
}
PLAIN = {"salesforce": ("client_id", "username"), "hubspot": ("client_id",)}
"""Keys that may stand in the file as they are, but can be secrets too."""
SETTINGS: dict[str, type[BaseModel]] = {"salesforce": AuthSettings, "hubspot": Auth}
COMMANDS = ("check", "plan", "sync", "verify", "status", "explain x", "provision", "rejects")


def keys(kind: str) -> list[str]:
    """Every key of the connection's auth table that can hold a secret."""
    secret = {str(place[-1]) for place in secret_places(SETTINGS[kind])}
    return sorted(secret | set(PLAIN[kind]))


def private_key() -> str:
    """A key that signs, and opens nothing."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """One for all tests of this file."""
    made = Zygote()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory, zygote: Zygote) -> Iterator[dict[str, Site]]:
    """Both sandboxes with six customers."""
    with (
        site("salesforce", tmp_path_factory.mktemp("sf"), zygote, accounts=6) as salesforce,
        site("hubspot", tmp_path_factory.mktemp("hs"), zygote, accounts=6) as hubspot,
    ):
        yield {"salesforce": salesforce, "hubspot": hubspot}


def planted(crm: Site, flow: str, **given: str) -> set[str]:
    """A config with that flow and a canary in each key; the canaries.

    `given` are secrets that the sandbox takes.
    """
    secrets = {key: f"canary-{key}-5e1f/{flow}+%7Ax" for key in keys(crm.kind)}
    if "private_key" in secrets:
        secrets["private_key"] = private_key()
    secrets |= {key: value for key, value in given.items() if key in secrets}
    others = {"token": "canary-console-81ac77", "notify": "json://canary-notify-77ab/canary-5512"}
    for key, secret in (secrets | others).items():
        (crm.folder / "secrets" / f"canary_{key}").write_text(secret)
    crm.begin()
    head, _, rest = crm.config.read_text().partition(f"[connections.{crm.kind}.auth]\n")
    lines = [f'{key} = {{ file = "secrets/canary_{key}" }}' for key in sorted(secrets)]
    auth = f'[connections.{crm.kind}.auth]\nflow = "{flow}"\n' + "\n".join(lines)
    more = (
        '\n[console]\ntoken = { file = "secrets/canary_token" }\n'
        '[notify]\nurls = [{ file = "secrets/canary_notify" }]\n'
    )
    crm.config.write_text(f"{head}{auth}\n\n[{rest.partition('[')[2]}{more}")
    found = {*secrets.values(), *others.values()} - {secrets.get("private_key")}
    return found | set(secrets.get("private_key", "").splitlines()[1:-2])


def told(crm: Site) -> str:
    """All that a round of commands says, in words and as JSON."""
    out = []
    for command in COMMANDS:
        for form in ((), ("--json",)):
            crm.run(*command.split(), *form)
            out.append((crm.folder / "out").read_text() + crm.said())
    return "\n".join(out)


def state_of(crm: Site) -> bytes:
    """Every byte of the states."""
    return b"".join(path.read_bytes() for path in sorted(crm.folder.glob("*.db*")))


@pytest.mark.parametrize(("kind", "flow"), [(kind, flow) for kind in KINDS for flow in FLOWS[kind]])
def test_a_refused_login_shows_no_secret(kind: str, flow: str, sites: dict[str, Site]) -> None:
    """Every flow with every key planted: the CRM refuses, syncd says so, and no canary."""
    crm = sites[kind]
    canaries = planted(crm, flow)
    refused = crm.run("sync")
    reason = (crm.folder / "out").read_text()
    said = told(crm)
    kept = state_of(crm)

    assert refused == 5, crm.said()
    assert kind in reason
    assert len(canaries) > 4
    assert [secret for secret in canaries if secret in said] == []
    assert [secret for secret in canaries if secret.encode() in kept] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_login_that_works_shows_no_secret(
    kind: str, sites: dict[str, Site], capsys: pytest.CaptureFixture[str]
) -> None:
    """The secrets in use and the session's token stay inside, in a defect's traceback too."""
    crm = sites[kind]
    flow = FLOWS[kind][-1] if kind == "hubspot" else FLOWS[kind][0]
    source: Any = crm.sandbox.access if kind == "hubspot" else crm.sandbox.logins
    given = {
        name: getattr(source, name)
        for name in ("client_id", "client_secret", "refresh_token")
        if hasattr(source, name)
    }
    canaries = planted(crm, flow, **given)
    code = crm.run("sync")
    said = told(crm)
    sessions = set(source.issued) if kind == "hubspot" else set(crm.sandbox.api.sessions)

    def broken(turn: Any) -> None:
        raise RuntimeError(f"all is lost: {canaries}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sync, "run_once", broken)
        defect = exit_code(["sync", "--config", str(crm.config)])
    captured = capsys.readouterr()
    said += captured.out + captured.err
    kept = state_of(crm)

    assert code in {0, 3}
    assert defect == 1
    assert "RuntimeError" in captured.err
    assert sessions
    assert [secret for secret in canaries | sessions if secret in said] == []
    assert [secret for secret in canaries | sessions if secret.encode() in kept] == []
