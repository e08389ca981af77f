"""Who gets a task, and who instead where that person has left."""

from __future__ import annotations

from collections.abc import Mapping

from syncd.mapping import full_id
from syncd.model import Account, User


def assignee(
    role: str, account: Account, deal_owner: str | None, users: Mapping[str, User], fallback: str
) -> str | None:
    """The user id for a role; None where nobody is left, or for a CSM, where there is none."""
    chains = {
        "am": (account.owner, _manager(account.owner, users)),
        "csm": (account.csm,),
        "ae": (deal_owner, account.owner, _manager(account.owner, users)),
        "am_manager": (_manager(account.owner, users),),
        "ae_manager": (_manager(deal_owner, users),),
    }
    chain = chains[role] if role in chains else (_found(role, users),)
    if role != "csm":
        chain = (*chain, _found(fallback, users))
    return next((id for id in chain if id is not None and _works_here(id, users)), None)


def _manager(id: str | None, users: Mapping[str, User]) -> str | None:
    user = users.get(id or "")
    return None if user is None else user.manager


def _works_here(id: str, users: Mapping[str, User]) -> bool:
    user = users.get(id)
    return user is not None and user.active


def _found(address_or_id: str, users: Mapping[str, User]) -> str | None:
    """The user with that id or mail address; of several, an active one."""
    if not address_or_id or address_or_id in users:
        return address_or_id or None
    if full_id(address_or_id) in users:
        return full_id(address_or_id)
    wanted = address_or_id.strip().casefold()
    same = [u for u in users.values() if (u.email or "").strip().casefold() == wanted]
    return min(same, key=lambda user: (not user.active, user.id)).id if same else None
