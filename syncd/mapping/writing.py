"""From canonical values to a CRM's fields and back: accounts' fields, and tasks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeAlias

from msgspec import Struct

from syncd.connector import FieldType, ObjectSchema, Record, SchemaField, TaskShape, Value
from syncd.mapping.codecs import (
    CODECS,
    FRACTION,
    UnreadableError,
    read_datetime,
    read_text,
    read_whole,
    write_text,
)
from syncd.mapping.html import tidy, to_html
from syncd.mapping.results import (
    RESULTS,
)
from syncd.mapping.shapes import (
    MOMENT,
    PERCENT,
    WHOLE,
)
from syncd.model import Scalar

Shown: TypeAlias = None | bool | int | float | str
"""A value in the words that the CRM shows, fit for JSON."""

_ELLIPSIS = "…"
_SCALED = frozenset({FieldType.NUMBER, FieldType.MONEY, FieldType.PERCENT})


class _Cell:
    """One field of the CRM: its codec, and the words that are translated."""

    def __init__(
        self, codec: str, values: Mapping[str, str], zone: tzinfo, *, fraction: bool = False
    ) -> None:
        self.name = codec
        self._codec = FRACTION if codec == "percent" and fraction else CODECS[codec]
        self._words = dict(values)
        self._zone = zone
        self._back: dict[str, str] = {}
        for word, shown in values.items():
            self._back.setdefault(shown.strip().casefold(), word)

    def encode(self, value: Any) -> Value:
        """What the connector is given."""
        if value is None:
            return None
        if self._words:
            word = str(value).lower() if isinstance(value, bool) else str(value)
            return self._words.get(word, word)
        if self.name == "html_text":
            value = write_text(value)
        written: Value = self._codec.write(value)
        return written

    def moment(self, value: Any) -> Any:
        """Noon of a plain day, in the portfolio's zone."""
        if isinstance(value, date) and not isinstance(value, datetime):
            return read_datetime(value, self._zone)
        return value

    def decode(self, raw: Any) -> Any:
        """The canonical value of what the CRM holds; what cannot be read stays text."""
        if raw is None or raw == "":
            return None
        try:
            return self._word(raw) if self._words else self._codec.read(raw, self._zone)
        except UnreadableError:
            return str(raw)

    def _word(self, raw: Any) -> str | None:
        text = read_text(raw, self._zone)
        if text is None:
            return None
        word = self._back.get(text.casefold())
        if word is not None:
            return word
        # The CRM's own "strategic" is not ours where ours is written as "Tier 1".
        return f"{text} (untranslated)" if text in self._words else text

    def shown(self, value: Any) -> Shown:
        """The words that the CRM will show."""
        if self.name in ("html_text", "percent") and not self._words:
            return _plain(value)
        return _plain(self.encode(value))


class AccountWrite:
    """One result and the account field that it is written to. Frozen."""

    __slots__ = ("_cell", "_shape", "codec", "field", "object", "result", "values")

    def __init__(
        self,
        result: str,
        object: str,
        field: str,
        codec: str,
        values: Mapping[str, str],
        *,
        zone: tzinfo = UTC,
        fraction: bool = False,
    ) -> None:
        """`values` are syncd's words and the CRM's; `zone` is the portfolio's."""
        self.result = result
        self.object = object
        self.field = field
        self.codec = codec
        self.values = dict(values)
        self._shape = RESULTS[result].shape
        self._cell = _Cell(codec, values, zone, fraction=fraction)

    def encode(self, value: Scalar) -> Value:
        """What the connector is given for a canonical value; None clears."""
        return self._cell.encode(value)

    def decode(self, raw: Any) -> Scalar:
        """The canonical value of what the CRM holds; unknown words stay text."""
        value = self._cell.decode(raw)
        if self.values and self._shape.name == "bool" and value in ("true", "false"):
            return bool(value == "true")
        if self._shape in (WHOLE, PERCENT) and not isinstance(value, str):
            value = _whole(value)
        if self.codec in ("text", "html_text") and isinstance(value, str) and not self.values:
            return self._typed(value)
        result: Scalar = value
        return result

    def _typed(self, text: str) -> Scalar:
        """A value kept as text, in its own type again; text that does not fit stays text."""
        codec = self._shape.codec
        if codec in ("text", "html_text"):
            return text
        try:
            value = CODECS[codec].read(text, UTC)
        except UnreadableError:
            return text
        typed: Scalar = _whole(value) if self._shape in (WHOLE, PERCENT) else value
        return typed

    def fit(self, value: Scalar, field: SchemaField) -> Scalar:
        """The value as the CRM's field will hold it.

        Text is cut to the field's length with an ellipsis, numbers are rounded half up to its
        scale, percentages are whole, moments have whole seconds; a day is noon of that day where
        the field holds moments.
        """
        if value is None or isinstance(value, bool) or self.values:
            return value
        if self._shape is MOMENT and field.type is FieldType.DATETIME:
            value = self._cell.moment(value)
        if isinstance(value, datetime):
            return value.replace(microsecond=0)
        if isinstance(value, str):
            return _cut(value, field.length, html=self.codec == "html_text")
        if self.codec == "percent":
            return int(Decimal(str(value)).quantize(Decimal(1), ROUND_HALF_UP))
        if isinstance(value, Decimal) and field.type in _SCALED and field.scale is not None:
            return value.quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP)
        return value

    def shown(self, value: Scalar) -> Shown:
        """The words that the CRM will show, fit for JSON."""
        if self._shape is MOMENT and isinstance(value, datetime):
            return value.astimezone(UTC).isoformat(timespec="seconds")
        return self._cell.shown(value)

    def __repr__(self) -> str:
        """``AccountWrite(tier -> Account.Syncd_Tier__c)``."""
        return f"AccountWrite({self.result} -> {self.object}.{self.field})"


class TaskCell(Struct, frozen=True):
    """One part of a task: its CRM field, its codec, its words."""

    name: str
    field: str
    codec: str
    values: Mapping[str, str] = {}


class TaskMapping:
    """How tasks look in this CRM. `fields` are the canonical names that can be written."""

    __slots__ = ("_account_link", "_cells", "cells", "fields", "shape")

    def __init__(
        self, shape: TaskShape, cells: tuple[TaskCell, ...], *, zone: tzinfo = UTC
    ) -> None:
        """`cells` are all parts but the account, which the connector sets by `shape`."""
        self.shape = shape
        self.cells = cells
        self.fields = frozenset(cell.name for cell in cells)
        self._cells = {cell.name: _Cell(cell.codec, cell.values, zone) for cell in cells}
        link = shape.account_association
        self._account_link = None if link is None else link.key

    def crm_fields(self) -> tuple[str, ...]:
        """Every CRM field of a task that syncd reads and writes."""
        names = [cell.field for cell in self.cells]
        if self.shape.account_field is not None:
            names.append(self.shape.account_field)
        return tuple(dict.fromkeys(names))

    def encode(self, fields: Mapping[str, Any]) -> dict[str, Value]:
        """CRM fields and values of canonical task fields.

        Names that this mapping does not write are left out, and so is a missing owner. The
        account is the connector's to set.
        """
        encoded: dict[str, Value] = {}
        for cell in self.cells:
            if cell.name not in fields:
                continue
            value = fields[cell.name]
            if value is None and cell.name == "owner":
                continue
            encoded[cell.field] = self._cells[cell.name].encode(value)
        return encoded

    def fit(self, name: str, text: str, schema: ObjectSchema | None) -> str:
        """A text as the task's field of that canonical name holds it, cut with a mark."""
        cell = next((cell for cell in self.cells if cell.name == name), None)
        field = None if cell is None or schema is None else schema.find(cell.field)
        if cell is None or field is None or field.length is None:
            return text
        return _cut(text, field.length, html=cell.codec == "html_text")

    def decode(self, record: Record) -> dict[str, Shown]:
        """Canonical task fields in comparable words: the due date in ISO form.

        status is completed when the CRM says the completed word, else open.
        """
        shown: dict[str, Shown] = {}
        for cell in self.cells:
            value = self._cells[cell.name].decode(record.fields.get(cell.field))
            if cell.name == "due":
                value = _day(value)
            shown[cell.name] = _plain(value)
        if shown.get("status") != "completed":
            shown["status"] = "open"
        shown["account"] = self.account_of(record)
        return shown

    def account_of(self, record: Record) -> str | None:
        """The account record that the task is about."""
        if self._account_link is not None:
            links = record.links.get(self._account_link)
            return links[0] if links else None
        value = record.fields.get(self.shape.account_field or "")
        return str(value) if value else None


def _day(value: Any) -> Any:
    return value.date() if isinstance(value, datetime) else value


def _whole(value: Any) -> Any:
    try:
        return value if isinstance(value, bool) else read_whole(value, UTC)
    except UnreadableError:
        return value


def _plain(value: Any) -> Shown:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return "; ".join(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)


def _cut(text: str, length: int | None, *, html: bool) -> str:
    """`text` within the length, its end marked where it was cut; HTML counts as written."""
    text = tidy(text) if html else text.replace("\r\n", "\n").strip()
    if length is None or length < 1:
        return text
    written = (lambda part: len(to_html(part))) if html else len
    if written(text) <= length:
        return text
    low, high = 0, min(len(text), length)
    while low < high:
        middle = (low + high + 1) // 2
        if written(text[:middle].rstrip() + _ELLIPSIS) <= length:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + _ELLIPSIS
