"""Task texts: sandboxed templates, and how they name amounts and days."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from textwrap import shorten
from typing import Any

from jinja2 import Template as Compiled
from jinja2 import TemplateError, meta, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from msgspec import Struct

from syncd.rules.said import plain

SUBJECT_CHARS = 120
BODY_CHARS = 30_000
OPENING_CHARS = 400
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


class TextError(ValueError):
    """A template cannot be filled in for this account."""


def day(value: date | None) -> str:
    """``31 Jan 2027``; nothing for a blank."""
    return "" if value is None else f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


@pass_context
def _money(context: Context, value: Decimal | float | None) -> str:
    """``120,000 USD``; nothing for a blank."""
    if value is None:
        return ""
    amount = f"{value:,.2f}".removesuffix(".00")
    return f"{amount} {context.get('currency') or ''}".rstrip()


def _blank(value: Any) -> Any:
    return "" if value is None else value


def _environment() -> ImmutableSandboxedEnvironment:
    # Not escaped: what HTML wants is up to the mapping, where a CRM keeps its texts as HTML.
    environment = ImmutableSandboxedEnvironment(autoescape=False, finalize=_blank)
    environment.filters["money"] = _money
    environment.filters["day"] = day
    environment.globals = {}
    return environment


_PLAIN = _environment()


class Template(Struct, frozen=True):
    """A template and the names that it uses."""

    compiled: Compiled
    names: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Template:
        """The template of this text. Raises TemplateSyntaxError."""
        names = meta.find_undeclared_variables(_PLAIN.parse(text))
        return cls(_PLAIN.from_string(text), frozenset(names))


def _render(template: Template, names: Mapping[str, Any]) -> str:
    used = {name: names[name] for name in (*template.names, "currency") if name in names}
    try:
        return template.compiled.render(used)
    except (
        TemplateError,
        TypeError,
        ValueError,
        ArithmeticError,
        LookupError,
        AttributeError,
    ) as error:
        raise TextError(str(error)) from error


def subject_text(template: Template, names: Mapping[str, Any]) -> str:
    """One line of at most 120 characters. Raises TextError."""
    return _cut(" ".join(_render(template, names).split()), SUBJECT_CHARS)


def body_text(template: Template, names: Mapping[str, Any]) -> str:
    """The text with single blank lines, of at most 30,000 characters. Raises TextError."""
    return _cut(_BLANK_LINES.sub("\n\n", _render(template, names).strip()), BODY_CHARS)


def _cut(text: str, most: int) -> str:
    """The text, or as much of it as fits with the mark of what is left out."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def opening(body: str) -> str:
    """The first paragraph of a task's text as one plain line."""
    return shorten(plain(body.partition("\n\n")[0]), OPENING_CHARS, placeholder=" …")
