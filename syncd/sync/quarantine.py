"""The quarantine: what was refused is kept, and tried again once something about it changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from syncd.connector import ObjectSchema
from syncd.errors import AccessError, RequestError, StopRunError
from syncd.model import Finding
from syncd.plan import SetField, TaskChange
from syncd.store import Reject, to_text
from syncd.sync.gathered import Learned
from syncd.sync.loading import Member
from syncd.sync.pull import read_schema
from syncd.sync.task_diff import task_fingerprint
from syncd.sync.turn import Connected, Turn
from syncd.writeback import Refusal, Written


def place(reject: Reject) -> tuple[str, str, str, str]:
    """Where a reject stands in the quarantine."""
    return (reject.connection, reject.object, reject.record, reject.field)


def write_fingerprint(
    turn: Turn,
    connected: Connected,
    sets: Sequence[SetField],
    schema: ObjectSchema,
    record: Mapping[str, Any],
) -> str:
    """Changes when a refused write is worth another try.

    That is with another value, definition of the field, record, mapping or policy.
    """
    written = {write.field for write in connected.mapping.account_writes}
    real = [change for change in sets if change.result != "synced_at"]
    parts = [
        [(change.field, change.after) for change in real],
        [msgspec.to_builtins(schema.find(change.field)) for change in real],
        {field: value for field, value in record.items() if field not in written},
        connected.mapping.hash,
        turn.policy_hash,
    ]
    encoded = msgspec.json.encode(parts, order="deterministic", enc_hook=str)
    return hashlib.blake2b(encoded, digest_size=16).hexdigest()


def without_refused(
    turn: Turn,
    connected: Connected,
    sets: Sequence[SetField],
    member: Member,
    schema: ObjectSchema,
    refused: Mapping[tuple[str, str], Reject],
    learned: Learned,
) -> tuple[SetField, ...]:
    """Leave out what the CRM refused before, as long as nothing about it has changed."""

    def stands(part: Sequence[SetField], field: str) -> bool:
        item = refused.get((member.record.id, field))
        if item is None or item.fingerprint != write_fingerprint(
            turn, connected, part, schema, member.record.fields
        ):
            return False
        learned.still_refused.add(place(item))
        return True

    if not refused:
        return tuple(sets)
    left = [change for change in sets if not stands([change], change.field)]
    real = [change for change in left if change.result != "synced_at"]
    if not real or stands(left, ""):
        return ()
    return tuple(left)


def tasks_without_refused(
    turn: Turn,
    connected: Connected,
    tasks: Sequence[TaskChange],
    refused: Mapping[tuple[str, str], Reject],
    learned: Learned,
) -> list[TaskChange]:
    """The same for tasks."""
    left = []
    for task in tasks:
        item = refused.get((task.key, ""))
        if item is not None and item.fingerprint == task_fingerprint(turn, connected, task):
            learned.still_refused.add(place(item))
        else:
            left.append(task)
    return left


def unusable(connected: Connected, account: str, findings: Sequence[Finding]) -> list[Reject]:
    """The records that cannot be used, as they go to quarantine."""
    return [
        Reject(
            connection=finding.ref.connection,
            object=finding.ref.object,
            record=finding.ref.id,
            field=finding.field,
            account=account,
            code=finding.code,
            message=finding.message,
            remedy=finding.remedy,
            kind="record",
            fingerprint=hashlib.blake2b(finding.message.encode(), digest_size=16).hexdigest(),
        )
        for finding in findings
        if finding.ref.connection == connected.name
    ]


def keep_refusals(turn: Turn, run: int, written: dict[str, Written]) -> list[Reject]:
    """Keep what was refused, with the CRM's words; returns what is new in this run."""
    found: list[Reject] = []
    for connected in turn.connections:
        fields = [reject for reject in connected.rejected if reject.kind == "field"]
        records = [reject for reject in connected.rejected if reject.kind == "record"]
        refusals = written[connected.name].refusals if connected.name in written else []
        if refusals and not turn.dry:
            _describe_again(turn, connected, refusals)
        writes = [_refused(turn, connected, refusal) for refusal in refusals]
        if turn.dry:
            with turn.store.begin(write=False) as tx:
                found += [*turn.store.quarantine.unknown(tx, fields), *records]
            continue
        with turn.store.begin() as tx:
            if not connected.stopped:
                missing = {(reject.object, reject.field) for reject in fields}
                turn.store.quarantine.release_fields(tx, connected.name, missing)
            now = to_text(turn.clock())
            found += records
            found += turn.store.quarantine.put(tx, [*fields, *writes], run=run, now=now)
    return found


def _describe_again(turn: Turn, connected: Connected, refusals: Sequence[Refusal]) -> None:
    """What a refusal is kept with is the definition it was refused under, not one of earlier.

    A right that was withdrawn since the object was last described, and is granted again, would
    else look as if nothing had changed.
    """
    if connected.connector.omits_unknown_fields:
        return  # described in every run
    task = connected.mapping.task
    for object in {change.object for refusal in refusals for change in refusal.sets} | {
        task.shape.object for refusal in refusals if refusal.task is not None and task is not None
    }:
        try:
            read_schema(turn, connected, object, fresh=True)
        except (AccessError, RequestError, StopRunError) as error:
            turn.log.warning(
                "schema_unknown", connection=connected.name, object=object, reason=str(error)
            )


def _with_options(connected: Connected, refusal: Refusal) -> str:
    """The CRM's message, and what the field takes where it refused a word that is none of these."""
    words = [change for change in refusal.sets if change.field == refusal.field]
    schema = connected.schemas.get(words[0].object) if words else None
    field = None if schema is None else schema.find(refusal.field)
    if field is None or not field.options or words[0].after in (None, *field.options):
        return refusal.message
    if all(option in refusal.message for option in field.options):
        return refusal.message
    return f"{refusal.message} (it takes: {', '.join(field.options)})"


def _refused(turn: Turn, connected: Connected, refusal: Refusal) -> Reject:
    mapping = connected.mapping
    if refusal.task is not None:
        assert mapping.task is not None
        object, record = mapping.task.shape.object, refusal.task.key
        fingerprint = task_fingerprint(turn, connected, refusal.task)
    else:
        first = refusal.sets[0]
        object, record = first.object, first.record
        with turn.store.begin(write=False) as tx:
            mirrored = turn.store.mirror.get(tx, connected.name, mapping.account_source, record)
        fingerprint = write_fingerprint(
            turn,
            connected,
            refusal.sets,
            connected.schemas[object],
            {} if mirrored is None else mirrored.fields,
        )
    return Reject(
        connection=connected.name,
        object=object,
        record=record,
        field=refusal.field,
        account=refusal.account,
        code=refusal.code,
        message=_with_options(connected, refusal),
        remedy="",
        kind="write",
        fingerprint=fingerprint,
    )
