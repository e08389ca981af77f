"""What the CRM answered to each write, into the state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection

from syncd.connector import ALLOWANCE, Outcome, WriteResult
from syncd.errors import AllowanceError
from syncd.plan import TaskChange, remembered
from syncd.store import StoredTask, to_text
from syncd.writeback.target import RecordWrite, Refusal, Target, Written


def note(
    target: Target,
    answered: Sequence[tuple[RecordWrite, int, WriteResult]],
    written: Written,
    left: Counter[str],
) -> list[RecordWrite]:
    """Store outcomes; returns what is worth trying again without the fields that were blamed."""
    outcomes = []
    done: list[tuple[RecordWrite, WriteResult]] = []
    stray: list[tuple[TaskChange, WriteResult]] = []
    again: list[RecordWrite] = []
    for item, entry, result in answered:
        outcomes.append((entry, result.outcome.value, result.id, result.code, result.message))
        if result.outcome is Outcome.DONE:
            left[item.account] -= 1
            done.append((item, result))
        elif result.outcome is Outcome.DEFERRED:
            written.deferred += 1
            if result.code == ALLOWANCE and written.stopped is None:
                written.stopped = AllowanceError(result.message)
        else:
            again += _refuse(item, result, written, left)
            if item.task is not None and result.created:
                stray.append((item.task, result))
        target.log.info(
            "write",
            connection=target.connection,
            kind=item.kind,
            record=result.id or (item.sets[0].record if item.sets else None),
            task=item.task.key if item.task else None,
            fields=[change.field for change in item.sets],
            outcome=result.outcome.value,
            code=result.code or None,
        )
    with target.store.begin() as tx:
        now = to_text(target.clock())
        target.store.ledger.settle(tx, outcomes, now)
        _release(tx, target, [item for item, _ in done])
        _note_fields(tx, target, [item for item, _ in done if item.task is None])
        _note_tasks(tx, target, [*((i.task, r) for i, r in done if i.task), *stray], now)
    for item, _ in done:
        written.done += 1
        if item.task is None:
            written.fields += len(item.sets)
        else:
            written.tasks[item.task.op] += 1
    target.progress("write", target.connection, len(answered))
    return again


def _refuse(
    item: RecordWrite, result: WriteResult, written: Written, left: Counter[str]
) -> list[RecordWrite]:
    """A refusal costs the fields that the CRM blames; the record's others are tried again."""
    names = {name.lower() for name in result.fields}
    blamed = [change for change in item.sets if change.field.lower() in names]
    fine = tuple(change for change in item.sets if change.field.lower() not in names)
    if blamed and any(change.result != "synced_at" for change in fine):
        written.refusals.extend(
            Refusal(result.code, result.message, item.account, (change,), None, change.field)
            for change in blamed
        )
        return [RecordWrite(account=item.account, sets=fine)]
    left[item.account] -= 1
    field_name = blamed[0].field if len(item.sets) == len(blamed) == 1 else ""
    written.refusals.append(
        Refusal(result.code, result.message, item.account, item.sets, item.task, field_name)
    )
    return []


def _release(tx: Connection, target: Target, done: Sequence[RecordWrite]) -> None:
    """What the CRM now accepts stands no longer in quarantine."""
    store = target.store
    names = {
        (item.task.key if item.task else item.sets[0].record): {
            "",
            *(change.field for change in item.sets),
        }
        for item in done
    }
    store.quarantine.release(
        tx,
        [
            (reject.connection, reject.object, reject.record, reject.field)
            for reject in store.quarantine.writes_of(tx, target.connection, names)
            if reject.field in names[reject.record]
        ],
    )


def _note_fields(tx: Connection, target: Target, done: Sequence[RecordWrite]) -> None:
    """The mirror and the memory of what is ours learn what the CRM now holds."""
    if not done:
        return
    store = target.store
    ids = [item.sets[0].record for item in done]
    ours = store.ledger.written(tx, target.connection, target.object, ids)
    for item in done:
        record = item.sets[0].record
        words = {change.field: change.after for change in item.sets}
        ours[record] = remembered(ours.get(record, {}), words)
    store.ledger.save_written(tx, target.connection, target.object, ours)
    store.mirror.change_fields(
        tx,
        target.connection,
        target.account_source,
        {
            item.sets[0].record: {change.field: change.value for change in item.sets}
            for item in done
        },
        target.digest,
    )
    store.mirror.undate(tx, target.connection, target.account_source, ids)
    filled = {
        item.sets[0].record: True
        for item in done
        if any(change.after not in {None, False, ""} for change in item.sets)
    }
    store.book.set_filled(tx, target.connection, filled)


def _note_tasks(
    tx: Connection, target: Target, done: Sequence[tuple[TaskChange, WriteResult]], now: str
) -> None:
    known = target.store.tasks.by_key(tx, target.connection, [task.key for task, _ in done])
    saved = []
    for task, result in done:
        before = known.get(task.key)
        saved.append(
            StoredTask(
                connection=target.connection,
                key=task.key,
                playbook=task.playbook,
                account=task.account,
                record=result.id or task.record or (before.record if before is not None else None),
                state="open" if task.op != "close" else "moved" if task.moved else "closed",
                assignee=task.assignee,
                wrote=task.wrote,
                opened_on=before.opened_on if before is not None else target.today,
                closed_at=now if task.op == "close" else None,
            )
        )
    target.store.tasks.save(tx, saved)
    bearers = sorted({task.account_record for task, _ in done})
    target.store.mirror.undate(tx, target.connection, target.account_source, bearers)
