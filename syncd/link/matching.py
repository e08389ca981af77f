"""Which account records of several CRMs are the same customer. Never by name.

Strongest first: the hand-kept list, then (in the order of `by`) the id of the other CRM's account
in a field, and the same domain. A link is made only where it is the only one possible: a record
gets at most one partner in each other CRM, and what could be several is told, not guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from syncd.link.rules import LinkRules, Place

SHORT_ID, FULL_ID = 15, 18  # a Salesforce id without and with its check letters
CROWD = 200  # records on one domain beyond which nobody wants them compared one by one


class Known(Struct, frozen=True, gc=False):
    """By what an account record can be recognised. `links` are other CRMs' account ids in it."""

    connection: str
    id: str
    domain: str | None = None
    links: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        """Which record it is."""
        return (self.connection, self.id)


class Group(Struct, frozen=True):
    """Records of one customer, in the order of the connections. `by`: pair, id or domain."""

    members: tuple[Place, ...]
    by: str
    why: str


class Doubt(Struct, frozen=True):
    """A link that was not made though something spoke for it; `text` is for an admin."""

    kind: Literal["ambiguous_domain", "ambiguous_id", "unknown_id", "unknown_pair", "conflict"]
    places: tuple[Place, ...]
    text: str


class Matched(Struct, frozen=True):
    """The groups of two and more, and what remained in doubt."""

    groups: tuple[Group, ...]
    doubts: tuple[Doubt, ...]


class _Edge(Struct, frozen=True):
    one: Place
    other: Place
    by: str
    why: str


def match(rules: LinkRules, records: Iterable[Known]) -> Matched:
    """The same answer whatever the order of the records."""
    return _Matching(rules, records).matched()


class _Matching:
    """Groups that grow, strongest reason first."""

    def __init__(self, rules: LinkRules, records: Iterable[Known]) -> None:
        self.rules = rules
        rank = {name: at for at, name in enumerate(rules.connections)}
        self.rank = rank
        self.known = {
            record.place: record
            for record in sorted(
                (r for r in records if r.connection in rank),
                key=lambda r: (rank[r.connection], r.id),
            )
        }
        self.short = {
            (connection, id[:SHORT_ID]): id
            for connection, id in self.known
            if len(id) == FULL_ID and not id.isdigit()
        }
        self.apart: dict[Place, set[Place]] = {}
        for listed in rules.never:
            places = [p for p in (self.find(*place) for place in listed) if p is not None]
            for one in places:
                self.apart.setdefault(one, set()).update(p for p in places if p != one)
        self.group: dict[Place, list[Place]] = {}
        self.edges: list[_Edge] = []
        self.doubts: list[Doubt] = []
        self.doubtful: set[Place] = set()

    def find(self, connection: str, id: str) -> Place | None:
        """The record with this id, also by the short form of a Salesforce id."""
        if (connection, id) in self.known:
            return connection, id
        full = self.short.get((connection, id)) if len(id) == SHORT_ID else None
        return None if full is None else (connection, full)

    def matched(self) -> Matched:
        """Every way of matching, one after the other."""
        self._by_pairs()
        for way in self.rules.by:
            if way == "id":
                self._by_id()
            elif way == "domain":
                self._by_domain()
        groups: dict[Place, list[Place]] = {
            min(members, key=self._order): members for members in self.group.values()
        }
        reasons: dict[Place, list[_Edge]] = {}
        for edge in self.edges:
            leader = min(self.group[edge.one], key=self._order)
            reasons.setdefault(leader, []).append(edge)
        return Matched(
            groups=tuple(
                Group(
                    members=tuple(sorted(groups[leader], key=self._order)),
                    by=reasons[leader][0].by,
                    why="; ".join(dict.fromkeys(edge.why for edge in reasons[leader])),
                )
                for leader in sorted(groups, key=self._order)
            ),
            doubts=tuple(self.doubts),
        )

    def _order(self, place: Place) -> tuple[int, str]:
        return self.rank[place[0]], place[1]

    # --- joining ----------------------------------------------------------------------------

    def _members(self, place: Place) -> list[Place]:
        return self.group.get(place, [place])

    def _obstacle(self, one: Place, other: Place) -> str | None:
        """What speaks against joining the two groups; None when nothing does."""
        ours, theirs = self._members(one), self._members(other)
        if any(b in self.apart.get(a, ()) for a in ours for b in theirs):
            return "never"
        taken = {connection for connection, _ in ours}
        if any(connection in taken for connection, _ in theirs):
            return "taken"
        return None

    def _join(self, edge: _Edge) -> str | None:
        if edge.other in self._members(edge.one):
            return None
        obstacle = self._obstacle(edge.one, edge.other)
        if obstacle is None:
            members = [*self._members(edge.one), *self._members(edge.other)]
            for place in members:
                self.group[place] = members
            self.edges.append(edge)
        return obstacle

    # --- the ways ---------------------------------------------------------------------------

    def _by_pairs(self) -> None:
        """The hand-kept list."""
        for listed in self.rules.pairs:
            found = [(place, self.find(*place)) for place in listed]
            missing = tuple(place for place, there in found if there is None)
            here = [there for _, there in found if there is not None]
            if missing:
                text = f"the list names {_named(missing)}, which the book does not have"
                self.doubts.append(Doubt("unknown_pair", (*here, *missing), text))
            for one, other in pairwise(here):
                edge = _Edge(one, other, "pair", "they stand as a pair in the list")
                if self._join(edge) == "taken":
                    text = f"the list pairs {_named((one, other))}, but also with others"
                    self.doubts.append(Doubt("conflict", (one, other), text))

    def _claims(self) -> Iterator[tuple[Place, Place]]:
        """Which record names which by its id."""
        for place, record in self.known.items():
            for id in record.links:
                others = (c for c in self.rules.connections if c != record.connection)
                found = [there for c in others if (there := self.find(c, id)) is not None]
                if not found:
                    text = f"{_named((place,))} names the account {id}, which no linked CRM has"
                    self.doubts.append(Doubt("unknown_id", (place,), text))
                elif len(found) > 1:
                    text = f"{_named((place,))} names the account {id}; {_named(found)} have it"
                    self._doubt("ambiguous_id", (place, *found), text)
                else:
                    yield place, found[0]

    def _by_id(self) -> None:
        """A field that holds the id of the other CRM's account."""
        partners: dict[Place, dict[str, list[Place]]] = {}
        claims = [
            (one, other)
            for one, other in self._claims()
            if self._obstacle(one, other) is None or other in self._members(one)
        ]
        for one, other in claims:
            for place, partner in ((one, other), (other, one)):
                mine = partners.setdefault(place, {}).setdefault(partner[0], [])
                if partner not in mine:
                    mine.append(partner)
        unsure: set[tuple[Place, Place]] = set()
        for place, by_connection in partners.items():
            for some in by_connection.values():
                if len(some) > 1:
                    unsure |= {(place, p) for p in some} | {(p, place) for p in some}
                    text = f"{_named((place,))} is tied by id to more than one: {_named(some)}"
                    self._doubt("ambiguous_id", (place, *sorted(some, key=self._order)), text)
        for one, other in claims:
            if (one, other) not in unsure:
                why = f"{one[0]} {one[1]} names {other[0]} {other[1]} by its id"
                self._join(_Edge(one, other, "id", why))

    def _by_domain(self) -> None:
        """The same domain, where each CRM has one account with it."""
        by_domain: dict[str, list[Place]] = {}
        for place, record in self.known.items():
            if record.domain and record.domain not in self.rules.shared_domains:
                by_domain.setdefault(record.domain, []).append(place)
        for domain, places in by_domain.items():
            if len({connection for connection, _ in places}) < 2:  # noqa: PLR2004 - two CRMs
                continue
            for some in self._companies(places):
                self._same_domain(domain, some)

    def _companies(self, places: list[Place]) -> list[list[Place]]:
        """The records of one domain, without those that `never` keeps apart from all others."""
        if len(places) > CROWD or not any(place in self.apart for place in places):
            return [places]
        left = list(places)
        found: list[list[Place]] = []
        while left:
            some, queue = [], [left[0]]
            while queue:
                place = queue.pop()
                if place in some:
                    continue
                some.append(place)
                queue += [
                    other
                    for other in left
                    if other[0] != place[0] and other not in self.apart.get(place, ())
                ]
            left = [place for place in left if place not in some]
            found.append(sorted(some, key=self._order))
        return found

    def _same_domain(self, domain: str, places: list[Place]) -> None:
        connections = [connection for connection, _ in places]
        if len(set(connections)) < 2:  # noqa: PLR2004 - two CRMs
            return
        if len(set(connections)) < len(connections):
            alone = {place[0] for place in places if place not in self.group}
            if any(self._has_choice(connection, places) for connection in alone):
                text = f"more than one account of a CRM has the domain {domain}: {_named(places)}"
                self.doubts.append(Doubt("ambiguous_domain", tuple(places), text))
            return
        sure = [place for place in places if place not in self.doubtful]
        for one in sure:
            for other in sure:
                if self._order(one) < self._order(other):
                    why = f"they have the domain {domain}"
                    self._join(_Edge(one, other, "domain", why))

    def _has_choice(self, connection: str, places: Iterable[Place]) -> bool:
        """Whether one of these could still be the customer of another account of this CRM.

        What the list or the ids have joined to one of that CRM already is decided.
        """
        return any(
            all(member[0] != connection for member in self._members(place)) for place in places
        )

    def _doubt(self, kind: Literal["ambiguous_id"], places: tuple[Place, ...], text: str) -> None:
        self.doubts.append(Doubt(kind, places, text))
        self.doubtful |= set(places)


def _named(places: Iterable[Place]) -> str:
    listed = list(places)
    shown = ", ".join(f"{connection} {id}" for connection, id in listed[:5])
    more = len(listed) - 5
    return f"{shown} and {more} more" if more > 0 else shown
