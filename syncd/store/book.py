"""The book: accounts, which records are theirs, what was derived of them, and their past."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, bindparam, delete, func, or_, select, update

from syncd.model import Before, Derived, Ref, Scalar
from syncd.rules.health import whole
from syncd.rules.rule import BookRow
from syncd.store.sql import chunks, from_json, to_json, upsert
from syncd.store.tables import accounts, derived, members, snapshots

SHORT_ID, FULL_ID = 15, 18  # a Salesforce id without and with its check letters


class StoredAccount(Struct, frozen=True):
    """An account as the store knows it. `members` are (connection, record id) pairs."""

    key: str
    name: str
    domain: str | None
    status: str | None
    gone: bool
    valid_until: date | None
    members: tuple[tuple[str, str], ...]


class StoredDerivation(Struct, frozen=True):
    """What was derived of an account at its last turn."""

    values: Mapping[str, Derived]
    facts: Mapping[str, Scalar]
    since: Mapping[str, date]
    derived_at: str


class AccountState(Struct, frozen=True):
    """What a derivation leaves behind for later turns and for the book-wide borders."""

    key: str
    name: str
    domain: str | None
    status: str
    owner: str | None
    valid_until: date | None
    basis: str
    row: BookRow
    load_told: str = ""
    """What its playbooks heard of its manager's load; blank where they heard nothing."""


def account_key(connection: str, id: str) -> str:
    """The key of an account that stands for itself: its connection and record id."""
    return f"{connection}:{id}"


def rank_name(key: str) -> str:
    """An account's id with its connection, as borders of a book of several CRMs tell it apart.

    Sorted as text, such names stand in the order of the ids.
    """
    connection, _, id = key.partition(":")
    return f"{id} {connection}"


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


class Book:
    """Reads and writes accounts and what is derived of them."""

    # --- who there is -----------------------------------------------------------------------

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

    def touch_all(self, tx: Connection, connection: str) -> None:
        """Mark every account of a connection (its mapping changed, or a full run wants it)."""
        keys = select(members.c.account).where(members.c.connection == connection)
        tx.execute(update(accounts).where(accounts.c.key.in_(keys)).values(dirty=True))

    def due(
        self, tx: Connection, connections: Sequence[str], today: date, basis: Mapping[str, str]
    ) -> list[str]:
        """Keys of accounts to derive: touched, past their `valid_until`, or of another basis."""
        found: list[str] = []
        for connection in connections:
            found += tx.scalars(
                select(accounts.c.key)
                .where(
                    accounts.c.connection == connection,
                    or_(
                        accounts.c.dirty,
                        accounts.c.valid_until <= today,
                        accounts.c.basis.is_(None),
                        accounts.c.basis != basis[connection],
                    ),
                )
                .order_by(accounts.c.key)
            )
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
        return list(
            tx.scalars(
                select(accounts.c.key).where(
                    or_(
                        accounts.c.key == word,
                        accounts.c.key.in_(by_id),
                        func.lower(accounts.c.domain) == word.lower(),
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
                .limit(20)
            )
        )

    # --- what was derived -------------------------------------------------------------------

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
        decisions: Mapping[
            str, tuple[Mapping[str, Derived], Mapping[str, Scalar], Mapping[str, date]]
        ],
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
        decisions: Mapping[
            str, tuple[Mapping[str, Derived], Mapping[str, Scalar], Mapping[str, date]]
        ],
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
        tx.execute(delete(snapshots).where(snapshots.c.day < newest))

    # --- the whole book ---------------------------------------------------------------------

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

    # --- the safety limit -------------------------------------------------------------------

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
    }
