"""Where the next page begins, and that there is one."""

from __future__ import annotations

from connectors.hubspot.answers import Answer
from syncd.errors import IncompleteReadError


def next_page(answer: Answer) -> str:
    """What to ask for as ``after``; empty on the last page. Its form is HubSpot's own affair."""
    found = ((answer.get("paging") or {}).get("next") or {}).get("after")
    return "" if found is None else str(found)


def raise_if_stuck(object: str, *, moved: bool) -> None:
    """Raises IncompleteReadError where the same page would come for ever."""
    if not moved:
        raise IncompleteReadError(f"HubSpot gave the same page of {object} again and again")
