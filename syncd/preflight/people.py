"""Who gets tasks."""

from __future__ import annotations

from collections.abc import Iterator

from syncd.connector import CheckNote
from syncd.errors import AccessError, RequestError
from syncd.located import did_you_mean
from syncd.mapping import full_id
from syncd.model import User
from syncd.preflight.looking import Look


def assignees(look: Look) -> Iterator[CheckNote]:
    """Somebody is there to get tasks whose own people have left."""
    connected, mapping = look.connected, look.mapping
    wanted = look.policy.tasks.fallback_assignee
    if mapping.task is None:
        return
    if not wanted:
        yield CheckNote(
            "warning",
            "no fallback_assignee: tasks of accounts whose owner is inactive or gone are not made",
            "name one under [policy.tasks], by mail address or user id",
        )
        return
    users: list[User] = []
    for source in mapping.sources:
        if source.name not in mapping.user_sources:
            continue
        try:
            for page in connected.connector.pull(source, None):
                for record in page.records:
                    found = mapping.read(source.name, record, connected.context)
                    users += [user for user in found if isinstance(user, User)]
        except (AccessError, RequestError) as error:
            remedy = getattr(error, "remedy", "")
            yield CheckNote("error", f"users cannot be read: {error}", remedy, source.object)
            return
    wanted = wanted.strip()
    known = {full_id(wanted), wanted.casefold()}
    same = [user for user in users if known & {user.id, (user.email or "").casefold()}]
    if not any(user.active for user in same):
        state = "is inactive" if same else "is no user here"
        near = did_you_mean(wanted, [user.email for user in users if user.email and user.active])
        yield CheckNote(
            "error" if same else "warning",
            f"fallback_assignee {wanted} {state}: tasks without an owner are not made",
            near or "name an active user under [policy.tasks]",
        )
