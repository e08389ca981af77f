"""The fields of one account record: what they hold against what they should."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct

from syncd.connector import FieldType, ObjectSchema, SchemaField
from syncd.mapping import AccountWrite
from syncd.model import Derived, Ref, Scalar
from syncd.plan.changes import KeptValue, SetField, Shown
from syncd.plan.safety import WritePolicy


class FieldDiff(Struct, frozen=True):
    """What `diff_fields` found for one record."""

    sets: tuple[SetField, ...]
    kept: tuple[KeptValue, ...]
    edits: tuple[KeptValue, ...]
    """Values that a person set after us (`ours`: what syncd had left there), kept or not."""
    agreed: Mapping[str, Shown]
    """Fields whose value already stands in the CRM as it should, in shown words."""
    filled: bool
    """The record has a filled field of ours."""


def is_filled(value: Scalar) -> bool:
    """Whether a field says something: not empty, and not an unticked box."""
    return value is not None and value is not False and value != ""


def diff_fields(
    *,
    ref: Ref,
    account: str,
    writes: Sequence[AccountWrite],
    values: Mapping[str, Derived],
    raw: Mapping[str, Any],
    schema: ObjectSchema,
    written: Mapping[str, Shown],
    undone: Mapping[str, Sequence[Shown]],
    also: Mapping[str, Sequence[Shown]],
    entitled: bool,
    policy: WritePolicy,
    today: date,
) -> FieldDiff:
    """Compare one account record's fields with what they should hold.

    Cases, in order: the CRM lacks the field → nothing; the rule said nothing → nothing; they
    agree → nothing; the account is not entitled and the value is not ours → nothing; a person
    changed it after us, or took back this very value (`undone`) → kept or, a change by hand,
    overwritten by policy; else → set. Words in `also` are ours as those in `written` are.
    """
    sets: list[SetField] = []
    kept: list[KeptValue] = []
    edits: list[KeptValue] = []
    agreed: dict[str, Shown] = {}
    filled = False
    stamp: tuple[AccountWrite, SchemaField] | None = None
    for write in writes:
        field = schema.find(write.field)
        if field is None or write.field not in raw:
            continue
        current = write.decode(raw[write.field])
        filled = filled or is_filled(current)
        if write.result == "synced_at":
            stamp = (write, field)
            continue
        derived = values.get(write.result)
        if derived is None:
            continue
        desired = write.fit(derived.value, field)
        if desired is None and field.type is FieldType.BOOL:
            desired = False if current is False or field.never_blank else None
        before, after = write.shown(current), write.shown(desired)
        if current == desired or before == after:
            agreed[write.field] = after
            continue
        ours = written.get(write.field)
        was_ours = write.field in written
        is_ours = (was_ours and ours == before) or before in also.get(write.field, ())
        if not entitled and derived.value is None and not is_ours:
            continue
        by_hand = was_ours and not is_ours
        taken_back = after in undone.get(write.field, ())[1:]
        edits += [_kept(ref, account, write.field, before, ours)] if by_hand else []
        if taken_back or (by_hand and policy.on_human_edit == "keep"):
            kept.append(_kept(ref, account, write.field, before, after))
            continue
        sets.append(
            SetField(
                connection=ref.connection,
                object=ref.object,
                record=ref.id,
                account=account,
                field=write.field,
                result=write.result,
                before=before,
                after=after,
                because=derived.because,
                value=write.encode(desired),
                overwrites=is_filled(current),
            )
        )
    if stamp is not None and sets:
        stamped = _stamp(*stamp, ref=ref, account=account, raw=raw, today=today)
        sets += [stamped] if stamped.before != stamped.after else []
    return FieldDiff(
        sets=tuple(sets), kept=tuple(kept), edits=tuple(edits), agreed=agreed, filled=filled
    )


def _kept(ref: Ref, account: str, field: str, theirs: Shown, ours: Shown) -> KeptValue:
    return KeptValue(
        connection=ref.connection,
        object=ref.object,
        record=ref.id,
        account=account,
        field=field,
        theirs=theirs,
        ours=ours,
    )


def _stamp(
    write: AccountWrite,
    field: SchemaField,
    *,
    ref: Ref,
    account: str,
    raw: Mapping[str, Any],
    today: date,
) -> SetField:
    """`synced_at`, only ever written along with another change."""
    desired = write.fit(today, field)
    return SetField(
        connection=ref.connection,
        object=ref.object,
        record=ref.id,
        account=account,
        field=write.field,
        result="synced_at",
        before=write.shown(write.decode(raw[write.field])),
        after=write.shown(desired),
        because="written along with the changes of this day",
        value=write.encode(desired),
        overwrites=False,
    )
