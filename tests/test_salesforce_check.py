"""`syncd check` and `syncd provision` against the Salesforce sandbox, as an admin meets them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.sandbox.faults import Fault
from connectors.sandbox.server import SandboxServer
from syncd.rehearsal import make_book, write_config

TODAY = date(2026, 11, 26)
SPACE = "{http://soap.sforce.com/2006/04/metadata}"


class Admin:
    """A sandbox with a book, its config, and the command line."""

    def __init__(self, sandbox: SalesforceSandbox, server: SandboxServer, folder: Path) -> None:
        self.sandbox = sandbox
        settings = sandbox.connection_settings(server.url, server.ca_file)
        settings["mapping"] = "salesforce-sandbox"
        self.config = write_config(folder, {"salesforce": settings})
        self.folder = folder

    def fallback(self, address: str) -> None:
        """Name the one who gets tasks of people who have left."""
        text = self.config.read_text()
        self.config.write_text(f'{text}\n[policy.tasks]\nfallback_assignee = "{address}"\n')

    def syncd(self, *words: str) -> tuple[int, Any]:
        """A command's exit code and JSON answer."""
        run = subprocess.run(
            [sys.executable, "-m", "syncd", *words, "--json", "-c", str(self.config)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=os.environ,
        )
        return run.returncode, json.loads(run.stdout)

    def notes(self, severity: str) -> list[str]:
        """The texts of check's notes of that severity."""
        _, answer = self.syncd("check")
        notes = answer["connections"]["salesforce"]
        return [note["text"] for note in notes if note["severity"] == severity]


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[Admin]:
    """An org before syncd."""
    sandbox = SalesforceSandbox.from_book(make_book(accounts=5, seed=3, today=TODAY))
    with SandboxServer(sandbox.app, tmp_path / "ca.pem") as server:
        yield Admin(sandbox, server, tmp_path)


def test_from_nothing_to_a_clean_check(admin: Admin) -> None:
    """Check names what is missing, provision shows and makes just that, and check is content."""
    users = admin.sandbox.rows("User")
    admin.fallback(next(user["Email"] for user in users if user.get("IsActive")))
    before, _ = admin.syncd("check")
    shown_code, shown = admin.syncd("provision")
    made_code, made = admin.syncd("provision", "--apply")
    again_code, again = admin.syncd("provision", "--apply")
    after, answer = admin.syncd("check")

    assert (before, shown_code, made_code, again_code, after) == (2, 0, 0, 0, 0), answer
    assert [s["name"] for s in shown["steps"]] == [s["name"] for s in made["steps"]]
    assert all(step["done"] for step in made["steps"])
    assert again["steps"] == []


def test_rights_are_as_few_as_possible(admin: Admin) -> None:
    """One permission set, with the rights to syncd's own fields, for the integration user alone."""
    admin.syncd("provision", "--apply")
    org = admin.sandbox
    made = [row for row in org.rows("PermissionSet") if row.get("Name") == "syncd"]
    held = [row for row in org.rows("FieldPermissions") if row["ParentId"] == made[0]["Id"]]
    given = [
        row
        for row in org.rows("PermissionSetAssignment")
        if row["PermissionSetId"] == made[0]["Id"]
    ]

    assert len(made) == 1
    assert {row["Field"].split(".")[1].split("_")[0] for row in held} == {"Syncd"}
    assert len({row["Field"] for row in held}) == len(held) > 30
    assert [row["AssigneeId"] for row in given] == [org.org.ids["integration"]]
    written = {row["Field"] for row in held if row.get("PermissionsEdit")}
    assert "Account.Syncd_Tier__c" in written
    assert "Task.Syncd_Key__c" in written
    assert "Opportunity.Syncd_Pain_Points__c" not in written


def test_without_a_permission_set_no_right_is_asked_for(admin: Admin) -> None:
    """An integration user that may make fields but no permission sets is told so once."""
    refusal = {"errorCode": "INSUFFICIENT_ACCESS_OR_READONLY", "message": "no rights on this"}
    admin.sandbox.faults.set(
        [
            Fault(
                method="POST",
                path="*/sobjects/PermissionSet*",
                status=403,
                body=json.dumps([refusal]),
            )
        ]
    )
    code, answer = admin.syncd("provision", "--apply")
    undone = [step for step in answer["steps"] if not step["done"]]

    assert code == 3
    assert [step["kind"] for step in undone] == ["permission_set", "field_permission"]
    assert "no rights on this" in undone[0]["error"]
    assert "there is no such permission set" in undone[1]["error"]
    assert not [row for row in admin.sandbox.rows("FieldPermissions") if row["ParentId"] == ""]


def test_what_would_refuse_tasks_and_writes(admin: Admin) -> None:
    """Required task fields, inactive assignees, wrong types and hidden fields are told."""
    admin.syncd("provision", "--apply")
    org = admin.sandbox
    leaver = next(row for row in org.rows("User") if not row.get("IsActive"))
    admin.fallback(leaver["Email"])
    cost = {"label": "Cost centre", "type": "Text", "length": 9, "required": True}
    org.add_field("Activity", "Cost_Centre__c", visible=False, **cost)
    org.set_field_access("Account", "Syncd_Tier__c", read=True, edit=False)
    org.set_field_access("Account", "Syncd_ARR__c", read=False, edit=False)
    errors = admin.notes("error")

    assert any("Task.Cost_Centre__c is required" in text for text in errors)
    assert any(f"fallback_assignee {leaver['Email']} is inactive" in text for text in errors)
    assert any("Account.Syncd_Tier__c may not be written" in text for text in errors)
    assert any("Account.Syncd_ARR__c does not exist, or this login" in text for text in errors)


def test_each_note_says_what_it_costs_and_where_to_mend_it(admin: Admin) -> None:
    """Of every kind of lack: what is off or refused, and the clicks in Setup."""
    admin.syncd("provision", "--apply")
    org = admin.sandbox
    fields = org.org.objects["Account"].fields
    held = {field.name: field for field in fields.values()}
    status = held["Syncd_Renewal_Status__c"]
    status.values = tuple(value for value in status.values if value != "secured")
    held["Syncd_Renewal_Reason__c"].length = 50
    held["Syncd_Renewal_Date__c"].type = "boolean"
    org.remove_field("Account", "Syncd_Health_Band__c")
    org.add_formula("Account", "ARR__c", "Currency", "AnnualRevenue")
    org.set_field_access("Account", "Syncd_Tier__c", read=True, edit=False)
    org.set_field_access("Opportunity", "Amount", read=False, edit=False)
    org.set_object_access("Case")
    cost = {"label": "Cost centre", "type": "Text", "length": 9, "required": True}
    org.add_field("Activity", "Cost_Centre__c", visible=False, **cost)
    _, answer = admin.syncd("check")
    notes = answer["connections"]["salesforce"]
    told = {(note["object"], note["field"]): note for note in notes if note["object"]}
    manager = "Setup > Object Manager > "

    for object, field, severity, text, remedy in (
        ("Opportunity", "Amount", "error", "off without it: renewal, renewal_risk, tier", manager),
        ("Case", "", "error", "off without it: health", "Setup > Permission Sets"),
        ("Account", "ARR__c", "warning", "the daily --full run finds them", ""),
        ("Account", "Syncd_Tier__c", "error", "nothing is written to it", "take Read-Only away"),
        ("Account", "Syncd_Health_Band__c", "error", "nothing is written", "provision --apply"),
        ("Account", "Syncd_Renewal_Status__c", "error", "does not offer secured", "Values > New"),
        ("Account", "Syncd_Renewal_Reason__c", "warning", "cut with a mark", "raise Length"),
        ("Account", "Syncd_Renewal_Date__c", "error", "cannot hold date", "Change Field Type"),
        ("Task", "Cost_Centre__c", "error", "every new task would be refused", "untick Required"),
    ):
        note = told[object, field]
        assert (note["severity"], text in note["text"]) == (severity, True), note
        assert remedy in note["remedy"], note
    org.set_object_access("Task", "Read")
    _, answer = admin.syncd("check")
    notes = answer["connections"]["salesforce"]
    (note,) = [note for note in notes if note["text"].endswith("no task is made")]
    assert note["severity"] == "error"
    assert note["remedy"].endswith("Object Settings > Task: grant Create")


def test_what_comes_to_an_end_and_what_is_used_up(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The login flow and the API version by their dates; calls of everybody against the share."""
    text = admin.config.read_text()
    legacy = text.replace(
        'flow = "client_credentials"',
        'flow = "password"\nusername = { env = "SYNCD_TEST_USER" }\n'
        'password = { env = "SYNCD_TEST_WORD" }',
    )
    user = admin.sandbox.org.ids["integration"]
    name = next(row["Username"] for row in admin.sandbox.rows("User") if row["Id"] == user)
    monkeypatch.setenv("SYNCD_TEST_USER", name)
    monkeypatch.setenv("SYNCD_TEST_WORD", admin.sandbox.logins.password)
    admin.sandbox.used_calls = 14_000
    admin.config.write_text(text.replace('api_version = "66.0"', 'api_version = "40.0"'))
    _, old = admin.syncd("check")
    admin.config.write_text(legacy)
    _, flow = admin.syncd("check")
    monkeypatch.setenv("SYNCD_TEST_WORD", "wrong")
    _, refused = admin.syncd("check")
    warned = [note["text"] for note in old["connections"]["salesforce"]]
    ends = [note for note in flow["connections"]["salesforce"] if "Winter '27" in note["text"]]

    assert any("API version 40.0 ends with Summer '28" in text for text in warned)
    assert any("of 15,000 API calls" in text and text.endswith(" 0 left") for text in warned)
    assert ends[0]["severity"] == "warning"
    assert "client_credentials" in ends[0]["remedy"]
    assert "Winter '27" in refused["connections"]["salesforce"][0]["text"]


def test_nobody_to_fall_back_on(admin: Admin) -> None:
    """Without a fallback, or with one nobody knows, check warns."""
    none = admin.notes("warning")
    admin.fallback("nobody@acme.example")
    unknown = admin.notes("warning")

    assert any("no fallback_assignee" in text for text in none)
    assert any("nobody@acme.example is no user here" in text for text in unknown)


def test_source_project(admin: Admin) -> None:
    """--sfdx writes what --apply would make: fields, rights, a view, a report type, a section."""
    folder = admin.folder / "project"
    code, answer = admin.syncd("provision", "--sfdx", str(folder))
    root = folder / "force-app" / "main" / "default"
    fields = {
        f"{path.parent.parent.name}.{path.name.partition('.')[0]}"
        for path in root.glob("objects/*/fields/*.field-meta.xml")
    }
    rights = ET.parse(root / "permissionsets" / "syncd.permissionset-meta.xml").getroot()
    granted = [node.text or "" for node in rights.iter(f"{SPACE}field")]
    view = root / "objects/Account/listViews/Renewals_in_the_window.listView-meta.xml"
    label = ET.parse(view).getroot().find(f"{SPACE}label")
    admin.syncd("provision", "--apply")
    made = {
        f"{'Activity' if name == 'Task' else name}.{field.name}"
        for name in ("Account", "Task", "Opportunity", "Contract")
        for field in admin.sandbox.org.objects[name].fields.values()
        if field.name.startswith("Syncd_")
    }

    assert code == 0
    assert len(answer["steps"]) > 30
    assert {name for name in fields if ".Syncd_" in name} == made
    assert {name.replace("Task.", "Activity.") for name in granted if "Syncd_" in name} == made
    assert label is not None
    assert label.text == "Renewals in the window"
    assert (root / "reportTypes/Accounts_with_syncd.reportType-meta.xml").exists()
    assert (folder / "merge-by-hand/Account_Record_Page.section.xml").exists()
