"""Which tasks accounts should have: the cases below ``tests/cases/playbooks``, and laws.

A case gives the account's values (its form: ``tests/cases/README.md``) and expects:
``opens`` and ``stays`` (keys of tasks, in their order, that open now or only stay open); then, of
the first of them, any of ``assignee``, ``due``, ``due_moves``, ``priority``, ``subject`` and
``body_contains``; the same below ``last`` of the last; ``findings``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from case_files import CASES, Case, read
from playbook_people import PLAYBOOKS, TODAY, USERS, account_with, kept, user_with
from rule_engine import Rule

from connectors.hubspot import HubSpotConnector
from syncd.mapping import load_mapping
from syncd.model import AccountRecords, Before, Derived, Opportunity, Ref
from syncd.playbooks import DesiredTask, closing_note, compile_playbooks, desired_tasks, next_turn
from syncd.playbooks.wording import Template, body_text
from syncd.policy import Policy

ALL = [case for path in sorted((CASES / "playbooks").glob("*.toml")) for case in read(path)]


def _ask(case: Case, today: date | None = None) -> tuple[list[DesiredTask], list[Any]]:
    return desired_tasks(
        compile_playbooks(case.policy),
        case.records,
        case.values,
        case.before,
        case.policy,
        today or case.today,
        currency="USD",
    )


def _compare(task: DesiredTask, expected: Mapping[str, Any]) -> None:
    for name in ("assignee", "due", "due_moves", "priority", "subject"):
        if name in expected:
            assert getattr(task, name) == expected[name], name
    for piece in expected.get("body_contains", ()):
        assert piece in task.body


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_case_has_the_tasks_its_file_says(case: Case) -> None:
    """The account should have the tasks that the file names, with what it says of them."""
    tasks, findings = _ask(case)
    expected = case.expect.values
    opens = [task.key for task in tasks if task.opens]
    wanted = expected.get("opens", [])
    if expected.get("any_order"):
        opens, wanted = sorted(opens), sorted(wanted)
    told = [task for task in tasks if task.opens] or tasks

    assert opens == wanted, case.says
    assert [t.key for t in tasks if not t.opens] == expected.get("stays", []), case.says
    assert {f.ref.id for f in findings} == case.expect.findings.keys(), case.says
    for finding in findings:
        assert case.expect.findings[finding.ref.id] in finding.message
    if told:
        _compare(told[0], expected)
        _compare(told[-1], expected.get("last", {}))


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_case_holds_until_its_next_turn(case: Case) -> None:
    """Until the next turn the same tasks are wanted, word for word, but those due from today."""
    before = _settled(case)
    playbooks = compile_playbooks(case.policy)
    args = (case.records, case.values, before, case.policy)
    turn = next_turn(playbooks, *args, case.today)
    now = desired_tasks(playbooks, *args, case.today, currency="USD")[0]

    assert turn is None or turn > case.today
    for ahead in range(1, 40):
        day = case.today + timedelta(days=ahead)
        if turn is not None and day >= turn:
            break
        later = desired_tasks(playbooks, *args, day, currency="USD")[0]
        assert [kept(t) for t in later] == [
            kept(t, due_moves=next((u.due_moves for u in later if u.key == t.key), False))
            for t in now
        ], day


def _settled(case: Case) -> Before:
    """The past as this run leaves it: a band that turned red today has been red since today."""
    values = {name: derived.value for name, derived in case.values.items()}
    since = dict(case.before.since)
    if values.get("health_band") != case.before.values.get("health_band"):
        since["health_band"] = case.today
    return Before(
        values={**case.before.values, **values}, since=since, first_run=case.before.first_run
    )


def test_a_condition_without_values_is_told_by_its_text() -> None:
    """Where the condition names nothing that is worked out, the reason is the first paragraph of
    the task's own text; where that cannot be filled in, the playbook's name has to do.
    """
    deal = Opportunity(
        ref=Ref("crm", "Opportunity", "d1"),
        id="d1",
        account="acme",
        name="Acme first year",
        kind="new",
        closed=True,
        won=True,
        close_date=date(2026, 5, 1),
        owner="am",
    )
    untouched = {
        "last_touch_on": Derived(date(2026, 1, 5), ""),
        "next_checkin_due": Derived(date(2026, 2, 4), ""),
    }
    broken = {"id": "checkin-overdue", "body": "{{ 1 / 0 }}"}

    def reasons(records: AccountRecords, *own: dict[str, str]) -> dict[str, str]:
        policy = Policy.model_validate({"playbooks": own})
        playbooks = compile_playbooks(policy)
        tasks, _ = desired_tasks(playbooks, records, untouched, Before(), policy, TODAY)
        return {task.playbook: task.because for task in tasks}

    found = reasons(AccountRecords(account_with(), opportunities=(deal,), users=USERS))
    mended = reasons(AccountRecords(account_with(), users=USERS), broken)

    assert found["handoff-overdue"] == (
        "The handoff document for Acme first year, closed on 1 May 2026, was due on 8 May 2026 "
        "and is 0 % complete."
    )
    assert found["checkin-overdue"] == (
        "The last two-way touch with acme was on 5 Jan 2026. A check-in was due on 4 Feb 2026."
    )
    assert mended["checkin-overdue"] == "the condition of checkin-overdue holds"


def test_what_cannot_matter_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accounts that differ in a day that no condition gets to are alike: their conditions are
    evaluated for the first of them alone.
    """
    asked: list[str] = []
    evaluate = Rule.evaluate

    def counted(rule: Rule, thing: object) -> object:
        asked.append(rule.text)
        return evaluate(rule, thing)

    monkeypatch.setattr(Rule, "evaluate", counted)
    playbooks, records = compile_playbooks(Policy()), AccountRecords(account_with(), users=USERS)

    def ask(status: str, number: int) -> int:
        values = {
            "renewal_status": Derived(status, ""),
            "renewal_date": Derived(TODAY + timedelta(days=200 + number), ""),
        }
        before = len(asked)
        tasks, _ = desired_tasks(playbooks, records, values, Before(), Policy(), TODAY)

        assert tasks == []
        return len(asked) - before

    first, *others = (ask("not_due", number) for number in range(100))
    in_window = ask("window_open", 0)

    assert first > 3
    assert others == [0] * 99
    assert 0 < in_window < first


def test_overloaded_account_manager() -> None:
    """A load over 1.2 opens one low task a quarter for the manager, on the largest account only."""
    records = AccountRecords(account_with(), users=USERS)

    def ask(load: float, largest: str) -> list[str]:
        tasks, _ = desired_tasks(
            PLAYBOOKS, records, {}, Before(), Policy(), TODAY, load={"am": (load, largest)}
        )
        return [f"{task.key} {task.assignee} {task.priority}" for task in tasks]

    tasks, _ = desired_tasks(
        PLAYBOOKS, records, {}, Before(), Policy(), TODAY, load={"am": (1.5, "acme")}
    )
    assert "Ada carries 1.50 times a full load" in tasks[0].body
    assert ask(1.21, "acme") == ["am-overloaded/acme/2026-Q2/am_manager boss low"]
    assert ask(1.2, "acme") == []
    assert ask(1.5, "other") == []


@pytest.mark.parametrize(
    ("days", "stage"),
    [
        (121, None),
        (120, "renewal-120"),
        (91, "renewal-120"),
        (90, "renewal-90"),
        (61, "renewal-90"),
        (60, "renewal-60"),
        (31, "renewal-60"),
        (30, "renewal-30"),
        (0, "renewal-30"),
        (-30, "renewal-30"),
        (-31, None),
    ],
)
@pytest.mark.parametrize("is_open", [False, True])
def test_only_the_latest_renewal_stage_opens(days: int, stage: str | None, is_open: bool) -> None:
    """Each stage on its days; renewal-60 only while no renewal opportunity is open."""
    deal = Opportunity(ref=Ref("crm", "Opportunity", "o"), id="o", kind="renewal")
    records = AccountRecords(
        account_with(), opportunities=(deal,) if is_open else (), users={"am": user_with("am")}
    )
    status = "not_due" if days > 120 else "overdue" if days < 0 else "window_open"
    values = {
        "renewal_date": Derived(TODAY + timedelta(days=days)),
        "renewal_status": Derived(status),
    }

    tasks, _ = desired_tasks(PLAYBOOKS, records, values, Before(), Policy(), TODAY)

    expected = None if stage == "renewal-60" and is_open else stage
    assert {task.playbook for task in tasks if task.opens} == ({expected} if expected else set())


@pytest.mark.parametrize(
    ("status", "note"),
    [
        ("window_open", "The renewal date has moved to 30 Jun 2027."),
        ("secured", "The renewal is no longer running: its status is secured."),
        (None, "The renewal is no longer running: its status is blank."),
    ],
)
def test_closing_note_of_a_renewal(status: str | None, note: str) -> None:
    """The note of a renewal's task tells whether the date moved or the renewal is settled."""
    values = {
        "renewal_status": Derived(status),
        "renewal_date": Derived(date(2027, 6, 30) if status else None),
    }

    assert closing_note("renewal-30", values) == note


def test_change_of_account_manager_keeps_the_key() -> None:
    """Another owner gets the same task: its key does not name a person."""
    values = {"health_band": Derived("red")}
    users = {**USERS, "new": user_with("new")}
    before, after = (
        desired_tasks(
            PLAYBOOKS,
            AccountRecords(account_with(owner=owner), users=users),
            values,
            Before(),
            Policy(),
            TODAY,
        )[0][0]
        for owner in ("am", "new")
    )

    assert before.key == after.key
    assert (before.assignee, after.assignee) == ("am", "new")


def test_html_bodies_are_escaped() -> None:
    """Where the CRM wants HTML, text of the CRM cannot bring in markup of its own."""
    records = AccountRecords(account_with(name="<script>x</script> & Co"), users=USERS)
    values = {"health_band": Derived("red"), "health_drivers": Derived("NPS <-20>")}
    mapping = load_mapping(
        Path(__file__).parent.parent / "mappings" / "hubspot.toml",
        "hubspot",
        connection="hs",
        defaults=HubSpotConnector.mapping_defaults,
    )

    task = desired_tasks(PLAYBOOKS, records, values, Before(), Policy(), TODAY)[0][0]
    assert mapping.task is not None
    written = str(mapping.task.encode({"body": task.body})["hs_task_body"])

    assert "<script>x</script> & Co is red since" in task.body
    assert "<script>" not in written
    assert "&lt;script&gt;x&lt;/script&gt; &amp; Co" in written
    assert "<br>" in written or "<p>" in written


def test_long_names_are_cut() -> None:
    """Subjects hold at most 120 characters; keys too, and differ where ids differ at the end."""
    values = {"health_band": Derived("red")}
    keys = set()
    for last in "ab":
        id = "x" * 200 + last
        records = AccountRecords(account_with(id=id, name="N" * 300), users=USERS)
        for task in desired_tasks(PLAYBOOKS, records, values, Before(), Policy(), TODAY)[0]:
            assert len(task.subject) <= 120
            assert len(task.key) <= 120
            keys.add(task.key)

    assert len(keys) == 4


def test_a_very_long_text_is_cut_with_a_mark() -> None:
    """A task's text holds 30,000 characters: what is left out is never left out silently."""
    template = Template.of("{{ account.name }}")

    short = body_text(template, {"account": {"name": "x" * 30_000}})
    long = body_text(template, {"account": {"name": "x" * 30_001}})

    assert short == "x" * 30_000
    assert long == "x" * 29_999 + "…"
