"""A broken mapping file without its broken parts, so that the rest is checked at once."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from syncd.located import Loc, faults
from syncd.mapping.file import MappingFile
from syncd.mapping.parts import Part

_VERSION = 1
_STAND_IN = "Object"  # for an object's name that is missing: the section's fields are checked yet
_ROUNDS = 3  # what was cut may leave another key lonely


def sound_part(content: Mapping[str, Any], error: ValidationError) -> tuple[Part | None, set[Loc]]:
    """The file without what pydantic complained of, and the tables from which something was cut.

    None: too much is broken to say more.
    """
    left: Any = deepcopy(dict(content))
    cut: set[Loc] = set()
    for _ in range(_ROUNDS):
        for fault in faults(left, error):
            if fault.type == "missing" and fault.loc[-1] == "object":
                _put(left, fault.loc, _STAND_IN)
                continue
            loc = _to_cut(fault.loc, fault.type)
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


def _to_cut(loc: Loc, kind: str) -> Loc:
    """What has to go for that mistake: where something is missing, the table that lacks it."""
    if kind == "missing" and loc != ("version",):
        loc = loc[:-1]
    while loc and isinstance(loc[-1], int):
        loc = loc[:-1]  # an element taken out would move the places of the others
    return loc


def _put(content: Any, loc: Loc, value: str) -> None:
    table = content
    for item in loc[:-1]:
        table = table[item]
    table[loc[-1]] = value


def _remove(content: Any, loc: Loc) -> None:
    value = content
    try:
        for item in loc[:-1]:
            value = value[item]
        del value[loc[-1]]
    except (KeyError, IndexError):
        return  # it went with what was around it
