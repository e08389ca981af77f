"""One book across CRMs, end to end: both sandboxes, the config's [link], and the commands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.hubspot.sandbox import HubSpotSandbox
from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.sandbox.make_book import make_book
from connectors.sandbox.server import SandboxServer
from syncd.cli import exit_code
from syncd.rehearsal import write_config

LINK = (
    '[link]\nconnections = ["salesforce", "hubspot"]\nprecedence = { default = ["salesforce"] }\n'
)
RESULTS = {
    "Syncd_ARR__c": "syncd_arr",
    "Syncd_Renewal_Date__c": "syncd_renewal_date",
    "Syncd_Renewal_Status__c": "syncd_renewal_status",
    "Syncd_Tier__c": "syncd_tier",
    "Syncd_Health_Band__c": "syncd_health_band",
    "Syncd_Last_Touch_On__c": "syncd_last_touch_on",
}


class Site:
    """Both CRMs, served, with a config that links them."""

    def __init__(self, folder: Path, stack: ExitStack, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        book = make_book(customers=14, seed=3, today=datetime.now(UTC).date())  # noqa: TID251
        known = [c for c in book.customers if c.domain and c.status == "customer" and c.contracts]
        self.shared, lone, twice = known[:3], known[3], known[4]
        renamed = [replace(c, name=f"{c.name} Global", contracts=(), deals=()) for c in self.shared]
        self.names = {"lone": lone.name, "twice": twice.name}
        others = (
            replace(lone, domain=None),
            replace(twice, name="First Twin"),
            replace(twice, key="twin", name="Second Twin", deals=(), contracts=(), contacts=()),
        )
        self.salesforce = SalesforceSandbox.from_book(book)
        self.hubspot = HubSpotSandbox.from_book(
            replace(book, customers=tuple(_without_parent(c) for c in (*renamed, *others)))
        )
        connections: dict[str, Any] = {}
        for name, sandbox in (("salesforce", self.salesforce), ("hubspot", self.hubspot)):
            ca_file = folder / f"{name}.pem"
            server = stack.enter_context(SandboxServer(sandbox.app, ca_file))
            connections[name] = {
                **sandbox.connection_settings(server.url, ca_file),
                "mapping": f"{name}-sandbox",
            }
        self.config = write_config(folder, connections)
        self.text = self.config.read_text(encoding="utf-8")
        self.link(LINK)

    def link(self, table: str) -> None:
        """Write this [link] into the config."""
        self.config.write_text(f"{self.text}\n{table}", encoding="utf-8")

    def run(self, *args: str) -> Any:
        """A command's JSON answer; it must end well."""
        self._capture.readouterr()
        code = exit_code([*args, "--json", "-c", str(self.config)])
        told = self._capture.readouterr()

        assert code in {0, 3}, told.err
        return json.loads(told.out)

    def account(self, name: str) -> dict[str, Any]:
        """Salesforce's account of that name."""
        return next(dict(r) for r in self.salesforce.rows("Account") if r["Name"] == name)

    def company(self, name: str) -> dict[str, Any]:
        """HubSpot's company of that name: its properties, and its id."""
        rows = self.hubspot.rows("companies")
        return next(
            {"id": r["id"], **r["properties"]} for r in rows if r["properties"]["name"] == name
        )


def _without_parent(customer: Any) -> Any:
    return replace(customer, parent=None)


@pytest.fixture
def site(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    monkeypatch.setattr("connectors.hubspot.provision.SETTLE_SECONDS", 0.0)
    with ExitStack() as stack:
        made = Site(tmp_path, stack, capsys)
        made.run("provision", "--apply")
        yield made


def shown(site: Site, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What each CRM shows of the customer, in Salesforce's names."""
    account, company = site.account(name), site.company(f"{name} Global")
    ours = {field: _word(account[field]) for field in RESULTS}
    return ours, {field: _word(company.get(theirs)) for field, theirs in RESULTS.items()}


def _word(value: Any) -> str | None:
    if value in {None, ""}:
        return None
    text = str(value)
    return f"{float(text):.2f}" if text.replace(".", "").isdigit() else text


def test_one_sync_makes_one_book_of_both_crms(site: Site) -> None:
    """Different names and the same domain: the same values in both CRMs, and one task each."""
    first = site.run("sync")
    second = site.run("sync")
    links = site.run("links")
    linked = {row["name"]: [r["id"] for r in row["records"]] for row in links["linked"]}
    names = [customer.name for customer in site.shared]

    assert first["failed"] == 0
    assert second["nothing_to_do"]
    assert sorted(linked) == sorted(names)
    for name in names:
        one, other = shown(site, name)
        assert one == other, name
        assert one["Syncd_Renewal_Date__c"] is not None
        assert linked[name] == [
            site.account(name)["Id"],
            site.company(f"{name} Global")["id"],
        ]
    ids = {id for places in linked.values() for id in places}
    tasks = [task for task in first["tasks"] if task["account"] in ids]
    assert {task["connection"] for task in tasks} <= {"salesforce"}
    assert len({(task["account"], task["playbook"], task["key"]) for task in tasks}) == len(tasks)
    lone = [r["why"] for r in links["unlinked"] if r["name"] == site.names["lone"]]
    assert any(why.startswith("it has no domain of its own") for why in lone)
    (ambiguous,) = links["ambiguous"]
    assert ambiguous["kind"] == "ambiguous_domain"
    assert sorted(record["name"] for record in ambiguous["records"]) == sorted(
        ["First Twin", "Second Twin", site.names["twice"]]
    )
    assert ("name", "salesforce") in {(d["field"], d["used"]) for d in links["disagreeing"]}


def test_explain_and_a_broken_link(site: Site) -> None:
    """The customer is explained by either id; `never` takes the link apart and puts it right."""
    site.run("sync")
    name = site.shared[0].name
    account, company = site.account(name)["Id"], site.company(f"{name} Global")["id"]
    document = site.run("explain", company)

    assert {(ref["connection"], ref["id"]) for ref in document["refs"]} == {
        ("salesforce", account),
        ("hubspot", company),
    }
    site.link(f'{LINK}never = [{{ salesforce = "{account}", hubspot = "{company}" }}]\n')
    site.run("sync", "--approve")

    assert site.run("sync")["nothing_to_do"]
    assert site.company(f"{name} Global").get("syncd_renewal_date") in {None, ""}
    assert site.account(name)["Syncd_Renewal_Date__c"] is not None
