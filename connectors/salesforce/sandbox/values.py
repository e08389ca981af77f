"""Values on their way in: each turned into what the org keeps, or refused as the API refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from connectors.salesforce.sandbox.errors import JsonTypeError, RowError
from connectors.salesforce.sandbox.schema import FLOATS, NUMBERS, TEXTS, Field
from connectors.salesforce.sandbox.times import parse_date, parse_datetime, wire

_EMAIL = re.compile(r"[^@\s,;<>()]+@[^@\s,;<>().]+(?:\.[^@\s,;<>().]+)*\.[A-Za-z]{2,}\Z")
_WHOLE = re.compile(r"[+-]?\d+\Z")
INT_LIMIT = 2**31
WIDEST = 18
BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


def token(value: Any) -> str:
    """The JSON parser's name for a value's kind."""
    if value is None:
        return "VALUE_NULL"
    if isinstance(value, bool):
        return "VALUE_TRUE" if value else "VALUE_FALSE"
    if isinstance(value, str):
        return "VALUE_STRING"
    if isinstance(value, int):
        return "VALUE_NUMBER_INT"
    if isinstance(value, float):
        return "VALUE_NUMBER_FLOAT"
    return "START_OBJECT" if isinstance(value, dict) else "START_ARRAY"


def _text(one: Field, value: Any) -> Any:
    if not isinstance(value, str):
        if isinstance(value, dict | list | bool):
            raise JsonTypeError("string", token(value), value, one.name)
        value = str(value)
    value = value.strip()
    if not value:
        return None
    if one.length and len(value) > one.length:
        raise RowError(
            "STRING_TOO_LONG",
            f"{one.label}: data value too large: {value} (max length={one.length})",
            [one.name],
        )
    if one.type == "email" and not _EMAIL.match(value):
        raise RowError(
            "INVALID_EMAIL_ADDRESS", f"{one.label}: invalid email address: {value}", [one.name]
        )
    return _picked(one, value) if one.type in {"picklist", "multipicklist"} else value


def _picked(one: Field, value: str) -> str:
    parts = value.split(";") if one.type == "multipicklist" else [value]
    known = {each.lower(): each for each in one.values}
    if "R" in one.flags and one.values:
        for part in parts:
            if part.lower() not in known:
                raise RowError(
                    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                    f"{one.label}: bad value for restricted picklist field: {part}",
                    [one.name],
                )
    return ";".join(known.get(part.lower(), part) for part in parts)


def _whole(one: Field, value: Any) -> int:
    if isinstance(value, str) and _WHOLE.match(value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise JsonTypeError("int", token(value), value, one.name)
    if abs(value) >= INT_LIMIT:
        raise out_of_range(one, value)
    return value


def out_of_range(one: Field, value: Any) -> RowError:
    """A number with more digits than the field holds."""
    return RowError(
        "NUMBER_OUTSIDE_VALID_RANGE",
        f"{one.label}: value outside of valid range on numeric field: {value}",
        [one.name],
    )


def _number(one: Field, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise JsonTypeError("double", token(value), value, one.name)
    try:
        exact = Decimal(str(value).strip())
    except InvalidOperation:
        raise JsonTypeError("double", token(value), value, one.name) from None
    if not exact.is_finite():
        raise JsonTypeError("double", token(value), value, one.name)
    if exact and exact.adjusted() >= (one.precision or WIDEST) - one.scale:
        raise out_of_range(one, value)
    return float(exact.quantize(Decimal(1).scaleb(-one.scale), rounding=ROUND_HALF_UP))


def _boolean(one: Field, value: Any) -> bool:
    if isinstance(value, str):
        value = BOOLEANS.get(value.strip().lower(), value)
    if not isinstance(value, bool):
        raise JsonTypeError("boolean", token(value), value, one.name)
    return value


def _date(one: Field, value: Any) -> str:
    day = None
    if isinstance(value, str):
        moment = parse_datetime(value)
        day = parse_date(value) if moment is None else moment.date()
    if day is None:
        raise JsonTypeError("date", token(value), value, one.name)
    return day.isoformat()


def _datetime(one: Field, value: Any) -> str:
    moment = None
    if isinstance(value, str):
        day = parse_date(value)
        moment = parse_datetime(value if day is None else f"{value}T00:00:00Z")
    if moment is None:
        raise JsonTypeError("datetime", token(value), value, one.name)
    return wire(moment)


def coerce(one: Field, value: Any, refer: Callable[[Field, Any], str]) -> Any:
    """What the org keeps of a value given by a client.

    `refer` checks an id and returns its 18-character form. None and empty text mean empty; a
    checkbox is never null.
    Raises RowError for the row, JsonTypeError for the whole request.
    """
    if value is None and one.type == "boolean":
        raise JsonTypeError("boolean", token(value), value, one.name)
    if value is None or value == "":
        return False if one.type == "boolean" else None
    if one.type in TEXTS:
        return _text(one, value)
    if one.type in {"reference", "id"}:
        return refer(one, value)
    if one.type == "int":
        return _whole(one, value)
    if one.type in FLOATS:
        return _number(one, value)
    if one.type == "boolean":
        return _boolean(one, value)
    if one.type == "date":
        return _date(one, value)
    return _datetime(one, value)


def from_csv(one: Field | None, cell: str) -> Any:
    """A CSV cell as a JSON value: ``#N/A`` empties the field."""
    if cell == "#N/A":
        return None
    if one is not None and one.type in NUMBERS and not cell.strip():
        return None
    return cell
