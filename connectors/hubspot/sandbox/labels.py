"""Association types: HubSpot's numbers (AssociationType in hubspot-api-client) and labels."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

CONTACT, COMPANY, DEAL, TICKET = "0-1", "0-2", "0-3", "0-5"
_FIRST_UNDOCUMENTED = 1_201

Pair = tuple[str, str]
"""(id of the from type, id of the to type)."""


class Label(Struct, frozen=True):
    """An association type in one direction. `label` None: the plain association."""

    category: str
    type_id: int
    label: str | None = None
    inverse: int = 0

    def wire(self) -> dict[str, Any]:
        """The type as v4 answers show it."""
        return {"category": self.category, "typeId": self.type_id, "label": self.label}


_PLAIN = (
    (CONTACT, COMPANY, 279, 280),
    (DEAL, COMPANY, 341, 342),
    (TICKET, COMPANY, 339, 340),
    (DEAL, CONTACT, 3, 4),
    (CONTACT, TICKET, 15, 16),
    (DEAL, TICKET, 27, 28),
    (DEAL, "0-8", 19, 20),
    (COMPANY, COMPANY, 450, 450),
    (CONTACT, CONTACT, 449, 449),
    (DEAL, DEAL, 451, 451),
    (TICKET, TICKET, 452, 452),
    *(
        (activity, target, first + step, first + step - 1)
        for activity, first in (
            ("0-48", 182),
            ("0-49", 186),
            ("0-47", 188),
            ("0-46", 190),
            ("0-27", 192),
        )
        for target, step in ((COMPANY, 0), (CONTACT, 12), (DEAL, 24), (TICKET, 38))
    ),
)
_PRIMARY = ((CONTACT, COMPANY, 1, 2), (DEAL, COMPANY, 5, 6), (TICKET, COMPANY, 26, 25))
# HubSpot documents no numbers for these two objects.
_UNDOCUMENTED = tuple(
    (new, target)
    for new in ("0-721", "0-162")
    for target in (COMPANY, CONTACT, DEAL, TICKET, "0-27", "0-8")
)
_PARENT, _CHILD = 14, 13


class Labels:
    """The association types that a portal has between its object types."""

    def __init__(self) -> None:
        """Those of a new portal."""
        self.of: dict[Pair, list[Label]] = {}
        self.next_id = _FIRST_UNDOCUMENTED
        for source, target, there, back in _PLAIN:
            self._add(source, target, "HUBSPOT_DEFINED", there, back)
        for source, target, there, back in _PRIMARY:
            self._add(source, target, "HUBSPOT_DEFINED", there, back, "Primary", "Primary")
        self._add(
            COMPANY,
            COMPANY,
            "HUBSPOT_DEFINED",
            _CHILD,
            _PARENT,
            "Child Company",
            "Parent Company",
        )
        for source, target in _UNDOCUMENTED:
            self.plain(source, target, "HUBSPOT_DEFINED")

    def plain(self, source: str, target: str, category: str) -> None:
        """Let the two types be associated, with new numbers."""
        self._add(source, target, category, self.next_id, self.next_id + 1)
        self.next_id += 2

    def define(self, source: str, target: str, label: str, inverse: str | None) -> list[Label]:
        """A label of the customer's own, in both directions; one where they are the same."""
        there = self.next_id
        back = there + 1 if inverse or source != target else there
        self.next_id += 2
        self._add(source, target, "USER_DEFINED", there, back, label, inverse or label)
        pairs = [(source, target, there)] + [(target, source, back)] * (back != there)
        return [one for pair in pairs if (one := self.by_id(*pair)) is not None]

    def default(self, source: str, target: str) -> Label | None:
        """The plain association of the two types; None where they cannot be associated."""
        return next((one for one in self.of.get((source, target), ()) if one.label is None), None)

    def primary(self, source: str, target: str) -> Label | None:
        """The primary company's association type."""
        found = self.of.get((source, target), ())
        return next((one for one in found if one.label == "Primary"), None)

    def by_id(self, source: str, target: str, type_id: int) -> Label | None:
        """An association type by its number."""
        found = self.of.get((source, target), ())
        return next((one for one in found if one.type_id == type_id), None)

    def remove(self, source: str, target: str, type_id: int) -> None:
        """Take a label away, in both directions."""
        label = self.by_id(source, target, type_id)
        if label is not None:
            gone = {label.type_id, label.inverse}
            for pair in {(source, target), (target, source)}:
                self.of[pair] = [one for one in self.of[pair] if one.type_id not in gone]

    def _add(
        self,
        source: str,
        target: str,
        category: str,
        there: int,
        back: int,
        label: str | None = None,
        inverse: str | None = None,
    ) -> None:
        self.of.setdefault((source, target), []).append(Label(category, there, label, back))
        if back != there:
            self.of.setdefault((target, source), []).append(Label(category, back, inverse, there))
