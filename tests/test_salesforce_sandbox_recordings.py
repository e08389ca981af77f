"""The sandbox's answers have the keys, types and codes of recorded ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.salesforce.sandbox.api import Request
from connectors.salesforce.sandbox.errors import RequestError
from connectors.salesforce.sandbox.ids import long_id
from connectors.salesforce.sandbox.oauth import LoginError

RECORDED = Path(__file__).resolve().parents[2] / "shared" / "recordings" / "salesforce"
DESCRIBES = RECORDED / "cumulusci" / "describe"
OBJECTS = ("Account", "Contact", "Opportunity", "OpportunityContactRole", "Case", "Event")
FLAGS = (
    "aggregatable",
    "autoNumber",
    "compoundFieldName",
    "createable",
    "defaultValue",
    "defaultedOnCreate",
    "digits",
    "extraTypeInfo",
    "filterable",
    "groupable",
    "idLookup",
    "length",
    "nameField",
    "namePointing",
    "nillable",
    "permissionable",
    "polymorphicForeignKey",
    "precision",
    "relationshipName",
    "restrictedPicklist",
    "scale",
    "soapType",
    "sortable",
    "type",
    "unique",
    "updateable",
)
pytestmark = pytest.mark.skipif(not DESCRIBES.is_dir(), reason="the recordings are not here")


@pytest.fixture(scope="module")
def org() -> SalesforceSandbox:
    return SalesforceSandbox(clock=lambda: datetime(2026, 3, 10, tzinfo=UTC))


def ask(org: SalesforceSandbox, method: str, path: str, body: Any = None, **query: str) -> Any:
    user = org.org.ids["integration"]
    text = b"" if body is None else json.dumps(body).encode()
    return org.api.serve(Request(method, "66.0", path, query, {}, text, user)).body


def recorded(name: str) -> Any:
    return json.loads((DESCRIBES / f"GET_sobjects_{name}_describe.json").read_text())


@pytest.mark.parametrize("name", OBJECTS)
def test_describe_has_recorded_keys_and_flags(org: SalesforceSandbox, name: str) -> None:
    """Every field that both have is described alike, key by key."""
    ours, theirs = ask(org, "GET", f"sobjects/{name}/describe"), recorded(name)
    mine = {one["name"]: one for one in ours["fields"]}
    differing = [
        (one["name"], flag, mine[one["name"]][flag], one[flag])
        for one in theirs["fields"]
        if one["name"] in mine
        for flag in FLAGS
        if mine[one["name"]][flag] != one[flag]
    ]

    assert set(theirs) <= set(ours)
    assert set(ours["fields"][0]) == set(theirs["fields"][0])
    assert [set(one) for one in ours["recordTypeInfos"]] == [
        set(one) for one in theirs["recordTypeInfos"][-1:]
    ]
    assert differing == []


def test_global_describe_has_recorded_keys(org: SalesforceSandbox) -> None:
    """The describe of the whole org has the recorded keys, for Account the recorded values."""
    ours, theirs = ask(org, "GET", "sobjects"), recorded("Global")
    account = next(one for one in theirs["sobjects"] if one["name"] == "Account")
    mine = next(one for one in ours["sobjects"] if one["name"] == "Account")

    assert set(ours) == set(theirs)
    assert {key: value for key, value in mine.items() if key != "urls"} == {
        key: value for key, value in account.items() if key != "urls"
    }
    assert set(mine["urls"]) == set(account["urls"])


def test_child_relationships_are_the_recorded_ones(org: SalesforceSandbox) -> None:
    """The children that both know have the recorded relationship names."""
    for name in OBJECTS:
        ours = {
            (one["childSObject"], one["field"]): one["relationshipName"]
            for one in ask(org, "GET", f"sobjects/{name}/describe")["childRelationships"]
        }
        theirs = {
            (one["childSObject"], one["field"]): one["relationshipName"]
            for one in recorded(name)["childRelationships"]
        }
        shared = (ours.keys() & theirs.keys()) - {("User", "AccountId"), ("User", "ContactId")}

        assert {key: ours[key] for key in shared} == {key: theirs[key] for key in shared}


def test_recorded_collection_answers(org: SalesforceSandbox) -> None:
    """The recorded collection update and create are answered with the same shapes and codes."""
    traffic = json.loads((RECORDED / "grouparoo" / "recorded_interactions.json").read_text())
    update = next(one for one in traffic if one["request"]["method"] == "PATCH")
    create = next(one for one in traffic if one["request"]["method"] == "POST")
    sandbox = SalesforceSandbox()
    sandbox.add_field("Account", "Custom_External_ID__c", label="Id", type="Text", length=20)
    sandbox.add_field("Account", "email_field__c", label="email_field", type="Email")
    records = update["request"]["body"]["records"]
    for record in records:
        record["id"] = sandbox.insert("Account", Name="Old")

    updated = ask(sandbox, "PATCH", "composite/sobjects", update["request"]["body"])
    created = ask(sandbox, "POST", "composite/sobjects", create["request"]["body"])

    assert [set(one) for one in updated] == [set(one) for one in update["response"]["body"]]
    assert updated[1] == update["response"]["body"][1]
    assert created == create["response"]["body"]


def test_recorded_ids_have_our_checksum() -> None:
    """The 18-character ids of the recordings are what we make of their first 15."""
    found = {
        row["request"]["path"].rsplit("/", 1)[1]
        for row in json.loads((RECORDED / "grouparoo" / "recorded_interactions.json").read_text())
        if row["request"]["path"].startswith("/services/data/v42.0/sobjects/Account/")
    }

    assert found
    assert all(long_id(one[:15]) == one for one in found)


def test_restforce_shapes(org: SalesforceSandbox) -> None:
    """Answers have the keys of the hand-made fixtures of another client."""
    made = ask(org, "POST", "sobjects/Account", {"Name": "Acme"})
    shapes = {
        "create_success_response": made,
        "get_updated_success_response": ask(
            org,
            "GET",
            "sobjects/Account/updated",
            start="2026-03-09T00:00:00Z",
            end="2026-03-10T00:00:00Z",
        ),
        "get_deleted_success_response": ask(
            org,
            "GET",
            "sobjects/Account/deleted",
            start="2026-03-09T00:00:00Z",
            end="2026-03-10T00:00:00Z",
        ),
        "query_empty_response": ask(org, "GET", "query", q="SELECT Id FROM Contact"),
    }

    for name, ours in shapes.items():
        theirs = json.loads((RECORDED / "restforce" / f"{name}.json").read_text())
        assert set(ours) == set(theirs), name


def fixture(name: str) -> Any:
    """A hand-made answer of another client."""
    return json.loads((RECORDED / "restforce" / f"{name}.json").read_text())


def test_refusals_of_another_client(org: SalesforceSandbox) -> None:
    """Refusals have the very words that another client's fixtures have, but for the names."""
    nowhere = ask(org, "GET", "sobjects/Whizbang/describe")
    upsert = ask(org, "PATCH", "sobjects/Account/Namez/x", {"Name": "x"})
    column = ask(org, "POST", "sobjects/Account", {"foo": "x"})

    assert nowhere == fixture("sobject_describe_error_response")
    assert upsert == fixture("upsert_error_response")
    assert column[0]["errorCode"] == fixture("write_error_response")[0]["errorCode"]
    assert column[0]["message"] == "No such column 'foo' on sobject of type Account"


def test_logins_of_another_client(org: SalesforceSandbox) -> None:
    """A refused login and an ended session are told as another client expects them."""
    told = {"grant_type": "refresh_token", "refresh_token": "gone"}
    told |= {"client_id": org.logins.client_id, "client_secret": org.logins.client_secret}
    with pytest.raises(LoginError) as refused:
        org.logins.token(told, "", "https://acme.my.salesforce.com")
    with pytest.raises(RequestError) as ended:
        org.api.user_of("Bearer nobody's")

    expected = fixture("refresh_error_response")
    assert {"error": refused.value.code, "error_description": refused.value.description} == expected
    assert ended.value.body() == fixture("expired_session_response")


def test_recorded_composite_failure(org: SalesforceSandbox) -> None:
    """A failing part of a composite request is carried as in the recording."""
    asked = {"method": "GET", "referenceId": "r", "url": "/services/data/v66.0/sobjects/Nobody"}
    answer = ask(org, "POST", "composite", {"allOrNone": False, "compositeRequest": [asked]})
    text = (RECORDED / "cumulusci" / "TestCompositeParallelSalesforce.test_errors.yaml").read_text()
    (part,) = answer["compositeResponse"]

    assert (part["httpStatusCode"], part["httpHeaders"]) == (404, {})
    for word in (*part["body"][0].values(), *part, *part["body"][0]):
        assert str(word) in " ".join(text.split()), word
