"""Erasing on request: what the state holds of an account or of a person, everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from msgspec import Struct
from sqlalchemy import Column, Connection, Table, delete, func, select, update
from sqlalchemy.sql.elements import ColumnElement

from syncd.store.sql import chunks, to_json
from syncd.store.tables import (
    accounts,
    derived,
    kept,
    ledger,
    members,
    quarantine,
    records,
    snapshots,
    tasks,
    written,
)

FORGOTTEN = "[forgotten]"
SHORTEST = 3  # a shorter word would be found in the midst of others
TEXTS: tuple[tuple[Table, Column[str]], ...] = (
    (ledger, ledger.c.changes),
    (ledger, ledger.c.message),
    (tasks, tasks.c.body),
    (derived, derived.c.body),
    (quarantine, quarantine.c.message),
    (kept, kept.c.theirs),
    (kept, kept.c.ours),
)
"""Where a person's name may stand in a text that belongs to somebody else."""


class Erased(Struct, frozen=True):
    """How much was erased, by table; `texts` are lines of which a name was taken out."""

    rows: dict[str, int]
    texts: int = 0


class Erasure:
    """Takes things out of the state for good."""

    def account(self, tx: Connection, key: str) -> Erased:
        """Everything of this account: its records, what was derived, its history and tasks."""
        found: dict[str, int] = {}
        ids = tx.execute(
            select(members.c.connection, members.c.id).where(members.c.account == key)
        ).all()
        for connection, id in ids:
            self._records(tx, connection, id, found)
            _drop(tx, written, [written.c.connection == connection, written.c.record == id], found)
            mine = [quarantine.c.connection == connection, quarantine.c.record == id]
            _drop(tx, quarantine, mine, found)
        for table in (ledger, kept, tasks, quarantine, derived, snapshots, members):
            _drop(tx, table, [table.c.account == key], found)
        _drop(tx, accounts, [accounts.c.key == key], found)
        return Erased(found)

    def _records(self, tx: Connection, connection: str, id: str, found: dict[str, int]) -> None:
        """An account's records, and those that belong to its deals and contacts."""
        here = records.c.connection == connection
        owner = f"account:{id}"
        through = [
            f"{kind}:{row}"
            for row in tx.scalars(select(records.c.id).where(here, records.c.owner == owner))
            for kind in ("opportunity", "contact")
        ]
        for some in chunks([owner, *through]):
            _drop(tx, records, [here, records.c.owner.in_(some)], found)
        mine = [quarantine.c.connection == connection, quarantine.c.record.in_(through)]
        _drop(tx, quarantine, mine, found)

    def contact(
        self,
        tx: Connection,
        connection: str,
        sources: Iterable[str],
        id: str,
        words: Sequence[str],
        tasks: Mapping[str, str],
    ) -> Erased:
        """A contact's record and what hangs on it; `words` (name, id, mail) go out of all texts.

        `sources` are those that contacts come from, `tasks` the source of tasks by connection.
        """
        found: dict[str, int] = {}
        here = records.c.connection == connection
        mine = [here, records.c.source.in_(list(sources)), records.c.id == id]
        touched = set(tx.scalars(select(records.c.owner).where(*mine)))
        _drop(tx, records, mine, found)
        _drop(tx, records, [here, records.c.owner == f"contact:{id}"], found)
        _drop(
            tx,
            quarantine,
            [quarantine.c.connection == connection, quarantine.c.record == id],
            found,
        )
        texts = sum(self._blank(tx, word, tasks) for word in words if len(word) >= SHORTEST)
        for owner in touched:
            key = f"{connection}:{(owner or '').partition(':')[2]}"
            tx.execute(update(accounts).where(accounts.c.key == key).values(dirty=True))
        return Erased(found, texts)

    def name(self, tx: Connection, word: str, tasks: Mapping[str, str]) -> Erased:
        """Take the name of somebody whose record is gone already out of every text."""
        return Erased({}, self._blank(tx, word, tasks) if len(word) >= SHORTEST else 0)

    def _blank(self, tx: Connection, word: str, tasks: Mapping[str, str]) -> int:
        """Take a word out of every text, also as JSON and HTML write it.

        Of the mirror that is our tasks: what else names somebody is the CRM's own.
        """
        count = 0
        forms = dict.fromkeys((word, to_json(word)[1:-1], escape(word)))
        for connection, source in tasks.items():
            mirrored = (records.c.connection == connection) & (records.c.source == source)
            for form in forms:
                count += tx.execute(
                    update(records)
                    .where(mirrored, _holds(records.c.fields, form))
                    .values(fields=func.replace(records.c.fields, form, FORGOTTEN))
                ).rowcount
        for table, column in TEXTS:
            for form in forms:
                count += tx.execute(
                    update(table)
                    .where(_holds(column, form))
                    .values({column.name: func.replace(column, form, FORGOTTEN)})
                ).rowcount
        return count


def _holds(column: Column[str], word: str) -> ColumnElement[bool]:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return column.like(f"%{escaped}%", escape="\\")


def _drop(
    tx: Connection, table: Table, where: Sequence[ColumnElement[bool]], found: dict[str, int]
) -> None:
    gone = tx.execute(delete(table).where(*where)).rowcount
    if gone:
        found[table.name] = found.get(table.name, 0) + gone
