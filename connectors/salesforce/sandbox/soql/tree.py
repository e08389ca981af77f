"""The parts of a parsed query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Path:
    """A field, possibly of a parent: ``Owner.Name``. `at` is (row, column), from 1."""

    names: tuple[str, ...]
    at: tuple[int, int] = (1, 1)

    @property
    def text(self) -> str:
        """As written."""
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of fields, such as ``COUNT(Id)``."""

    function: str
    of: tuple[Path | Call, ...]
    at: tuple[int, int] = (1, 1)

    @property
    def text(self) -> str:
        """Its spelling, the same for the same call."""
        return f"{self.function}({','.join(part.text for part in self.of)})"


@dataclass(frozen=True, slots=True)
class DateLiteral:
    """A relative date, such as ``LAST_N_DAYS:30``."""

    name: str
    count: int | None


@dataclass(frozen=True, slots=True)
class Moment:
    """A date or datetime written out: its wire form and which of the two it is."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Compare:
    """A condition on one field. `value` is a constant, a tuple of them, or a Query."""

    target: Path | Call
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    part: Logic


@dataclass(frozen=True, slots=True)
class Both:
    """All of them."""

    parts: tuple[Logic, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Any of them."""

    parts: tuple[Logic, ...]


Logic = Compare | Not | Both | Either


@dataclass(frozen=True, slots=True)
class Item:
    """One of the selected things, with its alias."""

    what: Path | Call | Query
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """One of the orderings."""

    by: Path | Call
    descending: bool = False
    nulls_last: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A whole SELECT."""

    text: str
    items: tuple[Item, ...]
    source: Path
    alias: str | None = None
    where: Logic | None = None
    group: tuple[Path | Call, ...] = ()
    having: Logic | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int | None = None
