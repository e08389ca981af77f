"""What a mapping makes of values and tasks that go to a CRM."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from mapping_files import ACCOUNT, FILTERS, SOQL, WRITES, made

from syncd.connector import Association, FieldType, Record, SchemaField
from syncd.policy import Policy


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


def test_specs_of_a_field_that_is_read_twice() -> None:
    """A date that also tells the status is a date; a codec of one's own decides the type."""
    mapping = made(
        ACCOUNT
        + "[account.fields]\n"
        + 'cross_sell = { field = "Syncd_Cross_Sell__c", as = "bool" }\n'
        + 'created_on = { field = "Syncd_Since__c", as = "datetime" }\n'
        + """
[contract]
object = "Contract"
[contract.fields]
account = "AccountId"
status.first_of = ["Syncd_Ended__c", "StatusCode"]
status.values = { "Activated" = "active" }
status.default = "terminated"
start_date = "StartDate"
end_date = "EndDate"
terminated_on = "Syncd_Ended__c"
"""
    )
    specs = {spec.name: (spec.type, spec.options) for spec in mapping.specs(Policy())}

    assert specs["Syncd_Ended__c"] == (FieldType.DATE, ())
    assert specs["Syncd_Cross_Sell__c"] == (FieldType.BOOL, ())
    assert specs["Syncd_Since__c"] == (FieldType.DATETIME, ())
