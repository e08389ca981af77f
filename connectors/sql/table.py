"""One table, view or query of the database, as a source reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import NoSuchTableError

from connectors.sql.settings import TableSettings
from syncd.errors import AccessError


class OpenTable:
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
