"""The quarantine: records and writes that were refused, why, and when to try again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, delete, func, select, update

from syncd.log import redact
from syncd.store.sql import chunks, upsert
from syncd.store.tables import quarantine


class Reject(Struct, frozen=True):
    """A refused record or write.

    kind: record (cannot be used), write (the CRM refused it), field (missing in the CRM).
    `fingerprint` changes when a new try is worthwhile: another value, definition or mapping.
    """

    connection: str
    object: str
    record: str
    field: str
    code: str
    message: str
    remedy: str
    kind: str
    fingerprint: str
    account: str | None = None
    since: str = ""
    attempts: int = 1
    run: int = 0


class Quarantine:
    """Reads and writes refused records and writes."""

    def put(self, tx: Connection, found: Sequence[Reject], *, run: int, now: str) -> list[Reject]:
        """Keep these; those that were not there already with the same fingerprint are returned."""
        known = self._known(tx, {(item.connection, item.record) for item in found})
        rows = {}
        fresh = self.unknown(tx, found)
        for item in found:
            place = (item.connection, item.object, item.record, item.field)
            before = known.get(place)
            same = before is not None and before.fingerprint == item.fingerprint
            if same and item.kind != "write":
                continue
            rows[place] = {
                "connection": item.connection,
                "object": item.object,
                "record": item.record,
                "field": item.field,
                "account": item.account,
                "code": item.code,
                "message": redact(item.message),
                "remedy": item.remedy,
                "kind": item.kind,
                "fingerprint": item.fingerprint,
                "since": before.since if before is not None else now,
                "attempts": (before.attempts if before is not None else 0) + 1,
                "run": run,
            }
        upsert(tx, quarantine, list(rows.values()))
        return fresh

    def unknown(self, tx: Connection, found: Sequence[Reject]) -> list[Reject]:
        """Those that are not in quarantine already with the same fingerprint."""
        known = self._known(tx, {(item.connection, item.record) for item in found})
        fresh = []
        for item in found:
            before = known.get((item.connection, item.object, item.record, item.field))
            if before is None or before.fingerprint != item.fingerprint:
                fresh.append(item)
        return fresh

    def _known(
        self, tx: Connection, places: set[tuple[str, str]]
    ) -> dict[tuple[str, str, str, str], Reject]:
        found = {}
        for some in chunks(sorted({record for _, record in places})):
            for row in tx.execute(select(quarantine).where(quarantine.c.record.in_(some))):
                found[row.connection, row.object, row.record, row.field] = _reject(row)
        return found

    def release(self, tx: Connection, places: Iterable[tuple[str, str, str, str]]) -> None:
        """Drop these: (connection, object, record, field)."""
        for connection, object, record, field in places:
            tx.execute(
                delete(quarantine).where(
                    quarantine.c.connection == connection,
                    quarantine.c.object == object,
                    quarantine.c.record == record,
                    quarantine.c.field == field,
                )
            )

    def release_account(self, tx: Connection, account: str) -> None:
        """Drop what stands against an account that is no more."""
        tx.execute(delete(quarantine).where(quarantine.c.account == account))

    def release_fields(
        self, tx: Connection, connection: str, missing: set[tuple[str, str]]
    ) -> None:
        """Drop missing fields (object, field) that are there again."""
        for item in self.all(tx):
            if (
                item.connection == connection
                and item.kind == "field"
                and (item.object, item.field) not in missing
            ):
                self.release(tx, [(connection, item.object, item.record, item.field)])

    def writes_of(self, tx: Connection, connection: str, records: Iterable[str]) -> list[Reject]:
        """Refused writes of these records (or task keys)."""
        return [
            _reject(row)
            for some in chunks(records)
            for row in tx.execute(
                select(quarantine).where(
                    quarantine.c.connection == connection,
                    quarantine.c.kind == "write",
                    quarantine.c.record.in_(some),
                )
            )
        ]

    def refused_accounts(self, tx: Connection, connection: str, object: str) -> list[str]:
        """Keys of the accounts with refused writes of this object."""
        return list(
            tx.scalars(
                select(quarantine.c.account)
                .where(
                    quarantine.c.connection == connection,
                    quarantine.c.object == object,
                    quarantine.c.kind == "write",
                    quarantine.c.account.is_not(None),
                )
                .distinct()
            )
        )

    def of_accounts(self, tx: Connection, accounts: Iterable[str]) -> dict[str, list[Reject]]:
        """What stands against these accounts, by account key."""
        found: dict[str, list[Reject]] = {}
        for some in chunks(accounts):
            for row in tx.execute(select(quarantine).where(quarantine.c.account.in_(some))):
                found.setdefault(row.account, []).append(_reject(row))
        return found

    def of_account(self, tx: Connection, account: str) -> list[Reject]:
        """What stands against an account."""
        return [
            _reject(row)
            for row in tx.execute(
                select(quarantine)
                .where(quarantine.c.account == account)
                .order_by(quarantine.c.since, quarantine.c.record)
            )
        ]

    def all(self, tx: Connection) -> list[Reject]:
        """Everything refused, oldest first."""
        return [
            _reject(row)
            for row in tx.execute(
                select(quarantine).order_by(
                    quarantine.c.connection, quarantine.c.since, quarantine.c.record
                )
            )
        ]

    def count(self, tx: Connection) -> int:
        """How much is refused."""
        return tx.scalar(select(func.count()).select_from(quarantine)) or 0

    def retry_all(self, tx: Connection) -> set[str]:
        """Let every refused write be tried again; the accounts they belong to."""
        tx.execute(update(quarantine).where(quarantine.c.kind == "write").values(fingerprint=""))
        return {
            account
            for account in tx.scalars(select(quarantine.c.account).distinct())
            if account is not None
        }

    def retry(self, tx: Connection, connection: str, records: Iterable[str]) -> None:
        """Let the refused writes of these records be tried again."""
        for some in chunks(records):
            tx.execute(
                update(quarantine)
                .where(
                    quarantine.c.connection == connection,
                    quarantine.c.kind == "write",
                    quarantine.c.record.in_(some),
                )
                .values(fingerprint="")
            )

    def wanted(self, tx: Connection) -> set[str]:
        """Keys of the accounts whose refused writes are to be tried again."""
        return set(
            tx.scalars(
                select(quarantine.c.account)
                .where(
                    quarantine.c.kind == "write",
                    quarantine.c.fingerprint == "",
                    quarantine.c.account.is_not(None),
                )
                .distinct()
            )
        )


def _reject(row: Any) -> Reject:
    return Reject(**row._mapping)
