"""The Salesforce connector against the emulated org: reads, writes, bulk, provisioning."""

from __future__ import annotations

import itertools
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import salesforce_org
from msgspec.structs import replace
from salesforce_org import Connect

from connectors.salesforce import SalesforceConnector
from connectors.salesforce.describe import described
from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.sandbox.server import SandboxServer
from syncd.connector import (
    Connector,
    FieldSpec,
    FieldType,
    FieldUpdate,
    Outcome,
    Record,
    Source,
    SourceFiles,
    TaskShape,
    TaskUpsert,
    WriteResult,
)
from syncd.errors import AccessError

sandbox, server, connect = (
    salesforce_org.sandbox,
    salesforce_org.server,
    salesforce_org.connect,
)
waits = salesforce_org.waits

FIELDS = ("Name", "ownerid", "Owner.Name", "Owner.UserRole.Name", "AnnualRevenue", "Type")
ACCOUNTS = Source("accounts", "Account", FIELDS)
CUSTOMERS = Source("customers", "Account", FIELDS, where="Type LIKE 'Customer%'")
SHAPE = TaskShape("Task", "Syncd_Key__c", "WhatId")
TASKS = Source("tasks", "Task", ("Subject", "WhatId", "Status"), keep_deleted=True)
RECORDINGS = Path(__file__).parents[2] / "shared" / "recordings" / "salesforce"
SPECS = (
    FieldSpec(
        "Account",
        "Syncd_Renewal_Status__c",
        "Renewal status",
        FieldType.PICKLIST,
        options=("not_due", "window_open", "overdue"),
        description="Where the renewal stands & why",
    ),
    FieldSpec("Account", "Syncd_Renewal_Date__c", "Renewal date", FieldType.DATE),
    FieldSpec("Account", "Syncd_Renewal_ARR__c", "Renewal ARR", FieldType.MONEY),
    FieldSpec("Account", "Syncd_Renewal_Reason__c", "Reason", FieldType.LONG_TEXT, length=2000),
    FieldSpec("Account", "Syncd_Key_Account__c", "Key account", FieldType.BOOL),
    FieldSpec("Account", "Syncd_Score__c", "Score", FieldType.NUMBER),
    FieldSpec("Account", "Syncd_Synced_At__c", "Synced at", FieldType.DATETIME, writable=False),
    FieldSpec("Task", "Syncd_Key__c", "Key", FieldType.TEXT, length=120, unique=True),
)


def pull(
    connector: SalesforceConnector, source: Source, cursor: dict[str, Any] | None = None
) -> tuple[dict[str, Record], dict[str, Any]]:
    """All records of a pull by id, and the cursor it ends with."""
    found: dict[str, Record] = {}
    for page in connector.pull(source, cursor):
        found |= {record.id: record for record in page.records}
        cursor = page.cursor or cursor
    assert cursor is not None
    return found, cursor


def accounts(sandbox: SalesforceSandbox, count: int, **fields: Any) -> list[str]:
    """So many accounts, customers unless said otherwise."""
    given = {"Type": "Customer - Direct"} | fields
    return [sandbox.insert("Account", Name=f"Account {n}", **given) for n in range(count)]


def with_key(sandbox: SalesforceSandbox) -> None:
    """Give tasks their key field."""
    sandbox.add_field(
        "Activity",
        "Syncd_Key__c",
        label="Key",
        type="Text",
        length=120,
        unique=True,
        externalId=True,
    )


def test_is_a_connector(connect: Connect, server: SandboxServer) -> None:
    """The class fulfils the protocols, opens twice at the price of once, and knows its org."""
    connector = connect()
    connector.open()

    assert isinstance(connector, Connector)
    assert callable(SourceFiles.source_files)
    assert connector.identity().startswith("00D")
    assert connector.calls.total == 1


def test_full_pull(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """Every record once, by the asked names and paths, in as few calls as pages."""
    ids = accounts(sandbox, 4001, AnnualRevenue=1200)
    connector = connect()

    found, cursor = pull(connector, ACCOUNTS)

    assert list(found) == ids
    first = found[ids[0]]
    assert list(first.fields) == list(FIELDS)
    assert first.fields["Owner.Name"]
    assert first.fields["Owner.UserRole.Name"] is None
    assert first.fields["AnnualRevenue"] == Decimal(1200)
    assert first.modified_at is not None
    assert first.modified_at.tzinfo is not None
    assert connector.calls.read == 3
    assert set(cursor) == {"modstamp", "marks", "deletions"}


def test_cursor_stays_behind(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """The cursor is no later than the pull's start less the lag, nor than the last stamp seen."""
    (id,) = accounts(sandbox, 1)
    found, cursor = pull(connect(), ACCOUNTS)
    stamp = found[id].modified_at
    _, exact = pull(connect(lag_seconds=0), ACCOUNTS)

    assert stamp is not None
    behind = stamp - datetime.fromisoformat(cursor["modstamp"])
    assert timedelta(seconds=270) < behind < timedelta(seconds=305)
    assert datetime.fromisoformat(exact["modstamp"]) <= stamp


def test_idle_increment_is_cheap(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """With nothing new a source costs one call, with a filter two."""
    accounts(sandbox, 3)
    connector = connect(lag_seconds=0)
    (_, plain), (_, filtered) = pull(connector, ACCOUNTS), pull(connector, CUSTOMERS)
    before = connector.calls.total

    pull(connector, ACCOUNTS, plain)
    assert connector.calls.total - before == 1
    pull(connector, CUSTOMERS, filtered)
    assert connector.calls.total - before == 3


def test_increment_sees_what_changed(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """A change right after a pull, a deletion, and records entering and leaving the filter."""
    stays, leaves, goes = accounts(sandbox, 3)
    enters = sandbox.insert("Account", Name="Prospect", Type="Prospect")
    connector = connect()
    found, cursor = pull(connector, CUSTOMERS)
    sandbox.edit("Account", stays, Name="Renamed")
    sandbox.edit("Account", leaves, Type="Prospect")
    sandbox.edit("Account", enters, Type="Customer - Channel")
    sandbox.delete("Account", goes)

    changed, _ = pull(connector, CUSTOMERS, cursor)

    assert set(found) == {stays, leaves, goes}
    assert changed[stays].fields["Name"] == "Renamed"
    assert not changed[enters].gone
    assert changed[leaves].gone
    assert changed[goes].gone


def test_merged_accounts_name_their_survivor(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """The loser of a merge is gone and points to the winner, in an increment and when read."""
    winner, loser = accounts(sandbox, 2)
    connector = connect()
    _, cursor = pull(connector, ACCOUNTS)
    sandbox.merge("Account", winner, [loser])

    changed, _ = pull(connector, ACCOUNTS, cursor)
    read = connector.read(ACCOUNTS, [winner, loser, "001000000000000AAA"])

    assert changed[loser].gone
    assert changed[loser].merged_into == winner
    assert read[loser].merged_into == winner
    assert not read[winner].gone
    assert set(read) == {winner, loser}


def test_full_pull_goes_on_where_it_was_cut_off(
    connect: Connect, sandbox: SalesforceSandbox
) -> None:
    """The cursor of a page leads to the rest, and the end is as if nothing had happened."""
    ids = accounts(sandbox, 2100)
    first = next(iter(connect().pull(ACCOUNTS, None)))

    rest, cursor = pull(connect(), ACCOUNTS, first.cursor)

    assert [*(record.id for record in first.records), *rest] == ids
    assert set(cursor) == {"modstamp", "marks", "deletions"}


def test_small_pages_are_followed(sandbox: SalesforceSandbox, connect: Connect) -> None:
    """Pages shorter than 2,000 are no sign of the end."""
    for name in ("Long_A__c", "Long_B__c"):
        sandbox.add_field(
            "Account", name, label=name, type="LongTextArea", length=1000, visibleLines=3
        )
    ids = accounts(sandbox, 450)
    source = Source("accounts", "Account", ("Name", "Long_A__c", "Long_B__c"))
    pages = [len(page.records) for page in connect().pull(source, None)]

    assert sum(pages) == len(ids)
    assert max(pages) < 450


def test_very_wide_source(sandbox: SalesforceSandbox, connect: Connect) -> None:
    """More fields than an address holds are read in parts and joined, parents too."""
    names = [f"Field_With_A_Fairly_Long_Name_{n:03}__c" for n in range(450)]
    for name in names:
        sandbox.add_field("Account", name, label=name, type="Text", length=20)
    (id,) = accounts(sandbox, 1, **{names[0]: "first", names[-1]: "last"})
    source = Source("wide", "Account", ("Owner.Name", *names, "Owner.Email"))
    connector = connect()

    found, _ = pull(connector, source)

    assert found[id].fields[names[0]] == "first"
    assert found[id].fields[names[-1]] == "last"
    assert found[id].fields["Owner.Name"]
    assert found[id].fields["Owner.Email"]


def test_users_can_be_read(connect: Connect) -> None:
    """An object without a Recycle Bin is read all the same."""
    source = Source("users", "User", ("Name", "Email", "IsActive", "ManagerId"))
    connector = connect()

    found, cursor = pull(connector, source)
    again, _ = pull(connector, source, cursor)

    assert found
    assert set(again) <= set(found)
    assert set(connector.ids(source)) == set(found)


def test_session_that_expires_midway(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """An expiry between two pages costs one login and no record."""
    ids = accounts(sandbox, 2100)
    connector = connect()
    pages = connector.pull(ACCOUNTS, None)
    first = next(pages)
    logins = connector.calls.other
    sandbox.expire_sessions()
    rest = list(pages)

    assert [record.id for page in [first, *rest] for record in page.records] == ids
    assert connector.calls.other == logins + 1


def test_schema(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """Fields come in neutral words; the describe is asked for once."""
    connector = connect()
    schema = connector.schema("Account")
    before = connector.calls.total
    kind = schema.find("type")
    description = schema.find("Description")
    owner = connector.schema("account").find("OwnerId")

    assert connector.calls.total == before
    assert kind is not None
    assert kind.type is FieldType.PICKLIST
    assert "Prospect" in kind.options
    assert description is not None
    assert description.type is FieldType.LONG_TEXT
    assert owner is not None
    assert owner.references
    assert not schema.fields["SystemModstamp"].writable
    with pytest.raises(AccessError):
        connector.schema("Nothing__c")


def test_writes(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """Fields are written, a refused row harms itself only, and every index is answered."""
    ids = accounts(sandbox, 401)
    sandbox.delete("Account", ids[7])
    connector = connect()
    updates = [FieldUpdate(id, {"AnnualRevenue": Decimal(n)}, id) for n, id in enumerate(ids)]

    results = dict(connector.update("Account", updates))

    assert sorted(results) == list(range(401))
    assert [n for n in results if results[n].outcome is not Outcome.DONE] == [7]
    assert results[7].code == "ENTITY_IS_DELETED"
    assert connector.calls.write == 3
    assert connector.read(ACCOUNTS, [ids[400]])[ids[400]].fields["AnnualRevenue"] == Decimal(400)


def test_tasks_by_key(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """A task is made once by its key, changed by key or id, and found even when deleted."""
    with_key(sandbox)
    (account,) = accounts(sandbox, 1)
    connector = connect()
    key = "it's a 'key' \\ 100%"
    task = TaskUpsert(key, {"Subject": "Call", "ActivityDate": date(2026, 3, 1)}, account)

    [(_, made)] = connector.upsert_tasks(SHAPE, [task])
    [(_, again)] = connector.upsert_tasks(SHAPE, [task])
    done = TaskUpsert(key, {"Status": "Completed"}, account, id=made.id)
    [(_, changed)] = connector.upsert_tasks(SHAPE, [done])
    found = connector.find_tasks(SHAPE, TASKS, [key, "other"])

    assert (made.created, again.created, changed.created) == (True, False, False)
    assert made.id == again.id == changed.id
    assert set(found) == {key}
    assert found[key].fields["WhatId"] == account
    assert found[key].fields["Status"] == "Completed"
    assert made.id is not None
    sandbox.delete("Task", made.id)
    assert connector.find_tasks(SHAPE, TASKS, [key])[key].gone


def test_deleted_tasks_stay_known(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """A source that keeps deleted records gives them as gone, fields and all."""
    keeps = sandbox.insert("Task", Subject="Open")
    goes = sandbox.insert("Task", Subject="Deleted")
    sandbox.delete("Task", goes)
    connector = connect()

    found, _ = pull(connector, TASKS)

    assert found[goes].gone
    assert found[goes].fields["Subject"] == "Deleted"
    assert list(connector.ids(TASKS)) == [keeps]


def test_bulk_reads_as_rest_does(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """A large pull through Bulk API gives the very same records as one through REST."""
    accounts(sandbox, 120, AnnualRevenue=1200, NumberOfEmployees=7, Description='a "b",\nc')
    fields = (*FIELDS, "NumberOfEmployees", "IsDeleted", "CreatedDate", "Description", "Phone")
    source = Source("accounts", "Account", fields, where="Type LIKE 'Customer%'")
    bulk = connect(limits={"bulk_threshold": 100})

    by_bulk, bulk_cursor = pull(bulk, source)
    by_rest, _ = pull(connect(), source)

    assert by_bulk == by_rest
    assert set(bulk_cursor) == {"modstamp", "marks", "deletions"}
    assert bulk.calls.read == 3


def test_bulk_write(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """Many updates go through one job: changed, cleared and untouched fields, and a refused row."""
    ids = accounts(sandbox, 30, Phone="1", AnnualRevenue=5)
    connector = connect(limits={"bulk_write_threshold": 10})
    updates = [
        FieldUpdate(id, {"Name": 'New, "name"'} if n % 2 else {"Phone": None})
        for n, id in enumerate(ids)
    ]
    updates[4] = FieldUpdate(ids[4], {"Name": "x" * 300})

    results = dict(connector.update("Account", updates))
    rows = {row["Id"]: row for row in sandbox.rows("Account")}

    assert [n for n in range(30) if results[n].outcome is not Outcome.DONE] == [4]
    assert results[4].code == "STRING_TOO_LONG"
    assert results[4].fields == ("Name",)
    assert rows[ids[1]]["Name"] == 'New, "name"'
    assert rows[ids[1]]["Phone"] == "1"
    assert "Phone" not in rows[ids[0]]
    assert rows[ids[0]]["AnnualRevenue"] == 5


def test_bulk_tasks(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """Many new tasks go through one job by their key: made once, then changed, one refused."""
    ids = accounts(sandbox, 30)
    connector = connect(limits={"bulk_write_threshold": 10})
    list(connector.provision(SPECS, apply=True))
    tasks = [TaskUpsert(f"Key {n}", {"Subject": f"s{n}"}, id) for n, id in enumerate(ids)]
    tasks[3] = TaskUpsert("Key 3", {"Subject": "x" * 300}, ids[3])

    first = dict(connector.upsert_tasks(SHAPE, tasks))
    again = dict(connector.upsert_tasks(SHAPE, tasks))
    made = sandbox.rows("Task")

    assert [n for n in range(30) if first[n].outcome is not Outcome.DONE] == [3]
    assert [first[0].created, again[0].created, first[0].id] == [True, False, again[0].id]
    assert len(made) == 29
    assert {row["WhatId"] for row in made} == {id for n, id in enumerate(ids) if n != 3}
    assert connector.write_calls({}, 11) == connector.write_calls({"Account": 11}, 0) == 10


def test_only_more_rows_than_the_threshold_go_by_bulk(
    connect: Connect, sandbox: SalesforceSandbox
) -> None:
    """So many exactly go by collections, one more makes a job; tasks that are known never do."""
    ids = accounts(sandbox, 11)
    connector = connect(limits={"bulk_write_threshold": 10})
    list(connector.provision(SPECS, apply=True))
    updates = [FieldUpdate(id, {"Name": f"n{id}"}) for id in ids]
    tasks = [TaskUpsert(f"Key {n}", {"Subject": "s"}, id) for n, id in enumerate(ids)]

    def jobs_made(results: Iterable[tuple[int, WriteResult]]) -> int:
        sandbox.calls.clear()
        done = {index for index, result in results if result.outcome is Outcome.DONE}
        assert done == set(range(len(done)))
        return [(c.method, c.path) for c in sandbox.calls].count(("POST", "jobs/ingest"))

    assert jobs_made(connector.update("Account", updates[:10])) == 0
    assert jobs_made(connector.update("Account", updates)) == 1
    assert jobs_made(connector.upsert_tasks(SHAPE, tasks[:10])) == 0
    assert jobs_made(connector.upsert_tasks(SHAPE, tasks)) == 1
    known = [replace(task, id=row["Id"]) for task, row in zip(tasks, by_key(sandbox), strict=True)]
    assert jobs_made(connector.upsert_tasks(SHAPE, known)) == 0


def by_key(sandbox: SalesforceSandbox) -> list[dict[str, Any]]:
    """The tasks of syncd in the order in which they were made."""
    found = [row for row in sandbox.rows("Task") if row.get("Syncd_Key__c")]
    return sorted(found, key=lambda row: int(row["Syncd_Key__c"].removeprefix("Key ")))


def test_provision_twice_is_once(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """A dry run lists, applying makes just that, a second time finds nothing to do."""
    connector = connect()
    listed = [(step.kind, step.name) for step in connector.provision(SPECS, apply=False)]
    hidden = connector.schema("Account").find("Syncd_Renewal_Date__c")
    made = list(connector.provision(SPECS, apply=True))

    assert hidden is None
    assert [(step.kind, step.name) for step in made] == listed
    assert all(step.done and not step.error for step in made)
    assert list(connector.provision(SPECS, apply=True)) == []
    assert list(connect().provision(SPECS, apply=False)) == []
    key = connector.schema("Task").find("Syncd_Key__c")
    assert key is not None
    assert key.unique
    rights = {row["Field"]: row for row in sandbox.rows("FieldPermissions")}
    assert not rights["Account.Syncd_Synced_At__c"].get("PermissionsEdit")
    assert rights["Account.Syncd_Score__c"]["PermissionsEdit"]


def test_provision_assigns_to_its_own_user_whoever_else_has_the_set(
    connect: Connect, sandbox: SalesforceSandbox
) -> None:
    """That an admin gave the permission set to somebody is no right of the integration user."""
    connector = connect()
    list(connector.provision(SPECS, apply=True))
    (held,) = [r for r in sandbox.rows("PermissionSet") if r.get("Name") == "syncd"]
    given = [
        r for r in sandbox.rows("PermissionSetAssignment") if r["PermissionSetId"] == held["Id"]
    ]
    sandbox.delete("PermissionSetAssignment", given[0]["Id"])
    admin = sandbox.org.ids["admin"]
    sandbox.insert("PermissionSetAssignment", AssigneeId=admin, PermissionSetId=held["Id"])

    steps = list(connector.provision(SPECS, apply=True))

    assert len(given) == 1
    assert [(step.kind, step.done) for step in steps] == [("assignment", True)]
    assert list(connector.provision(SPECS, apply=True)) == []


def test_provision_goes_on_behind_a_refusal(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """A field that cannot be made is told with its reason; the others are made."""
    specs = [
        FieldSpec("Account", "Renewal", "No custom name", FieldType.TEXT),
        FieldSpec("Account", "Bad__Name__c", "Bad", FieldType.DATE),
        FieldSpec("Account", "Good__c", "Good", FieldType.DATE),
    ]
    connector = connect()

    steps = {step.name: step for step in connector.provision(specs, apply=True)}

    assert "an admin has to" in steps["Account.Renewal"].error
    assert steps["Account.Good__c"].done
    assert connector.schema("Account").find("Good__c") is not None


def test_source_files(tmp_path: Path) -> None:
    """The Salesforce project has every field once, the rights, a view, a report type, a section."""
    connector = salesforce_org.connection()
    paths = list(connector.source_files([*SPECS, SPECS[0]], tmp_path))
    roots = {
        path.relative_to(tmp_path).as_posix(): ET.parse(path).getroot()
        for path in paths
        if path.suffix == ".xml"
    }
    tags = {path.rpartition("/")[2]: root.tag.rpartition("}")[2] for path, root in roots.items()}

    assert json.loads((tmp_path / "sfdx-project.json").read_text())["sourceApiVersion"] == "66.0"
    assert "force-app/main/default/objects/Activity/fields/Syncd_Key__c.field-meta.xml" in roots
    assert sum(tag == "CustomField" for tag in tags.values()) == len(SPECS)
    assert tags["Renewals_in_the_window.listView-meta.xml"] == "ListView"
    assert {"PermissionSet", "ReportType", "FlexiPage"} <= set(tags.values())
    assert len(paths) == len(set(paths))


def test_rates(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """The worth of one unit is the inverse of Salesforce's rate; a single currency has none."""
    single = connect().rates()
    sandbox.set_currencies("USD", {"USD": 1.0, "EUR": 0.8})
    found = connect().rates()

    assert single is None
    assert found is not None
    assert found[0] == "USD"
    assert found[1]["EUR"] == Decimal("1.25")


def test_check(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """A healthy connection is told as such; a used-up allowance and a wrong version are not."""
    healthy = list(connect().check())
    sandbox.used_calls = 14_900
    spent = list(connect().check())
    old = list(connect(api_version="30.0").check())

    assert {note.severity for note in healthy} == {"ok"}
    assert any("logged in to the" in note.text for note in healthy)
    assert spent[-1].severity == "error"
    assert old[0].severity == "error"
    assert "30.0" in old[0].text


def test_allowance_counts_everyone(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """The org's own count is taken, and half of its day is left to others."""
    sandbox.used_calls = 1_000
    allowance = connect().allowance()

    assert allowance.limit == 15_000
    assert allowance.used is not None
    assert allowance.used >= 1_000
    assert allowance.left == 7_500 - allowance.used


def recorded() -> Iterator[Path]:
    """Describes of real orgs, where they are at hand."""
    folder = RECORDINGS / "cumulusci" / "describe"
    return itertools.chain(folder.glob("*_describe.json"))


@pytest.mark.skipif(not RECORDINGS.exists(), reason="the recordings are not at hand")
def test_recorded_describes() -> None:
    """Describes recorded from real orgs are read whole, with their known flags."""
    names = set()
    for path in recorded():
        raw = json.loads(path.read_text())
        body = raw.get("response", raw)
        while isinstance(body, dict) and "fields" not in body:
            body = body.get("body") or body.get("json") or {}
            body = json.loads(body) if isinstance(body, str) else body
            if not body:
                break
        if body:
            known = described(body)
            names.add(known.schema.name)
            assert len(known.schema.fields) == len(body["fields"])

    assert names


def test_small_pages_make_a_read_large(connect: Connect, sandbox: SalesforceSandbox) -> None:
    """Rows with several long texts come 200 a page; as many pages as decide go through Bulk."""
    for name in ("Plan_A__c", "Plan_B__c"):
        sandbox.add_field(
            "Account", name, label=name, type="LongTextArea", length=32_768, visibleLines=3
        )
    accounts(sandbox, 2_100)
    limits = {"bulk_threshold": 10_000}  # five pages of 2,000
    narrow, wide = connect(limits=limits), connect(limits=limits)

    few, _ = pull(narrow, Source("accounts", "Account", ("Name", "Plan_A__c")))
    both, _ = pull(wide, Source("accounts", "Account", ("Name", "Plan_A__c", "Plan_B__c")))

    assert len(few) == len(both) == 2_100
    assert narrow.calls.read == 3
    assert wide.calls.read == 3
