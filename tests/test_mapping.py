"""Mapping files: what they may say, what they mean, and how their mistakes are told."""

from __future__ import annotations

import json
import time
import tomllib
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.connector import Association, FieldType, Record, SchemaField
from syncd.errors import ConfigError
from syncd.examples import ExamplesFile
from syncd.located import parse_toml
from syncd.mapping import Mapping, ReadContext, load_mapping, mapping_of, mapping_schema
from syncd.mapping.results import RESULTS
from syncd.mapping.vocabulary import KINDS
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
from syncd.policy import Policy, TierPolicy

ROOT = Path(__file__).parent.parent
CASES = sorted((ROOT / "tests" / "cases" / "mapping").glob("*.toml"))
READ_ONLY = {"warehouse"}  # see test_warehouse.py
SHIPPED = sorted(
    p for p in (ROOT / "mappings").glob("*.toml") if p.stem not in READ_ONLY and "." not in p.stem
)
SOQL: dict[str, Any] = {
    "id_field": "Id",
    "user": {
        "object": "User",
        "fields": {"id": "Id", "name": "Name", "email": "Email", "manager": "ManagerId"},
    },
    "writes": {
        "task": {
            "object": "Task",
            "account": "WhatId",
            "owner": "OwnerId",
            "subject": "Subject",
            "body": "Description",
            "due": "ActivityDate",
            "priority": {
                "field": "Priority",
                "values": {"low": "Low", "normal": "Normal", "high": "High"},
            },
            "status": {
                "field": "Status",
                "values": {"open": "Not Started", "completed": "Completed"},
            },
        }
    },
}
FILTERS: dict[str, Any] = {
    "id_field": "",
    "user": {"object": "owners", "fields": {"id": "id", "email": "email"}},
    "writes": {
        "task": {
            "object": "tasks",
            "account": {"association": "companies"},
            "owner": "hubspot_owner_id",
            "subject": "hs_task_subject",
            "body": {"field": "hs_task_body", "as": "html_text"},
            "due": {"field": "hs_timestamp", "as": "date"},
            "status": {
                "field": "hs_task_status",
                "values": {"open": "NOT_STARTED", "completed": "COMPLETED"},
            },
        }
    },
}
EUR = ReadContext("USD", {"EUR": Decimal("1.08"), "USD": Decimal(1)}, "USD")
ACCOUNT = 'version = 1\n[account]\nobject = "Account"\n'


def made(text: str, defaults: dict[str, Any] | None = None, zone: str = "UTC") -> Mapping:
    located = parse_toml(text.encode(), "m.toml")
    return mapping_of(
        located,
        connection="sf",
        defaults=SOQL if defaults is None else defaults,
        timezone=ZoneInfo(zone),
    )


def one(mapping: Mapping, source: str, **fields: Any) -> Any:
    (item,) = mapping.read(source, Record("001", fields), EUR)
    return item


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_mistakes(path: Path) -> None:
    """Each mistake is told at its place in an admin's words, as the case's first lines expect."""
    located = parse_toml(path.read_bytes(), "m.toml")
    expected = [
        line.removeprefix("# expect ")
        for line in path.read_text().splitlines()
        if line.startswith("# expect ")
    ]
    with pytest.raises(ConfigError) as caught:
        mapping_of(located, connection="sf", defaults=SOQL)
    told = [str(problem).removeprefix("m.toml:") for problem in caught.value.problems]

    assert told == expected


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_mappings(path: Path) -> None:
    """Every shipped mapping loads without a warning, writes every result, and has its task key."""
    mapping = load_mapping(
        path, path.name, connection="x", defaults=SOQL if "salesforce" in path.name else FILTERS
    )
    ours = [write.field for write in mapping.account_writes]

    assert {write.result for write in mapping.account_writes} == set(RESULTS)
    assert all(field.lower().startswith("syncd_") for field in ours)
    assert mapping.warnings == ()
    assert mapping.problems_with_policy(Policy()) == []
    assert mapping.task is not None
    assert mapping.task.shape.key_field.lower().removesuffix("__c") == "syncd_key"
    assert mapping.kinds >= set(KINDS) - {"usage", "role"}
    assert all(len(spec.label) <= 40 for spec in mapping.specs(Policy()))


def test_interface_example() -> None:
    """The shorthands mean what the documentation says of them."""
    mapping = made(
        ACCOUNT
        + """
where = "Type LIKE 'Customer%'"
[account.fields]
name   = "Name"
domain = { field = "Website", as = "domain" }
status = { field = "Type", values = { "Prospect" = "prospect" }, default = "customer" }
arr    = { field = "ARR__c", as = "money" }
csm    = { first_of = ["CSM__c", "OwnerId"] }
region = "Owner.UserRole.Name"
strategic = "Strategic__c"
cross_sell = "Asked__c"
[account.plan]
overview = "Plan_Overview__c"
"""
    )
    account = one(
        mapping,
        "Account",
        Name="Acme",
        Website="https://www.acme.com/en",
        Type="Customer - Direct",
        ARR__c=1200.505,
        CSM__c=None,
        OwnerId="005",
        Strategic__c="false",
        Asked__c=True,
        Plan_Overview__c="Grow",
        **{"Owner.UserRole.Name": "EMEA"},
    )

    assert isinstance(account, Account)
    assert (account.name, account.domain, account.status) == ("Acme", "acme.com", "customer")
    assert (account.arr, account.csm, account.region) == (Decimal("1200.51"), "005", "EMEA")
    assert account.strategic is False
    assert account.cross_sell == "flagged in the CRM"
    assert account.plan is not None
    assert account.plan.overview == "Grow"
    assert one(mapping, "Account").status == "customer"
    assert one(mapping, "Account", Asked__c=False).cross_sell is None
    assert mapping.sources[0].where == "Type LIKE 'Customer%'"
    assert mapping.fields >= {"account.plan", "account.plan.overview", "account.cross_sell"}


CONTRACT = (
    ACCOUNT
    + """
[contract]
object = "Contract"
value_is = "{is_}"
[contract.fields]
account = "AccountId"
status = {{ field = "Status", values = {{ Activated = "active", Draft = "draft" }} }}
start_date = "StartDate"
end_date = "EndDate"
term_months = "ContractTerm"
value = "Value__c"
arr = "ARR__c"
currency = "CurrencyIsoCode"
"""
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


WRITES = (
    ACCOUNT
    + """
[account.fields]
name = "Name"
[writes.account]
renewal_date = "Syncd_Renewal_Date__c"
tier = { field = "Syncd_Tier__c", values = { strategic = "Tier 1", growth = "Tier 2" } }
tier_reason = "Syncd_Tier_Reason__c"
arr = "Syncd_ARR__c"
key_account = { field = "Syncd_Key_Account__c", values = { true = "Yes", false = "No" } }
single_threaded = "Syncd_Single__c"
health_score = { field = "Syncd_Health__c", as = "percent" }
handoff_missing = { field = "Syncd_Missing__c", as = "html_text" }
next_qbr_due = { field = "Syncd_QBR__c", as = "text" }
synced_at = "Syncd_At__c"
[writes.task]
key = "Syncd_Key__c"
playbook = "Syncd_Playbook__c"
"""
)


def test_account_writes() -> None:
    """Values go out in the CRM's words and come back as they were."""
    writes = {write.result: write for write in made(WRITES).account_writes}
    tier, key = writes["tier"], writes["key_account"]

    assert (tier.encode("strategic"), tier.encode("maintenance")) == ("Tier 1", "maintenance")
    assert (tier.decode("tier 1"), tier.decode("Odd"), tier.decode("")) == (
        "strategic",
        "Odd",
        None,
    )
    assert tier.decode("strategic") != "strategic"
    assert (key.encode(True), key.decode("No"), key.shown(True)) == ("Yes", False, "Yes")
    assert writes["single_threaded"].decode("false") is False
    assert writes["renewal_date"].decode("2026-12-31") == date(2026, 12, 31)
    assert writes["renewal_date"].shown(date(2026, 12, 31)) == "2026-12-31"
    assert writes["renewal_date"].decode("soon") == "soon"
    assert writes["arr"].decode("1200.50") == Decimal("1200.5")
    assert (writes["arr"].shown(Decimal("1200.50")), writes["arr"].shown(Decimal("1E+3"))) == (
        1200.5,
        1000,
    )
    assert writes["health_score"].decode(85.0) == 85
    assert writes["next_qbr_due"].encode(date(2026, 1, 2)) == "2026-01-02"
    assert writes["next_qbr_due"].decode("2026-01-02") == date(2026, 1, 2)
    assert writes["handoff_missing"].decode("a &lt; b<br>c") == "a < b\nc"
    assert writes["handoff_missing"].shown("a < b") == "a < b"


def schema_field(type: FieldType, **more: Any) -> SchemaField:
    return SchemaField(name="x", label="x", type=type, **more)


def test_fit() -> None:
    """A value is compared as the CRM will hold it: cut, rounded, whole."""
    writes = {write.result: write for write in made(WRITES).account_writes}
    text = schema_field(FieldType.TEXT, length=10)
    money = schema_field(FieldType.MONEY, scale=0)
    moment = datetime(2026, 1, 1, 1, 1, 1, 5, tzinfo=UTC)

    assert writes["tier_reason"].fit("ARR of 120,000", text) == "ARR of 12…"
    assert writes["tier_reason"].fit("short", text) == "short"
    assert writes["tier_reason"].fit("x" * 999, schema_field(FieldType.TEXT)) == "x" * 999
    assert writes["handoff_missing"].fit("a & b & c", text) == "a & b…"
    assert writes["arr"].fit(Decimal("100.50"), money) == Decimal(101)
    assert writes["arr"].fit(Decimal("100.505"), schema_field(FieldType.MONEY)) == Decimal(
        "100.505"
    )
    assert writes["health_score"].fit(Decimal("84.5"), money) == 85
    assert writes["tier"].fit("strategic", text) == "strategic"
    assert writes["synced_at"].fit(moment, text) == moment.replace(microsecond=0)
    assert writes["arr"].fit(None, money) is None


@given(st.text(max_size=60), st.integers(1, 40))
def test_fitted_text_stays_as_it_is(text: str, length: int) -> None:
    """What fits once fits again, and never exceeds the field, also as HTML."""
    for write in made_writes():
        field = schema_field(FieldType.TEXT, length=length)
        fitted = write.fit(text, field)

        assert write.fit(fitted, field) == fitted
        assert write.codec == "html_text" or len(str(fitted)) <= length


def made_writes() -> list[Any]:
    if not _WRITES:
        writes = made(WRITES).account_writes
        _WRITES.extend(w for w in writes if w.result in {"tier_reason", "handoff_missing"})
    return _WRITES


_WRITES: list[Any] = []


def test_percent_as_fraction() -> None:
    """Where the connector says so, the CRM's percentages are fractions: 0.85 is 85."""
    (write,) = made(
        ACCOUNT + '[writes.account]\nhealth_score = { field = "S__c", as = "percent" }\n',
        SOQL | {"percent": "fraction"},
    ).account_writes

    assert write.encode(85) == Decimal("0.85")
    assert write.decode("0.8500000000000000333") == 85
    assert write.shown(85) == 85


def test_tasks() -> None:
    """Tasks take the CRM's standard fields by default, and read back what was written."""
    mapping = made(WRITES)
    task = mapping.task
    assert task is not None
    wanted = {
        "key": "k",
        "playbook": "qbr-due",
        "owner": "5",
        "subject": "Hold a QBR",
        "body": "Because",
        "due": date(2026, 1, 2),
        "priority": "high",
        "status": "open",
    }
    encoded = task.encode({**wanted, "account": "1", "other": 1})
    record = Record("t", {**encoded, "WhatId": "1"})
    source = mapping.sources[-1]

    assert encoded["Priority"] == "High"
    assert encoded["ActivityDate"] == date(2026, 1, 2)
    assert "WhatId" not in encoded
    assert task.decode(record) == {**wanted, "due": "2026-01-02", "account": "1"}
    assert task.decode(Record("t", {"Status": "Waiting"}))["status"] == "open"
    assert task.decode(Record("t", {"Status": "Completed"}))["status"] == "completed"
    assert task.encode({"owner": None, "subject": "x"}) == {"Subject": "x"}
    assert task.fields == set(wanted)
    assert (source.name, source.where, source.keep_deleted) == (
        "task",
        "Syncd_Key__c != null",
        True,
    )
    assert mapping.parent("task", record) == ("account", "1")
    assert mapping.task_source == "task"


def test_tasks_by_association() -> None:
    """HubSpot's tasks hang on their company by association; a due date is that day everywhere."""
    text = ACCOUNT + '[writes.task]\nkey = "syncd_key"\nbody = "hs_task_body"\n'
    mapping = made(text, FILTERS, "Pacific/Auckland")
    task = mapping.task
    assert task is not None
    fields = {"hs_timestamp": "2026-01-01T23:00:00Z", "hs_task_body": "a<br>b &amp; c"}
    shown = task.decode(Record("t", fields, {"companies": ("9",)}))

    assert task.shape.account_association == Association("companies")
    assert (shown["due"], shown["account"], shown["body"]) == ("2026-01-02", "9", "a\nb & c")
    assert mapping.sources[-1].where == ({"propertyName": "syncd_key", "operator": "HAS_PROPERTY"},)
    assert mapping.sources[-1].associations == (Association("companies"),)


def test_without_task_section_there_are_none() -> None:
    """Nothing is written that the file does not name, whatever the connector's defaults are."""
    mapping = made(ACCOUNT)

    assert (mapping.task, mapping.task_source, mapping.account_writes) == (None, None, ())


def test_specs() -> None:
    """Provisioning makes what is written, the task's key, and inputs that bear syncd's prefix."""
    mapping = made(
        WRITES.replace(
            'name = "Name"',
            'name = "Name"\nstrategic = "Syncd_Strategic__c"\nregion = "Owner.Syncd_X__c"',
        )
    )
    specs = {spec.name: spec for spec in mapping.specs(Policy())}

    assert specs["Syncd_Tier__c"].options == ("Tier 1", "Tier 2", "maintenance")
    assert specs["Syncd_Tier__c"].label == "Syncd Tier"
    assert specs["Syncd_Key_Account__c"].options == ("Yes", "No")
    assert specs["Syncd_ARR__c"].type is FieldType.MONEY
    assert specs["Syncd_Health__c"].type is FieldType.PERCENT
    assert specs["Syncd_Missing__c"].type is FieldType.HTML
    assert specs["Syncd_QBR__c"].type is FieldType.TEXT
    assert (specs["Syncd_Key__c"].object, specs["Syncd_Key__c"].unique) == ("Task", True)
    assert specs["Syncd_Strategic__c"].writable is False
    assert "Owner.Syncd_X__c" not in specs
    assert "Name" not in specs


def test_problems_with_policy() -> None:
    """A tier that the policy does not name is told with its place."""
    policy = Policy(tier=TierPolicy(names=("gold", "growth", "bronze")))
    told = [str(problem) for problem in made(WRITES).problems_with_policy(policy)]

    assert told == [
        'm.toml:9:46: "strategic" is no tier of [policy.tier] names (known: gold, growth, bronze)'
    ]


def test_hash() -> None:
    """The hash stands for the meaning: comments and layout do not change it, a field does."""
    text = made(WRITES).hash

    assert made(f"# note\n{WRITES}".replace(" = ", "   =  ")).hash == text
    assert made(WRITES.replace("Syncd_ARR__c", "Syncd_ARR2__c")).hash != text
    assert made(WRITES, zone="Europe/London").hash != text


def test_warnings_do_not_stop() -> None:
    """A section that some rules cannot use is warned about, and loads."""
    mapping = made(
        ACCOUNT + '[contract]\nobject = "Contract"\nfields = { account = "AccountId" }\n'
    )

    assert [problem.severity for problem in mapping.warnings] == ["warning", "warning"]
    assert "contracts without a start are refused" in str(mapping.warnings[0])


def test_schema_is_complete() -> None:
    """The JSON Schema for editors names every kind, field, result and part of a task."""
    schema = json.dumps(mapping_schema())

    assert all(f'"{kind}"' in schema for kind in KINDS)
    assert all(f'"{name}"' in schema for fields in KINDS.values() for name in fields)
    assert all(f'"{name}"' in schema for name in RESULTS)
    assert all(field in schema for field in ("first_of", "additionalProperties", "playbook"))


def test_readme_names_the_whole_vocabulary() -> None:
    """mappings/README.md has every kind, field, result and codec, and its examples load."""
    page = (ROOT / "mappings" / "README.md").read_text()
    words = {*KINDS, *RESULTS, *(name for fields in KINDS.values() for name in fields)}
    words |= {"first_of", "association", "label", "values", "default", "value_is", "amount_is"}
    examples = page.split("```toml\n")[1:]

    assert not [word for word in words if f"`{word}`" not in page and f"{word} " not in page]
    for example in examples:
        text = example.split("```")[0]
        if text.startswith("[[example]]"):
            assert ExamplesFile.model_validate(tomllib.loads(text)).example
            continue
        assert made(text, FILTERS if "companies" in text else SOQL).kinds >= {"account"}


def test_speed() -> None:
    """Reading is quick: 20,000 contracts in well under two seconds on one slow core."""
    mapping = made(CONTRACT.format(is_="total"))
    fields = {
        "AccountId": "1",
        "Status": "Activated",
        "StartDate": "2026-01-01",
        "ContractTerm": 12,
    }
    record = Record("1", {**fields, "Value__c": 1000.0, "CurrencyIsoCode": "EUR"})
    begun = time.process_time()
    for _ in range(20_000):
        mapping.read("Contract", record, EUR)

    assert time.process_time() - begun < 2


def test_words_of_the_policy_are_told_with_the_rest() -> None:
    """With the policy at hand, a tier that it does not know is one problem among the others."""
    text = """\
version = 1
[account]
object = "Account"
[writes.account]
tier = { field = "Tier__c", values = { strategik = "Tier 1" } }
health_band = { field = "Band__c", values = { gren = "G" } }
"""
    with pytest.raises(ConfigError) as caught:
        mapping_of(
            parse_toml(text.encode(), "m.toml"),
            connection="sf",
            defaults=SOQL,
            policy=Policy(),
        )

    assert [str(problem) for problem in caught.value.problems] == [
        'm.toml:5:40: "strategik" is no tier of [policy.tier] names (did you mean "strategic"?)',
        'm.toml:6:47: "gren" is no health_band that syncd writes (did you mean "green"?)',
    ]


INTERFACE = ROOT.parent / "shared" / "interface.md"
EXAMPLE = """\
version = 1
[account]
object = "Account"
[account.fields]
name = "Name"
[usage.meters]
api_calls = { used = "Calls__c", limit = "Call_Limit__c" }
[contract]
object = "contracts"
[contract.fields]
account = { association = "companies" }
end_date = { field = "hs_end_date", as = "date" }
"""


def documented_example() -> str:
    """The mapping that the interface's page shows; its doubtful parts where that is not at hand."""
    if not INTERFACE.is_file():
        return EXAMPLE
    text = INTERFACE.read_text(encoding="utf-8")
    return text[text.index("version = 1") :].partition("```")[0]


def test_the_documented_example_is_accepted() -> None:
    """It mixes two CRMs for the sake of brevity; that costs warnings, not the file."""
    located = parse_toml(documented_example().encode(), "m.toml")
    mapping = mapping_of(located, connection="sf", defaults=SOQL, policy=Policy())
    told = [problem.text for problem in mapping.warnings]

    assert '[usage] names no "object": its meters are not read' in told
    assert "this CRM has no associations: contract.account stays blank" in told
    assert "usage" not in mapping.kinds
