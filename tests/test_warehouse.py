"""Usage from a database and survey answers from a CSV file count for the CRM's customers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import states
from states import Postgres

from connectors.csv import CsvConnector
from connectors.memory import Crm, MemoryConnector
from connectors.sql import SqlConnector
from syncd.bootstrap import load, wired
from syncd.connector import Context, Source
from syncd.errors import AccessError, ConfigError, IncompleteReadError, UnreachableError
from syncd.sync import Report, run_once

postgres = states.postgres
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
NAIVE = NOON.replace(tzinfo=None)
CRM = """
version = 1
[account]
object = "Account"
[account.fields]
name = "Name"
domain = "Website"
owner = "OwnerId"
status = { field = "Type", values = { Customer = "customer" }, default = "prospect" }
[writes.account]
health_score = "Score"
health_coverage = "Coverage"
expansion_signal = "Expansion"
[writes.task]
key = "Key"
"""
SURVEY = """
version = 1
[account]
object = "answers"
[account.fields]
domain = "company_domain"
status = { field = "status", default = "prospect" }
nps = "score"
"""
CONFIG = """
[syncd]
timezone = "UTC"
[connections.crm]
connector = "memory"
mapping = "crm.toml"
[connections.warehouse]
connector = "sql"
mapping = "warehouse"
url = { env = "WAREHOUSE_URL" }
[connections.warehouse.objects.accounts]
query = "SELECT a.*, 'customer' AS status FROM clients AS a WHERE a.name <> 'Test: nobody'"
[connections.warehouse.objects.usage]
id = ["account_id", "week"]
[connections.survey]
connector = "csv"
mapping = "survey.toml"
folder = "exports"
[connections.survey.objects.answers]
id = ["company_domain"]
[link]
connections = ["crm", "warehouse", "survey"]
"""


@pytest.fixture
def crm() -> Iterator[Crm]:
    """Three customers and a prospect; one of them is nowhere else."""
    crm = MemoryConnector.crms["crm"] = Crm()
    crm.put("User", "u1", Name="Ann", Email="ann@acme.example", IsActive=True)
    for id, domain, type in (
        ("acc-1", None, "Customer"),
        ("acc-2", "https://www.beta.example/start", "Customer"),
        ("acc-3", "lonely.example", "Customer"),
        ("acc-4", "maybe.example", "Prospect"),
    ):
        crm.put("Account", id, Name=id, Website=domain, OwnerId="u1", Type=type)
    fields = ("Key", "WhatId", "OwnerId", "Subject", "Description", "ActivityDate", "Priority")
    crm.put("Task", "first", **dict.fromkeys((*fields, "Status")))
    crm.rows["Task"].clear()
    yield crm
    del MemoryConnector.crms["crm"]


@pytest.fixture
def warehouse(tmp_path: Path) -> sa.Engine:
    """A database with what the product knows of two customers, a prospect and a stranger."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/warehouse.db", poolclass=sa.NullPool)
    with engine.begin() as tx:
        tx.exec_driver_sql(
            "CREATE TABLE clients (id INTEGER PRIMARY KEY, name TEXT, crm_id TEXT, domain TEXT,"
            " seats INTEGER, nps INTEGER, csat INTEGER)"
        )
        tx.exec_driver_sql(
            "CREATE TABLE usage (account_id INTEGER, week DATE, active_users INTEGER,"
            " logins INTEGER, seats INTEGER, api_calls INTEGER, api_limit INTEGER)"
        )
        for id, crm_id, domain in (
            (1, "acc-1", None),
            (2, None, "beta.example"),
            (3, "acc-4", "maybe.example"),
            (4, None, "stranger.example"),
        ):
            row = (id, f"Client {id}", crm_id, domain)
            tx.exec_driver_sql("INSERT INTO clients VALUES (?, ?, ?, ?, 50, NULL, NULL)", row)
            week = (NOON.date() - timedelta(days=7)).isoformat()
            use = (id, week, 45 if id == 1 else 20)
            tx.exec_driver_sql("INSERT INTO usage VALUES (?, ?, ?, NULL, 50, 1, 100)", use)
    return engine


@pytest.fixture
def config(tmp_path: Path, crm: Crm, warehouse: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config with the CRM, the warehouse and the survey as one book."""
    monkeypatch.setenv("WAREHOUSE_URL", str(warehouse.url))
    (tmp_path / "exports").mkdir()
    answers = "\ufeffcompany_domain,score,status\nbeta.example,40,\nstranger.example,-100,\n"
    (tmp_path / "exports" / "answers.csv").write_text(answers, encoding="utf-8")
    (tmp_path / "crm.toml").write_text(CRM, encoding="utf-8")
    (tmp_path / "survey.toml").write_text(SURVEY, encoding="utf-8")
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    with wired(load(tmp_path / "config.toml")) as ready:
        connected = ready.connections[0]
        specs = connected.mapping.specs(ready.loaded.config.policy)
        list(connected.connector.provision(specs, apply=True))
    return tmp_path / "config.toml"


def sync(config: Path, **more: Any) -> Report:
    with wired(load(config)) as ready:
        return run_once(ready.turn(clock=lambda: NOON, **more))


def values(crm: Crm, id: str) -> tuple[Any, ...]:
    row = crm.rows["Account"][id]
    return tuple(row.get(name) for name in ("Score", "Coverage", "Expansion"))


def test_usage_and_answers_count_for_the_crms_customers(config: Path, crm: Crm) -> None:
    """Linked by the CRM's id or by domain; only the CRM is written, only to its customers."""
    report = sync(config)
    again = sync(config)
    by_name = {one.name: one for one in report.connections}

    assert report.exit_code == 0
    assert values(crm, "acc-1") == (90, 40, True)  # 45 of 50 seats; no answer
    # 20 of 50 seats (40 points, weight 40) and NPS 40 (70 points, weight 15): 48.2, in fives
    assert values(crm, "acc-2") == (50, 55, False)
    assert values(crm, "acc-3") == (None, 0, None)
    assert values(crm, "acc-4") == (None, None, None)
    assert by_name["warehouse"].written == by_name["survey"].written == 0
    assert by_name["warehouse"].plan.empty
    assert by_name["survey"].plan.empty
    assert again.nothing_to_do
    assert again.total("derived") == 0


def test_the_shipped_mapping_writes_nothing(config: Path) -> None:
    """It loads without a warning, and needs nothing to be provisioned."""
    loaded = load(config)
    mapping = loaded.mappings["warehouse"]

    assert loaded.warnings == ()
    assert mapping.account_writes == ()
    assert mapping.task is None
    assert mapping.kinds == {"account", "usage"}
    assert list(mapping.specs(loaded.config.policy)) == []


def test_a_new_week_reaches_the_customer(config: Path, crm: Crm, warehouse: sa.Engine) -> None:
    """What a load adds to the warehouse is worked out with the next run, for that account alone."""
    sync(config)
    with warehouse.begin() as tx:
        week = (NOON.date() - timedelta(days=1)).isoformat()
        use = (2, week, 50)
        tx.exec_driver_sql("INSERT INTO usage VALUES (?, ?, ?, NULL, 50, 1, 100)", use)
    report = sync(config)

    assert report.total("derived") == 1
    assert values(crm, "acc-2")[0] == 90  # 100 x 40 and 70 x 15, in fives
    assert values(crm, "acc-1")[0] == 90


def test_an_emptied_warehouse_concludes_nothing(
    config: Path, crm: Crm, warehouse: sa.Engine
) -> None:
    """A load that broke changes no account: the full run stops and says so."""
    sync(config)
    before = {id: values(crm, id) for id in crm.rows["Account"]}
    with warehouse.begin() as tx:
        tx.exec_driver_sql("DELETE FROM usage")
    report = sync(config, full=True)
    by_name = {one.name: one for one in report.connections}

    assert by_name["warehouse"].exit_code == 5
    assert "showed 0 records where 4 were known" in by_name["warehouse"].message
    assert {id: values(crm, id) for id in crm.rows["Account"]} == before


def test_the_database_is_never_written(warehouse: sa.Engine) -> None:
    """Not even by a query in the config that tries to."""
    settings = SqlConnector.Settings.model_validate(
        {
            "url": str(warehouse.url),
            "objects": {"trick": {"query": "DELETE FROM usage RETURNING account_id AS id"}},
        }
    )
    connector = SqlConnector(settings, Context(name="warehouse"))
    connector.open()
    with pytest.raises(IncompleteReadError):
        list(connector.pull(Source("trick", "trick", ("id",)), None))
    connector.close()
    with warehouse.begin() as tx:
        left = tx.exec_driver_sql("SELECT count(*) FROM usage").scalar()

    assert left == 4


def test_an_address_in_the_config_itself_is_an_error(config: Path) -> None:
    """It may hold a password: it comes from the environment or a file."""
    text = config.read_text().replace('{ env = "WAREHOUSE_URL" }', '"postgresql://u:pw@host/db"')
    config.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(config)

    assert "a secret is never written out" in str(caught.value)
    assert "pw@host" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "no address that can be opened"),
        ("oracle+nodriver://u:secret@host/db", "no address that can be opened"),
        ("sqlite:////nowhere/at/all.db", "there is no SQLite file /nowhere/at/all.db"),
        ("postgresql+psycopg://u:secret@127.0.0.1:9/db", "warehouse"),
    ],
)
def test_an_address_that_leads_nowhere(url: str, words: str) -> None:
    """The run of this connection stops with what is wrong, and no password."""
    settings = SqlConnector.Settings.model_validate({"url": url})
    connector = SqlConnector(settings, Context(name="warehouse"))
    with pytest.raises(UnreachableError) as caught:
        connector.open()

    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_table_without_a_key_says_what_to_do(warehouse: sa.Engine) -> None:
    """Rows must be told apart."""
    settings = SqlConnector.Settings.model_validate({"url": str(warehouse.url)})
    connector = SqlConnector(settings, Context(name="warehouse"))
    connector.open()
    with pytest.raises(AccessError, match="no primary key") as caught:
        connector.schema("usage")
    connector.close()

    assert "objects.usage.id" in caught.value.remedy


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty: its first line must name the columns"),
        ("id,name\n1,A\n1,B\n", ":3: id 1 stands there twice"),
        ("id,name\n1,A,B\n", ":2: 3 cells where the heading has 2"),
        ("id,name\n,A\n", ":2: id is empty"),
        ('id,name\n1,"A\n', ":2: unexpected end of data"),
        ("id,name\n1,Caf\u00e9\n".encode("latin-1"), "is not utf-8-sig"),
    ],
)
def test_a_broken_file_concludes_nothing(content: str | bytes, words: str, tmp_path: Path) -> None:
    """The line is named, and no row of the file is believed."""
    raw = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "people.csv").write_bytes(raw)
    settings = CsvConnector.Settings.model_validate({"folder": tmp_path})
    connector = CsvConnector(settings, Context(name="files"))
    connector.open()
    with pytest.raises(IncompleteReadError) as caught:
        list(connector.pull(Source("people", "people", ("name",)), None))

    assert words in str(caught.value)


def test_values_of_every_type_survive_the_state(tmp_path: Path) -> None:
    """Dates, moments, decimals and flags come as themselves; a cursor is plain JSON."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/types.db", poolclass=sa.NullPool)
    data = sa.MetaData()
    table = sa.Table(
        *("kinds", data, sa.Column("id", sa.String(8), primary_key=True)),
        *(sa.Column("day", sa.Date), sa.Column("at", sa.DateTime), sa.Column("flag", sa.Boolean)),
        *(sa.Column("amount", sa.Numeric(10, 2)), sa.Column("blob", sa.LargeBinary)),
    )
    data.create_all(engine)
    with engine.begin() as tx:
        row = {"id": "a", "day": date(2026, 1, 31), "at": NAIVE, "flag": True}
        tx.execute(table.insert(), [{**row, "amount": 12, "blob": b"x"}])
    settings = SqlConnector.Settings.model_validate(
        {"url": str(engine.url), "objects": {"kinds": {"modified": "day"}}}
    )
    connector = SqlConnector(settings, Context(name="warehouse"))
    connector.open()
    fields = ("day", "at", "flag", "amount", "blob")
    pages = list(connector.pull(Source("kinds", "kinds", fields), None))
    again = list(connector.pull(Source("kinds", "kinds", fields), pages[-1].cursor))
    connector.close()
    found = pages[0].records[0].fields

    assert found == {
        "day": date(2026, 1, 31),
        "at": NAIVE,
        "flag": True,
        "amount": 12,
        "blob": "b'x'",
    }
    assert pages[-1].cursor == {"since": {"date": "2026-01-31"}}
    assert again[0].records == pages[0].records


def test_a_real_postgresql_is_read(postgres: Postgres) -> None:
    """Schemas, filters with % and :, keys of two columns, casts, stamps; never a write."""
    url = postgres.database()
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as tx:
        tx.exec_driver_sql("CREATE SCHEMA product")
        tx.exec_driver_sql(
            "CREATE TABLE product.usage (account uuid, week date, users int, note text,"
            " loaded_at timestamptz, PRIMARY KEY (account, week))"
        )
        for n, note in enumerate(("100%: full", "quiet", "100%: over")):
            row = (f"00000000-0000-0000-0000-00000000000{n}", date(2026, 1, 5 + n), n, note, NOON)
            tx.exec_driver_sql("INSERT INTO product.usage VALUES (%s, %s, %s, %s, %s)", row)
    settings = SqlConnector.Settings.model_validate(
        {
            "url": url,
            "objects": {
                "product.usage": {"modified": "loaded_at"},
                "asked": {"query": "SELECT account::text AS id, users FROM product.usage;"},
                "trick": {"query": "DELETE FROM product.usage RETURNING week AS id"},
            },
        }
    )
    connector = SqlConnector(settings, Context(name="warehouse"))
    connector.open()
    source = Source(
        "usage", "product.usage", ("account", "week", "users"), where="note LIKE '100%:%'"
    )
    pages = list(connector.pull(source, None))
    rows = {record.id: record for page in pages for record in page.records}
    ids = list(connector.ids(source))
    first = min(ids)
    with engine.begin() as tx:
        later = NOON + timedelta(hours=1)
        tx.exec_driver_sql(
            "UPDATE product.usage SET note = 'quiet now', loaded_at = %s WHERE users = 2", (later,)
        )
    changed = [
        record for page in connector.pull(source, pages[-1].cursor) for record in page.records
    ]
    asked = list(connector.pull(Source("asked", "asked", ("users",)), None))
    read = connector.read(source, [first, "no/2026-01-01", "odd"])
    types = connector.schema("product.usage").fields
    with pytest.raises((IncompleteReadError, AccessError)):
        list(connector.pull(Source("trick", "trick", ("id",)), None))
    connector.close()
    with engine.begin() as tx:
        left = tx.exec_driver_sql("SELECT count(*) FROM product.usage").scalar()

    assert sorted(rows) == sorted(ids)
    assert first == "00000000-0000-0000-0000-000000000000/2026-01-05"
    assert rows[first].fields == {
        "account": "00000000-0000-0000-0000-000000000000",
        "week": date(2026, 1, 5),
        "users": 0,
    }
    assert rows[first].modified_at == NOON
    assert read.keys() == {first}
    assert {(record.id[-10:], record.gone) for record in changed} >= {("2026-01-07", True)}
    assert {record.fields["users"] for record in asked[0].records} == {0, 1, 2}
    assert types["week"].type.value == "date"
    assert left == 3
