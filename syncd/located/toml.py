"""A TOML file's values from tomllib, and where they stand from tree-sitter-toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import tree_sitter
import tree_sitter_toml

from syncd.errors import ConfigError, Problem

Loc: TypeAlias = tuple[str | int, ...]
"""A path into a TOML document: keys, and indexes into arrays, counted from 0."""

_LANGUAGE = tree_sitter.Language(tree_sitter_toml.language())
_KEYS = ("bare_key", "quoted_key", "dotted_key")
_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class LocatedToml:
    """A TOML document that knows where its keys stand. `shown` is the name to show people."""

    shown: str
    value: dict[str, Any]
    places: Mapping[Loc, tuple[int, int]] = field(default_factory=dict, repr=False)

    def position(self, loc: Loc) -> tuple[int, int]:
        """Line and column (from 1) of that key or element, or of the nearest parent that exists."""
        for end in range(len(loc), 0, -1):
            place = self.places.get(loc[:end])
            if place is not None:
                return place
        return (1, 1)

    def problem(self, loc: Loc, text: str, hint: str = "", severity: str = "error") -> Problem:
        """A Problem at that key."""
        line, column = self.position(loc)
        return Problem(self.shown, line, column, text, hint, severity)


def read_toml(path: Path, shown: str) -> LocatedToml:
    """Read a TOML file. Raises ConfigError when it cannot be read or is no TOML."""
    try:
        source = path.read_bytes()
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise ConfigError([Problem(shown, 0, 0, f"cannot read the file: {reason}")]) from error
    return parse_toml(source, shown)


def parse_toml(source: bytes, shown: str) -> LocatedToml:
    """Read TOML text as stored in a file. Raises ConfigError, naming line and column."""
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        problem = Problem(shown, line, 1, "the file is not UTF-8 text", "save it as UTF-8")
        raise ConfigError([problem]) from error
    walker = _Walker(text)
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax_problem(str(error), shown, walker)]) from error
    return LocatedToml(shown, value, walker.places)


_PLAIN_SYNTAX = {
    "Invalid value": (
        "this is no value",
        'texts need quotes ("Name"); numbers, true and false stand bare',
    ),
    "Invalid statement": ("this is neither a [section] nor a key = value line", ""),
    "Unterminated string": ("a text is not closed", 'put a " at its end'),
    "Illegal character '\\n'": ("a text ends before its closing quote", 'put a " at its end'),
    "Unclosed array": ("a list is not closed", "put a ] at its end"),
    "Unclosed inline table": ("a table is not closed", "put a } at its end"),
    "Cannot overwrite a value": ("this key is given twice", "keep one of the two"),
    "Duplicate inline table key": ("a key is given twice in this table", "keep one of the two"),
    "Expected newline or end of document after a statement": (
        "something stands after the end of this line's value",
        "one key = value a line",
    ),
}


def _syntax_problem(message: str, shown: str, walker: _Walker) -> Problem:
    place = _PLACE.search(message)
    bare = _PLACE.sub("", message)
    at = (int(place[1]), int(place[2])) if place and place[1] else walker.first_error
    if bare == "Cannot overwrite a value" or bare.startswith("Cannot declare"):
        at = walker.first_duplicate or at
    if bare.startswith("Cannot declare"):
        return Problem(shown, *at, "this section stands twice", "keep one of the two")
    for start, (text, hint) in _PLAIN_SYNTAX.items():
        if bare.startswith(start):
            return Problem(shown, *at, text, hint)
    return Problem(shown, *at, f"this is not valid TOML: {bare[:1].lower()}{bare[1:]}")


class _Walker:
    """Collects the position of every key, table and array element of a document."""

    def __init__(self, text: str) -> None:
        self.places: dict[Loc, tuple[int, int]] = {}
        self.first_duplicate: tuple[int, int] | None = None
        self._lines = text.split("\n")
        self._counts: dict[Loc, int] = {}
        self._given: set[Loc] = set()
        root = tree_sitter.Parser(_LANGUAGE).parse(text.encode()).root_node
        self.first_error = (len(text.rstrip("\n").split("\n")), 1)
        broken = next(_broken(root), None) if root.has_error else None
        if broken is not None:
            self.first_error = self._at(broken)
        for node in root.named_children:
            if node.type == "pair":
                self._pair(node, ())
            elif node.type in ("table", "table_array_element"):
                self._table(node)

    def _at(self, node: tree_sitter.Node) -> tuple[int, int]:
        row, byte = node.start_point
        line = self._lines[row] if row < len(self._lines) else ""
        return (row + 1, len(line.encode()[:byte].decode(errors="ignore")) + 1)

    def _table(self, node: tree_sitter.Node) -> None:
        head = next((child for child in node.named_children if child.type in _KEYS), None)
        if head is None:
            return
        keys = _key_path(head)
        loc: Loc = ()
        for key in keys[:-1]:
            loc = (*loc, key)
            self.places.setdefault(loc, self._at(head))
            if loc in self._counts:
                loc = (*loc, self._counts[loc] - 1)
        loc = (*loc, *keys[-1:])
        if node.type == "table_array_element":
            self.places.setdefault(loc, self._at(head))
            index = self._counts.get(loc, 0)
            self._counts[loc] = index + 1
            loc = (*loc, index)
        elif loc in self._given:
            self.first_duplicate = self.first_duplicate or self._at(head)
        self._given.add(loc)
        self.places[loc] = self._at(head)
        for child in node.named_children:
            if child.type == "pair":
                self._pair(child, loc)

    def _pair(self, node: tree_sitter.Node, parent: Loc) -> None:
        head = next((child for child in node.named_children if child.type in _KEYS), None)
        if head is None:
            return
        loc = parent
        for key in _key_path(head):
            loc = (*loc, key)
            self.places.setdefault(loc, self._at(head))
        if loc in self._given:
            self.first_duplicate = self.first_duplicate or self._at(head)
        self._given.add(loc)
        for child in node.named_children:
            if child.type not in _KEYS:
                self._value(child, loc)

    def _value(self, node: tree_sitter.Node, loc: Loc) -> None:
        if node.type == "inline_table":
            for child in node.named_children:
                if child.type == "pair":
                    self._pair(child, loc)
        elif node.type == "array":
            values = [child for child in node.named_children if child.type != "comment"]
            for index, child in enumerate(values):
                self.places[*loc, index] = self._at(child)
                self._value(child, (*loc, index))


def _broken(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    if node.is_error or node.is_missing:
        yield node
    for child in node.children:
        if child.has_error or child.is_missing:
            yield from _broken(child)


def _key_path(node: tree_sitter.Node) -> list[str]:
    if node.type == "dotted_key":
        return [key for child in node.named_children for key in _key_path(child)]
    text = (node.text or b"").decode()
    if node.type == "bare_key":
        return [text]
    try:
        return list(tomllib.loads(f"{text} = 0"))
    except tomllib.TOMLDecodeError:
        return [text]
