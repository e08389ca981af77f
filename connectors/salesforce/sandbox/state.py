"""The org's whole state as JSON: schema, rows, counters, permissions."""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.salesforce.sandbox.org import Org
from connectors.salesforce.sandbox.rules import Rules
from connectors.salesforce.sandbox.schema import Field, SObject
from connectors.salesforce.sandbox.table import Table


class _Kind(msgspec.Struct):
    name: str
    prefix: str
    label: str
    plural: str
    flags: str
    fields: list[Field]


class _State(msgspec.Struct):
    objects: list[_Kind]
    rows: dict[str, list[dict[str, Any]]]
    counters: dict[str, int]
    ids: dict[str, str]
    field_ids: dict[str, str]
    purged: list[tuple[str, str, str]]
    rules: Rules = Rules()


def dumped(org: Org) -> bytes:
    """The state as JSON. Sessions, cursors and rejections are not part of it."""
    return msgspec.json.encode(
        _State(
            objects=[
                _Kind(
                    kind.name,
                    kind.prefix,
                    kind.label,
                    kind.plural,
                    kind.flags,
                    list(kind.fields.values()),
                )
                for kind in org.objects.values()
            ],
            rows={name: list(table.rows.values()) for name, table in org.tables.items()},
            counters=org.counters,
            ids=org.ids,
            field_ids=org.field_ids,
            purged=org.purged,
            rules=org.rules,
        )
    )


def restore(org: Org, text: bytes) -> None:
    """Put a dumped state in place of the org's. Raises msgspec.DecodeError."""
    read = msgspec.json.decode(text, type=_State)
    org.objects.clear()
    org.tables.clear()
    for one in read.objects:
        kind = SObject(one.name, one.prefix, one.label, one.plural, flags=one.flags)
        for field in one.fields:
            kind.add(field)
        org.objects[kind.name] = kind
        table = Table(kind)
        for row in read.rows.get(kind.name, []):
            table.put(row)
        org.tables[kind.name] = table
    org.counters.clear()
    org.counters.update(read.counters)
    org.ids.clear()
    org.ids.update(read.ids)
    org.field_ids.clear()
    org.field_ids.update(read.field_ids)
    org.purged[:] = read.purged
    org.rules = read.rules
    org.reindex()
