"""Writing records and tasks; see `sending` for how batches go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from connectors.hubspot.answers import Complaint
from connectors.hubspot.batches import Batches
from connectors.hubspot.door import Door
from connectors.hubspot.linking import Linking, Pair
from connectors.hubspot.paths import Paths
from connectors.hubspot.sending import BATCH, UNMATCHED, Answered, Input, Sending
from connectors.hubspot.wire import wire
from syncd.connector import (
    FieldUpdate,
    ObjectSchema,
    Outcome,
    TaskShape,
    TaskUpsert,
    Value,
    WriteResult,
)

_NEW_TASK = {"hs_task_type": "TODO"}


class Writer:
    """Changes fields of records, and makes and changes tasks."""

    def __init__(
        self, door: Door, paths: Paths, schema: Callable[[str], ObjectSchema], zone: ZoneInfo
    ) -> None:
        """`schema` gives an object's types, `zone` the noon of dates."""
        self._door = door
        self._paths = paths
        self._schema = schema
        self._zone = zone
        self._linking = Linking(door, paths)
        self._batches = Batches(door, paths)
        self._sending = Sending(door)

    def update(self, object: str, updates: Sequence[FieldUpdate]) -> Iterator[Answered]:
        """Change fields of existing records."""

        def made(index: int) -> Input:
            update = updates[index]
            return Input(index, update.id, self._wire(object, update.fields))

        yield from self._sending.carry_out(
            range(len(updates)),
            made,
            lambda batch: self._sending.send(self._paths.batch(object, "update"), batch),
        )

    def upsert_tasks(self, shape: TaskShape, tasks: Sequence[TaskUpsert]) -> Iterator[Answered]:
        """Change tasks whose id is known; make or change the others by their key, and link them.

        A task that was made but could not be linked is answered without an id, so that it is
        tried again by its key. Where its company was merged meanwhile it is linked to the
        survivor; where it is gone, the task is answered as refused, with its id.
        """
        known = [index for index, task in enumerate(tasks) if task.id]
        new = [index for index, task in enumerate(tasks) if not task.id]

        def made(index: int) -> Input:
            task = tasks[index]
            properties = self._wire(shape.object, task.fields)
            if shape.account_field:
                properties[shape.account_field] = task.account_id
            if task.id:
                return Input(index, task.id, properties)
            properties = {**_NEW_TASK, **properties, shape.key_field: task.key}
            return Input(index, task.key, properties, shape.key_field)

        yield from self._sending.carry_out(
            known,
            made,
            lambda batch: self._sending.send(self._paths.batch(shape.object, "update"), batch),
        )
        yield from self._sending.carry_out(new, made, lambda batch: self._make(shape, tasks, batch))

    def _make(
        self, shape: TaskShape, tasks: Sequence[TaskUpsert], batch: list[Input]
    ) -> Iterator[Answered]:
        made: dict[int, WriteResult] = {}
        for index, result in self._upsert(shape, batch):
            if result.outcome is Outcome.DONE and shape.account_association is not None:
                made[index] = result
            else:
                yield index, result
        if not made or shape.account_association is None:
            return
        pairs = {
            (result.id or "", tasks[index].account_id): index for index, result in made.items()
        }
        link = partial(self._linking.link, shape.object, shape.account_association)
        refused = link(list(pairs))
        homes = self._batches.now_at(shape.account_association.to, [home for _, home in refused])
        moved = {
            (task, homes[home]): (task, home)
            for task, home in refused
            if homes.get(home) not in (None, "", home)
        }
        if moved:
            still = link(list(moved))
            refused = {p: w for p, w in refused.items() if p not in moved.values()} | {
                moved[pair]: words for pair, words in still.items()
            }
        for pair, index in pairs.items():
            words = refused.get(pair)
            yield index, made[index] if words is None else _unlinked(pair, words, homes)

    def _upsert(self, shape: TaskShape, batch: list[Input]) -> Iterator[Answered]:
        path = self._paths.batch(shape.object, "upsert")
        unmatched: list[Input] = []
        by_index = {one.index: one for one in batch}
        for index, result in self._sending.send(
            path, batch, instead=lambda inputs: self._make_or_change(shape, inputs)
        ):
            if result.code == UNMATCHED:
                unmatched.append(by_index[index])
            else:
                yield index, result
        if not unmatched:
            return
        held = self._by_key(shape, unmatched)
        for one in unmatched:
            id = held.get(one.ref)
            outcome = Outcome.UNKNOWN if id is None else Outcome.DONE
            yield one.index, WriteResult(outcome, id=id, code="" if id else UNMATCHED)

    def _make_or_change(self, shape: TaskShape, inputs: list[Input]) -> Iterator[Answered]:
        """Where HubSpot has no upsert: by what it holds now, read by the key and not searched."""
        held = self._by_key(shape, inputs)
        known = [
            replace(one, ref=held[one.ref], id_property="") for one in inputs if one.ref in held
        ]
        new = [replace(one, new=True) for one in inputs if one.ref not in held]
        if known:
            yield from self._sending.send(self._paths.batch(shape.object, "update"), known)
        if new:
            yield from self._sending.send(self._paths.batch(shape.object, "create"), new)

    def _by_key(self, shape: TaskShape, inputs: list[Input]) -> dict[str, str]:
        """The ids of the tasks that bear these keys."""
        rows = self._batches.read(
            shape.object,
            (shape.key_field,),
            [one.ref for one in inputs],
            id_property=shape.key_field,
        )
        return {str(row["properties"].get(shape.key_field)): str(row["id"]) for row in rows}

    def _wire(self, object: str, fields: Any) -> dict[str, str]:
        schema = self._schema(object)
        return {name: self._wire_one(schema, name, value) for name, value in fields.items()}

    def _wire_one(self, schema: ObjectSchema, name: str, value: Value) -> str:
        field = schema.find(name)
        return wire(value, field.type if field is not None else None, self._zone)

    @staticmethod
    def calls(updates: Iterable[int], tasks: int) -> int:
        """Calls for so many updates of each object, and tasks (made and linked)."""
        return sum(-(-n // BATCH) for n in updates) + 2 * -(-tasks // BATCH)


def _unlinked(pair: Pair, words: Complaint, homes: Mapping[str, str]) -> WriteResult:
    """A task that was made and hangs on nothing; its id only where there is nothing any more."""
    task, home = pair
    text = f"task {task} could not be linked to {home}: {words.message}"
    gone = homes.get(home) == ""
    return WriteResult(
        Outcome.REJECTED, id=task if gone else None, code=words.code, message=text, created=gone
    )
