"""Reading records: whole, what changed since, by id, and by key.

* All of it: lists of 100 in the order of ids, which know no limit and no lag. With a filter:
  search, 200 a page.
* What changed: search on the date of the last change. Search stops at 10,000 results, so it is
  never paged by offset: every page asks for ids greater than the last one seen. Thus many records
  of one millisecond, or an edited pipeline that touches every deal, neither end nor repeat it.
* Search runs behind the records ("a few moments", up to 30 s seen). The cursor is therefore the
  beginning of the pull by HubSpot's own clock, minus a lag, and reads overlap.
* Search shows no archived records. Sources with `keep_deleted` are also listed with
  ``archived=true``. That list has no order by time, so an increment reads at most 1,000 archived
  records; where there are more, deletions are left to the next full pull, and the cursor says so.
* A link that is made or removed without another change moves no date: it shows in the next full
  pull.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from connectors.hubspot import filters
from connectors.hubspot.associations import BATCH as ASSOCIATION_BATCH
from connectors.hubspot.associations import Associations, Links
from connectors.hubspot.batches import Batches
from connectors.hubspot.door import Door
from connectors.hubspot.paths import Paths
from connectors.hubspot.pipelines import Pipelines
from connectors.hubspot.records import Reading, Row, modified_property, moment
from syncd.connector import Association, Cursor, Page, Record, Source, TaskShape
from syncd.errors import IncompleteReadError, RequestError

LIST_PAGE = 100
SEARCH_PAGE = 200
LONGEST_QUERY = 6000  # characters of a list's query; some 7,000 pass
LONGEST_SEARCH = 3000  # characters of a search's body
ARCHIVED_PAGES = 10  # of an increment
MOST_FILTERS = 6  # HubSpot's limit for one group

_ID = "hs_object_id"
Condition = Mapping[str, Any]


class Puller:
    """Reads sources page by page."""

    def __init__(self, door: Door, paths: Paths, pipelines: Pipelines, lag_seconds: int) -> None:
        """Contacts nothing."""
        self._door = door
        self._paths = paths
        self._pipelines = pipelines
        self._lag = timedelta(seconds=lag_seconds)
        self._batches = Batches(door, paths)
        self._associations = Associations(door, paths)

    def pull(self, source: Source, cursor: Cursor | None) -> Iterator[Page]:
        """All records, or those changed since the cursor; the last page bears the new cursor."""
        reading = Reading(source, self._pipelines)
        covered = self._door.server_time() - self._lag
        since = moment((cursor or {}).get("modified"))
        full = since is None
        skip_archived = not full and bool((cursor or {}).get("archived_skipped"))
        held: list[Record] = []
        for records in self._changes(reading, since):
            if held:
                yield Page(held)
            held = records
        if source.keep_deleted and not skip_archived:
            seen = yield from self._archived(reading, since, full=full, held=held)
            held, skip_archived = [], not seen
        next_cursor: Cursor = {"modified": _stamp(covered)}
        if skip_archived:
            next_cursor["archived_skipped"] = True
        yield Page(held, next_cursor)

    def ids(self, source: Source) -> Iterator[str]:
        """The ids of all records in the source."""
        reading = Reading(source, self._pipelines)
        rows = self._search(reading, (), (_ID,)) if reading.where else self._list(reading, (_ID,))
        for page in rows:
            yield from (str(row["id"]) for row in page)

    def read(self, source: Source, ids: Sequence[str]) -> dict[str, Record]:
        """These records now; archived, merged and no longer matching ones as `gone`."""
        reading = Reading(source, self._pipelines)
        found = self._batches.with_traces_of_missing(reading, ids)
        links = self._links(reading, [str(row["id"]) for row in found.live.values()])
        records: dict[str, Record] = {}
        for id, row in found.live.items():
            records[id] = reading.record(row, links[str(row["id"])], gone=reading.left(row))
        for id, row in found.archived.items():
            records[id] = reading.record(row, gone=True)
        for id, survivor in found.merged.items():
            records[id] = Record(id=id, fields={}, gone=True, merged_into=survivor)
        return records

    def tasks(self, shape: TaskShape, source: Source, keys: Sequence[str]) -> dict[str, Record]:
        """The tasks whose unique property has these values; archived ones if the source keeps them.

        Where tasks hang on an association, one that is linked to nothing is left out.
        """
        reading = Reading(source, self._pipelines)
        wanted = dict.fromkeys(keys)
        rows = self._keyed(shape, reading, list(wanted), archived=False)
        if source.keep_deleted:
            missing = [key for key in wanted if key not in rows]
            rows |= self._keyed(shape, reading, missing, archived=True)
        extra = (shape.account_association,) if shape.account_association else ()
        associations = tuple(dict.fromkeys((*source.associations, *extra)))
        live = [str(row["id"]) for row in rows.values() if not row.get("archived")]
        links = self._links(reading, live, associations)
        found: dict[str, Record] = {}
        for key, row in rows.items():
            linked = links.get(str(row["id"]), {})
            complete = row.get("archived") or all(linked.get(a.key) for a in extra)
            if key in wanted and complete:
                found[key] = reading.record(row, linked)
        return found

    def _keyed(
        self, shape: TaskShape, reading: Reading, keys: Sequence[str], *, archived: bool
    ) -> dict[str, Row]:
        properties = tuple(dict.fromkeys((*reading.properties, shape.key_field)))
        rows = self._batches.read(
            shape.object, properties, keys, id_property=shape.key_field, archived=archived
        )
        return {str(row["properties"].get(shape.key_field) or ""): row for row in rows}

    def _changes(self, reading: Reading, since: datetime | None) -> Iterator[list[Record]]:
        """Lists of up to 1,000 records, so that one call reads the links of them all."""
        if since is None:
            rows = self._search(reading, ()) if reading.where else self._list(reading)
            for gathered in _gather(rows):
                yield self._records(reading, gathered)
            return
        changed = {
            "propertyName": modified_property(reading.object),
            "operator": "GTE",
            "value": str(int(since.timestamp() * 1000)),
        }
        touched: dict[str, None] = {}
        if reading.where:
            # All changed ids first, then those that match: what changes in between can only be
            # in the second answer, and is not taken for gone.
            plain = self._search(reading, (changed,), (_ID,), where=())
            touched = {str(row["id"]): None for page in plain for row in page}
            if not touched:
                return
        for gathered in _gather(self._search(reading, (changed,))):
            for row in gathered:
                touched.pop(str(row["id"]), None)
            yield self._records(reading, gathered)
        gone = [Record(id=id, fields={}, gone=True) for id in touched]
        for start in range(0, len(gone), ASSOCIATION_BATCH):
            yield gone[start : start + ASSOCIATION_BATCH]

    def _archived(
        self, reading: Reading, since: datetime | None, *, full: bool, held: list[Record]
    ) -> Generator[Page, None, bool]:
        """Pages of tombstones after `held`; its value says whether all archived were seen."""
        if held:
            yield Page(held)
        pages = self._list(reading, reading.with_filters, archived=True)
        for count, rows in enumerate(pages, 1):
            if not full and count > ARCHIVED_PAGES:
                return False
            fresh = [row for row in rows if not reading.left(row) and _archived_since(row, since)]
            if fresh:
                yield Page([reading.record(row, gone=True) for row in fresh])
        return True

    def _records(self, reading: Reading, rows: list[Row]) -> list[Record]:
        links = self._links(reading, [str(row["id"]) for row in rows])
        return [reading.record(row, links[str(row["id"])]) for row in rows]

    def _links(
        self,
        reading: Reading,
        ids: Sequence[str],
        wanted: Sequence[Association] | None = None,
    ) -> dict[str, Links]:
        asked = reading.source.associations if wanted is None else wanted
        if not asked or not ids:
            return {id: {} for id in ids}
        return self._associations.links(reading.object, asked, ids)

    def _list(
        self, reading: Reading, properties: Sequence[str] | None = None, *, archived: bool = False
    ) -> Iterator[list[Row]]:
        wanted = reading.properties if properties is None else properties
        short = sum(len(name) + 3 for name in wanted) <= LONGEST_QUERY
        path = self._paths.objects(reading.object)
        after = ""
        while True:
            query = [
                ("limit", str(LIST_PAGE)),
                ("properties", ",".join(wanted) if short else _ID),
                ("archived", "true" if archived else "false"),
            ]
            if after:
                query.append(("after", after))
            answer = self._door.read("GET", path, query=query)
            rows: list[Row] = answer.get("results") or []
            if rows:
                yield rows if short else self._filled(reading, rows, wanted, archived=archived)
            seen, after = (
                after,
                str(((answer.get("paging") or {}).get("next") or {}).get("after") or ""),
            )
            if not after:
                return
            _raise_if_stuck(reading.object, moved=after != seen)

    def _search(
        self,
        reading: Reading,
        conditions: Sequence[Condition],
        properties: Sequence[str] | None = None,
        *,
        where: Sequence[Condition] | None = None,
    ) -> Iterator[list[Row]]:
        wanted = reading.properties if properties is None else properties
        conditions = [*(reading.where if where is None else where), *conditions]
        if len(conditions) >= MOST_FILTERS:
            raise RequestError(
                f"{reading.object}: where has {len(reading.where)} filters; HubSpot takes "
                f"{MOST_FILTERS} in a search, of which syncd needs 2"
            )
        path = self._paths.search(reading.object)
        last = ""
        short = True
        while True:
            body = _search_body(conditions, last, wanted)
            if len(msgspec.json.encode(body)) > LONGEST_SEARCH:
                short, body = False, _search_body(conditions, last, (_ID,))
            answer = self._door.read("POST", path, body=body, search=True)
            rows: list[Row] = answer.get("results") or []
            if rows:
                yield rows if short else self._filled(reading, rows, wanted)
            if len(rows) < SEARCH_PAGE:
                return
            seen, last = last, str(max(int(row["id"]) for row in rows))
            _raise_if_stuck(reading.object, moved=int(last) > int(seen or 0))

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


def _search_body(
    conditions: Sequence[Condition], last: str, properties: Sequence[str]
) -> dict[str, Any]:
    beyond = [{"propertyName": _ID, "operator": "GT", "value": last}] if last else []
    return {
        "filterGroups": [{"filters": [filters.as_text(f) for f in (*conditions, *beyond)]}],
        "sorts": [{"propertyName": _ID, "direction": "ASCENDING"}],
        "properties": list(properties),
        "limit": SEARCH_PAGE,
    }


def _raise_if_stuck(object: str, *, moved: bool) -> None:
    if not moved:
        raise IncompleteReadError(f"HubSpot gave the same page of {object} again and again")


def _gather(pages: Iterator[list[Row]]) -> Iterator[list[Row]]:
    gathered: list[Row] = []
    for page in pages:
        gathered.extend(page)
        if len(gathered) >= ASSOCIATION_BATCH:
            yield gathered
            gathered = []
    if gathered:
        yield gathered


def _archived_since(row: Row, since: datetime | None) -> bool:
    at = moment(row.get("archivedAt"))
    return since is None or at is None or at >= since


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
