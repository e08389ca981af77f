"""After rows are erased: the copies that a database keeps of them for a while."""

from __future__ import annotations

from contextlib import closing

from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from syncd.store.tables import metadata

WAIT = "10s"


def scrub(engine: Engine) -> bool:
    """Overwrite what was erased; False when others who are at work kept us from it.

    SQLite overwrites erased rows in the file itself (see `opening`), but its write-ahead log has
    their old pages until it is cut off. PostgreSQL keeps old versions of rows until their table is
    written anew; its own log and backups are its operator's.
    """
    if engine.dialect.name == "sqlite":
        with closing(engine.raw_connection()) as raw, closing(raw.cursor()) as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            told = cursor.fetchone()
        return told is not None and not told[0]
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as opened:
            opened.execute(text(f"SET lock_timeout = '{WAIT}'"))
            for name in sorted(metadata.tables):
                opened.execute(text(f'VACUUM FULL "{name}"'))
            opened.execute(text("RESET lock_timeout"))
    except OperationalError:
        return False
    return True
