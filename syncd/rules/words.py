"""How reasons name amounts and records."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from syncd.model import Contract, Opportunity

_NAMED = 3


def money(amount: Decimal) -> str:
    """``12,000`` or ``12,000.50``: the currency is the portfolio's."""
    text = f"{amount:,.2f}"
    return text.removesuffix(".00")


def named(record: Contract | Opportunity) -> str:
    """The record's name, else its id."""
    return record.name or record.id


def listing(words: Sequence[str], most: int = _NAMED) -> str:
    """``a, b, c and 4 more``."""
    if len(words) <= most:
        return ", ".join(words)
    return f"{', '.join(words[:most])} and {len(words) - most} more"
