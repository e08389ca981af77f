"""How rows of a source become records, and how its cursor moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.salesforce import soql
from connectors.salesforce.describe import Marks
from connectors.salesforce.query import Query, Row
from connectors.salesforce.session import Session
from syncd.connector import Cursor, Record, Source
from syncd.errors import IncompleteReadError, RequestError

DELETIONS = "deletions"
"""The cursor's mark of up to when the list of deletions was read."""


class Shape:
    """How rows of one source become records."""

    def __init__(self, source: Source, marks: Marks) -> None:
        """`marks` tells whether the object has marks of change, deletion and merging."""
        self.source = source
        self.marks = marks
        self.fields = tuple(soql.distinct(["Id", *marks.fields, *source.fields]))
        self._paths = [(name, tuple(name.split("."))) for name in source.fields]
        self._plain = all("." not in name for name in source.fields)

    def query(self, conditions: Sequence[str], order: str = "", *, deleted: bool) -> Query:
        """The query of the source's fields under these conditions."""
        return Query(
            self.source.object,
            self.fields,
            tuple(conditions),
            order,
            deleted and self.marks.keeps_deleted,
        )

    def record(self, row: Row) -> Record:
        """The row as a record; parents' fields are under the asked path."""
        stamp = row.get(self.marks.stamp) if self.marks.stamp else None
        return Record(
            id=row["Id"],
            fields=self._values(row),
            modified_at=_stamp(stamp),
            gone=row.get("IsDeleted") is True,
            merged_into=row.get("MasterRecordId") or None,
        )

    def _values(self, row: Row) -> dict[str, Any]:
        """The asked fields. Most sources name plain fields as Salesforce spells them."""
        if self._plain:
            try:
                return {name: row[name] for name in self.source.fields}
            except KeyError:
                pass
        return {name: _at(row, path) for name, path in self._paths}

    def flat_record(self, row: Row) -> Record:
        """A row whose parents' fields stand beside its own, keyed by path in lower case."""
        stamp = row.get(self.marks.stamp.lower()) if self.marks.stamp else None
        return Record(
            id=row["id"],
            fields={name: row[name.lower()] for name in self.source.fields},
            modified_at=_stamp(stamp),
            gone=row.get("isdeleted") is True,
            merged_into=row.get("masterrecordid"),
        )


def _stamp(stamp: Any) -> datetime | None:
    """When the row was changed. Raises IncompleteReadError for what is no moment."""
    try:
        return soql.stamp(stamp) if stamp else None
    except (ValueError, TypeError, AttributeError) as error:
        raise IncompleteReadError(f"Salesforce dates a record {stamp!r}") from error


def _at(row: Any, path: tuple[str, ...]) -> Any:
    """The value at a path of names; None below a parent that is not set."""
    for name in path:
        if row is None:
            return None
        try:
            row = row[name]
        except KeyError:
            row = _loosely(row, name)
    return row


def _loosely(row: Mapping[str, Any], name: str) -> Any:
    """The value under a name that is written in another case than Salesforce's own."""
    lowered = name.lower()
    for key, value in row.items():
        if key.lower() == lowered:
            return value
    raise RequestError(f"Salesforce left out the field {name}", code="FIELD_MISSING")


class Progress:
    """The cursor in the making: when the pull began, and the latest stamp it saw."""

    def __init__(
        self, lag: timedelta, marks: Marks, started: datetime | None, seen: datetime | None
    ) -> None:
        """`started` None: the first answer tells."""
        self._lag = lag
        self._marks = marks
        self.started = started
        self.seen = seen

    @classmethod
    def resumed(cls, session: Session, marks: Marks, cursor: Cursor) -> Progress:
        """From a complete cursor, a halfway one, or none at all (empty)."""
        lag = timedelta(seconds=session.settings.lag_seconds)
        seen = cursor.get("modstamp") or cursor.get("seen")
        return cls(lag, marks, _moment(cursor.get("started")), _moment(seen))

    def note(self, session: Session, records: Sequence[Record]) -> None:
        """Take a page into account. The server's clock counts, not this machine's."""
        if self.started is None:
            self.started = session.started_at
        stamps = [record.modified_at for record in records if record.modified_at is not None]
        if stamps:
            self.seen = max(stamps if self.seen is None else [*stamps, self.seen])

    def cursor(self) -> Cursor:
        """Where the next increment begins: never later than the pull's start less the lag.

        It bears the object's marks, so that an increment needs no describe.
        """
        assert self.started is not None
        bound = self.started - self._lag
        moment = bound if self.seen is None else min(self.seen, bound)
        return {"modstamp": soql.moment(moment), "marks": list(self._marks.fields)}

    def complete(self) -> Cursor:
        """The cursor of a full pull: what was deleted before it began is known, too.

        Where nothing was to be seen the next pull is full again: it costs no more, and an empty
        answer that was none hides nothing.
        """
        assert self.started is not None
        if self.seen is None:
            return {"marks": list(self._marks.fields)}
        return {**self.cursor(), DELETIONS: soql.moment(self.started - self._lag)}

    def halfway(self, **place: str | int) -> Cursor:
        """Where a full pull that was cut off goes on; `place` is the reader's own bookmark."""
        assert self.started is not None
        cursor: Cursor = {"started": soql.moment(self.started), **place}
        if self.seen is not None:
            cursor["seen"] = soql.moment(self.seen)
        return cursor


def _moment(value: str | None) -> datetime | None:
    return soql.stamp(value).astimezone(UTC) if value else None
