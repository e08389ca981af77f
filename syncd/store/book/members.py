"""Which records are accounts of the book, and which accounts are to be derived."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from sqlalchemy import Connection, delete, func, or_, select, update

from syncd.store.book.stored import account_key
from syncd.store.sql import chunks, upsert
from syncd.store.tables import accounts, derived, members, snapshots


class Members:
    """Who is in the book, and whose turn it is."""

    def meet(self, tx: Connection, connection: str, ids: Iterable[str]) -> None:
        """Make an account of its own for each record not met before; bring back returned ones."""
        for some in chunks(ids):
            known = set(
                tx.scalars(
                    select(members.c.id).where(
                        members.c.connection == connection, members.c.id.in_(some)
                    )
                )
            )
            fresh = [id for id in some if id not in known]
            upsert(
                tx,
                accounts,
                [
                    {"key": account_key(connection, id), "connection": connection, "dirty": True}
                    for id in fresh
                ],
            )
            upsert(
                tx,
                members,
                [
                    {"connection": connection, "id": id, "account": account_key(connection, id)}
                    for id in fresh
                ],
            )
            back = [account_key(connection, id) for id in some if id in known]
            tx.execute(
                update(accounts)
                .where(accounts.c.key.in_(back), accounts.c.gone)
                .values(gone=False, dirty=True)
            )
            self._recognise_anew(tx, connection, some)

    def touch(self, tx: Connection, connection: str, ids: Iterable[str]) -> None:
        """Mark the accounts of these account records for a new derivation."""
        for some in chunks(ids):
            keys = select(members.c.account).where(
                members.c.connection == connection, members.c.id.in_(some)
            )
            tx.execute(update(accounts).where(accounts.c.key.in_(keys)).values(dirty=True))

    def touch_keys(self, tx: Connection, keys: Iterable[str]) -> None:
        """Mark these accounts for a new derivation."""
        for some in chunks(keys):
            tx.execute(update(accounts).where(accounts.c.key.in_(some)).values(dirty=True))

    def touch_all(self, tx: Connection, connection: str) -> None:
        """Mark every account of a connection (its mapping changed, or a full run wants it)."""
        keys = select(members.c.account).where(members.c.connection == connection)
        tx.execute(update(accounts).where(accounts.c.key.in_(keys)).values(dirty=True))

    def leave(self, tx: Connection, connection: str, ids: Iterable[str]) -> None:
        """These account records are no longer in the book."""
        for some in chunks(ids):
            # A customer whom other CRMs still have has not left: linking lets go of the record.
            keys = select(members.c.account).where(
                members.c.connection == connection,
                members.c.id.in_(some),
                members.c.linked_by.is_(None),
            )
            tx.execute(
                update(accounts).where(accounts.c.key.in_(keys)).values(gone=True, dirty=True)
            )
            self._recognise_anew(tx, connection, some)

    def _recognise_anew(self, tx: Connection, connection: str, ids: Sequence[str]) -> None:
        """By what these records are recognised is to be read again."""
        tx.execute(
            update(members)
            .where(members.c.connection == connection, members.c.id.in_(ids))
            .values(read_as=None)
        )

    def forget(self, tx: Connection, keys: Iterable[str]) -> None:
        """Drop accounts that left and have nothing open any more, with all that hangs on them."""
        for some in chunks(keys):
            tx.execute(delete(members).where(members.c.account.in_(some)))
            tx.execute(delete(derived).where(derived.c.account.in_(some)))
            tx.execute(delete(snapshots).where(snapshots.c.account.in_(some)))
            tx.execute(delete(accounts).where(accounts.c.key.in_(some)))

    def due(
        self,
        tx: Connection,
        connections: Sequence[str],
        today: date,
        basis: Mapping[str, str] | None,
    ) -> list[str]:
        """Keys of accounts to derive: touched, past their `valid_until`, or of another basis.

        Without a `basis` every account is one of them.
        """
        found: list[str] = []
        for connection in connections:
            asked = select(accounts.c.key).where(accounts.c.connection == connection)
            if basis is not None:
                asked = asked.where(
                    or_(
                        accounts.c.dirty,
                        accounts.c.valid_until <= today,
                        accounts.c.basis.is_(None),
                        accounts.c.basis != basis[connection],
                    )
                )
            found += tx.scalars(asked.order_by(accounts.c.key))
        return found

    def settle(self, tx: Connection, keys: Iterable[str]) -> None:
        """Nothing is left to do for these accounts until something changes."""
        for some in chunks(keys):
            tx.execute(update(accounts).where(accounts.c.key.in_(some)).values(dirty=False))

    def come_again(self, tx: Connection, keys: Iterable[str], day: date) -> None:
        """Derive these accounts on that day at the latest."""
        for some in chunks(keys):
            tx.execute(
                update(accounts)
                .where(
                    accounts.c.key.in_(some),
                    or_(accounts.c.valid_until.is_(None), accounts.c.valid_until > day),
                )
                .values(valid_until=day)
            )

    def names(self, tx: Connection, keys: Iterable[str]) -> dict[str, str]:
        """The names of these accounts, by key."""
        return {
            row.key: row.name
            for some in chunks(keys)
            for row in tx.execute(
                select(accounts.c.key, accounts.c.name).where(accounts.c.key.in_(some))
            )
        }

    def count(self, tx: Connection, connection: str) -> int:
        """Account records of a connection that are in the book."""
        return (
            tx.scalar(
                select(func.count())
                .select_from(members)
                .join(accounts, accounts.c.key == members.c.account)
                .where(members.c.connection == connection, ~accounts.c.gone)
            )
            or 0
        )

    def count_dirty(self, tx: Connection, connection: str) -> int:
        """Accounts that are marked for a derivation, or of which a write is still to be done."""
        return (
            tx.scalar(
                select(func.count())
                .select_from(accounts)
                .where(accounts.c.connection == connection, accounts.c.dirty)
            )
            or 0
        )

    def set_filled(self, tx: Connection, connection: str, filled: Mapping[str, bool]) -> None:
        """Note which account records have a filled field of ours."""
        for value in (True, False):
            for some in chunks(id for id, is_filled in filled.items() if is_filled is value):
                tx.execute(
                    update(members)
                    .where(members.c.connection == connection, members.c.id.in_(some))
                    .values(filled=value)
                )

    def filled(self, tx: Connection, connection: str) -> set[str]:
        """Ids of the account records that have a filled field of ours."""
        return set(
            tx.scalars(
                select(members.c.id).where(members.c.connection == connection, members.c.filled)
            )
        )
