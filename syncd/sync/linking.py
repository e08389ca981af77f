"""Link: the records that several CRMs have of one customer become one account, or part again.

What is recognised is kept beside each record, so that a run reads anew only the records that
changed; who belongs together is then worked out from one query.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace
from sqlalchemy import Connection

from syncd.link import Known, LinkRules, People, Place, match, people
from syncd.model import Account
from syncd.store import Joined, Membership, chunks
from syncd.sync.regrouping import LINKED_AT_ONCE, heed_stop, place_of, regroup
from syncd.sync.turn import Connected, Turn

RECOGNISED_BY = frozenset({"account.domain", "account.link"})
_APART = re.compile(r"[;,\s]+")


def link_accounts(turn: Turn) -> None:
    """Bring the accounts up to what `[link]` and the records say.

    A run that could not read all linked connections only adds links: nothing that it did not see
    may break one.
    """
    store, rules = turn.store, turn.link
    with store.begin(write=False) as tx:
        linked = store.links.linked(tx)
        missing = _absent(tx, turn, linked)
        unread = {} if rules is None else _unread(tx, turn, rules)
    if rules is None:
        regroup(turn, {place_of(m): m for m in linked}, [], missing)
        return
    unsure = {c.name for c in _linked_connections(turn, rules) if _unsure(c)}
    if not unsure and not any(unread.values()):
        return
    seen = _recognise(turn, rules, unread, unsure)
    missing |= {place for place, one in seen.items() if one is None}
    with store.begin(write=False) as tx:
        rows = {place_of(m): m for m in (*linked, *store.links.memberships(tx, rules.connections))}
    for place, one in seen.items():
        domain, links = one or (None, ())
        rows[place] = replace(rows[place], domain=domain, links=tuple(links))
    known = [
        Known(m.connection, m.id, m.domain, m.links)
        for place, m in rows.items()
        if not m.gone and place not in missing
    ]
    groups = [
        Joined("", group.members, group.by, group.why) for group in match(rules, known).groups
    ]
    if unsure:
        groups = _only_added(rules, rows, groups)
    parted = regroup(turn, rows, groups, missing)
    # Only now do the records count as read: a run that dies before is made up for by the next.
    for connected in _linked_connections(turn, rules):
        name, read_as = connected.name, None if unsure else _read_as(connected, rules)
        mine = [place for place in seen if place[0] == name]
        for some in chunks(mine, LINKED_AT_ONCE):
            with store.begin() as tx:
                for places, as_ in (
                    ([place for place in some if place not in parted], read_as),
                    # A link that was broken is looked for again.
                    ([place for place in some if place in parted], None),
                ):
                    found = {place[1]: seen[place] or (None, ()) for place in places}
                    store.links.identify(tx, name, found, as_)


def _linked_connections(turn: Turn, rules: LinkRules) -> list[Connected]:
    return [c for c in turn.connections if c.name in rules.connections]


def _unsure(connected: Connected) -> bool:
    """Whether this run does not see by what the connection's accounts are recognised."""
    return bool(connected.stopped or RECOGNISED_BY & connected.withheld)


def _read_as(connected: Connected, rules: LinkRules) -> str:
    """Changes when the mapping or [link] does: then every record is looked at again."""
    text = f"{connected.mapping.hash}:{rules.hash()}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _unread(tx: Connection, turn: Turn, rules: LinkRules) -> dict[str, list[str]]:
    """Ids of records that changed since links were last made, by connection."""
    return {
        c.name: turn.store.links.unread(tx, c.name, _read_as(c, rules))
        for c in _linked_connections(turn, rules)
    }


def _recognise(
    turn: Turn, rules: LinkRules, unread: Mapping[str, Sequence[str]], unsure: set[str]
) -> dict[Place, tuple[str | None, Sequence[str]] | None]:
    """Domain and ids of the records that changed; None: the record has left the book.

    What is read in a run that is not sure of everything is read again by the next.
    """
    seen: dict[Place, tuple[str | None, Sequence[str]] | None] = {}
    for connected in _linked_connections(turn, rules):
        if RECOGNISED_BY & connected.withheld:
            continue
        name, mapping = connected.name, connected.mapping
        for some in chunks(unread[name]):
            if not unsure:
                seen |= dict.fromkeys((name, id) for id in some)
            with turn.store.begin(write=False) as tx:
                for record in turn.store.mirror.many(tx, name, mapping.account_source, some):
                    for item in mapping.read(mapping.account_source, record, connected.context):
                        if isinstance(item, Account) and item.id == record.id:
                            seen[name, record.id] = item.domain, _ids(item.link)
            heed_stop(turn)
    return seen


def _absent(tx: Connection, turn: Turn, linked: Sequence[Membership]) -> frozenset[Place]:
    """Linked records that were seen to leave the book."""
    absent: set[Place] = set()
    for connected in turn.connections:
        name = connected.name
        ids = {m.id for m in linked if m.connection == name and m.changed}
        source = connected.mapping.account_source
        there = {record.id for record in turn.store.mirror.many(tx, name, source, sorted(ids))}
        absent |= {(name, id) for id in ids - there}
    return frozenset(absent)


def _ids(text: str | None) -> tuple[str, ...]:
    return tuple(id for id in _APART.split(text or "") if id)


def _only_added(
    rules: LinkRules, rows: Mapping[Place, Membership], groups: Sequence[Joined]
) -> list[Joined]:
    """The groups that stand, and of the new ones those that take nothing apart."""
    standing: dict[str, list[Place]] = {}
    for place, member in rows.items():
        if member.linked_by is not None and member.connection in rules.connections:
            standing.setdefault(member.account, []).append(place)
    kept: dict[str, Joined] = {
        key: Joined(key, tuple(places), rows[places[0]].linked_by or "", rows[places[0]].why or "")
        for key, places in standing.items()
    }
    added = []
    for group in groups:
        touched = {rows[place].account for place in group.places} & kept.keys()
        if all(set(kept[key].places) <= set(group.places) for key in touched):
            added.append(group)
            for key in touched:
                del kept[key]
    return [*added, *kept.values()]


# --- what a run may conclude ----------------------------------------------------------------------


def held_back(tx: Connection, turn: Turn, served: Iterable[Connected]) -> frozenset[str]:
    """Keys of accounts about which this run must conclude nothing: half of them was not read."""
    rules = turn.link
    if rules is None:
        return frozenset()
    names = {connected.name for connected in served}
    stopped = [c for c in _linked_connections(turn, rules) if c.name not in names]
    if not stopped:
        return frozenset()
    for connected in stopped:
        if not turn.store.cursors.was_read(tx, connected.name, connected.mapping.account_source):
            # Nobody knows yet who is there too, and how large the book is.
            members = turn.store.links.memberships(tx, rules.connections)
            return frozenset(member.account for member in members)
    away = {connected.name for connected in stopped}
    return frozenset(m.account for m in turn.store.links.linked(tx) if m.connection in away)


def book_of(turn: Turn, key: str) -> str:
    """Which book an account counts in: its connection's, or that of the linked connections."""
    return book_named(turn, key.partition(":")[0])


def book_named(turn: Turn, connection: str) -> str:
    """The book of a connection."""
    rules = turn.link
    return "+".join(rules.connections) if rules and connection in rules.connections else connection


def book_connections(turn: Turn, connection: str) -> tuple[str, ...]:
    """All connections whose customers stand in the same book."""
    rules = turn.link
    return rules.connections if rules and connection in rules.connections else (connection,)


# --- people ---------------------------------------------------------------------------------------


def home_of(turn: Turn, by_name: Mapping[str, Connected], names: Sequence[str]) -> str:
    """The connection in which a customer of these connections gets tasks."""
    if len(names) > 1 and turn.link is not None:
        for name in turn.link.task_order():
            if name in names and by_name[name].mapping.task is not None:
                return name
    return names[0]


def people_at(turn: Turn, by_name: Mapping[str, Connected], home: str) -> People:
    """Everybody of the linked connections, as `home` knows them; worked out once a run."""
    rules = turn.link
    names = [n for n in (rules.connections if rules else ()) if n in by_name] or [home]
    users = tuple(by_name[name].users for name in names)
    connected = by_name[home]
    known = connected.people
    if known is not None and [*map(id, known[0])] == [*map(id, users)]:
        return known[1]
    found = people(home, dict(zip(names, users, strict=True)))
    connected.people = (users, found)
    return found
