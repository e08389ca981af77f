"""The state under bad luck (full, locked, lost, old), and what it forgets."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
import states
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from memory_book import MAPPING, Room, planned
from sqlalchemy import MetaData, event, func, insert, select, text

from syncd.errors import LeaseError, StoreError, StoreLostError
from syncd.forgetting import find_contacts, forget_account, forget_contact
from syncd.store import Store, alembic_config, copy_state, metadata, open_engine
from syncd.sync import EXIT_DONE, Retention
from syncd.verifying import verify

state, postgres = states.state, states.postgres

SOON = date(2026, 9, 30)
NOW = datetime(2026, 6, 15, 9, tzinfo=UTC)
WITH_CONTACTS = MAPPING.replace(
    "[user.managers]",
    """[contact]
object = "Contact"
[contact.fields]
account = "AccountId"
name = "Name"
title = "Title"
[user.managers]""",
)


@pytest.fixture
def room(state: str) -> Iterator[Room]:
    """Four customers, two of them in their renewal window."""
    made = Room(state)
    for number in range(4):
        ends = SOON if number < 2 else date(2027, 3, 31)
        made.customer(f"A{number}", ends=ends, value=10_000 * (number + 1))
    yield made
    made.close()


@pytest.fixture
def on_file(tmp_path: Path) -> Iterator[Room]:
    """The same on SQLite."""
    made = Room(f"sqlite:///{tmp_path}/syncd.db")
    for number in range(4):
        made.customer(f"A{number}", ends=SOON, value=10_000 * (number + 1))
    yield made
    made.close()


def rows(store: Store) -> dict[str, int]:
    """How many rows each table has."""
    with store.begin(write=False) as tx:
        return {
            name: tx.scalar(select(func.count()).select_from(table)) or 0
            for name, table in metadata.tables.items()
        }


def everything(store: Store) -> str:
    """All texts of the state, as one."""
    with store.begin(write=False) as tx:
        return "\n".join(
            str(tuple(row))
            for table in metadata.tables.values()
            for row in tx.execute(select(table))
        )


# --- bad luck -------------------------------------------------------------------------------------


def test_a_full_disk_loses_nothing(on_file: Room) -> None:
    """The run ends with a word on what to do; with room again the next one makes up for it."""
    pages = on_file.store.engine.connect()
    used = pages.exec_driver_sql("PRAGMA page_count").scalar_one()
    pages.close()
    on_file.store.close()
    limit = [f"PRAGMA max_page_count={used + 3}"]

    @event.listens_for(on_file.store.engine, "connect")
    def full(connection: Any, _: object) -> None:
        connection.execute(limit[0])

    with pytest.raises(StoreLostError, match="make room on its disk"):
        on_file.sync()
    limit[0] = "PRAGMA max_page_count=1000000"
    on_file.store.close()
    report = on_file.sync()

    assert report.exit_code == EXIT_DONE
    assert on_file.account("A0")["RenewalDate"] == SOON.isoformat()
    assert len(on_file.tasks()) == 4
    assert planned(on_file.sync()) == (0, 0)


def test_a_locked_file_is_told(on_file: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program that keeps the file locked ends the run, in words."""
    on_file.store.close()
    monkeypatch.setattr("syncd.store.opening.BUSY_MILLISECONDS", 20)
    on_file.store = Store.open(on_file.state)
    file = on_file.state.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreLostError, match="another program holds the file"):
            on_file.sync()
        other.execute("ROLLBACK")

    assert on_file.sync().exit_code == EXIT_DONE


def test_a_lost_database_server_loses_nothing(postgres: Any) -> None:
    """The connection breaks within a transaction: the next run goes on."""
    room = Room(postgres.database())
    for number in range(3):
        room.customer(f"A{number}", ends=SOON)
    plain = room.store.book.save

    def break_off(tx: Any, *given: Any, **named: Any) -> None:
        plain(tx, *given, **named)
        pid = tx.scalar(text("SELECT pg_backend_pid()"))
        with room.store.engine.connect() as other:
            other.execute(text(f"SELECT pg_terminate_backend({pid})"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("syncd.store.book.Book.save", lambda _, tx, *g, **n: break_off(tx, *g, **n))
        with pytest.raises(StoreLostError, match="whether the database server is up"):
            room.sync()
    report = room.sync()
    again = room.sync()
    room.close()

    assert report.exit_code == EXIT_DONE
    assert planned(report)[0] > 0
    assert planned(again) == (0, 0)


def test_a_state_that_is_no_database(tmp_path: Path) -> None:
    """A damaged file, or a folder that is not there, is told with what to do."""
    (tmp_path / "bad.db").write_bytes(b"this is not a database at all" * 100)
    with pytest.raises(StoreError, match="put a backup in its place"):
        Store.open(f"sqlite:///{tmp_path}/bad.db")
    with pytest.raises(StoreError, match="does not exist; create it"):
        Store.open(f"sqlite:///{tmp_path}/none/syncd.db")


def test_a_new_state_is_its_owners_alone(tmp_path: Path) -> None:
    """Nobody else may read it, nor its log; one that is there keeps its rights."""
    old = tmp_path / "old.db"
    old.touch(mode=0o640)
    for name in ("new.db", "old.db"):
        store = Store.open(f"sqlite:///{tmp_path}/{name}")
        with store.begin(write=False):
            rights = {path.stat().st_mode & 0o777 for path in tmp_path.glob(f"{name}*")}
        store.close()

        assert rights == {0o600 if name == "new.db" else 0o640}


@pytest.mark.parametrize("lock", ["EXCLUSIVE", "IMMEDIATE"])
def test_a_state_that_is_locked_as_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lock: str
) -> None:
    """That may be over by itself: it ends the run (5), and is no mistake in the config (2)."""
    monkeypatch.setattr("syncd.store.opening.BUSY_MILLISECONDS", 20)
    with closing(sqlite3.connect(tmp_path / "s.db", isolation_level=None)) as other:
        other.execute("CREATE TABLE theirs (id)")
        other.execute(f"BEGIN {lock}")
        with pytest.raises(StoreLostError, match="another program holds the file"):
            Store.open(f"sqlite:///{tmp_path}/s.db")


def test_a_server_that_is_down_may_come_back(postgres: Any, tmp_path: Path) -> None:
    """No server at the address may be over by itself; a database that is not there is a mistake."""
    address = str(postgres.database())
    folder = address.partition("host=")[2]
    with pytest.raises(StoreLostError, match="whether the database server is up"):
        Store.open(address.replace(folder, str(tmp_path)))
    with pytest.raises(StoreError, match="does not exist"):
        Store.open(address.replace("?", "none?"))


def test_an_old_backup_put_back_opens_nothing_again(on_file: Room, tmp_path: Path) -> None:
    """Tasks are found by their keys, and fields that stand right are not rewritten."""
    on_file.sync()
    copy = tmp_path / "old.db"
    size = copy_state(on_file.store.engine, copy)
    on_file.customer("B0", ends=SOON)
    on_file.crm.put("Contract", "c-A1", Value=99_000)
    on_file.sync()
    ended = next(task for task in on_file.tasks() if task["WhatId"] == "B0")
    on_file.crm.put("Task", ended["id"], Status="completed")
    on_file.sync()
    before = {id: dict(row) for id, row in on_file.crm.rows["Account"].items()}
    tasks = on_file.tasks()
    on_file.forget_everything(f"sqlite:///{copy}")
    report = on_file.sync()

    assert size == copy.stat().st_size
    assert planned(report) == (0, 0)
    assert on_file.crm.rows["Account"] == before
    assert on_file.tasks() == tasks
    assert on_file.stored_tasks("B0") == {"renewal-120": "completed"}


def test_a_backup_is_whole_and_overwrites_nothing(on_file: Room, tmp_path: Path) -> None:
    """Taken while a transaction is open, it has what was committed; nobody else may read it."""
    on_file.sync()
    copy = tmp_path / "copy.db"
    with on_file.store.begin() as tx:
        on_file.store.runs.beat(tx, "half", on_file.now)
        copy_state(on_file.store.engine, copy)
    restored = Store.open(f"sqlite:///{copy}")
    told = rows(restored)
    restored.close()

    assert copy.stat().st_mode & 0o777 == 0o600
    assert told == {**rows(on_file.store), "beats": told["beats"]}
    with pytest.raises(StoreError, match="is there already"):
        copy_state(on_file.store.engine, copy)
    with pytest.raises(StoreError, match="cannot write"):
        copy_state(on_file.store.engine, tmp_path / "none" / "copy.db")


def test_of_many_that_start_at_once_one_gets_the_lease(state: str) -> None:
    """On an empty state too, and when all of them find the last holder dead."""
    start, won, refused = Barrier(4), list[str](), list[str]()
    Store.open(state).close()
    stores = [Store(open_engine(state)) for _ in range(4)]

    def begin(name: str, store: Store) -> None:
        for lease, dead in (("run", None), ("other", "dead:1")):
            start.wait(60)
            try:
                with store.begin() as tx:
                    store.runs.acquire(tx, lease, name, NOW, 60, steal_from=dead)
                won.append(f"{lease} {name}")
            except LeaseError:
                refused.append(f"{lease} {name}")

    threads = [Thread(target=begin, args=(f"here:{n}", stores[n])) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for store in stores:
        store.close()

    assert sorted(line.partition(" ")[0] for line in won) == ["other", "run"]
    assert len(refused) == 6


# --- the schema -----------------------------------------------------------------------------------


def test_the_migrations_make_the_tables(state: str) -> None:
    """What the migrations make is what syncd/store/tables.py says."""
    store = Store.open(state)
    with store.engine.connect() as connection:
        differing = compare_metadata(MigrationContext.configure(connection), metadata)
    store.close()

    assert differing == []


def test_every_schema_migrates_with_rows_in_it(state: str) -> None:
    """From each released schema the way to the newest keeps every row."""
    engine = open_engine(state)
    config = alembic_config(engine)
    revisions = [r.revision for r in ScriptDirectory.from_config(config).walk_revisions()]
    for revision in revisions:
        command.upgrade(config, revision)
        before = MetaData()
        before.reflect(engine)
        with engine.begin() as tx:
            for table in before.sorted_tables:
                if table.name != "alembic_version":
                    tx.execute(insert(table).values(_a_row(table)))
        command.upgrade(config, "head")
        with engine.connect() as tx:
            counts = {
                name: tx.scalar(select(func.count()).select_from(table))
                for name, table in metadata.tables.items()
            }
        command.downgrade(config, "base")

        assert {name for name, count in counts.items() if count != 1} == set()
    engine.dispose()


def _a_row(table: Any) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for column in table.columns:
        kind = column.type.python_type
        made[column.name] = {bool: False, int: 1, date: date(2026, 1, 1)}.get(kind, "1")
    return made


# --- forgetting -----------------------------------------------------------------------------------


def test_the_state_stays_small(tmp_path: Path) -> None:
    """Day after day of changes: runs, ledger and snapshots older than the policy says go."""
    room = Room(f"sqlite:///{tmp_path}/syncd.db")
    keep = Retention(runs_days=5, writes_days=8, snapshots_days=31)
    for number in range(3):
        room.customer(f"A{number}")
    sizes = []
    for day in range(40):
        room.crm.put("Contract", f"c-A{day % 3}", Value=10_000 + day)
        report = room.sync(retention=keep)
        room.next_day()
        sizes.append(rows(room.store))

        assert report.exit_code == EXIT_DONE
    room.close()

    assert max(size["runs"] for size in sizes) <= 10
    assert max(size["ledger"] for size in sizes[20:]) <= 1.2 * max(s["ledger"] for s in sizes[:20])
    assert sizes[-1]["records"] == sizes[0]["records"]


def test_scores_are_kept_as_long_as_one_stands(room: Room) -> None:
    """Older scores go, but the one that stood at the border stays: the trend needs it."""
    days = [date(2026, 1, 1), date(2026, 2, 1), date(2026, 6, 1)]
    table = metadata.tables["snapshots"]
    with room.store.begin() as tx:
        for account in ("crm:A0", "crm:A1"):
            for day in days[: 2 if account.endswith("1") else 3]:
                tx.execute(insert(table).values(account=account, day=day, body="70"))
        room.store.book.prune(tx, date(2026, 3, 1))
        left = [tuple(row) for row in tx.execute(select(table.c.account, table.c.day))]

    assert sorted(left) == [("crm:A0", days[1]), ("crm:A0", days[2]), ("crm:A1", days[1])]


def bytes_of(room: Room) -> bytes:
    """What the database keeps of its tables, on disk."""
    if room.state.startswith("sqlite"):
        folder = Path(room.state.removeprefix("sqlite:///")).parent
        return b"".join(path.read_bytes() for path in folder.glob("*.db*"))
    with room.store.engine.connect() as connection:
        connection.exec_driver_sql("CHECKPOINT")
        home = Path(str(connection.exec_driver_sql("SHOW data_directory").scalar_one()))
        files = [
            connection.exec_driver_sql(f"SELECT pg_relation_filepath('{name}')").scalar_one()
            for name in metadata.tables
        ]
    return b"".join((home / str(file)).read_bytes() for file in files)


def test_no_byte_of_the_forgotten_stays_while_others_have_the_state_open(room: Room) -> None:
    """Not in the file, nor in the log that another open connection keeps from going away."""
    room.crm.put("Account", "A0", Name="Hush Ltd")
    room.sync()
    with room.store.engine.connect() as other:
        other.exec_driver_sql("SELECT 1 FROM accounts")
        other.rollback()
        there = bytes_of(room)
        forgotten = forget_account(room.turn(), "crm:A0", "Hush Ltd")
        left = bytes_of(room)

    assert b"Hush" in there
    assert forgotten.scrubbed
    assert b"Hush" not in left


def test_a_copy_that_another_keeps_is_told(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody reads all the while: what was erased may still be in the log or in old rows."""
    monkeypatch.setattr("syncd.store.scrubbing.WAIT", "50ms")
    room.sync()
    room.store.close()
    monkeypatch.setattr("syncd.store.opening.BUSY_MILLISECONDS", 50)
    with room.store.begin(write=False) as tx:
        tx.exec_driver_sql("SELECT * FROM accounts").all()
        forgotten = forget_account(room.turn(), "crm:A0", "Customer A0")

    assert forgotten.erased.rows["accounts"] == 1
    assert not forgotten.scrubbed


def test_an_account_is_forgotten_everywhere(room: Room) -> None:
    """Mirror, derivations, history, tasks and quarantine: nothing of it is left."""
    room.crm.put("Account", "A0", Name="Hush Ltd")
    room.crm.put("Contract", "c-A0", Name="Hush contract", EndDate="31/12/2026")
    room.sync()
    forgotten = forget_account(room.turn(), "crm:A0", "Hush Ltd")
    left = everything(room.store)
    report = room.sync()

    assert forgotten.erased.rows["accounts"] == 1
    assert forgotten.erased.rows["ledger"] >= 1
    assert "Hush" not in left
    assert "crm:A0" not in left
    assert report.exit_code == EXIT_DONE
    assert planned(report) == (0, 0)


def test_a_contact_is_forgotten_in_every_text(room: Room) -> None:
    """Its record goes, and its name goes out of tasks, reasons and history."""
    room.text = WITH_CONTACTS
    room.crm.put("Contact", "k1", AccountId="A0", Name="Zoë Quill", Title="CFO")
    room.crm.put("Account", "A0", Name="Zoë Quill & Sons")
    room.sync()
    turn = room.turn()
    (found,) = find_contacts(turn, turn.connections, "zoë quill")
    forgotten = forget_contact(turn, *found)
    left = everything(room.store)

    assert (found[1], found[2]) == ("k1", "Zoë Quill")
    assert forgotten.erased.texts > 0
    assert "'k1'" not in left
    assert not [line for line in left.splitlines() if "Quill" in line and "renewal-120" in line]
    assert room.sync().exit_code == EXIT_DONE


def test_a_contact_deleted_in_the_crm_goes(room: Room) -> None:
    """What the CRM no longer has the mirror has no longer."""
    room.text = WITH_CONTACTS
    room.crm.put("Contact", "k1", AccountId="A0", Name="Zoë Quill", Title="CFO")
    room.sync()
    room.crm.delete("Contact", "k1")
    room.sync()

    assert "Quill" not in everything(room.store)


def test_verify_finds_what_drifted(room: Room) -> None:
    """Nothing after a run; a changed mirror, or a field that is not as it should be, is told."""
    room.sync()
    room.sync()
    turn = room.turn()
    (well,) = verify(turn, turn.connections, sample=100)
    records = metadata.tables["records"]
    with room.store.begin() as tx:
        tx.execute(
            records.update()
            .where(records.c.id == "c-A3")
            .values(fields=func.replace(records.c.fields, "40000", "50000"))
        )
    turn = room.turn()
    (ill,) = verify(turn, turn.connections, sample=100)

    assert (well.well, well.accounts, well.checked) == (True, 4, 10)
    assert not ill.well
    assert [drift["record"] for drift in ill.drift] == ["c-A3"]
    assert "50000" in ill.drift[0]["differing"][0]
    assert {change.record for change in ill.plan.sets} >= {"A3"}
    assert room.account("A3")["Arr"] == 40_000


def test_what_is_still_unknown_is_not_pruned(room: Room) -> None:
    """A write whose outcome nobody knows is kept for as long as nobody knows."""
    room.sync()
    with room.store.begin() as tx:
        tx.execute(metadata.tables["ledger"].update().values(state="unknown"))
        room.store.ledger.prune(tx, "2999-01-01T00:00:00.000000Z")
        room.store.runs.prune(tx, (room.now + timedelta(days=9)).isoformat())
    told = rows(room.store)

    assert told["ledger"] > 0
    assert told["runs"] == 1
