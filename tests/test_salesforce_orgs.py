"""Kinds of orgs: with customers who are people, and with record types."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import salesforce_org

from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.sandbox.server import SandboxServer
from syncd.rehearsal import write_config

sandbox, server = salesforce_org.sandbox, salesforce_org.server

MAPPING = """\
version = 1
[account]
object = "Account"
where = "RecordType.DeveloperName = 'Customer'"
[account.fields]
name = "Name"
owner = "OwnerId"
segment = "RecordType.Name"
domain = { field = "PersonEmail", as = "domain" }
arr = { field = "AnnualRevenue", as = "money" }
created_on = "CreatedDate"
[writes.account]
tier = "Syncd_Tier__c"
arr = "Syncd_ARR__c"
"""


def _sync(config: Path) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "syncd", "sync", "-c", str(config)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_people_and_record_types(
    sandbox: SalesforceSandbox, server: SandboxServer, tmp_path: Path
) -> None:
    """A customer who is a person is one like any other; a record type tells who is read."""
    sandbox.set_person_accounts()
    sandbox.add_field("Account", "Syncd_Tier__c", label="Tier", type="Text", length=40)
    sandbox.add_field(
        "Account", "Syncd_ARR__c", label="ARR", type="Currency", precision=18, scale=2
    )
    kinds = {
        name: sandbox.insert("RecordType", Name=name, DeveloperName=name, SobjectType="Account")
        for name in ("Customer", "Partner")
    }
    person = sandbox.insert_person(
        "Ada", "Byron", PersonEmail="ada@byron.example", AnnualRevenue=900.0
    )
    company = sandbox.insert("Account", Name="Acme", AnnualRevenue=1200)
    partner = sandbox.insert("Account", Name="Reseller", AnnualRevenue=5000)
    for id, kind in ((person, "Customer"), (company, "Customer"), (partner, "Partner")):
        sandbox.edit("Account", id, RecordTypeId=kinds[kind])
    (tmp_path / "mine.toml").write_text(MAPPING)
    settings = sandbox.connection_settings(server.url, server.ca_file)
    config = write_config(tmp_path, {"salesforce": {**settings, "mapping": "mine.toml"}})

    assert "wrote 4 fields" in _sync(config)
    assert "nothing to do" in _sync(config)
    rows = {row["Id"]: row for row in sandbox.rows("Account")}
    assert rows[person]["Name"] == "Ada Byron"
    assert rows[person]["Syncd_ARR__c"] == 900
    assert rows[company]["Syncd_Tier__c"] == rows[person]["Syncd_Tier__c"] == "strategic"
    assert "Syncd_Tier__c" not in rows[partner]
