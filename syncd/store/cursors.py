"""Cursors: how far each source has been read, and whether all of it was."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from syncd.connector import Cursor
from syncd.store.sql import from_json, to_json, upsert
from syncd.store.tables import sources


class Cursors:
    """Reads and writes cursors. One that was kept for another question is none."""

    def of(self, tx: Connection, connection: str, source: str, query_hash: str) -> Cursor | None:
        """Where the last pull ended; None when it must begin anew (also for another query)."""
        row = tx.execute(
            select(sources.c.cursor, sources.c.query_hash).where(
                sources.c.connection == connection, sources.c.name == source
            )
        ).first()
        if row is None or row.query_hash != query_hash or row.cursor is None:
            return None
        found: Cursor = from_json(row.cursor)
        return found

    def is_complete(self, tx: Connection, connection: str, source: str, query_hash: str) -> bool:
        """Whether this source was once read to its end with this query."""
        found = tx.scalar(
            select(sources.c.complete).where(
                sources.c.connection == connection,
                sources.c.name == source,
                sources.c.query_hash == query_hash,
            )
        )
        return bool(found)

    def is_underway(self, tx: Connection, connection: str, source: str, query_hash: str) -> bool:
        """Whether the cursor stands within a read from the beginning that was interrupted."""
        found = tx.scalar(
            select(sources.c.underway).where(
                sources.c.connection == connection,
                sources.c.name == source,
                sources.c.query_hash == query_hash,
            )
        )
        return bool(found)

    def was_read(self, tx: Connection, connection: str, source: str) -> bool:
        """Whether this source was once read to its end, whatever was asked of it."""
        return bool(
            tx.scalar(
                select(sources.c.complete).where(
                    sources.c.connection == connection, sources.c.name == source
                )
            )
        )

    def save(
        self,
        tx: Connection,
        connection: str,
        source: str,
        query_hash: str,
        cursor: Cursor | None,
        *,
        complete: bool,
        underway: bool,
        now: str,
    ) -> None:
        """Move the cursor; belongs into the transaction that saves the rows it covers.

        `complete`: the question was once read to its end. `underway`: this is a place within a
        read from the beginning, at whose end what it did not show has left.
        """
        upsert(
            tx,
            sources,
            [
                {
                    "connection": connection,
                    "name": source,
                    "query_hash": query_hash,
                    "cursor": None if cursor is None else to_json(cursor),
                    "complete": complete,
                    "underway": underway,
                    "pulled_at": now,
                }
            ],
        )

    def forget(self, tx: Connection, connection: str, source: str) -> None:
        """Let the next pull begin anew."""
        tx.execute(
            update(sources)
            .where(sources.c.connection == connection, sources.c.name == source)
            .values(cursor=None)
        )
