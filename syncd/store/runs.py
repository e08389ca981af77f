"""Runs, held plans, schemas of objects, the lease, and the daemon's heartbeat."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, delete, exists, insert, select, update

from syncd.errors import LeaseError
from syncd.log import redact
from syncd.store.sql import from_json, insert_missing, to_json, to_moment, to_text, upsert
from syncd.store.tables import beats, connections, leases, ledger, plans, runs, schemas

LONGEST_LEASE = timedelta(hours=1)


class StoredRun(Struct, frozen=True):
    """One run: kind sync, full, plan, undo; `exit_code` None while it goes on (or died)."""

    id: int
    kind: str
    started_at: str
    finished_at: str | None
    instance: str
    exit_code: int | None
    message: str
    counts: Mapping[str, Any]


class HeldPlan(Struct, frozen=True):
    """A plan that the safety limit held. It is released for what it would overwrite."""

    run: int
    connection: str
    fingerprint: str
    body: Mapping[str, Any]
    held_at: str
    approved_at: str | None


class Runs:
    """Reads and writes runs and what belongs to them."""

    def start(self, tx: Connection, kind: str, instance: str, now: datetime) -> int:
        """Note that a run begins; its number."""
        result = tx.execute(
            insert(runs).values(kind=kind, started_at=to_text(now), instance=instance)
        )
        number = result.inserted_primary_key
        assert number is not None
        return int(number[0])

    def finish(
        self,
        tx: Connection,
        run: int,
        *,
        exit_code: int,
        message: str,
        counts: Mapping[str, Any],
        now: datetime,
    ) -> None:
        """Note how a run ended."""
        tx.execute(
            update(runs)
            .where(runs.c.id == run)
            .values(
                finished_at=to_text(now),
                exit_code=exit_code,
                message=redact(message),
                counts=to_json(dict(counts)),
            )
        )

    def latest(self, tx: Connection, limit: int = 20, kind: str | None = None) -> list[StoredRun]:
        """The latest runs, newest first."""
        query = select(runs).order_by(runs.c.id.desc()).limit(limit)
        if kind is not None:
            query = query.where(runs.c.kind == kind)
        return [_run(row) for row in tx.execute(query)]

    def get(self, tx: Connection, run: int) -> StoredRun | None:
        """One run."""
        row = tx.execute(select(runs).where(runs.c.id == run)).first()
        return None if row is None else _run(row)

    def prune(self, tx: Connection, before: str) -> None:
        """Drop runs older than this moment of which the ledger has no line, and plans held then."""
        tx.execute(delete(plans).where(plans.c.held_at < before))
        tx.execute(
            delete(runs).where(
                runs.c.started_at < before,
                ~exists().where(ledger.c.run == runs.c.id),
            )
        )

    # --- held plans ---------------------------------------------------------------------------

    def hold(
        self,
        tx: Connection,
        run: int,
        connection: str,
        overwritten: AbstractSet[str],
        body: Mapping[str, Any],
        now: datetime,
    ) -> None:
        """Keep a plan that the safety limit held.

        The same plan may be held by run after run: it can be released under each one's number.
        """
        fingerprint = _digest(overwritten)
        tx.execute(
            delete(plans).where(
                plans.c.connection == connection,
                plans.c.approved_at.is_(None),
                plans.c.fingerprint != fingerprint,
            )
        )
        upsert(
            tx,
            plans,
            [
                {
                    "run": run,
                    "connection": connection,
                    "fingerprint": fingerprint,
                    "body": to_json({**body, "overwritten": sorted(overwritten)}),
                    "held_at": to_text(now),
                    "approved_at": None,
                }
            ],
        )

    def held(self, tx: Connection) -> list[HeldPlan]:
        """Plans held or approved that were not carried out yet, each once, newest first."""
        found: dict[tuple[str, str], HeldPlan] = {}
        for row in tx.execute(select(plans).order_by(plans.c.run)):
            found[row.connection, row.fingerprint] = HeldPlan(
                **{**row._mapping, "body": from_json(row.body)}
            )
        return sorted(found.values(), key=lambda plan: -plan.run)

    def held_by(self, tx: Connection, run: int) -> list[str]:
        """The connections whose plan this run held, as far as it still waits."""
        return sorted(tx.scalars(select(plans.c.connection).where(plans.c.run == run)))

    def approve(self, tx: Connection, run: int, now: datetime) -> int:
        """Release a held plan; how many connections it covers."""
        wanted = tx.execute(
            select(plans.c.connection, plans.c.fingerprint).where(plans.c.run == run)
        ).all()
        for row in wanted:
            tx.execute(
                update(plans)
                .where(plans.c.connection == row.connection, plans.c.fingerprint == row.fingerprint)
                .values(approved_at=to_text(now))
            )
        return len(wanted)

    def is_approved(self, tx: Connection, connection: str, overwritten: AbstractSet[str]) -> bool:
        """Whether all that this plan would overwrite was released in one plan."""
        return any(
            overwritten <= set(from_json(body)["overwritten"])
            for body in tx.scalars(
                select(plans.c.body).where(
                    plans.c.connection == connection, plans.c.approved_at.is_not(None)
                )
            )
        )

    def clear_held(self, tx: Connection, connection: str) -> None:
        """The connection's plan was carried out, or there is nothing left to hold."""
        tx.execute(delete(plans).where(plans.c.connection == connection))

    # --- connections and their objects ----------------------------------------------------------

    def connection(self, tx: Connection, name: str) -> tuple[str, str]:
        """(identity, mapping hash) as last seen; empty when new."""
        row = tx.execute(select(connections).where(connections.c.name == name)).first()
        return ("", "") if row is None else (row.identity, row.mapping_hash)

    def save_connection(self, tx: Connection, name: str, identity: str, mapping_hash: str) -> None:
        """Remember which org this is and which mapping was used."""
        upsert(
            tx,
            connections,
            [{"name": name, "identity": identity, "mapping_hash": mapping_hash}],
        )

    def schema(self, tx: Connection, connection: str, object: str) -> tuple[str, datetime] | None:
        """An object's schema as JSON, and when it was read."""
        row = tx.execute(
            select(schemas).where(schemas.c.connection == connection, schemas.c.object == object)
        ).first()
        return None if row is None else (row.body, to_moment(row.read_at))

    def save_schema(
        self, tx: Connection, connection: str, object: str, body: str, digest: str, now: datetime
    ) -> None:
        """Keep an object's schema."""
        upsert(
            tx,
            schemas,
            [
                {
                    "connection": connection,
                    "object": object,
                    "body": body,
                    "hash": digest,
                    "read_at": to_text(now),
                }
            ],
        )

    # --- one at a time --------------------------------------------------------------------------

    def acquire(
        self,
        tx: Connection,
        name: str,
        holder: str,
        now: datetime,
        seconds: float,
        *,
        steal_from: str | None = None,
    ) -> int:
        """Take the lease, or take over an expired one (or that of `steal_from`); its fence.

        Raises LeaseError naming the holder when another holds it.
        """
        # There first, so that two who have never met wait for each other at its row.
        free = {"name": name, "holder": "", "fence": 0, "expires_at": to_text(now)}
        insert_missing(tx, leases, [free])
        row = tx.execute(select(leases).where(leases.c.name == name).with_for_update()).one()
        left = to_moment(row.expires_at) - now
        # A lease that seems to run for long was taken by a clock that was wrong.
        held = timedelta(0) < left <= LONGEST_LEASE
        if held and row.holder not in {"", holder, steal_from}:
            raise LeaseError(
                f"another syncd is at work on this state ({_who(row.holder)}); wait for it, or "
                "stop it first"
            )
        fence = int(row.fence) + 1
        expires = to_text(now + timedelta(seconds=seconds))
        tx.execute(
            update(leases)
            .where(leases.c.name == name)
            .values(holder=holder, fence=fence, expires_at=expires)
        )
        return fence

    def holds(self, tx: Connection, name: str, fence: int) -> bool:
        """Whether nobody has taken the lease since; nobody can before this transaction ends."""
        query = select(leases.c.fence).where(leases.c.name == name).with_for_update(read=True)
        return tx.scalar(query) == fence

    def holder(self, tx: Connection, name: str) -> str | None:
        """Who holds the lease, as far as the store knows."""
        return tx.scalar(select(leases.c.holder).where(leases.c.name == name))

    def renew(self, tx: Connection, name: str, fence: int, now: datetime, seconds: float) -> bool:
        """Keep the lease; False when another has taken it since."""
        return (
            tx.execute(
                update(leases)
                .where(leases.c.name == name, leases.c.fence == fence)
                .values(expires_at=to_text(now + timedelta(seconds=seconds)))
            ).rowcount
            == 1
        )

    def let_go(self, tx: Connection, name: str, fence: int, now: datetime) -> None:
        """Give the lease back; the fence stays, so that it only ever grows."""
        tx.execute(
            update(leases)
            .where(leases.c.name == name, leases.c.fence == fence)
            .values(expires_at=to_text(now), holder="")
        )

    def beat(self, tx: Connection, name: str, now: datetime, note: str = "") -> None:
        """The daemon is alive."""
        upsert(tx, beats, [{"name": name, "at": to_text(now), "note": redact(note)}])

    def last_beat(self, tx: Connection, name: str) -> tuple[datetime, str] | None:
        """When it last was, and what it said."""
        row = tx.execute(select(beats).where(beats.c.name == name)).first()
        return None if row is None else (to_moment(row.at), row.note)


def _who(holder: str) -> str:
    """``process 4711 on db1``; how else it is told from others says nothing to a reader."""
    host, _, rest = holder.partition(":")
    pid = rest.partition(":")[0]
    return f"process {pid} on {host}" if pid else holder


def _digest(parts: AbstractSet[str]) -> str:
    return hashlib.blake2b(" ".join(sorted(parts)).encode(), digest_size=16).hexdigest()


def _run(row: Any) -> StoredRun:
    return StoredRun(**{**row._mapping, "counts": from_json(row.counts)})
