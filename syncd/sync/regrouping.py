"""Accounts of several records: parted where they do not belong together any more, and joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from syncd.errors import StopRunError
from syncd.link import Place
from syncd.store import Joined, Membership, Parted, chunks
from syncd.sync.tasks import FINISHED, slot_of
from syncd.sync.turn import Turn

LINKED_AT_ONCE = 200
"""Accounts that are joined or parted in one go."""


def place_of(member: Membership) -> Place:
    """Which record it is."""
    return member.connection, member.id


def regroup(
    turn: Turn,
    rows: Mapping[Place, Membership],
    groups: Sequence[Joined],
    missing: frozenset[Place],
) -> frozenset[Place]:
    """Part what no longer belongs together, then join what does; the records that were parted.

    Some accounts at a time, each of them whole: others write to the state in between, and what
    is left when a run dies is found once more by the next.
    """
    store = turn.store
    current: dict[str, list[Place]] = {}
    for place, member in rows.items():
        if member.linked_by is not None:
            current.setdefault(member.account, []).append(place)
    named = [replace(group, key=_key(rows, group.places)) for group in groups]
    wanted = {place: group.key for group in named for place in group.places}
    ends = [_end(rows, key, places, wanted, missing) for key, places in current.items()]
    parted: set[Place] = set()
    for some in chunks((end for end in ends if end.parting or end.alone), LINKED_AT_ONCE):
        with store.begin() as tx:
            parting = [one for end in some for one in end.parting]
            alone = [one for end in some for one in end.alone]
            _settle_moved(tx, turn, sorted(end.key for end in some if end.parting))
            store.links.part(tx, parting)
            store.links.leave_alone(tx, alone)
        parted |= {(one.connection, one.id) for one in (*parting, *alone)}
        heed_stop(turn)
    fresh = [g for g in named if set(g.places) != set(current.get(g.key, ()))]
    for joins in chunks(fresh, LINKED_AT_ONCE):
        with store.begin() as tx:
            store.links.join(tx, joins, turn.today)
        heed_stop(turn)
    if parted or fresh:
        turn.log.info(
            "accounts_linked", joined=len(fresh), parted=sum(len(end.parting) for end in ends)
        )
    return frozenset(parted)


class _End(Struct, frozen=True):
    """What of an account's records does not belong together any more; `alone` if nothing does."""

    key: str
    parting: tuple[Parted, ...]
    alone: tuple[Parted, ...]


def _end(
    rows: Mapping[Place, Membership],
    key: str,
    places: Sequence[Place],
    wanted: Mapping[Place, str],
    missing: frozenset[Place],
) -> _End:
    lead = next((p for p in places if rows[p].own_key == key), None)
    others = [p for p in places if p != lead]
    leaving = [p for p in others if wanted.get(p, rows[p].own_key) != key]
    alone: tuple[Parted, ...] = ()
    if lead is not None and len(leaving) == len(others):
        goes_on = any(place in missing for place in others)
        alone = (Parted(*lead, own_past=not goes_on, gone=lead in missing),)
    return _End(
        key=key,
        parting=tuple(Parted(*p, own_past=lead not in missing, gone=p in missing) for p in leaving),
        alone=alone,
    )


def _key(rows: Mapping[Place, Membership], places: Sequence[Place]) -> str:
    """The account that the others join: one that has others already, else the first that leads."""
    leads = [place for place in places if rows[place].account == rows[place].own_key]
    linked = [place for place in leads if rows[place].linked_by is not None]
    return rows[(*linked, *leads, *places)[0]].own_key


def let_go(tx: Connection, turn: Turn, connection: str, id: str) -> None:
    """A record that is about to be merged into another stands alone first; the others go on."""
    links = turn.store.links
    key = links.keys_of(tx, connection, [id]).get(id)
    places = [place_of(m) for m in links.linked(tx) if m.account == key]
    if (connection, id) not in places:
        return
    others = [place for place in places if place != (connection, id)]
    if key == f"{connection}:{id}":
        links.part(tx, [Parted(*place, own_past=False) for place in others])
        links.leave_alone(tx, [Parted(connection, id, own_past=False)])
        return
    links.part(tx, [Parted(connection, id, own_past=True)])
    if len(others) == 1:
        links.leave_alone(tx, [Parted(*others[0], own_past=False)])


def _settle_moved(tx: Connection, turn: Turn, keys: Sequence[str]) -> None:
    """A task that moved to another CRM and was finished there is finished for good."""
    for stored in turn.store.tasks.of_accounts(tx, keys).values():
        done = {slot_of(task) for task in stored if task.state in FINISHED}
        back = [task for task in stored if task.state == "moved" and slot_of(task) in done]
        turn.store.tasks.save(tx, [replace(task, state="closed") for task in back])


def heed_stop(turn: Turn) -> None:
    """Raise what ends a run that was told to stop."""
    if turn.stop.is_set():
        raise StopRunError("stopped while linking; the next run goes on from here")
