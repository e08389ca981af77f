"""Lists and searches, page by page.

* Lists: 100 in the order of ids, which know no limit and no lag.
* Search stops at 10,000 results, so it is not paged by offset: every page asks for ids greater
  than the last one seen. Thus many records of one millisecond, or an edited pipeline that touches
  every deal, neither end nor repeat it; and a record that leaves the filter meanwhile hides no
  other one. Where an answer shows that ids do not order it, pages are taken by offset after all,
  and by ids only from 10,000 to 10,000.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from connectors.hubspot import filters
from connectors.hubspot.answers import Answer
from connectors.hubspot.batches import BEARS, Batches
from connectors.hubspot.door import Door
from connectors.hubspot.paging import next_page, raise_if_stuck
from connectors.hubspot.paths import Paths
from connectors.hubspot.records import Reading, Row
from syncd.errors import IncompleteReadError, RequestError

ID = "hs_object_id"
LIST_PAGE = 100
SEARCH_PAGE = 200
SEARCH_WINDOW = 10_000
LONGEST_QUERY = 6000  # characters of a list's query; some 7,000 pass
LONGEST_SEARCH = 3000  # characters of a search's body
MOST_FILTERS = 6  # HubSpot's limit for one group

_PER_NAME = len("&properties=")

Condition = Mapping[str, Any]


class Listing:
    """Reads rows of a source."""

    def __init__(self, door: Door, paths: Paths, batches: Batches) -> None:
        """Contacts nothing."""
        self._door = door
        self._paths = paths
        self._batches = batches

    def everything(
        self, reading: Reading, properties: Sequence[str] | None = None, *, archived: bool = False
    ) -> Iterator[list[Row]]:
        """All rows, whatever the source's filter; or all archived ones."""
        wanted = reading.properties if properties is None else properties
        short = sum(len(name) + _PER_NAME for name in wanted) <= LONGEST_QUERY
        path = self._paths.objects(reading.object)
        after = ""
        while True:
            # Each name by itself, as HubSpot's own client sends them.
            query = [
                ("limit", str(LIST_PAGE)),
                *(("properties", name) for name in (wanted if short else (ID,))),
                ("archived", "true" if archived else "false"),
            ]
            if after:
                query.append(("after", after))
            answer = self._door.rows("GET", path, query=query, bears=BEARS)
            rows: list[Row] = answer.get("results") or []
            if rows:
                yield rows if short else self._filled(reading, rows, wanted, archived=archived)
            seen, after = after, next_page(answer)
            if not after:
                return
            raise_if_stuck(reading.object, moved=after != seen)

    def search(
        self,
        reading: Reading,
        conditions: Sequence[Condition],
        properties: Sequence[str] | None = None,
        *,
        where: Sequence[Condition] | None = None,
    ) -> Iterator[list[Row]]:
        """The rows that match the source's filter (or `where`) and these conditions.

        Raises RequestError for more conditions than HubSpot takes.
        """
        wanted = reading.properties if properties is None else properties
        conditions = [*(reading.where if where is None else where), *conditions]
        if len(conditions) >= MOST_FILTERS:
            raise RequestError(
                f"{reading.object}: where has {len(reading.where)} filters; HubSpot takes "
                f"{MOST_FILTERS} in a search, of which syncd needs 2"
            )
        path = self._paths.search(reading.object)
        ask = _body(conditions, wanted)
        short = len(msgspec.json.encode(_beyond(ask, 10**15))) <= LONGEST_SEARCH
        pages = self._by_id(reading.object, path, ask if short else _body(conditions, (ID,)))
        for rows in pages:
            yield rows if short else self._filled(reading, rows, wanted)

    def _by_id(self, object: str, path: str, ask: Answer) -> Iterator[list[Row]]:
        seen: set[int] = set()
        last = 0
        while True:
            answer = self._searched(object, path, _beyond(ask, last))
            rows: list[Row] = answer.get("results") or []
            if not _in_order(answer, rows, last):
                yield from self._by_offset(object, path, ask, seen)
                return
            if rows:
                seen.update(int(row["id"]) for row in rows)
                yield rows
            if not _goes_on(answer, rows):
                return
            last = int(rows[-1]["id"])

    def _by_offset(
        self, object: str, path: str, ask: Answer, seen: set[int]
    ) -> Iterator[list[Row]]:
        """The rows whose ids are not in `seen`, in windows that search can show."""
        last = 0
        while True:
            after, count = "", 0
            while count < SEARCH_WINDOW:
                body = _beyond(ask, last) | ({"after": after} if after else {})
                answer = self._searched(object, path, body)
                rows: list[Row] = answer.get("results") or []
                fresh = [row for row in rows if int(row["id"]) not in seen]
                seen.update(int(row["id"]) for row in fresh)
                count += len(rows)
                if fresh:
                    yield fresh
                before, after = after, next_page(answer)
                if not after:
                    raise_if_stuck(object, moved=not _goes_on(answer, rows, count - len(rows)))
                    return
                raise_if_stuck(object, moved=after != before)
            raise_if_stuck(object, moved=max(seen) > last)
            last = max(seen)

    def _searched(self, object: str, path: str, body: Answer) -> Answer:
        answer = self._door.rows("POST", path, bears=BEARS, body=body, search=True)
        strange = [
            row["id"] for row in answer.get("results") or () if not str(row["id"]).isdecimal()
        ]
        if strange:
            raise IncompleteReadError(
                f"HubSpot's ids are numbers, but one of {object} is {strange[0]}"
            )
        return answer

    def _filled(
        self,
        reading: Reading,
        rows: list[Row],
        properties: Sequence[str],
        *,
        archived: bool = False,
    ) -> list[Row]:
        """The same rows with properties too many for a query, read by their ids."""
        ids = [str(row["id"]) for row in rows]
        return list(self._batches.read(reading.object, properties, ids, archived=archived))


def _goes_on(answer: Answer, rows: Sequence[Row], before: int = 0) -> bool:
    """Whether more rows are to come; a page that names no next one may be short of the total.

    Without a total, a full page may not be the last. `before`: rows of earlier offsets.
    """
    if next_page(answer):
        return True
    total = answer.get("total")
    return total > before + len(rows) if isinstance(total, int) else len(rows) >= SEARCH_PAGE


def _in_order(answer: Answer, rows: Sequence[Row], last: int) -> bool:
    """Whether ids beyond `last` order the answer, as far as it matters for those to come.

    Nothing at all beyond a page that was not the last one answers a filter not understood.
    """
    ids = [int(row["id"]) for row in rows]
    if not _goes_on(answer, rows):
        return not last or min(ids, default=0) > last
    return bool(ids) and ids[0] > last and all(one < two for one, two in pairwise(ids))


def _body(conditions: Sequence[Condition], properties: Sequence[str]) -> Answer:
    return {
        "filterGroups": [{"filters": [filters.as_text(f) for f in conditions]}],
        "sorts": [{"propertyName": ID, "direction": "ASCENDING"}],
        "properties": [*properties],
        "limit": SEARCH_PAGE,
    }


def _beyond(body: Answer, last: int) -> Answer:
    """The same search for ids greater than `last`."""
    if not last:
        return body
    conditions = body["filterGroups"][0]["filters"]
    beyond = {"propertyName": ID, "operator": "GT", "value": str(last)}
    return body | {"filterGroups": [{"filters": [*conditions, beyond]}]}
