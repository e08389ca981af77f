"""Alembic's entry: runs the migrations on the engine that syncd hands over."""

from __future__ import annotations

from alembic import context

from syncd.store.tables import metadata

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    if connection.dialect.name == "postgresql":
        # Two that start at once on an empty database: the second waits, and finds it done.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7250017)")
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
