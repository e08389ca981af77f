"""``[connections.NAME]``: which connector, which mapping, and the connector's own settings."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError, create_model

from syncd.config.secrets import Resolver, secret_places
from syncd.errors import Problem
from syncd.located import Loc, LocatedToml, did_you_mean, problems, quoted

CONNECTION_KEYS = ("connector", "mapping")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class MappingFile:
    """Which mapping file a connection has. `shown` is its path as the reader would name it."""

    connection: str
    path: Path
    shown: str
    connector_class: Any


@dataclass(frozen=True, slots=True)
class ConnectionConfig:
    """One connection: which connector, which mapping, the connector's settings."""

    name: str
    connector: str
    connector_class: Any
    mapping: MappingFile
    settings: BaseModel
    line: int


def shipped_mappings() -> dict[str, Path]:
    """The mappings that come with syncd, by bare name."""
    package = Path(__file__).parent.parent
    folder = package / "shipped_mappings"
    if not folder.is_dir():
        folder = package.parent / "mappings"
    # salesforce.examples.toml holds examples of salesforce.toml: see `syncd mappings test`.
    return {path.stem: path for path in sorted(folder.glob("*.toml")) if "." not in path.stem}


def shipped_mapping(name: str) -> Path | None:
    """The shipped mapping of that bare name."""
    return shipped_mappings().get(name)


@cache
def connection_model(settings: type[BaseModel]) -> type[BaseModel]:
    """A connection's whole table: ``connector``, ``mapping`` and the connector's settings."""
    own: dict[str, Any] = {
        "connector": (str, Field(description="the name of an installed connector")),
        "mapping": (str, Field(description="a mapping file, or a shipped mapping's bare name")),
    }
    return create_model(settings.__name__, __base__=settings, **own)


class ConnectionReader:
    """Reads connection tables, gathering what is wrong with them in `found`."""

    def __init__(
        self,
        located: LocatedToml,
        folder: Path,
        resolver: Resolver,
        find_connector: Callable[[str], Any],
        connectors: Callable[[], list[str]],
    ) -> None:
        """`find_connector` answers None for an unknown name; `connectors` lists the installed."""
        self._located = located
        self._folder = folder
        self._resolver = resolver
        self._find = find_connector
        self._connectors = connectors
        self.found: list[Problem] = []
        self.mappings: list[MappingFile] = []
        """The mapping files, also of connections with something else wrong."""

    def read(self, name: str, table: dict[str, Any]) -> ConnectionConfig | None:
        """One connection; None when something is wrong with it."""
        loc: Loc = ("connections", name)
        before = len(self.found)
        if not _NAME.fullmatch(name):
            self._wrong(loc, "a connection's name takes letters, digits, - and _")
        kind = self._connector(table, loc)
        settings = None if kind is None else self._settings(kind.Settings, table, loc)
        mapping = self._text(
            "mapping",
            table,
            loc,
            'name a file, or a shipped mapping such as "salesforce"',
            () if kind is None else kind.Settings.model_fields,
        )
        path = self._mapping(mapping, loc) if mapping else None
        if path is None or kind is None:
            return None
        # A shipped file is named whole: somebody may have to look into it.
        shipped = path == shipped_mapping(mapping)
        shown = str(path) if shipped else _shown(path, self._located.shown)
        file = MappingFile(name, path, shown, kind)
        self.mappings.append(file)
        if len(self.found) > before or settings is None:
            return None
        return ConnectionConfig(
            name=name,
            connector=table["connector"],
            connector_class=kind,
            mapping=file,
            settings=settings,
            line=self._located.position(loc)[0],
        )

    def _wrong(self, loc: Loc, text: str, hint: str = "") -> None:
        self.found.append(self._located.problem(loc, text, hint))

    def _text(self, key: str, table: dict[str, Any], loc: Loc, hint: str, known: Any = ()) -> str:
        value = table.get(key)
        if isinstance(value, str) and value:
            return value
        if key in table:
            self._wrong((*loc, key), f'"{key}" must be a text in quotes', hint)
            return ""
        strange = [other for other in table if other not in {*CONNECTION_KEYS, *known}]
        misspelt = next((other for other in strange if did_you_mean(other, (key,))), None)
        if misspelt is None:
            self._wrong(loc, f'"{key}" is missing in "{loc[-1]}"', hint)
        elif not known:
            # With the connector known, its own check reports every strange key.
            self._wrong(
                (*loc, misspelt), f'unknown key "{misspelt}"', did_you_mean(misspelt, (key,))
            )
        return ""

    def _connector(self, table: dict[str, Any], loc: Loc) -> Any:
        installed = f"installed: {quoted(self._connectors())}"
        name = self._text("connector", table, loc, installed)
        kind = self._find(name) if name else None
        if name and kind is None:
            hint = did_you_mean(name, self._connectors()) or installed
            self._wrong((*loc, "connector"), f'there is no connector "{name}"', hint)
        return kind

    def _mapping(self, name: str, loc: Loc) -> Path | None:
        """A bare name is a shipped mapping, anything else a path beside the config."""
        bare = "/" not in name and "\\" not in name and not name.endswith(".toml")
        path = shipped_mapping(name) if bare else self._folder / name
        if path is not None and path.is_file():
            return path
        if bare:
            known = shipped_mappings()
            hint = did_you_mean(name, known) or f"shipped: {quoted(known)}"
            self._wrong((*loc, "mapping"), f'there is no shipped mapping "{name}"', hint)
        else:
            hint = "paths are relative to this file"
            self._wrong((*loc, "mapping"), f"there is no mapping file {name}", hint)
        return None

    def _settings(
        self, model: type[BaseModel], table: dict[str, Any], loc: Loc
    ) -> BaseModel | None:
        guarded = frozenset(secret_places(model, loc))
        own = {key: value for key, value in table.items() if key not in CONNECTION_KEYS}
        resolved = self._resolver.resolve(own, loc, guarded)
        ca_file = resolved.get("ca_file")
        if isinstance(ca_file, str) and ca_file:
            path = self._folder / ca_file
            resolved["ca_file"] = str(path)
            if not path.is_file():
                hint = "a PEM file; paths are relative to this file"
                self._wrong((*loc, "ca_file"), f"there is no file {ca_file}", hint)
        for key, field in model.model_fields.items():
            if field.annotation is Path and isinstance(resolved.get(key), str):
                resolved[key] = self._folder / resolved[key]
        try:
            return model.model_validate(resolved)
        except ValidationError as error:
            self.found += problems(self._located, error, connection_model(model), loc)
            return None


def _shown(path: Path, config: str) -> str:
    """A path as the reader of the config would name it."""
    folder = Path(config).parent
    try:
        return str(folder / path.relative_to(folder.resolve()))
    except ValueError:
        return str(path)
