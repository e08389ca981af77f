"""Reading records: whole, what changed since, by id, and by key.

* All of it: lists of 100 in the order of ids, which know no limit and no lag. With a filter:
  search, 200 a page.
* What changed: search on the date of the last change, in the order of ids (see `listing`).
* Search runs behind the records ("a few moments", up to 30 s seen). The cursor is therefore the
  beginning of the pull by HubSpot's own clock, minus a lag, and reads overlap.
* Search shows no archived records. Sources with `keep_deleted` are also listed with
  ``archived=true``. That list has no order by time, so an increment reads at most 1,000 archived
  records; where there are more, deletions are left to the next full pull, and the cursor says so.
* A merged record vanishes from both. Its survivor, which was changed by that, names it
  (``hs_merged_object_ids``), so that it comes as gone with the survivor.
* Fields of a linked record (``deals.hs_is_closed_won`` of a line item) are read along; a change of
  that record alone shows in the next full pull.
* A link that is made or removed without another change moves no date: it shows in the next full
  pull.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from connectors.hubspot.associations import BATCH as ASSOCIATION_BATCH
from connectors.hubspot.associations import Associations, Links
from connectors.hubspot.batches import Batches
from connectors.hubspot.door import Door
from connectors.hubspot.listing import ID, Listing
from connectors.hubspot.paths import Paths
from connectors.hubspot.pipelines import Pipelines
from connectors.hubspot.records import Reading, Row, merged_ids, modified_property, moment
from connectors.hubspot.verdicts import RefusedError
from syncd.connector import Association, Cursor, Page, Record, Source, TaskShape

ARCHIVED_PAGES = 10  # of an increment


class Puller:
    """Reads sources page by page."""

    def __init__(self, door: Door, paths: Paths, pipelines: Pipelines, lag_seconds: int) -> None:
        """Contacts nothing."""
        self._door = door
        self._paths = paths
        self._pipelines = pipelines
        self._lag = timedelta(seconds=lag_seconds)
        self._batches = Batches(door, paths)
        self._listing = Listing(door, paths, self._batches)
        self._associations = Associations(door, paths)

    def pull(self, source: Source, cursor: Cursor | None) -> Iterator[Page]:
        """All records, or those changed since the cursor; the last page bears the new cursor."""
        reading = Reading(source, self._pipelines)
        covered = self._door.server_time() - self._lag
        since = moment((cursor or {}).get("modified"))
        full = since is None
        skip_archived = not full and bool((cursor or {}).get("archived_skipped"))
        held: list[Record] = []
        found = False
        for records in self._changes(reading, since):
            if held:
                yield Page(held)
            held = records
            found = found or bool(records)
        if source.keep_deleted and not skip_archived:
            seen = yield from self._archived(reading, since, full=full, held=held)
            held, skip_archived = [], not seen
        # Where nothing was to be seen the next pull is full again: it costs no more, and an empty
        # answer that was none hides nothing.
        next_cursor: Cursor = {"modified": _stamp(covered)} if found or not full else {}
        if skip_archived:
            next_cursor["archived_skipped"] = True
        yield Page(held, next_cursor)

    def ids(self, source: Source) -> Iterator[str]:
        """The ids of all records in the source."""
        reading = Reading(source, self._pipelines)
        for page in self._whole(reading, (ID,)):
            yield from (str(row["id"]) for row in page)

    def read(self, source: Source, ids: Sequence[str]) -> dict[str, Record]:
        """These records now; archived, merged and no longer matching ones as `gone`."""
        reading = Reading(source, self._pipelines)
        found = self._batches.with_traces_of_missing(reading, ids)
        live = {record.id: record for record in self._records(reading, list(found.live.values()))}
        records: dict[str, Record] = {}
        for id, row in found.live.items():
            record = live[str(row["id"])]
            records[id] = replace(record, gone=record.gone or reading.left(row))
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

    def _whole(
        self, reading: Reading, properties: Sequence[str] | None = None
    ) -> Iterator[list[Row]]:
        if reading.where:
            return self._listing.search(reading, (), properties)
        return self._listing.everything(reading, properties)

    def _changes(self, reading: Reading, since: datetime | None) -> Iterator[list[Record]]:
        """Lists of up to 1,000 records, so that one call reads the links of them all."""
        if since is None:
            for gathered in _gather(self._whole(reading, reading.pulled)):
                yield [*self._records(reading, gathered), *_merged_away(gathered)]
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
            plain = self._listing.search(reading, (changed,), (ID,), where=())
            touched = {str(row["id"]): None for page in plain for row in page}
            if not touched:
                return
        for gathered in _gather(self._listing.search(reading, (changed,), reading.pulled)):
            for row in gathered:
                touched.pop(str(row["id"]), None)
            yield [*self._records(reading, gathered), *_merged_away(gathered)]
        gone = [Record(id=id, fields={}, gone=True) for id in touched]
        for start in range(0, len(gone), ASSOCIATION_BATCH):
            yield gone[start : start + ASSOCIATION_BATCH]

    def _archived(
        self, reading: Reading, since: datetime | None, *, full: bool, held: list[Record]
    ) -> Generator[Page, None, bool]:
        """Pages of tombstones after `held`; its value says whether all archived were seen."""
        if held:
            yield Page(held)
        pages = self._listing.everything(reading, reading.with_filters, archived=True)
        try:
            for count, rows in enumerate(pages, 1):
                if not full and count > ARCHIVED_PAGES:
                    return False
                fresh = [
                    row
                    for row in rows
                    # A row that says it is not archived is no tombstone, whatever was asked for.
                    if row.get("archived") is not False
                    and not reading.left(row)
                    and _archived_since(row, since)
                ]
                if fresh:
                    yield Page([reading.record(row, gone=True) for row in fresh])
        except RefusedError as error:
            # What was deleted then shows by its absence from the next full pull.
            self._door.note("hubspot.archived_unknown", object=reading.object, reason=str(error))
        return True

    def _records(self, reading: Reading, rows: list[Row]) -> list[Record]:
        ids = [str(row["id"]) for row in rows]
        links, joined = self._links(reading, ids), self._joined(reading, ids)
        return [
            reading.record(row, links[id], joined=joined.get(id))
            for id, row in zip(ids, rows, strict=True)
        ]

    def _joined(self, reading: Reading, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Fields of the first linked record (the primary one, if there is one), by id."""
        found: dict[str, dict[str, Any]] = {}
        for object, fields in reading.joined.items():
            other = Reading(Source(name=object, object=object, fields=fields), self._pipelines)
            link = Association(object)
            links = self._associations.links(reading.object, [link], ids)
            first = {id: held[link.key][0] for id, held in links.items() if held[link.key]}
            rows = self._batches.read(object, other.properties, list(first.values()))
            shown = {str(row["id"]): other.record(row).fields for row in rows}
            for id in ids:
                values = shown.get(first.get(id, ""), {})
                held = found.setdefault(id, {})
                held.update({f"{object}.{field}": values.get(field) for field in fields})
        return found

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


def _gather(pages: Iterator[list[Row]]) -> Iterator[list[Row]]:
    gathered: list[Row] = []
    for page in pages:
        gathered.extend(page)
        if len(gathered) >= ASSOCIATION_BATCH:
            yield gathered
            gathered = []
    if gathered:
        yield gathered


def _merged_away(rows: Sequence[Row]) -> list[Record]:
    """The records that went into these. No search shows them any more, nor does a list."""
    live = {str(row["id"]) for row in rows}
    into = {former: str(row["id"]) for row in rows for former in merged_ids(row)}
    return [
        Record(id=former, fields={}, gone=True, merged_into=survivor)
        for former, survivor in into.items()
        if former not in live
    ]


def _archived_since(row: Row, since: datetime | None) -> bool:
    at = moment(row.get("archivedAt"))
    return since is None or at is None or at >= since


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
