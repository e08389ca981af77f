"""What was refused in a run, into the quarantine."""

from __future__ import annotations

from syncd.store import Reject, to_text
from syncd.sync.difference import write_fingerprint
from syncd.sync.task_diff import task_fingerprint
from syncd.sync.turn import (
    Connected,
    Turn,
)
from syncd.writeback import Refusal, Written


def quarantine(turn: Turn, run: int, written: dict[str, Written]) -> list[Reject]:
    """Keep what was refused, with the CRM's words; returns what is new in this run."""
    found: list[Reject] = []
    for connected in turn.connections:
        fields = [reject for reject in connected.rejected if reject.kind == "field"]
        records = [reject for reject in connected.rejected if reject.kind == "record"]
        refusals = written[connected.name].refusals if connected.name in written else []
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
        message=refusal.message,
        remedy="",
        kind="write",
        fingerprint=fingerprint,
    )
