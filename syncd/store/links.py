"""Links: which account records of several CRMs are one account, and how that came about.

An account's key is that of the record that leads it, so it stays when others join or part.
What was derived of a record before it was linked is kept beside it, to go on from if the link is
broken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, bindparam, delete, select, update

from syncd.store.pasts import copy_snapshots, move, pasts_of, set_pasts, untiered
from syncd.store.sql import chunks, from_json, to_json, upsert
from syncd.store.tables import (
    accounts,
    derived,
    kept,
    ledger,
    members,
    quarantine,
    snapshots,
    tasks,
)

HANGING = (tasks, ledger, kept, quarantine)
"""What is kept by account and connection, and goes with the connection's record."""
JOINED_AT_ONCE = 100


class Membership(Struct, frozen=True):
    """An account record: by what it is recognised, and which account it is in."""

    connection: str
    id: str
    account: str
    domain: str | None
    links: tuple[str, ...]
    linked_by: str | None
    why: str | None
    linked_on: date | None
    changed: bool  # since links were last made
    gone: bool
    name: str

    @property
    def own_key(self) -> str:
        """The key of the account that it is when it stands alone."""
        return f"{self.connection}:{self.id}"


class Joined(Struct, frozen=True):
    """Records that are to be one account, whose key is that of the record that leads it."""

    key: str
    places: tuple[tuple[str, str], ...]
    by: str
    why: str


class Parted(Struct, frozen=True):
    """A record that is to be an account of its own again.

    With `own_past` it goes on from what was derived of it before the link (else, if there is
    nothing, of the customer, but for the tier); without from what was derived of the customer.
    `gone`: the record has left the book.
    """

    connection: str
    id: str
    own_past: bool
    gone: bool = False


class Links:
    """Reads and writes which records are linked."""

    def unread(self, tx: Connection, connection: str, read_as: str) -> list[str]:
        """Ids of the records whose identity is not known, or was read with another mapping."""
        return list(
            tx.scalars(
                select(members.c.id).where(
                    members.c.connection == connection,
                    members.c.read_as.is_(None) | (members.c.read_as != read_as),
                )
            )
        )

    def identify(
        self,
        tx: Connection,
        connection: str,
        found: Mapping[str, tuple[str | None, Sequence[str]]],
        read_as: str | None,
    ) -> None:
        """Keep domain and other CRMs' ids of these records; None: they are to be read again."""
        rows = [
            {"b_id": id, "b_domain": domain, "b_link": to_json(list(links))}
            for id, (domain, links) in found.items()
        ]
        if rows:
            tx.execute(
                update(members)
                .where(members.c.connection == connection, members.c.id == bindparam("b_id"))
                .values(domain=bindparam("b_domain"), link=bindparam("b_link"), read_as=read_as),
                rows,
            )

    def memberships(self, tx: Connection, connections: Iterable[str]) -> list[Membership]:
        """All account records of these connections."""
        return self._memberships(tx, members.c.connection.in_(list(connections)))

    def linked(self, tx: Connection) -> list[Membership]:
        """All account records that share an account with others."""
        return self._memberships(tx, members.c.linked_by.is_not(None))

    def _memberships(self, tx: Connection, condition: Any) -> list[Membership]:
        return [
            Membership(
                connection=row.connection,
                id=row.id,
                account=row.account,
                domain=row.domain,
                links=tuple(from_json(row.link)) if row.link else (),
                linked_by=row.linked_by,
                why=row.linked_why,
                linked_on=row.linked_on,
                changed=row.read_as is None,
                gone=row.gone,
                name=row.name,
            )
            for row in tx.execute(
                select(members, accounts.c.gone, accounts.c.name)
                .join(accounts, accounts.c.key == members.c.account)
                .where(condition)
                .order_by(members.c.connection, members.c.id)
            )
        ]

    def keys_of(self, tx: Connection, connection: str, ids: Iterable[str]) -> dict[str, str]:
        """The account keys of these account records, by record id."""
        found: dict[str, str] = {}
        for some in chunks(ids):
            for row in tx.execute(
                select(members.c.id, members.c.account).where(
                    members.c.connection == connection, members.c.id.in_(some)
                )
            ):
                found[row.id] = row.account
        return found

    def join(self, tx: Connection, joins: Sequence[Joined], day: date) -> None:
        """Make the records of each of these one account.

        A record that is not yet in it must be an account of its own.
        """
        for some in chunks(joins, JOINED_AT_ONCE):
            keys = {f"{c}:{id}": (c, id, joined) for joined in some for c, id in joined.places}
            own = list(keys)
            fresh = {
                row.account
                for row in tx.execute(
                    select(members.c.account).where(
                        members.c.account.in_(own), members.c.linked_by.is_(None)
                    )
                )
            }
            pasts = pasts_of(tx, fresh)
            here = members.c.connection == bindparam("b_connection")
            here &= members.c.id == bindparam("b_id")
            if fresh:
                tx.execute(
                    update(members).where(here).values(alone=bindparam("b_alone"), linked_on=day),
                    [
                        {
                            "b_connection": keys[key][0],
                            "b_id": keys[key][1],
                            "b_alone": pasts.get(key),
                        }
                        for key in sorted(fresh)
                    ],
                )
            tx.execute(
                update(members)
                .where(here)
                .values(
                    account=bindparam("b_account"),
                    linked_by=bindparam("b_by"),
                    linked_why=bindparam("b_why"),
                ),
                [
                    {
                        "b_connection": connection,
                        "b_id": id,
                        "b_account": joined.key,
                        "b_by": joined.by,
                        "b_why": joined.why,
                    }
                    for connection, id, joined in keys.values()
                ],
            )
            lead = {joined.key for joined in some}
            absorbed = sorted(fresh - lead)
            for table in HANGING:
                used = select(table.c.account).where(table.c.account.in_(absorbed)).distinct()
                for old in tx.scalars(used).all():
                    connection, _, joined = keys[old]
                    move(tx, table, connection, old, joined.key)
            tx.execute(delete(derived).where(derived.c.account.in_(absorbed)))
            tx.execute(delete(accounts).where(accounts.c.key.in_(absorbed)))
            tx.execute(
                update(accounts).where(accounts.c.key.in_(lead)).values(gone=False, dirty=True)
            )

    def part(self, tx: Connection, parted: Sequence[Parted]) -> None:
        """Let records that do not lead their accounts be accounts of their own."""
        for some in chunks(parted, JOINED_AT_ONCE):
            rows = self._rows(tx, some)
            joint = sorted({row.account for row in rows.values()})
            own = {one: f"{one.connection}:{one.id}" for one in some}
            upsert(
                tx,
                accounts,
                [
                    {"key": own[one], "connection": one.connection, "dirty": True, "gone": one.gone}
                    for one in some
                ],
            )
            leaving = {(rows[one].account, one.connection): own[one] for one in some}
            for table in HANGING:
                used = (
                    select(table.c.account, table.c.connection)
                    .where(table.c.account.in_(joint))
                    .distinct()
                )
                for row in tx.execute(used).all():
                    new = leaving.get((row.account, row.connection))
                    if new is not None:
                        move(tx, table, row.connection, row.account, new)
            pasts = pasts_of(tx, joint)
            found = {}
            for one in some:
                row = rows[one]
                past = pasts.get(row.account)
                if one.own_past and row.alone is not None:
                    found[own[one]] = row.alone
                elif past is not None:
                    found[own[one]] = untiered(past) if one.own_past else past
                if not one.own_past:
                    copy_snapshots(tx, row.account, own[one])
            set_pasts(tx, found)
            self._unlink(tx, some, own)
            tx.execute(update(accounts).where(accounts.c.key.in_(joint)).values(dirty=True))

    def leave_alone(self, tx: Connection, left: Sequence[Parted]) -> None:
        """All others have parted from these records, each of which leads its account."""
        for some in chunks(left, JOINED_AT_ONCE):
            rows = self._rows(tx, some)
            own = {one: f"{one.connection}:{one.id}" for one in some}
            pasts = pasts_of(tx, own.values())
            found = {}
            for one in some:
                row, key = rows[one], own[one]
                if one.own_past and row.alone is not None:
                    found[key] = row.alone
                    tx.execute(
                        delete(snapshots).where(
                            snapshots.c.account == key, snapshots.c.day >= row.linked_on
                        )
                    )
                elif one.own_past and key in pasts:
                    found[key] = untiered(pasts[key])
            set_pasts(tx, found)
            self._unlink(tx, some, own)
            for gone in (True, False):
                keys = [own[one] for one in some if one.gone is gone]
                tx.execute(
                    update(accounts).where(accounts.c.key.in_(keys)).values(dirty=True, gone=gone)
                )

    def _rows(self, tx: Connection, some: Sequence[Parted]) -> dict[Parted, Any]:
        found = {
            (row.connection, row.id): row
            for row in tx.execute(
                select(members).where(
                    members.c.linked_by.is_not(None), members.c.id.in_([one.id for one in some])
                )
            )
        }
        return {one: found[one.connection, one.id] for one in some}

    def _unlink(self, tx: Connection, some: Sequence[Parted], own: Mapping[Parted, str]) -> None:
        tx.execute(
            update(members)
            .where(
                members.c.connection == bindparam("b_connection"),
                members.c.id == bindparam("b_id"),
            )
            .values(account=bindparam("b_account"), **_UNLINKED),
            [
                {"b_connection": one.connection, "b_id": one.id, "b_account": own[one]}
                for one in some
            ],
        )


_UNLINKED: Mapping[str, Any] = {
    "linked_by": None,
    "linked_why": None,
    "linked_on": None,
    "alone": None,
    "read_as": None,  # a link that was broken is looked for again
}
