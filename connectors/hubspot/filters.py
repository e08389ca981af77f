"""HubSpot's search filters: sent as text, and judged on a record where that is sure.

Search runs behind the records and never shows archived ones; so what was read straight from a
record is judged here. Three answers: True, False, or None when only HubSpot can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any


def matches(where: Iterable[Mapping[str, Any]], properties: Mapping[str, Any]) -> bool | None:
    """Whether all filters hold; None when none surely fails but one cannot be judged."""
    verdicts = [_holds(condition, properties) for condition in where]
    if False in verdicts:
        return False
    return None if None in verdicts else True


def as_text(condition: Mapping[str, Any]) -> dict[str, Any]:
    """A filter as HubSpot takes it: every value is text."""
    return {
        name: [_word(v) for v in value] if isinstance(value, list | tuple) else _word(value)
        for name, value in condition.items()
    }


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)


def _holds(condition: Mapping[str, Any], properties: Mapping[str, Any]) -> bool | None:
    name = str(condition.get("propertyName") or "")
    if name not in properties:
        return None
    held = _plain(properties[name])
    operator = str(condition.get("operator") or "").upper()
    # Members of a ";" list are compared one by one, and without regard to case: too much is
    # kept rather than too little.
    members = set(held.split(";")) if held else set[str]()
    match operator:
        case "HAS_PROPERTY":
            return bool(held)
        case "NOT_HAS_PROPERTY":
            return not held
        case "EQ":
            wanted = {_plain(condition.get("value"))}
        case "IN":
            wanted = {_plain(v) for v in condition.get("values") or ()}
        case _:
            return None
    if held in wanted or members & wanted:
        return True
    # Numbers and times are written in many ways: whether two of them differ is not judged here.
    return None if held[:1].isdigit() and any(w[:1].isdigit() for w in wanted) else False


def _plain(value: object) -> str:
    return "" if value is None else str(value).strip().casefold()
