"""The same person in several CRMs, by mail address, so that a task finds its assignee."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from syncd.link.rules import Place
from syncd.model import User


class People(Struct, frozen=True):
    """Everybody of the linked CRMs as the CRM `home` knows them.

    `users` by id: those of `home`, and beside them, under "connection:id" and as inactive, those
    who are not there (they can be named, but get no task). `ids` is each (connection, id) in
    these terms.
    """

    home: str
    users: Mapping[str, User]
    ids: Mapping[Place, str]

    def id_of(self, connection: str, id: str | None) -> str | None:
        """That person's id here."""
        if id is None:
            return None
        return self.ids.get((connection, id)) or _foreign(self.home, connection, id)


def people(home: str, users: Mapping[str, Mapping[str, User]]) -> People:
    """Everybody, from each connection's users by id."""
    own = dict(users.get(home, {}))
    by_mail: dict[str, str] = {}
    for user in sorted(own.values(), key=lambda u: (not u.active, u.id)):
        if user.email:
            by_mail.setdefault(_mail(user.email), user.id)
    ids: dict[Place, str] = {(home, id): id for id in own}
    strangers: list[tuple[str, User]] = []
    for connection, theirs in sorted(users.items()):
        if connection == home:
            continue
        for user in theirs.values():
            same = by_mail.get(_mail(user.email)) if user.email else None
            ids[connection, user.id] = same or _foreign(home, connection, user.id)
            strangers.append((connection, user))
    found = dict(own)
    for connection, user in strangers:
        id = ids[connection, user.id]
        boss = None if user.manager is None else ids.get((connection, user.manager))
        if id not in found:
            found[id] = replace(user, id=id, active=False, manager=boss)
        elif found[id].manager is None and boss not in {None, id}:
            # HubSpot knows no managers; the other CRM does.
            found[id] = replace(found[id], manager=boss)
    return People(home=home, users=found, ids=ids)


def _foreign(home: str, connection: str, id: str) -> str:
    return id if connection == home else f"{connection}:{id}"


def _mail(address: str) -> str:
    return address.strip().casefold()
