"""Customers that each show one edge case of one rule.

The best known stories open the book; the rarer ones stand behind the first sixty customers, so
that a small book has everyday customers too.
"""

from __future__ import annotations

from connectors.sandbox.making.staff import CORE
from connectors.sandbox.making.stories import care, company, handoff, renewal, renewal_more
from connectors.sandbox.making.stories.shelf import Story

FIRST = (
    *renewal.first.stories,
    *handoff.first.stories,
    *care.first.stories,
    *company.first.stories,
)
MORE = (
    *renewal_more.more.stories,
    *handoff.more.stories,
    *care.more.stories,
    *company.more.stories,
)


def story_at(index: int) -> Story | None:
    """The story of the customer at `index`, if that place has one."""
    if index < len(FIRST):
        return FIRST[index]
    return MORE[index - CORE] if 0 <= index - CORE < len(MORE) else None
