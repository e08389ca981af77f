"""What was derived of accounts, and their scores day by day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update

from syncd.model import Before, Derived, Ref, Scalar
from syncd.rules import BookRow, whole
from syncd.store.book.stored import AccountState, Decisions, StoredDerivation
from syncd.store.sql import chunks, from_json, to_json, upsert
from syncd.store.tables import accounts, derived, snapshots


class Derivations:
    """Reads and writes what was derived."""

    def derivations(self, tx: Connection, keys: Sequence[str]) -> dict[str, StoredDerivation]:
        """The last derivations of these accounts, by key; absent: never derived."""
        found: dict[str, StoredDerivation] = {}
        for some in chunks(keys):
            for row in tx.execute(select(derived).where(derived.c.account.in_(some))):
                body = from_json(row.body)
                found[row.account] = StoredDerivation(
                    values={
                        name: Derived(
                            value=_decoded(value[0]),
                            because=value[1],
                            records=tuple(Ref(*ref) for ref in value[2]),
                            valid_until=date.fromisoformat(value[3]) if value[3] else None,
                        )
                        for name, value in body["values"].items()
                    },
                    facts={name: _decoded(value) for name, value in body["facts"].items()},
                    since={name: date.fromisoformat(day) for name, day in body["since"].items()},
                    derived_at=row.derived_at,
                )
        return found

    def inherit(self, tx: Connection, old: str, new: str) -> None:
        """Give an account's past to one that has none of its own."""
        for table in (derived, snapshots):
            known = select(table.c.account).where(table.c.account == new).limit(1)
            if tx.scalar(known) is None:
                tx.execute(update(table).where(table.c.account == old).values(account=new))

    def befores(self, tx: Connection, keys: Sequence[str]) -> dict[str, Before]:
        """What the rules may know of the past, by account key."""
        stored = self.derivations(tx, keys)
        past: dict[str, list[tuple[date, int | None]]] = {}
        for some in chunks(keys):
            for row in tx.execute(
                select(snapshots)
                .where(snapshots.c.account.in_(some))
                .order_by(snapshots.c.day.desc())
            ):
                past.setdefault(row.account, []).append((row.day, from_json(row.body)))
        return {
            key: Before(
                values={name: value.value for name, value in found.values.items()},
                facts=found.facts,
                reasons={name: value.because for name, value in found.values.items()},
                since=found.since,
                snapshots=tuple(past.get(key, ())),
                first_run=False,
            )
            for key, found in stored.items()
        }

    def save(
        self,
        tx: Connection,
        states: Sequence[AccountState],
        decisions: Decisions,
        *,
        now: str,
        today: date,
    ) -> None:
        """Keep derivations (values, facts, since) and what the borders need of each account."""
        upsert(
            tx,
            derived,
            [
                {
                    "account": key,
                    "body": to_json(
                        {
                            "values": {
                                name: [
                                    _encoded(value.value),
                                    value.because,
                                    [[ref.connection, ref.object, ref.id] for ref in value.records],
                                    value.valid_until.isoformat() if value.valid_until else None,
                                ]
                                for name, value in values.items()
                            },
                            "facts": {name: _encoded(value) for name, value in facts.items()},
                            "since": {name: day.isoformat() for name, day in since.items()},
                        }
                    ),
                    "derived_at": now,
                }
                for key, (values, facts, since) in decisions.items()
            ],
        )
        if states:
            columns = [_state_columns(state) for state in states]
            tx.execute(
                update(accounts)
                .where(accounts.c.key == bindparam("b_key"))
                .values({name: bindparam(name) for name in columns[0] if name != "b_key"}),
                columns,
            )
        self._snapshot(tx, decisions, today)

    def postpone(self, tx: Connection, tasks: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        """Note of accounts, by key, for whom new tasks wait: (connection, assignee) of each."""
        rows = [{"b_key": key, "b_tasks": to_json(some)} for key, some in tasks.items()]
        if rows:
            tx.execute(
                update(accounts)
                .where(accounts.c.key == bindparam("b_key"))
                .values(postponed=bindparam("b_tasks")),
                rows,
            )

    def postponed(self, tx: Connection) -> dict[tuple[str, str], int]:
        """How many new tasks wait for another day, by (connection, assignee)."""
        return Counter(
            (connection, assignee)
            for body in tx.scalars(
                select(accounts.c.postponed).where(accounts.c.postponed.is_not(None))
            )
            for connection, assignee in from_json(body)
        )

    def save_names(self, tx: Connection, states: Sequence[AccountState]) -> None:
        """Keep names and domains, by which people ask for accounts (also after a mere plan)."""
        rows = [{"b_key": s.key, "b_name": s.name, "b_domain": s.domain} for s in states]
        if rows:
            tx.execute(
                update(accounts)
                .where(accounts.c.key == bindparam("b_key"))
                .values(name=bindparam("b_name"), domain=bindparam("b_domain")),
                rows,
            )

    def _snapshot(
        self,
        tx: Connection,
        decisions: Decisions,
        today: date,
    ) -> None:
        """One row a day on which the score differs from the day before.

        The score is the whole one, before it is rounded to steps of 5 for writing.
        """
        scored = {
            key: whole(exact)
            if isinstance(exact := facts.get("health_score_exact"), Decimal)
            else None
            for key, (values, facts, _) in decisions.items()
            if "health_score" in values
        }
        latest: dict[str, str] = {}
        for some in chunks(scored):
            for row in tx.execute(
                select(snapshots).where(snapshots.c.account.in_(some)).order_by(snapshots.c.day)
            ):
                latest[row.account] = row.body
        fresh = {
            key: to_json(score)
            for key, score in scored.items()
            if latest.get(key, to_json(None)) != to_json(score)
        }
        upsert(
            tx,
            snapshots,
            [{"account": key, "day": today, "body": body} for key, body in fresh.items()],
        )

    def prune(self, tx: Connection, before: date) -> None:
        """Drop scores older than this day, but not the one that still stood on it."""
        other = snapshots.alias()
        newest = (
            select(func.max(other.c.day))
            .where(other.c.account == snapshots.c.account, other.c.day <= before)
            .scalar_subquery()
        )
        # The first condition says nothing new, but spares the question for most rows.
        tx.execute(delete(snapshots).where(snapshots.c.day < before, snapshots.c.day < newest))


def _encoded(value: Scalar) -> Any:
    """Tag the types that JSON lacks."""
    if isinstance(value, bool) or value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, Decimal):
        return {"money": str(value)}
    return {"date": value.isoformat()}


def _decoded(value: Any) -> Scalar:
    if isinstance(value, dict):
        if "money" in value:
            return Decimal(value["money"])
        return date.fromisoformat(value["date"][:10])
    found: Scalar = value
    return found


def _state_columns(state: AccountState) -> dict[str, Any]:
    return {
        "b_key": state.key,
        "name": state.name,
        "domain": state.domain,
        "status": state.status,
        "owner": state.owner,
        "valid_until": state.valid_until,
        "basis": state.basis,
        "load_told": state.load_told or None,
        "postponed": None,
        **_row_columns(state.row),
    }


def _row_columns(row: BookRow) -> dict[str, Any]:
    return {
        "arr": None if row.arr is None else str(row.arr),
        "potential": None if row.potential is None else str(row.potential),
        "strategic": row.strategic,
        "tier_override": row.override,
        "tier": row.tier,
        "key_account": row.key_account,
        "band_red_since": row.band_red_since,
        "demoted": row.demoted,
    }
