"""Derive: which accounts are due, their records from the mirror, and what the rules say of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from syncd.connector import Record
from syncd.model import (
    Account,
    AccountRecords,
    Activity,
    Before,
    Contact,
    Contract,
    Derived,
    Finding,
    Handoff,
    Opportunity,
    Ref,
    Role,
    Scalar,
    Ticket,
    Usage,
)
from syncd.playbooks import next_turn
from syncd.rules import RULES, assign, borders, derive, loads
from syncd.rules.rule import BookBorders, BookRow, RuleInput
from syncd.store import AccountState, Row, StoredAccount, chunks
from syncd.sync.turn import Connected, Turn

T = TypeVar("T")

ACCOUNTS_AT_ONCE = 250
OVERLOAD = 1.2  # as the playbook am-overloaded has it
RENEWAL = next(rule for rule in RULES if rule.name == "renewal")


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


class Derivation(Struct, frozen=True):
    """One account's turn: what went in, what came out."""

    loaded: Loaded
    before: Before
    values: Mapping[str, Derived]
    facts: Mapping[str, Scalar]
    since: Mapping[str, date]
    findings: tuple[Finding, ...]
    state: AccountState
    stands: Mapping[str, Derived] = {}
    """The values, and those of rules that are off as they stood before."""


class Due(Struct, frozen=True):
    """The accounts of this run, and the borders that each book sets, by connection.

    Each connection is a book of its own.
    """

    keys: tuple[str, ...]
    run: int = 0
    books: Mapping[str, BookBorders] = {}
    load: Mapping[str, tuple[float, str]] = {}
    """Each account manager's load, and the record id of their largest account."""


def book_of(key: str) -> str:
    """Which book an account counts in: its connection's."""
    return key.partition(":")[0]


def basis(turn: Turn, connected: Connected) -> str:
    """Changes when the mapping or the policy does: then every account is derived anew."""
    text = f"{connected.mapping.hash}:{turn.policy_hash}:{','.join(sorted(connected.withheld))}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def find_due(turn: Turn, served: Sequence[Connected], run: int = 0) -> Due:
    """Touched accounts, those whose day has come, and those that the book's borders move."""
    names = [connected.name for connected in served]
    with turn.store.begin() as tx:
        if turn.as_of or turn.full:
            for name in names:
                turn.store.book.touch_all(tx, name)
        due = turn.store.book.due(tx, names, turn.today, {c.name: basis(turn, c) for c in served})
        rows = turn.store.book.rows(tx, names)
        owners = turn.store.book.owners(tx, names)
        for loaded, before in load(tx, turn, served, due):
            key = loaded.stored.key
            rows.pop(key, None)
            row = _row(turn, loaded, before)
            if row is not None:
                rows[key] = row
                owners[key] = loaded.records.account.owner if loaded.records else None
        overloaded = turn.store.tasks.open_of(tx, names, "am-overloaded")
    books = {
        name: borders(
            (row for key, row in rows.items() if book_of(key) == name),
            turn.policy.tier,
            turn.today,
        )
        for name in names
    }
    moved: set[str] = set()
    tiers: dict[str, str] = {}
    untiered = {connected.name for connected in served if "tier" in connected.off}
    for key, row in rows.items():
        if book_of(key) in untiered and row.tier is not None:
            tiers[key] = row.tier
            continue
        tiers[key], key_account, _ = assign(row, books[book_of(key)], turn.policy.tier, turn.today)
        if (tiers[key], key_account) != (row.tier, row.key_account):
            moved.add(key)
    carried = loads(
        ((key, owners.get(key), tiers[key], row.arr) for key, row in rows.items()), turn.policy
    )
    heavy = {largest for load, largest in carried.values() if load > OVERLOAD}
    told = {am: (load, largest.partition(":")[2]) for am, (load, largest) in carried.items()}
    moved |= heavy | (overloaded & set(rows))
    return Due(keys=(*due, *sorted(moved - set(due))), run=run, books=books, load=told)


def _row(turn: Turn, loaded: Loaded, before: Before) -> BookRow | None:
    """What the borders need of an account that is about to be derived."""
    records = loaded.records
    if records is None or records.account.status != "customer":
        return None
    decided = RENEWAL.decide(
        RuleInput(
            records=records,
            before=before,
            values={},
            book=BookBorders(),
            policy=turn.policy,
            today=turn.today,
        )
    )
    arr = decided.values["arr"].value
    tier = before.values.get("tier")
    key_account = before.values.get("key_account")
    return BookRow(
        account=records.account.id,
        arr=arr if isinstance(arr, Decimal) else None,
        potential=records.account.expansion_potential,
        strategic=bool(records.account.strategic),
        override=records.account.tier_override,
        tier=tier if isinstance(tier, str) else None,
        key_account=key_account if isinstance(key_account, bool) else None,
        band_red_since=_red_since(before.values.get("health_band"), before.since),
    )


def _red_since(band: Scalar, since: Mapping[str, date]) -> date | None:
    return since.get("health_band") if band == "red" else None


def load(
    tx: Connection, turn: Turn, served: Sequence[Connected], keys: Sequence[str]
) -> Iterator[tuple[Loaded, Before]]:
    """The accounts with all their records, a few hundred at a time."""
    by_name = {connected.name: connected for connected in served}
    for some in chunks(keys, ACCOUNTS_AT_ONCE):
        stored = turn.store.book.account(tx, some)
        befores = turn.store.book.befores(tx, some)
        rows: dict[tuple[str, str], list[Row]] = {}
        for name, connected in by_name.items():
            ids = [id for s in stored.values() for c, id in s.members if c == name]
            for id, found in _rows_of(tx, turn, connected, ids).items():
                rows[name, id] = found
        for key in some:
            account = stored[key]
            parts = [
                _canonical(by_name[name], id, rows.get((name, id), []))
                for name, id in account.members
                if name in by_name
            ]
            members = tuple(part[0] for part in parts if part is not None)
            records = next((part[1] for part in parts if part is not None), None)
            yield (
                Loaded(
                    stored=account,
                    members=members,
                    records=None if account.gone else records,
                ),
                befores.get(key, Before()),
            )


def _rows_of(
    tx: Connection, turn: Turn, connected: Connected, ids: Sequence[str]
) -> dict[str, list[Row]]:
    """The mirrored records of these accounts, by account id, also through a deal or contact."""
    mirror, name, mapping = turn.store.mirror, connected.name, connected.mapping
    found: dict[str, list[Row]] = {id: [] for id in ids}
    through: dict[str, str] = {}
    for row in mirror.of_owners(tx, name, (f"account:{id}" for id in ids)):
        account = (row.owner or "").partition(":")[2]
        found[account].append(row)
        for kind in mapping.kinds_of(row.source):
            if kind in {"opportunity", "contact"}:
                through[f"{kind}:{row.record.id}"] = account
    if mapping.kinds & {"handoff", "role", "activity"}:
        for row in mirror.of_owners(tx, name, through):
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


def derive_all(
    tx: Connection, turn: Turn, served: Sequence[Connected], due: Due
) -> Iterator[Derivation]:
    """What the rules say of each due account, with its reasons."""
    bases = {connected.name: basis(turn, connected) for connected in served}
    off = {connected.name: connected.off for connected in served}
    for loaded, before in load(tx, turn, served, due.keys):
        yield derive_one(turn, loaded, before, due.books[book_of(loaded.stored.key)], bases, off)


def derive_one(
    turn: Turn,
    loaded: Loaded,
    before: Before,
    book: BookBorders,
    bases: Mapping[str, str],
    off: Mapping[str, frozenset[str]],
) -> Derivation:
    """One account's turn."""
    key, today = loaded.stored.key, turn.today
    name = key.partition(":")[0]
    if loaded.records is None:
        state = AccountState(
            key=key,
            name=loaded.stored.name,
            domain=loaded.stored.domain,
            status="gone",
            owner=None,
            valid_until=None,
            basis=bases.get(name, ""),
            row=BookRow(account=key.partition(":")[2]),
        )
        return Derivation(loaded, before, {}, {}, {}, (), state)
    records = loaded.records
    rules_off = frozenset[str]().union(*(off[member.connection] for member in loaded.members))
    decision = derive(records, before, book, turn.policy, today, off=rules_off)
    values = dict(decision.values)
    stands = {**_standing(before, rules_off), **values}
    since = _since(before, stands, today)
    account = records.account
    arr, tier = _value(stands, "arr"), _value(stands, "tier")
    key_account = _value(stands, "key_account")
    turns = [value.valid_until for value in values.values()]
    turns.append(next_turn(turn.playbooks, records, values, before, turn.policy, today))
    valid_until = min((day for day in turns if day is not None), default=None)
    state = AccountState(
        key=key,
        name=account.name or "",
        domain=account.domain,
        status=account.status,
        owner=account.owner,
        valid_until=valid_until,
        basis=bases.get(name, ""),
        row=BookRow(
            account=account.id,
            arr=arr if isinstance(arr, Decimal) else None,
            potential=account.expansion_potential,
            strategic=bool(account.strategic),
            override=account.tier_override,
            tier=tier if isinstance(tier, str) else None,
            key_account=key_account if isinstance(key_account, bool) else None,
            band_red_since=_red_since(_value(stands, "health_band"), since),
        ),
    )
    findings = (*records.findings, *decision.findings)
    facts = {**before.facts, **decision.facts} if rules_off else decision.facts
    return Derivation(loaded, before, values, facts, since, findings, state, stands)


def _standing(before: Before, off: frozenset[str]) -> dict[str, Derived]:
    """What rules that are off said when they last were asked: it still stands in the CRM."""
    return {
        name: Derived(before.values[name], before.reasons.get(name, ""))
        for rule in RULES
        if rule.name in off
        for name in rule.writes
        if name in before.values
    }


def _value(values: Mapping[str, Derived], name: str) -> Scalar:
    found = values.get(name)
    return None if found is None else found.value


def _since(before: Before, values: Mapping[str, Derived], today: date) -> dict[str, date]:
    """Since when each state has stood as it stands (states and flags only)."""
    since = {}
    for name, derived in values.items():
        if not isinstance(derived.value, (str, bool)) or name.endswith(("_reason", "_drivers")):
            continue
        same = before.values.get(name) == derived.value
        since[name] = before.since.get(name, today) if same else today
    return since


def ref_of(connected: Connected, id: str) -> Ref:
    """The ref of an account record."""
    return Ref(connection=connected.name, object=connected.mapping.account_object, id=id)
