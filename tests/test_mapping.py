"""Mapping files: what they may say, and how their mistakes are told."""

from __future__ import annotations

import json
import time
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from mapping_files import ACCOUNT, CONTRACT, EUR, FILTERS, ROOT, SOQL, WRITES, made, one

from syncd.connector import Record
from syncd.errors import ConfigError
from syncd.examples import ExamplesFile
from syncd.located import parse_toml
from syncd.mapping import load_mapping, mapping_of, mapping_schema
from syncd.mapping.results import RESULTS
from syncd.mapping.vocabulary import KINDS
from syncd.model import Account
from syncd.policy import Policy, TierPolicy

CASES = sorted((ROOT / "tests" / "cases" / "mapping").glob("*.toml"))

READ_ONLY = {"warehouse"}  # see test_warehouse.py

SHIPPED = sorted(
    p for p in (ROOT / "mappings").glob("*.toml") if p.stem not in READ_ONLY and "." not in p.stem
)


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


@pytest.mark.parametrize(
    ("table", "raw", "said"),
    [
        ('{ field = "X__c", as = "bool" }', True, "flagged in the CRM"),
        ('{ field = "X__c", as = "bool" }', "false", None),
        ('{ field = "X__c", as = "text" }', "Analytics", "Analytics"),
        ('{ field = "X__c", as = "list" }', "Analytics;Seats", "Analytics; Seats"),
        ('{ field = "X__c", as = "list" }', None, None),
    ],
)
def test_a_cross_sell_signal_is_a_tick_or_a_text(table: str, raw: object, said: str | None) -> None:
    """An admin may say which of the two it is."""
    mapping = made(f"{ACCOUNT}[account.fields]\ncross_sell = {table}\n")
    account = one(mapping, "Account", X__c=raw)

    assert isinstance(account, Account)
    assert account.cross_sell == said


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
