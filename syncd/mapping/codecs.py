"""Codecs: one kind of value each, between a CRM's wire and plain Python, in both directions.

`read` takes what a CRM answers (JSON values, or the plain Python that `write` made) and raises
UnreadableError; `write` gives what a connector takes. ``read(write(x)) == x`` for every value
that `read` can give. Empty text is no value in every CRM and never reaches a codec.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, TypeAlias

from syncd.connector import Value
from syncd.mapping.context import cents
from syncd.mapping.domains import host_of
from syncd.mapping.html import from_html, to_html

Reader: TypeAlias = Callable[[Any, tzinfo], Any]
"""(what the CRM holds, the portfolio's time zone) → plain Python; raises UnreadableError."""


class UnreadableError(ValueError):
    """A value that its codec cannot read; the text says what was expected."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One codec: its name in mapping files, and both directions."""

    name: str
    read: Reader
    write: Callable[[Any], Value]


_LARGEST = Decimal(10) ** 15
_DUST = Decimal("0.000001")
_MIDNIGHT = time(0)
_NOON = time(12)
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_EPOCH = re.compile(r"-?\d{9,14}")
_WORDS_OF_TRUTH = {
    "true": True,
    "false": False,
    "yes": True,
    "no": False,
    "1": True,
    "0": False,
}
_TERM = re.compile(
    r"(?:P(?:(\d+)Y)?(?:(\d+)M)?|(\d+)\s*(?:years?|yrs?|y)|(\d+)\s*(?:months?|mos?|m)?)",
    re.IGNORECASE,
)


def _same(value: Any) -> Value:
    kept: Value = value
    return kept


def _number(raw: Any) -> Decimal:
    if isinstance(raw, bool):
        raise UnreadableError("a number")
    try:
        number = raw if isinstance(raw, Decimal) else Decimal(str(raw).strip())
    except InvalidOperation as error:
        raise UnreadableError("a number such as 1200.50") from error
    if not number.is_finite() or abs(number) >= _LARGEST:
        raise UnreadableError("a number below 10^15")
    return number


def read_number(raw: Any, _zone: tzinfo) -> Decimal:
    """A number; what lies beyond six places is a binary fraction's dust."""
    number = _number(raw)
    rounded = number.quantize(_DUST, ROUND_HALF_UP)
    return number if rounded == number else rounded


def read_money(raw: Any, _zone: tzinfo) -> Decimal:
    """An amount, to the cent."""
    return cents(_number(raw))


def read_whole(raw: Any, zone: tzinfo) -> int:
    """A whole number."""
    number = read_number(raw, zone)
    if number != number.to_integral_value():
        raise UnreadableError("a whole number")
    return int(number)


def read_bool(raw: Any, _zone: tzinfo) -> bool:
    """True or false, also as the words that CRMs use; the text "false" is false."""
    if isinstance(raw, bool):
        return raw
    truth = _WORDS_OF_TRUTH.get(str(raw).strip().lower())
    if truth is None:
        raise UnreadableError("true or false")
    return truth


def _moment(raw: Any, expected: str) -> datetime | date:
    """What `raw` says: a plain date, or a moment with its zone (UTC where it names none)."""
    if isinstance(raw, datetime):
        return raw if raw.tzinfo is not None else raw.replace(tzinfo=UTC)
    if isinstance(raw, date):
        return raw
    if isinstance(raw, bool):
        raise UnreadableError(expected)
    text = str(raw).strip()
    try:
        if _ISO_DATE.fullmatch(text):
            return date.fromisoformat(text)
        if _EPOCH.fullmatch(text):
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        if not _ISO_DATE.match(text):
            raise UnreadableError(expected)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError) as error:
        raise UnreadableError(expected) from error
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _seen_from(zone: tzinfo, at: datetime) -> datetime:
    try:
        return at.astimezone(zone)
    except OverflowError as error:
        raise UnreadableError("a date within the years 1 to 9999") from error


def read_date(raw: Any, zone: tzinfo) -> date:
    """A plain date. A moment exactly at midnight UTC is that date; any other is seen in `zone`."""
    if type(raw) is str and len(raw) == 10:  # noqa: PLR2004 - YYYY-MM-DD, by far the most
        try:
            return date.fromisoformat(raw)
        except ValueError as error:
            raise UnreadableError("a date such as 2026-12-31") from error
    at = _moment(raw, "a date such as 2026-12-31")
    if not isinstance(at, datetime):
        return at
    in_utc = _seen_from(UTC, at)
    return in_utc.date() if in_utc.time() == _MIDNIGHT else _seen_from(zone, at).date()


def read_datetime(raw: Any, zone: tzinfo) -> datetime:
    """A moment, in `zone`. A plain date is noon of that day there."""
    at = _moment(raw, "a date and time such as 2026-12-31T09:30:00Z")
    if isinstance(at, datetime):
        return _seen_from(zone, at)
    return datetime.combine(at, _NOON, tzinfo=zone)


def read_text(raw: Any, _zone: tzinfo) -> str | None:
    """Text without outer white space; None where nothing is left."""
    if type(raw) is str:
        text = raw.strip()
        return (text.replace("\r\n", "\n") if "\r" in text else text) or None
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, int | float | Decimal):
        return _plain(_number(raw))
    if isinstance(raw, datetime | date):
        return raw.isoformat()
    if isinstance(raw, list):
        return "; ".join(str(item) for item in raw) or None
    raise UnreadableError("a text")


def _plain(number: Decimal) -> str:
    if number == number.to_integral_value():
        return str(int(number))
    return format(number.normalize(), "f")


def write_text(value: Any) -> Value:
    """Any canonical value as text: dates in ISO form, numbers bare."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return _plain(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def read_list(raw: Any, zone: tzinfo) -> tuple[str, ...]:
    """The members of a ``;`` list, each once, in their order."""
    members = raw if isinstance(raw, list | tuple) else (read_text(raw, zone) or "").split(";")
    return tuple(dict.fromkeys(text for m in members if (text := str(m).strip())))


def read_html(raw: Any, zone: tzinfo) -> str | None:
    """The text of a piece of HTML; None where it says nothing."""
    return from_html(read_text(raw, zone) or "") or None


def read_domain(raw: Any, zone: tzinfo) -> str | None:
    """The host of a web or mail address; None for a mail provider's, which many share."""
    host = host_of(read_text(raw, zone) or "")
    if host == "":
        raise UnreadableError("a web address such as acme.com")
    return host


def read_duration(raw: Any, zone: tzinfo) -> int:
    """Months of ``P12M``, ``P1Y``, ``12 months``, ``1 year`` or a bare number."""
    found = _TERM.fullmatch(str(raw).strip())
    if found is not None and any(found.groups()):
        years = int(found[1] or found[3] or 0)
        return years * 12 + int(found[2] or found[4] or 0)
    try:
        return read_whole(raw, zone)
    except UnreadableError as error:
        raise UnreadableError('a number of months, such as 12, "P1Y" or "12 months"') from error


def read_points(raw: Any, zone: tzinfo) -> Decimal:
    """Percent from 0 to 100, with or without its sign."""
    return read_number(raw.strip().removesuffix("%") if isinstance(raw, str) else raw, zone)


def read_fraction(raw: Any, zone: tzinfo) -> Decimal:
    """Percent that the CRM holds as a fraction: 0.4 is 40."""
    if isinstance(raw, str) and raw.strip().endswith("%"):
        return read_points(raw, zone)
    return read_number(_number(raw) * 100, zone)


CODECS: Mapping[str, Codec] = {
    codec.name: codec
    for codec in (
        Codec("text", read_text, write_text),
        Codec("number", read_number, _same),
        Codec("money", read_money, _same),
        Codec("percent", read_points, _same),
        Codec("bool", read_bool, _same),
        Codec("date", read_date, _same),
        Codec("datetime", read_datetime, _same),
        Codec("duration", read_duration, lambda months: f"P{months}M"),
        Codec("domain", read_domain, _same),
        Codec("list", read_list, list),
        Codec("html_text", read_html, to_html),
    )
}
FRACTION = Codec("percent", read_fraction, lambda percent: Decimal(percent) / 100)
"""The percent codec of CRMs that keep percentages as fractions."""
