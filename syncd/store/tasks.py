"""Tasks by key: which exist, what syncd last left in them, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, delete, func, select, update

from syncd.store.sql import chunks, from_json, to_json, upsert
from syncd.store.tables import tasks


class StoredTask(Struct, frozen=True):
    """A task of ours. state: open, completed (by a person), closed (by us), moved (closed by us,
    for another linked CRM has it now), deleted.

    `wrote` holds the words that syncd last left in its fields.
    """

    connection: str
    key: str
    playbook: str
    account: str
    record: str | None
    state: str
    assignee: str | None
    wrote: Mapping[str, Any]
    opened_on: date | None = None
    closed_at: str | None = None


class Tasks:
    """Reads and writes the tasks that syncd ever opened."""

    def save(self, tx: Connection, found: Sequence[StoredTask]) -> None:
        """Keep these tasks as they are now."""
        upsert(
            tx,
            tasks,
            [
                {
                    "connection": task.connection,
                    "key": task.key,
                    "playbook": task.playbook,
                    "account": task.account,
                    "record": task.record,
                    "state": task.state,
                    "assignee": task.assignee,
                    "body": to_json(dict(task.wrote)),
                    "opened_on": task.opened_on,
                    "closed_at": task.closed_at,
                }
                for task in found
            ],
        )

    def of_accounts(self, tx: Connection, keys: Iterable[str]) -> dict[str, list[StoredTask]]:
        """Every task ever opened for these accounts, by account key."""
        found: dict[str, list[StoredTask]] = {}
        for some in chunks(keys):
            for row in tx.execute(
                select(tasks).where(tasks.c.account.in_(some)).order_by(tasks.c.key)
            ):
                found.setdefault(row.account, []).append(_task(row))
        return found

    def by_record(
        self, tx: Connection, connection: str, records: Iterable[str]
    ) -> dict[str, StoredTask]:
        """Tasks by their CRM id."""
        found: dict[str, StoredTask] = {}
        for some in chunks(records):
            for row in tx.execute(
                select(tasks).where(tasks.c.connection == connection, tasks.c.record.in_(some))
            ):
                found[row.record] = _task(row)
        return found

    def by_key(self, tx: Connection, connection: str, keys: Iterable[str]) -> dict[str, StoredTask]:
        """Tasks by their key."""
        found: dict[str, StoredTask] = {}
        for some in chunks(keys):
            for row in tx.execute(
                select(tasks).where(tasks.c.connection == connection, tasks.c.key.in_(some))
            ):
                found[row.key] = _task(row)
        return found

    def opened_today(self, tx: Connection, connection: str, today: date) -> dict[str, int]:
        """How many tasks each person was given today, by user id."""
        return {
            row.assignee: row.n
            for row in tx.execute(
                select(tasks.c.assignee, func.count().label("n"))
                .where(
                    tasks.c.connection == connection,
                    tasks.c.opened_on == today,
                    tasks.c.assignee.is_not(None),
                )
                .group_by(tasks.c.assignee)
            )
        }

    def open_records(self, tx: Connection, connection: str) -> set[str]:
        """CRM ids of the tasks that are open, as far as the state knows."""
        return set(
            tx.scalars(
                select(tasks.c.record).where(
                    tasks.c.connection == connection,
                    tasks.c.state == "open",
                    tasks.c.record.is_not(None),
                )
            )
        )

    def playbooks(self, tx: Connection) -> set[str]:
        """The playbooks that have ever opened a task."""
        return set(tx.scalars(select(tasks.c.playbook).distinct()))

    def count_open(self, tx: Connection) -> int:
        """Open tasks of all connections."""
        return (
            tx.scalar(select(func.count()).select_from(tasks).where(tasks.c.state == "open")) or 0
        )

    def mark_deleted(
        self, tx: Connection, connection: str, records: Iterable[str], now: str
    ) -> None:
        """These tasks were deleted in the CRM; they are not opened again."""
        for some in chunks(records):
            tx.execute(
                update(tasks)
                .where(
                    tasks.c.connection == connection,
                    tasks.c.record.in_(some),
                    tasks.c.state != "deleted",
                )
                .values(state="deleted", closed_at=now)
            )

    def rename_account(self, tx: Connection, old: str, new: str) -> None:
        """Move an account's tasks to the account that survives a merge."""
        tx.execute(update(tasks).where(tasks.c.account == old).values(account=new))

    def forget(self, tx: Connection, accounts: Iterable[str]) -> None:
        """Drop the tasks of accounts that are erased on request."""
        for some in chunks(accounts):
            tx.execute(delete(tasks).where(tasks.c.account.in_(some)))


def _task(row: Any) -> StoredTask:
    return StoredTask(
        connection=row.connection,
        key=row.key,
        playbook=row.playbook,
        account=row.account,
        record=row.record,
        state=row.state,
        assignee=row.assignee,
        wrote=from_json(row.body),
        opened_on=row.opened_on,
        closed_at=row.closed_at,
    )
