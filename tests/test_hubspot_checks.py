"""`syncd check` and `syncd provision` before a HubSpot portal, as an admin meets them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.hubspot.sandbox import HubSpotSandbox
from connectors.sandbox.server import SandboxServer
from syncd.cli import exit_code
from syncd.rehearsal import write_config

QUICK = {"requests_per_10_seconds": 100_000, "searches_per_second": 1_000}


class Office:
    """An empty portal with the shipped mapping before it."""

    def __init__(self, sandbox: HubSpotSandbox, url: str, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder
        self.settings = dict(sandbox.connection_settings(url, folder / "ca.pem"))
        self.configure()

    def configure(self, **settings: Any) -> None:
        """Write the config with these keys of the connection."""
        keys = {**self.settings, "limits": QUICK, **settings}
        self.file = write_config(self.folder, {"hubspot": keys})

    def call(self, capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, Any]:
        """A command; its exit code and its answer."""
        capsys.readouterr()
        code = exit_code([args[0], "-c", str(self.file), "--json", *args[1:]])
        return code, json.loads(capsys.readouterr().out)

    def notes(self, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[dict[str, str]]]:
        """What check says of the connection."""
        code, answer = self.call(capsys, "check")
        return code, answer["connections"]["hubspot"]


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr("connectors.hubspot.provision.SETTLE_SECONDS", 0.0)
    sandbox = HubSpotSandbox()
    with SandboxServer(sandbox.app, tmp_path / "ca.pem") as server:
        yield Office(sandbox, server.url, tmp_path)


def wrong(notes: list[dict[str, str]]) -> list[dict[str, str]]:
    """Those that are errors."""
    return [note for note in notes if note["severity"] == "error"]


def test_a_new_portal_is_provisioned_and_then_fit(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """Check names what is missing, provision makes exactly that, once; then check is content."""
    before, missed = office.notes(capsys)
    logins = [note["text"] for note in missed if note["text"].startswith("logged in")]
    made, steps = office.call(capsys, "provision", "--apply")
    after, notes = office.notes(capsys)
    again, none = office.call(capsys, "provision", "--apply")
    group = {s["name"] for s in steps["steps"] if s["kind"] == "group"}

    assert (before, made, after, again) == (2, 0, 0, 0)
    assert len(logins) == 1
    assert all("syncd provision" in note["remedy"] for note in wrong(missed))
    assert "companies.syncd" in group
    assert wrong(notes) == []
    assert none["steps"] == []


def test_missing_scopes_are_named_exactly(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """By check before anything fails, and by provision for each field that it could not make."""
    office.sandbox.scopes = office.sandbox.scopes - {
        "crm.objects.companies.write",
        "crm.schemas.companies.write",
        "tickets",
    }

    code, notes = office.notes(capsys)
    refused, steps = office.call(capsys, "provision", "--apply")
    texts = {note["text"] for note in notes}
    errors = [s["error"] for s in steps["steps"] if s["name"].startswith("companies.")]
    tickets = [note for note in wrong(notes) if note["object"] == "tickets"]

    assert (code, refused) == (2, 3)
    assert "scopes missing to write fields and tasks: crm.objects.companies.write" in texts
    assert any(t.startswith("scopes missing for `syncd provision`") for t in texts)
    assert "tickets" in tickets[0]["text"]
    assert tickets[0]["text"].endswith("off without it: health")
    assert "Private Apps" in tickets[0]["remedy"]
    assert errors
    assert all("crm.schemas.companies.write" in error for error in errors)


def test_options_are_held_against_what_will_be_written(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """A state that a picklist does not offer is an error of check, which provision mends."""
    office.call(capsys, "provision", "--apply")
    catalogue = office.sandbox.portal.catalogue
    company = office.sandbox.portal.kinds.find("companies").id
    status = catalogue.get(company, "syncd_renewal_status")
    status.options = [one for one in status.options if one.value != "secured"]

    code, notes = office.notes(capsys)
    plan, shown = office.call(capsys, "provision")
    made, _ = office.call(capsys, "provision", "--apply")
    after, _ = office.notes(capsys)

    assert (code, plan, made, after) == (2, 0, 0, 0)
    (note,) = wrong(notes)
    assert note["text"].startswith("companies.syncd_renewal_status does not offer secured: ")
    assert "Settings > Properties" in note["remedy"]
    assert [(s["kind"], s["done"]) for s in shown["steps"]] == [("option", False)]
    assert "secured" in [one.value for one in catalogue.get(company, status.name).options]


def test_a_property_of_the_wrong_kind_is_left_and_named(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the portal has is never changed into something else."""
    code, _ = office.call(capsys, "provision", "--apply")
    kind = office.sandbox.portal.kinds.find("companies").id
    held = office.sandbox.portal.catalogue.get(kind, "syncd_renewal_date")
    held.type, held.field_type = "string", "text"

    refused, steps = office.call(capsys, "provision", "--apply")

    assert (code, refused) == (0, 3)
    assert "it exists as text, but date is needed" in steps["steps"][0]["error"]


def test_a_mapped_property_that_vanishes_costs_itself(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """HubSpot would leave it out without a word; the catalogue, read each run, shows it."""
    office.call(capsys, "provision", "--apply")
    office.sandbox.insert("companies", name="Acme", lifecyclestage="customer", domain="a.example")
    office.call(capsys, "sync")
    office.sandbox.remove_property("companies", "syncd_tier")
    office.sandbox.remove_property("deals", "amount")

    code, answer = office.call(capsys, "sync")
    checked, notes = office.notes(capsys)

    assert (code, checked) == (3, 2)
    assert {(r["object"], r["field"]) for r in answer["rejects"]} == {
        ("companies", "syncd_tier"),
        ("deals", "amount"),
    }
    amount = next(note for note in wrong(notes) if note["field"] == "amount")
    assert amount["text"].startswith("deals.amount does not exist")
    assert amount["text"].endswith("off without it: renewal, renewal_risk, tier")
    assert "Settings > Properties > (select deals) > amount" in amount["remedy"]


def test_the_end_of_the_api_in_use_is_told(
    office: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A warning when it draws near, with the one setting that mends it."""
    monkeypatch.setattr("connectors.hubspot.checking._SOON_DAYS", 100_000)
    _, near = office.notes(capsys)
    monkeypatch.setattr("connectors.hubspot.checking._SOON_DAYS", -100_000)
    _, far = office.notes(capsys)
    office.configure(api_version="2026-09")
    _, dated = office.notes(capsys)

    def about_api(notes: list[dict[str, str]]) -> dict[str, str]:
        (found,) = [note for note in notes if "API" in note["text"] and "speaks" in note["text"]]
        return found

    assert about_api(near)["severity"] == "warning"
    assert "api_version" in about_api(near)["remedy"]
    assert about_api(far)["severity"] == "ok"
    assert about_api(dated)["text"] == "speaks HubSpot's API of 2026-09"


def test_a_portal_of_another_number_stops_everything(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """portal_id guards the first write as well as the first read."""
    office.configure(portal_id="1")

    codes = [office.call(capsys, *command)[0] for command in (["check"], ["plan"], ["sync"])]

    assert codes == [5, 5, 5]
    assert {call.path for call in office.sandbox.calls} == {"/account-info/v3/details"}
