"""Reads what a client put into a body, and refuses what has another form than HubSpot asks."""

from __future__ import annotations

from typing import Any

from connectors.hubspot.sandbox.errors import bad_input


def whole(body: dict[str, Any], name: str, default: int) -> int:
    """A number. Raises ApiError (400)."""
    given = body.get(name, default)
    if isinstance(given, bool) or not isinstance(given, int | str):
        raise bad_input(f"{name} must be a number")
    try:
        return int(given)
    except ValueError:
        raise bad_input(f"{name} must be a number") from None


def objects(given: Any, name: str) -> list[dict[str, Any]]:
    """A list of objects, none for nothing. Raises ApiError (400)."""
    found = given or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise bad_input(f"{name} must be a list of objects")
    return found


def mapping(given: Any, name: str) -> dict[str, Any]:
    """An object, an empty one for nothing. Raises ApiError (400)."""
    found = given or {}
    if not isinstance(found, dict):
        raise bad_input(f"{name} must be an object")
    return found


def key(one: dict[str, Any], name: str = "id") -> str:
    """The text of an id. Raises ApiError (400) where there is none."""
    given = one.get(name)
    if isinstance(given, bool) or not isinstance(given, int | str) or given == "":
        raise bad_input(f"Some required fields were not set: [{name}]")
    return str(given)


def end(one: dict[str, Any], side: str) -> str:
    """The id of one side of an association. Raises ApiError (400)."""
    given = one.get(side)
    if not isinstance(given, dict):
        raise bad_input(f"Some required fields were not set: [{side}]")
    return key(given)
