"""What a connector is: the interface between syncd and a CRM.

Terminology
-----------
connector   a class that speaks to one kind of system (salesforce, hubspot, memory, ...)
connection  one configured use of a connector; has a name ("salesforce", "emea-org")
object      the CRM's name of a table of records ("Account", "companies", "0-721")
record      one row of an object, as the CRM gives it: field names and wire values are the CRM's
source      what a mapping asks of one object: which fields and associations, which filter
cursor      how far a source has been read; opaque JSON that only its connector understands
write       a wish to change one record of ours: fields of an account, or a task by its key
allowance   how many API calls the CRM grants, and how many are left

Connectors are stupid: they pull records, write fields, translate errors and count calls.
They know no mapping, no rule and no difference. A connector imports nothing of syncd but this
module, ``syncd.retry`` and ``syncd.errors``.

By construction a connector cannot delete anything, and the only records it can create are tasks.
"""

from __future__ import annotations

from syncd.connector.protocol import (
    Allowance,
    Calls,
    CheckNote,
    ClickPaths,
    Connector,
    Context,
    Lack,
    LongWrites,
    SourceFiles,
    mend,
    tell_nobody,
)
from syncd.connector.proxy import Proxy, proxy_for, proxy_secrets
from syncd.connector.records import Association, Cursor, Page, Record, Source
from syncd.connector.schema import FieldSpec, FieldType, ObjectSchema, ProvisionStep, SchemaField
from syncd.connector.tls import broken_off
from syncd.connector.writes import (
    ALLOWANCE,
    FieldUpdate,
    Outcome,
    TaskShape,
    TaskUpsert,
    Value,
    WriteResult,
)

__all__ = [
    "ALLOWANCE",
    "Allowance",
    "Association",
    "Calls",
    "CheckNote",
    "ClickPaths",
    "Connector",
    "Context",
    "Cursor",
    "FieldSpec",
    "FieldType",
    "FieldUpdate",
    "Lack",
    "LongWrites",
    "ObjectSchema",
    "Outcome",
    "Page",
    "ProvisionStep",
    "Proxy",
    "Record",
    "SchemaField",
    "Source",
    "SourceFiles",
    "TaskShape",
    "TaskUpsert",
    "Value",
    "WriteResult",
    "broken_off",
    "mend",
    "proxy_for",
    "proxy_secrets",
    "tell_nobody",
]
