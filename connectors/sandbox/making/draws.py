"""Seeded drawing: every stream of chance in the book comes from here."""

from __future__ import annotations

import unicodedata
from functools import cache
from random import Random
from typing import TYPE_CHECKING, TypeVar

from connectors.sandbox.making import names

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


def stream(*parts: object) -> Random:
    """A stream of its own for these parts, so that no draw here moves a draw elsewhere."""
    return Random(":".join(map(str, parts)))  # noqa: S311 - a made-up book holds no secrets


def pick(rng: Random, options: Sequence[T]) -> T:
    """One of `options`; quicker than Random.choice, which large books feel."""
    return options[int(rng.random() * len(options))]


def between(rng: Random, low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included; quicker than Random.randint."""
    return low + int(rng.random() * (high - low + 1))


def chance(rng: Random, share: float) -> bool:
    """True in `share` of the draws."""
    return rng.random() < share


def fill(rng: Random, templates: Sequence[str], **words: object) -> str:
    """One of `templates` with fresh figures in place of {a} to {e}."""
    template = pick(rng, templates)
    if "{" not in template:
        return template
    return template.format(
        a=between(rng, 3, 9),
        b=between(rng, 4, 24),
        c=between(rng, 4, 18),
        d=between(rng, 20, 95),
        e=between(rng, 30, 60),
        **words,
    )


@cache
def mail_part(name: str) -> str:
    """A name in plain lower-case letters, fit for a mail address."""
    plain = unicodedata.normalize("NFKD", name.lower().translate(names.PLAIN_LETTERS))
    return "".join(letter for letter in plain if letter.isascii() and letter.isalpha())


def person_name(rng: Random) -> tuple[str, str]:
    """First and last name, both from one culture."""
    first, last = pick(rng, names.PEOPLE_PARTS)
    return pick(rng, first), pick(rng, last)
