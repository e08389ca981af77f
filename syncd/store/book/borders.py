"""The whole book: what its borders and its managers' loads are worked out from."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import Connection, select

from syncd.rules import BookRow
from syncd.store.book.stored import rank_name
from syncd.store.tables import accounts


class Borders:
    """Reads what is asked of all customers at once."""

    def rows(self, tx: Connection, connections: Sequence[str]) -> dict[str, BookRow]:
        """What the borders need of every customer in the book, by account key."""
        return {
            row.key: BookRow(
                account=rank_name(row.key),
                arr=None if row.arr is None else Decimal(row.arr),
                potential=None if row.potential is None else Decimal(row.potential),
                strategic=row.strategic,
                override=row.tier_override,
                tier=row.tier,
                key_account=row.key_account,
                band_red_since=row.band_red_since,
                demoted=row.demoted,
            )
            for row in tx.execute(
                select(accounts).where(
                    accounts.c.connection.in_(list(connections)),
                    accounts.c.status == "customer",
                    ~accounts.c.gone,
                )
            )
        }

    def owners(self, tx: Connection, connections: Sequence[str]) -> dict[str, str | None]:
        """The account manager of every customer in the book, by account key."""
        return {
            row.key: row.owner
            for row in tx.execute(
                select(accounts.c.key, accounts.c.owner).where(
                    accounts.c.connection.in_(list(connections)),
                    accounts.c.status == "customer",
                    ~accounts.c.gone,
                )
            )
        }

    def loads_told(self, tx: Connection, connections: Sequence[str]) -> dict[str, str]:
        """What accounts were told of their manager's load, by account key; few were."""
        return {
            row.key: row.load_told
            for row in tx.execute(
                select(accounts.c.key, accounts.c.load_told).where(
                    accounts.c.connection.in_(list(connections)), accounts.c.load_told.is_not(None)
                )
            )
        }
