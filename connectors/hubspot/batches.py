"""Batch reads: up to 100 records straight from the records, by id or by a unique property.

``POST .../batch/read`` answers in any order; ids that do not exist are errors of a 207 answer, a
merged id may be absent or answered by the record it was merged into.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from itertools import islice
from typing import Any

from msgspec import Struct

from connectors.hubspot import answers
from connectors.hubspot.door import Door
from connectors.hubspot.paths import Paths
from connectors.hubspot.records import Reading, Row, merged_ids
from connectors.hubspot.session import Query
from connectors.hubspot.verdicts import RefusedError
from syncd.errors import IncompleteReadError

BATCH = 100
BEARS = ("id", "properties")  # each record
_NOT_SO = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
MOST_LOOKUPS = 200  # ids looked up one by one, to tell a merged record from a deleted one


class Found(Struct, frozen=True):
    """Rows by the asked id, and what became of the others."""

    live: dict[str, Row]
    archived: dict[str, Row]
    merged: dict[str, str]


class Batches:
    """Reads records by id."""

    def __init__(self, door: Door, paths: Paths) -> None:
        """Contacts nothing."""
        self._door = door
        self._paths = paths

    def read(
        self,
        object: str,
        properties: Sequence[str],
        ids: Sequence[str],
        *,
        id_property: str = "",
        archived: bool = False,
    ) -> Iterator[Row]:
        """The rows that exist, in any order. Raises IncompleteReadError when one cannot be read."""
        remaining = iter(dict.fromkeys(ids))
        query = (("archived", "true" if archived else "false"),)
        named = {"idProperty": id_property} if id_property else {}
        while batch := list(islice(remaining, BATCH)):
            body: dict[str, Any] = {
                "properties": list(properties),
                "inputs": [{"id": id} for id in batch],
                **named,
            }
            path = self._paths.batch(object, "read")
            try:
                answer = self._door.rows("POST", path, bears=BEARS, query=query, body=body)
            except RefusedError as error:
                if error.status not in _NOT_SO:
                    raise
                # None of them there, or no such call: one by one it shows.
                asked = [*_repeated(properties), *query, *named.items()]
                for id in batch:
                    row = self._single(object, id, asked)
                    if row is not None:
                        yield row
                continue
            _raise_if_unread(answer, object)
            yield from answer.get("results") or ()

    def with_traces_of_missing(self, reading: Reading, ids: Sequence[str]) -> Found:
        """The rows of these ids; for those not there, whether archived or merged.

        An id is looked up by itself only when it is neither live nor archived, and of very many
        such ids only the first 200: the rest counts as not existing.
        """
        asked = dict.fromkeys(ids)
        found = Found({}, {}, {})
        for row in self.read(reading.object, reading.with_merges, list(asked)):
            self._sort_in(found, asked, row)
        for row in self._archived(reading, _missing(asked, found)):
            if row.get("archived") is False:
                self._sort_in(found, asked, row)
            elif str(row["id"]) in asked:
                found.archived[str(row["id"])] = row
        for id in _missing(asked, found)[:MOST_LOOKUPS]:
            survivor = self._survivor(reading.object, id)
            if survivor:
                found.merged[id] = survivor
        return found

    def now_at(self, object: str, ids: Sequence[str]) -> dict[str, str]:
        """Under which id each of these records stands now, merged or not; empty: it is gone.

        A call for each; of very many only the first 200 are answered.
        """
        asked = list(dict.fromkeys(ids))[:MOST_LOOKUPS]
        rows = {id: self._single(object, id, [("properties", "hs_object_id")]) for id in asked}
        return {id: str((row or {}).get("id") or "") for id, row in rows.items()}

    def _archived(self, reading: Reading, ids: Sequence[str]) -> Iterator[Row]:
        """Archived rows among these ids; none where HubSpot does not show archived records."""
        try:
            yield from self.read(reading.object, reading.with_merges, ids, archived=True)
        except RefusedError as error:
            self._door.note("hubspot.archived_unknown", object=reading.object, reason=str(error))

    def _sort_in(self, found: Found, asked: dict[str, None], row: Row) -> None:
        id = str(row["id"])
        if id in asked:
            found.live[id] = row
        for former in merged_ids(row):
            if former in asked and former != id:
                found.merged[former] = id

    def _survivor(self, object: str, id: str) -> str:
        survivor = self.now_at(object, [id])[id]
        return survivor if survivor != id else ""

    def _single(self, object: str, id: str, query: Query) -> Row | None:
        """One record by a call of its own; None where there is none."""
        try:
            return self._door.read("GET", self._paths.record(object, id), query=query)
        except RefusedError as error:
            if error.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND):
                return None  # 400: an id of no possible form
            raise


def _repeated(properties: Sequence[str]) -> list[tuple[str, str]]:
    return [("properties", name) for name in properties]


def _missing(asked: dict[str, None], found: Found) -> list[str]:
    known = found.live.keys() | found.archived.keys() | found.merged.keys()
    return [id for id in asked if id not in known]


def _raise_if_unread(answer: answers.Answer, object: str) -> None:
    for error in answers.errors(answer):
        words = answers.complaint(error)
        if "NOT_FOUND" not in f"{words.code} {error.get('category')}":
            raise IncompleteReadError(
                f"HubSpot could not read some {object}: {words.message or words.code}"
            )
