"""Search filters as predicates over a record's values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from connectors.hubspot.sandbox.errors import ApiError
from connectors.hubspot.sandbox.schema import Property
from connectors.hubspot.sandbox.times import parse

Values = Mapping[str, str]
Predicate = Callable[[Values], bool]
Comparable: TypeAlias = int | float | Decimal | str

OPERATORS = (
    "EQ",
    "NEQ",
    "LT",
    "LTE",
    "GT",
    "GTE",
    "BETWEEN",
    "IN",
    "NOT_IN",
    "HAS_PROPERTY",
    "NOT_HAS_PROPERTY",
    "CONTAINS_TOKEN",
    "NOT_CONTAINS_TOKEN",
)
_WORD = re.compile(r"\w+", re.UNICODE)


def predicate(property: Property, operator: str, filter: Mapping[str, Any]) -> Predicate:
    """The filter on that property. Raises ApiError (400) for values that do not fit it."""
    name = property.name
    match operator:
        case "HAS_PROPERTY":
            return lambda held: name in held
        case "NOT_HAS_PROPERTY":
            return lambda held: name not in held
        case "CONTAINS_TOKEN" | "NOT_CONTAINS_TOKEN":
            tokens = _tokens(_value(filter, "value"))
            wanted = operator == "CONTAINS_TOKEN"
            return lambda held: _contains(held.get(name, ""), tokens) is wanted
        case "IN" | "NOT_IN":
            return _membership(property, filter, wanted=operator == "IN")
        case "EQ" | "NEQ":
            return _equality(property, _value(filter, "value"), wanted=operator == "EQ")
    read = reader(property)
    low = read(_value(filter, "value"))
    high = read(_value(filter, "highValue")) if operator == "BETWEEN" else low
    if low is None or high is None:
        raise _unfit(property, filter)
    return _order(name, operator, read, low, high)


def reader(property: Property) -> Callable[[str], Comparable | None]:
    """Reads a value so that it compares as the property's type does; None: it is unreadable."""
    if property.type in ("date", "datetime"):
        return parse
    return _number if property.type == "number" else str.lower


def _order(
    name: str,
    operator: str,
    read: Callable[[str], Comparable | None],
    low: Comparable,
    high: Comparable,
) -> Predicate:
    compare: dict[str, Callable[[Any], bool]] = {
        "LT": lambda v: v < low,
        "LTE": lambda v: v <= low,
        "GT": lambda v: v > low,
        "GTE": lambda v: v >= low,
        "BETWEEN": lambda v: low <= v <= high,
    }
    fits = compare[operator]

    def holds(held: Values) -> bool:
        text = held.get(name)
        value = None if text is None else read(text)
        return value is not None and fits(value)

    return holds


def _equality(property: Property, wanted_text: str, *, wanted: bool) -> Predicate:
    name = property.name
    if property.several:
        members = set(wanted_text.split(";"))
        return lambda held: (members <= set(held.get(name, "").split(";"))) is wanted
    if property.type == "enumeration":
        return lambda held: (held.get(name) == wanted_text) is wanted
    read = reader(property)
    aim = read(wanted_text)
    if aim is None:
        raise _unfit(property, {"value": wanted_text})

    def holds(held: Values) -> bool:
        text = held.get(name)
        return (text is not None and read(text) == aim) is wanted

    return holds


def _membership(property: Property, filter: Mapping[str, Any], *, wanted: bool) -> Predicate:
    name, given = property.name, filter.get("values")
    if not isinstance(given, list) or not given:
        raise ApiError(400, f"{filter.get('operator')} on {name} needs a list of values")
    members = {str(value) for value in given}
    if property.several:
        return lambda held: bool(members & set(held.get(name, "").split(";"))) is wanted
    if property.type == "string":
        # The index holds lower case, and the values are not lowered for it.
        return lambda held: (name in held and held[name].lower() in members) is wanted
    if property.type in ("number", "date", "datetime"):
        read = reader(property)
        aims = {read(value) for value in members} - {None}
        return lambda held: (name in held and read(held[name]) in aims) is wanted
    return lambda held: (held.get(name) in members) is wanted


def _value(filter: Mapping[str, Any], key: str) -> str:
    value = filter.get(key)
    if value is None:
        raise ApiError(
            400, f"{filter.get('operator')} on {filter.get('propertyName')} needs a {key}"
        )
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _unfit(property: Property, filter: Mapping[str, Any]) -> ApiError:
    return ApiError(
        400,
        f"{filter.get('value')} is not a valid value for property {property.name} of type "
        f"{property.type}",
    )


def _number(text: str) -> Decimal | int | None:
    if text.isdecimal():
        return int(text)
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _tokens(text: str) -> list[re.Pattern[str]]:
    parts = [part for part in text.lower().split() if part]
    return [re.compile(re.escape(part).replace(r"\*", r"[\w.@-]*") + r"\Z") for part in parts]


def _contains(text: str, tokens: list[re.Pattern[str]]) -> bool:
    lowered = text.lower()
    words = {*lowered.split(), *_WORD.findall(lowered)}
    return all(any(token.match(word) for word in words) for token in tokens)
