"""`syncd forget`: erase an account or a contact from the state, its history included."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from syncd.model import Contact
from syncd.store import Erased
from syncd.sync import Connected, Lease, Turn


class Forgotten(Struct, frozen=True):
    """What was erased. kind: account or contact.

    `scrubbed`: the database keeps no copy of it either. `places`: the connections that may still
    have it, for a linked customer several.
    """

    kind: str
    connection: str
    record: str
    name: str
    erased: Erased
    scrubbed: bool = True
    places: tuple[str, ...] = ()


def find_contacts(
    turn: Turn, connections: Sequence[Connected], word: str
) -> list[tuple[Connected, str, str]]:
    """The contacts with this id or name: (connection, record id, name)."""
    found = []
    for connected in connections:
        for source in _sources(connected):
            with turn.store.begin(write=False) as tx:
                for record in turn.store.mirror.of_source(tx, connected.name, source):
                    for item in connected.mapping.read(source, record, connected.context):
                        if not isinstance(item, Contact) or item.id != record.id:
                            continue
                        name = item.name or ""
                        if word in {record.id, record.id[:15]} or word.lower() == name.lower():
                            found.append((connected, record.id, name))
    return found


def _sources(connected: Connected) -> list[str]:
    return [
        source.name
        for source in connected.mapping.sources
        if "contact" in connected.mapping.kinds_of(source.name)
    ]


def _tasks(connections: Sequence[Connected]) -> dict[str, str]:
    return {c.name: c.mapping.task_source for c in connections if c.mapping.task_source is not None}


def forget_account(turn: Turn, key: str, name: str) -> Forgotten:
    """Erase an account with all that hangs on it. Raises LeaseError while a run goes on."""
    with Lease(turn) as lease:
        with lease.turn.store.begin() as tx:
            linked = [m.connection for m in turn.store.links.linked(tx) if m.account == key]
            erased = turn.store.erasure.account(tx, key)
        scrubbed = turn.store.scrub()
    connection, _, record = key.partition(":")
    places = tuple(dict.fromkeys((connection, *linked)))
    return Forgotten("account", connection, record, name, erased, scrubbed, places)


def forget_contact(turn: Turn, connected: Connected, record: str, name: str) -> Forgotten:
    """Erase a contact, and its name from all texts. Raises LeaseError while a run goes on."""
    with Lease(turn) as lease:
        with lease.turn.store.begin() as tx:
            erased = turn.store.erasure.contact(
                tx,
                connected.name,
                _sources(connected),
                record,
                [name, record],
                _tasks(turn.connections),
            )
        scrubbed = turn.store.scrub()
    places = (connected.name,)
    return Forgotten("contact", connected.name, record, name, erased, scrubbed, places)


def forget_name(turn: Turn, name: str) -> Forgotten:
    """Take a name out of all texts: of a contact that the CRM, and so the mirror, has no longer.

    Raises LeaseError while a run goes on.
    """
    with Lease(turn) as lease:
        with lease.turn.store.begin() as tx:
            erased = turn.store.erasure.name(tx, name, _tasks(turn.connections))
        scrubbed = not erased.texts or turn.store.scrub()
    return Forgotten("contact", "", "", name, erased, scrubbed)
