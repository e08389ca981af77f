"""`syncd links`: which accounts are one customer, which are not and why, and where CRMs differ.

Reads the state alone: what the last run read, judged by today's `[link]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from syncd.link import Doubt, Known, LinkRules, Matched, Place, disagreements, match
from syncd.store import Membership
from syncd.sync import Connected, Loaded, Turn, load, load_users, people_at


def linkage(turn: Turn, connections: Sequence[Connected]) -> dict[str, Any]:
    """The document that ``links --json`` prints; without ``[link]`` all of its lists are empty."""
    rules = turn.link
    if rules is None:
        empty: dict[str, Any] = {"connections": [], "records": 0}
        return empty | {"linked": [], "unlinked": [], "ambiguous": [], "disagreeing": []}
    for connected in connections:
        load_users(turn, connected)
    by_name = {connected.name: connected for connected in connections}
    with turn.store.begin(write=False) as tx:
        rows = {
            (m.connection, m.id): m
            for m in turn.store.links.memberships(tx, rules.connections)
            if not m.gone
        }
        keys = sorted({m.account for m in rows.values() if m.linked_by is not None})
        loaded = [item for item, _ in load(tx, turn, connections, keys)]
    matched = match(rules, (Known(m.connection, m.id, m.domain, m.links) for m in rows.values()))
    return {
        "connections": list(rules.connections),
        "records": len(rows),
        "linked": [
            _linked({name: by_name[name] for name in rules.connections}, item, rows)
            for item in loaded
        ],
        "unlinked": list(_unlinked(by_name, rules, rows, matched)),
        "ambiguous": [_doubt(by_name, rows, doubt) for doubt in matched.doubts],
        "disagreeing": [row for item in loaded for row in _differing(turn, by_name, rules, item)],
    }


def _record(by_name: Mapping[str, Connected], place: Place, name: str) -> dict[str, Any]:
    connected = by_name.get(place[0])
    object = "" if connected is None else connected.mapping.account_object
    url = "" if connected is None else connected.connector.record_url(object, place[1])
    return {"connection": place[0], "object": object, "id": place[1], "name": name, "url": url}


def _linked(
    by_name: Mapping[str, Connected], loaded: Loaded, rows: Mapping[Place, Membership]
) -> dict[str, Any]:
    rank = {name: at for at, name in enumerate(by_name)}
    places = sorted(loaded.stored.members, key=lambda place: rank.get(place[0], len(rank)))
    names = {(m.connection, m.record.id): m.account.name or "" for m in loaded.members}
    member = next(rows[place] for place in places if place in rows)
    return {
        "key": loaded.stored.key,
        "name": loaded.records.account.name if loaded.records else loaded.stored.name,
        "by": member.linked_by,
        "why": member.why,
        "since": member.linked_on,
        "records": [_record(by_name, place, names.get(place, "")) for place in places],
    }


def _unlinked(
    by_name: Mapping[str, Connected],
    rules: LinkRules,
    rows: Mapping[Place, Membership],
    matched: Matched,
) -> Iterator[dict[str, Any]]:
    """Records of one CRM alone, with the reason."""
    grouped = {place for group in matched.groups for place in group.members}
    doubtful = {place for doubt in matched.doubts for place in doubt.places}
    by_domain: dict[str, set[str]] = {}
    for member in rows.values():
        if member.domain:
            by_domain.setdefault(member.domain, set()).add(member.connection)
    for place, member in rows.items():
        if place in grouped:
            continue
        why = _why(rules, member, by_domain, doubtful=place in doubtful)
        yield {**_record(by_name, place, member.name), "domain": member.domain, "why": why}


def _why(
    rules: LinkRules, member: Membership, by_domain: Mapping[str, set[str]], *, doubtful: bool
) -> str:
    domain = member.domain
    if doubtful:
        return "something speaks for a link, but not clearly: it is among the ambiguous"
    if domain is None:
        return "it has no domain of its own: none, or one that a mail provider gives to everybody"
    if domain in rules.shared_domains:
        return f"{domain} stands in shared_domains"
    if "domain" not in rules.by:
        return "it names no account of another CRM, and none names it"
    if len(by_domain.get(domain, ())) > 1:
        return f"the other account with the domain {domain} has its partner, or is kept apart"
    return f"no other linked CRM has an account with the domain {domain}"


def _doubt(
    by_name: Mapping[str, Connected], rows: Mapping[Place, Membership], doubt: Doubt
) -> dict[str, Any]:
    return {
        "kind": doubt.kind,
        "text": doubt.text,
        "records": [_record(by_name, place, _name(rows, place)) for place in _once(doubt.places)],
    }


def _once(places: Iterable[Place]) -> list[Place]:
    return list(dict.fromkeys(places))


def _name(rows: Mapping[Place, Membership], place: Place) -> str:
    return rows[place].name if place in rows else ""


def _differing(
    turn: Turn, by_name: Mapping[str, Connected], rules: LinkRules, loaded: Loaded
) -> Iterator[dict[str, Any]]:
    if len(loaded.parts) > 1:
        found = disagreements(rules, loaded.parts, people_at(turn, by_name, loaded.home))
        for item in found:
            yield {
                "key": loaded.stored.key,
                "name": loaded.stored.name,
                "field": item.field,
                "values": dict(item.values),
                "used": item.used,
            }
