"""The users of a CRM."""

from __future__ import annotations

from syncd.model import User
from syncd.sync.turn import Connected, Turn


def load_users(turn: Turn, connected: Connected) -> None:
    """All users by id; there are few, and every task needs some."""
    users: list[User] = []
    with turn.store.begin(write=False) as tx:
        for source in connected.mapping.user_sources:
            for record in turn.store.mirror.of_source(tx, connected.name, source):
                found = connected.mapping.read(source, record, connected.context)
                users += [user for user in found if isinstance(user, User)]
    connected.users = connected.mapping.with_managers(users)
