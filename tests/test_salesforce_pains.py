"""Pains that users of comparable tools had with Salesforce, each shown not to be syncd's.

The names S… and W… are those of the project's list of pains.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import responses
import salesforce_answers
import salesforce_org
from salesforce_org import AUTH, BASE, Connect, connection

from connectors.salesforce import soql
from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.sandbox.faults import Fault, Rows
from connectors.sandbox.server import SandboxServer
from syncd.connector import FieldUpdate, Outcome, Record, Source
from syncd.rehearsal import make_book, write_config

connect, sandbox, server = salesforce_org.connect, salesforce_org.sandbox, salesforce_org.server
org, waits = salesforce_org.org, salesforce_org.waits

TODAY = date(2026, 11, 26)
ACCOUNTS = Source("accounts", "Account", ("Name",))


class Lines:
    """A log that keeps its lines."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, level: str) -> Any:
        return lambda event, **more: self.kept.append((event, more))


class Company:
    """A sandbox with a book that is provisioned and synced once, and the command line."""

    def __init__(self, sandbox: SalesforceSandbox, server: SandboxServer, folder: Path) -> None:
        self.sandbox = sandbox
        settings = sandbox.connection_settings(server.url, server.ca_file)
        settings["mapping"] = "salesforce-sandbox"
        users = sandbox.rows("User")
        fallback = next(user["Email"] for user in users if user.get("IsActive"))
        self.config = write_config(folder, {"salesforce": settings}, fallback_assignee=fallback)
        self.syncd("provision", "--apply")

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
        assert run.stdout, run.stderr
        return run.returncode, json.loads(run.stdout)

    def customers(self) -> list[dict[str, Any]]:
        """The accounts that syncd has given a tier."""
        rows = self.sandbox.rows("Account")
        return [row for row in rows if row.get("Syncd_Tier__c") and not row["IsDeleted"]]

    def tasks(self) -> list[dict[str, Any]]:
        """The tasks that are syncd's own."""
        rows = self.sandbox.rows("Task")
        return [row for row in rows if row.get("Syncd_Key__c") and not row["IsDeleted"]]


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    """Fifteen customers before their first sync."""
    made = SalesforceSandbox.from_book(make_book(accounts=15, seed=5, today=TODAY))
    with SandboxServer(made.app, tmp_path / "ca.pem") as server:
        yield Company(made, server, tmp_path)


def all_of(pages: Any) -> dict[str, Record]:
    """The records of a pull by id."""
    return {record.id: record for page in pages for record in page.records}


def test_s1_password_login_is_warned_about(org: responses.RequestsMock) -> None:
    """Each login by password leaves a warning in the log that names when it ends."""
    secret = {"username": "u", "password": "p"}
    made = connection(auth=AUTH | {"flow": "password"} | secret)
    made._log = Lines()

    made.open()
    made.close()

    events = dict(made._log.kept)
    assert "Winter '27" in events["login_flow_ends"]["text"]


def test_s2_used_up_allowance_defers(company: Company) -> None:
    """At its share of the day syncd stops with 5 and says what waits; later it finishes."""
    company.sandbox.strike(Fault("daily_limit", method="PATCH", path="*/composite/sobjects*"))
    code, first = company.syncd("sync")
    written = len(company.customers())
    later, second = company.syncd("sync")
    last, third = company.syncd("sync")

    assert code == 5
    assert first["deferred"] > 0
    assert written == 0
    assert (later, last) in {(0, 0), (3, 0)}
    assert second["written"] >= first["deferred"]
    assert third["nothing_to_do"] is True


def test_s5_formulas_are_found_and_swept(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """A formula's change leaves no stamp: it is known as calculated, and a full pull has it."""
    id = sandbox.insert("Account", Name="Acme")
    sandbox.add_formula("Account", "Keeper__c", "string", "Owner.Name")
    connector = connect(lag_seconds=0)
    source = Source("accounts", "Account", ("Keeper__c",))
    pages = list(connector.pull(source, None))
    cursor = pages[-1].cursor
    assert cursor is not None
    before = all_of(pages)[id].fields["Keeper__c"]
    sandbox.edit("User", sandbox.org.ids["admin"], LastName="Renamed")

    missed = all_of(connector.pull(source, {"modstamp": "2999-01-01T00:00:00Z"}))
    swept = all_of(connector.pull(source, None))[id].fields["Keeper__c"]

    field = connector.schema("Account").find("Keeper__c")
    assert field is not None
    assert (field.calculated, field.writable) == (True, False)
    assert missed == {}
    assert before != swept
    assert "Renamed" in swept


def test_s6_equal_stamps_are_not_lost(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """Of records with one stamp, those after the page's end come with the next increment."""
    ids = [sandbox.insert("Account", Name=f"a{n}") for n in range(5)]
    connector = connect()
    last = list(connector.pull(ACCOUNTS, None))[-1].cursor

    stamps = {row["Id"]: row["SystemModstamp"] for row in sandbox.rows("Account")}
    exactly = {"modstamp": soql.moment(soql.stamp(stamps[ids[0]])), "marks": ["SystemModstamp"]}

    assert set(all_of(connector.pull(ACCOUNTS, last))) == set(ids)
    assert ids[0] in all_of(connector.pull(ACCOUNTS, exactly))


def test_s7_every_way_to_go_is_seen(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """A binned record comes as gone; one removed for good is missing among the ids.

    Once an hour an increment asks for Salesforce's own list of deletions, which names that too.
    """
    binned, purged, stays = (sandbox.insert("Account", Name=name) for name in ("a", "b", "c"))
    connector = connect()
    cursor = list(connector.pull(ACCOUNTS, None))[-1].cursor
    assert cursor is not None
    now = datetime.now(UTC)  # noqa: TID251 - the server's answers bear the time of day
    with pytest.MonkeyPatch.context() as earlier:
        # The list goes by whole minutes, and not up to the one that has begun.
        earlier.setattr(sandbox.org, "clock", lambda: now - timedelta(minutes=3))
        sandbox.delete("Account", binned)
        sandbox.delete("Account", purged)
        sandbox.purge("Account", purged)

    sandbox.calls.clear()
    seen = all_of(connector.pull(ACCOUNTS, cursor))
    asked = [call.path for call in sandbox.calls]
    aged = {**cursor, "deletions": soql.moment(now - timedelta(hours=2))}
    pages = list(connector.pull(ACCOUNTS, aged))
    told = all_of(pages)

    assert seen[binned].gone
    assert purged not in seen
    assert "sobjects/{}/deleted" not in asked
    assert (told[binned].gone, told[purged].gone) == (True, True)
    assert stays not in told or not told[stays].gone
    assert pages[-1].cursor is not None
    assert pages[-1].cursor["deletions"] > aged["deletions"]
    assert list(connector.ids(ACCOUNTS)) == [stays]
    assert set(connector.read(ACCOUNTS, [binned, purged, stays])) == {binned, stays}


def test_s7_a_list_of_deletions_that_lies_is_not_believed(
    org: responses.RequestsMock, waits: list[Any]
) -> None:
    """What it names is looked at by its id; a list that is not to be had costs nothing else."""
    salesforce = salesforce_answers.opened(org)
    found = [row for id in ("001A", "001B") for row in salesforce_answers.rows(id)["records"]]
    org.get(f"{BASE}/queryAll/", json=salesforce_answers.rows())
    org.get(f"{BASE}/queryAll/", json={"totalSize": 2, "done": True, "records": found})
    listed = f"{BASE}/sobjects/Account/deleted/"
    org.get(listed, json={"deletedRecords": [{"id": "001A"}, {"id": "001C"}]})
    org.get(listed, **salesforce_answers.refused("INVALID_REPLICATION_DATE", "too far back"))
    cursor = {"modstamp": "2026-01-01T00:00:00Z", "marks": ["SystemModstamp", "IsDeleted"]}

    first = list(salesforce.pull(ACCOUNTS, cursor))
    second = list(salesforce.pull(ACCOUNTS, cursor))

    assert [(r.id, r.gone) for page in first for r in page.records] == [("001C", True)]
    assert all(not page.records or not page.records[0].gone for page in second)
    assert second[-1].cursor is not None
    assert second[-1].cursor["deletions"] > cursor["modstamp"]


@pytest.mark.parametrize(("status", "asked"), [(404, 1), (500, 2), (400, 2)])
def test_s7_an_org_without_that_list_is_asked_once(
    org: responses.RequestsMock, waits: list[Any], status: int, asked: int
) -> None:
    """What is not there is not asked for again by the next source; a refusal is one object's."""
    salesforce = salesforce_answers.opened(org)
    org.get(f"{BASE}/queryAll/", json=salesforce_answers.rows())
    listed = f"{BASE}/sobjects/Account/deleted/"
    org.get(listed, **salesforce_answers.refused("UNKNOWN", "no such thing", status))
    cursor = {"modstamp": "2026-01-01T00:00:00Z", "marks": ["SystemModstamp", "IsDeleted"]}

    for _ in range(2):
        assert not [r for page in salesforce.pull(ACCOUNTS, cursor) for r in page.records]

    assert sum((call.request.url or "").startswith(listed) for call in org.calls) == asked


def test_s9_merged_accounts_take_their_tasks_along(company: Company) -> None:
    """After a merge the survivor has the loser's tasks, and nothing is opened twice."""
    company.syncd("sync")
    by_account = {task["WhatId"] for task in company.tasks()}
    loser, winner = sorted(by_account)[:2]
    before = {task["Id"] for task in company.tasks()}
    company.sandbox.merge("Account", winner, [loser])
    code, _ = company.syncd("sync")
    _, again = company.syncd("sync", "--full")
    keys = [task["Syncd_Key__c"] for task in company.tasks()]

    assert code in {0, 3}
    assert again["nothing_to_do"] is True
    assert before <= {task["Id"] for task in company.tasks()}
    assert len(keys) == len(set(keys))
    assert all(task["WhatId"] != loser for task in company.tasks())


def test_w1_locked_rows_go_through(company: Company) -> None:
    """Rows that others hold are sent again, and in the end none is missing or refused."""
    locked = Rows("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", share=0.4)
    company.sandbox.strike(Fault(path="*/composite/sobjects*", rows=locked, times=2))
    code, answer = company.syncd("sync")
    _, again = company.syncd("sync")

    assert code in {0, 3}
    assert answer["failed"] == 0
    assert again["nothing_to_do"] is True


def test_w3_a_vanished_field_costs_itself(company: Company) -> None:
    """A written field that is gone, and an input that is hidden, cost no other field."""
    company.syncd("sync")
    org = company.sandbox
    org.remove_field("Account", "Syncd_Tier_Reason__c")
    org.set_field_access("Opportunity", "Pain_Points__c", read=False, edit=False)
    id = company.customers()[0]["Id"]
    org.edit("Account", id, Syncd_Tier__c=None)
    code, answer = company.syncd("sync", "--full")
    _, rejects = company.syncd("rejects")
    named = {(one["object"], one["field"]) for one in rejects["rejects"]}
    again, second = company.syncd("sync")

    assert code == 3
    assert ("Account", "Syncd_Tier_Reason__c") in named
    assert ("Opportunity", "Pain_Points__c") in named
    assert answer["failed"] == 0
    assert again == 0
    assert second["nothing_to_do"] is True


def test_w5_duplicate_rules(org: responses.RequestsMock) -> None:
    """A duplicate rule's own text is kept; allow_duplicates sends the header that spares it."""
    org.get(f"{BASE}/sobjects/Account/describe", json={"fields": [{"name": "Id"}]})
    refused = {"statusCode": "DUPLICATES_DETECTED", "message": "Use one of these records?"}
    org.patch(f"{BASE}/composite/sobjects", json=[{"success": False, "errors": [refused]}])
    update = FieldUpdate("001000000000001AAA", {"Name": "x"})
    found = []
    for allowed in (False, True):
        made = connection(allow_duplicates=allowed)
        made.open()
        found += [result for _, result in made.update("Account", [update])]
        made.close()
    sent = [
        call.request.headers.get("Sforce-Duplicate-Rule-Header")
        for call in org.calls
        if call.request.method == "PATCH"
    ]

    assert sent == [None, "allowSave=true"]
    assert [one.outcome for one in found] == [Outcome.REJECTED] * 2
    assert found[0].message == "Use one of these records?"


def test_w7_tasks_of_leavers_go_to_others(company: Company) -> None:
    """No task is given to an inactive user or a queue, however the account is owned."""
    org = company.sandbox
    queue = org.insert("Group", Name="Renewals", DeveloperName="Renewals", Type="Queue")
    owners = {row["OwnerId"] for row in org.rows("Account")}
    for owner in sorted(owners)[:2]:
        org.edit("User", owner, IsActive=False)
    code, _ = company.syncd("sync")
    active = {row["Id"] for row in org.rows("User") if row.get("IsActive")}

    assert code in {0, 3}
    assert len(company.tasks()) > 3
    assert {task["OwnerId"] for task in company.tasks()} <= active
    assert queue not in active


def test_short_ids_name_the_same_records(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """An id of 15 characters names the record that an answer calls by its 18."""
    id = sandbox.insert("Account", Name="Acme")
    connector = connect()

    found = connector.read(ACCOUNTS, [id[:15]])
    told = dict(connector.update("Account", [FieldUpdate(id[:15], {"Name": "New"})]))

    assert list(found) == [id]
    assert told[0].outcome is Outcome.DONE
    assert sandbox.rows("Account")[0]["Name"] == "New"
