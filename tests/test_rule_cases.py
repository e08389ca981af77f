"""Every sentence of the rules, as the cases below ``tests/cases`` tell it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from case_files import Case, cases, stored

from syncd.model import Decision
from syncd.rules import RULES, BookBorders, RuleInput, arr_in_force

ALL = cases()
AHEAD = (*range(8), *range(10, 400, 13))


def _earliest(decision: Decision) -> date | None:
    return min((d.valid_until for d in decision.values.values() if d.valid_until), default=None)


def _valid_until(expected: Any) -> date | None:
    return None if expected == "never" else expected


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_case_is_answered_as_its_file_says(case: Case) -> None:
    """The rule says of the case's customer, on the case's day, what the file expects."""
    decision = case.run()
    values = decision.values
    expect = case.expect

    assert {k: values[k].value for k in expect.values} == expect.values, case.says
    assert {k: values[k].value for k in expect.blank} == dict.fromkeys(expect.blank), case.says
    assert not set(expect.absent) & values.keys(), case.says
    for name, pieces in expect.because_contains.items():
        for piece in [pieces] if isinstance(pieces, str) else pieces:
            assert piece in values[name].because, case.says
    if isinstance(expect.valid_until, dict):
        wanted = {k: _valid_until(v) for k, v in expect.valid_until.items()}
        assert {k: values[k].valid_until for k in wanted} == wanted, case.says
    elif expect.valid_until is not None:
        assert _earliest(decision) == _valid_until(expect.valid_until), case.says


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_case_refuses_the_records_it_names(case: Case) -> None:
    """The records refused are those the file names, with a reason and a remedy in words."""
    findings = case.run().findings

    assert {f.ref.id for f in findings} == case.expect.findings.keys(), case.says
    for finding in findings:
        assert case.expect.findings[finding.ref.id] in f"{finding.message} {finding.remedy}"
        assert finding.remedy, case.says


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_case_holds_until_it_says(case: Case) -> None:
    """Once stored, each value is computed again the same on every day before its valid_until."""
    decision = case.run()
    after = stored(case.before, decision, case.today)
    untils = {derived.valid_until for derived in decision.values.values()}

    assert case.run() == decision
    assert all(until is None or until > case.today for until in untils)
    eves = {until - timedelta(days=1) for until in untils if until is not None}
    for day in sorted(eves | {case.today + timedelta(days=n) for n in AHEAD}):
        later = case.run(day, after).values
        for name, derived in decision.values.items():
            if derived.valid_until is None or day < derived.valid_until:
                assert later[name].value == derived.value, (name, day, case.says)


def test_every_case_says_something() -> None:
    """There are cases, and no two say the same."""
    spoken = [(case.name.partition(" on ")[0], case.says) for case in ALL]

    assert ALL
    assert len({says for _, says in spoken}) == len({name for name, _ in spoken})


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_borders_go_by_the_same_arr_as_the_rule(case: Case) -> None:
    """The short way to the ARR, which the whole book is asked for, ends where the rule does."""
    given = RuleInput(case.records, case.before, {}, BookBorders(), case.policy, case.today)

    assert arr_in_force(given) == RULES[0].decide(given).values["arr"].value
