"""portfolio and backtest."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from syncd.cli.output import (
    AsDate,
    answer,
    as_json,
    config_option,
    counted,
    fitted,
    json_option,
    moment,
    note,
    on_terminal,
    plain,
    say,
    sentence,
    shorten,
    table,
    words,
)

if TYPE_CHECKING:
    from syncd.rules import Group

BRIDGE = ("starting_arr", "new", "expansion", "contraction", "churn", "ending_arr")
RATES = ("nrr", "grr", "renewal_rate_count", "renewal_rate_arr", "logo_retention")
FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What a spreadsheet takes for the beginning of a formula; some take the full-width signs too."""
NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
BAR = 40
NOTHING_READ = "The state holds no customers yet: `syncd plan` or `syncd sync` reads them."


@click.command()
@config_option
@json_option
@click.option(
    "--by",
    type=click.Choice(["book", "tier", "owner", "segment"]),
    default="book",
    show_default=True,
    help="One row for the whole book, or for each of these.",
)
@click.option("--from", "start", type=AsDate(), help="First day; default: the first of the year.")
@click.option("--to", "end", type=AsDate(), help="Last day; default: today.")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated, safe for spreadsheets.")
def portfolio(
    config: Path, as_json_: bool, by: str, start: date | None, end: date | None, as_csv: bool
) -> int:
    """The ARR bridge, retention, renewal rate and load over a period."""
    from syncd.bootstrap import load, wired
    from syncd.leading import figures

    with wired(load(config)) as ready:
        turn = ready.turn(clock=moment, dry=True)
        last = end or turn.today
        first = start or date(last.year, 1, 1)
        if last < first:
            raise click.UsageError(f"--to {last} lies before --from {first}")
        groups = figures(turn, ready.connections, by=by, start=first, end=last)
        currency = ready.loaded.config.syncd.currency
    document = {
        "from": first,
        "to": last,
        "currency": currency,
        "groups": [_group(group) for group in groups],
    }
    if not sum(group.accounts for group in groups):
        note(NOTHING_READ)
    if as_json_:
        answer(document)
    elif as_csv:
        _csv(document)
    else:
        _show(document, by)
    return 0


def _group(group: Group) -> dict[str, Any]:
    """A group with money as decimal text and rates as fractions."""
    row = msgspec.structs.asdict(group)
    return {name: f"{value:.2f}" if _is_money(value) else value for name, value in row.items()}


def _is_money(value: object) -> bool:
    from decimal import Decimal

    return isinstance(value, Decimal)


def _csv(document: dict[str, Any]) -> None:
    text = io.StringIO()
    rows = document["groups"]
    heads = ["from", "to", "currency", *(rows[0] if rows else [])]
    writer = csv.writer(text)
    writer.writerow(heads)
    for row in rows:
        cells = [document["from"], document["to"], document["currency"], *row.values()]
        writer.writerow([plain(_cell(cell)) for cell in cells])
    click.echo(text.getvalue(), nl=False)


def _cell(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula; numbers stay numbers."""
    text = "" if value is None else str(value)
    is_text = isinstance(value, str) and not NUMBER.fullmatch(text)
    return f"'{text}" if is_text and text.startswith(FORMULA) else text


def _show(document: dict[str, Any], by: str) -> None:
    groups = document["groups"]
    say(f"{document['from']} to {document['to']}, in {document['currency']}")
    table(
        (by, "customers", *(name.replace("_", " ").replace("arr", "ARR") for name in BRIDGE)),
        [
            (
                group["label"],
                group["accounts"],
                *(f"{float(group[name]):,.2f}" for name in BRIDGE),
            )
            for group in groups
        ],
    )
    table(
        (by, "NRR", "GRR", "renewed", "renewed ARR", "logos kept", "load per AM", "quota"),
        [
            (
                group["label"],
                *(_percent(group[name]) for name in RATES),
                "" if group["load"] is None else f"{group['load']:.2f}",
                _percent(group["quota_attainment"]),
            )
            for group in groups
        ],
    )
    if on_terminal():
        most = max((float(group["ending_arr"]) for group in groups), default=0.0)
        for group in groups:
            length = round(BAR * float(group["ending_arr"]) / most) if most else 0
            say(
                f"{shorten(group['label'], 24):24} {'█' * length} {float(group['ending_arr']):,.0f}"
            )


def _percent(rate: float | None) -> str:
    return "" if rate is None else f"{rate:.1%}"


@click.command()
@config_option
@json_option
@click.option(
    "--policy",
    "policy_file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="A file with [policy.*] tables: the changed policy.",
)
@click.option("--as-of", "as_of", type=AsDate(), help="Ask as if it were that day.")
def backtest(config: Path, as_json_: bool, policy_file: Path, as_of: date | None) -> int:
    """What a changed policy would move."""
    from syncd.bootstrap import load, other_policy, wired
    from syncd.leading import backtest as tried

    loaded = load(config)
    policy, playbooks = other_policy(policy_file)
    with wired(loaded) as ready:
        turn = ready.turn(clock=moment, dry=True, as_of=as_of)
        document = tried(turn, ready.connections, policy, playbooks)
    total = document["accounts"]
    if not total:
        note(NOTHING_READ)
    if as_json_:
        answer(document)
        return 0
    if not document["changes"] and not document["tasks_opened"]:
        say(f"nothing would change for any of {counted(total, 'account')}")
        return 0
    for name, row in document["summary"].items():
        verb = "changes" if row["accounts"] == 1 else "change"
        of = f"{row['accounts']:,} of {counted(total, 'account')}"
        say(f"{of} {verb} {name} (ARR {words(row['arr'])})")
    if document["tasks_opened"]:
        say(f"{counted(len(document['tasks_opened']), 'more task')} would be open")
    table(
        ("account", "value", "before", "after", "ARR", "because"),
        [
            (
                fitted(change["account_name"], 32),
                change["value"],
                words(
                    as_json(change["before"]) if _is_money(change["before"]) else change["before"]
                ),
                words(as_json(change["after"]) if _is_money(change["after"]) else change["after"]),
                words(change["arr"]),
                fitted(sentence(change["because"]), 80),
            )
            for change in document["changes"]
        ],
    )
    return 0
