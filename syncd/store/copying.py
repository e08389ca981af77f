"""A copy of a SQLite state, taken while syncd may be at work on it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from sqlalchemy import Engine

from syncd.errors import StoreError


def copy_state(engine: Engine, target: Path) -> int:
    """Copy the state to a new file; its size in bytes. The file is whole or not there at all.

    Raises StoreError for another kind of database, an existing file, or one that cannot be
    written.
    """
    if engine.dialect.name != "sqlite":
        raise StoreError(
            "backup: this state is in PostgreSQL; use pg_dump, which copies it while syncd runs"
        )
    if target.exists():
        raise StoreError(f"backup: {target} is there already; name a new file")
    begun = target.with_name(f".{target.name}.part")
    try:
        # Made first, so that nobody else can read it at any time.
        os.close(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        with (
            contextlib.closing(engine.raw_connection()) as opened,
            contextlib.closing(sqlite3.connect(begun)) as copy,
        ):
            source = opened.driver_connection
            assert isinstance(source, sqlite3.Connection)
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            (found,) = copy.execute("PRAGMA integrity_check").fetchone()
        if found != "ok":
            raise StoreError(f"backup: the state is damaged: {found}")
        begun.rename(target)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"backup: cannot write {target}: {error}") from error
    finally:
        begun.unlink(missing_ok=True)
    return target.stat().st_size
