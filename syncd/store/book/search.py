"""Accounts by key, record id, domain or name."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, or_, select

from syncd.mapping import host_of
from syncd.store.book.stored import StoredAccount
from syncd.store.sql import chunks
from syncd.store.tables import accounts, members

SHORT_ID, FULL_ID = 15, 18  # a Salesforce id without and with its check letters


class Search:
    """Finds accounts."""

    most_found = 20
    """So many names that contain a word are found: a person looks through no more."""

    def account(self, tx: Connection, keys: Sequence[str]) -> dict[str, StoredAccount]:
        """These accounts with their members, by key."""
        found: dict[str, StoredAccount] = {}
        for some in chunks(keys):
            of: dict[str, list[tuple[str, str]]] = {}
            for row in tx.execute(
                select(members).where(members.c.account.in_(some)).order_by(members.c.connection)
            ):
                of.setdefault(row.account, []).append((row.connection, row.id))
            for row in tx.execute(select(accounts).where(accounts.c.key.in_(some))):
                found[row.key] = StoredAccount(
                    key=row.key,
                    name=row.name,
                    domain=row.domain,
                    status=row.status,
                    gone=row.gone,
                    valid_until=row.valid_until,
                    members=tuple(of.get(row.key, ())),
                )
        return found

    def keys(self, tx: Connection, connections: Sequence[str]) -> list[str]:
        """Keys of all accounts in the book."""
        return list(
            tx.scalars(
                select(accounts.c.key)
                .where(accounts.c.connection.in_(list(connections)), ~accounts.c.gone)
                .order_by(accounts.c.key)
            )
        )

    def exactly(self, tx: Connection, word: str) -> list[str]:
        """Keys of accounts with this record id, domain or name."""
        by_id = select(members.c.account).where(
            or_(
                members.c.id == word,
                members.c.id.startswith(word) & (func.length(members.c.id) == FULL_ID),
            )
            if len(word) == SHORT_ID
            else members.c.id == word
        )
        domains = [word.lower(), host_of(word) or word.lower()]
        return list(
            tx.scalars(
                select(accounts.c.key).where(
                    or_(
                        accounts.c.key == word,
                        accounts.c.key.in_(by_id),
                        func.lower(accounts.c.domain).in_(domains),
                        func.lower(accounts.c.name) == word.lower(),
                    )
                )
            )
        )

    def search(self, tx: Connection, word: str) -> list[str]:
        """Keys of accounts with this record id, domain or name (else: names that contain it)."""
        exact = self.exactly(tx, word)
        if exact:
            return exact
        escaped = word.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return list(
            tx.scalars(
                select(accounts.c.key)
                .where(func.lower(accounts.c.name).like(f"%{escaped}%", escape="\\"))
                .order_by(accounts.c.name)
                .limit(self.most_found)
            )
        )
