"""Whether a record may bear the values that a caller gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.hubspot.sandbox.errors import ApiError, Problem, PropertyError, bad_input
from connectors.hubspot.sandbox.held import Held
from connectors.hubspot.sandbox.kinds import Kind
from connectors.hubspot.sandbox.schema import Property
from connectors.hubspot.sandbox.table import Row
from connectors.hubspot.sandbox.values import ValueProblem, check_option, normalise, problem


def check(
    portal: Held, kind: Kind, given: Mapping[str, Any], row: Row | None = None
) -> dict[str, str | None]:
    """The values as they are kept. JSON's null leaves a value as it is; "" clears it.

    Raises PropertyError for all that is wrong with them, ApiError (409) for a contact's address
    that another contact has.
    """
    if not isinstance(given, Mapping):
        raise bad_input("properties must be an object")
    problems: list[Problem] = []
    values: dict[str, str | None] = {}
    for name, value in given.items():
        try:
            property = _writable(portal, kind, name)
            if value is not None:
                held = row.properties.get(name) if row is not None else None
                values[name] = normalise(property, value, held)
        except ValueProblem as found:
            problems.append(problem(name, found))
    for name, text in values.items():
        if text is not None:
            try:
                _check_references(portal, kind, name, text, values, row)
            except ValueProblem as found:
                problems.append(problem(name, found))
    if problems:
        raise PropertyError(problems, portal.id)
    if kind.identity == "email":
        _check_address(portal, kind, values.get("email"), row)
    return values


def _check_address(portal: Held, kind: Kind, email: str | None, row: Row | None) -> None:
    other = portal.table(kind).find(email, "email") if email else None
    if other is not None and other is not row:
        raise ApiError(409, f"Contact already exists. Existing ID: {other.id}", "CONFLICT")


def _writable(portal: Held, kind: Kind, name: str) -> Property:
    property = portal.catalogue.find(kind.id, name)
    if property is None:
        raise ValueProblem("PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
    if property.read_only:
        raise ValueProblem(
            "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.'
        )
    return property


def _check_references(
    portal: Held,
    kind: Kind,
    name: str,
    text: str,
    values: Mapping[str, str | None],
    row: Row | None,
) -> None:
    property = portal.catalogue.get(kind.id, name)
    pipelines = [one for one in portal.pipelines.get(kind.id, ()) if not one.archived]
    if property.references == "OWNER":
        if not (text.isdecimal() and int(text) in portal.owners):
            raise ValueProblem("INVALID_OWNER_ID", f"Owner {text} does not exist")
    elif name == kind.pipeline:
        check_option(text, [one.id for one in pipelines])
    elif name == kind.stage:
        held = row.properties.get(kind.pipeline) if row is not None else None
        wanted = values.get(kind.pipeline) or held
        found = [one for one in pipelines if wanted is None or one.id == wanted]
        check_option(text, [stage.id for one in found for stage in one.stages])
    elif property.unique:
        _check_unique(portal, kind, name, text, row)


def _check_unique(portal: Held, kind: Kind, name: str, text: str, row: Row | None) -> None:
    other = portal.find(kind, text, name)
    if other is not None and other is not row:
        subject = row.id if row is not None else "a new record"
        raise ValueProblem(
            "CONFLICTING_UNIQUE_VALUE",
            f"Cannot set PropertyValueCoordinates{{portalId={portal.id}, objectTypeId={kind.id}, "
            f"propertyName={name}, value={text}}} on {subject}. {other.id} already has that value.",
        )
