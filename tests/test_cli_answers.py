"""What the commands say on stdout when something is wrong, held back or already done."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import states
from memory_book import MAPPING, Room
from states import Postgres
from syncd_process import SYNCD, validator

from connectors.memory import MemoryConnector
from syncd.cli import exit_code
from syncd.errors import UnreachableError

CONFIG = """
[syncd]
state = "sqlite:///syncd.db"
timezone = "UTC"
[connections.crm]
connector = "memory"
mapping = "crm.toml"
[policy.tasks]
fallback_assignee = "bea@acme.example"
max_new_tasks_per_user_per_day = 2
"""
TODAY = datetime.now(UTC).date()  # noqa: TID251 - the commands read the clock
state, postgres = states.state, states.postgres
TIERS = {"Tier 1": "strategic", "Tier 2": "growth", "Tier 3": "maintenance"}


class Desk:
    """Five customers in their renewal window, and the commands in this process."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config, self.capsys = folder / "config.toml", capsys
        self.mapping = folder / "crm.toml"
        self.config.write_text(CONFIG)
        self.mapping.write_text(MAPPING)
        self.room = Room(f"sqlite:///{folder / 'syncd.db'}")
        for number in range(5):
            self.room.customer(f"A{number}", ends=TODAY + timedelta(days=40))

    def run(self, *words: str, wanted: int = 0) -> str:
        """What a command says on stdout."""
        self.capsys.readouterr()
        code = exit_code([words[0], "-c", str(self.config), *words[1:]])
        shown = self.capsys.readouterr()

        assert code == wanted, shown
        assert wanted != 2 or shown.err
        return shown.out

    def ask(self, *words: str, wanted: int = 0, form: str = "") -> Any:
        """A command's answer in JSON, which must be as its schema says."""
        answer = json.loads(self.run(*words, "--json", wanted=wanted))
        validator(form or words[0]).validate(answer)
        return answer


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    """A CRM in memory, a config and a state."""
    made = Desk(tmp_path, capsys)
    yield made
    made.room.close()


# --- errors in JSON -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("explain", "nobody"), "no account 'nobody' in the state"),
        (("explain", "Customer"), "name one by its id"),
        (("history", "nobody"), "no account 'nobody'"),
        (("forget", "nobody"), "no account and no contact 'nobody'"),
        (("approve", "99"), "no plan 99 is held"),
        (("undo", "99"), "there is no run 99"),
        (("plan", "--as-of", "2026-02-30"), "is not a date"),
        (("portfolio", "--by", "tiers"), "tiers"),
    ],
)
def test_a_question_that_has_no_answer_is_told_in_json(
    desk: Desk, words: tuple[str, ...], told: str
) -> None:
    """A script that reads stdout finds an object with the error, never nothing."""
    desk.ask("sync")
    error = desk.ask(*words, wanted=2, form="error")["error"]

    assert error["exit_code"] == 2
    assert told in error["message"]


def test_a_mistake_in_a_file_is_told_in_json_with_its_line(desk: Desk) -> None:
    """Each place in the config and the mapping comes with its file and line."""
    desk.config.write_text(CONFIG + "max_new_task = 2\n")
    error = desk.ask("status", wanted=2, form="error")["error"]
    (problem,) = error["problems"]

    assert Path(problem["file"]).name == "config.toml"
    assert problem["line"] == CONFIG.count("\n") + 1
    assert "max_new_task" in problem["text"]
    assert problem["text"] in error["message"]


def test_without_json_an_error_leaves_stdout_empty(desk: Desk) -> None:
    """A person reads stderr; a pipe gets nothing that it would take for an answer."""
    assert desk.run("explain", "nobody", wanted=2) == ""


def test_an_answer_that_was_given_is_followed_by_no_second_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stdout is one JSON document, also when something fails after the answer."""
    monkeypatch.setattr("syncd.cli.standing.answer", _answer_and_fail)
    answer = json.loads(desk.run("status", "--json", wanted=5))

    assert "accounts" in answer


def _answer_and_fail(document: Any) -> None:
    from syncd.cli.output import answer

    answer(document)
    raise UnreachableError("too late")


# --- undo -----------------------------------------------------------------------------------------


def test_undo_says_what_there_is_to_put_back(desk: Desk) -> None:
    """A run that wrote is shown first; one that wrote nothing has nothing to be put back."""
    wrote = desk.ask("sync")["run"]
    idle = desk.ask("sync")["run"]
    shown = desk.run("undo", str(wrote))

    assert "`syncd undo 1 --apply` puts it back" in shown
    assert f"run {idle} wrote nothing" in desk.run("undo", str(idle))
    assert "--apply" not in desk.run("undo", str(idle))
    assert "refused" not in desk.run("undo", str(wrote), "--apply")
    assert "nothing to put back" in desk.run("undo", str(wrote), "--apply")


def test_what_was_refused_is_told_without_noughts(desk: Desk) -> None:
    """One record refused is "1 record refused", in the answer and in the list of runs."""
    desk.room.crm.put("Contract", "c-A0", StartDate=None)
    shown = desk.run("sync", wanted=3)

    assert "crm: 1 record refused (`syncd rejects`)" in shown
    assert "crm: 1 record was refused" in desk.run("runs")


# --- what waits -----------------------------------------------------------------------------------


def test_status_tells_which_tasks_wait_for_another_day_and_why(desk: Desk) -> None:
    """A person got as many new tasks as a day allows: the others are counted until they open."""
    desk.room.crm.put("Account", "A4", OwnerId="u2")
    assert desk.ask("status")["postponed"] == []

    shown = desk.run("sync")
    first = desk.ask("status")
    text = desk.run("status")
    desk.run("sync")  # nothing new: they go on waiting

    assert "crm: 2 new tasks put off to another day" in shown
    assert first["postponed"] == [
        {"connection": "crm", "assignee": "u1", "assignee_name": "Ann", "tasks": 2}
    ]
    assert first["waiting"] == {"crm": 0}
    assert "new tasks that wait for another day: 2 (a person gets at most 2 a day" in text
    assert "  2 for Ann" in text
    assert desk.ask("status")["postponed"] == first["postponed"]
    desk.config.write_text(CONFIG.replace("per_day = 2", "per_day = 20"))
    desk.run("sync")
    assert desk.ask("status")["postponed"] == []


def test_status_tells_what_the_next_sync_is_to_do(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writes that a CRM did not take any more wait, and status says how many and why."""
    real = MemoryConnector.update

    def out_of_reach(*_: Any, **__: Any) -> Any:
        raise UnreachableError("the allowance of today is used up")

    monkeypatch.setattr(MemoryConnector, "update", out_of_reach)
    desk.run("sync", wanted=5)
    text = desk.run("status")

    assert desk.ask("status")["waiting"] == {"crm": 5}
    assert "crm: 5 accounts to be worked out or written by the next sync" in text
    assert "CRM not reached (crm: the allowance of today is used up)" in text
    monkeypatch.setattr(MemoryConnector, "update", real)
    desk.run("sync")
    assert desk.ask("status")["waiting"] == {"crm": 0}


def test_what_was_only_planned_is_explained_as_planned(desk: Desk) -> None:
    """After a first plan nothing is derived yet: the tier stands in the whole book all the same."""
    config = desk.config.read_text()
    desk.room.customer("A9", ends=TODAY + timedelta(days=40), value=90_000)
    for number in range(10, 20):
        desk.room.customer(f"A{number}", ends=TODAY + timedelta(days=40), value=100 * number)
    desk.config.write_text(config + "[policy.tier]\nstrategic_min = 1\nstrategic_max = 1\n")
    planned = {
        change["account"]: (TIERS[change["after"]], change["because"])
        for change in desk.ask("plan")["changes"]
        if change["field"] == "Tier"
    }
    asked = {account: desk.ask("explain", account)["values"]["tier"] for account in planned}
    later = desk.ask("explain", "A9", "--as-of", f"{TODAY + timedelta(days=1)}")["values"]["tier"]

    assert planned["A9"][0] == later["value"] == "strategic"
    assert {tier for tier, _ in planned.values()} == {"strategic", "growth", "maintenance"}
    assert {a: (tier["value"], tier["because"]) for a, tier in asked.items()} == planned


def test_check_reads_what_was_seen_out_of_any_state(
    desk: Desk, state: str, postgres: Postgres
) -> None:
    """Words that never occurred are told whether the state is a file or a database's."""
    text = desk.config.read_text().replace('"sqlite:///syncd.db"', f'"{state}"')
    desk.config.write_text(text)
    fresh = desk.ask("check")["connections"]["crm"]
    desk.run("sync")
    desk.mapping.write_text(desk.mapping.read_text().replace("{ Customer = ", "{ Custommer = "))
    seen = desk.ask("check")["connections"]["crm"]
    desk.config.write_text(text.replace(state, postgres.database() + "_gone"))
    code = exit_code(["check", "-c", str(desk.config), "--json"])
    lost = json.loads(desk.capsys.readouterr().out)["problems"]

    assert not any("never matched" in note["text"] for note in fresh)
    assert any("never matched" in note["text"] for note in seen)
    assert code == 2
    assert "state: cannot open postgresql" in lost[-1]["text"]


def test_a_question_of_another_day_leaves_nothing_to_do(desk: Desk) -> None:
    """`explain --as-of` stores nothing, not even that an account is to be looked at again."""
    desk.run("sync")
    desk.run("sync")
    before = desk.ask("status")["waiting"]
    desk.run("explain", "A0", "--as-of", "2041-01-01")

    assert desk.ask("status")["waiting"] == before


def test_whoever_has_read_enough_is_no_defect(tmp_path: Path) -> None:
    """A pipe whose reader has left, as of `| head -1`, ends a command with 0 and no complaint."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [SYNCD, "init", tmp_path], stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False
    )
    os.close(writer)

    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("closed", ["2>&-", ">&-", ">&- 2>&-"])
def test_a_closed_stream_stops_nothing(tmp_path: Path, closed: str) -> None:
    """Where a supervisor closed stdout or stderr, a command does its work all the same."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" init "$1" {closed}', SYNCD, tmp_path], timeout=60, check=False
    )

    assert done.returncode == 0
    assert (tmp_path / "mappings" / "salesforce.toml").exists()
