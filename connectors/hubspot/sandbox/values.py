"""Values as a portal takes them and keeps them: always text, checked by the property's type."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.hubspot.sandbox.errors import Problem
from connectors.hubspot.sandbox.schema import Property
from connectors.hubspot.sandbox.times import DAY, instant, parse

LONGEST_TEXT = 65_536
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")
_LATEST = 253_402_300_799_999  # the end of year 9999


class ValueProblem(Exception):  # noqa: N818 - becomes a Problem, not an answer by itself
    """A value that is not taken: HubSpot's code and words."""

    def __init__(self, code: str, message: str) -> None:
        """Keep both."""
        super().__init__(message)
        self.code = code
        self.message = message


def text_of(value: Any) -> str:
    """A JSON value as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def normalise(property: Property, value: Any, held: str | None) -> str | None:
    """The text to keep; None clears. `held` is the present one, which ``;x`` adds to.

    Raises ValueProblem.
    """
    if isinstance(value, dict | list):
        raise ValueProblem("INVALID_VALUE", f"{property.name} takes no nested JSON")
    text = text_of(value)
    if text == "":
        return None
    return _FORMS.get(property.type, _string)(property, text, held)


def check_option(value: str, allowed: list[str] | set[str]) -> None:
    """Raise ValueProblem INVALID_OPTION unless the value is one of them."""
    if value not in allowed:
        told = ", ".join(sorted(allowed) if isinstance(allowed, set) else allowed)
        raise ValueProblem(
            "INVALID_OPTION", f"{value} was not one of the allowed options: [{told}]"
        )


def problem(property: str, found: ValueProblem) -> Problem:
    """A problem of that property."""
    return Problem(property, found.code, found.message)


def _string(property: Property, text: str, _held: str | None) -> str:
    if len(text) > LONGEST_TEXT:
        raise ValueProblem(
            "INVALID_STRING_LENGTH",
            f"{property.name} is {len(text)} characters long; the limit is {LONGEST_TEXT}",
        )
    if property.name == "email" and not _MAIL.match(text):
        raise ValueProblem("INVALID_EMAIL", f"Email address {text} is invalid")
    return text.strip().lower() if property.name == "email" else text


def _number(_property: Property, text: str, _held: str | None) -> str:
    text = text.strip()
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ValueProblem("INVALID_INTEGER", f"{text} was not a valid number.")
    return format(number, "f") if "e" in text.lower() else text


def _bool(property: Property, text: str, _held: str | None) -> str:
    lowered = text.strip().lower()
    check_option(lowered, property.values or ["true", "false"])
    return lowered


def _date(_property: Property, text: str, _held: str | None) -> str:
    ms = _moment(text, "date")
    if ms % DAY:
        raise ValueProblem("INVALID_DATE", f"{text} is at {instant(ms)[11:]}, not midnight UTC.")
    return instant(ms)[:10]


def _datetime(_property: Property, text: str, _held: str | None) -> str:
    return instant(_moment(text, "date, time"))


def _moment(text: str, what: str) -> int:
    ms = parse(text)
    if ms is None or not -_LATEST <= ms <= _LATEST:
        raise ValueProblem("INVALID_DATE", f"{text} was not a valid {what}.")
    return ms


def _enumeration(property: Property, text: str, held: str | None) -> str | None:
    if not property.several:
        if not property.external:
            check_option(text, property.values)
        return text
    members = [part for part in text.split(";") if part]
    if not property.external:
        for member in members:
            check_option(member, property.values)
    if text.startswith(";") and held:
        members = [*held.split(";"), *members]
    return ";".join(dict.fromkeys(members)) or None


_FORMS: dict[str, Callable[[Property, str, str | None], str | None]] = {
    "number": _number,
    "bool": _bool,
    "date": _date,
    "datetime": _datetime,
    "enumeration": _enumeration,
}
