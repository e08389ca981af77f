"""Help for who edits a mapping: examples beside it, and likely fields from the CRM's schema."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest
from memory_book import connector, mapping_from

from connectors.salesforce import SalesforceConnector
from syncd.config import shipped_mappings
from syncd.connector import FieldType, SchemaField
from syncd.errors import ConfigError
from syncd.examples import examples_file, try_examples
from syncd.mapping import Mapping, ReadContext, load_mapping
from syncd.suggesting import suggest
from syncd.sync import Connected

CONTEXT = ReadContext(currency="USD", timezone=UTC)
SHIPPED = sorted(path for path in shipped_mappings().values() if examples_file(path).is_file())
LEAN = """
version = 1
[account]
object = "Account"
[account.fields]
name = "Name"
[opportunity]
object = "Opportunity"
[opportunity.fields]
account = "AccountId"
kind = "Kind"
won = "Won"
close_date = "CloseDate"
"""


def salesforce() -> Mapping:
    """The shipped mapping of standard objects."""
    path = shipped_mappings()["salesforce"]
    return load_mapping(
        path, "salesforce.toml", connection="sf", defaults=SalesforceConnector.mapping_defaults
    )


def surprises(folder: Path, text: str) -> list[str]:
    """What an examples file finds wrong with the shipped mapping: ``line:column: text``."""
    path = folder / "x.examples.toml"
    path.write_text(text, encoding="utf-8")
    _, found = try_examples(salesforce(), path, CONTEXT)
    return [str(problem).removeprefix(f"{path}:") for problem in found]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_examples_hold(path: Path) -> None:
    """What ships beside a mapping is true of it."""
    count, found = try_examples(salesforce(), examples_file(path), CONTEXT)

    assert count
    assert not found


def test_examples_are_no_mapping() -> None:
    """salesforce.examples.toml is not taken for a shipped mapping."""
    assert SHIPPED
    assert all("." not in name for name in shipped_mappings())


def test_a_surprise_is_told_at_its_line(tmp_path: Path) -> None:
    """What came out, what was expected, and where the expectation stands."""
    text = """\
[[example]]
object = "Opportunity"
kind = "opportunity"
given = { Type = "New Customer", IsWon = true, Amount = 1200 }
expect = { kind = "renewal", won = true, amount = 1200 }
"""
    assert surprises(tmp_path, text) == ['5:12: kind is "new", not "renewal"']


@pytest.mark.parametrize(
    ("given", "expect", "told"),
    [
        ("Typ = 'New Customer'", "won = true", '3:11: the mapping reads no field "Typ" of'),
        ("IsWon = true", "wonn = true", '4:12: opportunity has no field "wonn" (did you mean'),
        (
            "CloseDate = 'soon'",
            "won = true",
            "3:1: nothing is read from this record: CloseDate says",
        ),
    ],
)
def test_mistakes_in_examples(tmp_path: Path, given: str, expect: str, told: str) -> None:
    """A field that nobody reads, a name that nobody knows, a record that is refused."""
    text = f'[[example]]\nobject = "Opportunity"\ngiven = {{ {given} }}\nexpect = {{ {expect} }}\n'

    assert surprises(tmp_path, text)[0].startswith(told)


def test_unknown_objects_and_keys(tmp_path: Path) -> None:
    """A "did you mean" for the object; unknown keys are errors with their place."""
    text = '[[example]]\nobject = "Acount"\ngiven = {}\nexpect = {}\n'

    assert surprises(tmp_path, text) == [
        '2:1: the mapping reads no object "Acount" (did you mean "Account"?)'
    ]
    with pytest.raises(ConfigError, match='unknown key "expects"'):
        surprises(tmp_path, '[[example]]\nobject = "Account"\ngiven = {}\nexpects = {}\n')


def test_what_is_written_can_be_tried_too(tmp_path: Path) -> None:
    """Values in, the CRM's fields out."""
    text = """\
[[example]]
write = true
given = { tier = "growth", tierr = "x" }
expect = { Syncd_Tier__c = "Tier 2", Syncd_Teir__c = "x" }
"""
    assert surprises(tmp_path, text) == [
        '3:28: the mapping writes no "tierr" (did you mean "tier"?)',
        '4:12: Syncd_Tier__c is "growth", not "Tier 2"',
        '4:38: "Syncd_Teir__c" is not written (did you mean "Syncd_Tier__c"?)',
    ]


def test_likely_fields_by_name_label_type_and_fill() -> None:
    """A money field labelled so is the ARR; a text of that name is not; pain points by label."""
    memory = connector("suggesting")
    crm = memory.crm
    crm.fields["Account"] = {
        name: SchemaField(name=name, label=label, type=type)
        for name, label, type in (
            ("Name", "Name", FieldType.TEXT),
            ("X1__c", "Annual Recurring Revenue", FieldType.MONEY),
            ("ARR_Note__c", "ARR", FieldType.TEXT),
            ("NPS_Score__c", "NPS", FieldType.NUMBER),
        )
    }
    crm.fields["Opportunity"] = {
        "Pain__c": SchemaField(name="Pain__c", label="Pain Points", type=FieldType.LONG_TEXT)
    }
    crm.put("Account", "1", Name="Acme", X1__c=1200)
    crm.put("Account", "2", Name="Bolt")
    memory.open()
    mapping = mapping_from(LEAN)
    connected = Connected(name="crm", connector=memory, mapping=mapping, context=CONTEXT)
    found = {(one.kind, one.section, one.name): one for one in suggest(connected)}

    assert found["account", "fields", "arr"].field == "X1__c"
    assert found["account", "fields", "arr"].filled == 0.5
    assert found["account", "fields", "nps"].field == "NPS_Score__c"
    assert found["opportunity", "handoff", "pain_points"].field == "Pain__c"
    assert not {one.field for one in found.values()} & {"ARR_Note__c", "Name"}
