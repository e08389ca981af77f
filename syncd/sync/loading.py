"""An account with its records, as the mirror has them; those of linked CRMs united."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from syncd.connector import Record
from syncd.link import Part, unite
from syncd.model import (
    Account,
    AccountRecords,
    Activity,
    Before,
    Contact,
    Contract,
    Finding,
    Handoff,
    Opportunity,
    Ref,
    Role,
    Ticket,
    Usage,
)
from syncd.store import Row, StoredAccount, chunks
from syncd.sync.linking import home_of, people_at
from syncd.sync.turn import Connected, Turn

T = TypeVar("T")

ACCOUNTS_AT_ONCE = 250


class Member(Struct, frozen=True):
    """One CRM's record of an account: its connection, record, and canonical form."""

    connection: str
    record: Record
    account: Account


class Loaded(Struct, frozen=True):
    """An account with its records, as the mirror has them."""

    stored: StoredAccount
    members: tuple[Member, ...]
    records: AccountRecords | None  # None: it left the book
    home: str = ""
    """The connection in which it gets tasks, and whose user ids name its people."""
    parts: tuple[Part, ...] = ()
    """What each CRM has of it, the leading record's first."""

    @property
    def halved(self) -> bool:
        """Whether a record of a linked account is not there: nothing may be concluded from it."""
        return len(self.stored.members) > max(1, len(self.members)) and not self.stored.gone


def load(
    tx: Connection,
    turn: Turn,
    served: Sequence[Connected],
    keys: Sequence[str],
    *,
    kinds: AbstractSet[str] | None = None,
) -> Iterator[tuple[Loaded, Before]]:
    """The accounts with all their records, or those of some kinds, a few hundred at a time.

    Accounts that are not in the book any more are left out.
    """
    by_name = {connected.name: connected for connected in served}
    for some in chunks(keys, ACCOUNTS_AT_ONCE):
        stored = turn.store.book.account(tx, some)
        befores = turn.store.book.befores(tx, some)
        rows: dict[tuple[str, str], list[Row]] = {}
        for name, connected in by_name.items():
            ids = [id for s in stored.values() for c, id in s.members if c == name]
            for id, found in _rows_of(tx, turn, connected, ids, kinds).items():
                rows[name, id] = found
        for key in some:
            account = stored.get(key)
            if account is None:
                continue  # merged away since it was found due: it belongs to another account
            canonical = [
                _canonical(by_name[name], id, rows.get((name, id), []))
                for name, id in account.members
                if name in by_name
            ]
            parts = [part for part in canonical if part is not None]
            # The record that leads comes first: the account has its id.
            parts.sort(key=lambda part: f"{part[0].connection}:{part[0].record.id}" != key)
            yield _loaded(turn, by_name, account, parts), befores.get(key, Before())


def _loaded(
    turn: Turn,
    by_name: Mapping[str, Connected],
    stored: StoredAccount,
    found: Sequence[tuple[Member, AccountRecords]],
) -> Loaded:
    """The account with its records, those of several CRMs united."""
    members = tuple(member for member, _ in found)
    parts = tuple(Part(member.connection, records) for member, records in found)
    records = parts[0].records if parts else None
    home = members[0].connection if members else stored.key.partition(":")[0]
    if len(parts) > 1 and turn.link is not None:
        home = home_of(turn, by_name, [member.connection for member in members])
        records = unite(turn.link, parts, people_at(turn, by_name, home))
    return Loaded(
        stored=stored,
        members=members,
        records=None if stored.gone else records,
        home=home,
        parts=parts,
    )


def _rows_of(
    tx: Connection,
    turn: Turn,
    connected: Connected,
    ids: Sequence[str],
    kinds: AbstractSet[str] | None,
) -> dict[str, list[Row]]:
    """The mirrored records of these accounts, by account id, also through a deal or contact."""
    mirror, connection, mapping = turn.store.mirror, connected.name, connected.mapping
    kinds = mapping.kinds if kinds is None else kinds
    feeds = {source.name: mapping.kinds_of(source.name) for source in mapping.sources}
    sources = [name for name, some in feeds.items() if kinds & {*some}]
    found: dict[str, list[Row]] = {id: [] for id in ids}
    through: dict[str, str] = {}
    for row in mirror.of_owners(tx, connection, (f"account:{id}" for id in ids), sources):
        account = (row.owner or "").partition(":")[2]
        found[account].append(row)
        for kind in feeds[row.source]:
            if kind in {"opportunity", "contact"}:
                through[f"{kind}:{row.record.id}"] = account
    if mapping.kinds & kinds & {"handoff", "role", "activity"}:
        for row in mirror.of_owners(tx, connection, through, sources):
            found[through[row.owner or ""]].append(row)
    return found


def _canonical(
    connected: Connected, id: str, rows: Sequence[Row]
) -> tuple[Member, AccountRecords] | None:
    """The canonical form of one account record with everything around it."""
    mapping = connected.mapping
    found: dict[type, list[object]] = {}
    member: Record | None = None
    for row in rows:
        if row.source == mapping.account_source and row.record.id == id:
            member = row.record
        for item in mapping.read(row.source, row.record, connected.context):
            found.setdefault(type(item), []).append(item)
    account = next(
        (a for a in found.get(Account, []) if isinstance(a, Account) and a.id == id), None
    )
    if account is None or member is None:
        return None
    handoffs = {h.opportunity: h for h in _all(found, Handoff) if h.opportunity}
    opportunities = tuple(_with_handoff(deal, handoffs) for deal in _all(found, Opportunity))
    return (
        Member(connection=connected.name, record=member, account=account),
        AccountRecords(
            account=account,
            opportunities=opportunities,
            contracts=_all(found, Contract),
            contacts=_all(found, Contact),
            roles=_all(found, Role),
            tickets=_all(found, Ticket),
            activities=_all(found, Activity),
            usage=_all(found, Usage),
            users=connected.users,
            kinds=mapping.kinds,
            fields=mapping.fields - connected.withheld,
            findings=_all(found, Finding),
        ),
    )


def _all(found: Mapping[type, list[object]], kind: type[T]) -> tuple[T, ...]:
    return tuple(item for item in found.get(kind, []) if isinstance(item, kind))


def _with_handoff(deal: Opportunity, handoffs: Mapping[str, Handoff]) -> Opportunity:
    found = handoffs.get(deal.id)
    return deal if found is None else replace(deal, handoff=found)


def ref_of(connected: Connected, id: str) -> Ref:
    """The ref of an account record."""
    return Ref(connection=connected.name, object=connected.mapping.account_object, id=id)
