"""A connector to records in memory. Copy it to write a connector of your own.

Everything the interface asks for is here in its simplest form: see docs/write-a-connector.md.
The core's own tests run on it, and a rehearsal can use it with a JSON file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from connectors.memory.crm import Crm, matches, wire
from syncd.connector import (
    Allowance,
    Calls,
    CheckNote,
    Context,
    Cursor,
    FieldSpec,
    FieldUpdate,
    ObjectSchema,
    Outcome,
    Page,
    ProvisionStep,
    Record,
    SchemaField,
    Source,
    TaskShape,
    TaskUpsert,
    Value,
    WriteResult,
)
from syncd.errors import AccessError, UnreachableError

PAGE_ROWS = 500

BATCH_ROWS = 200


class MemorySettings(BaseModel):
    """Settings of a memory connection."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field("", description="JSON file with the objects; empty: start with nothing")


class MemoryConnector:
    """Speaks to a `Crm`. The class attribute `crms` holds them by connection name."""

    Settings: ClassVar[type[BaseModel]] = MemorySettings
    mapping_defaults: ClassVar[Mapping[str, Any]] = {
        "id_field": "",
        "user": {
            "object": "User",
            "fields": {"id": "Id", "name": "Name", "email": "Email", "active": "IsActive"},
        },
        "writes": {
            "task": {
                "object": "Task",
                "account": "WhatId",
                "owner": "OwnerId",
                "subject": "Subject",
                "body": "Description",
                "due": "ActivityDate",
                "priority": "Priority",
                "status": "Status",
            }
        },
    }
    omits_unknown_fields: ClassVar[bool] = False
    currency_field: ClassVar[str] = ""
    crms: ClassVar[dict[str, Crm]] = {}

    def __init__(self, settings: BaseModel, context: Context) -> None:
        """Keep the settings; touch nothing."""
        assert isinstance(settings, MemorySettings)
        self._settings = settings
        self.name = context.name
        self.calls = Calls()

    @property
    def crm(self) -> Crm:
        """The records behind this connection."""
        return self.crms.setdefault(self.name, Crm())

    def open(self) -> None:
        """Load the file, once."""
        self._reach()
        if self._settings.path and not self.crm.rows:
            try:
                objects = json.loads(Path(self._settings.path).read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise UnreachableError(f"{self._settings.path}: {error}") from error
            for object, rows in objects.items():
                for id, values in rows.items():
                    self.crm.put(object, id, **values)

    def _reach(self) -> None:
        if self.crm.unreachable:
            raise UnreachableError(f"{self.name}: the records are out of reach")

    def identity(self) -> str:
        """Memory has no other name than the connection's."""
        return f"memory {self.name}"

    def schema(self, object: str) -> ObjectSchema:
        """The fields that rows of the object have ever had."""
        self.calls.other += 1
        if object not in self.crm.fields:
            raise AccessError(f"there is no object {object}", object=object, code="INVALID_TYPE")
        return ObjectSchema(name=object, fields=dict(self.crm.fields[object]))

    def pull(self, source: Source, cursor: Cursor | None) -> Iterator[Page]:
        """All rows, or those changed after the cursor's version, in pages."""
        self._look(source)
        since = -1 if cursor is None else int(cursor["version"])
        until = self.crm.version
        stamps = self.crm.stamps
        live = self.crm.rows.get(source.object, {})
        dead = self.crm.deleted.get(source.object, {})
        changed = sorted(id for id in live if stamps[source.object, id] > since)
        records = [self._record(source, id, live[id]) for id in changed]
        if cursor is None:
            records = [record for record in records if not record.gone]
        else:
            records += [
                self._tombstone(source, id) for id in dead if stamps[source.object, id] > since
            ]
        for start in range(0, len(records), PAGE_ROWS):
            self.calls.read += 1
            yield Page(records=records[start : start + PAGE_ROWS])
        self.calls.read += 1
        yield Page(records=[], cursor={"version": until})

    def ids(self, source: Source) -> Iterator[str]:
        """All ids."""
        self._look(source)
        self.calls.read += 1
        rows = self.crm.rows.get(source.object, {})
        yield from sorted(id for id, row in rows.items() if matches(source, row))

    def read(self, source: Source, ids: Sequence[str]) -> dict[str, Record]:
        """The rows that exist, and what is left of those that were deleted or merged."""
        self._look(source)
        self.calls.read += 1
        rows = self.crm.rows.get(source.object, {})
        dead = self.crm.deleted.get(source.object, {})
        found = {id: self._record(source, id, rows[id]) for id in ids if id in rows}
        return found | {id: self._tombstone(source, id) for id in ids if id in dead}

    def find_tasks(
        self, shape: TaskShape, source: Source, keys: Sequence[str]
    ) -> dict[str, Record]:
        """Tasks by key, deleted ones too where no live one bears the key."""
        self._look(source)
        self.calls.read += 1
        wanted = set(keys)
        found: dict[str, Record] = {}
        for id, row in self.crm.deleted.get(shape.object, {}).items():
            if row.get(shape.key_field) in wanted:
                found[row[shape.key_field]] = self._tombstone(source, id)
        for id, row in self.crm.rows.get(shape.object, {}).items():
            if row.get(shape.key_field) in wanted:
                found[row[shape.key_field]] = self._record(source, id, row)
        return found

    def _look(self, source: Source) -> None:
        """Raise what a CRM would for a lost connection, an unknown object or an unknown field."""
        self._reach()
        known = self.crm.fields.get(source.object)
        if known is None:
            raise AccessError(
                f"there is no object {source.object}", object=source.object, code="INVALID_TYPE"
            )
        missing = tuple(name for name in source.fields if name not in known and name != "Id")
        if missing:
            raise AccessError(
                f"{source.object} has no field {', '.join(missing)}",
                object=source.object,
                fields=missing,
                code="INVALID_FIELD",
            )

    @staticmethod
    def _record(source: Source, id: str, row: Mapping[str, Any]) -> Record:
        if not matches(source, row):
            return Record(id=id, fields={}, gone=True)
        links = {
            association.key: tuple(row.get(association.key) or ())
            for association in source.associations
        }
        return Record(id=id, fields=_fields(source, id, row), links=links)

    def _tombstone(self, source: Source, id: str) -> Record:
        row = self.crm.deleted[source.object][id]
        return Record(
            id=id,
            fields=_fields(source, id, row) if source.keep_deleted else {},
            gone=True,
            merged_into=self.crm.merged.get((source.object, id)),
        )

    def update(
        self, object: str, updates: Sequence[FieldUpdate]
    ) -> Iterator[tuple[int, WriteResult]]:
        """Change rows, a batch at a time."""
        self._reach()
        for index, update in enumerate(updates):
            if index % BATCH_ROWS == 0:
                self.calls.write += 1
            yield index, self._change(object, update.id, update.fields)

    def _change(self, object: str, id: str, values: Mapping[str, Value]) -> WriteResult:
        if id not in self.crm.rows.get(object, {}):
            return WriteResult(
                outcome=Outcome.REJECTED, code="ENTITY_IS_DELETED", message="entity is deleted"
            )
        refused = self._refusal(object, values)
        if refused is not None:
            return refused
        self.crm.put(object, id, **{name: wire(value) for name, value in values.items()})
        return WriteResult(outcome=Outcome.DONE, id=id)

    def _refusal(self, object: str, values: Mapping[str, Value]) -> WriteResult | None:
        refused = tuple(name for name in values if (object, name) in self.crm.refuse)
        if not refused:
            return None
        return WriteResult(
            outcome=Outcome.REJECTED,
            code="REFUSED",
            message=self.crm.refuse[object, refused[0]],
            fields=refused,
        )

    def upsert_tasks(
        self, shape: TaskShape, tasks: Sequence[TaskUpsert]
    ) -> Iterator[tuple[int, WriteResult]]:
        """Create or change tasks by key."""
        self._reach()
        rows = self.crm.rows.setdefault(shape.object, {})
        by_key = {row.get(shape.key_field): id for id, row in rows.items()}
        for index, task in enumerate(tasks):
            if index % BATCH_ROWS == 0:
                self.calls.write += 1
            id = task.id or by_key.get(task.key)
            refused = self._refusal(shape.object, task.fields)
            if refused is not None:
                yield index, refused
                continue
            created = id is None
            if id is None:
                id = f"task-{len(rows) + len(self.crm.deleted.get(shape.object, {})) + 1}"
                by_key[task.key] = id
                where = (
                    {shape.account_association.key: (task.account_id,)}
                    if shape.account_association is not None
                    else {shape.account_field or "account": task.account_id}
                )
                self.crm.put(shape.object, id, **{shape.key_field: task.key, **where})
            done = self._change(shape.object, id, task.fields)
            yield (
                index,
                WriteResult(
                    outcome=done.outcome,
                    id=id,
                    code=done.code,
                    message=done.message,
                    fields=done.fields,
                    created=created,
                ),
            )

    def write_calls(self, updates: Mapping[str, int], tasks: int) -> int:
        """One call for each batch."""
        return sum(-(-count // BATCH_ROWS) for count in (*updates.values(), tasks))

    def least_read_calls(self, rows: Sequence[tuple[Source, int]]) -> int:
        """A call for each page, and one for the end."""
        return sum(-(-count // PAGE_ROWS) + 1 for _, count in rows)

    def rates(self) -> tuple[str, Mapping[str, Decimal]] | None:
        """Memory keeps no rates."""
        return None

    def allowance(self) -> Allowance:
        """Memory has no limits."""
        return Allowance()

    def record_url(self, object: str, id: str) -> str:
        """Memory has no pages."""
        del object, id
        return ""

    def check(self) -> Iterable[CheckNote]:
        """Nothing can be wrong with memory."""
        return ()

    def provision(self, specs: Sequence[FieldSpec], *, apply: bool) -> Iterable[ProvisionStep]:
        """Make the fields that are missing."""
        for spec in specs:
            known = self.crm.fields.setdefault(spec.object, {})
            if spec.name in known:
                continue
            if apply:
                known[spec.name] = SchemaField(
                    name=spec.name,
                    label=spec.label,
                    type=spec.type,
                    length=spec.length,
                    scale=spec.scale,
                    unique=spec.unique,
                    options=spec.options,
                )
            yield ProvisionStep(
                kind="field",
                name=f"{spec.object}.{spec.name}",
                text=f"field {spec.name} on {spec.object} ({spec.type})",
                done=apply,
            )

    def close(self) -> None:
        """Nothing to let go of."""


def _fields(source: Source, id: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: id if name == "Id" else row.get(name) for name in source.fields}
