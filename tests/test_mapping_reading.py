"""What a mapping makes of a CRM's records."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mapping_files import ACCOUNT, CONTRACT, EUR, FILTERS, ROOT, SOQL, WRITES, made, one

from syncd.connector import Association, Record
from syncd.mapping import ReadContext, load_mapping
from syncd.model import (
    Account,
    Activity,
    Contact,
    Contract,
    Finding,
    Handoff,
    Opportunity,
    Usage,
    User,
)


@pytest.mark.parametrize(
    ("is_", "fields", "arr"),
    [
        ("total", {"Value__c": 30000, "ContractTerm": 36}, "10000.00"),
        ("total", {"Value__c": 100, "ContractTerm": 7}, "171.43"),
        ("annual", {"Value__c": 30000, "ContractTerm": 36}, "30000.00"),
        ("total", {"Value__c": 30000, "ARR__c": 9000, "ContractTerm": 36}, "9000.00"),
        ("total", {"Value__c": 24000, "EndDate": "2027-12-31"}, "12000.00"),
        ("total", {"Value__c": 24000, "EndDate": "2028-01-10"}, "12000.00"),
        (
            "total",
            {"Value__c": 24000, "EndDate": "2027-12-31", "CurrencyIsoCode": "EUR"},
            "12960.00",
        ),
        ("total", {"Value__c": 24000}, None),
        ("total", {"Value__c": 24000, "EndDate": "2025-12-31"}, None),
        ("total", {"Value__c": -5, "ContractTerm": 12}, None),
        ("total", {"ARR__c": 0, "Value__c": 500, "ContractTerm": 12}, None),
        ("total", {"Value__c": 1200, "ContractTerm": 0, "EndDate": "2026-12-31"}, "1200.00"),
        ("total", {}, None),
    ],
)
def test_arr_of_contracts(is_: str, fields: dict[str, Any], arr: str | None) -> None:
    """ARR is the CRM's own, else value by 12 / term, else by the months from start to end."""
    contract = one(
        made(CONTRACT.format(is_=is_)),
        "Contract",
        AccountId="1",
        Status="Activated",
        StartDate="2026-01-01",
        **fields,
    )

    assert isinstance(contract, Contract)
    found = None if contract.arr is None else round(contract.arr, 2)
    assert found == (None if arr is None else Decimal(arr))


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("001gK0000000005", "001gK0000000005QAA"),
        ("001gK0000000005QAA", "001gK0000000005QAA"),
        ("0015g00000aBcDe", "0015g00000aBcDeAAK"),
        ("210000000357", "210000000357"),
        ("a-third-party-1", "a-third-party-1"),
    ],
)
def test_short_ids_name_the_same_record(given: str, read: str) -> None:
    """A formula or an export gives a Salesforce id without its check letters."""
    defaults = {**SOQL, "short_ids": True}
    mapping = made(CONTRACT.format(is_="total"), defaults)
    fields = {"StartDate": "2026-01-01", "EndDate": "2026-12-31", "Status": "Activated"}
    contract = one(mapping, "Contract", AccountId=given, **fields)
    record = Record("1", {"AccountId": given, **fields})

    assert isinstance(contract, Contract)
    assert contract.account == read
    assert mapping.parent("Contract", record) == ("account", read)
    plain = one(made(CONTRACT.format(is_="total")), "Contract", AccountId=given, **fields)
    assert plain.account == given


OWN_TASKS = """
[[activity]]
object = "Task"
[activity.fields]
account = "WhatId"
kind    = { field = "Type", values = { "Call" = "call" }, default = "other" }
at      = "ActivityDate"
"""


def test_own_tasks_are_no_activities() -> None:
    """A task that syncd opened is never read as a touch, though a person logs it as a call."""
    mapping = made(WRITES + OWN_TASKS)
    key = "Syncd_Key__c"
    (source,) = (s for s in mapping.sources if s.object == "Task" and s.name != "task")

    def kinds(**more: Any) -> list[str]:
        fields = {"WhatId": "7", "Type": "Call", "ActivityDate": "2026-05-06", **more}
        found = mapping.read(source.name, Record("1", fields, {}), EUR)
        return [item.kind for item in found if isinstance(item, Activity)]

    assert key in source.fields
    assert kinds() == ["call"]
    assert kinds(Syncd_Key__c=None) == ["call"]
    assert kinds(Syncd_Key__c="checkin-overdue/7/2026-05-06/am") == []


def test_unknown_currency_rejects_the_record() -> None:
    """A contract in a currency that nobody can convert is refused; an account loses its amounts."""
    finding = one(
        made(CONTRACT.format(is_="total")), "Contract", Status="Draft", CurrencyIsoCode="SEK"
    )
    account = made(ACCOUNT + '[account.fields]\narr = "ARR__c"\ncurrency = "CurrencyIsoCode"\n')
    record = Record("1", {"ARR__c": 5, "CurrencyIsoCode": "SEK"})
    lost, kept = account.read("Account", record, EUR)

    assert isinstance(finding, Finding)
    assert (finding.code, finding.field) == ("unknown_currency", "CurrencyIsoCode")
    assert "SEK" in finding.message
    assert "[currency.rates]" in finding.remedy
    assert isinstance(lost, Finding)
    assert isinstance(kept, Account)
    assert kept.arr is None


@pytest.mark.parametrize(
    ("currency", "home", "rates", "code", "factor"),
    [
        ("USD", "USD", {"EUR": "1.08"}, "EUR", "1.08"),
        ("USD", "USD", {"EUR": "1.08"}, None, "1"),
        ("EUR", "USD", {"EUR": "1.25", "GBP": "1.5"}, "GBP", "1.2"),
        ("EUR", "USD", {"EUR": "1.25"}, "USD", "0.8"),
        ("EUR", "EUR", {}, "EUR", "1"),
        ("EUR", "USD", {}, "USD", None),
        ("EUR", "USD", {}, "EUR", "1"),
        ("USD", "USD", {"EUR": "0"}, "EUR", None),
    ],
)
def test_conversion(
    currency: str, home: str, rates: dict[str, str], code: str | None, factor: str | None
) -> None:
    """Rates are worth in the CRM's home currency; amounts go to the portfolio's."""
    context = ReadContext(currency, {k: Decimal(v) for k, v in rates.items()}, home)

    assert context.factor(code) == (None if factor is None else Decimal(factor))


def test_the_configs_rates_fill_the_crms_gaps() -> None:
    """A currency that the CRM does not know is worth what the config says; the CRM goes first."""
    crm = {"USD": Decimal(1), "EUR": Decimal("1.25")}
    context = ReadContext("USD", crm, "USD", others={"EUR": Decimal(9), "JPY": Decimal("0.01")})

    assert context.factor("EUR") == Decimal("1.25")
    assert context.factor("JPY") == Decimal("0.01")
    assert context.factor("CHF") is None


def test_opportunity_with_handoff() -> None:
    """Handoff items on the opportunity come inside it; ARR is by term, else by a year."""
    mapping = made(
        ACCOUNT
        + """
[opportunity]
object = "Opportunity"
[opportunity.fields]
account = "AccountId"
kind = { field = "Type", values = { "New" = "new" }, default = "other" }
closed = "IsClosed"
won = "IsWon"
close_date = "CloseDate"
amount = "Amount"
term_months = { field = "Term__c", as = "duration" }
[opportunity.handoff]
pain_points = "Pain__c"
discounts = { field = "Discount__c", as = "html_text" }
"""
    )
    fields = {"AccountId": "1", "Type": "New", "IsWon": True, "CloseDate": "2026-05-01"}
    deal = one(
        mapping, "Opportunity", **fields, Amount=24000, Term__c="P2Y", Discount__c="<p>5&nbsp;%</p>"
    )
    bare = one(mapping, "Opportunity", Amount=500)

    assert isinstance(deal, Opportunity)
    assert (deal.kind, deal.won, deal.closed, deal.term_months) == ("new", True, False, 24)
    assert (deal.amount, deal.arr) == (Decimal(24000), Decimal(12000))
    assert deal.handoff == Handoff(deal.ref, opportunity="001", discounts="5 %")
    assert (bare.kind, bare.arr) == ("other", Decimal(500))
    assert mapping.kinds >= {"opportunity", "handoff"}
    assert "handoff.pain_points" in mapping.fields


def test_one_object_may_feed_several_kinds() -> None:
    """Sections with the same object and filter share one pull; another filter is another source."""
    mapping = made(
        ACCOUNT
        + """
[opportunity]
object = "Opportunity"
fields = { account = "AccountId", won = "IsWon", close_date = "CloseDate" }
[[contract]]
object = "Opportunity"
where = "IsWon = true"
[contract.fields]
account = "ACCOUNTID"
start_date = "CloseDate"
term_months = { default = 12 }
status = { default = "active" }
[[contract]]
object = "opportunity"
fields = { account = "accountid", start_date = "Start__c", end_date = "End__c" }
"""
    )
    items = mapping.read(
        "Opportunity", Record("1", {"AccountId": "9", "Start__c": "2026-01-01"}), EUR
    )
    (contract,) = mapping.read("Opportunity#2", Record("1", {"ACCOUNTID": "9"}), EUR)

    assert [source.name for source in mapping.sources] == [
        "Account",
        "Opportunity",
        "Opportunity#2",
        "User",
    ]
    assert mapping.sources[1].fields == ("AccountId", "IsWon", "CloseDate", "Start__c", "End__c")
    assert [type(item) for item in items] == [Opportunity, Contract]
    assert mapping.kinds_of("Opportunity") == ("opportunity", "contract")
    assert isinstance(contract, Contract)
    assert (contract.account, contract.term_months, contract.status) == ("9", 12, "active")
    assert mapping.canonical_of("Opportunity", "closedate") == ["opportunity.close_date"]
    assert mapping.input_fields_of("contract.start_date") == ("Start__c", "CloseDate")


def test_associations_and_parents() -> None:
    """A record's account comes by field or association, the first link being the primary one."""
    mapping = made(
        """version = 1
[account]
object = "companies"
where = [{ propertyName = "lifecyclestage", operator = "IN", values = ["customer"] }]
[[activity]]
object = "meetings"
[activity.fields]
account = { association = "companies" }
contact = { association = "contacts", label = "Host" }
kind = { default = "meeting" }
at = "hs_timestamp"
[handoff]
object = "2-1"
fields = { opportunity = { association = "deals" } }
[contact]
object = "contacts"
[contact.fields]
account = { first_of = ["a", "b"] }
active = { field = "left", values = { "true" = false, "false" = true } }
[contact.fields.roles]
field = "hs_buying_role"
as = "list"
values = { CHAMPION = "champion", DM = "economic_buyer" }
""",
        FILTERS,
    )
    links = {"companies": ("7", "8"), "contacts:Host": ("3",), "deals": ("5",)}
    meeting = Record("1", {"hs_timestamp": "2026-05-06T10:00:00Z"}, links)
    (activity,) = mapping.read("meetings", meeting, EUR)
    contact = one(mapping, "contacts", hs_buying_role="CHAMPION;DM;OTHER;champion", left="true")

    assert isinstance(activity, Activity)
    assert (activity.account, activity.contact, activity.kind) == ("7", "3", "meeting")
    assert activity.at == datetime(2026, 5, 6, 10, tzinfo=UTC)
    assert mapping.sources[3].associations == (
        Association("companies"),
        Association("contacts", "Host"),
    )
    assert mapping.parent("meetings", meeting) == ("account", "7")
    assert mapping.parent("meetings", Record("1", {}, {"contacts:Host": ("3",)})) == (
        "contact",
        "3",
    )
    assert mapping.parent("2-1", Record("1", {}, links)) == ("opportunity", "5")
    assert mapping.parent("companies", Record("7", {})) == ("account", "7")
    assert mapping.parent("contacts", Record("7", {"a": None, "b": "4"})) == ("account", "4")
    assert mapping.parent("owners", Record("7", {})) is None
    assert isinstance(contact, Contact)
    assert (contact.roles, contact.active) == (("champion", "economic_buyer"), False)
    assert mapping.sources[0].where == (
        {"propertyName": "lifecyclestage", "operator": "IN", "values": ["customer"]},
    )
    assert mapping.canonical_of("meetings", "companies") == ["activity.account"]
    assert mapping.canonical_of("meetings", "contacts:Host") == ["activity.contact"]


def test_unreadable_values() -> None:
    """A vital value that cannot be read costs the record, another only its field; each is named."""
    mapping = made(CONTRACT.format(is_="total") + 'notice_days = "Notice__c"\nname = "Name"\n')
    fields = {"Status": "Activated", "StartDate": "01/02/2026", "Notice__c": "soon"}
    findings = mapping.read("Contract", Record("1", fields), EUR)
    spared = mapping.read("Contract", Record("1", fields | {"StartDate": "2026-01-01"}), EUR)
    unknown = mapping.read("Contract", Record("1", {"Status": "Odd"}), EUR)

    assert [f.field for f in findings if isinstance(f, Finding)] == ["StartDate", "Notice__c"]
    assert len(findings) == 2
    assert isinstance(findings[0], Finding)
    assert findings[0].message == (
        'StartDate says "01/02/2026"; contract.start_date needs a date such as 2026-12-31'
    )
    assert [type(item) for item in spared] == [Finding, Contract]
    assert isinstance(unknown[0], Finding)
    assert unknown[0].code == "unknown_word"
    assert "add it to the values of contract.status" in unknown[0].remedy


raws = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        [
            "2026-02-30",
            "0001-01-01",
            "9999-12-31",
            "1E+400",
            "P1Y",
            "0001-01-01T00:00:00+05:00",
            "-1",
        ]
    ),
    st.lists(st.text(max_size=3), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=1),
)


@pytest.mark.parametrize("name", ["salesforce-sandbox", "hubspot-sandbox"])
def test_no_record_can_break_it(name: str) -> None:
    """Whatever a record holds, reading it gives canonical records and Findings, never an error."""
    defaults = SOQL if "salesforce" in name else FILTERS
    path = ROOT / "mappings" / f"{name}.toml"
    mapping = load_mapping(path, name, connection="x", defaults=defaults)

    @settings(max_examples=150, deadline=None)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        source = data.draw(st.sampled_from(mapping.sources))
        fields = {field: data.draw(raws) for field in source.fields}
        record = Record("1", fields, {"companies": ("2",)})
        found = mapping.read(source.name, record, EUR)
        mapping.parent(source.name, record)

        own = source.object == mapping.task.shape.object if mapping.task else False
        assert found or own
        for write in (*mapping.account_writes, *made(WRITES).account_writes):
            write.shown(write.decode(data.draw(raws)))
        assert mapping.task is not None
        assert mapping.task.decode(record)["status"] in {"open", "completed"}

    holds()


def test_usage_meters_and_gone_records() -> None:
    """Meters come as pairs, each part on its own; a record that is gone is nothing."""
    mapping = made(
        ACCOUNT
        + """
[usage]
object = "U__c"
fields = { account = "A__c", period_start = "P__c", active_users = "N__c" }
[usage.meters]
api_calls = { used = "Calls__c", limit = "Limit__c" }
seats = { used = "S__c" }
"""
    )
    usage = one(mapping, "U__c", A__c="1", P__c="2026-05-04", N__c=5.0, Calls__c=80, Limit__c=100.0)
    broken = mapping.read("U__c", Record("1", {"Calls__c": "many"}), EUR)

    assert isinstance(usage, Usage)
    assert usage.meters == {"api_calls": (Decimal(80), Decimal(100)), "seats": (None, None)}
    assert usage.active_users == 5
    assert [type(item) for item in broken] == [Finding, Usage]
    assert mapping.read("U__c", Record("1", {}, gone=True), EUR) == []


def test_users_and_managers() -> None:
    """Users are mapped by themselves; [user.managers] names managers by mail address."""
    mapping = made(ACCOUNT + '[user.managers]\n"Ann@x.com" = "bob@x.com"\n')
    ann = one(mapping, "User", Id="5", Name="Ann", Email="ann@X.com")
    bob = one(mapping, "User", Id="6", Name="Bob", Email="bob@x.com")
    users = mapping.with_managers([ann, bob])

    assert isinstance(ann, User)
    assert (ann.id, ann.active, ann.manager) == ("5", True, None)
    assert users["5"].manager == "6"
    assert users["6"].manager is None
    assert mapping.user_sources == {"User"}
