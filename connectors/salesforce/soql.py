"""SOQL texts: literals, field lists and lengths.

Limits: https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from urllib.parse import quote_plus

WHERE_CHARACTERS = 3_900  # of the 4,000 that a WHERE clause may have
QUERY_BYTES = 14_000  # encoded, of the 16,384 that the address and the headers may have together

ESCAPES = {
    "\\": "\\\\",
    "'": "\\'",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}


def text(value: str) -> str:
    """A SOQL text literal, quoted and escaped."""
    return "'" + "".join(ESCAPES.get(character, character) for character in value) + "'"


def moment(value: datetime) -> str:
    """A SOQL datetime literal in UTC, to the second."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp(value: str) -> datetime:
    """The moment that a wire datetime names (``2026-05-06T11:56:44.000+0000``)."""
    return datetime.fromisoformat(value)


def select(
    object: str, fields: Sequence[str], conditions: Sequence[str] = (), order: str = ""
) -> str:
    """A query. The conditions are joined by AND, each in brackets."""
    # The names come from mappings and the conditions quote their values with `text`.
    query = f"SELECT {', '.join(fields)} FROM {object}"  # noqa: S608 - SOQL only reads
    if conditions:
        query += " WHERE " + " AND ".join(f"({condition})" for condition in conditions)
    return f"{query} ORDER BY {order}" if order else query


def distinct(names: Sequence[str]) -> list[str]:
    """The names without repetition; SOQL refuses a field named twice, in whatever case."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(name.lower(), name)
    return list(first.values())


def too_long(query: str) -> bool:
    """Whether the query does not fit into an address."""
    return len(quote_plus(query)) > QUERY_BYTES


def field_groups(fields: Sequence[str], room: int) -> list[list[str]]:
    """The fields in groups whose encoded lists have at most `room` bytes each."""
    groups: list[list[str]] = [[]]
    used = 0
    for name in fields:
        size = len(quote_plus(name)) + 4
        if groups[-1] and used + size > room:
            groups.append([])
            used = 0
        groups[-1].append(name)
        used += size
    return groups


def in_lists(values: Sequence[str]) -> Iterator[str]:
    """The values as ``('a', 'b')`` lists, each short enough for a WHERE clause."""
    part: list[str] = []
    size = 0
    for value in dict.fromkeys(values):
        literal = text(value)
        if part and size + len(literal) + 2 > WHERE_CHARACTERS:
            yield f"({', '.join(part)})"
            part, size = [], 0
        part.append(literal)
        size += len(literal) + 2
    if part:
        yield f"({', '.join(part)})"
