"""The contract, kept by the connectors that only read: a database and a folder of CSV files."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from contract_suite import KEPT, DeletingSystem, Deletions, Reading, ReadOnly, Stamps
from pydantic import SecretStr

from connectors.csv import CsvConnector, CsvSettings
from connectors.sql import SqlConnector, SqlSettings, TableSettings
from syncd.connector import Context, Record, Source

ACCOUNT, CONTACT = ("name", "note"), ("name", "account_id")


class SqlSystem(DeletingSystem):
    """A database, written to by somebody else."""

    accounts = Source("account", "accounts", ACCOUNT)
    kept = Source("account", "accounts", ACCOUNT, where=f"note = '{KEPT}'")
    contacts = Source("contact", "contacts", CONTACT)
    many = 4_100
    announces_deletions = False

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/warehouse.db"
        self.engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        self.now = datetime(2026, 6, 1, 8, tzinfo=UTC)
        data = sa.MetaData()
        self.account = sa.Table(
            *("accounts", data, sa.Column("id", sa.Integer, primary_key=True)),
            *(sa.Column("name", sa.String(80)), sa.Column("note", sa.String(80))),
            sa.Column("changed_at", sa.DateTime),
        )
        self.contact = sa.Table(
            *("contacts", data, sa.Column("id", sa.Integer, primary_key=True)),
            *(sa.Column("name", sa.String(80)), sa.Column("account_id", sa.Integer)),
        )
        data.create_all(self.engine)

    def connect(self) -> SqlConnector:
        made = self._connector(self.url)
        made.open()
        return made

    def strand(self) -> SqlConnector:
        return self._connector(self.url + ".gone")

    def _connector(self, url: str) -> SqlConnector:
        table = TableSettings(query="", id=(), modified="changed_at")
        settings = SqlSettings(url=SecretStr(url), lag_seconds=300, objects={"accounts": table})
        return SqlConnector(settings, Context(name="warehouse"))

    def add(self, count: int = 1, note: str = KEPT) -> list[str]:
        with self.engine.begin() as tx:
            start = tx.scalar(sa.select(sa.func.count()).select_from(self.account)) or 0
            numbers = range(start + 1, start + count + 1)
            stamp = {"note": note, "changed_at": self.now}
            tx.execute(
                self.account.insert(), [{"id": n, "name": f"Account {n}", **stamp} for n in numbers]
            )
        return [str(n) for n in numbers]

    def note(self, ids: Iterable[str], text: str) -> None:
        chosen = [int(id) for id in ids]
        with self.engine.begin() as tx:
            for start in range(0, len(chosen), 500):
                mine = self.account.c.id.in_(chosen[start : start + 500])
                tx.execute(self.account.update().where(mine).values(note=text, changed_at=self.now))

    def add_contact(self, account: str) -> str:
        with self.engine.begin() as tx:
            row = {"name": "Noor", "account_id": int(account)}
            (id,) = tx.execute(self.contact.insert(), row).inserted_primary_key or (0,)
        return str(id)

    def account_of(self, contact: Record) -> str:
        return str(contact.fields["account_id"])

    def remove(self, id: str) -> None:
        with self.engine.begin() as tx:
            tx.execute(self.account.delete().where(self.account.c.id == int(id)))

    def later(self) -> None:
        self.now += timedelta(days=1)


class CsvSystem(DeletingSystem):
    """A folder of files, exported again and again."""

    accounts = Source("account", "accounts", ACCOUNT)
    kept = Source(
        *("account", "accounts", ACCOUNT),
        where=({"propertyName": "note", "operator": "EQ", "value": KEPT},),
    )
    contacts = Source("contact", "contacts", CONTACT)
    many = 1_100
    announces_deletions = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: dict[str, dict[str, tuple[str, str]]] = {"accounts": {}, "contacts": {}}
        self._export()

    def _export(self) -> None:
        for object, fields in (("accounts", ACCOUNT), ("contacts", CONTACT)):
            with (self.folder / f"{object}.csv").open("w", encoding="utf-8", newline="") as file:
                lines = [(id, *values) for id, values in self.rows[object].items()]
                csv.writer(file).writerows([("id", *fields), *lines])

    def connect(self) -> CsvConnector:
        made = self._connector(self.folder)
        made.open()
        return made

    def strand(self) -> CsvConnector:
        return self._connector(self.folder / "gone")

    @staticmethod
    def _connector(folder: Path) -> CsvConnector:
        return CsvConnector(CsvSettings.model_validate({"folder": folder}), Context(name="files"))

    def add(self, count: int = 1, note: str = KEPT) -> list[str]:
        start = len(self.rows["accounts"])
        ids = [f"acc-{start + n:06}" for n in range(count)]
        self.rows["accounts"] |= {id: (f"Account {id}", note) for id in ids}
        self._export()
        return ids

    def note(self, ids: Iterable[str], text: str) -> None:
        for id in ids:
            self.rows["accounts"][id] = (self.rows["accounts"][id][0], text)
        self._export()

    def add_contact(self, account: str) -> str:
        id = f"con-{len(self.rows['contacts']):06}"
        self.rows["contacts"][id] = ("Noor", account)
        self._export()
        return id

    def account_of(self, contact: Record) -> str:
        return str(contact.fields["account_id"])

    def remove(self, id: str) -> None:
        del self.rows["accounts"][id]
        self._export()


class TestSql(Reading, Stamps, Deletions, ReadOnly):
    """A database has stamps where its tables do."""

    @pytest.fixture
    def system(self, tmp_path: Path) -> SqlSystem:
        """A SQLite file."""
        return SqlSystem(tmp_path)


class TestCsv(Reading, Deletions, ReadOnly):
    """Files have no stamps."""

    @pytest.fixture
    def system(self, tmp_path: Path) -> CsvSystem:
        """An empty folder."""
        return CsvSystem(tmp_path)
