"""`syncd check` online: what of the mapping the CRM has, shows, accepts; what it costs if not."""

from __future__ import annotations

from collections.abc import Iterator

from syncd.connector import CheckNote
from syncd.errors import StopRunError, TransientError
from syncd.policy import Policy
from syncd.preflight.inputs import input_types, inputs
from syncd.preflight.looking import Look
from syncd.preflight.objects import objects
from syncd.preflight.outputs import MISSING, outputs
from syncd.preflight.people import assignees
from syncd.sync import Connected

__all__ = ["MISSING", "preflight"]

LOGGED_IN = "logged in to"
"""So begins the note of a connector that itself says where it is logged in."""
CALLS = "API calls"
"""Of them speaks the note of a connector that itself says how many are left."""


def preflight(connected: Connected, policy: Policy) -> tuple[list[CheckNote], bool]:
    """Everything worth knowing before the first run, errors and warnings alike.

    True beside it: the CRM was not reached, refused the login or has no calls left, so that this
    is not all.
    """
    notes: list[CheckNote] = []
    try:
        for note in _looked_at(connected, policy):
            notes.append(note)  # noqa: PERF402 - what was found before the line broke is kept
    except (StopRunError, TransientError) as error:
        notes.append(CheckNote("error", str(error)))
        return notes, True
    return notes, False


def _looked_at(connected: Connected, policy: Policy) -> Iterator[CheckNote]:
    connector = connected.connector
    connector.open()
    told = counted = False
    for note in connector.check():
        told |= note.text.startswith(LOGGED_IN)
        counted |= CALLS in note.text
        if not note.object or note.object in _written(connected):
            yield note
    if not told:
        yield CheckNote("ok", f"{LOGGED_IN} {connector.identity() or connected.name}")
    look = Look(connected, policy)
    yield from inputs(look)
    yield from input_types(look)
    yield from outputs(look)
    yield from objects(look)
    yield from assignees(look)
    left = None if counted else connector.allowance().left
    if left is not None:
        yield CheckNote("ok" if left else "warning", f"{left:,} {CALLS} left to syncd today")


def _written(connected: Connected) -> set[str]:
    """The CRM's objects that syncd writes."""
    mapping = connected.mapping
    found = {mapping.account_object} if mapping.account_writes else set()
    return found if mapping.task is None else {*found, mapping.task.shape.object}
