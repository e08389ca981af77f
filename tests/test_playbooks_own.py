"""Playbooks of one's own: mistakes, texts, closing notes, and the page that names everything."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playbook_people import TODAY, USERS, account_with

from syncd.errors import ConfigError
from syncd.model import AccountRecords, Before, Derived
from syncd.playbooks import closing_note, compile_playbooks, desired_tasks, shipped
from syncd.playbooks.names import VALUES
from syncd.policy import Policy


@pytest.mark.parametrize(
    ("more", "text", "hint"),
    [
        ({"when": "helth_band == 'red'"}, 'when: unknown name "helth_band"', '"health_band"'),
        ({"when": "arr +"}, "when:", ""),
        ({"when": "renewal_date < $today"}, 'when: unknown name "$today"', "today"),
        ({"when": "arr * 2"}, "when: must be true or false", ""),
        ({"due": "tier"}, "due: must be a date", ""),
        ({"once_per": "key_account"}, "once_per: must be a date, a text or a number", ""),
        ({"subject": "{{ nmae }}"}, 'subject: unknown name "nmae"', '"name"'),
        ({"body": "{% if %}"}, "body:", ""),
        ({"body": "{{ meter }}"}, 'body: unknown name "meter"', ""),
        ({"assignee": "amm"}, 'assignee: unknown role "amm"', '"am"'),
        ({"assignee": "ae"}, 'assignee: "ae" needs each', ""),
        ({"when": None}, "needs when", ""),
    ],
)
def test_mistakes_are_named(more: dict[str, Any], text: str, hint: str) -> None:
    """Each mistake in a playbook is a problem in words, with a "did you mean" where one is near."""
    row = {
        "id": "own",
        "when": "arr > 5",
        "once_per": "quarter",
        "assignee": "am",
        "due": 2,
        "subject": "Hello {{ name }}",
        **more,
    }

    with pytest.raises(ConfigError) as caught:
        compile_playbooks(Policy.model_validate({"playbooks": [row]}))

    assert len(caught.value.problems) == 1
    assert text in caught.value.problems[0].text
    assert 'playbook "own"' in caught.value.problems[0].text
    assert hint in caught.value.problems[0].hint


def test_every_mistake_is_found_at_once() -> None:
    """Mistakes of several playbooks, and of one, are all reported."""
    good = {"when": "arr > 5", "once_per": "quarter", "assignee": "am", "due": 2, "subject": "x"}
    rows = [
        {"id": "one", **good, "when": "a > 5", "subject": "{{ b }}"},
        {"id": "two", **good},
        {"id": "three", "when": "c > 5"},
    ]

    with pytest.raises(ConfigError) as caught:
        compile_playbooks(Policy.model_validate({"playbooks": rows}))

    assert len(caught.value.problems) == 4


def test_text_that_cannot_be_filled_in() -> None:
    """A template that fails for one account is a finding; its open task is not closed for it."""
    row = {
        "id": "own",
        "when": "today != null",
        "once_per": "quarter",
        "assignee": "am",
        "due": 2,
        "subject": "{{ 1 / (arr - 5) }}",
    }
    policy = Policy.model_validate({"playbooks": [row]})
    values = {"arr": Derived(Decimal(5))}

    tasks, findings = desired_tasks(
        compile_playbooks(policy),
        AccountRecords(account_with(), users=USERS),
        values,
        Before(),
        policy,
        TODAY,
    )

    assert [task.playbook for task in tasks] == ["own"]
    assert [finding.code for finding in findings] == ["task_text"]


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("days_since(last_qbr_on) > 3 or arr > 1", True),
        ("arr > 1 or days_since(last_qbr_on) > 3", True),
        ("renewal_arr > 1 or arr > 1", True),
        ("not (renewal_arr > 1 or arr > 100)", False),
        ("not (renewal_arr > 1 and arr > 100)", True),
        ("renewal_arr > 1", False),
        ("not (renewal_arr > 1)", False),
        ("not (days_since(last_qbr_on) > 3)", False),
        ("not single_threaded", False),
        ("not (tier in ['growth'])", False),
        ("not (health_band in ['red'])", True),
        ("tier == null", True),
        ("tier != 'growth'", True),
        ("single_threaded != true and arr > 1", True),
    ],
)
def test_a_blank_value_decides_nothing(when: str, holds: bool) -> None:
    """A condition that needs a blank value does not hold, nor does its contrary; a part that is
    known decides, on whichever side of `or` and `and` it stands.
    """
    row = {
        "id": "own",
        "when": when,
        "once_per": "quarter",
        "assignee": "am",
        "due": 2,
        "subject": "x",
    }
    policy = Policy.model_validate({"playbooks": [row]})
    values = {
        "arr": Derived(Decimal(5)),
        "health_band": Derived("green"),
        **dict.fromkeys(("renewal_arr", "last_qbr_on", "tier", "single_threaded"), Derived(None)),
    }
    tasks, _ = desired_tasks(
        compile_playbooks(policy),
        AccountRecords(account_with(), users=USERS),
        values,
        Before(),
        policy,
        TODAY,
    )

    assert [task.playbook for task in tasks] == (["own"] if holds else [])


@pytest.mark.parametrize("id", sorted(shipped()))
def test_closing_notes_say_why(id: str) -> None:
    """Every shipped playbook says in words why its open task is closed, whatever is known."""
    note = closing_note(id, {"renewal_status": Derived("secured"), "health_band": Derived(None)})

    assert note.endswith(".")
    assert "None" not in note


def test_closing_note_of_an_own_playbook() -> None:
    """A playbook of the admin's own, or one that is gone, closes with a general note."""
    assert "no longer" in closing_note("whatever", {})


def test_page_names_everything() -> None:
    """docs/playbooks.md explains every name that conditions and templates may use."""
    page = (Path(__file__).parent.parent / "docs" / "playbooks.md").read_text(encoding="utf-8")
    from syncd.playbooks.names import ACCOUNT, EACH, FUNCTIONS

    names = {*VALUES, *ACCOUNT, *FUNCTIONS, *EACH["handoff"], *EACH["signal"]}
    assert [name for name in sorted(names) if f"`{name}" not in page] == []
    assert [id for id in shipped() if f"`{id}`" not in page] == []
