"""What is written: each field exists, may be written, and takes what syncd will write."""

from __future__ import annotations

from collections.abc import Iterator

from syncd.connector import CheckNote, FieldSpec, FieldType, SchemaField
from syncd.located import did_you_mean
from syncd.preflight.looking import FITTING, NEAR, Look

MISSING = "{}.{} does not exist, or this login may not see it: nothing is written to it"
UNWRITTEN = "; nothing is written to it"


def outputs(look: Look) -> Iterator[CheckNote]:
    """Each written field exists, may be written, and takes what syncd will write."""
    wanted = {spec.name for spec in look.specs}
    for spec in look.specs:
        if not spec.writable:
            continue
        yield from look.unseen(spec.object)
        schema = look.schema(spec.object)
        if schema is None:
            continue
        field = schema.find(spec.name)
        if field is not None:
            yield from _fits(look, spec, field)
            continue
        near = did_you_mean(spec.name, schema.fields.keys() - wanted, cutoff=NEAR)
        make = "create it with `syncd provision --apply`"
        yield CheckNote(
            "error",
            MISSING.format(spec.object, spec.name),
            f"{make}; {near}" if near else make,
            spec.object,
            spec.name,
        )


def _fits(look: Look, spec: FieldSpec, field: SchemaField) -> Iterator[CheckNote]:
    place = f"{spec.object}.{field.name}"
    where = (spec.object, field.name)
    if not field.writable:
        otherwise = "give this login edit access to the field"
        yield CheckNote(
            "error",
            f"{place} may not be written by this login{UNWRITTEN}",
            look.mend("write", *where, otherwise=otherwise),
            *where,
        )
    fitting = FITTING.get(spec.type)
    if fitting is not None and field.type not in fitting:
        otherwise = "use a field of a fitting type, or another codec"
        yield CheckNote(
            "error",
            f"{place} is of type {field.vendor_type or field.type}, which cannot hold {spec.type}: "
            "what the CRM does not take is refused and listed by `syncd rejects`",
            look.mend("type", *where, otherwise=otherwise),
            *where,
        )
    if spec.unique and not field.unique:
        otherwise = "make it unique, or let `syncd provision` create one"
        yield CheckNote(
            "error",
            f"{place} is not unique: syncd could not keep tasks from coming twice",
            look.mend("unique", *where, otherwise=otherwise),
            *where,
        )
    restricted = field.restricted or (field.type is FieldType.PICKLIST and bool(field.options))
    missing = [word for word in spec.options if word not in field.options]
    if spec.options and restricted and missing:
        otherwise = "add these picklist values, or translate them with `values` in the mapping"
        yield CheckNote(
            "error",
            f"{place} does not offer {', '.join(missing)}: accounts that come to that are refused",
            look.mend("values", *where, otherwise=otherwise),
            *where,
        )
    if spec.length and field.length and field.length < spec.length and field.type is FieldType.TEXT:
        yield CheckNote(
            "warning",
            f"{place} holds {field.length} characters; longer texts are cut with a mark",
            look.mend("length", *where),
            *where,
        )
