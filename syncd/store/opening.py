"""Opening the state: one engine, its pragmas, and migrations to the newest schema."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from syncd.errors import StoreError, StoreLostError
from syncd.store.failures import passes, words_of

BUSY_MILLISECONDS = 30_000
MIGRATIONS = Path(__file__).parent / "migrations"


def open_engine(url: str) -> Engine:
    """An engine for ``sqlite:///path`` or ``postgresql+psycopg://…``.

    Raises StoreError when the address cannot be understood.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(
            "state: not a database address; expected sqlite:///syncd.db or postgresql+psycopg://…"
        ) from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            folder = Path(parsed.database).parent
            if not folder.is_dir():
                raise StoreError(
                    f"state: the folder {folder} does not exist; create it or change [syncd] state"
                )
            _make_private(Path(parsed.database))
        engine = create_engine(parsed, connect_args={"timeout": BUSY_MILLISECONDS / 1000})
        event.listen(engine, "connect", _sqlite_pragmas)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    if backend == "postgresql":
        return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    raise StoreError(f"state: {backend} is not supported; use sqlite or postgresql")


def _make_private(file: Path) -> None:
    """A new state is its owner's alone: it holds customers' names. One that is there stays."""
    # What cannot be made is told by the database, in words.
    with contextlib.suppress(OSError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _sqlite_pragmas(connection: Any, _record: object) -> None:
    # isolation_level None: SQLAlchemy's "begin" event below starts transactions, so that a
    # writer waits at BEGIN instead of failing when it upgrades a read lock.
    connection.isolation_level = None
    # SQLite's own knows capitals of the English alphabet only: Österreich would never be found.
    connection.create_function("lower", 1, _lower, deterministic=True)
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # What is erased is overwritten. Some systems' SQLite does so by itself, others do not.
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()


def _lower(text: object) -> object:
    return text.lower() if isinstance(text, str) else text


def _sqlite_begin(connection: Connection) -> None:
    mode = "DEFERRED" if connection.get_execution_options().get("syncd_read_only") else "IMMEDIATE"
    connection.exec_driver_sql(f"BEGIN {mode}")


def alembic_config(engine: Engine) -> AlembicConfig:
    """Alembic's settings, pointed at our migrations and this engine."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = engine
    return config


def migrate(engine: Engine) -> None:
    """Bring the state to the newest schema; does nothing when it is there already.

    Raises StoreError when the state cannot be opened, or was made by a newer syncd; StoreLostError
    when it may be had again by itself.
    """
    config = alembic_config(engine)
    script = ScriptDirectory.from_config(config)
    try:
        with engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        raise _cannot_open(engine, error) from error
    if current == script.get_current_head():
        return
    known = {revision.revision for revision in script.walk_revisions()}
    if current is not None and current not in known:
        raise StoreError(
            "state: it was written by a newer version of syncd; "
            "install that version or use another state"
        )
    try:
        command.upgrade(config, "head")
    except SQLAlchemyError as error:
        raise _cannot_open(engine, error) from error


def is_there(engine: Engine) -> bool:
    """Whether a state of the newest schema stands there; makes and changes nothing.

    Raises StoreError or StoreLostError when the database cannot be opened.
    """
    script = ScriptDirectory.from_config(alembic_config(engine))
    try:
        with engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        raise _cannot_open(engine, error) from error
    return current == script.get_current_head()


def _cannot_open(engine: Engine, error: SQLAlchemyError) -> StoreError | StoreLostError:
    """The database's own words, without the address's password."""
    said = words_of(error) if isinstance(error, DBAPIError) else str(error).splitlines()[0]
    kind = StoreLostError if passes(said) else StoreError
    return kind(f"state: cannot open {engine.url.render_as_string(hide_password=True)}: {said}")
