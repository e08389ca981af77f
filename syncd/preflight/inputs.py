"""What is read: each mapped field exists and can be read, and what is off if not."""

from __future__ import annotations

from collections.abc import Iterator

from syncd.connector import CheckNote, Source
from syncd.located import did_you_mean
from syncd.preflight.looking import FITTING, NEAR, Look

CALCULATED = (
    "is calculated: changes of it alone do not announce themselves; the daily --full run finds them"
)


def inputs(look: Look) -> Iterator[CheckNote]:
    """Each mapped field exists and can be read; what is off if not."""
    mapping = look.mapping
    for source in mapping.sources:
        if source.name not in mapping.user_sources and source.name != mapping.task_source:
            yield from look.unseen(source.object)
            yield from _fields(look, source)


def _fields(look: Look, source: Source) -> Iterator[CheckNote]:
    schema = look.schema(source.object)
    written = {write.field for write in look.mapping.account_writes}
    ours = {(spec.object, spec.name) for spec in look.specs}
    # What is written too (a task's key tells syncd's own tasks) is missed by `outputs`.
    told = {(spec.object, spec.name) for spec in look.specs if spec.writable}
    for name in source.fields:
        used = look.mapping.canonical_of(source.name, name)
        if schema is None or "." in name or (not used and name in written):
            continue
        field = schema.find(name)
        if field is None and (source.object, name) in told:
            continue
        if field is None:
            # A name that the mapping has use for already is not meant by another.
            near = did_you_mean(name, schema.fields.keys() - set(source.fields), cutoff=NEAR)
            path = look.mend(
                "read",
                source.object,
                name,
                otherwise="correct its name in the mapping, or grant read access to it",
            )
            make = "create it with `syncd provision --apply`"
            steps = [make if (source.object, name) in ours else path, near]
            yield CheckNote(
                "error",
                f"{source.object}.{name} does not exist, or this login may not read it"
                f"{look.cost(used)}",
                "; ".join(step for step in steps if step),
                source.object,
                name,
            )
        elif field.calculated and used:
            text = f"{source.object}.{name} {CALCULATED}"
            yield CheckNote("warning", text, "", source.object, name)


def input_types(look: Look) -> Iterator[CheckNote]:
    """Fields that syncd would make for people to fill, where they are of another type by now."""
    for spec in look.specs:
        schema = look.schema(spec.object)
        field = None if spec.writable or schema is None else schema.find(spec.name)
        fitting = FITTING.get(spec.type)
        if field is None or fitting is None or field.type in fitting:
            continue
        otherwise = "use a field of a fitting type, or another codec"
        yield CheckNote(
            "warning",
            f"{spec.object}.{field.name} is of type {field.vendor_type or field.type}; what cannot "
            f"be read as {spec.type} is left out, and `syncd rejects` names it",
            look.mend("type", spec.object, field.name, otherwise=otherwise),
            spec.object,
            field.name,
        )
