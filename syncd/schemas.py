"""JSON Schemas of what people write and of what programs read: ``make docs`` writes them.

``config``, ``mapping`` and ``examples.schema.json`` are for editors (the ``#:schema`` line of a
TOML file names one); ``<command>.schema.json`` is the form of that command's ``--json`` answer.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from syncd.answers import ANSWERS, Refused
from syncd.bootstrap import connector_names, find_connector, is_shipped
from syncd.config import ConfigFile, connection_model
from syncd.examples import ExamplesFile
from syncd.mapping import mapping_schema

DRAFT = "https://json-schema.org/draft/2020-12/schema"
SECRET = {
    "description": "where a secret is; never the secret itself",
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
    "properties": {
        "env": {"type": "string", "description": "the environment variable that holds it"},
        "file": {"type": "string", "description": "the file that holds it"},
    },
}

SHIPPED_CONNECTORS = tuple(name for name in connector_names() if is_shipped(name))


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema by its file's name."""
    found = {
        "config.schema.json": config_schema(SHIPPED_CONNECTORS),
        "mapping.schema.json": mapping_schema(),
        "examples.schema.json": {"$schema": DRAFT, **ExamplesFile.model_json_schema()},
    }
    found |= {
        f"{name}.schema.json": answer_schema(form, f"syncd {name.replace('-', ' ')} --json")
        for name, form in ANSWERS.items()
    }
    found["error.schema.json"] = answer_schema(Refused, "any command with --json, on an error")
    return found


def answer_schema(form: Any, title: str) -> dict[str, Any]:
    """The schema of an answer in JSON."""
    (root,), parts = msgspec.json.schema_components([form], ref_template="#/$defs/{name}")
    name = root["$ref"].rpartition("/")[2]
    own = parts.pop(name)
    schema = {
        "$schema": DRAFT,
        "title": title,
        **_untitled(own),
    }
    if parts:
        schema["$defs"] = {part: _untitled(parts[part]) for part in sorted(parts)}
    return schema


def _untitled(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "title"}


def config_schema(known: Sequence[str]) -> dict[str, Any]:
    """The schema of config.toml, with the keys of these connectors."""
    schema = ConfigFile.model_json_schema()
    parts: dict[str, Any] = schema.setdefault("$defs", {})
    tables = []
    for name in known:
        table = connection_model(find_connector(name).Settings).model_json_schema()
        own = table.pop("$defs", {})
        moved = {f"#/$defs/{key}": f"#/$defs/{name}.{key}" for key in own}
        parts |= {f"{name}.{key}": _moved(part, moved) for key, part in own.items()}
        table = _moved(table, moved)
        table["properties"]["connector"] = {"const": name, "description": "the connector"}
        tables.append(table | {"title": f"a connection of {name}"})
    # A connector of somebody else's checks its own keys.
    other = {
        "title": "a connection of another connector",
        "type": "object",
        "required": ["connector", "mapping"],
        "properties": {
            "connector": {
                "type": "string",
                "not": {"enum": list(known)},
                "description": "the name of another installed connector",
            }
        },
    }
    schema["properties"]["connections"]["additionalProperties"] = {"anyOf": [*tables, other]}
    written = _as_written(schema)
    written["$defs"]["Secret"] = SECRET
    return {"$schema": DRAFT, **written, "title": "syncd config.toml"}


def _moved(value: Any, places: Mapping[str, str]) -> Any:
    """The schema with its references to other places."""
    if isinstance(value, dict):
        return {
            key: places.get(item, item) if key == "$ref" else _moved(item, places)
            for key, item in value.items()
        }
    return [_moved(item, places) for item in value] if isinstance(value, list) else value


def _as_written(value: Any) -> Any:
    """The schema of the file instead of the models: secrets are references, and nothing is null."""
    if isinstance(value, list):
        return [_as_written(item) for item in value if item != {"type": "null"}]
    if not isinstance(value, dict):
        return value
    if value.get("format") == "password":
        return {"$ref": "#/$defs/Secret"}
    kept = {key: _as_written(item) for key, item in value.items() if not _is_noise(key, item)}
    choices = kept.get("anyOf")
    if choices is not None and len(choices) == 1:
        return {key: item for key, item in kept.items() if key != "anyOf"} | choices[0]
    return kept


def _is_noise(key: str, item: Any) -> bool:
    """Python's names of keys say nothing, TOML has no null, and each key tells its own default."""
    return (key == "title" and isinstance(item, str)) or (
        key == "default" and (item is None or isinstance(item, dict))
    )


def write(folder: Path) -> list[Path]:
    """Write every schema to the folder; the files that changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = []
    for name, schema in schemas().items():
        path, text = folder / name, as_text(schema)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def as_text(schema: Mapping[str, Any]) -> str:
    """A schema as it stands in its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for path in write(Path(sys.argv[1])):
        sys.stdout.write(f"wrote {path}\n")
