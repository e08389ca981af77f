"""A read-only connector to tables of a database: usage, survey answers, invoices of a warehouse.

Any address that SQLAlchemy understands. An object is a table or view (``usage`` or
``analytics.usage``), or a query that the config gives a name. `where` in the mapping is a condition
of the database's own SQL. With a column that tells when a row changed, a run reads only what
changed since the last; without one it reads all rows. Rows that were deleted show in the next
``--full`` run, which knows an emptied table from a broken load.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchTableError
from sqlalchemy.pool import NullPool

from connectors.read_only import ReadOnly
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
from syncd.errors import AccessError, IncompleteReadError, LoginError, UnreachableError

PAGE_ROWS = 2_000
IDS_AT_ONCE = 400
_STRICT = ConfigDict(extra="forbid", frozen=True)
_TYPES: tuple[tuple[type[sa.types.TypeEngine[Any]], FieldType], ...] = (
    (sa.Boolean, FieldType.BOOL),
    (sa.DateTime, FieldType.DATETIME),
    (sa.Date, FieldType.DATE),
    (sa.Numeric, FieldType.NUMBER),
    (sa.Integer, FieldType.NUMBER),
    (sa.Text, FieldType.LONG_TEXT),
    (sa.String, FieldType.TEXT),
)


class TableSettings(BaseModel):
    """``[connections.<name>.objects.<object>]``: what is special about one object."""

    model_config = _STRICT

    query: str = Field(
        "", description="a SELECT that stands for the object; empty: a table or view"
    )
    id: tuple[str, ...] = Field(
        (),
        description="the columns that tell one row from another; empty: the primary key, else id",
    )
    modified: str = Field("", description="the column that tells when a row was last changed")


class SqlSettings(BaseModel):
    """Settings of a connection to a database."""

    model_config = _STRICT

    url: SecretStr = Field(description="SQLAlchemy's address, such as postgresql+psycopg://…")
    lag_seconds: int = Field(
        300,
        ge=0,
        le=86_400,
        description="read again, as rows are stamped before they are committed",
    )
    objects: dict[str, TableSettings] = Field(
        {}, description="what is special about single objects"
    )


class _Table:
    """One object: what its rows are selected from, its columns, and its id."""

    def __init__(self, connection: sa.Connection, object: str, own: TableSettings) -> None:
        """Raises AccessError when there is no such object or column."""
        self.object = object
        self.source, key = _query(connection, own) if own.query else _table(connection, object)
        self._by_name = {column.name.lower(): column for column in self.source.columns}
        default = ("id",) if "id" in self._by_name else ()
        self.key = [self.column(name) for name in own.id or key or default]
        if not self.key:
            raise AccessError(
                f'{object} has no primary key and no column "id"',
                object=object,
                remedy=f"say which columns tell its rows apart: objects.{object}.id in config.toml",
                code="NO_ID",
            )
        self.modified = self.column(own.modified) if own.modified else None

    def column(self, name: str) -> sa.ColumnElement[Any]:
        """The column of that name, whatever its case. Raises AccessError."""
        found = self._by_name.get(name.lower())
        if found is None:
            raise AccessError(
                f"{self.object} has no column {name}",
                object=self.object,
                fields=(name,),
                code="UNKNOWN_FIELD",
            )
        return found

    def id_of(self, row: Sequence[Any]) -> str:
        """The row's id: its key columns, joined by a stroke."""
        return "/".join(str(value) for value in row[: len(self.key)])

    def has_id(self, ids: Sequence[str]) -> sa.ColumnElement[bool]:
        """The condition that a row's id is one of these."""
        texts = [sa.cast(column, sa.String(255)) for column in self.key]
        if len(texts) == 1:
            return texts[0].in_(ids)
        parts = [id.split("/") for id in ids]
        fitting = [part for part in parts if len(part) == len(texts)]
        return sa.or_(
            sa.false(),
            *(
                sa.and_(*(text == cell for text, cell in zip(texts, part, strict=True)))
                for part in fitting
            ),
        )


def _table(connection: sa.Connection, object: str) -> tuple[sa.FromClause, Sequence[str]]:
    schema, _, name = object.rpartition(".")
    looked = sa.inspect(connection)
    try:
        columns = looked.get_columns(name, schema or None)
        key = looked.get_pk_constraint(name, schema or None)["constrained_columns"]
    except NoSuchTableError as error:
        raise AccessError(
            f"there is no table or view {object} in the database",
            object=object,
            remedy=f"correct the name, or let the login see it (GRANT SELECT ON {object})",
            code="UNKNOWN_OBJECT",
        ) from error
    made = (sa.column(column["name"], column["type"]) for column in columns)
    return sa.table(name, *made, schema=schema or None), key


def _query(connection: sa.Connection, own: TableSettings) -> tuple[sa.FromClause, Sequence[str]]:
    asked = sa.text(own.query.strip().rstrip(";").replace(":", "\\:"))
    empty = sa.select(sa.text("*")).select_from(asked.columns().subquery("asked"))
    names = connection.execute(empty.where(sa.false())).keys()
    return asked.columns(*(sa.column(name) for name in names)).subquery("asked"), ()


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
        self._tables: dict[str, _Table] = {}

    def open(self) -> None:
        """Connect once, to see that it can be done."""
        if self._engine is not None:
            return
        try:
            url = sa.make_url(self._settings.url.get_secret_value())
            if url.get_backend_name() == "sqlite" and not _is_file(url.database):
                raise UnreachableError(f"{self.name}: there is no SQLite file {url.database}")
            engine = sa.create_engine(url, poolclass=NullPool)
        except (ArgumentError, ImportError) as error:
            raise UnreachableError(
                f"{self.name}: url is no address that can be opened: {error}. It looks like "
                "postgresql+psycopg://user:password@host/database, and its driver must be installed"
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

    def _table(self, connection: sa.Connection, object: str) -> _Table:
        if object not in self._tables:
            own = self._settings.objects.get(object, TableSettings.model_validate({}))
            self._tables[object] = _Table(connection, object, own)
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
            since = _unpacked((cursor or {}).get("since"))
            if cursor is None:
                query = query.where(matches)
            elif since is not None and table.modified is not None:
                query = query.where(table.modified >= _earlier(since, self._settings.lag_seconds))
            self.calls.read += 1
            latest = since
            for rows in connection.execute(query).partitions(PAGE_ROWS):
                yield Page([_record(table, source, row) for row in rows])
                if table.modified is not None:
                    stamps = [row.modified_ for row in rows if row.modified_ is not None]
                    latest = max([*stamps, *([] if latest is None else [latest])], default=None)
        yield Page((), {} if latest is None else {"since": _packed(latest)})

    def _select(self, table: _Table, source: Source) -> sa.Select[Any]:
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


def _record(table: _Table, source: Source, row: sa.Row[Any]) -> Record:
    id = table.id_of(row)
    if not row.matches_:
        return Record(id=id, fields={}, gone=True)
    start = len(table.key)
    values = row[start : start + len(source.fields)]
    fields = {name: _plain(value) for name, value in zip(source.fields, values, strict=True)}
    stamp = None if table.modified is None else row.modified_
    return Record(id=id, fields=fields, modified_at=_moment(stamp))


def _plain(value: Any) -> Any:
    """A value that the state can keep: what is none of the usual types becomes text."""
    usual = None | bool | int | float | str | Decimal | date
    return value if isinstance(value, usual) else str(value)


def _moment(stamp: Any) -> datetime | None:
    if not isinstance(stamp, datetime):
        return None
    return stamp if stamp.tzinfo is not None else stamp.replace(tzinfo=UTC)


def _earlier(since: Any, seconds: int) -> Any:
    return since - timedelta(seconds=seconds) if isinstance(since, datetime) else since


def _packed(stamp: Any) -> dict[str, Any]:
    """A stamp as JSON, with what it was."""
    if isinstance(stamp, datetime):
        return {"datetime": stamp.isoformat()}
    if isinstance(stamp, date):
        return {"date": stamp.isoformat()}
    return {"number": stamp} if isinstance(stamp, int | float) else {"text": str(stamp)}


def _unpacked(stamp: Mapping[str, Any] | None) -> Any:
    if not stamp:
        return None
    ((kind, value),) = stamp.items()
    if kind == "datetime":
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if kind == "date" else value


def _is_file(database: str | None) -> bool:
    return database is not None and Path(database).is_file()
