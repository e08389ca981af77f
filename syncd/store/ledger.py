"""The ledger: each intent before its call, its outcome after it; and what syncd last wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from syncd.log import redact
from syncd.plan import KeptValue, united
from syncd.store.sql import chunks, from_json, to_json, upsert
from syncd.store.tables import kept, ledger, written

BY_A_PERSON = "person"


class Intent(Struct, frozen=True):
    """A write that is about to be tried. `changes`: [{field, before, after, because}]."""

    connection: str
    kind: str  # fields | open | update | close | person
    object: str
    account: str
    changes: tuple[Mapping[str, Any], ...]
    record: str | None = None
    task_key: str | None = None
    moved: bool = False  # a close: the task goes on in another CRM of the customer


class Entry(Struct, frozen=True):
    """A line of the ledger."""

    id: int
    run: int
    connection: str
    kind: str
    object: str
    record: str | None
    task_key: str | None
    moved: bool
    account: str
    changes: tuple[dict[str, Any], ...]
    state: str
    code: str
    message: str
    intended_at: str
    settled_at: str | None


class Kept(Struct, frozen=True):
    """A value that a person changed after syncd, and that was left alone."""

    connection: str
    object: str
    record: str
    field: str
    account: str
    theirs: Any
    ours: Any
    since: str


class Ledger:
    """Reads and writes the ledger."""

    def intend(self, tx: Connection, run: int, intents: Sequence[Intent], now: str) -> list[int]:
        """Write the intents down; their ids, in the same order."""
        first = (tx.scalar(select(func.max(ledger.c.id))) or 0) + 1
        rows = [
            {
                "id": first + index,
                "run": run,
                "connection": intent.connection,
                "kind": intent.kind,
                "object": intent.object,
                "record": intent.record,
                "task_key": intent.task_key,
                "moved": intent.moved,
                "account": intent.account,
                "changes": to_json(list(intent.changes)),
                "state": "intended",
                "intended_at": now,
            }
            for index, intent in enumerate(intents)
        ]
        if rows:
            tx.execute(insert(ledger), rows)
        return [row["id"] for row in rows if isinstance(row["id"], int)]

    def settle(
        self,
        tx: Connection,
        outcomes: Iterable[tuple[int, str, str | None, str, str]],
        now: str,
    ) -> None:
        """Note outcomes: (id, state, record id, code, message)."""
        rows = [
            {
                "b_id": id,
                "b_state": state,
                "b_record": record,
                "b_code": code,
                "b_message": redact(message),
            }
            for id, state, record, code, message in outcomes
        ]
        if rows:
            tx.execute(
                update(ledger)
                .where(ledger.c.id == bindparam("b_id"))
                .values(
                    state=bindparam("b_state"),
                    record=func.coalesce(bindparam("b_record"), ledger.c.record),
                    code=bindparam("b_code"),
                    message=bindparam("b_message"),
                    settled_at=now,
                ),
                rows,
            )

    def unsettled(self, tx: Connection, connection: str, *, tasks: bool = True) -> dict[int, str]:
        """Writes whose outcome nobody knows, to be looked up before anything is repeated.

        By id, in order, the moment at which each was intended; those of tasks only if wanted.
        """
        query = select(ledger.c.id, ledger.c.intended_at).where(
            ledger.c.connection == connection, ledger.c.state.in_(["intended", "unknown"])
        )
        if not tasks:
            query = query.where(ledger.c.kind == "fields")
        return {row.id: row.intended_at for row in tx.execute(query.order_by(ledger.c.id))}

    def entries(self, tx: Connection, ids: Iterable[int]) -> list[Entry]:
        """These lines, in order."""
        found: list[Entry] = []
        for some in chunks(sorted(ids)):
            found += self._entries(
                tx, select(ledger).where(ledger.c.id.in_(some)).order_by(ledger.c.id)
            )
        return found

    def of_run(self, tx: Connection, run: int) -> list[Entry]:
        """Everything a run tried to write, in order."""
        return self._entries(tx, select(ledger).where(ledger.c.run == run).order_by(ledger.c.id))

    def of_account(self, tx: Connection, account: str, limit: int = 50) -> list[Entry]:
        """An account's latest writes, newest first."""
        return self._entries(
            tx,
            select(ledger)
            .where(ledger.c.account == account)
            .order_by(ledger.c.id.desc())
            .limit(limit),
        )

    def latest(self, tx: Connection, limit: int = 50) -> list[Entry]:
        """The latest writes of all accounts, newest first."""
        return self._entries(tx, select(ledger).order_by(ledger.c.id.desc()).limit(limit))

    def _entries(self, tx: Connection, query: Any) -> list[Entry]:
        return [
            Entry(**{**row._mapping, "changes": tuple(from_json(row.changes))})
            for row in tx.execute(query)
        ]

    # --- what syncd last left in a field ------------------------------------------------------

    def written(
        self, tx: Connection, connection: str, object: str, ids: Iterable[str]
    ) -> dict[str, dict[str, Any]]:
        """By record id: the words that syncd last left in each field."""
        found: dict[str, dict[str, Any]] = {}
        for some in chunks(ids):
            for row in tx.execute(
                select(written.c.record, written.c.body).where(
                    written.c.connection == connection,
                    written.c.object == object,
                    written.c.record.in_(some),
                )
            ):
                found[row.record] = from_json(row.body)
        return found

    def save_written(
        self,
        tx: Connection,
        connection: str,
        object: str,
        values: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Note what syncd left in these records' fields (whole records)."""
        upsert(
            tx,
            written,
            [
                {
                    "connection": connection,
                    "object": object,
                    "record": record,
                    "body": to_json(dict(fields)),
                }
                for record, fields in values.items()
            ],
        )

    def inherit(self, tx: Connection, connection: str, object: str, old: str, new: str) -> None:
        """Record `old` was merged into `new`: what syncd left in it is syncd's there too."""
        found = self.written(tx, connection, object, [old, new])
        if old in found:
            own = united(found.get(new, {}), found[old])
            self.save_written(tx, connection, object, {new: own})
        tx.execute(
            delete(written).where(
                written.c.connection == connection,
                written.c.object == object,
                written.c.record == old,
            )
        )

    def rename_account(self, tx: Connection, old: str, new: str) -> None:
        """An account's history goes on with the account that it was merged into.

        What people had changed in it is asked anew of the record that is left.
        """
        tx.execute(update(ledger).where(ledger.c.account == old).values(account=new))
        tx.execute(delete(kept).where(kept.c.account == old))

    # --- people's values ----------------------------------------------------------------------

    def save_kept(
        self,
        tx: Connection,
        connection: str,
        accounts: Iterable[str],
        found: Sequence[KeptValue],
        now: str,
    ) -> set[tuple[str, str]]:
        """Replace what is known of people's values in these accounts.

        Returns the (record, field) of those that are new, or other than before.
        """
        since: dict[tuple[str, str, str], str] = {}
        theirs: dict[tuple[str, str], str] = {}
        for some in chunks(accounts):
            where = (kept.c.connection == connection) & kept.c.account.in_(some)
            for row in tx.execute(select(kept).where(where)):
                since[row.object, row.record, row.field] = row.since
                theirs[row.record, row.field] = row.theirs
            tx.execute(delete(kept).where(where))
        upsert(
            tx,
            kept,
            [
                {
                    "connection": item.connection,
                    "object": item.object,
                    "record": item.record,
                    "field": item.field,
                    "account": item.account,
                    "theirs": to_json(item.theirs),
                    "ours": to_json(item.ours),
                    "since": since.get((item.object, item.record, item.field), now),
                }
                for item in found
            ],
        )
        return {
            (item.record, item.field)
            for item in found
            if theirs.get((item.record, item.field)) != to_json(item.theirs)
        }

    def note_edits(self, tx: Connection, run: int, edits: Sequence[KeptValue], now: str) -> None:
        """Write down that people changed fields after us (`ours` is what syncd had left there)."""
        intents = [
            Intent(
                connection=edit.connection,
                kind=BY_A_PERSON,
                object=edit.object,
                account=edit.account,
                record=edit.record,
                changes=(
                    {
                        "field": edit.field,
                        "before": edit.ours,
                        "after": edit.theirs,
                        "because": "a person changed it",
                    },
                ),
            )
            for edit in edits
        ]
        entries = self.intend(tx, run, intents, now)
        self.settle(tx, [(entry, "done", None, "", "") for entry in entries], now)

    def kept(self, tx: Connection, account: str | None = None) -> list[Kept]:
        """People's values that stand against ours."""
        query = select(kept).order_by(kept.c.since, kept.c.record, kept.c.field)
        if account is not None:
            query = query.where(kept.c.account == account)
        return [
            Kept(
                **{
                    **row._mapping,
                    "theirs": from_json(row.theirs),
                    "ours": from_json(row.ours),
                }
            )
            for row in tx.execute(query)
        ]

    def prune(self, tx: Connection, before: str) -> None:
        """Drop lines older than this moment, but none whose outcome nobody knows yet."""
        tx.execute(
            delete(ledger).where(
                ledger.c.intended_at < before, ledger.c.state.not_in(["intended", "unknown"])
            )
        )
