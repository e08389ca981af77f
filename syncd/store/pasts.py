"""The past of an account that joins another or parts from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, Table, select, update

from syncd.store.sql import from_json, to_json, upsert
from syncd.store.tables import derived, snapshots

OWN_DECISIONS = ("tier", "tier_since", "tier_previous", "tier_reason", "key_account")
"""What an account on its own again decides anew: a tier must not last because of a wrong link."""

OWN_FACTS = ("tier_inputs", "tier_demoted")
"""What those decisions remember."""


def move(tx: Connection, table: Table, connection: str, old: str, new: str) -> None:
    """What hangs on one connection's record goes to another account."""
    tx.execute(
        update(table)
        .where(table.c.account == old, table.c.connection == connection)
        .values(account=new)
    )


def pasts_of(tx: Connection, keys: Iterable[str]) -> dict[str, str]:
    """What was derived of these accounts."""
    query = select(derived.c.account, derived.c.body).where(derived.c.account.in_(list(keys)))
    return {row.account: row.body for row in tx.execute(query)}


def set_pasts(tx: Connection, found: Mapping[str, str]) -> None:
    """Put these in the place of what was derived."""
    query = select(derived.c.account, derived.c.derived_at)
    at = {
        row.account: row.derived_at
        for row in tx.execute(query.where(derived.c.account.in_(list(found))))
    }
    upsert(
        tx,
        derived,
        [
            {"account": key, "body": body, "derived_at": at.get(key, "")}
            for key, body in found.items()
        ],
    )


def copy_snapshots(tx: Connection, old: str, new: str) -> None:
    """The scores of one account, day by day, are another's too."""
    upsert(
        tx,
        snapshots,
        [
            {"account": new, "day": row.day, "body": row.body}
            for row in tx.execute(select(snapshots).where(snapshots.c.account == old))
        ],
    )


def untiered(body: str) -> str:
    """The same without its tier."""
    past = from_json(body)
    for part in ("values", "since"):
        past[part] = {k: v for k, v in past[part].items() if k not in OWN_DECISIONS}
    past["facts"] = {k: v for k, v in past["facts"].items() if k not in OWN_FACTS}
    return to_json(past)
