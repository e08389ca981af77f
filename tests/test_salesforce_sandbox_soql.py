"""SOQL as the sandbox reads it: what it finds, and what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.salesforce.sandbox.errors import RequestError
from connectors.salesforce.sandbox.soql import Runner

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def org() -> SalesforceSandbox:
    made = SalesforceSandbox(clock=lambda: NOW)
    boss = made.insert(
        "Account", Name="Alpha Corp", ARR__c=100, Region__c="EMEA", Strategic__c=True
    )
    made.insert("Account", Name="beta's", ARR__c=50.5, Region__c="EMEA", ParentId=boss)
    made.insert("Account", Name="Gamma 100%", Region__c="APAC", Plan_Updated__c="2026-03-01")
    person = made.insert("Contact", LastName="Doe", FirstName="Jo", AccountId=boss)
    for month, stage in ((1, "Closed Won"), (2, "Closed Lost"), (6, "Prospecting")):
        made.insert(
            "Opportunity",
            Name=f"Deal {month}",
            StageName=stage,
            CloseDate=f"2026-{month:02d}-15",
            AccountId=boss,
            Amount=month * 10,
        )
    made.insert("Task", Subject="Call", WhatId=boss, WhoId=person, ActivityDate="2026-03-09")
    return made


def ask(org: SalesforceSandbox, soql: str) -> list[dict[str, Any]]:
    result = Runner(org.org, org.org.ids["integration"], "66.0").run(soql)
    return [result.record(row) for row in result.rows]


def names(org: SalesforceSandbox, where: str, source: str = "Account") -> list[str]:
    return [one["Name"] for one in ask(org, f"SELECT Name FROM {source} WHERE {where}")]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Name = 'ALPHA CORP'", ["Alpha Corp"]),
        ("Name LIKE '%a corp'", ["Alpha Corp"]),
        (r"Name LIKE '%\%'", ["Gamma 100%"]),
        (r"Name = 'beta\'s'", ["beta's"]),
        ("Name LIKE '_lpha%'", ["Alpha Corp"]),
        ("ARR__c > 50.5", ["Alpha Corp"]),
        ("ARR__c >= 50.5 AND Strategic__c = false", ["beta's"]),
        ("ARR__c = null", ["Gamma 100%"]),
        ("ARR__c != 100", ["beta's", "Gamma 100%"]),
        ("Name IN ('alpha corp', 'beta\\'s')", ["Alpha Corp", "beta's"]),
        ("Name NOT IN ('alpha corp', 'beta\\'s')", ["Gamma 100%"]),
        ("NOT Region__c = 'EMEA'", ["Gamma 100%"]),
        ("(Region__c = 'APAC' OR ARR__c = 100) AND Name != 'x'", ["Alpha Corp", "Gamma 100%"]),
        ("Parent.Name = 'Alpha Corp'", ["beta's"]),
        ("Account.Parent.Strategic__c = true", ["beta's"]),
        ("Plan_Updated__c = LAST_N_DAYS:9", ["Gamma 100%"]),
        ("Plan_Updated__c < LAST_N_DAYS:9", []),
        ("Plan_Updated__c = THIS_MONTH", ["Gamma 100%"]),
        ("Plan_Updated__c > 2026-02-28", ["Gamma 100%"]),
        ("CreatedDate = TODAY AND Region__c = 'APAC'", ["Gamma 100%"]),
        ("CreatedDate >= 2026-03-10T13:00:00+01:00 AND Strategic__c = true", ["Alpha Corp"]),
        ("SystemModstamp > 2026-03-10T12:00:00Z", []),
        ("Id IN (SELECT AccountId FROM Opportunity WHERE IsWon = true)", ["Alpha Corp"]),
        (
            "Id NOT IN (SELECT AccountId FROM Opportunity) AND Region__c = 'EMEA'",
            ["beta's"],
        ),
        ("Owner.Username LIKE 'admin%' AND Region__c = 'APAC'", ["Gamma 100%"]),
    ],
)
def test_where(org: SalesforceSandbox, where: str, found: list[str]) -> None:
    """Each condition finds the accounts that it should."""
    assert sorted(names(org, where)) == sorted(found)


def test_order_limit_offset(org: SalesforceSandbox) -> None:
    """Order disregards case, nulls come first unless told, and offset skips."""
    by_name = ask(org, "SELECT Name FROM Account ORDER BY Name DESC LIMIT 2 OFFSET 1")
    by_arr = ask(org, "SELECT Name FROM Account ORDER BY ARR__c, Name")
    last = ask(org, "SELECT Name FROM Account ORDER BY ARR__c DESC NULLS LAST")

    assert [one["Name"] for one in by_name] == ["beta's", "Alpha Corp"]
    assert [one["Name"] for one in by_arr] == ["Gamma 100%", "beta's", "Alpha Corp"]
    assert [one["Name"] for one in last] == ["Alpha Corp", "beta's", "Gamma 100%"]


def test_parents_and_children(org: SalesforceSandbox) -> None:
    """Parents nest with attributes first or are null; children come as a result of their own."""
    found = ask(
        org,
        "SELECT Name, Parent.Name, Parent.Owner.Name, (SELECT Name FROM Opportunities "
        "WHERE IsClosed = false) FROM Account WHERE Region__c = 'EMEA' ORDER BY Name",
    )
    task = ask(org, "SELECT What.Name, What.Type, Who.Name, Account.Name FROM Task")[0]

    assert list(found[0]) == ["attributes", "Name", "Parent", "Opportunities"]
    assert found[0]["Parent"] is None
    assert found[0]["Opportunities"]["totalSize"] == 1
    assert found[0]["Opportunities"]["records"][0]["Name"] == "Deal 6"
    assert found[1]["Parent"]["attributes"]["type"] == "Account"
    assert found[1]["Parent"]["Owner"]["Name"] == "Ada Admin"
    assert found[1]["Opportunities"] is None
    assert task["What"]["Type"] == "Account"
    assert task["Who"]["Name"] == "Jo Doe"
    assert task["Account"]["Name"] == "Alpha Corp"


def test_aggregates(org: SalesforceSandbox) -> None:
    """Groups have aliases or expr names, HAVING picks among them, and COUNT() has no records."""
    grouped = ask(
        org,
        "SELECT Region__c, COUNT(Id) n, SUM(ARR__c), MAX(Name) FROM Account GROUP BY Region__c "
        "ORDER BY COUNT(Id) DESC",
    )
    having = ask(org, "SELECT Region__c FROM Account GROUP BY Region__c HAVING COUNT(Id) > 1")
    years = ask(
        org,
        "SELECT CALENDAR_MONTH(CloseDate) m, AVG(Amount) FROM Opportunity "
        "GROUP BY CALENDAR_MONTH(CloseDate) ORDER BY CALENDAR_MONTH(CloseDate)",
    )
    total = Runner(org.org, None, "66.0").run("SELECT COUNT() FROM Account WHERE ARR__c > 0")

    assert grouped[0] == {
        "attributes": {"type": "AggregateResult"},
        "Region__c": "EMEA",
        "n": 2,
        "expr0": 150.5,
        "expr1": "beta's",
    }
    assert [one["Region__c"] for one in having] == ["EMEA"]
    assert [(one["m"], one["expr0"]) for one in years] == [(1, 10.0), (2, 20.0), (6, 60.0)]
    assert (total.total, total.rows) == (2, [])


def test_fields_function(org: SalesforceSandbox) -> None:
    """FIELDS(CUSTOM) gives the customer's fields, and needs a LIMIT."""
    custom = ask(org, "SELECT FIELDS(CUSTOM) FROM Account LIMIT 1")[0]
    with pytest.raises(RequestError) as refused:
        ask(org, "SELECT FIELDS(ALL) FROM Account")

    assert "ARR__c" in custom
    assert "Name" not in custom
    assert refused.value.code == "MALFORMED_QUERY"


@pytest.mark.parametrize(
    ("soql", "code", "says"),
    [
        ("SELECT FROM Account", "MALFORMED_QUERY", "unexpected token: 'FROM'"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Account LIMIT x", "MALFORMED_QUERY", "unexpected token: 'x'"),
        (
            "SELECT Id FROM Account WHERE Name = 'a' AND Type = 'b' OR Type = 'c'",
            "MALFORMED_QUERY",
            "unexpected token: 'OR'",
        ),
        (r"SELECT Id FROM Account WHERE Name = '\d'", "MALFORMED_QUERY", "Illegal character"),
        ("SELECT Id, Id FROM Account", "MALFORMED_QUERY", "duplicate field selected: Id"),
        ("SELECT Name, COUNT(Id) FROM Account", "MALFORMED_QUERY", "grouped or aggregated: Name"),
        ("SELECT Id FROM Account WHERE Name = :x", "MALFORMED_QUERY", ""),
        ("SELECT TYPEOF What WHEN Account THEN Name END FROM Task", "MALFORMED_QUERY", ""),
        ("SELECT Id FROM Account ALL ROWS", "MALFORMED_QUERY", "unexpected token: "),
        ("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000"),
        ("SELECT Id FROM Account WHERE CloseDate = TODAY", "INVALID_FIELD", "No such column"),
        ("SELECT Foo.Name FROM Account", "INVALID_FIELD", "Didn't understand relationship 'Foo'"),
        ("SELECT Id, (SELECT Id FROM Foos) FROM Account", "INVALID_TYPE", "Foos"),
        ("SELECT Id FROM Account ORDER BY Description", "INVALID_FIELD", "can not be sorted"),
        (
            "SELECT Id FROM Account WHERE ARR__c = '5'",
            "INVALID_FIELD",
            "must be of type double and should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Account WHERE Name = 5",
            "INVALID_FIELD",
            "must be of type string and should be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Account WHERE CreatedDate > 2026-01-01",
            "INVALID_FIELD",
            "must be of type dateTime",
        ),
        (
            "SELECT Id FROM Account WHERE Id = 'abc'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid ID field: abc",
        ),
    ],
)
def test_refusals(org: SalesforceSandbox, soql: str, code: str, says: str) -> None:
    """What SOQL does not have is refused with the API's code, not answered wrongly."""
    with pytest.raises(RequestError) as refused:
        ask(org, soql)

    assert refused.value.code == code
    assert says in refused.value.message


def test_unknown_column_points_at_itself(org: SalesforceSandbox) -> None:
    """The message of an unknown column has the line, an arrow, and row and column."""
    with pytest.raises(RequestError) as refused:
        ask(org, "SELECT Foo FROM Account")

    assert refused.value.message == (
        "\nSELECT Foo FROM Account\n       ^\nERROR at Row:1:Column:8\nNo such column 'Foo' on "
        "entity 'Account'. If you are attempting to use a custom field, be sure to append the "
        "'__c' after the custom field name. Please reference your WSDL or the describe call for "
        "the appropriate names."
    )
