"""The JSON Schemas in docs/schemas and config.example.toml: complete, current and true."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, SecretStr

from syncd.answers import ANSWERS
from syncd.bootstrap import find_connector, load
from syncd.cli import COMMANDS
from syncd.config import ConfigFile, connection_model
from syncd.config.secrets import secret_places
from syncd.config.tables import CurrencyTable
from syncd.errors import ConfigError
from syncd.policy import PlaybookPolicy
from syncd.schemas import SHIPPED_CONNECTORS, as_text, schemas

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "schemas"
EXAMPLE = ROOT / "config.example.toml"
SECRETS = {
    "SF_CLIENT_ID": "id",
    "HUBSPOT_ACCESS_TOKEN": "made-up-token",
    "SYNCD_STATE": "sqlite:///x.db",
}
EXAMPLES = {
    ("syncd", "timezone"),
    ("connections", "salesforce", "connector"),
    ("connections", "salesforce", "mapping"),
    ("connections", "salesforce", "instance_url"),
    ("connections", "hubspot", "connector"),
    ("connections", "hubspot", "mapping"),
}
"""Keys whose value in the example is an example, as they have no default."""


def config_problems(text: str) -> list[str]:
    """What the config's schema finds wrong in this TOML text."""
    schema = json.loads((FOLDER / "config.schema.json").read_text(encoding="utf-8"))
    found = Draft202012Validator(schema).iter_errors(tomllib.loads(text))
    return [error.message for error in found]


@pytest.mark.parametrize("name", sorted(schemas()))
def test_the_schemas_in_docs_are_current(name: str) -> None:
    """`make docs` would change nothing."""
    text = (FOLDER / name).read_text(encoding="utf-8")

    assert text == as_text(schemas()[name])


def test_no_schema_is_left_over() -> None:
    """docs/schemas holds nothing that no command answers."""
    assert {path.name for path in FOLDER.iterdir()} == set(schemas())


@pytest.mark.parametrize("name", sorted(schemas()))
def test_the_schemas_are_valid(name: str) -> None:
    """Each is a JSON Schema, and every reference in it leads somewhere."""
    schema = schemas()[name]

    Draft202012Validator.check_schema(schema)
    for place in re.findall(r'"\$ref": "#/\$defs/([^"]+)"', json.dumps(schema)):
        assert place in schema["$defs"]


def test_every_command_that_answers_in_json_has_a_schema() -> None:
    """A command with --json and no schema would be a promise that nobody can check."""
    import importlib

    answering = set()
    for name, place in COMMANDS.items():
        module, _, attribute = place.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        parts = {f"{name}-{part}": one for part, one in getattr(command, "commands", {}).items()}
        for shown, one in (parts or {name: command}).items():
            if any("--json" in parameter.opts for parameter in one.params):
                answering.add(shown)

    assert answering == set(ANSWERS)


def test_every_key_of_the_config_is_described() -> None:
    """An editor tells of each key what it is for, the keys of shipped connectors included."""
    schema = schemas()["config.schema.json"]
    parts = schema["$defs"]
    keys = [
        (name, key)
        for table in _objects(schema)
        for name, key in table.get("properties", {}).items()
    ]
    bare = [
        name
        for name, key in keys
        if not key.get("description")
        and not parts.get(key.get("$ref", "").rpartition("/")[2], {}).get("description")
    ]

    assert len(keys) > 100
    assert not bare


def _objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Every object in the schema."""
    if isinstance(schema, dict):
        yield schema
    for value in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(value, (dict, list)):
            yield from _objects(value)


@pytest.mark.parametrize("path", sorted((ROOT / "mappings").glob("*.toml")), ids=lambda p: p.stem)
def test_shipped_mappings_fit_their_schema(path: Path) -> None:
    """Editors find nothing wrong in what ships, and the first line tells them the schema."""
    text = path.read_text(encoding="utf-8")
    named = text.split("\n", 1)[0].removeprefix("#:schema ")
    schema = json.loads((path.parent / named).read_text(encoding="utf-8"))

    assert not list(Draft202012Validator(schema).iter_errors(tomllib.loads(text)))


def test_the_example_fits_its_schema() -> None:
    """Editors find nothing wrong in config.example.toml, and its first line tells the schema."""
    text = EXAMPLE.read_text(encoding="utf-8")

    assert text.startswith("#:schema docs/schemas/config.schema.json\n")
    assert not config_problems(text)


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("[syncd]", 'timezon = "UTC"'),
        ("[write]", 'mode = "aply"'),
        ("[write]", "max_overwrite_share = 2"),
        ("[connections.salesforce]", 'portal_id = "1"'),
        ("[connections.hubspot.auth]", 'refresh_token = "written out"'),
        ("[policy.tier]", "strategic_shares = 0.5"),
    ],
)
def test_the_config_schema_finds_mistakes(table: str, line: str) -> None:
    """What syncd refuses, an editor that reads the schema marks."""
    key = line.partition(" ")[0]
    text = EXAMPLE.read_text(encoding="utf-8")
    without = re.sub(
        rf"(?ms)(^{re.escape(table)}[^\n]*\n(?:[^\[][^\n]*\n)*?){key} *=[^\n]*\n", r"\1", text
    )
    broken = re.sub(rf"(?m)^{re.escape(table)}[^\n]*$", f"{table}\n{line}", without)

    assert tomllib.loads(broken)
    assert config_problems(broken)


def test_the_example_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """`syncd check --offline` has nothing to say about config.example.toml."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    loaded = load(EXAMPLE, follow_secrets=False)

    assert not loaded.warnings
    assert [connection.name for connection in loaded.config.connections] == [
        "salesforce",
        "hubspot",
    ]


def test_the_examples_playbook_would_work(tmp_path: Path) -> None:
    """The example is switched off, but not because it is broken."""
    (tmp_path / "mappings").symlink_to(ROOT / "mappings")
    path = tmp_path / "config.toml"
    text = EXAMPLE.read_text(encoding="utf-8").replace("enabled     = false", "enabled = true")
    path.write_text(text, encoding="utf-8")
    loaded = load(path, follow_secrets=False)

    assert loaded.config.policy.playbooks[0].enabled


def keys_of(
    model: type[BaseModel], prefix: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every key of a model and its default, nested tables included."""
    for name, field in model.model_fields.items():
        nested = field.annotation
        if isinstance(nested, type) and issubclass(nested, BaseModel) and name != "bands":
            yield from keys_of(nested, (*prefix, name))
        elif (*prefix, name) not in {("connections",), ("policy", "playbooks")}:
            yield (*prefix, name), field.get_default(call_default_factory=True)


def all_keys() -> dict[tuple[str, ...], Any]:
    """Every key that config.toml may have, with its default."""
    found = dict(keys_of(ConfigFile, ()))
    for name in ("salesforce", "hubspot"):
        model = connection_model(find_connector(name).Settings)
        found |= dict(keys_of(model, ("connections", name)))
    return found | dict(keys_of(PlaybookPolicy, ("policy", "playbooks")))


def example_keys() -> dict[tuple[str, ...], tuple[bool, str]]:
    """Each key of the example: whether it is live, and its line."""
    found: dict[tuple[str, ...], tuple[bool, str]] = {}
    table: tuple[str, ...] = ()
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        head = re.match(r"\[+([\w.]+)\]+", line)
        if head is not None:
            table = tuple(head[1].split("."))
        key = re.match(r"(# )?(\w+) *= ", line)
        if key is not None:
            found[*table, key[2]] = (key[1] is None, line)
    return found


def test_the_example_names_every_key() -> None:
    """A key that config.example.toml leaves out is one that nobody finds."""
    named = {key for key in example_keys() if key[:2] != ("currency", "rates")}
    known = {key for key in all_keys() if key != ("currency", "rates")}

    assert named == known
    assert set(CurrencyTable.model_fields) == {"rates"}


def test_the_example_says_one_thing_about_each_key() -> None:
    """Every key has a comment on its line."""
    bare = [
        ".".join(key)
        for key, (_, line) in example_keys().items()
        if "#" not in line.removeprefix("# ")
    ]

    assert not bare


def test_the_example_shows_the_defaults() -> None:
    """Where a key has a default, config.example.toml shows it."""
    document = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    secret = {
        place
        for name in ("salesforce", "hubspot")
        for place in secret_places(find_connector(name).Settings, ("connections", name))
    }
    for key, default in all_keys().items():
        if key in EXAMPLES or key in secret or key[:2] == ("policy", "playbooks"):
            continue
        if key == ("currency", "rates") or default is None:
            continue
        value: Any = document
        for part in key:
            value = value[part]

        assert value == as_toml(default), ".".join(key)


def as_toml(value: Any) -> Any:
    """A default as tomllib would give it."""
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, tuple):
        return [as_toml(item) for item in value]
    if isinstance(value, Decimal):
        return int(value)
    assert not isinstance(value, SecretStr)
    return value


def test_a_written_out_secret_is_refused_by_both(tmp_path: Path) -> None:
    """The schema and syncd agree that a secret is a reference."""
    text = EXAMPLE.read_text(encoding="utf-8").replace(
        'access_token = { env = "HUBSPOT_ACCESS_TOKEN" }', 'access_token = "pat-na1-made-up"'
    )
    (tmp_path / "mappings").symlink_to(ROOT / "mappings")
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")

    assert config_problems(text)
    with pytest.raises(ConfigError, match="a secret is never written out"):
        load(path, follow_secrets=False)


def test_shipped_connectors_are_in_the_schema() -> None:
    """What ships can be completed by an editor."""
    text = json.dumps(schemas()["config.schema.json"])

    assert {"salesforce", "hubspot", "memory"} <= set(SHIPPED_CONNECTORS)
    for name in SHIPPED_CONNECTORS:
        assert f'{{"const": "{name}"' in text


def test_the_page_of_commands_names_them_all() -> None:
    """docs/commands.md has every command with every option that a reader should know."""
    import importlib

    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    everywhere = {
        "--config",
        "--json",
        "--accounts",
        "--seed",
        "--folder",
        "--latency",
        "--ca-file",
    }
    for name, place in COMMANDS.items():
        module, _, attribute = place.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        for part, one in (getattr(command, "commands", None) or {"": command}).items():
            row = next(
                line for line in page.splitlines() if f"`syncd {name} {part}".rstrip() in line
            )
            options = {
                parameter.opts[-1]
                for parameter in one.params
                if parameter.param_type_name == "option"
            }

            assert not [option for option in options - everywhere if option not in row], name
