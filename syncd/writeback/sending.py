"""The writes of a plan: their intents for the ledger, their calls for the connector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from syncd.connector import FieldUpdate, TaskUpsert, WriteResult
from syncd.plan import SetField
from syncd.store import Intent
from syncd.writeback.target import RecordWrite, Target


def by_record(sets: Iterable[SetField]) -> list[tuple[SetField, ...]]:
    """The field changes of each record together: a record is one write."""
    by: dict[str, list[SetField]] = {}
    for change in sets:
        by.setdefault(change.record, []).append(change)
    return [tuple(changes) for changes in by.values()]


def send(target: Target, writes: Sequence[RecordWrite]) -> Iterator[tuple[int, WriteResult]]:
    """Hand the writes to the connector, which answers each by its index."""
    if writes[0].task is None:
        updates = [
            FieldUpdate(
                id=item.sets[0].record,
                fields={change.field: change.value for change in item.sets},
                group=item.sets[0].record,
            )
            for item in writes
        ]
        return target.connector.update(target.object, updates)
    assert target.shape is not None, "tasks are planned only where the mapping has them"
    upserts = [
        TaskUpsert(
            key=item.task.key,
            fields=item.task.values,
            account_id=item.task.account_record,
            id=item.task.record,
        )
        for item in writes
        if item.task is not None
    ]
    return target.connector.upsert_tasks(target.shape, upserts)


def intent(target: Target, item: RecordWrite) -> Intent:
    """The write as the ledger keeps it before its call."""
    task = item.task
    if task is None:
        return Intent(
            connection=target.connection,
            kind=item.kind,
            object=target.object,
            account=item.account,
            record=item.sets[0].record,
            changes=tuple(
                {
                    "field": change.field,
                    "before": change.before,
                    "after": change.after,
                    "because": change.because,
                }
                for change in item.sets
            ),
        )
    assert target.shape is not None
    return Intent(
        connection=target.connection,
        kind=item.kind,
        object=target.shape.object,
        account=item.account,
        record=task.record,
        task_key=task.key,
        moved=task.moved,
        changes=tuple(
            {
                "field": name,
                "before": task.was.get(name),
                "after": value,
                "because": task.because,
            }
            for name, value in task.wrote.items()
            if not task.was or name in task.was
        ),
    )
