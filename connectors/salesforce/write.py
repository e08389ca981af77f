"""Writing: fields of records and tasks, each row with an answer of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

from connectors.salesforce.batching import ROWS_A_CALL, Collections, Numbered, Row
from connectors.salesforce.session import Session
from syncd.connector import FieldUpdate, TaskShape, TaskUpsert, Value


def wire(value: Value) -> Any:
    """A value in its wire form: UTC datetimes, lists joined by ``;``, the rest as JSON has it."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return ";".join(value)
    return value


def update(session: Session, object: str, updates: Sequence[FieldUpdate]) -> Iterator[Numbered]:
    """Change fields of existing records of one object."""
    home = f"sobjects/{quote(object, safe='')}"

    def row(index: int) -> Row:
        change = updates[index]
        fields = {name: wire(value) for name, value in change.fields.items()}
        return {"attributes": {"type": object}, "id": change.id, **fields}

    sender = Collections(session, "composite/sobjects", row, lambda row: f"{home}/{row['id']}")
    return sender.send([change.id for change in updates], [change.group for change in updates])


def upsert_tasks(
    session: Session, shape: TaskShape, tasks: Sequence[TaskUpsert]
) -> Iterator[Numbered]:
    """Change the tasks whose id is known; make or change the others by their key."""
    known = [index for index, task in enumerate(tasks) if task.id]
    new = [index for index, task in enumerate(tasks) if not task.id]
    if known:
        updates = [
            FieldUpdate(tasks[index].id or "", tasks[index].fields, tasks[index].account_id)
            for index in known
        ]
        yield from _renumbered(known, update(session, shape.object, updates))
    if new:
        home = f"sobjects/{quote(shape.object, safe='')}/{quote(shape.key_field, safe='')}"

        def row(place: int) -> Row:
            return _task_row(shape, tasks[new[place]])

        def single(row: Row) -> str:
            return f"{home}/{quote(str(row[shape.key_field]), safe='')}"

        sender = Collections(session, f"composite/{home}", row, single)
        groups = [tasks[index].account_id for index in new]
        yield from _renumbered(new, sender.send([None] * len(new), groups))


def _task_row(shape: TaskShape, task: TaskUpsert) -> Row:
    row: Row = {"attributes": {"type": shape.object}, shape.key_field: task.key}
    if shape.account_field:
        row[shape.account_field] = task.account_id
    return row | {name: wire(value) for name, value in task.fields.items()}


def _renumbered(indexes: Sequence[int], results: Iterator[Numbered]) -> Iterator[Numbered]:
    for index, result in results:
        yield indexes[index], result


def calls(rows: int) -> int:
    """The calls that so many rows cost."""
    return -(-rows // ROWS_A_CALL)
