"""Deleting, restoring and merging rows: the recycle bin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.salesforce.sandbox.errors import RowError
from connectors.salesforce.sandbox.held import Actor
from connectors.salesforce.sandbox.org import Org, cannot

if TYPE_CHECKING:
    from connectors.salesforce.sandbox.table import Row

CASCADES = {
    "Account": (
        ("Contact", "AccountId"),
        ("Opportunity", "AccountId"),
        ("Contract", "AccountId"),
        ("Case", "AccountId"),
        ("Asset", "AccountId"),
        ("Task", "WhatId"),
        ("Event", "WhatId"),
        ("Product_Usage__c", "Account__c"),
    ),
    "Opportunity": (
        ("OpportunityContactRole", "OpportunityId"),
        ("Task", "WhatId"),
        ("Event", "WhatId"),
    ),
    "Contact": (
        ("OpportunityContactRole", "ContactId"),
        ("Task", "WhoId"),
        ("Event", "WhoId"),
    ),
    "Case": (("Task", "WhatId"), ("Event", "WhatId")),
    "Contract": (("Task", "WhatId"), ("Event", "WhatId")),
}
MERGEABLE = frozenset({"Account", "Contact", "Case"})
MOST_LOSERS = 2


def delete(org: Org, name: str, key: str, actor: Actor) -> None:
    """Move a row, and what hangs on it, to the recycle bin. Raises RowError."""
    kind = org.objects[name]
    may = org.access.may(actor.user if actor.bound else None, name, "Delete")
    if "D" not in kind.flags or not may:
        raise cannot(kind, "delete")
    row = org.existing(name, key)
    if name == "Contract" and row.get("StatusCode") == "Activated":
        raise RowError("DELETE_FAILED", "You cannot delete an activated contract.")
    if "IsDeleted" not in kind.fields:
        org.tables[name].discard(row["Id"])
        org.access.forget()
        return
    _bin(org, name, row, actor)


def _bin(org: Org, name: str, row: Row, actor: Actor) -> None:
    now = org.now()
    org.tables[name].change(
        row,
        {
            "IsDeleted": True,
            "LastModifiedDate": now,
            "LastModifiedById": actor.user,
            "SystemModstamp": now,
        },
    )
    for child, field in CASCADES.get(name, ()):
        for below in org.tables[child].having(field, row["Id"]):
            if not below.get("IsDeleted"):
                _bin(org, child, below, actor)


def undelete(org: Org, name: str, key: str) -> None:
    """Bring a row back from the recycle bin; a row that is not there is left as it is."""
    row = org.tables[name].rows[key]
    org.tables[name].change(row, {"IsDeleted": False, "SystemModstamp": org.now()})


def purge(org: Org, name: str, key: str) -> None:
    """Remove a row for good, as emptying the recycle bin does; queryAll no longer finds it."""
    org.tables[name].discard(key)
    org.purged.append((name, key, org.now()))


def merge(org: Org, name: str, winner: str, losers: list[str], actor: Actor) -> None:
    """Merge rows into the winner: children move, losers are binned with MasterRecordId.

    Raises RowError.
    """
    if name not in MERGEABLE or len(losers) > MOST_LOSERS:
        raise RowError("INVALID_OPERATION", f"{name} takes at most {MOST_LOSERS} rows to merge")
    kept = org.existing(name, winner)
    now = org.now()
    stamps = {"LastModifiedDate": now, "LastModifiedById": actor.user, "SystemModstamp": now}
    for loser in losers:
        lost = org.existing(name, loser)
        for kind in org.objects.values():
            table = org.tables[kind.name]
            for link in kind.fields.values():
                if link.name == "MasterRecordId" or name not in link.to:
                    continue
                for row in table.having(link.name, lost["Id"]):
                    if row["Id"] != kept["Id"]:
                        table.change(row, {link.name: kept["Id"], **stamps})
        for one in org.objects[name].fields.values():
            if one.updateable and one.name in lost and one.name not in kept:
                org.tables[name].change(kept, {one.name: lost[one.name]})
        org.tables[name].change(lost, {"IsDeleted": True, "MasterRecordId": kept["Id"], **stamps})
    org.tables[name].change(kept, stamps)
