"""The whole of syncd against a Salesforce that lacks whatever an API can lack."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import salesforce_org
from salesforce_bare import Bare
from salesforce_org import AUTH, connection

from connectors.salesforce import SalesforceConnector
from connectors.sandbox.server import SandboxServer
from syncd.connector import (
    FieldSpec,
    FieldType,
    FieldUpdate,
    Outcome,
    Record,
    Source,
    TaskShape,
    TaskUpsert,
)
from syncd.errors import LoginError

waits = salesforce_org.waits

ACCOUNTS = Source("accounts", "Account", ("Name",))
SHAPE = TaskShape("Task", "Syncd_Key__c", "WhatId")
MAPPING = """\
version = 1
[account]
object = "Account"
where  = "Type LIKE 'Customer%'"
[account.fields]
name   = "Name"
owner  = "OwnerId"
status = { field = "Type", values = { "Customer" = "customer" }, default = "customer" }
[opportunity]
object = "Opportunity"
[opportunity.fields]
account    = "AccountId"
kind       = { field = "Type", values = { "New" = "new" }, default = "other" }
closed     = "IsClosed"
won        = "IsWon"
close_date = "CloseDate"
amount     = "Amount"
owner      = "OwnerId"
[opportunity.handoff]
pain_points = "Pain__c"
[contract]
object = "Contract"
[contract.fields]
account     = "AccountId"
status      = { field = "Status", values = { "Activated" = "active" }, default = "draft" }
start_date  = "StartDate"
term_months = "ContractTerm"
value       = "Value__c"
[writes.account]
renewal_date   = "Renewal__c"
renewal_status = "Renewal_Status__c"
arr            = "ARR__c"
tier           = "Tier__c"
handoff_status = "Handoff__c"
[writes.task]
key = "Syncd_Key__c"
"""


@pytest.fixture
def bare() -> Bare:
    """Three customers, two of them with a contract, one with a fresh deal; two people."""
    made = Bare()
    made.kinds["Task"] = {
        "Id": "id",
        "SystemModstamp": "datetime",
        "Syncd_Key__c": "string",
        "WhatId": "reference",
        "OwnerId": "reference",
        "Subject": "string",
        "Description": "textarea",
        "ActivityDate": "date",
        "Priority": "picklist",
        "Status": "picklist",
    }
    for number in range(3):
        made.add(
            "Account",
            f"001{number:015}",
            Name=f"Customer {number}",
            Type="Customer",
            OwnerId="005000000000001AAA",
            Renewal__c=None,
            Renewal_Status__c=None,
            ARR__c=None,
            Tier__c=None,
            Handoff__c=None,
        )
    made.kinds["Account"] |= {"Renewal__c": "date", "ARR__c": "currency"}
    for number in range(2):
        made.add(
            "Contract",
            f"800{number:015}",
            AccountId=f"001{number:015}",
            Status="Activated",
            StartDate="2026-01-01",
            ContractTerm=12,
            Value__c=12_000.0 * (number + 1),
        )
    made.add(
        "Opportunity",
        "006000000000000AAA",
        AccountId=f"001{2:015}",
        Type="New",
        IsClosed=True,
        IsWon=True,
        CloseDate="2026-11-20",
        Amount=900.5,
        OwnerId="005000000000002AAA",
        Pain__c=None,
    )
    for number, name in ((1, "Ada"), (2, "Bo")):
        made.add(
            "User",
            f"00500000000000{number}AAA",
            Name=name,
            Email=f"{name.lower()}@acme.example",
            IsActive=True,
            ManagerId=None,
        )
    return made


@pytest.fixture
def server(bare: Bare, tmp_path: Path) -> Iterator[SandboxServer]:
    """The bare org over TLS."""
    with SandboxServer(bare, tmp_path / "ca.pem") as running:
        yield running
        salesforce_org.all_hung_up(running)


@pytest.fixture
def salesforce(
    bare: Bare, server: SandboxServer, waits: list[Any]
) -> Iterator[SalesforceConnector]:
    """An open connection to it. Tests change the org's habits afterwards."""
    made = connection(instance_url=f"{server.url}/", ca_file=str(server.ca_file))
    made.open()
    yield made
    made.close()


def ids(connector: SalesforceConnector, cursor: dict[str, Any] | None = None) -> list[str]:
    """The ids of the accounts that a pull gives."""
    return [record.id for page in connector.pull(ACCOUNTS, cursor) for record in page.records]


@pytest.mark.parametrize(("place", "logins"), [("header", 1), ("form", 2)])
def test_credentials_wherever_the_server_looks(
    bare: Bare, server: SandboxServer, place: str, logins: int
) -> None:
    """Credentials arrive in the header or the form; a refusal of one kind costs one more try."""
    bare.credentials = place
    made = connection(instance_url=server.url, ca_file=str(server.ca_file))

    made.open()
    made.close()

    assert bare.logins == logins


def test_wrong_secret(bare: Bare, server: SandboxServer) -> None:
    """A wrong secret is refused after both kinds were tried, and never again."""
    wrong = AUTH | {"client_secret": "guess"}
    with pytest.raises(LoginError, match="who are you"):
        connection(instance_url=server.url, ca_file=str(server.ca_file), auth=wrong).open()

    assert bare.logins == 2


@pytest.mark.parametrize(
    "told",
    ["", "http://127.0.0.1:1", "https://acme.my.salesforce.com", "not an address"],
)
def test_address_in_the_token(bare: Bare, server: SandboxServer, told: str) -> None:
    """Without a usable address in the reply the configured one is called."""
    bare.token = {"instance_url": told} if told else {}
    made = connection(instance_url=server.url, ca_file=str(server.ca_file))
    made.open()

    assert len(ids(made)) == 3
    made.close()


def test_address_with_a_port(bare: Bare, server: SandboxServer) -> None:
    """The reply's own address is called, its port kept."""
    bare.token = {"instance_url": f"https://localhost:{server.port}/"}
    made = connection(instance_url=server.url, ca_file=str(server.ca_file))
    made.open()

    assert len(ids(made)) == 3
    made.close()


@pytest.mark.parametrize("absolute", [False, True])
def test_pages_of_one(bare: Bare, salesforce: SalesforceConnector, absolute: bool) -> None:
    """Pages are followed to the end, whatever their size and the form of their address."""
    bare.page, bare.absolute = 1, absolute

    assert len(ids(salesforce)) == 3


def test_small_orgs_need_no_bulk(bare: Bare, salesforce: SalesforceConnector) -> None:
    """However small its pages, an org of a few hundred rows is never read by jobs."""
    for number in range(100, 400):
        bare.add("Account", f"001{number:015}", Name="more", Type="Customer")
    bare.page = 5

    assert len(ids(salesforce)) == 303
    assert not [call for call in bare.calls if "jobs" in call]


def test_what_is_missing_costs_nothing(bare: Bare, salesforce: SalesforceConnector) -> None:
    """Without rates, limits, versions or an Organization the rest goes on, and check says so."""
    notes = list(salesforce.check())

    assert salesforce.rates() is None
    assert salesforce.allowance().left is None
    assert salesforce.identity() == "127.0.0.1"
    assert {note.severity for note in notes} == {"ok", "warning"}
    assert any("API versions" in note.text for note in notes)
    assert any("does not tell how many" in note.text for note in notes)


def test_provisioning_where_nothing_can_be_made(salesforce: SalesforceConnector) -> None:
    """What cannot be made or granted is told step by step; what is there needs no step."""
    there = FieldSpec("Account", "Tier__c", "Tier", FieldType.TEXT)
    new = FieldSpec("Account", "New__c", "New", FieldType.TEXT)

    steps = list(salesforce.provision([there, new], apply=True))

    assert [step.kind for step in steps] == ["field", "permission_set"]
    assert all(step.error and not step.done for step in steps)
    assert "by hand" in steps[1].error
    assert list(salesforce.provision([there], apply=True)) == []


def test_describe_of_few_words(salesforce: SalesforceConnector) -> None:
    """What a describe leaves out is no obstacle: only ids cannot be written."""
    schema = salesforce.schema("Task")

    key = schema.find("syncd_key__c")
    assert key is not None
    assert (key.unique, key.writable, key.required, key.calculated) == (True, True, False, False)
    assert schema.fields["Id"].writable is False
    assert schema.updateable


def test_no_query_all(bare: Bare, salesforce: SalesforceConnector) -> None:
    """Without queryAll an increment shows what is left, and asks for it only once."""
    cursor = {"modstamp": "2026-01-01T00:00:00Z"}

    bare.kinds["Account"]["IsDeleted"] = "boolean"
    first, second = ids(salesforce, cursor), ids(salesforce, cursor)

    assert len(first) == len(second) == 3
    assert sum("queryAll" in call for call in bare.calls) == 1


def test_rows_one_by_one(bare: Bare, salesforce: SalesforceConnector) -> None:
    """Without collections rows go one by one; a bad one harms itself only, tasks come once."""
    good, bad = f"001{0:015}", "001000000000099AAA"
    tasks = [TaskUpsert(f"k/{n} ü", {"Subject": f"s{n}"}, good) for n in range(2)]

    told = dict(
        salesforce.update("Account", [FieldUpdate(bad, {"Tier__c": "x"}), FieldUpdate(good, {})])
    )
    made = dict(salesforce.upsert_tasks(SHAPE, tasks))
    again = dict(salesforce.upsert_tasks(SHAPE, tasks))

    assert [told[0].outcome, told[1].outcome] == [Outcome.REJECTED, Outcome.DONE]
    assert told[0].code == "NOT_FOUND"
    assert [made[n].created for n in range(2)] == [True, True]
    assert [again[n].created for n in range(2)] == [False, False]
    assert {row["Syncd_Key__c"] for row in bare.rows["Task"].values()} == {"k/0 ü", "k/1 ü"}
    assert sum("composite/sobjects/Task" in call for call in bare.calls) == 1


def test_unavailable_twice(bare: Bare, salesforce: SalesforceConnector) -> None:
    """Two maintenance pages are waited out."""
    bare.answers = [(503, "<html><title>Down</title></html>")] * 2

    assert len(ids(salesforce)) == 3


def test_answers_that_are_none(bare: Bare, salesforce: SalesforceConnector) -> None:
    """A bare null or text where records were due is asked for again."""
    bare.answers = [(200, None), (200, 7)]

    assert len(ids(salesforce)) == 3


def test_expiry_is_one_login(bare: Bare, salesforce: SalesforceConnector) -> None:
    """A session that ends, with whatever body, is renewed by one login."""
    list(salesforce.pull(ACCOUNTS, None))
    bare.answers = [(401, "<html>who?</html>")]

    assert len(ids(salesforce)) == 3
    assert bare.logins == 2


def test_broken_off_after_the_write(bare: Bare, salesforce: SalesforceConnector) -> None:
    """A write whose answer never came is unknown, and not sent again."""
    bare.answers = [(404, [{"errorCode": "NOT_FOUND", "message": "no such resource"}]), None]
    task = TaskUpsert("k", {"Subject": "s"}, f"001{0:015}")

    told = dict(salesforce.upsert_tasks(SHAPE, [task]))
    found: dict[str, Record] = salesforce.find_tasks(
        SHAPE, Source("tasks", "Task", ("Subject",)), ["k"]
    )

    assert told[0].outcome is Outcome.UNKNOWN
    assert found["k"].fields["Subject"] == "s"
    assert sum(call.startswith("PATCH sobjects/Task") for call in bare.calls) == 1


# --- through the command line --------------------------------------------------------------------


@pytest.fixture
def folder(server: SandboxServer, tmp_path: Path) -> Path:
    """A config for the bare org."""
    (tmp_path / "mapping.toml").write_text(MAPPING)
    (tmp_path / "config.toml").write_text(
        f"""\
[syncd]
state = "sqlite:///s.db"
[connections.salesforce]
connector    = "salesforce"
mapping      = "mapping.toml"
instance_url = "{server.url}"
ca_file      = "ca.pem"
[connections.salesforce.auth]
flow          = "client_credentials"
client_id     = {{ env = "SF_ID" }}
client_secret = {{ env = "SF_SECRET" }}
[policy.tasks]
fallback_assignee = "ada@acme.example"
"""
    )
    return tmp_path


def syncd(folder: Path, *words: str, secret: str = "a-secret") -> tuple[int, Any, str]:
    """Run a command; its exit code, its JSON answer and its log."""
    run = subprocess.run(
        [sys.executable, "-m", "syncd", *words, "-c", str(folder / "config.toml")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"SF_ID": "app", "SF_SECRET": secret, "REQUESTS_CA_BUNDLE": "/dev/null"},
    )
    answer = json.loads(run.stdout) if run.stdout.startswith("{") else None
    return run.returncode, answer, run.stderr


def test_sync_twice(bare: Bare, folder: Path) -> None:
    """The main job is done on a bare org, and a second run finds nothing left to do."""
    code, first, log = syncd(folder, "sync", "--json")
    again, second, _ = syncd(folder, "sync", "--json")

    assert (code, again) == (0, 0), log
    assert first["written"] > 0
    assert second["nothing_to_do"] is True
    account = bare.rows["Account"][f"001{0:015}"]
    assert account["Renewal__c"] == "2026-12-31"
    assert account["ARR__c"] == 12_000
    keys = [row["Syncd_Key__c"] for row in bare.rows["Task"].values()]
    assert len(keys) == len(set(keys)) > 0


def test_filter_of_no_sense(folder: Path) -> None:
    """A filter that the org cannot read ends with 5, points to the mapping and writes nothing."""
    mapping = folder / "mapping.toml"
    text = mapping.read_text().replace(
        'object = "Contract"', 'object = "Contract"\nwhere = "NO SENSE"'
    )
    mapping.write_text(text)
    code, answer, log = syncd(folder, "sync", "--json")

    assert code == 5, log
    assert "Contract cannot be read (see the where of its section in the mapping)" in log
    assert "unexpected token: 'NO'" in log
    assert answer["written"] == 0


def test_check_passes(folder: Path) -> None:
    """An org that tells little is no error of the mapping."""
    code, answer, log = syncd(folder, "check", "--json")

    assert code == 0, (answer, log)


def test_refused_login_ends_with_5(bare: Bare, folder: Path) -> None:
    """A wrong secret ends the run with the promised code, and is not tried over and over."""
    code, _, log = syncd(folder, "sync", secret="guess")

    assert code == 5
    assert "refused the client_credentials login: client_id or client_secret is wrong" in log
    assert "guess" not in log
    assert bare.logins == 2
