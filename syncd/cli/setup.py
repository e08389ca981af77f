"""init, check and provision."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import structs

from syncd.cli.output import (
    answer,
    complain,
    config_option,
    json_option,
    no_config_option,
    say,
    table,
    told,
)

if TYPE_CHECKING:
    from syncd.bootstrap import Loaded
    from syncd.connector import CheckNote

FEW_FIELDS = 3
PROVISION = "`syncd provision --apply`"
NO_FILES = "no connection is a Salesforce org; --sfdx writes nothing for others"

FIRST_CONFIG = """\
#:schema schemas/config.schema.json
# syncd's config. Every key with its default: config.example.toml of the project.
# A secret is never written here, only where it is: { env = "NAME" } or { file = "/path" }.

[syncd]
state    = "sqlite:///syncd.db"
timezone = "Europe/London"
currency = "USD"

[write]
mode = "plan"                       # look first; "apply" lets syncd write

# Keep the connections that you have; delete the other.

[connections.salesforce]
connector    = "salesforce"
mapping      = "mappings/salesforce.toml"
instance_url = "https://acme.my.salesforce.com"
[connections.salesforce.auth]
flow          = "client_credentials"
client_id     = { env = "SF_CLIENT_ID" }
client_secret = { env = "SF_CLIENT_SECRET" }

[connections.hubspot]
connector = "hubspot"
mapping   = "mappings/hubspot.toml"
[connections.hubspot.auth]
flow         = "private_app"
access_token = { env = "HUBSPOT_ACCESS_TOKEN" }
"""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@no_config_option
@json_option
def init(folder: Path, as_json_: bool) -> int:
    """A first config.toml, with mappings and schemas, in FOLDER.

    The mappings are copies of the shipped ones, to edit; the schemas let editors complete and
    check the files. Nothing that is there is overwritten.
    """
    from syncd.config import shipped_mappings
    from syncd.errors import ConfigError, Problem
    from syncd.schemas import as_text, schemas

    texts = {folder / "config.toml": FIRST_CONFIG}
    for name, path in shipped_mappings().items():
        text = path.read_text(encoding="utf-8").replace("../docs/schemas/", "../schemas/")
        texts[folder / "mappings" / f"{name}.toml"] = text
    for name in ("config.schema.json", "mapping.schema.json"):
        texts[folder / "schemas" / name] = as_text(schemas()[name])
    made, left = [], []
    config = folder / "config.toml"
    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
            made.append(path)
        except FileExistsError:
            left.append(path)
        except OSError as error:
            raise ConfigError(
                [Problem(str(path), 0, 0, f"cannot write it: {error.strerror}")]
            ) from error
    if as_json_:
        answer({"made": [str(path) for path in made], "left": [str(path) for path in left]})
        return 0
    for path in made:
        say(f"made {path}")
    for path in left:
        say(f"left {path} as it is")
    say()
    say("Next:")
    say(f"  1. Edit {config}: which connections you have, and your instance_url.")
    say(f"  2. Set the secrets that it names, then see what is missing: syncd check -c {config}")
    say(f"  3. See what syncd would change, writing nothing: syncd plan -c {config}")
    return 0


@click.command()
@config_option
@json_option
@click.option("--offline", is_flag=True, help="Look at the files alone; contact nothing.")
def check(config: Path, as_json_: bool, offline: bool) -> int:
    """Every mistake in config, mappings and the CRM, all at once."""
    from syncd.bootstrap import load, wired
    from syncd.errors import ConfigError, Problem, StoreError, StoreLostError
    from syncd.preflight import preflight
    from syncd.store import Store

    try:
        loaded = load(config, follow_secrets=not offline)
    except ConfigError as error:
        if as_json_:
            answer({"problems": [_problem(p) for p in error.problems], "connections": {}})
        else:
            for problem in error.problems:
                complain(told(problem))
        return 2
    document: dict[str, Any] = {
        "problems": [_problem(problem) for problem in loaded.warnings],
        "connections": {},
    }
    wrong, unreachable = False, False
    found: dict[str, list[CheckNote]] = {}
    if not offline:
        # An empty state in memory: a check leaves no trace.
        with wired(loaded, store=Store.open("sqlite://")) as ready:
            for connected in ready.connections:
                notes, stopped = preflight(connected, loaded.config.policy)
                found[connected.name] = notes
                unreachable |= stopped
                wrong |= any(note.severity == "error" for note in notes)
    try:
        seen = _lint(loaded, document["problems"], offline=offline)
    except (StoreError, StoreLostError) as error:
        wrong, seen = True, {}
        document["problems"].append(_problem(Problem(str(config), 0, 0, str(error))))
    for name, notes in seen.items():
        found[name] = [*found.get(name, ()), *notes]
    document["connections"] = {
        name: [structs.asdict(note) for note in notes] for name, notes in found.items()
    }
    if as_json_:
        answer(document)
    else:
        _show_check(document, config)
    return 5 if unreachable else 2 if wrong else 0


def _lint(
    loaded: Loaded, problems: list[dict[str, Any]], *, offline: bool
) -> dict[str, list[CheckNote]]:
    """What the book that was read says of the mappings; of the policy, in `problems`.

    Nothing where there is no state yet: a check makes none. Offline only a file is looked into.
    Raises StoreError or StoreLostError when the state cannot be opened.
    """
    from syncd.bootstrap import wired
    from syncd.lint import lint_mapping, lint_policy
    from syncd.store import Store

    state = loaded.config.state
    if offline and not state.startswith("sqlite:"):
        return {}
    store = Store.find(state)
    if store is None:
        return {}
    try:
        with wired(loaded, store=store) as ready:
            names = [connected.name for connected in ready.connections]
            told = lint_policy(store, names, loaded.config.policy, loaded.config.located)
            problems += [_problem(problem) for problem in told]
            return {one.name: list(lint_mapping(store, one)) for one in ready.connections}
    finally:
        store.close()


def _problem(problem: Any) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "text": problem.text,
        "hint": problem.hint,
        "severity": problem.severity,
    }


def _show_check(document: dict[str, Any], config: Path) -> None:
    for problem in document["problems"]:
        place = f"{problem['file']}:{problem['line']}:{problem['column']}"
        hint = f" ({problem['hint']})" if problem["hint"] else ""
        say(f"{problem['severity']}: {place}: {problem['text']}{hint}")
    say(f"{config} and its mappings are well formed")
    for name, notes in document["connections"].items():
        for note in _gathered(notes):
            say(f"{name}: {note['severity']}: {note['text']}")
            if note["remedy"]:
                say(f"    {note['remedy']}")


def _gathered(notes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Before `syncd provision` an object lacks dozens of fields: said once, not dozens of times."""
    from syncd.preflight import MISSING

    lacking: dict[str, list[str]] = {}
    for note in notes:
        if note["text"] == MISSING.format(note["object"], note["field"]):
            lacking.setdefault(note["object"], []).append(note["field"])
    shown: list[dict[str, Any]] = []
    for note in notes:
        fields = lacking.get(note["object"], [])
        if len(fields) < FEW_FIELDS or note["field"] not in fields:
            shown.append(note)
        elif note["field"] == fields[0]:
            text = (
                f"{note['object']} lacks {len(fields)} of syncd's fields, or this login may not "
                f"see them: {', '.join(fields)}"
            )
            shown.append({**note, "text": text, "remedy": "create them with " + PROVISION})
    return shown


@click.command()
@config_option
@json_option
@click.option("--apply", "apply_", is_flag=True, help="Make what is missing.")
@click.option(
    "--sfdx",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write Salesforce source files there instead.",
)
def provision(config: Path, as_json_: bool, apply_: bool, sfdx: Path | None) -> int:
    """Show, or make, the fields and rights that the mappings need."""
    from syncd.bootstrap import load, wired
    from syncd.store import Store

    loaded = load(config)
    steps: list[dict[str, Any]] = []
    failed = False
    with wired(loaded, store=Store.open("sqlite://")) as ready:
        for connected in ready.connections:
            specs = connected.mapping.specs(loaded.config.policy)
            if sfdx is not None:
                write = getattr(connected.connector, "source_files", None)
                if write is not None:
                    steps += [
                        _step(connected.name, "file", str(path), "written", True, "")
                        for path in write(specs, sfdx)
                    ]
                continue
            connected.connector.open()
            for step in connected.connector.provision(specs, apply=apply_):
                failed |= bool(step.error)
                steps.append(
                    _step(connected.name, step.kind, step.name, step.text, step.done, step.error)
                )
    if as_json_:
        answer({"steps": steps, "applied": apply_})
        return 3 if failed else 0
    if not steps:
        say("nothing is missing" if sfdx is None else NO_FILES)
        return 0
    written = "made" if sfdx is None else "written"
    table(
        ("connection", "what", "state"),
        [
            (
                step["connection"],
                step["name"] if sfdx is not None else step["text"] or step["name"],
                step["error"] or (written if step["done"] else "missing"),
            )
            for step in steps
        ],
    )
    if apply_ and sfdx is None:
        made = len([step for step in steps if step["done"]])
        refused = f", {len(steps) - made:,} refused" if made < len(steps) else ""
        say(f"{made:,} made{refused}")
    elif sfdx is None:
        say("Nothing was changed. `syncd provision --apply` makes these.")
    return 3 if failed else 0


def _step(
    connection: str, kind: str, name: str, text: str, done: bool, error: str
) -> dict[str, Any]:
    return {
        "connection": connection,
        "kind": kind,
        "name": name,
        "text": text,
        "done": done,
        "error": error,
    }
