"""The SQL connector: what changed since the last run, or all rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError
from sqlalchemy.pool import NullPool

from connectors.read_only import ReadOnly
from connectors.sql.settings import SqlSettings, TableSettings
from connectors.sql.stamps import earlier, moment, packed, unpacked
from connectors.sql.table import OpenTable
from syncd.connector import (
    Calls,
    Context,
    Cursor,
    FieldType,
    ObjectSchema,
    Page,
    Record,
    SchemaField,
    Source,
)
from syncd.errors import IncompleteReadError, LoginError, UnreachableError

PAGE_ROWS = 2_000

IDS_AT_ONCE = 400

_TYPES: tuple[tuple[type[sa.types.TypeEngine[Any]], FieldType], ...] = (
    (sa.Boolean, FieldType.BOOL),
    (sa.DateTime, FieldType.DATETIME),
    (sa.Date, FieldType.DATE),
    (sa.Numeric, FieldType.NUMBER),
    (sa.Integer, FieldType.NUMBER),
    (sa.Text, FieldType.LONG_TEXT),
    (sa.String, FieldType.TEXT),
)


class SqlConnector(ReadOnly):
    """Reads a database. It opens one connection, and only for reading where that can be said."""

    Settings: ClassVar[type[BaseModel]] = SqlSettings

    def __init__(self, settings: BaseModel, context: Context) -> None:
        """Keep the settings; contact nothing."""
        assert isinstance(settings, SqlSettings)
        self._settings = settings
        self.name = context.name
        self.calls = Calls()
        self._engine: sa.Engine | None = None
        self._tables: dict[str, OpenTable] = {}

    def open(self) -> None:
        """Connect once, to see that it can be done."""
        if self._engine is not None:
            return
        try:
            url = sa.make_url(self._settings.url.get_secret_value())
            if url.get_backend_name() == "sqlite" and not _is_file(url.database):
                raise UnreachableError(f"{self.name}: there is no SQLite file {url.database}")
            engine = sa.create_engine(url, poolclass=NullPool)
        except (ArgumentError, ImportError, ValueError) as error:
            # A port that is no number can be a piece of the password: it is not repeated.
            why = "its port is no number" if isinstance(error, ValueError) else str(error)
            raise UnreachableError(
                f"{self.name}: url is no address that can be opened: {why}. It looks like "
                "postgresql+psycopg://user:password@host/database (signs such as @ : / in the "
                "password percent-encoded), and its driver must be installed"
            ) from error
        self._engine = engine
        try:
            with self._connection():
                pass
        except UnreachableError:
            self._engine = None
            raise

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        """A connection that can only read. Database errors leave as syncd's."""
        if self._engine is None:
            raise LoginError(f"the connection {self.name} is not open")
        try:
            with self._engine.connect() as connection:
                if connection.dialect.name == "sqlite":
                    connection.exec_driver_sql("PRAGMA query_only = ON")
                elif connection.dialect.name == "postgresql":
                    connection.exec_driver_sql("SET TRANSACTION READ ONLY")
                yield connection
        except DBAPIError as error:
            text = f"{self.name}: {str(error.orig).strip()}"
            if error.connection_invalidated or isinstance(error, InterfaceError):
                raise UnreachableError(text) from error
            if error.statement is None:
                raise UnreachableError(text) from error
            raise IncompleteReadError(text) from error

    def identity(self) -> str:
        """The database's address without its user and password."""
        url = sa.make_url(self._settings.url.get_secret_value())
        return f"{url.get_backend_name()} {url.host or ''}/{url.database or ''}"

    def schema(self, object: str) -> ObjectSchema:
        """The columns, none of which is written."""
        self.calls.other += 1
        with self._connection() as connection:
            table = self._table(connection, object)
        fields = {
            column.name: SchemaField(
                name=column.name,
                label=column.name,
                type=next(
                    (t for kind, t in _TYPES if isinstance(column.type, kind)), FieldType.OTHER
                ),
                vendor_type=str(column.type)
                if not isinstance(column.type, sa.types.NullType)
                else "",
                writable=False,
                createable=False,
            )
            for column in table.source.columns
        }
        return ObjectSchema(name=object, fields=fields, createable=False, updateable=False)

    def _table(self, connection: sa.Connection, object: str) -> OpenTable:
        if object not in self._tables:
            own = self._settings.objects.get(object, TableSettings.model_validate({}))
            self._tables[object] = OpenTable(connection, object, own)
        return self._tables[object]

    def pull(self, source: Source, cursor: Cursor | None) -> Iterator[Page]:
        """All rows, or those that changed since the cursor; those that no longer match as gone.

        The cursor of an object without a column of changes is empty: it says only that all rows
        were read once.
        """
        with self._connection() as connection:
            table = self._table(connection, source.object)
            matches = _matches(source)
            query = self._select(table, source)
            since = unpacked((cursor or {}).get("since"))
            if cursor is None:
                query = query.where(matches)
            elif since is not None and table.modified is not None:
                query = query.where(table.modified >= earlier(since, self._settings.lag_seconds))
            self.calls.read += 1
            latest = since
            for rows in connection.execute(query).partitions(PAGE_ROWS):
                yield Page([_record(table, source, row) for row in rows])
                if table.modified is not None:
                    stamps = [row.modified_ for row in rows if row.modified_ is not None]
                    latest = max([*stamps, *([] if latest is None else [latest])], default=None)
        yield Page((), {} if latest is None else {"since": packed(latest)})

    def _select(self, table: OpenTable, source: Source) -> sa.Select[Any]:
        columns = [column.label(f"id_{n}") for n, column in enumerate(table.key)]
        columns += [table.column(name).label(f"f_{n}") for n, name in enumerate(source.fields)]
        columns.append(sa.case((_matches(source), 1), else_=0).label("matches_"))
        if table.modified is not None:
            columns.append(table.modified.label("modified_"))
        return sa.select(*columns).select_from(table.source)

    def ids(self, source: Source) -> Iterator[str]:
        """The ids of the rows that match."""
        with self._connection() as connection:
            table = self._table(connection, source.object)
            self.calls.read += 1
            query = sa.select(*table.key).select_from(table.source).where(_matches(source))
            for row in connection.execute(query):
                yield table.id_of(row)

    def read(self, source: Source, ids: Sequence[str]) -> dict[str, Record]:
        """These rows; what no longer matches comes as gone."""
        found: dict[str, Record] = {}
        with self._connection() as connection:
            table = self._table(connection, source.object)
            for start in range(0, len(ids), IDS_AT_ONCE):
                self.calls.read += 1
                wanted = table.has_id(ids[start : start + IDS_AT_ONCE])
                for row in connection.execute(self._select(table, source).where(wanted)):
                    record = _record(table, source, row)
                    found[record.id] = record
        return found

    def least_read_calls(self, rows: Sequence[tuple[Source, int]]) -> int:
        """A query each."""
        return len(rows)

    def close(self) -> None:
        """Forget the engine; it holds no connections."""
        self._engine = None
        self._tables.clear()


def _matches(source: Source) -> sa.ColumnElement[bool]:
    """The mapping's `where`, as it stands there; true where there is none."""
    if not isinstance(source.where, str) or not source.where.strip():
        return sa.true()
    return sa.literal_column(f"({source.where})", sa.Boolean)


def _record(table: OpenTable, source: Source, row: sa.Row[Any]) -> Record:
    id = table.id_of(row)
    if not row.matches_:
        return Record(id=id, fields={}, gone=True)
    start = len(table.key)
    values = row[start : start + len(source.fields)]
    fields = {name: _plain(value) for name, value in zip(source.fields, values, strict=True)}
    stamp = None if table.modified is None else row.modified_
    return Record(id=id, fields=fields, modified_at=moment(stamp))


def _plain(value: Any) -> Any:
    """A value that the state can keep: what is none of the usual types becomes text."""
    usual = None | bool | int | float | str | Decimal | date
    return value if isinstance(value, usual) else str(value)


def _is_file(database: str | None) -> bool:
    return database is not None and Path(database).is_file()
