"""Pipelines and their stages, and the fields that syncd reads off them by dots.

A deal says only the id of its stage; whether that stage is won stands in the pipeline. So
``dealstage.is_won``, ``dealstage.is_closed``, ``dealstage.label``, ``dealstage.probability``,
``pipeline.label`` (and the same of ``hs_pipeline_stage``, ``hs_pipeline``) can be read like
properties. Their values are text as all of HubSpot's are: "true", "false", a label, "0.2".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from connectors.hubspot.door import Door
from connectors.hubspot.paths import Paths
from connectors.hubspot.verdicts import RefusedError
from syncd.connector import FieldType, SchemaField
from syncd.errors import AccessError

_PIPELINE_OF = {"dealstage": "pipeline", "hs_pipeline_stage": "hs_pipeline"}
_STAGE_PARTS = {
    "is_won": FieldType.BOOL,
    "is_closed": FieldType.BOOL,
    "label": FieldType.TEXT,
    "probability": FieldType.NUMBER,
}
_PIPELINE_PARTS = {"label": FieldType.TEXT}


def split(field: str) -> tuple[str, str] | None:
    """(property, part) of a field read off a pipeline; None for a plain property."""
    name, dot, part = field.partition(".")
    if not dot:
        return None
    if name in _PIPELINE_OF and part in _STAGE_PARTS:
        return name, part
    if name in _PIPELINE_OF.values() and part in _PIPELINE_PARTS:
        return name, part
    return None


def foreign(field: str) -> tuple[str, str] | None:
    """(object, field) of a field of the linked record, such as ``deals.hs_is_closed_won``."""
    object, dot, rest = field.partition(".")
    return (object, rest) if dot and split(field) is None else None


def needed(field: str) -> tuple[str, ...]:
    """The properties that must be read for a field."""
    parts = split(field)
    if parts is None:
        return () if foreign(field) else (field,)
    pipeline = _PIPELINE_OF.get(parts[0])
    return (parts[0],) if pipeline is None else (parts[0], pipeline)


def described(properties: Mapping[str, SchemaField]) -> dict[str, SchemaField]:
    """The dotted fields that an object with these properties has."""
    found: dict[str, SchemaField] = {}
    for name in (*_PIPELINE_OF, *_PIPELINE_OF.values()):
        if name not in properties:
            continue
        for part, type in (_STAGE_PARTS if name in _PIPELINE_OF else _PIPELINE_PARTS).items():
            field = f"{name}.{part}"
            found[field] = SchemaField(
                name=field,
                label=f"{properties[name].label}: {part.replace('_', ' ')}",
                type=type,
                vendor_type="pipeline",
                writable=False,
                createable=False,
                calculated=True,
            )
    return found


class _Stages(Struct, frozen=True):
    pipelines: dict[str, dict[str, str]]
    stages: dict[tuple[str, str], dict[str, str]]
    by_id: dict[str, dict[str, str]]
    refused: str = ""


class Pipelines:
    """The portal's pipelines, read once per opened connection and object."""

    def __init__(self, door: Door, paths: Paths) -> None:
        """Contacts nothing."""
        self._door = door
        self._paths = paths
        self._known: dict[str, _Stages] = {}

    def forget(self) -> None:
        """Read afresh when next asked."""
        self._known.clear()

    def value(
        self, object: str, field: str, properties: Mapping[str, Any], *, asked: Sequence[str]
    ) -> str | None:
        """What a dotted field comes to for a record; None where its stage is not known.

        Where pipelines cannot be read, ids stand for labels. Raises AccessError for all other
        dotted fields among those `asked`: that a stage is not known to be won is not "not won".
        """
        parts = split(field)
        if parts is None:
            return None
        name, part = parts
        id = properties.get(name)
        if not id:
            return None
        known = self._of(object)
        if known.refused:
            if part == "label":
                return str(id)
            dotted = tuple(f for f in asked if split(f) and not f.endswith(".label"))
            raise AccessError(
                f"{', '.join(dotted)} cannot be told: {known.refused}",
                object=object,
                fields=dotted,
                remedy=(
                    "Let the token read pipelines, or map properties such as hs_is_closed_won "
                    "and hs_is_closed instead."
                ),
                code="NO_PIPELINES",
            )
        pipeline_field = _PIPELINE_OF.get(name)
        if pipeline_field is None:
            return known.pipelines.get(id, {}).get(part)
        exact = known.stages.get((properties.get(pipeline_field) or "", id))
        return (exact or known.by_id.get(id, {})).get(part)

    def _of(self, object: str) -> _Stages:
        if object not in self._known:
            self._known[object] = self._read(object)
        return self._known[object]

    def _read(self, object: str) -> _Stages:
        found = _Stages({}, {}, {})
        try:
            answer = self._door.other("GET", self._paths.pipelines(object), bears=("id",))
        except (AccessError, RefusedError) as error:
            self._door.note("hubspot.pipelines_unknown", object=object, reason=str(error))
            return _Stages({}, {}, {}, refused=str(error))
        for pipeline in answer.get("results") or ():
            id = str(pipeline["id"])
            found.pipelines[id] = {"label": str(pipeline.get("label") or "")}
            for stage in pipeline.get("stages") or ():
                parts = _parts(stage)
                found.stages[id, str(stage["id"])] = parts
                found.by_id.setdefault(str(stage["id"]), parts)
        return found


def _parts(stage: Mapping[str, Any]) -> dict[str, str]:
    # Metadata values are strings: "false" is true to bool().
    metadata = {k: str(v) for k, v in (stage.get("metadata") or {}).items()}
    probability = metadata.get("probability", "")
    if "isClosed" in metadata:
        closed = metadata["isClosed"].lower() == "true"
    elif "ticketState" in metadata:
        closed = metadata["ticketState"] == "CLOSED"
    else:
        closed = _is(probability, 0.0) or _is(probability, 1.0)
    won = closed and _is(probability, 1.0)
    return {
        "is_closed": "true" if closed else "false",
        "is_won": "true" if won else "false",
        "label": str(stage.get("label") or ""),
        "probability": probability,
    }


def _is(probability: str, wanted: float) -> bool:
    try:
        return float(probability) == wanted
    except ValueError:
        return False
