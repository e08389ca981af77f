"""What the rules before this one said, read so that a missing answer is no error."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TypeVar

from syncd.model import Derived
from syncd.rules.rule import RuleInput

T = TypeVar("T")

_MISSING = Derived(None, "not known")


def standing(given: RuleInput, name: str) -> Derived:
    """The value as an earlier rule gave it; a blank one where that rule is off."""
    return given.values.get(name, _MISSING)


def date_of(derived: Derived) -> date | None:
    """The value, if it is a date."""
    return derived.value if isinstance(derived.value, date) else None


def tier_position(given: RuleInput) -> tuple[int, str]:
    """Where the account's tier stands (from 0) and its name; the last place without a tier."""
    names = given.policy.tier.names
    tier = standing(given, "tier").value
    if isinstance(tier, str) and tier in names:
        return names.index(tier), tier
    return len(names) - 1, "no tier known"


def of_tier(settings: Sequence[T], position: int) -> T:
    """The setting for that tier; the last one where there are fewer settings than tiers."""
    return settings[min(position, len(settings) - 1)]
