"""The types of canonical values, and the codecs that read and write each of them."""

from __future__ import annotations

from msgspec import Struct

from syncd.connector import FieldType


class Shape(Struct, frozen=True):
    """A type of canonical value: its own codec, and the codecs that may stand in for it."""

    name: str
    words: str
    codec: str
    codecs: tuple[str, ...]
    field_type: FieldType
    length: int | None = None
    scale: int | None = None


TEXT = Shape("text", "a text", "text", ("text", "html_text", "domain", "list"), FieldType.TEXT, 255)
SIGNAL = Shape(
    "signal", "a tick or a text", "text", ("text", "html_text", "list", "bool"), FieldType.TEXT, 255
)
LONG = Shape("long text", "a text", "text", ("text", "html_text"), FieldType.LONG_TEXT, 32768)
CHOICE = Shape("choice", "one of a few words", "text", ("text",), FieldType.PICKLIST)
LINK = Shape("link", "a record's id", "text", ("text",), FieldType.TEXT, 255)
CURRENCY = Shape("currency", "a currency's ISO code", "text", ("text",), FieldType.TEXT, 3)
DOMAIN = Shape("domain", "a domain", "domain", ("domain", "text"), FieldType.TEXT, 255)
MONEY = Shape("money", "an amount", "money", ("money", "number"), FieldType.MONEY, 18, 2)
NUMBER = Shape("number", "a number", "number", ("number", "percent"), FieldType.NUMBER, 18, 2)
WHOLE = Shape("whole", "a whole number", "number", ("number", "percent"), FieldType.NUMBER, 9, 0)
MONTHS = Shape(
    "months", "a number of months", "duration", ("duration", "number"), FieldType.NUMBER, 9, 0
)
BOOL = Shape("bool", "true or false", "bool", ("bool",), FieldType.BOOL)
DATE = Shape("date", "a date", "date", ("date", "datetime"), FieldType.DATE)
MOMENT = Shape("moment", "a date and time", "datetime", ("datetime", "date"), FieldType.DATETIME)
ROLES = Shape("roles", "a list of roles", "list", ("list", "text"), FieldType.MULTIPICKLIST)
PERCENT = Shape(
    "percent", "a percentage", "number", ("number", "percent", "text"), FieldType.NUMBER, 3, 0
)
