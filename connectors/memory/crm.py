"""What a memory connection speaks to: objects with fields and rows, and edits as of a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from syncd.connector import FieldType, SchemaField, Source, Value


@dataclass
class Crm:
    """What a memory connection speaks to: objects with fields and rows. Tests change it freely.

    `version` counts changes and serves as the modification stamp of rows. `refuse` holds the
    message with which writes of a field (object, field) are refused.
    """

    fields: dict[str, dict[str, SchemaField]] = field(default_factory=dict)
    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    stamps: dict[tuple[str, str], int] = field(default_factory=dict)
    deleted: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    merged: dict[tuple[str, str], str] = field(default_factory=dict)
    refuse: dict[tuple[str, str], str] = field(default_factory=dict)
    version: int = 0
    unreachable: bool = False

    def put(self, object: str, id: str, **values: Any) -> None:
        """Create or change a row, as a person would."""
        known = self.fields.setdefault(object, {})
        for name in values:
            known.setdefault(name, SchemaField(name=name, label=name, type=FieldType.TEXT))
        row = self.rows.setdefault(object, {}).setdefault(id, {})
        if all(row.get(name, "") == value for name, value in values.items()) and row:
            return
        row.update(values)
        self.version += 1
        self.stamps[object, id] = self.version

    def delete(self, object: str, id: str) -> None:
        """Remove a row, as a person would."""
        self.deleted.setdefault(object, {})[id] = self.rows[object].pop(id)
        self.version += 1
        self.stamps[object, id] = self.version

    def merge(self, object: str, winner: str, loser: str) -> None:
        """Merge a row into another, as a person would; what points at it then points there."""
        self.delete(object, loser)
        self.merged[object, loser] = winner
        for other, rows in self.rows.items():
            for id, row in rows.items():
                moved = {name: winner for name, value in row.items() if value == loser}
                if moved:
                    self.put(other, id, **moved)


def matches(source: Source, row: Mapping[str, Any]) -> bool:
    """Whether a row passes the source's filters: EQ, NEQ, IN, NOT_IN, (NOT_)HAS_PROPERTY."""
    for condition in source.where if isinstance(source.where, tuple) else ():
        held = row.get(condition["propertyName"])
        operator = str(condition["operator"])
        if operator.endswith("HAS_PROPERTY"):
            fits = held not in {None, ""}
        else:
            fits = held in condition.get("values", (condition.get("value"),))
        if fits is operator.startswith("N"):
            return False
    return True


def wire(value: Value) -> Any:
    """Memory holds dates as text, as CRMs do."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return value
