"""What the org works out by itself and what it refuses, without HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.salesforce.sandbox.errors import JsonTypeError, RequestError, RowError
from connectors.salesforce.sandbox.held import Actor
from connectors.salesforce.sandbox.ids import long_id, mint
from connectors.salesforce.sandbox.soql import Runner
from connectors.sandbox.book import (
    Book,
    BookActivity,
    BookContact,
    BookContract,
    BookCustomer,
    BookDeal,
    BookHandoff,
    BookTicket,
    BookUsage,
    Person,
)

NOW = datetime(2026, 3, 10, 12, 0, 0, 123456, tzinfo=UTC)


class Ticking:
    """A sandbox whose clock a test moves."""

    def __init__(self) -> None:
        """Begin at a fixed moment."""
        self.now = NOW
        self.org = SalesforceSandbox(clock=lambda: self.now)

    def row(self, name: str, key: str) -> dict[str, Any]:
        """Give one row."""
        return next(row for row in self.org.rows(name) if row["Id"] == key)

    def write(self, name: str, **values: Any) -> str:
        """Create as the integration user."""
        actor = Actor(self.org.org.ids["integration"])
        return self.org.org.create(name, values, actor)


@pytest.fixture
def at() -> Ticking:
    return Ticking()


def test_opportunity_follows_its_stage(at: Ticking) -> None:
    """Closed, won, probability and expected revenue come from the stage."""
    deal = at.org.insert(
        "Opportunity", Name="D", StageName="Prospecting", CloseDate="2026-05-01", Amount=1000
    )
    first = at.row("Opportunity", deal)
    at.org.edit("Opportunity", deal, StageName="closed won")
    won = at.row("Opportunity", deal)

    assert (first["IsClosed"], first["Probability"], first["ExpectedRevenue"]) == (False, 10, 100)
    assert (won["StageName"], won["IsWon"], won["Probability"]) == ("Closed Won", True, 100)
    assert won["ForecastCategory"] == "Closed"
    assert won["Fiscal"] == "2026 2"


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2025-03-01", 5, "2025-07-31"),
        ("2016-12-01", 1, "2016-12-31"),
        ("2016-11-30", 1, "2016-12-29"),
    ],
)
def test_contract_end_follows_start_and_term(
    at: Ticking, start: str, months: int, end: str
) -> None:
    """EndDate is the day before the term is over, and nobody sets it."""
    account = at.org.insert("Account", Name="A")

    made = at.write("Contract", AccountId=account, StartDate=start, ContractTerm=months)
    with pytest.raises(RowError) as fixed:
        at.write("Contract", AccountId=account, EndDate="2026-01-01")

    assert at.row("Contract", made)["EndDate"] == end
    assert at.row("Contract", made)["StatusCode"] == "Draft"
    assert fixed.value.code == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_contract_activation(at: Ticking) -> None:
    """A contract is made as a draft, then activated, and then neither goes back nor is deleted."""
    account = at.org.insert("Account", Name="A")
    with pytest.raises(RowError) as born_active:
        at.write("Contract", AccountId=account, Status="Activated")
    made = at.write("Contract", AccountId=account)
    at.org.edit("Contract", made, Status="Activated")
    with pytest.raises(RowError) as back:
        at.org.edit("Contract", made, Status="Draft")
    with pytest.raises(RowError):
        at.org.delete("Contract", made)

    assert born_active.value.code == back.value.code == "FAILED_ACTIVATION"
    assert at.row("Contract", made)["StatusCode"] == "Activated"
    assert "ActivatedDate" in at.row("Contract", made)


def test_task_is_derived(at: Ticking) -> None:
    """A task knows its account through an opportunity, closes with its status, and is dated."""
    account = at.org.insert("Account", Name="A")
    deal = at.org.insert(
        "Opportunity", Name="D", StageName="Prospecting", CloseDate="2026-05-01", AccountId=account
    )
    task = at.write("Task", Subject="Call", WhatId=deal, ActivityDate="2026-03-09")
    opened = at.row("Task", task)
    at.org.edit("Task", task, Status="Completed")

    assert opened["AccountId"] == account
    assert (opened["Status"], opened["Priority"], opened["IsClosed"]) == (
        "Not Started",
        "Normal",
        False,
    )
    assert at.row("Task", task)["CompletedDateTime"] == "2026-03-10T12:00:00.000+0000"
    assert at.row("Account", account)["LastActivityDate"] == "2026-03-09"


def test_stamps_are_whole_seconds_and_move(at: Ticking) -> None:
    """An edit by another person moves SystemModstamp and says who."""
    made = at.write("Account", Name="A")
    before = at.row("Account", made)
    at.now += timedelta(seconds=7)
    at.org.edit("Account", made, ARR__c=5)
    after = at.row("Account", made)

    assert before["SystemModstamp"] == "2026-03-10T12:00:00.000+0000"
    assert after["SystemModstamp"] == "2026-03-10T12:00:07.000+0000"
    assert before["LastModifiedById"] != after["LastModifiedById"]


def refusals() -> list[tuple[str, dict[str, Any], str]]:
    return [
        ("Account", {}, "REQUIRED_FIELD_MISSING"),
        ("Account", {"Name": "x", "ParentId": "003000000000000AAA"}, "MALFORMED_ID"),
        ("Account", {"Name": "x", "ParentId": mint("001", 99)}, "INVALID_CROSS_REFERENCE_KEY"),
        ("Account", {"Name": "x", "Phone": "1" * 41}, "STRING_TOO_LONG"),
        ("Account", {"Name": "x", "NPS__c": 1e9}, "NUMBER_OUTSIDE_VALID_RANGE"),
        (
            "Account",
            {"Name": "x", "LastActivityDate": "2026-01-01"},
            "INVALID_FIELD_FOR_INSERT_UPDATE",
        ),
        ("Contact", {"LastName": "x", "Email": "nobody"}, "INVALID_EMAIL_ADDRESS"),
    ]


@pytest.mark.parametrize(("name", "values", "code"), refusals())
def test_rows_are_refused(at: Ticking, name: str, values: dict[str, Any], code: str) -> None:
    """A bad row is refused with the API's code."""
    with pytest.raises(RowError) as refused:
        at.write(name, **values)

    assert refused.value.code == code


@pytest.mark.parametrize(
    "values",
    [
        {"ARR__c": "much"},
        {"Plan_Updated__c": "2026-02-30"},
        {"Strategic__c": "perhaps"},
        {"Strategic__c": None},
        {"NumberOfEmployees": 5.5},
        {"Phone": True},
    ],
)
def test_wrong_json_types_spoil_the_request(at: Ticking, values: dict[str, Any]) -> None:
    """A value that cannot become the field's type is a parser's error of the whole request."""
    with pytest.raises(JsonTypeError) as refused:
        at.write("Account", Name="x", **values)

    assert refused.value.code == "JSON_PARSER_ERROR"
    assert refused.value.located(b"{}").message.startswith("Cannot deserialize instance of")


def test_text_is_trimmed_and_numbers_rounded(at: Ticking) -> None:
    """Text loses its outer blanks, empty text is null, numbers keep the field's decimals."""
    made = at.write("Account", Name="  A ", Phone="  ", ARR__c=1.005, Seats__c="7")
    row = at.row("Account", made)

    assert row["Name"] == "A"
    assert "Phone" not in row
    assert row["ARR__c"] == pytest.approx(1.01)
    assert row["Seats__c"] == 7


def test_inactive_owner_is_refused(at: Ticking) -> None:
    """A record cannot be given to a user who has left."""
    left = at.org.insert(
        "User",
        Username="left@acme.example",
        LastName="Left",
        Email="left@acme.example",
        Alias="left",
        CommunityNickname="left",
        TimeZoneSidKey="Europe/London",
        LocaleSidKey="en_US",
        EmailEncodingKey="UTF-8",
        LanguageLocaleKey="en_US",
        ProfileId=at.org.org.ids["standard_profile"],
        IsActive=False,
    )

    with pytest.raises(RowError) as refused:
        at.write("Account", Name="x", OwnerId=left)

    assert refused.value.code == "INACTIVE_OWNER_OR_USER"
    assert refused.value.message == (
        f"operation performed with inactive user [{left[:15]}] as owner of account"
    )


def test_duplicate_value(at: Ticking) -> None:
    """A second row with the same unique value is refused and names the first."""
    at.org.add_field(
        "Activity", "Key__c", label="Key", type="Text", length=20, externalId=True, unique=True
    )
    first = at.write("Task", Subject="x", Key__c="a")

    with pytest.raises(RowError) as refused:
        at.write("Task", Subject="y", Key__c="A")

    assert refused.value.code == "DUPLICATE_VALUE"
    assert refused.value.message == (
        f"duplicate value found: Key__c duplicates value on record with id: {first[:15]}"
    )


def test_validation_rule(at: Ticking) -> None:
    """A rule of the org refuses the API's rows with its own text, until it is taken back."""
    at.org.reject(
        "Account", lambda row: row.get("ARR__c", 0) > 10, message="Too much.", fields=("ARR__c",)
    )
    with pytest.raises(RowError) as refused:
        at.write("Account", Name="x", ARR__c=11)
    at.org.accept_all()

    assert refused.value.entry() == {
        "statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "message": "Too much.",
        "fields": ["ARR__c"],
    }
    assert at.write("Account", Name="x", ARR__c=11)


def test_merge_moves_children(at: Ticking) -> None:
    """Losers are binned with MasterRecordId, and their children hang on the winner."""
    winner, loser = (at.org.insert("Account", Name=name) for name in ("W", "L"))
    child = at.org.insert("Contact", LastName="x", AccountId=loser)
    at.org.merge("Account", winner, [loser])

    assert at.row("Account", loser)["IsDeleted"]
    assert at.row("Account", loser)["MasterRecordId"] == winner
    assert at.row("Contact", child)["AccountId"] == winner


def test_removed_field_is_gone(at: Ticking) -> None:
    """After a field is removed, queries and writes no longer know it."""
    at.org.remove_field("Account", "ARR__c")

    with pytest.raises(RequestError) as query:
        Runner(at.org.org, None, "66.0").run("SELECT ARR__c FROM Account")
    with pytest.raises(RequestError) as write:
        at.write("Account", Name="x", ARR__c=1)

    assert query.value.code == write.value.code == "INVALID_FIELD"


def test_formula_changes_without_a_stamp(at: Ticking) -> None:
    """A calculated field follows another record and leaves SystemModstamp alone."""
    at.org.add_formula("Account", "Owner_Title__c", "string", "Owner.Title")
    made = at.org.insert("Account", Name="A")
    stamp = at.row("Account", made)["SystemModstamp"]
    at.now += timedelta(hours=1)
    at.org.edit("User", at.org.org.ids["admin"], Title="Queen")
    result = Runner(at.org.org, None, "66.0").run("SELECT Owner_Title__c FROM Account")
    with pytest.raises(RowError):
        at.write("Account", Name="x", Owner_Title__c="King")

    assert result.record(result.rows[0])["Owner_Title__c"] == "Queen"
    assert at.row("Account", made)["SystemModstamp"] == stamp


def test_currencies(at: Ticking) -> None:
    """With several currencies each record has one, and the org has rates."""
    made = at.org.insert("Account", Name="A", ARR__c=100)
    at.org.set_currencies("USD", {"EUR": 0.5})
    at.org.edit("Account", made, CurrencyIsoCode="EUR")
    run: Callable[[str], Any] = Runner(at.org.org, None, "66.0").run
    result = run("SELECT convertCurrency(ARR__c), CurrencyIsoCode FROM Account")
    rates = run("SELECT IsoCode, ConversionRate, IsCorporate FROM CurrencyType")

    assert result.record(result.rows[0])["ARR__c"] == 200
    assert [rates.record(row)["IsoCode"] for row in rates.rows] == ["USD", "EUR"]
    assert at.row("Account", at.org.insert("Account", Name="B"))["CurrencyIsoCode"] == "USD"


def test_short_ids_are_taken(at: Ticking) -> None:
    """An id of 15 characters is the same record; its long form restores lost capitals."""
    made = at.write("Account", Name="A")

    assert at.row("Account", at.write("Account", Name="B", ParentId=made[:15]))["ParentId"] == made
    assert long_id(made.lower()[:15] + made[15:]) == made


def small_book() -> Book:
    day = date(2026, 3, 10)
    return Book(
        today=day,
        people=(
            Person("m", "Mia Boss", "mia@acme.example"),
            Person("a", "Abe Rep", "abe@acme.example", manager="m"),
            Person("x", "Xi Gone", "xi@acme.example", active=False),
        ),
        customers=(
            BookCustomer(
                key="c",
                name="Ferrum",
                domain="ferrum.example",
                status="churned",
                segment="SMB",
                region="EMEA",
                country="Germany",
                currency="EUR",
                owner="a",
                csm="x",
                created_on=date(2025, 1, 2),
                contacts=(
                    BookContact("k", "Jo", "Doe", "jo@ferrum.example", "CFO", ("champion",)),
                ),
                deals=(
                    BookDeal(
                        "d",
                        "First",
                        "renewal",
                        "won",
                        day,
                        Decimal("12.50"),
                        "a",
                        term_months=12,
                        contract="t",
                        handoff=BookHandoff(pain_points="Too slow"),
                        contact_roles=(("k", "champion"),),
                    ),
                ),
                contracts=(
                    BookContract("t", "One", "active", day, None, 12, Decimal(12), deal="d"),
                    BookContract(
                        "u",
                        "Two",
                        "terminated",
                        day,
                        day,
                        None,
                        None,
                        renews="t",
                        terminated_on=day,
                    ),
                ),
                tickets=(BookTicket("q", "Broken", NOW, NOW, "urgent", escalated=True),),
                activities=(
                    BookActivity("e", "qbr", NOW, "k"),
                    BookActivity("f", "email_in", NOW, "k"),
                ),
                usage=(BookUsage(day, 5, 9, 10, (3, 4)),),
            ),
            BookCustomer(
                key="p",
                name="Filia",
                domain=None,
                status="prospect",
                segment="SMB",
                region="EMEA",
                country="France",
                currency="USD",
                owner="a",
                csm=None,
                created_on=day,
                parent="c",
            ),
        ),
    )


def test_book_is_poured_in() -> None:
    """A book's people, customers and all that hangs on them become the org's records."""
    org = SalesforceSandbox.from_book(small_book(), clock=lambda: NOW)
    ferrum, filia = org.rows("Account")
    deal = org.rows("Opportunity")[0]
    first, second = org.rows("Contract")
    users = {row["Username"]: row for row in org.rows("User")}

    assert ferrum["Type"] == "Former Customer"
    assert ferrum["CurrencyIsoCode"] == "EUR"
    assert ferrum["CreatedDate"].startswith("2025-01-02")
    assert filia["ParentId"] == ferrum["Id"]
    assert users["abe@acme.example"]["ManagerId"] == users["mia@acme.example"]["Id"]
    assert not users["xi@acme.example"]["IsActive"]
    assert (deal["IsWon"], deal["ContractId"]) == (True, first["Id"])
    assert deal["Pain_Points__c"] == "Too slow"
    assert first["EndDate"] == "2027-03-09"
    assert (second["Renews__c"], second["EndDate"]) == (first["Id"], "2026-03-10")
    assert org.rows("OpportunityContactRole")[0]["Role"] == "Champion"
    assert org.rows("Case")[0]["IsClosed"]
    assert org.rows("Event")[0]["Activity_Kind__c"] == "QBR"
    assert org.rows("Task")[0]["IsClosed"]
    assert org.rows("Product_Usage__c")[0]["Active_Users__c"] == 5
    assert ferrum["LastActivityDate"] == "2026-03-10"
