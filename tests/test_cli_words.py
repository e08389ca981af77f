"""How the commands word numbers, moments and cells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
import pytest
from test_cli_answers import Desk, desk

from syncd.cli import COMMANDS, cli
from syncd.cli.output import at_minute, counted, fitted, sentence

__all__ = ["desk"]

LONG = "Contract order form 1 ends on 2027-03-06. " * 5


@pytest.mark.parametrize(
    ("count", "noun", "several", "told"),
    [
        (0, "task", "", "0 tasks"),
        (1, "task", "", "1 task"),
        (1_200, "task", "", "1,200 tasks"),
        (1, "opportunity", "opportunities", "1 opportunity"),
        (2, "opportunity", "opportunities", "2 opportunities"),
    ],
)
def test_number_and_noun_agree(count: int, noun: str, several: str, told: str) -> None:
    """One account, two accounts."""
    assert counted(count, noun, several) == told


def test_a_moment_is_told_by_the_clock_on_the_wall() -> None:
    """The state keeps UTC; people read the config's time zone, in summer and winter."""
    summer, winter = "2026-07-01T22:30:00+00:00", "2026-12-01T22:30:00+00:00"

    assert at_minute(summer, "Europe/Berlin") == "2026-07-02 00:30"
    assert at_minute(winter, "Europe/Berlin") == "2026-12-01 23:30"
    assert at_minute(winter, "UTC") == "2026-12-01 22:30"


def test_a_cell_is_whole_on_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut for a terminal's width; a script that reads the table loses nothing."""
    on_a_pipe = fitted(LONG, 20)
    monkeypatch.setattr("syncd.cli.output.on_terminal", lambda: True)
    on_a_terminal = fitted(LONG, 20)

    assert on_a_pipe == LONG
    assert on_a_terminal == "Contract order form…"


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("no QBR yet", "No QBR yet."),
        ("90 days after the last touch", "90 days after the last touch."),
        ("api_calls at 90 % of its limit", "api_calls at 90 % of its limit."),
        ("Contract C-1 ends on 2027-03-06.", "Contract C-1 ends on 2027-03-06."),
        ("", ""),
    ],
)
def test_a_reason_stands_as_a_sentence(reason: str, told: str) -> None:
    """A capital and a full stop, once; a field's name is not changed."""
    assert sentence(reason) == told


def test_every_command_fits_its_line_of_the_help() -> None:
    """`syncd --help` cuts no summary, and every option says what it is for."""
    context = click.Context(cli)
    commands = {name: cli.get_command(context, name) for name in COMMANDS}
    known = {name: command for name, command in commands.items() if command is not None}
    summaries = {name: command.get_short_help_str(63) for name, command in known.items()}
    silent = [
        (name, option.name)
        for name, command in known.items()
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden and not option.help
    ]

    assert known.keys() == set(COMMANDS)
    assert {name: text for name, text in summaries.items() if text.endswith("...")} == {}
    assert silent == []


def test_times_follow_the_config_and_counts_their_nouns(desk: Desk) -> None:
    """A run at half past ten in the evening in UTC is of the next morning in Auckland."""
    desk.config.write_text(desk.config.read_text().replace('"UTC"', '"Pacific/Auckland"'))
    before = datetime.now(UTC)  # noqa: TID251 - the commands read the clock
    written = desk.run("sync")
    status, runs, undone = desk.run("status"), desk.run("runs"), desk.run("undo", "1")
    after = datetime.now(UTC) + timedelta(minutes=1)  # noqa: TID251 - likewise
    shown = runs.splitlines()[1].split("\t")[2]

    assert at_minute(before.isoformat(), "Pacific/Auckland") <= shown
    assert shown <= at_minute(after.isoformat(), "Pacific/Auckland")
    assert f"last run: 1 (sync) at {shown}, done" in status
    assert "crm: 5 accounts" in status
    assert "opened 2 tasks" in written
    assert "crm\tCustomer A0\t" in undone


def test_a_kept_value_is_told_by_the_customers_name(desk: Desk) -> None:
    """Nobody knows a customer by its record's id."""
    desk.run("sync")
    desk.room.crm.put("Account", "A1", Tier="Tier 3")
    desk.run("sync")
    (kept,) = desk.ask("status")["kept"]

    assert (kept["account_name"], kept["theirs"]) == ("Customer A1", "Tier 3")
    assert f"  Customer A1: Tier is Tier 3 (syncd: {kept['ours']})" in desk.run("status")
