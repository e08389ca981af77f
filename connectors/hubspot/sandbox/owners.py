"""Owners: the portal's users as records are assigned to them."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from connectors.hubspot.sandbox.times import instant


class Owner(Struct):
    """A user. Deactivated ones are `archived`."""

    id: int
    email: str
    first: str
    last: str
    user_id: int
    created: int
    updated: int
    archived: bool = False
    type: str = "PERSON"

    def wire(self) -> dict[str, Any]:
        """The owner as the API shows it; of deactivated ones the user id is not told."""
        return {
            "id": str(self.id),
            "email": self.email,
            "type": self.type,
            "firstName": self.first,
            "lastName": self.last,
            "userId": None if self.archived else self.user_id,
            "userIdIncludingInactive": self.user_id,
            "createdAt": instant(self.created),
            "updatedAt": instant(self.updated),
            "archived": self.archived,
        }
