"""A Salesforce org's own rules: what they refuse, what `check` says of them, how a sync gets by."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import salesforce_served
from processes import Site, Zygote, site
from salesforce_served import Served

from connectors.salesforce.sandbox import SalesforceSandbox

served, stage = salesforce_served.served, salesforce_served.stage

WEBSITE = {
    "object": "Account",
    "name": "Website_needed",
    "when": "Website = null AND Type = 'Prospect'",
    "message": "A prospect needs a website.",
    "field": "Website",
}
NAMELESS = {
    "object": "Account",
    "name": "No_tests",
    "when": "Name LIKE 'Test%' OR Owner.Title = 'Guest'",
    "message": "No test records.",
}
REFUSED = {
    "message": "A prospect needs a website.",
    "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    "fields": ["Website"],
}
SAME_PHONE = {"object": "Account", "name": "Same_phone", "fields": ["Phone"]}


def sent(served: Served, method: str, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    """The status and the JSON of an answer to a request without a client."""
    version = headers.pop("version", "66.0")
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    headers["Authorization"] = f"Bearer {served.client.session_id}"
    url = f"{served.server.url}/services/data/v{version}/{path}"
    answer = served.web.request(method, url, json=body, headers=headers)
    return answer.status_code, answer.json() if answer.content else None


def account(**fields: Any) -> dict[str, Any]:
    """A record of a collection."""
    return {"attributes": {"type": "Account"}, **fields}


def ingested(served: Served, operation: str, table: str) -> tuple[str, str]:
    """The successful and the failed rows of an ingest job."""
    made = sent(served, "POST", "jobs/ingest", {"operation": operation, "object": "Account"})[1]
    url = f"{served.server.url}/services/data/v66.0/jobs/ingest/{made['id']}"
    web, token = served.web, {"Authorization": f"Bearer {served.client.session_id}"}
    web.put(f"{url}/batches", data=table, headers=token | {"Content-Type": "text/csv"})
    web.patch(url, json={"state": "UploadComplete"}, headers=token)
    web.get(url, headers=token)
    parts = (
        web.get(f"{url}/{part}", headers=token).text
        for part in ("successfulResults", "failedResults")
    )
    done, failed = parts
    return done, failed


# --- the sandbox's rules --------------------------------------------------------------------------


def test_validation_in_single_writes(served: Served) -> None:
    """Create, update and upsert are refused with the rule's text and field; others pass."""
    served.org.set_rules({"validation": [WEBSITE]})
    good = sent(served, "POST", "sobjects/Account", {"Name": "A", "Website": "a.example"})
    bad = sent(served, "POST", "sobjects/Account", {"Name": "B", "Type": "Prospect"})
    key = good[1]["id"]
    path = f"sobjects/Account/{key}"
    changed = sent(served, "PATCH", path, {"Website": None, "Type": "prospect"})
    other = sent(served, "PATCH", path, {"Type": "Prospect"})

    assert good[0] == 201
    assert bad == changed == (400, [REFUSED])
    assert other == (204, None)
    assert [row["Name"] for row in served.org.rows("Account")] == ["A"]


def test_validation_in_composites_and_collections(served: Served) -> None:
    """A refused row leaves its neighbours alone; a composite's subrequest tells it in its body."""
    served.org.set_rules({"validation": [WEBSITE]})
    records = [account(Name="A"), account(Name="B", Type="Prospect"), account(Name="C")]
    _, answer = sent(served, "POST", "composite/sobjects", {"records": records})
    step = {
        "method": "POST",
        "url": "/services/data/v66.0/sobjects/Account",
        "referenceId": "b",
        "body": {"Name": "B", "Type": "Prospect"},
    }
    _, composite = sent(served, "POST", "composite", {"compositeRequest": [step]})

    assert [line["success"] for line in answer] == [True, False, True]
    assert answer[1] == {
        "success": False,
        "errors": [
            {
                "statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                "message": "A prospect needs a website.",
                "fields": ["Website"],
            }
        ],
    }
    assert composite["compositeResponse"][0]["body"] == [REFUSED]
    assert composite["compositeResponse"][0]["httpStatusCode"] == 400


def test_rules_in_bulk_jobs(served: Served) -> None:
    """Failed rows bear code, text and field, one that a rule only alerts of among them."""
    served.org.insert("Account", Name="Old", Phone="1")
    served.org.set_rules(
        {"validation": [WEBSITE], "duplicate": [{**SAME_PHONE, "on_create": "alert"}]}
    )
    table = "Name,Type,Phone\nA,,2\nB,Prospect,3\nC,,1\n"
    done, failed = ingested(served, "insert", table)

    assert done.count("true") == 1
    assert "FIELD_CUSTOM_VALIDATION_EXCEPTION:A prospect needs a website.:Website" in failed
    assert "DUPLICATES_DETECTED:Use one of these records?:--" in failed


def test_all_that_a_row_fails_is_told(served: Served) -> None:
    """Several rules against one row give an answer of several errors, parents being looked at."""
    owned = served.org.insert("Account", Name="Owned")
    served.org.edit("User", served.org.org.ids["admin"], Title="Guest")
    served.org.set_rules({"validation": [WEBSITE, NAMELESS]})
    body = {"Name": "Test 1", "Type": "Prospect", "OwnerId": served.org.org.ids["integration"]}
    _, both = sent(served, "POST", "sobjects/Account", body)
    _, parent = sent(served, "PATCH", f"sobjects/Account/{owned}", {"Phone": "1"})

    assert both == [REFUSED, {**REFUSED, "message": "No test records.", "fields": []}]
    assert parent == [both[1]]


def test_rules_that_are_off_or_spare_a_user(served: Served) -> None:
    """Neither an inactive rule nor one with an exemption refuses the integration user's rows."""
    body = {"Name": "B", "Type": "Prospect", "Phone": "1"}
    served.org.insert("Account", Name="Old", Phone="1")
    spared = {"spares": ["syncd.integration@acme.example"]}
    codes = []
    for change in ({}, {"active": False}, spared):
        for rules in ({"validation": [WEBSITE | change]}, {"duplicate": [SAME_PHONE | change]}):
            served.org.set_rules(rules)
            codes.append(sent(served, "POST", "sobjects/Account", body)[0])

    assert codes == [400, 400, 201, 201, 201, 201]


def test_duplicate_in_a_single_write(served: Served) -> None:
    """The answer names the rule and what the row is like, as an org's does."""
    old = served.org.insert("Account", Name="Old", Phone="0A 1")
    served.org.set_rules({"duplicate": [SAME_PHONE]})
    status, answer = sent(served, "POST", "sobjects/Account", {"Name": "New", "Phone": "0a 1"})
    url = f"/services/data/v66.0/sobjects/Account/{old}"

    assert status == 400
    assert answer == [
        {
            "message": "Use one of these records?",
            "errorCode": "DUPLICATES_DETECTED",
            "duplicateResult": {
                "allowSave": False,
                "duplicateRule": "Same_phone",
                "duplicateRuleEntityType": "Account",
                "errorMessage": "Use one of these records?",
                "matchResults": [
                    {
                        "entityType": "Account",
                        "errors": [],
                        "matchEngine": "ExactMatchEngine",
                        "matchRecords": [
                            {
                                "additionalInformation": [],
                                "fieldDiffs": [],
                                "matchConfidence": 100.0,
                                "record": {
                                    "attributes": {"type": "Account", "url": url},
                                    "Id": old,
                                },
                            }
                        ],
                        "rule": "Same_phone_Match",
                        "size": 1,
                        "success": True,
                    }
                ],
            },
        }
    ]


def test_a_duplicate_is_judged_when_it_becomes_one(served: Served) -> None:
    """Changes of other fields, blank fields and deleted rows are not held against a row."""
    served.org.insert("Account", Name="One", Phone="1")
    two = served.org.insert("Account", Name="Two", Phone="1")
    gone = served.org.insert("Account", Name="Gone", Phone="3")
    served.org.delete("Account", gone)
    served.org.set_rules({"duplicate": [SAME_PHONE]})
    fields: list[dict[str, Any]] = [
        {"Name": "2"},
        {"Phone": "1"},
        {"Phone": "2"},
        {"Phone": None},
        {"Phone": "3"},
        {"Phone": "1"},
    ]
    codes = [sent(served, "PATCH", f"sobjects/Account/{two}", one)[0] for one in fields]

    assert codes == [204, 204, 204, 204, 204, 400]


def test_a_rule_that_only_alerts(served: Served) -> None:
    """With allowSave it lets the row through, from v52 on; a rule that blocks does not."""
    served.org.insert("Account", Name="One", Phone="1")
    records = {"records": [account(Name="Two", Phone="1")]}
    asked = {"Sforce_Duplicate_Rule_Header": "includeRecordDetails=true; allowSave = true"}
    alerting = {"duplicate": [SAME_PHONE | {"on_create": "alert"}]}
    served.org.set_rules(alerting)
    told = sent(served, "POST", "composite/sobjects", records)[1]
    old = sent(served, "POST", "composite/sobjects", records, version="51.0", **asked)[1]
    let = sent(served, "POST", "composite/sobjects", records, **asked)[1]
    served.org.set_rules({"duplicate": [SAME_PHONE]})
    blocked = sent(served, "POST", "composite/sobjects", records, **asked)[1]
    served.org.set_rules({"duplicate": [SAME_PHONE | {"on_create": "allow"}]})
    allowed = sent(served, "POST", "composite/sobjects", records)[1]

    error = {
        "statusCode": "DUPLICATES_DETECTED",
        "message": "Use one of these records?",
        "fields": [],
    }
    assert told == old == blocked == [{"success": False, "errors": [error]}]
    assert let[0]["success"] is allowed[0]["success"] is True


def test_rules_are_there_to_be_queried(served: Served) -> None:
    """Duplicate rules by SOQL, validation rules by the Tooling API; only with View Setup."""
    label = {"label": "Same phone number"}
    served.org.set_rules(
        {
            "validation": [WEBSITE, NAMELESS | {"active": False}],
            "duplicate": [SAME_PHONE | label, SAME_PHONE | {"name": "Off", "active": False}],
        }
    )
    duplicates = "SELECT MasterLabel, SobjectType FROM DuplicateRule WHERE IsActive = true"
    validations = (
        "SELECT ValidationName, ErrorMessage, ErrorDisplayField, EntityDefinition.QualifiedApiName "
        "FROM ValidationRule WHERE Active = true AND "
        "EntityDefinition.QualifiedApiName IN ('Account')"
    )
    listed = served.records(duplicates)
    tooled = served.get("tooling/query", q=validations).json()["records"]
    own = served.org.org.ids["integration_profile_set"]
    served.org.edit("PermissionSet", own, PermissionsViewSetup=False)
    hidden = [
        served.get("query", q=duplicates).json()[0],
        served.get("tooling/query", q=validations).json()[0],
    ]

    assert [(row["MasterLabel"], row["SobjectType"]) for row in listed] == [
        ("Same phone number", "Account")
    ]
    assert [row["ValidationName"] for row in tooled] == ["Website_needed"]
    assert tooled[0]["ErrorMessage"] == "A prospect needs a website."
    assert tooled[0]["ErrorDisplayField"] == "Website"
    assert tooled[0]["EntityDefinition"]["QualifiedApiName"] == "Account"
    assert [error["errorCode"] for error in hidden] == ["INVALID_TYPE", "INVALID_TYPE"]


def test_rules_over_http_and_in_the_state(served: Served, tmp_path: Path) -> None:
    """GET, PUT and DELETE; a dumped state bears them; a wrong rule changes nothing."""
    url = f"{served.server.url}/_sandbox/rules"
    put = served.web.put(url, json={"validation": [WEBSITE], "duplicate": [SAME_PHONE]})
    served.org.dump(tmp_path / "org.json")
    ended = served.web.delete(url).json()
    wrong = served.web.put(url, json={"validation": [WEBSITE | {"when": "ISBLANK(Website)"}]})
    served.org.load(tmp_path / "org.json")
    kept = served.web.get(url).json()

    assert put.status_code == 200
    assert ended == {"validation": [], "duplicate": []}
    assert wrong.status_code == 400
    assert "at `$.validation[0].when`" in wrong.json()["message"]
    assert kept == put.json()
    assert kept["validation"][0]["when"] == WEBSITE["when"]
    assert [row["DeveloperName"] for row in served.org.rows("DuplicateRule")] == ["Same_phone"]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"validation": [WEBSITE | {"object": "Acount"}]}, r"no object 'Acount' - at .*\.object"),
        ({"validation": [WEBSITE | {"field": "Web"}]}, r"no field 'Web' - at .*\.field"),
        ({"validation": [WEBSITE | {"when": "Web = 1"}]}, r"No such column 'Web'.*\.when"),
        ({"validation": [WEBSITE | {"when": "Name = 'a' LIMIT 1"}]}, r"only a condition.*\.when"),
        ({"validation": [WEBSITE | {"if": "x"}]}, r"unknown field `if`"),
        ({"duplicate": [SAME_PHONE | {"fields": []}]}, r"no field to compare.*\.fields"),
        ({"duplicate": [SAME_PHONE | {"fields": ["Tel"]}]}, r"no field 'Tel'.*\.fields"),
        ({"duplicate": [SAME_PHONE | {"on_edit": "warn"}]}, r"Invalid enum value 'warn'"),
    ],
)
def test_wrong_rules(document: dict[str, Any], told: str) -> None:
    """Each is told with its place."""
    with pytest.raises(ValueError, match=told):
        SalesforceSandbox().set_rules(document)


def test_a_file_of_rules_that_is_wrong(tmp_path: Path) -> None:
    """The command names file, line and what is wrong; a HubSpot sandbox has no rules."""
    path = tmp_path / "rules.toml"
    path.write_text(
        '[[validation]]\nobject = "Acount"\nname = "x"\nwhen = "Id = null"\nmessage = "m"\n'
    )
    said = []
    for kind in ("salesforce", "hubspot"):
        command = [sys.executable, "-m", "syncd", "sandbox", kind, "--accounts", "0"]
        run = subprocess.run(
            [*command, "--rules", str(path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        said.append((run.returncode, run.stderr))

    assert said[0][0] == said[1][0] == 2
    assert "rules.toml:2:" in said[0][1]
    assert "the org has no object 'Acount' (docs/sandboxes.md has all keys)" in said[0][1]
    assert "a hubspot sandbox has no rules" in said[1][1]


def test_names_of_people(served: Served) -> None:
    """A person's name is composed: it cannot be written, its parts can; companies have none."""
    served.org.set_person_accounts()
    person = served.org.insert_person("Ada", "Byron")
    company = served.org.insert("Account", Name="Acme")
    named = sent(served, "PATCH", f"sobjects/Account/{person}", {"Name": "Ada Byron"})
    parted = sent(served, "PATCH", f"sobjects/Account/{person}", {"LastName": "Lovelace"})
    odd = sent(served, "PATCH", f"sobjects/Account/{company}", {"LastName": "Corp"})
    names = {row["Id"]: row["Name"] for row in served.org.rows("Account")}

    def refused(field: str) -> tuple[int, list[dict[str, Any]]]:
        text = f"Account: bad field names on insert/update call: {field}"
        code = "INVALID_FIELD_FOR_INSERT_UPDATE"
        return 400, [{"message": text, "errorCode": code, "fields": [field]}]

    assert named == refused("Name")
    assert odd == refused("LastName")
    assert parted == (204, None)
    assert names == {person: "Ada Lovelace", company: "Acme"}


# --- syncd and the rules --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An org with eight customers and syncd's fields."""
    zygote = Zygote()
    with site("salesforce", tmp_path_factory.mktemp("sf"), zygote, accounts=8) as made:
        yield made
    zygote.stop()


def notes(crm: Site) -> list[dict[str, Any]]:
    """What `check` says about rules of the org."""
    assert crm.run("check", "--json") == 0
    found: list[dict[str, Any]] = crm.answer()["connections"]["salesforce"]
    return [note for note in found if " rule" in note["text"]]


QUIET = (("sync",), ("sync", "--full"), ("sync",))
TIERED = {
    "object": "Account",
    "name": "Website_for_tier",
    "when": "Website = null",
    "message": "Give the website before anything else.",
    "field": "Website",
}


def test_check_tells_of_active_rules(crm: Site) -> None:
    """Rule, object, its own text, what it costs and where to mend it; only for what is written."""
    crm.begin()
    contact = {"object": "Contact", "name": "Elsewhere"}
    crm.sandbox.set_rules(
        {
            "validation": [
                TIERED,
                TIERED | {"name": "Off", "active": False},
                {**contact, "when": "Email = null", "message": "m"},
            ],
            "duplicate": [SAME_PHONE, {**contact, "fields": ["Email"]}],
        }
    )
    duplicate, validation = notes(crm)
    crm.run("check")
    text = (crm.folder / "out").read_text(encoding="utf-8")
    crm.sandbox.set_rules({})
    none = notes(crm)

    assert duplicate["severity"] == validation["severity"] == "warning"
    assert duplicate["object"] == validation["object"] == "Account"
    assert 'the duplicate rule "Same phone" on Account is active' in duplicate["text"]
    assert "Setup > Duplicate Rules > Same phone" in duplicate["remedy"]
    assert "allow_duplicates = true" in duplicate["remedy"]
    assert 'the validation rule "Website_for_tier" on Account is active' in validation["text"]
    assert '"Give the website before anything else."' in validation["text"]
    path = "Setup > Object Manager > Account > Validation Rules > Website_for_tier"
    assert path in validation["remedy"]
    for note in (duplicate, validation):
        assert "quarantined with the org's own text" in note["text"]
        assert note["text"] in text
        assert note["remedy"] in text
    assert none == []


def test_check_says_that_it_may_not_see_them(crm: Site) -> None:
    """Without View Setup, which a sync does not need, check goes on and says what it left out."""
    crm.begin()
    crm.sandbox.set_rules({"validation": [TIERED], "duplicate": [SAME_PHONE]})
    own = crm.sandbox.org.ids["integration_profile_set"]
    crm.sandbox.edit("PermissionSet", own, PermissionsViewSetup=False)
    told = notes(crm)

    assert [note["severity"] for note in told] == ["ok", "ok"]
    assert "may not see the org's duplicate rules" in told[0]["text"]
    assert "may not see the org's validation rules" in told[1]["text"]
    assert all("View Setup and Configuration" in note["remedy"] for note in told)


def written(crm: Site) -> dict[str, Any]:
    """The tier of each account, by id."""
    return {row["Id"]: row.get("Syncd_Tier__c") for row in crm.sandbox.rows("Account")}


@pytest.mark.parametrize("bulk", [False, True])
def test_a_refused_account_and_its_neighbours(bulk: bool, crm: Site) -> None:
    """It waits in quarantine with the org's text, is not sent again in vain, and goes through."""
    crm.begin()
    if bulk:
        limits = "[connections.salesforce.limits]\nbulk_write_threshold = 1\n"
        crm.config.write_text(crm.config.read_text(encoding="utf-8") + limits, encoding="utf-8")
    first, *others = sorted(row["Id"] for row in crm.sandbox.rows("Account") if row.get("Website"))
    crm.sandbox.edit("Account", first, Website=None)
    crm.sandbox.set_rules({"validation": [TIERED]})
    crm.sandbox.calls.clear()
    code = crm.run("sync", "--json")
    answer = crm.answer()
    jobs = [call for call in crm.sandbox.calls if call.path == "jobs/ingest"]
    crm.run("rejects", "--json")
    (reject,) = (one for one in crm.answer()["rejects"] if one["object"] == "Account")
    crm.run("rejects")
    shown = (crm.folder / "out").read_text(encoding="utf-8")
    before = written(crm)
    again = crm.run("sync", "--json"), crm.answer()["written"]
    crm.sandbox.set_rules({"validation": [TIERED | {"active": False}]})
    still = crm.run("sync", "--json"), crm.answer()["written"]
    crm.run("rejects", "--retry")
    freed = crm.run("sync", "--json"), crm.answer()["rejected"]
    crm.run("rejects", "--json")
    left = [one for one in crm.answer()["rejects"] if one["object"] == "Account"]

    assert (code, answer["rejected"] > 0, bool(jobs)) == (3, True, bulk)
    assert reject["record"] == first
    assert reject["code"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert "Give the website before anything else." in reject["message"]
    assert "syncd rejects --retry" in reject["remedy"]
    assert reject["remedy"] in shown
    assert before[first] is None
    assert all(before[id] for id in others)
    assert again == still == (0, 0)
    assert freed == (0, 0)
    assert left == []
    assert written(crm)[first] is not None


@pytest.mark.parametrize("field", ["Website", "Phone"])
def test_a_mended_account_is_tried_by_itself(field: str, crm: Site) -> None:
    """Once someone mends the record, the next sync writes it without being asked.

    The mapping names the website, but not the phone.
    """
    crm.begin()
    first = min(row["Id"] for row in crm.sandbox.rows("Account") if row.get("Website"))
    crm.sandbox.edit("Account", first, **{field: None})
    when = f"{field} = null AND Id = '{first}'"
    rule = {"object": "Account", "name": "Needed", "when": when, "message": "Fill it in."}
    crm.sandbox.set_rules({"validation": [rule]})
    code = crm.run("sync")
    refused = written(crm)[first]
    quiet = [(crm.run(*sync, "--json"), crm.answer()["nothing_to_do"]) for sync in QUIET]
    crm.sandbox.edit("Account", first, **{field: "https://mended.example"})
    again = crm.run("sync")
    crm.run("rejects", "--json")

    assert (code, again) == (3, 0)
    assert quiet == [(0, True)] * len(QUIET)
    assert refused is None
    assert written(crm)[first] is not None
    assert [one for one in crm.answer()["rejects"] if one["record"] == first] == []


def test_duplicates_and_what_spares_them(crm: Site) -> None:
    """A rule that compares a field of ours refuses copies; allow_duplicates passes a warning."""
    crm.begin()
    rule = {"object": "Account", "name": "Same_tier", "fields": ["Syncd_Tier__c"]}
    crm.sandbox.set_rules({"duplicate": [rule | {"on_edit": "alert"}]})
    code = crm.run("sync")
    crm.run("rejects", "--json")
    refused = [one for one in crm.answer()["rejects"] if one["code"] == "DUPLICATES_DETECTED"]
    filled = [tier for tier in written(crm).values() if tier]
    lines = crm.config.read_text(encoding="utf-8")
    named = "[connections.salesforce]\n"
    crm.config.write_text(lines.replace(named, f"{named}allow_duplicates = true\n"))
    crm.run("rejects", "--retry")
    allowed = crm.run("sync")

    assert (code, allowed) == (3, 0)
    assert refused
    assert {one["message"] for one in refused} == {"Use one of these records?"}
    assert "allow_duplicates = true" in refused[0]["remedy"]
    assert len(filled) == len(set(filled))
    assert len([tier for tier in written(crm).values() if tier]) > len(filled)
