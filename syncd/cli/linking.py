"""links: one book across CRMs, and what is in the way of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from syncd.cli.output import answer, config_option, counted, fitted, json_option, moment, say, table

SHOWN = 40


@click.command()
@config_option
@json_option
@click.option("--all", "everything", is_flag=True, help="Show every row, not the first of each.")
def links(config: Path, as_json_: bool, everything: bool) -> int:
    """Which accounts of several CRMs are one customer, and why.

    Also those that stand alone, those that are in doubt, and what the CRMs say differently.
    """
    from syncd.bootstrap import load, wired
    from syncd.linkage import linkage

    with wired(load(config)) as ready:
        document = linkage(ready.turn(clock=moment, dry=True), ready.connections)
    if as_json_:
        answer(document)
    else:
        _show(document, None if everything else SHOWN)
    return 0


def _show(document: dict[str, Any], most: int | None) -> None:
    if not document["connections"]:
        say("[link] names no connections: each connection is a book of its own.")
        return
    linked = sum(len(account["records"]) for account in document["linked"])
    say(
        f"{counted(document['records'], 'account record')} in "
        f"{', '.join(document['connections'])}: {linked:,} of them are "
        f"{counted(len(document['linked']), 'customer')}, "
        f"{counted(len(document['unlinked']), 'stands', 'stand')} alone."
    )
    _part(
        "Linked",
        ("customer", "records", "because"),
        [(row["name"], _places(row["records"]), row["why"]) for row in document["linked"]],
        most,
    )
    _part(
        "Ambiguous: not linked",
        ("records", "why"),
        [(_places(row["records"]), row["text"]) for row in document["ambiguous"]],
        most,
    )
    _part(
        "Differing",
        ("customer", "field", "values", "counts"),
        [
            (
                row["name"],
                row["field"],
                "; ".join(f"{name}: {value}" for name, value in row["values"].items()),
                row["used"],
            )
            for row in document["disagreeing"]
        ],
        most,
    )
    _part(
        "In one CRM alone",
        ("connection", "id", "name", "why"),
        [(r["connection"], r["id"], r["name"], r["why"]) for r in document["unlinked"]],
        most,
    )


def _part(
    title: str, heads: tuple[str, ...], rows: list[tuple[Any, ...]], most: int | None
) -> None:
    if not rows:
        return
    say()
    say(f"{title} ({len(rows)})")
    table(heads, [tuple(fitted(cell, 90) for cell in row) for row in rows[:most]])
    if most is not None and len(rows) > most:
        say(f"… and {len(rows) - most} more: `syncd links --all`")


def _places(records: list[dict[str, Any]]) -> str:
    return ", ".join(f"{record['connection']} {record['id']}" for record in records)
