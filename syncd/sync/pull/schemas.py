"""What the CRM lets us see: schemas, and what is withheld from a source."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from syncd.connector import ObjectSchema, Source, mend
from syncd.errors import AccessError, RequestError, StopRunError
from syncd.rules import RULES
from syncd.store import Reject
from syncd.sync.turn import Connected, Turn

SCHEMA_AGE = timedelta(hours=24)


def learn(turn: Turn, connected: Connected, source: Source) -> None:
    """Drop what the CRM does not have or does not show from the source, and say so."""
    if source.name in connected.mapping.user_sources:
        connected.sources += (source,)
        return
    try:
        missing = _missing(read_schema(turn, connected, source.object), source)
        if missing:
            # A schema kept from earlier does not know what was provisioned since.
            missing = _missing(read_schema(turn, connected, source.object, fresh=True), source)
    except (AccessError, RequestError) as error:
        withhold_source(turn, connected, source, error)
        return
    for name in missing:
        reject_field(connected, source, name)
    connected.sources += (
        replace(source, fields=tuple(name for name in source.fields if name not in missing)),
    )
    connected.withheld |= canonical(connected, source, missing)


def _missing(schema: ObjectSchema, source: Source) -> tuple[str, ...]:
    """Asked fields that the object does not show; paths through parents are the CRM's to judge."""
    return tuple(name for name in source.fields if "." not in name and schema.find(name) is None)


def canonical(connected: Connected, source: Source, fields: Iterable[str]) -> frozenset[str]:
    """What these fields of a source are called in the model."""
    return frozenset(
        name for field in fields for name in connected.mapping.canonical_of(source.name, field)
    )


def read_schema(
    turn: Turn, connected: Connected, object: str, *, fresh: bool = False
) -> ObjectSchema:
    """The object's schema: from the state if it is recent and the CRM tells of missing fields.

    HubSpot leaves unknown properties out silently, so its catalogue is read in every run. So is
    that of an object of which writes stand refused: only there does it show that it was mended.
    """
    if object in connected.schemas and not fresh:
        return connected.schemas[object]
    silent = connected.connector.omits_unknown_fields
    now = turn.clock()
    if not (silent or turn.full or fresh):
        with turn.store.begin(write=False) as tx:
            stored = turn.store.runs.schema(tx, connected.name, object)
            refused = turn.store.quarantine.refused_accounts(tx, connected.name, object)
        if stored is not None and not refused and timedelta(0) <= now - stored[1] < SCHEMA_AGE:
            schema = msgspec.json.decode(stored[0], type=ObjectSchema)
            connected.schemas[object] = schema
            return schema
    schema = connected.connector.schema(object)
    body = msgspec.json.encode(schema, order="deterministic").decode()
    digest = hashlib.blake2b(body.encode(), digest_size=16).hexdigest()
    with turn.store.begin() as tx:
        known = turn.store.runs.schema(tx, connected.name, object)
        turn.store.runs.save_schema(tx, connected.name, object, body, digest, now)
        if known is not None and known[0] != body:
            # A field may take now what it refused before.
            refused = turn.store.quarantine.refused_accounts(tx, connected.name, object)
            turn.store.book.touch_keys(tx, refused)
    connected.schemas[object] = schema
    return schema


def reject_field(connected: Connected, source: Source, field: str) -> None:
    """Tell that a field cannot be read, and what that costs."""
    written = any(write.field == field for write in connected.mapping.account_writes)
    used = connected.mapping.canonical_of(source.name, field)
    cost = (
        f"the rules that need {', '.join(used)} are off"
        if used
        else "what syncd works out for it is not written"
        if written
        else "it is not read"
    )
    connected.rejected.append(
        Reject(
            connection=connected.name,
            object=source.object,
            record="",
            field=field,
            code="FIELD_MISSING",
            message=f"{source.object} has no field {field} that this login can see; {cost}",
            remedy=mend(
                connected.connector,
                "read",
                source.object,
                field,
                otherwise="Give this login read access to it, or correct its name in the mapping",
            )
            + "; a field that is syncd's own to make: `syncd provision --apply`",
            kind="field",
            fingerprint=f"missing:{connected.mapping.hash}",
        )
    )


def withhold_source(
    turn: Turn, connected: Connected, source: Source, error: AccessError | RequestError
) -> None:
    """A whole object is out of sight: its rules are off. Without accounts nothing can be done."""
    if source.name == connected.mapping.account_source:
        raise StopRunError(f"accounts cannot be read: {error}") from error
    remedy = getattr(error, "remedy", "") or mend(
        connected.connector,
        "object",
        source.object,
        otherwise=f"Give this login read access to {source.object}, or take it out of the mapping",
    )
    connected.rejected.append(
        Reject(
            connection=connected.name,
            object=source.object,
            record="",
            field="",
            code=getattr(error, "code", "") or "OBJECT_WITHHELD",
            message=str(error),
            remedy=remedy,
            kind="field",
            fingerprint=f"withheld:{connected.mapping.hash}",
        )
    )
    fields = [*source.fields, *(association.key for association in source.associations)]
    connected.withheld |= canonical(connected, source, fields)
    turn.log.warning("source_withheld", connection=connected.name, object=source.object)


def switch_off(turn: Turn, connected: Connected) -> None:
    """Rules without an input that the mapping promised are off; the others run."""
    connected.off = frozenset(rule.name for rule in RULES if rule.inputs & connected.withheld)
    if connected.off:
        turn.log.warning(
            "rules_off",
            connection=connected.name,
            rules=sorted(connected.off),
            missing=sorted(connected.withheld),
        )
