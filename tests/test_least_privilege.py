"""syncd does its work with exactly the rights that SECURITY.md lists, and nothing beyond tasks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from processes import KINDS, Site, Zygote, site

from connectors.hubspot.scopes import CURRENCIES, IF_MAPPED, PROVISIONING, READING, WRITING
from syncd.bootstrap import load
from syncd.mapping import Mapping

ROOT = Path(__file__).parent.parent
SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
SETTINGS = {"FieldPermissions", "ObjectPermissions", "PermissionSet", "PermissionSetAssignment"}
OPEN_TO_ALL = {
    *("CurrencyType", "Group", "OpportunityStage", "Organization", "Profile", "RecordType"),
    *("TaskStatus", "UserRole"),
}
"""Settings of an org that every user with a login reads."""


def table(heading: str) -> list[list[str]]:
    """The rows of the table under a heading of SECURITY.md, without back-ticks."""
    section = SECURITY.partition(f"### {heading}")[2]
    lines = [line for line in section.partition("\n#")[0].splitlines() if line[:1] == "|"]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines[2:]]


RIGHTS = {(object, right): cost for object, right, _, cost in table("Salesforce")}
SCOPES = {scope: cost for scope, _, cost in table("HubSpot")}


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """One for all tests of this file."""
    made = Zygote()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def salesforce(tmp_path_factory: pytest.TempPathFactory, zygote: Zygote) -> Iterator[Site]:
    """An org with eight customers."""
    with site("salesforce", tmp_path_factory.mktemp("sf"), zygote, accounts=8) as made:
        yield made


@pytest.fixture(scope="module")
def hubspot(tmp_path_factory: pytest.TempPathFactory, zygote: Zygote) -> Iterator[Site]:
    """A portal with eight customers."""
    with site("hubspot", tmp_path_factory.mktemp("hs"), zygote, accounts=8) as made:
        yield made


def mapping_of(crm: Site) -> Mapping:
    """The mapping that the site's config names."""
    return load(crm.config).mappings[crm.kind]


def begin(crm: Site, *without: str) -> None:
    """Start anew, the login having what the documents list and nothing else."""
    crm.begin()
    if crm.kind == "hubspot":
        crm.sandbox.scopes = SCOPES.keys() - set(without)
        return
    own = crm.sandbox.org.ids["integration_profile_set"]
    crm.sandbox.edit("PermissionSet", own, PermissionsViewSetup=False)
    mapping = mapping_of(crm)
    reads = {(source.object, name) for source in mapping.sources for name in source.fields}
    edits = {("Account", write.field) for write in mapping.account_writes}
    (own,) = (source for source in mapping.sources if source.name == mapping.task_source)
    edits |= {("Task", name) for name in own.fields}
    for name, kind in crm.sandbox.org.objects.items():
        if not kind.queryable or name in SETTINGS | OPEN_TO_ALL:
            continue
        rights = [right for object, right in RIGHTS if object == name and right not in without]
        crm.sandbox.set_object_access(name, *rights)
        for one in kind.fields.values():
            if one.permissionable:
                place = (name, one.name)
                crm.sandbox.set_field_access(*place, read=place in reads, edit=place in edits)


def synced(crm: Site) -> tuple[int, dict[str, Any]]:
    """A sync's exit code and its answer."""
    code = crm.run("sync", "--json")
    return code, crm.answer()


def rejects(crm: Site) -> list[dict[str, Any]]:
    """What stands in quarantine."""
    crm.run("rejects", "--json")
    found: list[dict[str, Any]] = crm.answer()["rejects"]
    return found


def cost(crm: Site) -> str:
    """What a sync lacks, and one after a day's work of other people, in SECURITY.md's words."""
    code, answer = synced(crm)
    if code == 5:
        return "the run stops"
    costs = []
    off = answer["connections"][crm.kind]["rules_off"]
    if off:
        costs.append(f"off: {', '.join(off)}")
    outcomes = [(w["kind"], w["outcome"]) for w in writes(crm)]
    if ("fields", "rejected") in outcomes:
        costs.append("account fields are refused")
    if ("open", "rejected") in outcomes:
        costs.append("tasks are refused")
    elif ("open", "done") in outcomes:
        crm.people_act()
        synced(crm)
        changed = {w["outcome"] for w in writes(crm) if w["kind"] in {"update", "close"}}
        if changed == {"rejected"}:
            costs.append("changes of tasks are refused")
    if any(line["event"] == "hubspot.rates_absent" for line in crm.lines()):
        costs.append("exchange rates come from config.toml")
    if any(reject["code"] == "no_assignee" for reject in rejects(crm)):
        costs.append("nobody can be given a task")
    return "; ".join(costs)


def writes(crm: Site) -> list[dict[str, Any]]:
    """The last sync's lines about its writes."""
    return [line for line in crm.lines() if line["event"] == "write"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_documented_rights_are_enough(kind: str, request: pytest.FixtureRequest) -> None:
    """Everything is written, a second run has nothing to do, later changes go through too."""
    crm = request.getfixturevalue(kind)
    crm.begin()
    synced(crm)
    wanted = crm.crm()
    begin(crm)
    code, answer = synced(crm)
    given = crm.crm()
    again, nothing = synced(crm)
    checked = crm.run("check")
    verified = crm.run("verify")
    crm.people_act()
    _, later = synced(crm)

    assert code in {0, 3}
    assert (answer["failed"], answer["connections"][kind]["rules_off"]) == (0, [])
    assert answer["written"] > 0
    assert not given.lost(wanted)
    assert (again, nothing["written"], nothing["nothing_to_do"]) == (0, 0, True)
    assert (checked, verified) == (0, 0)
    assert (later["failed"], later["written"] > 0) == (0, True)


@pytest.mark.parametrize(("object", "right"), RIGHTS)
def test_each_right_on_an_object_is_needed(object: str, right: str, salesforce: Site) -> None:
    """Taken away, it costs what SECURITY.md says: no more, no less."""
    begin(salesforce)
    left = [other for name, other in RIGHTS if name == object and other != right]
    salesforce.sandbox.set_object_access(object, *left)

    assert cost(salesforce) == RIGHTS[object, right]


@pytest.mark.parametrize("scope", SCOPES)
def test_each_scope_is_needed(scope: str, hubspot: Site) -> None:
    """Taken away, it costs what SECURITY.md says: no more, no less."""
    begin(hubspot, scope)

    assert cost(hubspot) == SCOPES[scope]


@pytest.mark.parametrize(
    ("object", "name", "off"),
    [
        ("Contract", "Value__c", ["renewal", "renewal_risk", "tier"]),
        ("Opportunity", "Amount", ["renewal", "renewal_risk", "tier"]),
        ("Account", "Syncd_Tier__c", []),
        ("Task", "Syncd_Playbook__c", []),
    ],
)
def test_a_field_out_of_sight(object: str, name: str, off: list[str], salesforce: Site) -> None:
    """An input costs the rules that need it, an output itself; each is named."""
    begin(salesforce)
    salesforce.sandbox.set_field_access(object, name, read=False, edit=False)
    code, answer = synced(salesforce)
    named = {(r["object"], r["field"]) for r in rejects(salesforce) if r["code"] == "FIELD_MISSING"}

    assert code == 3
    assert answer["written"] > 0
    assert answer["connections"]["salesforce"]["rules_off"] == off
    assert named == {(object, name)}


def test_the_lists_are_those_of_the_code() -> None:
    """What `check` asks of a token is what SECURITY.md lists; provisioning's scopes stand there."""
    assert {*READING, *WRITING, *IF_MAPPED, CURRENCIES[0]} == SCOPES.keys()
    assert all(f"`{scope}`" in SECURITY for scope in PROVISIONING)


def test_the_permission_set_gives_what_is_written(salesforce: Site, tmp_path: Path) -> None:
    """As source files and as made in the org: edit on [writes] and the task's key, nothing else."""
    begin(salesforce)
    assert salesforce.run("provision", "--sfdx", str(tmp_path)) == 0
    (path,) = tmp_path.rglob("syncd.permissionset-meta.xml")
    root = ET.fromstring(path.read_text(encoding="utf-8"))
    filed = {
        (found.findtext("{*}field"), found.findtext("{*}editable") == "true")
        for found in root.iterfind("{*}fieldPermissions")
    }
    salesforce.begin()
    (made,) = (r["Id"] for r in salesforce.sandbox.rows("PermissionSet") if r["Name"] == "syncd")
    granted = {
        (row["Field"], row.get("PermissionsEdit", False))
        for row in salesforce.sandbox.rows("FieldPermissions")
        if row["ParentId"] == made
    }
    mapping = mapping_of(salesforce)
    written = {f"Account.{write.field}" for write in mapping.account_writes}
    written |= {"Task.Syncd_Key__c", "Task.Syncd_Playbook__c"}

    assert {name for name, editable in filed if editable} == written
    assert filed == granted


# --- what syncd cannot do -------------------------------------------------------------------------


@dataclass(slots=True)
class Recorder:
    """Stands before a sandbox and keeps each call's method and path."""

    app: Any
    calls: set[tuple[str, str]] = field(default_factory=set)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one call."""
        if scope["type"] == "http":
            self.calls.add((scope["method"], scope["path"]))
        await self.app(scope, receive, send)


WRITES = {
    "salesforce": re.compile(
        r"PATCH /services/data/v[\d.]+/composite/sobjects(/Task/Syncd_Key__c)?"
        r"|POST /services/oauth2/token"
    ),
    "hubspot": re.compile(
        r"POST /crm/v3/objects/[^/]+/(search|batch/read)"
        r"|POST /crm/v4/associations/[^/]+/[^/]+/batch/read"
        r"|POST /crm/v3/objects/companies/batch/update"
        r"|POST /crm/v3/objects/tasks/batch/(create|update|upsert)"
        r"|POST /crm/v4/associations/tasks/companies/batch/.+"
        r"|POST /oauth/v2/private-apps/get/access-token-info"
    ),
}
"""Every call that syncd makes beside GET: logins, searches, fields, tasks and their links."""


def ids(crm: Site) -> dict[str, set[str]]:
    """The living records of each kind of object."""
    if crm.kind == "salesforce":
        return {
            name: {row["Id"] for row in crm.sandbox.rows(name) if not row.get("IsDeleted")}
            for name in crm.sandbox.org.objects
        }
    return {
        kind.name: {row["id"] for row in crm.sandbox.rows(kind.name)}
        for kind in crm.sandbox.portal.kinds.by_id.values()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_life_makes_tasks_and_deletes_nothing(
    kind: str, request: pytest.FixtureRequest
) -> None:
    """Syncs, a full one, undoings, verify and the rest: no DELETE, and only tasks are new."""
    crm: Site = request.getfixturevalue(kind)
    crm.begin()
    recorder = crm.gate.app = Recorder(crm.gate.app)
    try:
        before = ids(crm)
        assert crm.run("sync", "--json") in {0, 3}
        first = crm.answer()["run"]
        between = ids(crm)
        crm.people_act()
        acted = ids(crm)
        codes = [crm.run("plan"), crm.run("sync", "--json")]
        second = crm.answer()["run"]
        closed = [task for task in crm.answer()["tasks"] if task["op"] == "close"]
        codes += [
            crm.run(*command)
            for command in (
                ("undo", str(second), "--apply"),
                ("undo", str(first), "--apply"),
                ("sync", "--full"),
                ("rejects", "--retry"),
                ("check",),
                ("explain", min(before["Account" if kind == "salesforce" else "companies"])),
            )
        ]
        verified = crm.run("verify")
        after = ids(crm)
    finally:
        crm.gate.app = recorder.app
    tasks = "Task" if kind == "salesforce" else "tasks"
    other = {f"{m} {p}" for m, p in recorder.calls if m != "GET" and not p.startswith("/_sandbox")}

    assert set(codes) <= {0, 3}
    assert closed
    assert verified == 0
    assert {name for name in after if between[name] != before[name]} == {tasks}
    assert {name for name in after if after[name] != acted[name]} <= {tasks}
    assert between[tasks] > before[tasks]
    assert after[tasks] >= acted[tasks]
    assert {call for call in other if not WRITES[kind].fullmatch(call)} == set()
