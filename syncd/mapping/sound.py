"""A broken mapping file without its broken parts, so that the rest is checked at once."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from syncd.located import Loc
from syncd.mapping.file import MappingFile
from syncd.mapping.parts import Part

_VERSION = 1
_ROUNDS = 3  # what was cut may leave another key lonely


def sound_part(content: Mapping[str, Any], error: ValidationError) -> tuple[Part | None, set[Loc]]:
    """The file without what pydantic complained of, and the tables from which something was cut.

    None: too much is broken to say more.
    """
    left: Any = deepcopy(dict(content))
    cut: set[Loc] = set()
    for _ in range(_ROUNDS):
        for loc in [_to_cut(left, details) for details in error.errors(include_url=False)]:
            if not loc:
                return None, cut
            cut.update(loc[:end] for end in range(1, len(loc) + 1))
            _remove(left, loc)
        left.setdefault("version", _VERSION)  # a wrong or missing one says nothing of the rest
        try:
            return MappingFile.model_validate(left), cut
        except ValidationError as again:
            error = again
    return None, cut


def _to_cut(content: Any, details: Mapping[str, Any]) -> Loc:
    loc = _existing(content, details["loc"])
    if details["type"] == "missing" and details["loc"] == ("version",):
        return ("version",)
    if details["type"] == "missing":
        loc = loc[: 2 if loc[:1] == ("writes",) else 1]
    while loc and isinstance(loc[-1], int):
        loc = loc[:-1]  # an element taken out would move the places of the others
    return loc


def _existing(content: Any, items: tuple[str | int, ...]) -> Loc:
    loc: Loc = ()
    value = content
    for item in items:
        try:
            value = value[item]
        except (KeyError, IndexError, TypeError):
            continue  # the name of a union's branch, or a key that is missing
        loc = (*loc, item)
    return loc


def _remove(content: Any, loc: Loc) -> None:
    value = content
    try:
        for item in loc[:-1]:
            value = value[item]
        del value[loc[-1]]
    except (KeyError, IndexError):
        return  # it went with what was around it
