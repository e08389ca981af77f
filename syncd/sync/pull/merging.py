"""Accounts that were merged into another."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from syncd.store import account_key
from syncd.sync.regrouping import let_go
from syncd.sync.turn import Connected, Turn


def merge(tx: Connection, turn: Turn, connected: Connected, survivors: Mapping[str, str]) -> None:
    """What belonged to a merged account belongs to its survivor: records, tasks, history.

    `survivors` by merged account. One whose survivor is not in the book has only left it. So has
    what people had written over and what syncd had worked out so far, where the survivor is new.
    """
    store, name = turn.store, connected.name
    last = {loser: _last(survivors, loser) for loser in survivors}
    known = store.links.keys_of(tx, name, {*last, *last.values()})
    for loser, survivor in last.items():
        if survivor not in known or loser not in known or survivor == loser:
            continue
        let_go(tx, turn, name, loser)
        old, new = account_key(name, loser), known[survivor]
        store.mirror.rename_owner(tx, name, f"account:{loser}", f"account:{survivor}")
        store.tasks.rename_account(tx, old, new)
        store.ledger.inherit(tx, name, connected.mapping.account_object, loser, survivor)
        store.ledger.rename_account(tx, old, new)
        store.quarantine.release_account(tx, old)
        store.book.inherit(tx, old, new)
        store.book.forget(tx, [old])
        store.book.touch(tx, name, [survivor])
        turn.log.info("account_merged", connection=name, account=loser, into=survivor)


def _last(survivors: Mapping[str, str], loser: str) -> str:
    """Whose records they are now: the survivor may have been merged in its turn."""
    passed = {loser}
    found = survivors[loser]
    while found in survivors and found not in passed:
        passed.add(found)
        found = survivors[found]
    return found
