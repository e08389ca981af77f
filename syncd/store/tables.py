"""The tables. A change here needs a migration in migrations/versions (a test compares them).

Record fields, derived values and counts are JSON text: they are read and written whole, and
SQLite and PostgreSQL then behave alike. Moments are UTC ISO text for the same reason: SQLite
forgets time zones. Money is decimal text: SQLite has no exact numbers.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

connections = Table(
    "connections",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("identity", String(200), nullable=False, server_default=""),
    Column("mapping_hash", String(64), nullable=False, server_default=""),
    Column("full_at", String(40)),  # when the last --full run ended
)

sources = Table(
    "sources",
    metadata,
    Column("connection", String(100), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("query_hash", String(64), nullable=False),
    Column("cursor", Text),
    Column("complete", Boolean, nullable=False, server_default="0"),
    Column("underway", Boolean, nullable=False, server_default="0"),  # a read from the beginning
    Column("pulled_at", String(40)),
)

schemas = Table(
    "schemas",
    metadata,
    Column("connection", String(100), primary_key=True),
    Column("object", String(200), primary_key=True),
    Column("body", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("read_at", String(40), nullable=False),
)

records = Table(
    "records",
    metadata,
    Column("connection", String(100), primary_key=True),
    Column("source", String(200), primary_key=True),
    Column("id", String(100), primary_key=True),
    Column("fields", Text, nullable=False),
    Column("links", Text, nullable=False),
    Column("hash", String(32), nullable=False),
    Column("owner", String(140)),  # "account:001…", "opportunity:006…": whom it belongs to
    Column("modified_at", String(40)),
    Index("ix_records_owner", "connection", "owner"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("key", String(220), primary_key=True),  # "<connection>:<id>" of its leading record
    Column("connection", String(100), nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    Column("domain", String(300)),
    Column("status", String(20)),
    Column("owner", String(100)),
    Column("dirty", Boolean, nullable=False),
    Column("gone", Boolean, nullable=False, server_default="0"),
    Column("valid_until", Date),
    Column("basis", String(64)),  # hash of mapping and policy at the last derivation
    Column("arr", String(40)),
    Column("potential", String(40)),
    Column("strategic", Boolean, nullable=False, server_default="0"),
    Column("tier_override", String(60)),
    Column("tier", String(60)),
    Column("key_account", Boolean),
    Column("band_red_since", Date),
    Column("demoted", Boolean, nullable=False, server_default="0"),  # kept out of growth by it
    Column("load_told", String(60)),  # what its playbooks last heard of its manager's load
    Column("postponed", Text),  # [[connection, assignee]] of new tasks that wait for another day
    Index("ix_accounts_dirty", "connection", "dirty"),
    Index("ix_accounts_valid_until", "valid_until"),
)

members = Table(
    "members",
    metadata,
    Column("connection", String(100), primary_key=True),
    Column("id", String(100), primary_key=True),
    Column("account", String(220), nullable=False),
    Column("filled", Boolean, nullable=False, server_default="0"),  # has a filled field of ours
    # Linking: by what the record is recognised, as read under the mapping `read_as` (null: to be
    # read again), and how it came to its account, if that has several records.
    Column("domain", String(300)),
    Column("link", Text),  # other CRMs' account ids in it
    Column("read_as", String(64)),
    Column("linked_by", String(10)),  # pair | id | domain
    Column("linked_why", Text),
    Column("linked_on", Date),
    Column("alone", Text),  # what was derived of it before it was linked
    Index("ix_members_account", "account"),
    Index("ix_members_linked_by", "linked_by"),
)

derived = Table(
    "derived",
    metadata,
    Column("account", String(220), primary_key=True),
    Column("body", Text, nullable=False),  # values with reasons, facts, since
    Column("derived_at", String(40), nullable=False),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("account", String(220), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("body", Text, nullable=False),
)

written = Table(
    "written",
    metadata,
    Column("connection", String(100), primary_key=True),
    Column("object", String(200), primary_key=True),
    Column("record", String(100), primary_key=True),
    Column("body", Text, nullable=False),  # field -> the value that syncd last left there
)

kept = Table(
    "kept",
    metadata,
    Column("connection", String(100), primary_key=True),
    Column("object", String(200), primary_key=True),
    Column("record", String(100), primary_key=True),
    Column("field", String(200), primary_key=True),
    Column("account", String(220), nullable=False),
    Column("theirs", Text, nullable=False),
    Column("ours", Text, nullable=False),
    Column("since", String(40), nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(20), nullable=False),
    Column("started_at", String(40), nullable=False),
    Column("finished_at", String(40)),
    Column("instance", String(200), nullable=False),
    Column("exit_code", Integer),
    Column("message", Text, nullable=False, server_default=""),
    Column("counts", Text, nullable=False, server_default="{}"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run", Integer, nullable=False),
    Column("connection", String(100), nullable=False),
    Column("kind", String(10), nullable=False),  # fields | open | update | close
    Column("object", String(200), nullable=False),
    Column("record", String(100)),
    Column("task_key", String(255)),
    Column("moved", Boolean, nullable=False, server_default="0"),  # closed here, goes on elsewhere
    Column("account", String(220), nullable=False),
    Column("changes", Text, nullable=False),  # [{field, before, after, because}]
    Column("state", String(12), nullable=False),  # intended | done | rejected | unknown | deferred
    Column("code", String(100), nullable=False, server_default=""),
    Column("message", Text, nullable=False, server_default=""),
    Column("intended_at", String(40), nullable=False),
    Column("settled_at", String(40)),
    ForeignKeyConstraint(["run"], ["runs.id"]),
    Index("ix_ledger_run", "run"),
    Index("ix_ledger_account", "account"),
    Index("ix_ledger_state", "connection", "state"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("connection", String(100), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("playbook", String(100), nullable=False),
    Column("account", String(220), nullable=False),
    Column("record", String(100)),
    Column("state", String(12), nullable=False),  # open | completed | closed | deleted
    Column("assignee", String(100)),
    Column("body", Text, nullable=False),  # the fields as syncd last left them
    Column("opened_on", Date),
    Column("closed_at", String(40)),
    Index("ix_tasks_account", "account"),
    Index("ix_tasks_assignee", "connection", "assignee", "opened_on"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("connection", String(100), primary_key=True),
    Column("object", String(200), primary_key=True),
    Column("record", String(255), primary_key=True),
    Column("field", String(200), primary_key=True),
    Column("account", String(220)),
    Column("code", String(100), nullable=False),
    Column("message", Text, nullable=False),
    Column("remedy", Text, nullable=False, server_default=""),
    Column("kind", String(10), nullable=False),  # record | write | field
    Column("fingerprint", String(64), nullable=False),
    Column("since", String(40), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("run", Integer, nullable=False),
    Index("ix_quarantine_account", "account"),
)

plans = Table(
    "plans",
    metadata,
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("connection", String(100), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("held_at", String(40), nullable=False),
    Column("approved_at", String(40)),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("holder", String(200), nullable=False),
    Column("fence", Integer, nullable=False),
    Column("expires_at", String(40), nullable=False),
)

beats = Table(
    "beats",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("at", String(40), nullable=False),
    Column("note", Text, nullable=False, server_default=""),
)
