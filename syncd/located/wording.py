"""What pydantic found wrong in a file, in the words of the person who wrote the file."""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from syncd.errors import Problem
from syncd.located.toml import Loc, LocatedToml

_MISSING: Any = object()
NEAR, SHORT_NEAR, SHORT = 0.75, 0.66, 5
"""How alike words are that may be taken for one another: a letter or two apart, which in a word of
five letters or fewer is a greater part of it."""


def did_you_mean(word: str, choices: Iterable[str], *, cutoff: float | None = None) -> str:
    """``did you mean "renewal_date"?``, or nothing when no choice is near (1: the same word).

    Of a longer word its beginning is near enough: ``renewal_dat`` for ``renewal_date_override``.
    """
    by_lower = {choice.lower(): choice for choice in choices}
    if cutoff is None:
        cutoff = SHORT_NEAR if len(word) <= SHORT else NEAR
    near = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    if not near and len(word) > SHORT:
        near = [choice for choice in by_lower if choice.startswith(word.lower())]
    return f'did you mean "{by_lower[near[0]]}"?' if near else ""


def quoted(words: Iterable[str]) -> str:
    """``"a", "b" or "c"``."""
    listed = [f'"{word}"' for word in words]
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} or {listed[-1]}"


@dataclass(frozen=True, slots=True)
class Fault:
    """A pydantic error with the union branches taken out of its path."""

    loc: Loc
    branches: tuple[tuple[Loc, str], ...]  # (where the union stands, which branch this error is of)
    type: str
    message: str
    context: Mapping[str, Any]
    given: Any


def problems(
    located: LocatedToml, error: ValidationError, model: type[BaseModel], prefix: Loc = ()
) -> list[Problem]:
    """Every mistake that pydantic found, in an admin's words and in the order of the file.

    `model` is what was validated, `prefix` where in the file it stands.
    """
    root: Any = located.value
    for item in prefix:
        root = _inside(root, item)
    found = [_problem(located, fault, model, prefix) for fault in faults(root, error)]
    return sorted(dict.fromkeys(found), key=lambda problem: (problem.line, problem.column))


def faults(root: Any, error: ValidationError) -> list[Fault]:
    """What pydantic found wrong in `root`: of each union the branch that was meant."""
    return _merged([_fault(root, details) for details in error.errors(include_url=False)])


def _inside(value: Any, item: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(item, _MISSING)
    if isinstance(value, list) and isinstance(item, int) and 0 <= item < len(value):
        return value[item]
    return _MISSING


def _fault(root: Any, details: Any) -> Fault:
    loc: Loc = ()
    branches: list[tuple[Loc, str]] = []
    value = root
    items = details["loc"]
    for index, item in enumerate(items):
        last = index == len(items) - 1
        inner = _inside(value, item)
        if inner is not _MISSING:
            loc, value = (*loc, item), inner
        elif last and details["type"] in ("missing", "missing_argument"):
            loc = (*loc, item)
        else:
            branches.append((loc, str(item)))
    return Fault(
        loc,
        tuple(branches),
        details["type"],
        details["msg"],
        details.get("ctx", {}),
        details.get("input"),
    )


def _merged(found: list[Fault]) -> list[Fault]:
    """Of a union whose branches all failed, keep the branch that was meant."""
    unions: dict[Loc, dict[str, list[Fault]]] = {}
    kept: list[Fault] = []
    for fault in found:
        if fault.branches and fault.branches[0][1] != "[key]":
            at, branch = fault.branches[0]
            inner = replace(fault, branches=fault.branches[1:])
            unions.setdefault(at, {}).setdefault(branch, []).append(inner)
        else:
            kept.append(fault)
    for at, by_branch in unions.items():
        meant = [
            group
            for group in by_branch.values()
            if not any(one.loc == at and one.type in _EXPECTED for one in group)
        ]
        if meant:
            fewest = min(meant, key=len)
            kept.extend(_merged(fewest))
        else:
            flat = [one for group in by_branch.values() for one in group]
            words = dict.fromkeys(_EXPECTED[one.type] for one in flat if one.type in _EXPECTED)
            kept.append(replace(flat[0], branches=(), type="syncd", message=_either(words)))
    return kept


def _either(words: Iterable[str]) -> str:
    return f"must be {' or '.join(words)}"


_EXPECTED = {
    "string_type": "a text in quotes",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "decimal_type": "a number",
    "decimal_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list, such as [ … ]",
    "tuple_type": "a list, such as [ … ]",
    "set_type": "a list, such as [ … ]",
    "frozen_set_type": "a list, such as [ … ]",
    "dict_type": "a table, such as { … }",
    "mapping_type": "a table, such as { … }",
    "model_type": "a table, such as { … }",
    "model_attributes_type": "a table, such as { … }",
    "date_type": "a date, such as 2026-12-31",
    "date_parsing": "a date, such as 2026-12-31",
    "date_from_datetime_parsing": "a date, such as 2026-12-31",
    "date_from_datetime_inexact": "a date without a time",
    "datetime_type": "a date and time",
    "datetime_parsing": "a date and time",
    "url_type": "an address, such as https://…",
    "url_parsing": "an address, such as https://…",
    "path_type": "a path in quotes",
}
_RANGES = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def _problem(located: LocatedToml, fault: Fault, model: type[BaseModel], prefix: Loc) -> Problem:
    loc = (*prefix, *fault.loc)
    name = next((item for item in reversed(loc) if isinstance(item, str)), "the file")
    of_key = bool(fault.branches) and fault.branches[-1][1] == "[key]"
    if fault.type == "extra_forbidden" or (of_key and fault.type == "literal_error"):
        choices = _choices(fault) or _fields_at(model, fault.loc[:-1])
        hint = _belongs(model, fault.loc, choices) or did_you_mean(name, choices)
        if not hint and choices:
            hint = f"known here: {', '.join(choices)}"
        return located.problem(loc, f'unknown key "{name}"', hint)
    if fault.type == "missing":
        inside = next((item for item in reversed(loc[:-1]) if isinstance(item, str)), "")
        text = f'"{name}" is missing' + (f' in "{inside}"' if inside else "")
        return located.problem(loc[:-1], text)
    text, hint = _words(fault)
    return located.problem(loc, f'"{name}" {text}' if text.startswith("must") else text, hint)


def _belongs(model: type[BaseModel], loc: Loc, choices: Iterable[str]) -> str:
    """``it belongs under "fields"``, where a table within knows the key."""
    *table, name = loc
    for child in choices:
        if name in _fields_at(model, (*table, child)):
            return f'it belongs under "{child}"'
    return ""


def _words(fault: Fault) -> tuple[str, str]:
    if fault.type == "syncd":
        return fault.message, ""
    if fault.type in ("value_error", "assertion_error"):
        return str(fault.context.get("error", fault.message)), ""
    if fault.type in ("literal_error", "enum"):
        choices = _choices(fault)
        given = f", not {_shown(fault.given)}" if _is_plain(fault.given) else ""
        known = quoted(choices) if "'" in str(fault.context.get("expected")) else choices[0]
        if isinstance(fault.given, str) and known == fault.given:
            return f"must be {known}, without quotes", ""
        return f"must be {known}{given}", did_you_mean(str(fault.given), choices)
    if fault.type in _RANGES:
        key, words = _RANGES[fault.type]
        given = f", not {_shown(fault.given)}" if _is_plain(fault.given) else ""
        return f"must be {words} {_shown(fault.context[key])}{given}", ""
    if fault.type in ("too_short", "string_too_short"):
        least = fault.context.get("min_length")
        unit = "characters" if fault.type.startswith("string") else "entries"
        return ("must not be empty" if least == 1 else f"must have at least {least} {unit}"), ""
    if fault.type in ("too_long", "string_too_long"):
        unit = "characters" if fault.type.startswith("string") else "entries"
        return f"must have at most {fault.context.get('max_length')} {unit}", ""
    if fault.type == "string_pattern_mismatch":
        return f"must look like {fault.context.get('pattern')}", ""
    if fault.type == "url_scheme":
        return f"must begin with {fault.context.get('expected_schemes')}", ""
    if fault.type in _EXPECTED:
        return f"must be {_EXPECTED[fault.type]}", ""
    return f"must be right: {fault.message[:1].lower()}{fault.message[1:]}", ""


def _choices(fault: Fault) -> list[str]:
    expected = str(fault.context.get("expected", ""))
    return re.findall(r"'([^']*)'", expected) or ([expected] if expected else [])


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool | date | datetime | time)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _fields_at(model: Any, loc: Loc) -> list[str]:
    """The names that the model, followed along `loc`, knows at its end."""
    level = list(_members(model))
    for item in loc:
        level = [inner for outer in level for inner in _step(outer, item)]
    return list(
        dict.fromkeys(
            info.alias or name
            for outer in level
            if isinstance(outer, type) and issubclass(outer, BaseModel)
            for name, info in outer.model_fields.items()
        )
    )


def _members(annotation: Any) -> Iterator[Any]:
    """The types that an annotation allows."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _members(part)
    else:
        yield annotation


def _step(outer: Any, item: str | int) -> Iterator[Any]:
    if isinstance(outer, type) and issubclass(outer, BaseModel):
        for name, info in outer.model_fields.items():
            if item in (name, info.alias):
                yield from _members(info.annotation)
        return
    inner = get_args(outer)
    if isinstance(item, int):
        yield from (member for part in inner if part is not Ellipsis for member in _members(part))
    elif inner:
        yield from _members(inner[-1])
