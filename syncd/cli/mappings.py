"""mappings: help for who edits a mapping file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import structs

from syncd.cli.output import answer, config_option, counted, json_option, say, told

if TYPE_CHECKING:
    from syncd.suggesting import Suggestion


@click.group()
def mappings() -> None:
    """Draft a mapping from the CRM's schema, or try its examples."""


@mappings.command("suggest")
@click.argument("connections", nargs=-1)
@config_option
@json_option
def suggest(connections: tuple[str, ...], config: Path, as_json_: bool) -> int:
    """Likely fields for what the mappings leave open.

    Each with the share of records in which it is filled. CONNECTIONS: all, unless some are named.
    """
    from syncd.bootstrap import load, wired
    from syncd.store import Store
    from syncd.suggesting import suggest as suggested

    found: dict[str, list[Suggestion]] = {}
    with wired(load(config), store=Store.open("sqlite://")) as ready:
        known = [connected.name for connected in ready.connections]
        _check_names(connections, known)
        for connected in ready.connections:
            if connections and connected.name not in connections:
                continue
            connected.connector.open()
            found[connected.name] = list(suggested(connected))
    if as_json_:
        answer({"suggestions": {n: [structs.asdict(one) for one in of] for n, of in found.items()}})
        return 0
    for name, of_one in found.items():
        if not of_one:
            say(f"# {name}: no field of this CRM looks like what the mapping leaves open")
            continue
        say(f"# {name}: likely fields, to be looked at and copied into its mapping")
        place = ""
        for one in of_one:
            head = f"[{one.kind}.{one.section}]"
            if head != place:
                say(head)
                place = head
            share = "no records read" if one.filled is None else f"filled in {one.filled:.0%}"
            say(f'{one.name} = "{one.field}" # {one.label} ({one.type}), {share}')
    return 0


def _check_names(wanted: tuple[str, ...], known: list[str]) -> None:
    from syncd.located import did_you_mean

    for name in wanted:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are: {', '.join(known)}"
            raise click.BadParameter(f"there is no connection {name!r} ({hint})")


@mappings.command("test")
@click.argument("connections", nargs=-1)
@config_option
@json_option
def test(connections: tuple[str, ...], config: Path, as_json_: bool) -> int:
    """Try the examples beside each mapping.

    They stand in mine.examples.toml beside mine.toml. CONNECTIONS: all, unless some are named.
    """
    from syncd.bootstrap import load, wired
    from syncd.errors import Problem
    from syncd.examples import examples_file, try_examples
    from syncd.store import Store

    document: dict[str, Any] = {}
    problems: list[Problem] = []
    loaded = load(config, follow_secrets=False)
    paths = {one.name: one.mapping.path for one in loaded.config.connections}
    _check_names(connections, list(paths))
    with wired(loaded, store=Store.open("sqlite://")) as ready:
        for connected in ready.connections:
            if connections and connected.name not in connections:
                continue
            file = examples_file(paths[connected.name])
            count, found = 0, list[Problem]()
            if file.is_file():
                count, found = try_examples(connected.mapping, file, connected.context)
            problems += found
            document[connected.name] = {
                "file": str(file),
                "examples": count,
                "problems": [asdict(problem) for problem in found],
            }
    if as_json_:
        answer({"connections": document})
        return 2 if problems else 0
    for problem in problems:
        say(told(problem))
    for name, row in document.items():
        if row["examples"]:
            failed = len(row["problems"])
            well = counted(failed, "does", "do") + " not hold" if failed else "all hold"
            say(f"{name}: {counted(row['examples'], 'example')}, {well}")
        else:
            say(f"{name}: no examples; write some to {row['file']}")
    return 2 if problems else 0
