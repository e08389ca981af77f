"""The writes of a plan: their intents for the ledger, their calls for the connector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from syncd.connector import FieldUpdate, TaskUpsert, WriteResult
from syncd.plan import OnDemand, SetField
from syncd.store import Intent
from syncd.writeback.target import RecordWrite, Target


def by_record(sets: Iterable[SetField]) -> Iterator[RecordWrite]:
    """The field changes of each record, which stand together in a plan: a record is one write."""
    for _, changes in groupby(sets, lambda change: change.record):
        some = tuple(changes)
        yield RecordWrite(account=some[0].account, sets=some)


def send(target: Target, writes: Sequence[RecordWrite]) -> Iterator[tuple[int, WriteResult]]:
    """Hand the writes to the connector, which answers each by its index."""
    if writes[0].task is None:
        return target.connector.update(target.object, OnDemand(writes, _update))
    assert target.shape is not None, "tasks are planned only where the mapping has them"
    return target.connector.upsert_tasks(target.shape, OnDemand(writes, _upsert))


def _update(item: RecordWrite) -> FieldUpdate:
    record = item.sets[0].record
    fields = {change.field: change.value for change in item.sets}
    return FieldUpdate(id=record, fields=fields, group=record)


def _upsert(item: RecordWrite) -> TaskUpsert:
    task = item.task
    assert task is not None, "tasks and fields are written apart"
    return TaskUpsert(
        key=task.key, fields=task.values, account_id=task.account_record, id=task.record
    )


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
