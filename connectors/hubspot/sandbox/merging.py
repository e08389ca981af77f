"""Two records become one."""

from __future__ import annotations

from connectors.hubspot.sandbox.kinds import Kind
from connectors.hubspot.sandbox.portal import Portal
from connectors.hubspot.sandbox.table import Row

MERGED = "hs_merged_object_ids"


def merge(portal: Portal, kind: Kind, winner: Row, loser: Row) -> Row:
    """One record, with a new id, of two; the old ids lead to it."""
    table = portal.table(kind)
    values = {**loser.properties, **winner.properties}
    for name in (kind.created, "hs_createdate"):
        values[name] = min(winner.properties[name], loser.properties[name])
    former = [
        part
        for row in (winner, loser)
        for part in (*(row.properties.get(MERGED) or "").split(";"), str(row.id))
        if part
    ]
    values[MERGED] = ";".join(dict.fromkeys(former))
    address = loser.properties.get("email")
    if kind.identity == "email" and address and address != values["email"]:
        held = values.get("hs_additional_emails")
        values["hs_additional_emails"] = f"{held};{address}" if held else address
    links = [
        (other, target, types)
        for row in (loser, winner)
        for other, target, types in portal.graph.of(kind.id, row.id)
        if target not in (winner.id, loser.id)
    ]
    for row in (winner, loser):
        portal.graph.isolate(kind.id, row.id)
        table.archive(row, portal.now())
        table.remove(row)
    merged = portal.store(kind, values, created=min(winner.created, loser.created))
    merged.history = winner.history
    table.merged |= {winner.id: merged.id, loser.id: merged.id}
    for other, target, types in links:
        found = [portal.labels.by_id(kind.id, other, one) for one in types]
        labels = [one for one in found if one is not None]
        portal.connect(kind, merged.id, portal.kinds.by_id[other], target, labels)
    portal.settle()
    return merged
