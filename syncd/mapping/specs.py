"""The fields that a mapping wants the CRM to have, for `provision` to make."""

from __future__ import annotations

import re
from collections.abc import Iterator

from syncd.connector import FieldSpec, FieldType
from syncd.mapping.document import Document, Input, Output, SectionRules
from syncd.mapping.results import (
    RESULTS,
    TASK_TEXTS,
)
from syncd.mapping.shapes import (
    BOOL,
    CHOICE,
    CURRENCY,
    ROLES,
    Shape,
)
from syncd.policy import Policy

_OURS = re.compile(r"^syncd_", re.IGNORECASE)
_SUFFIX = re.compile(r"__c$", re.IGNORECASE)
_CAPITALS = {"arr": "ARR", "qbr": "QBR", "csm": "CSM", "nps": "NPS", "csat": "CSAT", "id": "ID"}
_TEXT_LENGTH, _WORD_LENGTH, _LONG_LENGTH = 255, 80, 32768
_OF_CODEC = {"bool": FieldType.BOOL, "date": FieldType.DATE, "datetime": FieldType.DATETIME}


def specs_of(document: Document, policy: Policy) -> list[FieldSpec]:
    """Written account fields, the task's key and playbook, and inputs that bear syncd's prefix."""
    found: list[FieldSpec] = []
    account = next(section for section in document.sections if section.kind == "account")
    found += [_written(one, account.object, policy) for one in document.writes]
    if document.task is not None:
        for name in ("key", "playbook"):
            one = document.task.outputs.get(name)
            if one is not None:
                found.append(
                    FieldSpec(
                        object=document.task.object,
                        name=one.field,
                        label=label_of(one.field),
                        type=FieldType.TEXT,
                        length=_TEXT_LENGTH if name == "key" else _WORD_LENGTH,
                        unique=name == "key",
                        description=f"Written by syncd: {TASK_TEXTS[name]}.",
                    )
                )
    for section in document.sections:
        found += _inputs(section, policy)
    unique: dict[tuple[str, str], FieldSpec] = {}
    for spec in found:
        unique.setdefault((spec.object.lower(), spec.name.lower()), spec)
    return list(unique.values())


def label_of(name: str) -> str:
    """A label for people: ``Syncd_Renewal_ARR__c`` is Syncd Renewal ARR."""
    words = _SUFFIX.sub("", name).split("_")
    return " ".join(
        _CAPITALS.get(word.lower(), word if word.isupper() else word.capitalize())
        for word in words
        if word
    )


def _written(one: Output, object: str, policy: Policy) -> FieldSpec:
    result = RESULTS[one.name]
    words = policy.tier.names if result.policy_words else result.choices
    if result.shape is BOOL and one.values:
        words = ("true", "false")
    type, length, scale = _form(result.shape, one.codec)
    options: tuple[str, ...] = ()
    if words and (one.values or (result.shape is CHOICE and one.codec == "text")):
        type, length = FieldType.PICKLIST, None
        options = tuple(dict.fromkeys(one.values.get(word, word) for word in words))
    return FieldSpec(
        object=object,
        name=one.field,
        label=label_of(one.field),
        type=type,
        length=length,
        scale=scale,
        options=options,
        description=f"Written by syncd: {result.text}.",
    )


def _form(shape: Shape, codec: str) -> tuple[FieldType, int | None, int | None]:
    if codec == "html_text":
        return FieldType.HTML, _LONG_LENGTH, None
    if codec == "percent":
        return FieldType.PERCENT, 3, 0
    if codec == "text" and shape.codec != "text":
        return FieldType.TEXT, _TEXT_LENGTH, None
    if codec != shape.codec and codec in _OF_CODEC:
        return _OF_CODEC[codec], None, None
    return shape.field_type, shape.length, shape.scale


def _inputs(section: SectionRules, policy: Policy) -> Iterator[FieldSpec]:
    # An input that reads a field alone says what the field is; one that reads it among others may
    # make something else of it, as a contract's status does of its date of termination.
    for one in sorted(section.all_inputs(), key=lambda one: len(one.fields)):
        for name in one.fields:
            if _OURS.match(name) and "." not in name:
                words = policy.tier.names if one.name == "account.tier_override" else ()
                yield _read(one, name, section.object, words)
    for meter in section.meters:
        for name in (meter.used, meter.limit or ""):
            if _OURS.match(name) and "." not in name:
                yield FieldSpec(
                    object=section.object,
                    name=name,
                    label=label_of(name),
                    type=FieldType.NUMBER,
                    length=18,
                    scale=2,
                    description=f"Read by syncd: meter {meter.name}.",
                    writable=False,
                )


def _read(one: Input, name: str, object: str, words: tuple[str, ...]) -> FieldSpec:
    shape = one.field.shape
    type, length, scale = _form(shape, one.codec)
    options: tuple[str, ...] = ()
    if shape in (CHOICE, ROLES) or one.values or words:
        options = tuple(one.values) or words or one.field.choices
        type, length = (shape.field_type if shape is ROLES else FieldType.PICKLIST), None
    if shape is CURRENCY:
        type, length = FieldType.TEXT, 3
    return FieldSpec(
        object=object,
        name=name,
        label=label_of(name),
        type=type,
        length=length,
        scale=scale,
        options=options,
        description=f"Read by syncd: {one.field.text}.",
        writable=False,
    )
