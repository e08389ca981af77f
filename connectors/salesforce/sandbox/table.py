"""The rows of one object in memory, with the indexes that keep large orgs fast."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

from connectors.salesforce.sandbox.schema import Field, SObject

Row = dict[str, Any]


def index_key(value: Any) -> Any:
    """How a value is looked up: text without regard to case."""
    return value.lower() if isinstance(value, str) else value


class Table:
    """Rows by 18-character id, deleted ones among them. An empty value has no key in its row."""

    def __init__(self, kind: SObject) -> None:
        """An empty table of the object."""
        self.kind = kind
        self.rows: dict[str, Row] = {}
        self.deleted = 0
        self.indexes: dict[str, dict[Any, dict[str, None]]] = {}
        self._stamps: list[tuple[str, str]] | None = None
        for one in kind.fields.values():
            self.index(one)

    def index(self, one: Field) -> None:
        """Keep an index of the field from now on, where its kind asks for one."""
        if not one.indexed or one.type == "id":
            return
        fresh: dict[Any, dict[str, None]] = {}
        for key, row in self.rows.items():
            value = row.get(one.name)
            if value is not None:
                fresh.setdefault(index_key(value), {})[key] = None
        self.indexes[one.name] = fresh

    def touch(self) -> None:
        """Forget the order of SystemModstamp, after rows were replaced."""
        self._stamps = None

    def drop(self, name: str) -> None:
        """Forget a field and its values."""
        self.indexes.pop(name, None)
        for row in self.rows.values():
            row.pop(name, None)

    def put(self, row: Row) -> None:
        """Add a new row."""
        key = row["Id"]
        self.rows[key] = row
        self.deleted += bool(row.get("IsDeleted"))
        for name, entries in self.indexes.items():
            value = row.get(name)
            if value is not None:
                entries.setdefault(index_key(value), {})[key] = None
        self._stamps = None

    def change(self, row: Row, values: Row) -> None:
        """Set values of a row in place; None empties."""
        key = row["Id"]
        for name, value in values.items():
            entries = self.indexes.get(name)
            before = row.get(name)
            if name == "IsDeleted":
                self.deleted += bool(value) - bool(before)
            if entries is not None and before != value:
                if before is not None:
                    entries[index_key(before)].pop(key, None)
                if value is not None:
                    entries.setdefault(index_key(value), {})[key] = None
            if value is None:
                row.pop(name, None)
            else:
                row[name] = value
        if "SystemModstamp" in values:
            self._stamps = None

    def discard(self, key: str) -> None:
        """Remove a row for good."""
        row = self.rows.pop(key)
        self.deleted -= bool(row.get("IsDeleted"))
        for name, entries in self.indexes.items():
            value = row.get(name)
            if value is not None:
                entries[index_key(value)].pop(key, None)
        self._stamps = None

    def having(self, name: str, value: Any) -> Iterator[Row]:
        """The rows, deleted ones too, whose indexed field holds the value."""
        entries = self.indexes[name].get(index_key(value), {})
        return (self.rows[key] for key in list(entries))

    def live(self) -> Iterable[Row]:
        """The rows that are not deleted."""
        if not self.deleted:
            return self.rows.values()
        return (row for row in self.rows.values() if not row.get("IsDeleted"))

    def count(self) -> int:
        """How many rows are not deleted."""
        return len(self.rows) - self.deleted

    def stamped(
        self, low: str | None, high: str | None, *, with_low: bool, with_high: bool
    ) -> list[Row]:
        """The rows whose SystemModstamp lies between, in its order and then the id's."""
        if self._stamps is None:
            self._stamps = sorted((row["SystemModstamp"], key) for key, row in self.rows.items())
        stamps = self._stamps
        start, end = 0, len(stamps)
        if low is not None:
            start = bisect_left(stamps, (low, "" if with_low else "~"))
        if high is not None:
            end = bisect_right(stamps, (high, "~" if with_high else ""))
        return [self.rows[key] for _, key in stamps[start:end]]
