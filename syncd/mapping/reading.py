"""Closures that read one canonical field off a record, made once and called for every record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any, TypeAlias

from syncd.mapping.codecs import (
    CODECS,
    FRACTION,
    Reader,
    UnreadableError,
    read_bool,
    read_date,
    read_datetime,
    read_text,
    read_whole,
)
from syncd.mapping.document import Input
from syncd.mapping.shapes import (
    BOOL,
    CHOICE,
    CURRENCY,
    DATE,
    MOMENT,
    MONEY,
    MONTHS,
    NUMBER,
    ROLES,
    SIGNAL,
    WHOLE,
)
from syncd.mapping.vocabulary import (
    Field,
)

Links: TypeAlias = Mapping[str, tuple[str, ...]]
Getter: TypeAlias = Callable[[Mapping[str, Any], Links, tzinfo], Any]
"""(a record's fields, its links, the time zone) → the canonical value, or the default."""


class UnknownWordError(UnreadableError):
    """A word that the mapping does not translate and syncd does not know."""


def getter_of(one: Input, absent: Any, *, fraction: bool) -> Getter:
    """The closure that reads `one`; `absent` is what the model holds where nothing is known."""
    default = absent if one.default is None else default_of(one)
    if one.association is not None:
        return _linked(one.association.key, default)
    if not one.fields:
        return lambda _fields, _links, _zone: default
    read = reader_of(one, fraction=fraction)
    if len(one.fields) > 1:
        return _first_of(one.fields, read, default)
    name = one.fields[0]

    def single(fields: Mapping[str, Any], _links: Links, zone: tzinfo) -> Any:
        raw = fields.get(name)
        if raw is None or raw == "":
            return default
        value = read(raw, zone)
        return default if value is None else value

    return single


def _linked(key: str, default: Any) -> Getter:
    def linked(_fields: Mapping[str, Any], links: Links, _zone: tzinfo) -> Any:
        found = links.get(key)
        return found[0] if found else default

    return linked


def _first_of(names: tuple[str, ...], read: Reader, default: Any) -> Getter:
    def first(fields: Mapping[str, Any], _links: Links, zone: tzinfo) -> Any:
        for name in names:
            raw = fields.get(name)
            value = None if raw is None or raw == "" else read(raw, zone)
            if value is not None:
                return value
        return default

    return first


def default_of(one: Input) -> Any:
    """The default as canonical value. Raises UnreadableError where it is of the wrong kind."""
    field, value = one.field, one.default
    if field.shape is BOOL:
        if not isinstance(value, bool):
            raise UnreadableError("true or false, without quotes")
        return value
    if field.shape in (CHOICE, ROLES):
        if value not in field.choices:
            raise UnreadableError("one of the words that syncd knows")
        return (value,) if field.shape is ROLES else value
    if field.shape in (MONEY, NUMBER, WHOLE, MONTHS):
        return _default_number(field, value)
    if field.shape is DATE:
        if isinstance(value, datetime) or not isinstance(value, date):
            raise UnreadableError("a date, without quotes")
        return value
    if field.shape is MOMENT:
        raise UnreadableError("left out: a moment has no default")
    if not isinstance(value, str):
        raise UnreadableError(f"{field.shape.words}, in quotes")
    return value


def _default_number(field: Field, value: Any) -> Decimal | int:
    if isinstance(value, bool | str | date):
        raise UnreadableError("a number, without quotes")
    number = Decimal(str(value))
    if field.shape not in (WHOLE, MONTHS):
        return number
    if number != number.to_integral_value():
        raise UnreadableError("a whole number")
    return int(number)


def reader_of(one: Input, *, fraction: bool) -> Reader:
    """(what the CRM holds, the zone) → the canonical value; None where it says nothing."""
    field = one.field
    if field.shape is CHOICE:
        return _choice(one)
    if field.shape is ROLES:
        return _roles(one)
    if field.shape is BOOL:
        return _bool(one) if one.values else read_bool
    plain = _plain(one, fraction=fraction)
    return _translated(one, plain) if one.values else plain


def _plain(one: Input, *, fraction: bool) -> Reader:
    field = one.field
    read = FRACTION.read if one.codec == "percent" and fraction else CODECS[one.codec].read
    if field.shape is DATE:
        return read_date
    if field.shape is MOMENT and one.codec == "date":
        return lambda raw, zone: read_datetime(read_date(raw, zone), zone)
    if field.shape is WHOLE or (field.shape is MONTHS and one.codec == "number"):
        return lambda raw, zone: read_whole(read(raw, zone), zone)
    if field.shape is CURRENCY:
        return _currency
    if one.codec == "list":
        return lambda raw, zone: "; ".join(read(raw, zone)) or None
    if field.shape is SIGNAL:
        return lambda raw, zone: _signal(read(raw, zone), zone)
    return read


def _currency(raw: Any, zone: tzinfo) -> str | None:
    code = (read_text(raw, zone) or "").upper()
    if len(code) != 3 or not code.isalpha():  # noqa: PLR2004 - ISO 4217
        raise UnreadableError("a currency's ISO code such as EUR")
    return code


def _signal(raw: Any, zone: tzinfo) -> str | None:
    """A tick says that there is a signal, its absence that there is none; text is the signal."""
    text = read_text(raw, zone)
    if text is None or text.lower() in ("false", "no", "0"):
        return None
    return "flagged in the CRM" if text.lower() in ("true", "yes", "1") else text


class _Words:
    """The CRM's words and what they mean; exact first, then without regard to case."""

    def __init__(self, values: Mapping[str, bool | str], own: tuple[str, ...]) -> None:
        self._exact = dict(values)
        self._folded = {word.strip().casefold(): meant for word, meant in values.items()}
        for word in own:
            self._folded.setdefault(word, word)
            self._folded.setdefault(word.replace("_", " "), word)

    def get(self, text: str) -> bool | str | None:
        meant = self._exact.get(text)
        return self._folded.get(text.casefold()) if meant is None else meant


def _unknown(one: Input) -> UnknownWordError:
    if one.values:
        return UnknownWordError(f"one of {', '.join(one.values)}")
    return UnknownWordError(f"one of {', '.join(one.field.choices)}")


def _choice(one: Input) -> Reader:
    words = _Words(one.values, one.field.choices)
    otherwise, lenient = one.default, one.field.lenient
    unknown = _unknown(one)

    def read(raw: Any, zone: tzinfo) -> Any:
        text = read_text(raw, zone)
        if text is None:
            return None
        meant = words.get(text)
        if meant is None:
            if otherwise is None and not lenient:
                raise unknown
            return otherwise
        return meant

    return read


def _roles(one: Input) -> Reader:
    words = _Words(one.values, one.field.choices)
    read_members = CODECS["list"].read

    def read(raw: Any, zone: tzinfo) -> Any:
        known = (words.get(member) for member in read_members(raw, zone))
        return tuple(dict.fromkeys(word for word in known if word is not None)) or None

    return read


def _bool(one: Input) -> Reader:
    words = _Words(one.values, ())
    otherwise = one.default
    unknown = _unknown(one)

    def read(raw: Any, zone: tzinfo) -> Any:
        text = read_text(raw, zone)
        meant = None if text is None else words.get(text)
        if meant is not None or text is None:
            return meant
        if otherwise is None:
            raise unknown
        return otherwise

    return read


def _translated(one: Input, plain: Reader) -> Reader:
    words = _Words(one.values, ())
    otherwise = one.default

    def read(raw: Any, zone: tzinfo) -> Any:
        text = plain(raw, zone)
        meant = None if text is None else words.get(text)
        if meant is not None or text is None:
            return meant
        return text if otherwise is None else otherwise

    return read


def absent_of(model: type[Any], field: Field) -> Any:
    """What the model holds where nothing is known."""
    defaults = dict(
        zip(reversed(model.__struct_fields__), reversed(model.__struct_defaults__), strict=False)
    )
    return defaults.get(field.name)
