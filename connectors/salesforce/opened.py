"""A connection that is logged in: what the connector's methods do once there is a session."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from connectors.salesforce import ingest, jobs, pull, write
from connectors.salesforce.describe import Describes, Marks
from connectors.salesforce.query import Query, by_values, pages
from connectors.salesforce.rates import rates
from connectors.salesforce.session import Session
from connectors.salesforce.settings import LEGACY_ENDS, Flow, SalesforceSettings
from connectors.salesforce.shape import Shape
from syncd.connector import (
    Calls,
    CheckNote,
    Cursor,
    FieldSpec,
    FieldUpdate,
    Page,
    ProvisionStep,
    Record,
    Source,
    TaskShape,
    TaskUpsert,
    WriteResult,
)
from syncd.errors import AccessError, RequestError

ORGANIZATION = Query("Organization", ("Id",), ())


class Opened:
    """The session, the describes, and the work."""

    def __init__(
        self, settings: SalesforceSettings, calls: Calls, log: Any, conceal: Callable[[str], None]
    ) -> None:
        """Contact nothing yet."""
        self.settings = settings
        self.session = Session(settings, calls, log, conceal)
        self.describes = Describes(self.session)
        self._organization = ""

    def log_in(self) -> None:
        """Log in; the token tells which org and which user that is."""
        if self.settings.auth.flow is Flow.PASSWORD and self.session.log is not None:
            self.session.log.warning("login_flow_ends", text=LEGACY_ENDS)
        self._organization = self.session.log_in().organization_id

    def identity(self) -> str:
        """The organisation's id, asked for where the login did not tell it."""
        if not self._organization:
            try:
                rows = next(pages(self.session, ORGANIZATION)).rows
            except (AccessError, RequestError):
                rows = []
            # Without either, the address is what tells this org from others.
            host = urlsplit(self.settings.instance_url).hostname or ""
            self._organization = str(rows[0]["Id"]) if rows else host
        return self._organization

    def pull(self, source: Source, cursor: Cursor | None) -> Iterator[Page]:
        """A full pull, an increment, or the rest of a full pull that was cut off."""
        if cursor and "marks" in cursor:  # as they were described when it was first read
            shape = Shape(source, Marks.among(cursor["marks"]))
        else:
            shape = self._shape(source)
        if cursor and "modstamp" in cursor and shape.marks.stamp:
            try:
                yield from pull.increment(self.session, shape, cursor)
            except RequestError as error:
                if error.code != pull.LOST_LOCATOR:
                    raise
                # Salesforce dropped the rest of the result; what came may come again.
                yield from pull.increment(self.session, shape, cursor)
        else:
            yield from pull.full(self.session, self.describes, shape, cursor or {})

    def ids(self, source: Source) -> Iterator[str]:
        """The ids of the source's records."""
        yield from pull.ids(self.session, source, self.describes.of(source.object).marks)

    def read(self, source: Source, ids: Sequence[str]) -> dict[str, Record]:
        """The records by id, the Recycle Bin included; gone is what the filter leaves out now."""
        shape = self._shape(source)
        rows = by_values(self.session, shape.query((), deleted=True), "Id", ids)
        found = {row["Id"]: shape.record(row) for row in rows}
        if source.where and found:
            query = Query(source.object, ("Id",), (str(source.where),), "", False)
            matching = {row["Id"] for row in by_values(self.session, query, "Id", list(found))}
            for id in found.keys() - matching:
                found[id] = replace(found[id], gone=True)
        return found

    def find_tasks(
        self, shape: TaskShape, source: Source, keys: Sequence[str]
    ) -> dict[str, Record]:
        """The tasks by key; of several with one key the one that is not deleted."""
        asked = Shape(
            Source(source.name, source.object, (*source.fields, shape.key_field)),
            self.describes.of(source.object).marks,
        )
        found: dict[str, Record] = {}
        spelled = {key.lower(): key for key in keys}
        query = asked.query((), deleted=True)
        for row in by_values(self.session, query, shape.key_field, keys):
            record = asked.record(row)
            key = str(record.fields[shape.key_field])
            key = spelled.get(key.lower(), key)
            if key not in found or found[key].gone:
                found[key] = record
        return found

    def update(
        self, object: str, updates: Sequence[FieldUpdate]
    ) -> Iterator[tuple[int, WriteResult]]:
        """Change fields of records of one object; very many at once go through Bulk API."""
        if len(updates) > self.settings.limits.bulk_write_threshold:
            yield from ingest.update(self.session, object, updates)
        else:
            yield from write.update(self.session, object, updates)

    def upsert_tasks(
        self, shape: TaskShape, tasks: Sequence[TaskUpsert]
    ) -> Iterator[tuple[int, WriteResult]]:
        """Create or change tasks by key; very many new ones at once go through Bulk API."""
        new = [index for index, task in enumerate(tasks) if not task.id]
        if len(new) <= self.settings.limits.bulk_write_threshold:
            yield from write.upsert_tasks(self.session, shape, tasks)
            return
        known = [index for index, task in enumerate(tasks) if task.id]
        for some, send in ((known, write.upsert_tasks), (new, ingest.upsert_tasks)):
            for index, result in send(self.session, shape, [tasks[place] for place in some]):
                yield some[index], result

    def await_writes(self, rows: int, since: datetime) -> None:
        """Wait for unfinished bulk jobs of this user; fewer rows than go by bulk had none."""
        if rows > self.settings.limits.bulk_write_threshold:
            for path in ingest.unfinished(self.session, since):
                jobs.ended(self.session, path)

    def write_calls(self, updates: Mapping[str, int], tasks: int) -> int:
        """The calls that so many writes cost."""
        most = self.settings.limits.bulk_write_threshold
        return sum(
            ingest.calls(rows) if rows > most else write.calls(rows)
            for rows in (*updates.values(), tasks)
        )

    def rates(self) -> tuple[str, Mapping[str, Decimal]] | None:
        """The org's own exchange rates."""
        return rates(self.session)

    def check(self) -> Iterable[CheckNote]:
        """What is to be known about this login and org."""
        from connectors.salesforce.check import check

        return check(self.session)

    def provision(self, specs: Sequence[FieldSpec], *, apply: bool) -> Iterable[ProvisionStep]:
        """Make what is missing, or tell."""
        from connectors.salesforce.provision import provision

        return provision(self.session, self.describes, specs, apply=apply)

    def _shape(self, source: Source) -> Shape:
        return Shape(source, self.describes.of(source.object).marks)
