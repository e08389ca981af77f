"""Linking tasks to accounts: association batches, harmless to repeat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from connectors.hubspot import answers
from connectors.hubspot.answers import Answer, Complaint
from connectors.hubspot.door import Door
from connectors.hubspot.paths import Paths
from connectors.hubspot.verdicts import RefusedError
from syncd.connector import Association
from syncd.errors import AccessError

BATCH = 100
_NO_SUCH_CALL = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
_DEFAULT_TYPES = {
    ("tasks", "companies"): 192,
    ("tasks", "contacts"): 204,
    ("tasks", "deals"): 216,
    ("tasks", "tickets"): 230,
}
Pair = tuple[str, str]
"""(id of the record to link, id of the record it is linked to)."""


class Linking:
    """Links records of two objects."""

    def __init__(self, door: Door, paths: Paths) -> None:
        """Contacts nothing."""
        self._door = door
        self._paths = paths
        self._labels: dict[tuple[str, Association], dict[str, Any]] = {}

    def link(
        self, object: str, association: Association, pairs: Sequence[Pair]
    ) -> dict[Pair, Complaint]:
        """Link the pairs; returns those that HubSpot refused, with its words.

        Raises UnreachableError, LoginError, AllowanceError or AccessError when nothing can be
        said about any of them.
        """
        batches = (list(pairs[start : start + BATCH]) for start in range(0, len(pairs), BATCH))
        return {
            pair: words
            for batch in batches
            for pair, words in self._link(object, association, batch)
        }

    def _link(
        self, object: str, association: Association, pairs: list[Pair]
    ) -> Iterator[tuple[Pair, Complaint]]:
        try:
            answer = self._send(object, association, pairs)
        except RefusedError as error:
            if len(pairs) == 1:
                yield pairs[0], error.complaint
                return
            middle = len(pairs) // 2
            yield from self._link(object, association, pairs[:middle])
            yield from self._link(object, association, pairs[middle:])
            return
        yield from _blamed(pairs, answer)

    def _send(self, object: str, association: Association, pairs: list[Pair]) -> Answer:
        path, inputs = self._request(object, association, pairs)
        try:
            return self._door.write("POST", path, body={"inputs": inputs}, repeatable=True)
        except RefusedError as error:
            type = _DEFAULT_TYPES.get((object, association.to))
            if association.label is not None or type is None or error.status not in _NO_SUCH_CALL:
                raise
        # Where HubSpot does not choose the default type itself, it is named.
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type}]
        path = f"{self._paths.associations(object, association.to)}/batch/create"
        named = [{**pair, "types": types} for pair in inputs]
        return self._door.write("POST", path, body={"inputs": named}, repeatable=True)

    def _request(
        self, object: str, association: Association, pairs: list[Pair]
    ) -> tuple[str, list[dict[str, Any]]]:
        root = self._paths.associations(object, association.to)
        inputs: list[dict[str, Any]] = [
            {"from": {"id": source}, "to": {"id": target}} for source, target in pairs
        ]
        if association.label is None:
            return f"{root}/batch/associate/default", inputs
        type = self._label(object, association)
        return f"{root}/batch/create", [{**pair, "types": [type]} for pair in inputs]

    def _label(self, object: str, association: Association) -> dict[str, Any]:
        key = (object, association)
        if key not in self._labels:
            root = self._paths.associations(object, association.to)
            answer = self._door.other("GET", f"{root}/labels")
            wanted = (association.label or "").casefold()
            for label in answer.get("results") or ():
                if str(label.get("label") or "").casefold() == wanted:
                    self._labels[key] = {
                        "associationCategory": label["category"],
                        "associationTypeId": label["typeId"],
                    }
                    break
            else:
                raise AccessError(
                    f"HubSpot has no association label {association.label!r} from {object} to "
                    f"{association.to}.",
                    object=object,
                    remedy="In HubSpot: Settings > Objects > Associations, or change the mapping.",
                    code="UNKNOWN_LABEL",
                )
        return self._labels[key]


def _blamed(pairs: list[Pair], answer: Answer) -> Iterator[tuple[Pair, Complaint]]:
    """The pairs that errors name by either id; an error that names none blames all of them."""
    for error in answers.errors(answer):
        words = answers.complaint(error)
        context = error.get("context") or {}
        named = {
            str(id) for ids in context.values() for id in (ids if isinstance(ids, list) else [ids])
        }
        hit = [pair for pair in pairs if named & set(pair)]
        for pair in hit or pairs:
            yield pair, words
