"""Accounts that were merged into another."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from syncd.store import account_key
from syncd.sync.linking import let_go
from syncd.sync.turn import Connected, Turn


def merge(tx: Connection, turn: Turn, connected: Connected, survivors: Mapping[str, str]) -> None:
    """What belonged to a merged account belongs to its survivor: records, tasks, history.

    `survivors` by merged account. One whose survivor is not in the book has only left it.
    """
    store, name = turn.store, connected.name
    known = store.links.keys_of(tx, name, survivors.values())
    for loser, survivor in survivors.items():
        if survivor not in known:
            continue
        let_go(tx, turn, name, loser)
        store.mirror.rename_owner(tx, name, f"account:{loser}", f"account:{survivor}")
        store.tasks.rename_account(tx, account_key(name, loser), known[survivor])
        store.book.forget(tx, [account_key(name, loser)])
        store.book.touch(tx, name, [survivor])
        turn.log.info("account_merged", connection=name, account=loser, into=survivor)
