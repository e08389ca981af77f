"""Which accounts are due, and what the whole book says: borders of tiers, load of people."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from syncd.errors import StopRunError
from syncd.model import Before, Scalar
from syncd.playbooks import Playbooks
from syncd.rules import (
    BookBorders,
    BookRow,
    RuleInput,
    arr_in_force,
    assign,
    borders,
    loads,
)
from syncd.store import chunks, rank_name
from syncd.sync.linking import book_connections, book_named, book_of, held_back, home_of, people_at
from syncd.sync.loading import ACCOUNTS_AT_ONCE, Loaded, load
from syncd.sync.turn import Connected, Turn

RENEWAL = "renewal"
"""The rule that works out the ARR."""
BORDER_KINDS = frozenset({"account", "contract", "opportunity"})
"""What the ARR and the flags of an account are worked out from; the rest is read only once."""
STOPPED = "stopped while deriving; the next run goes on from here"


class Due(Struct, frozen=True):
    """The accounts of this run, and the borders that each book sets, by connection.

    Linked connections are one book; each other is a book of its own.
    """

    keys: tuple[str, ...]
    run: int = 0
    books: Mapping[str, BookBorders] = {}
    load: Mapping[str, Mapping[str, tuple[float, str]]] = {}
    """Of each connection's book: each account manager's load, and the key of their largest
    account. A person is named as the book's task connection names them.
    """


def bases(turn: Turn, served: Sequence[Connected]) -> dict[str, str]:
    """Change when the mapping, the policy or a rate does: then every account is derived anew.

    So they are when people's values are no longer to be kept, or to be kept from now on.

    Linked connections have one together, for an account of one may have records of another.
    """
    own = {
        c.name: ":".join(
            (
                c.mapping.hash,
                turn.policy_hash,
                ",".join(sorted(c.withheld)),
                c.context.money(),
                turn.write.on_human_edit,
            )
        )
        for c in turn.connections
    }
    if turn.link is not None:
        parts = [own[name] for name in turn.link.connections if name in own]
        joint = "+".join([*parts, turn.link.hash()])
        own |= {name: joint for name in turn.link.connections if name in own}
    return {
        c.name: hashlib.blake2b(own[c.name].encode(), digest_size=16).hexdigest() for c in served
    }


def find_due(turn: Turn, served: Sequence[Connected], run: int = 0) -> Due:
    """Touched accounts, those whose day has come, and those that the book's borders move."""
    store, names = turn.store, [connected.name for connected in served]
    seen = tuple(dict.fromkeys(n for name in names for n in book_connections(turn, name)))
    if turn.full and not turn.as_of:
        with store.begin() as tx:
            for name in names:
                store.book.touch_all(tx, name)
    with store.begin(write=False) as tx:
        held = held_back(tx, turn, served)
        # Another day or policy is asked of everybody, and that leaves no mark on anybody.
        basis = None if turn.as_of else bases(turn, served)
        due = store.book.due(tx, names, turn.today, basis)
        due = [key for key in due if key not in held]
        rows = store.book.rows(tx, seen)
        owners = store.book.owners(tx, seen)
        told = store.book.loads_told(tx, seen)
        homes = _homes(tx, turn)
    blind = {c.name for c in served if RENEWAL in c.off}
    for some in chunks(due, ACCOUNTS_AT_ONCE):
        # A few hundred at a time: over a big book this takes minutes, and others write meanwhile.
        with store.begin(write=False) as tx:
            for loaded, before in load(tx, turn, served, some, kinds=BORDER_KINDS):
                key = loaded.stored.key
                rows.pop(key, None)
                row = _row(turn, loaded, before, blind)
                if row is not None:
                    rows[key] = row
                    owners[key] = loaded.records.account.owner if loaded.records else None
        if turn.stop.is_set():
            raise StopRunError(STOPPED)
    of = {key: book_of(turn, key) for key in rows}
    books = {
        book: borders(
            (row for key, row in rows.items() if of[key] == book), turn.policy.tier, turn.today
        )
        for book in {book_named(turn, name) for name in names}
    }
    moved: set[str] = set()
    tiers: dict[str, str] = {}
    untiered = {book_named(turn, c.name) for c in served if "tier" in c.off}
    for key, row in rows.items():
        if of[key] in untiered and row.tier is not None:
            tiers[key] = row.tier
            continue
        placed = assign(row, books[of[key]], turn.policy.tier, turn.today)
        tiers[key] = placed.tier
        if (placed.tier, placed.key_account) != (row.tier, row.key_account):
            moved.add(key)
    persons = {
        key: person_of(turn, homes.get(key, key.partition(":")[0]), owners.get(key)) for key in rows
    }
    carried = {
        book: loads(
            (
                (key, persons[key], tiers[key], row.arr)
                for key, row in rows.items()
                if of[key] == book
            ),
            turn.policy,
        )
        for book in books
    }
    everyone = _tells_everyone(turn.playbooks)
    for key in rows:
        now = carried[of[key]].get(persons[key] or "")
        if told.get(key, "") != _told(now, key, everyone=everyone):
            moved.add(key)
    # The book's other CRM may be out of reach: what it has alone waits for it.
    moved = {key for key in moved - held if key.partition(":")[0] in names}
    return Due(
        keys=(*due, *sorted(moved - set(due))),
        run=run,
        books={name: books[book_named(turn, name)] for name in names},
        load={name: carried[book_named(turn, name)] for name in names},
    )


def _homes(tx: Connection, turn: Turn) -> dict[str, str]:
    """Where each linked account gets its tasks: its owner is named as that CRM names people."""
    if turn.link is None:
        return {}
    names: dict[str, list[str]] = {}
    for member in turn.store.links.linked(tx):
        names.setdefault(member.account, []).append(member.connection)
    by_name = {connected.name: connected for connected in turn.connections}
    return {
        key: home_of(turn, by_name, [name for name in some if name in by_name])
        for key, some in names.items()
        if any(name in by_name for name in some)
    }


def person_of(turn: Turn, connection: str, id: str | None) -> str | None:
    """One name for a person in the whole book, for an id as that connection has it."""
    rules = turn.link
    if id is None or rules is None or connection not in rules.connections:
        return id
    by_name = {connected.name: connected for connected in turn.connections}
    main = next((name for name in rules.task_order() if name in by_name), connection)
    owner, _, rest = id.partition(":")
    if rest and owner in by_name:  # somebody whom the connection itself does not have
        connection, id = owner, rest
    return people_at(turn, by_name, main).id_of(connection, id)


def _tells_everyone(playbooks: Playbooks) -> bool:
    """Whether a playbook asks for the load at other accounts than the manager's largest."""
    return any("am_load" in p.names and "am_largest" not in p.names for p in playbooks)


def _told(load: tuple[float, str] | None, key: str, *, everyone: bool) -> str:
    """What the account's playbooks hear of its manager's load, as a text to compare."""
    if load is None:
        return ""
    if load[1] == key:
        return f"{load[0]} largest"
    return str(load[0]) if everyone else ""


def told_load(turn: Turn, due: Due, loaded: Loaded) -> str:
    """What this account's playbooks hear of its manager's load in this run, to be kept."""
    if loaded.records is None or loaded.records.account.status != "customer":
        return ""
    load = _load(turn, due, loaded)
    return _told(load, loaded.stored.key, everyone=_tells_everyone(turn.playbooks))


def load_of(turn: Turn, due: Due, loaded: Loaded) -> dict[str, tuple[float, str]]:
    """The load of this account's manager, with the record id of their largest account."""
    load = _load(turn, due, loaded)
    account = None if loaded.records is None else loaded.records.account
    if load is None or account is None or account.owner is None:
        return {}
    return {account.owner: (load[0], account.id if load[1] == loaded.stored.key else "")}


def _load(turn: Turn, due: Due, loaded: Loaded) -> tuple[float, str] | None:
    """The load of this account's manager, with the key of their largest account."""
    if loaded.records is None:
        return None
    person = person_of(turn, loaded.home, loaded.records.account.owner)
    return due.load.get(loaded.stored.key.partition(":")[0], {}).get(person or "")


def borders_for(book: BookBorders, key: str) -> BookBorders:
    """The book's borders as this account's rules are to see them: by its own id.

    Two CRMs may have the same id for different accounts.
    """
    name, id = rank_name(key), key.partition(":")[2]
    rank = book.ranks.get(name)
    return replace(
        book,
        ranks={} if rank is None else {id: rank},
        key_accounts=frozenset([id] if name in book.key_accounts else []),
    )


def _row(turn: Turn, loaded: Loaded, before: Before, blind: AbstractSet[str]) -> BookRow | None:
    """What the borders need of an account that is about to be derived.

    Its ARR stands as it was where the rule that works it out is off (`blind` connections).
    """
    records = loaded.records
    if records is None or records.account.status != "customer":
        return None
    arr = before.values.get("arr")
    if blind.isdisjoint(member.connection for member in loaded.members):
        given = RuleInput(records, before, {}, BookBorders(), turn.policy, turn.today)
        arr = arr_in_force(given)
    tier = before.values.get("tier")
    key_account = before.values.get("key_account")
    return BookRow(
        account=rank_name(loaded.stored.key),
        arr=arr if isinstance(arr, Decimal) else None,
        potential=records.account.expansion_potential,
        strategic=bool(records.account.strategic),
        override=records.account.tier_override,
        tier=tier if isinstance(tier, str) else None,
        key_account=key_account if isinstance(key_account, bool) else None,
        band_red_since=red_since(before.values.get("health_band"), before.since),
        demoted=before.facts.get("tier_demoted") is True,
    )


def red_since(band: Scalar, since: Mapping[str, date]) -> date | None:
    """Since when the account has been red; None when it is not."""
    return since.get("health_band") if band == "red" else None
