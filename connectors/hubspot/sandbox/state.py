"""A portal's whole state as JSON: object types, properties, pipelines, owners, records, links."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from connectors.hubspot.sandbox.access import Access
from connectors.hubspot.sandbox.kinds import Kind, Kinds
from connectors.hubspot.sandbox.labels import Label
from connectors.hubspot.sandbox.owners import Owner
from connectors.hubspot.sandbox.portal import Portal
from connectors.hubspot.sandbox.rates import Rate
from connectors.hubspot.sandbox.schema import Group, Property
from connectors.hubspot.sandbox.stages import Pipeline
from connectors.hubspot.sandbox.table import Table, restored, stored


class _State(Struct):
    portal_id: int
    next_id: int
    next_custom: int
    next_label: int
    home_currency: str
    rates: list[Rate]
    scopes: list[str]
    kinds: list[Kind]
    titles: dict[str, tuple[str, str]]
    properties: dict[str, list[Property]]
    groups: dict[str, list[Group]]
    pipelines: dict[str, list[Pipeline]]
    owners: list[Owner]
    labels: list[tuple[str, str, list[Label]]]
    records: dict[str, list[list[Any]]]
    merged: dict[str, list[tuple[int, int]]]
    associations: list[Any]


def dumped(portal: Portal, access: Access) -> bytes:
    """The state as JSON. Tokens, limits, faults and calls are no part of it."""
    catalogue = portal.catalogue
    return msgspec.json.encode(
        _State(
            portal_id=portal.id,
            next_id=portal.next_id,
            next_custom=portal.next_custom,
            next_label=portal.labels.next_id,
            home_currency=portal.home_currency,
            rates=portal.rates,
            scopes=sorted(access.scopes),
            kinds=list(portal.kinds.by_id.values()),
            titles=portal.titles,
            properties={k: list(found.values()) for k, found in catalogue.properties.items()},
            groups={k: list(found.values()) for k, found in catalogue.groups.items()},
            pipelines=portal.pipelines,
            owners=list(portal.owners.values()),
            labels=[(*pair, found) for pair, found in portal.labels.of.items()],
            records={k: [stored(r) for r in t.rows.values()] for k, t in portal.tables.items()},
            merged={k: list(t.merged.items()) for k, t in portal.tables.items()},
            associations=portal.graph.stored(),
        )
    )


def restore(portal: Portal, access: Access, text: bytes) -> None:
    """Put a dumped state in place of the portal's. Raises msgspec.DecodeError."""
    read = msgspec.json.decode(text, type=_State)
    portal.id = read.portal_id
    portal.next_id, portal.next_custom = read.next_id, read.next_custom
    portal.home_currency, portal.rates = read.home_currency, read.rates
    access.scopes = set(read.scopes)
    portal.kinds = Kinds({kind.id: kind for kind in read.kinds}, read.portal_id)
    portal.titles = read.titles
    portal.catalogue.properties = {
        kind: {one.name: one for one in found} for kind, found in read.properties.items()
    }
    portal.catalogue.groups = {
        kind: {one.name: one for one in found} for kind, found in read.groups.items()
    }
    portal.pipelines = read.pipelines
    portal.owners = {owner.id: owner for owner in read.owners}
    portal.forget_associations()
    portal.labels.of = {(source, target): found for source, target, found in read.labels}
    portal.labels.next_id = read.next_label
    portal.graph.restore(read.associations)
    portal.tables = {kind.id: _table(kind, read) for kind in read.kinds}


def _table(kind: Kind, read: _State) -> Table:
    table = Table(kind)
    if kind.identity:
        table.index(kind.identity)
    for kept in read.records.get(kind.id, ()):
        table.add(restored(kept))
    table.merged = dict(read.merged.get(kind.id, ()))
    return table
