"""Laws of the desired tasks, whatever the values: the same twice, and until the next turn."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playbook_people import PLAYBOOKS, TODAY, USERS, account_with, kept

from syncd.model import AccountRecords, Before, Derived, Opportunity, Ref
from syncd.playbooks import DesiredTask, compile_playbooks, desired_tasks, next_turn, shipped
from syncd.playbooks.names import VALUES
from syncd.policy import Policy

_day = st.one_of(st.none(), st.dates(date(2025, 1, 1), date(2027, 12, 31)))

_word = st.one_of(st.none(), st.text(max_size=8))

_states = {
    "renewal_status": st.sampled_from(
        [None, "window_open", "overdue", "not_due", "secured", "churned", "none"]
    ),
    "health_band": st.sampled_from([None, "green", "yellow", "red", "unknown"]),
    "plan_status": st.sampled_from([None, "missing", "stale", "draft", "current"]),
    "tier": st.sampled_from([None, "strategic", "growth", "maintenance", "else"]),
    "tier_previous": st.sampled_from([None, "growth"]),
}


def _value(name: str) -> st.SearchStrategy[Any]:
    if name in _states:
        return _states[name]
    kinds = {"DATETIME": _day, "BOOLEAN": st.sampled_from([None, True, False])}
    numbers = st.one_of(st.none(), st.integers(0, 100))
    return kinds.get(VALUES[name].name, numbers if VALUES[name].name == "FLOAT" else _word)


values_strategy = st.fixed_dictionaries(
    {}, optional={name: _value(name).map(Derived) for name in VALUES}
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    values=values_strategy,
    created=_day,
    closed=st.lists(st.dates(date(2026, 1, 1), date(2026, 6, 1)), max_size=3),
    owner=st.sampled_from([None, "am", "gone"]),
)
def test_tasks_are_the_same_twice_and_keys_unique(
    values: dict[str, Derived],
    created: date | None,
    closed: list[date],
    owner: str | None,
) -> None:
    """Whatever is or is not known: no exception, the same answer twice, and every key once."""
    deals = tuple(
        Opportunity(
            ref=Ref("crm", "Opportunity", str(n)),
            id=str(n),
            kind="new",
            closed=True,
            won=True,
            close_date=day,
        )
        for n, day in enumerate(closed)
    )
    records = AccountRecords(
        account_with(created_on=created, owner=owner, csm="am"), opportunities=deals, users=USERS
    )

    def ask() -> tuple[list[DesiredTask], list[Any]]:
        return desired_tasks(
            PLAYBOOKS,
            records,
            values,
            Before(first_run=False),
            Policy(),
            TODAY,
            load={"am": (1.5, "acme")},
        )

    tasks, findings = ask()

    assert ask() == (tasks, findings)
    assert len({task.key for task in tasks}) == len(tasks)
    assert all(len(task.key) <= 120 and len(task.subject) <= 120 for task in tasks)
    assert all(task.due.weekday() < 5 for task in tasks)
    assert all("None" not in task.subject for task in tasks)
    for task in tasks:
        assert task.opens is False or task.assignee in {"am", "boss"}


AHEAD = (1, 2, 3, 5, 8, 13, 14, 15, 21, 29, 30, 31, 45, 59, 60, 61, 89, 90, 91, 119, 120, 121)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    values=values_strategy,
    created=_day,
    closed=st.lists(st.dates(date(2025, 11, 1), date(2026, 5, 11)), max_size=2),
)
def test_tasks_stay_until_the_next_turn(
    values: dict[str, Derived], created: date | None, closed: list[date]
) -> None:
    """Whatever the values: while they stand, no task comes, goes or changes before the turn."""
    deals = tuple(
        Opportunity(ref=Ref("crm", "o", str(n)), id=str(n), kind="new", won=True, close_date=day)
        for n, day in enumerate(closed)
    )
    records = AccountRecords(account_with(created_on=created), opportunities=deals, users=USERS)
    stood = {name: derived.value for name, derived in values.items()}
    before = Before(values=stood, since={"health_band": TODAY}, first_run=False)
    turn = next_turn(PLAYBOOKS, records, values, before, Policy(), TODAY)

    def ask(day: date) -> list[DesiredTask]:
        return desired_tasks(PLAYBOOKS, records, values, before, Policy(), day)[0]

    now = ask(TODAY)
    eve = [] if turn is None else [turn - timedelta(days=1)]
    for day in [*eve, *(TODAY + timedelta(days=ahead) for ahead in AHEAD)]:
        if turn is None or day < turn:
            later = ask(day)
            moves = {task.key: task.due_moves for task in later}
            assert [kept(t) for t in later] == [
                kept(t, due_moves=moves.get(t.key, False)) for t in now
            ], day


@pytest.mark.parametrize(
    ("when", "turn"),
    [
        ("days_to(renewal_date) <= 45", date(2026, 8, 17)),
        ("today >= d'2026-07-01'", date(2026, 7, 1)),
        ("renewal_date <= today", date(2026, 10, 1)),
        ("days_to(renewal_date) < 2 * 7", date(2026, 5, 12)),
        ("arr > 5", date(2026, 7, 1)),
    ],
)
def test_next_turn_of_an_own_playbook(when: str, turn: date) -> None:
    """The next turn is never later than the day on which a condition begins or ceases to hold."""
    row = {
        "id": "own",
        "when": when,
        "once_per": "quarter",
        "assignee": "am",
        "due": 2,
        "subject": "x",
    }
    off = [{"id": id, "enabled": False} for id in shipped()]
    policy = Policy.model_validate({"playbooks": [row, *off]})
    values = {"renewal_date": Derived(date(2026, 10, 1)), "arr": Derived(Decimal(9))}

    found = next_turn(
        compile_playbooks(policy),
        AccountRecords(account_with(), users=USERS),
        values,
        Before(),
        policy,
        TODAY,
    )

    assert found is not None
    assert TODAY < found <= turn
