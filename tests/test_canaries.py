"""A canary in every secret of every login: it comes out nowhere, whatever goes right or wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from processes import KINDS, Site, Zygote, site
from pydantic import BaseModel
from states import Postgres

from connectors.hubspot.settings import Auth
from connectors.salesforce.sandbox.api import Api, Session
from connectors.salesforce.settings import AuthSettings
from connectors.sandbox.faults import Fault, Rows
from syncd import sync
from syncd.bootstrap import loading
from syncd.cli import exit_code
from syncd.cli.output import table
from syncd.config.secrets import secret_places
from syncd.log import conceal, forget_secrets, redact, register_secrets

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


# --- what a CRM or a driver says ------------------------------------------------------------------


def test_a_crm_that_repeats_secrets_is_not_quoted(sites: dict[str, Site]) -> None:
    """A refusal and a failure that hold the token: not in answers, log, state nor backup."""
    crm = sites["hubspot"]
    crm.begin()
    token = (crm.folder / "secrets" / "hubspot_access_token").read_text().strip()
    rows = Rows("VALIDATION_ERROR", f"with {token} no")
    crm.sandbox.faults.set([Fault(path="*/companies/batch/update", times=0, rows=rows)])
    refused = crm.run("sync")
    said = (crm.folder / "out").read_text() + crm.said() + told(crm)
    body = json.dumps({"status": "error", "category": "X", "message": f"{token} is tired"})
    crm.sandbox.faults.set([Fault(status=400, body=body, times=0)])
    failed = crm.run("sync", "--full")
    said += (crm.folder / "out").read_text() + crm.said() + told(crm)
    crm.sandbox.faults.set([])
    for command in ("runs", "history", "rejects"):
        crm.run(command, "--json")
        said += (crm.folder / "out").read_text() + crm.said()
    backed_up = crm.run("backup", str(crm.folder / "copy.db"))
    kept = state_of(crm)
    (crm.folder / "copy.db").unlink()

    assert (refused, failed, backed_up) == (3, 5, 0)
    assert "with [secret] no" in said
    assert "is tired" in said
    assert token not in said
    assert b"with [secret] no" in kept
    assert token.encode() not in kept


def test_a_token_that_a_crm_hands_out_is_hidden_while_it_counts() -> None:
    """Whatever it looks like; each connection has one, and the one before it is forgotten."""
    conceal("emea", "canary-handed-out")
    conceal("apac", "canary-of-another")
    both = redact("canary-handed-out and canary-of-another")
    conceal("emea", "canary-renewed")
    renewed = redact("canary-handed-out and canary-renewed")
    forget_secrets()

    assert both == "[secret] and [secret]"
    assert renewed == "canary-handed-out and [secret]"


def test_a_sessions_token_is_not_quoted(
    sites: dict[str, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is the token that a login brought, whatever it looks like: no config has it."""
    crm = sites["salesforce"]
    crm.begin()
    token = "quokka.session.wombat"

    def login(api: Api, user: str) -> str:
        api.sessions[token] = Session(user, api.org.clock() + timedelta(hours=1))
        return token

    monkeypatch.setattr(Api, "login", login)
    rows = Rows("FIELD_CUSTOM_VALIDATION_EXCEPTION", f"with {token} no")
    crm.sandbox.faults.set([Fault(path="*/composite/sobjects", times=0, rows=rows)])
    refused = crm.run("sync")
    said = (crm.folder / "out").read_text() + crm.said() + told(crm)
    kept = state_of(crm)
    crm.sandbox.faults.set([])

    assert refused == 3
    assert "with [secret] no" in said
    assert "quokka" not in said
    assert b"with [secret] no" in kept
    assert b"quokka" not in kept


PASSWORDS = {
    "a stranger": "postgresql+psycopg://stranger:canary-quokka-wombat@{place}",
    "encoded": "postgresql+psycopg://stranger:canary%2Dquokka%40wombat@{place}",
    "in the query": "postgresql+psycopg://{place}&user=stranger&password=canary-quokka-wombat",
    "nobody there": "postgresql+psycopg://u:canary-quokka-wombat@127.0.0.1:9/db",
    "no such host": "postgresql+psycopg://u:canary-quokka-wombat@nowhere.invalid/db",
    "an @ in it": "postgresql+psycopg://u:canary-quokka@canary-wombat@nowhere.invalid/db",
    "an @ and a :": "postgresql+psycopg://u:canary-quokka@h:canary-wombat@127.0.0.1:9/db",
    "no address": "canary-quokka-wombat",
    "no such driver": "nosuch://u:canary-quokka-wombat@127.0.0.1/db",
    "no port": "postgresql+psycopg://u:canary-quokka-wombat@127.0.0.1:x/db",
}
BOOK = """
version = 1
[account]
object = "Account"
[account.fields]
name = "Name"
"""
DATABASES = """
[syncd]
state = {state}
timezone = "UTC"
[connections.crm]
connector = "memory"
mapping = "crm.toml"
[connections.warehouse]
connector = "sql"
mapping = "crm.toml"
url = {url}
[connections.warehouse.objects.accounts]
query = "SELECT 1 AS id"
"""
FILE = '{ file = "address" }'
SAYING = (
    "check",
    "plan",
    "sync",
    "sync --full",
    "verify",
    "status",
    "runs",
    "rejects",
    "backup copy.db",
)


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    """Where a PostgreSQL server listens that does not know whoever comes: ``/db?host=…``."""
    server = Postgres()
    url = sa.make_url(server.database())
    folder = str(url.query.get("host") or url.host)
    yield f"/{url.database}?host={folder}" + (f"&port={url.port}" if url.port else "")
    server.stop()


@pytest.mark.parametrize("is_state", [True, False], ids=["state", "sql connector"])
@pytest.mark.parametrize("how", PASSWORDS)
def test_no_database_shows_its_password(
    how: str,
    is_state: bool,
    place: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever is wrong with the address: no command says it, its driver's error included."""
    monkeypatch.chdir(tmp_path)
    own = '"sqlite:///state.db"'
    tables = DATABASES.format(state=FILE if is_state else own, url=FILE)
    (tmp_path / "config.toml").write_text(tables)
    (tmp_path / "crm.toml").write_text(BOOK)
    (tmp_path / "address").write_text(PASSWORDS[how].format(place=place))
    codes = {
        exit_code([*command.split(), *form, "--config", str(tmp_path / "config.toml")])
        for command in SAYING
        for form in ((), ("--json",))
    }
    captured = capsys.readouterr()
    said = captured.out + captured.err
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("*.db*"))

    assert codes & {2, 5}
    assert 1 not in codes
    assert [part for part in ("quokka", "wombat") if part in said or part.encode() in kept] == []


def test_a_defect_on_the_way_to_the_config_shows_no_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A config that is wrong elsewhere has its secrets known before anything is told of it."""
    tables = DATABASES.format(state=FILE, url=FILE).replace("UTC", "Nowhere")
    (tmp_path / "config.toml").write_text(tables)
    (tmp_path / "address").write_text(PASSWORDS["nobody there"])

    def broken(*_: object) -> None:
        raise RuntimeError("all is lost: canary-quokka-wombat")

    forget_secrets()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "read_mappings", broken)
        code = exit_code(["check", "--config", str(tmp_path / "config.toml")])
    captured = capsys.readouterr()

    assert code == 1
    assert "all is lost" in captured.err
    assert "wombat" not in captured.out + captured.err


def test_a_table_shows_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    """What an older syncd kept in its state is hidden when it is shown."""
    register_secrets(["canary-quokka-wombat"])
    table(("message",), [("the CRM says canary-quokka-wombat",)])
    forget_secrets()

    assert capsys.readouterr().out.splitlines()[-1] == "the CRM says [secret]"
