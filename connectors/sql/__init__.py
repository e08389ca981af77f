"""A read-only connector to tables of a database: usage, survey answers, invoices of a warehouse.

Any address that SQLAlchemy understands. An object is a table or view (``usage`` or
``analytics.usage``), or a query that the config gives a name. `where` in the mapping is a condition
of the database's own SQL. With a column that tells when a row changed, a run reads only what
changed since the last; without one it reads all rows. Rows that were deleted show in the next
``--full`` run, which knows an emptied table from a broken load.
"""

from __future__ import annotations

from connectors.sql.connector import SqlConnector
from connectors.sql.settings import SqlSettings, TableSettings

__all__ = ["SqlConnector", "SqlSettings", "TableSettings"]
