"""What all parts of the store share: upserts, moments, JSON, and long lists of ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")

IDS_AT_ONCE = 400  # SQLite's oldest limit of bound values is 999
_encoder = msgspec.json.Encoder(order="deterministic", decimal_format="string")


def upsert(tx: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows, or replace those whose primary key stands already. All rows alike."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key.columns]
    insert = (postgresql if tx.dialect.name == "postgresql" else sqlite).insert(table)
    others = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    statement = (
        insert.on_conflict_do_update(index_elements=keys, set_=others)
        if others
        else insert.on_conflict_do_nothing(index_elements=keys)
    )
    tx.execute(statement, list(rows))


def insert_missing(tx: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows whose primary key does not stand already."""
    insert = (postgresql if tx.dialect.name == "postgresql" else sqlite).insert(table)
    tx.execute(insert.on_conflict_do_nothing(), list(rows))


def chunks(items: Iterable[T], size: int = IDS_AT_ONCE) -> Iterator[list[T]]:
    """The items in lists of at most `size`."""
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def to_json(value: Any) -> str:
    """JSON text with sorted keys, so that equal values give equal text."""
    return _encoder.encode(value).decode()


def from_json(text: str) -> Any:
    """What `to_json` wrote (money comes back as text)."""
    return msgspec.json.decode(text)


def to_text(moment: datetime) -> str:
    """A moment as sortable UTC text, to the microsecond."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def to_moment(text: str) -> datetime:
    """What `to_text` wrote."""
    return datetime.fromisoformat(text)  # many times faster than strptime, and it knows the Z
