"""Records in memory, with the orders that lists and searches go by."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from connectors.hubspot.sandbox.kinds import Kind

Version = tuple[str | None, int, str]
"""A value a property had: the value, since when (milliseconds), who set it (API, CRM_UI ...)."""


class Row(Struct):
    """A record. `properties` hold set values only; times are in milliseconds.

    `history` has entries for properties that were changed since the record was made. `past` is
    what search still sees: (until when, the properties then, or None before it was made).
    """

    id: int
    properties: dict[str, str]
    created: int
    updated: int
    archived: int | None = None
    history: dict[str, list[Version]] | None = None
    past: list[tuple[int, dict[str, str] | None]] | None = None


class Table:
    """The records of one object type."""

    def __init__(self, kind: Kind) -> None:
        """An empty table."""
        self.kind = kind
        self.rows: dict[int, Row] = {}
        self.live: list[int] = []
        self.archived: list[int] = []
        self.merged: dict[int, int] = {}
        self.unique: dict[str, dict[str, int]] = {}
        self.version = 0
        self._modified: list[tuple[int, int]] = []

    def add(self, row: Row) -> None:
        """Take in a new record, live or archived."""
        self.rows[row.id] = row
        insort(self.archived if row.archived is not None else self.live, row.id)
        if row.archived is None:
            for name, index in self.unique.items():
                if name in row.properties:
                    index[row.properties[name]] = row.id
        self.touched(row)

    def touched(self, row: Row) -> None:
        """The record's `updated` was set: later than all others, as a rule."""
        self.version += 1
        entry = (row.updated, row.id)
        if not self._modified or self._modified[-1] <= entry:
            self._modified.append(entry)
        else:
            insort(self._modified, entry)
        if len(self._modified) > 2 * len(self.rows) + 1000:
            self._modified = sorted((r.updated, r.id) for r in self.rows.values())

    def set(self, row: Row, name: str, value: str | None) -> None:
        """Set or clear a property, keeping the unique index."""
        index = self.unique.get(name)
        if index is not None:
            held = row.properties.get(name)
            if held is not None and index.get(held) == row.id:
                del index[held]
            if value is not None and row.archived is None:
                index[value] = row.id
        if value is None:
            row.properties.pop(name, None)
        else:
            row.properties[name] = value

    def archive(self, row: Row, at: int) -> None:
        """Move a record to the archived ones."""
        del self.live[bisect_left(self.live, row.id)]
        insort(self.archived, row.id)
        for name, index in self.unique.items():
            value = row.properties.get(name)
            if value is not None and index.get(value) == row.id:
                del index[value]
        row.archived = at
        self.version += 1

    def remove(self, row: Row) -> None:
        """Forget a record for good."""
        order = self.archived if row.archived is not None else self.live
        del order[bisect_left(order, row.id)]
        del self.rows[row.id]
        self.version += 1

    def index(self, name: str) -> None:
        """Keep an index of a property whose values are unique."""
        self.unique[name] = {
            self.rows[id].properties[name]: id
            for id in self.live
            if name in self.rows[id].properties
        }

    def find(self, key: str, by: str | None = None) -> Row | None:
        """The live record of that id, its own or of one merged into it, or unique value."""
        if by is not None and by != "hs_object_id":
            id = self.unique.get(by, {}).get(key)
            return None if id is None else self.rows[id]
        if not key.isdecimal():
            return None
        number = int(key)
        while number in self.merged:
            number = self.merged[number]
        row = self.rows.get(number)
        return row if row is not None and row.archived is None else None

    def page(self, after: int, limit: int, *, archived: bool) -> tuple[list[Row], int | None]:
        """Records in the order of ids from `after` on, and the id to go on from."""
        order = self.archived if archived else self.live
        start = bisect_left(order, after)
        ids = order[start : start + limit]
        following = order[start + limit : start + limit + 1]
        return [self.rows[id] for id in ids], following[0] if following else None

    def since(self, ms: int) -> Iterator[Row]:
        """Live records changed at or after that moment."""
        seen: set[int] = set()
        for updated, id in self._modified[bisect_left(self._modified, (ms, 0)) :]:
            row = self.rows.get(id)
            current = row is not None and row.updated == updated and row.archived is None
            if row is not None and current and id not in seen:
                seen.add(id)
                yield row

    def versions(self, row: Row, name: str) -> list[Version]:
        """A property's values, the newest first."""
        known = (row.history or {}).get(name)
        if known:
            return known[::-1]
        value = row.properties.get(name)
        return [] if value is None else [(value, row.created, "API")]


def stored(row: Row) -> list[Any]:
    """A record as the state's file keeps it."""
    return [row.id, row.properties, row.created, row.updated, row.archived, row.history]


def restored(kept: list[Any]) -> Row:
    """A record from the state's file."""
    id, properties, created, updated, archived, history = kept
    versions = {name: [tuple(v) for v in past] for name, past in (history or {}).items()}
    return Row(id, properties, created, updated, archived, versions or None)
