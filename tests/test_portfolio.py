"""The portfolio: the cases below ``tests/cases/portfolio``, and that every bridge foots.

A case has accounts with contracts, a period and the groups it expects; of a group those figures
are compared that the file names.
"""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from case_files import CASES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncd.model import Contract, Ref
from syncd.policy import Policy
from syncd.rules.portfolio import Group, PortfolioAccount, loads, portfolio

FILES = sorted((CASES / "portfolio").glob("*.toml"))
POLICY = Policy()


def _contract(raw: dict[str, Any], n: int) -> Contract:
    id = str(raw.get("id", f"c{n}"))
    fields = {"id": id, **raw}
    if "arr" in fields:
        fields["arr"] = Decimal(fields["arr"])
    return Contract(ref=Ref("crm", "Contract", id), **fields)


def _account(raw: dict[str, Any]) -> PortfolioAccount:
    contracts = tuple(_contract(c, n) for n, c in enumerate(raw.pop("contract", []), 1))
    if "nps" in raw:
        raw["nps"] = Decimal(raw["nps"])
    return PortfolioAccount(**raw, contracts=contracts)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_case_has_the_figures_its_file_says(path: Path) -> None:
    """The groups of the case's period are those of the file, with its figures."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    accounts = [_account(dict(row)) for row in raw["account"]]
    policy = Policy.model_validate(raw.get("policy", {}))

    groups = portfolio(accounts, raw["from"], raw["to"], raw.get("by", "book"), policy)

    assert [group.key for group in groups] == [row["key"] for row in raw["group"]], raw["says"]
    for group, row in zip(groups, raw["group"], strict=True):
        figures = msgspec.structs.asdict(group)
        for name, wanted in row.items():
            got = figures[name]
            if isinstance(got, float):
                got = Decimal(str(round(got, 4)))
            blank = wanted == "" and name not in {"key", "label"}
            assert got == (None if blank else wanted), (name, raw["says"])


def test_mistaken_periods_and_groupings() -> None:
    """A grouping that is none, or a period that ends before it starts, is refused in words."""
    with pytest.raises(ValueError, match="by must be one of"):
        portfolio([], date(2026, 1, 1), date(2026, 2, 1), "color", POLICY)
    with pytest.raises(ValueError, match="before it starts"):
        portfolio([], date(2026, 2, 1), date(2026, 1, 1), "book", POLICY)


def test_empty_book() -> None:
    """A book without accounts is one group of zeroes, with no rate to be had."""
    (group,) = portfolio([], date(2026, 1, 1), date(2026, 12, 31), "book", POLICY)

    assert group.starting_arr == group.ending_arr == 0
    assert group.nrr is None
    assert group.grr is None
    assert group.clv is None


def test_loads_by_account_manager() -> None:
    """Load is the sum of accounts over the ratio of their tier; ties of size go to the lower id."""
    rows = [("b", "am", "strategic", Decimal(5)), ("a", "am", "growth", Decimal(5))]
    rows.append(("c", "", "growth", Decimal(9)))

    assert loads(rows, POLICY) == {"am": (round(1 / 15 + 1 / 50, 6), "a")}


_day = st.dates(date(2024, 1, 1), date(2027, 12, 31))
_contracts = st.builds(
    Contract,
    ref=st.just(Ref("crm", "Contract", "c")),
    id=st.integers(0, 10_000).map(str),
    status=st.sampled_from(["active", "active", "terminated", "draft"]),
    start_date=st.one_of(st.none(), _day),
    end_date=st.one_of(st.none(), _day),
    term_months=st.one_of(st.none(), st.integers(-1, 36)),
    arr=st.one_of(st.none(), st.decimals(-10, 100_000, places=3)),
    auto_renew=st.booleans(),
    terminated_on=st.one_of(st.none(), _day),
)
_accounts = st.lists(
    st.builds(
        PortfolioAccount,
        id=st.integers(0, 99).map(str),
        status=st.sampled_from(["customer", "customer", "churned", "prospect"]),
        owner=st.sampled_from([None, "am1", "am2"]),
        segment=st.sampled_from([None, "smb", "mid"]),
        tier=st.sampled_from([None, "strategic", "growth", "maintenance"]),
        sponsor_engaged=st.sampled_from([None, True, False]),
        nps=st.one_of(st.none(), st.integers(-100, 100).map(Decimal)),
        contracts=st.lists(_contracts, max_size=3, unique_by=lambda c: c.id).map(tuple),
    ),
    max_size=6,
    unique_by=lambda account: account.id,
)
_SUMMED = (
    "starting_arr",
    "new",
    "expansion",
    "contraction",
    "churn",
    "ending_arr",
    "accounts",
    "contracts_ended",
    "contracts_renewed",
)


def _foots(group: Group) -> bool:
    moved = group.new + group.expansion - group.contraction - group.churn
    return group.starting_arr + moved == group.ending_arr


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(accounts=_accounts, start=_day, length=st.integers(0, 800))
def test_bridges_foot_and_parts_sum_to_the_whole(
    accounts: list[PortfolioAccount], start: date, length: int
) -> None:
    """Start + new + expansion - contraction - churn = end; groups add up; GRR <= 1 and <= NRR."""
    end = start + timedelta(days=length)
    (whole,) = portfolio(accounts, start, end, "book", POLICY)

    for by in ("book", "tier", "owner", "segment"):
        groups = portfolio(accounts, start, end, by, POLICY)
        for group in groups:
            assert _foots(group)
            assert (
                min(group.new, group.expansion, group.contraction, group.churn, group.ending_arr)
                >= 0
            )
            if group.grr is not None and group.nrr is not None:
                assert group.grr <= 1
                assert group.grr <= group.nrr
            assert group.contracts_renewed <= group.contracts_ended
            if group.clv is not None and group.mean_acv is not None:
                assert group.clv <= 10 * group.mean_acv + Decimal("0.1")
        for name in _SUMMED:
            assert sum(getattr(group, name) for group in groups) == getattr(whole, name), name
