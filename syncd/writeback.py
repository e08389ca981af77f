"""Carries a plan out. Nothing else in syncd changes another system.

Each intent stands in the ledger before its call, each outcome after it. A write whose outcome
is unknown is looked up before it is repeated; what stays unknown is looked up by the next run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from syncd.connector import (
    ALLOWANCE,
    Connector,
    FieldUpdate,
    Outcome,
    Record,
    TaskShape,
    TaskUpsert,
    WriteResult,
)
from syncd.errors import AllowanceError, StopRunError
from syncd.plan import Plan, SetField, TaskChange
from syncd.store import Intent, Store, StoredTask, to_text

SETTLE_AT_ONCE = 100
"""Answers after which they are stored and the lease is asked: each CRM's smallest batch."""


class Refusal(Struct, frozen=True):
    """A write that the CRM refused, in its own words."""

    code: str
    message: str
    account: str
    sets: tuple[SetField, ...] = ()
    task: TaskChange | None = None
    field: str = ""


@dataclass(slots=True)
class Written:
    """What carrying out a plan came to. `done` counts records, `fields` single fields."""

    done: int = 0
    fields: int = 0
    deferred: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    tasks: Counter[str] = field(default_factory=Counter)
    stopped: StopRunError | None = None
    finished: frozenset[str] = frozenset()
    """Accounts of which each write is done or refused."""

    @property
    def failed(self) -> int:
        """Writes that the CRM refused."""
        return len(self.refusals)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a plan is carried out.

    `still_ours` raises LeaseError when another instance has taken over; it is asked before
    writing begins and whenever answers are stored. `look` asks the CRM what became of writes
    (ledger ids) and answers with those that were carried out.
    """

    store: Store
    connector: Connector
    connection: str
    object: str
    account_source: str
    shape: TaskShape | None
    run: int
    today: date
    clock: Callable[[], datetime]
    digest: Callable[[Record], str]
    still_ours: Callable[[], None]
    look: Callable[[Sequence[int]], set[int]]
    log: Any
    progress: Callable[[str, str, int], None]
    stopping: Callable[[], bool]
    shared: frozenset[str] = frozenset()
    """Accounts that have changes in other CRMs too: the caller settles them."""


class _Write(Struct, frozen=True):
    """One record's write on its way: fields of an account, or a task."""

    account: str
    sets: tuple[SetField, ...] = ()
    task: TaskChange | None = None

    @property
    def kind(self) -> str:
        return "fields" if self.task is None else self.task.op


def write(target: Target, plan: Plan) -> Written:
    """Carry the plan out, fields first. Refusals are counted; the rest goes on.

    A StopRunError of the connector ends it early and is kept in `stopped`; an account stays
    marked in the state until each of its writes is done or refused.
    """
    written = Written()
    writes = [_Write(account=changes[0].account, sets=changes) for changes in _by_record(plan.sets)]
    tasks = [_Write(account=task.account, task=task) for task in plan.tasks]
    left = Counter(item.account for item in (*writes, *tasks))
    target.still_ours()
    for some in (writes, tasks):
        if written.stopped is not None:
            written.deferred += len(some)
            continue
        try:
            _carry_out(target, some, written, left, again=True)
        except StopRunError as error:
            written.stopped = error
    written.finished = frozenset(account for account in left if left[account] <= 0)
    with target.store.begin() as tx:
        target.store.book.settle(tx, sorted(written.finished - target.shared))
    return written


def _by_record(sets: Iterable[SetField]) -> list[tuple[SetField, ...]]:
    by: dict[str, list[SetField]] = {}
    for change in sets:
        by.setdefault(change.record, []).append(change)
    return [tuple(changes) for changes in by.values()]


def _carry_out(
    target: Target,
    writes: Sequence[_Write],
    written: Written,
    left: Counter[str],
    *,
    again: bool,
) -> None:
    """Try these writes; look up the unknown ones; try once more what did not arrive."""
    if not writes or target.stopping():
        written.deferred += len(writes)
        return
    with target.store.begin() as tx:
        entries = target.store.ledger.intend(
            tx, target.run, [_intent(target, item) for item in writes], to_text(target.clock())
        )
    unknown: list[int] = []
    repeat: list[_Write] = []
    answers: list[tuple[int, WriteResult]] = []

    def store_answers() -> None:
        if not answers:
            return
        target.still_ours()
        some = [(writes[index], entries[index], result) for index, result in answers]
        answers.clear()
        repeat.extend(_note(target, some, written, left))

    try:
        for index, result in _send(target, writes):
            if result.outcome is Outcome.UNKNOWN:
                unknown.append(index)
                continue
            answers.append((index, result))
            if len(answers) >= SETTLE_AT_ONCE:
                store_answers()
                if target.stopping():
                    break
    finally:
        store_answers()
    if unknown:
        repeat += _look(target, writes, entries, unknown, written, left)
    if repeat and again:
        _carry_out(target, repeat, written, left, again=False)
    elif repeat:
        written.deferred += len(repeat)


def _send(target: Target, writes: Sequence[_Write]) -> Iterator[tuple[int, WriteResult]]:
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


def _intent(target: Target, item: _Write) -> Intent:
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


def _note(
    target: Target,
    answered: Sequence[tuple[_Write, int, WriteResult]],
    written: Written,
    left: Counter[str],
) -> list[_Write]:
    """Store outcomes; returns what is worth trying again without the fields that were blamed."""
    outcomes = []
    done: list[tuple[_Write, WriteResult]] = []
    again: list[_Write] = []
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
        _note_tasks(tx, target, [(item.task, r) for item, r in done if item.task], now)
    for item, _ in done:
        written.done += 1
        if item.task is None:
            written.fields += len(item.sets)
        else:
            written.tasks[item.task.op] += 1
    target.progress("write", target.connection, len(answered))
    return again


def _refuse(
    item: _Write, result: WriteResult, written: Written, left: Counter[str]
) -> list[_Write]:
    """A refusal costs the fields that the CRM blames; the record's others are tried again."""
    names = {name.lower() for name in result.fields}
    blamed = [change for change in item.sets if change.field.lower() in names]
    fine = tuple(change for change in item.sets if change.field.lower() not in names)
    if blamed and any(change.result != "synced_at" for change in fine):
        written.refusals += [
            Refusal(result.code, result.message, item.account, (change,), None, change.field)
            for change in blamed
        ]
        return [_Write(account=item.account, sets=fine)]
    left[item.account] -= 1
    field_name = blamed[0].field if len(item.sets) == len(blamed) == 1 else ""
    written.refusals.append(
        Refusal(result.code, result.message, item.account, item.sets, item.task, field_name)
    )
    return []


def _release(tx: Connection, target: Target, done: Sequence[_Write]) -> None:
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


def _note_fields(tx: Connection, target: Target, done: Sequence[_Write]) -> None:
    """The mirror and the memory of what is ours learn what the CRM now holds."""
    if not done:
        return
    store = target.store
    ids = [item.sets[0].record for item in done]
    ours = store.ledger.written(tx, target.connection, target.object, ids)
    for item in done:
        fields = ours.setdefault(item.sets[0].record, {})
        fields.update({change.field: change.after for change in item.sets})
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


def _look(
    target: Target,
    writes: Sequence[_Write],
    entries: Sequence[int],
    unknown: Sequence[int],
    written: Written,
    left: Counter[str],
) -> list[_Write]:
    """Ask the CRM what became of the unknown ones; returns those that did not arrive."""
    arrived = target.look([entries[index] for index in unknown])
    found = [index for index in unknown if entries[index] in arrived]
    results = [
        (writes[index], entries[index], WriteResult(outcome=Outcome.DONE)) for index in found
    ]
    _note(target, results, written, left)
    return [writes[index] for index in unknown if entries[index] not in arrived]
