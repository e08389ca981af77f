"""Properties that syncd wants, made in a portal; what is there already is left as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from connectors.hubspot.describe import Catalogue, field_type
from connectors.hubspot.door import Door
from connectors.hubspot.paths import Paths
from connectors.hubspot.verdicts import RefusedError
from syncd.connector import FieldSpec, FieldType, ProvisionStep
from syncd.errors import AccessError

GROUP = "syncd"
MOST_POLLS = 20
POLL_SECONDS = 0.5
SETTLE_SECONDS = 0.75

_FORMS: Mapping[FieldType, tuple[str, str]] = {
    FieldType.TEXT: ("string", "text"),
    FieldType.LONG_TEXT: ("string", "textarea"),
    FieldType.HTML: ("string", "html"),
    FieldType.NUMBER: ("number", "number"),
    FieldType.MONEY: ("number", "number"),
    # HubSpot's percentages are fractions (0.85 shows as 85%); syncd's run from 0 to 100.
    FieldType.PERCENT: ("number", "number"),
    FieldType.BOOL: ("bool", "booleancheckbox"),
    FieldType.DATE: ("date", "date"),
    FieldType.DATETIME: ("datetime", "date"),
    FieldType.PICKLIST: ("enumeration", "select"),
    FieldType.MULTIPICKLIST: ("enumeration", "checkbox"),
}
_KINDRED = (
    {FieldType.TEXT, FieldType.LONG_TEXT, FieldType.HTML},
    {FieldType.NUMBER, FieldType.MONEY, FieldType.PERCENT},
)
_YES_NO = (("Yes", "true"), ("No", "false"))
_WITH_OPTIONS = (FieldType.PICKLIST, FieldType.MULTIPICKLIST)


class Provisioner:
    """Compares wishes with the portal's properties, and makes what is missing."""

    def __init__(self, door: Door, paths: Paths, catalogue: Catalogue) -> None:
        """Contacts nothing."""
        self._door = door
        self._paths = paths
        self._catalogue = catalogue

    def provision(self, specs: Sequence[FieldSpec], *, apply: bool) -> Iterator[ProvisionStep]:
        """What is missing, object by object; made when `apply`. Errors stand in the steps.

        Ends when records can bear what was made.
        """
        made: dict[str, set[str]] = {}
        for object in dict.fromkeys(spec.object for spec in specs):
            wanted = [spec for spec in specs if spec.object == object]
            for step in self._object(object, wanted, apply=apply):
                if step.done and step.kind == "field":
                    made.setdefault(object, set()).add(step.name.partition(".")[2])
                if step.done:
                    self._catalogue.forget(object)
                yield step
        if made:
            self._wait_until_usable(made)

    def _object(
        self, object: str, specs: Sequence[FieldSpec], *, apply: bool
    ) -> Iterator[ProvisionStep]:
        try:
            present = {str(p["name"]): p for p in self._catalogue.properties(object)}
        except AccessError as error:
            text = f"read the properties of {object}"
            yield ProvisionStep("field", object, text, error=f"{error} {error.remedy}".strip())
            return
        missing = [spec for spec in specs if spec.name not in present]
        if missing:
            yield from self._group(object, apply=apply)
        for spec in specs:
            yield from self._field(spec, present.get(spec.name), apply=apply)

    def _group(self, object: str, *, apply: bool) -> Iterator[ProvisionStep]:
        path = f"{self._paths.properties(object)}/groups"
        try:
            groups = self._door.other("GET", path).get("results") or ()
        except (AccessError, RefusedError):
            groups = ()  # then making it shows what is wrong, if anything is
        if any(group.get("name") == GROUP for group in groups):
            return
        body = {"name": GROUP, "label": "syncd", "displayOrder": -1}
        text = f"property group {GROUP} of {object}"
        yield self._step("group", f"{object}.{GROUP}", text, "POST", path, body, apply=apply)

    def _field(
        self, spec: FieldSpec, present: Mapping[str, Any] | None, *, apply: bool
    ) -> Iterator[ProvisionStep]:
        name = f"{spec.object}.{spec.name}"
        root = self._paths.properties(spec.object)
        if present is None:
            kind = f"{spec.type}, unique" if spec.unique else str(spec.type)
            text = f"property {spec.name} of {spec.object}: {spec.label} ({kind})"
            yield self._step("field", name, text, "POST", root, _definition(spec), apply=apply)
            return
        wrong = _unfit(spec, present)
        if wrong:
            yield ProvisionStep(
                "field", name, f"property {spec.name} of {spec.object}", error=wrong
            )
            return
        if spec.type not in _WITH_OPTIONS:
            return
        options = [dict(option) for option in present.get("options") or ()]
        held = {str(option.get("value")) for option in options}
        added = [value for value in spec.options if value not in held]
        if added:
            # PATCH replaces the whole list, so the present options go along as they are.
            body = {"options": [*options, *_options(added, len(options))]}
            text = f"options of {name}: {', '.join(added)}"
            yield self._step(
                "option", name, text, "PATCH", f"{root}/{spec.name}", body, apply=apply
            )

    def _step(
        self,
        kind: str,
        name: str,
        text: str,
        method: str,
        path: str,
        body: Mapping[str, Any],
        *,
        apply: bool,
    ) -> ProvisionStep:
        if not apply:
            return ProvisionStep(kind, name, text)
        try:
            # A second try of something made by the first is answered with a conflict.
            self._door.write(method, path, body=body, repeatable=True)
        except RefusedError as error:
            if error.status != HTTPStatus.CONFLICT:
                return ProvisionStep(kind, name, text, error=str(error))
        except AccessError as error:
            return ProvisionStep(kind, name, text, error=f"{error} {error.remedy}".strip())
        return ProvisionStep(kind, name, text, done=True)

    def _wait_until_usable(self, made: Mapping[str, set[str]]) -> None:
        """A new property takes up to a second until it is listed and records can bear it."""
        for object, names in made.items():
            for _ in range(MOST_POLLS):
                if names <= {str(p["name"]) for p in self._catalogue.properties(object)}:
                    break
                self._door.limiter.pause(POLL_SECONDS)
        self._door.limiter.pause(SETTLE_SECONDS)


def _definition(spec: FieldSpec) -> dict[str, Any]:
    type, kind = _FORMS.get(spec.type, ("string", "text"))
    body: dict[str, Any] = {
        "name": spec.name,
        "label": spec.label,
        "type": type,
        "fieldType": kind,
        "groupName": GROUP,
        "description": spec.description,
        "formField": False,
    }
    if spec.type is FieldType.BOOL:
        body["options"] = [
            {"label": label, "value": value, "displayOrder": order, "hidden": False}
            for order, (label, value) in enumerate(_YES_NO)
        ]
    elif spec.type in _WITH_OPTIONS:
        body["options"] = _options(spec.options, 0)
    if spec.type is FieldType.MONEY:
        body["showCurrencySymbol"] = True
    if spec.unique:
        body["hasUniqueValue"] = True
    return body


def _options(values: Sequence[str], first: int) -> list[dict[str, Any]]:
    return [
        {
            "label": value.replace("_", " ").capitalize() if value.islower() else value,
            "value": value,
            "displayOrder": order,
            "hidden": False,
        }
        for order, value in enumerate(values, first)
    ]


def _unfit(spec: FieldSpec, present: Mapping[str, Any]) -> str:
    held = field_type(present)
    kindred = any(held in group and spec.type in group for group in _KINDRED)
    if held is not spec.type and not kindred and spec.type in _FORMS:
        return (
            f"it exists as {held}, but {spec.type} is needed; delete it in HubSpot or map "
            "another property"
        )
    if spec.unique and present.get("hasUniqueValue") is False:
        return (
            "it exists, but without unique values, which HubSpot cannot change later; delete it "
            "in HubSpot or map another property"
        )
    return ""
