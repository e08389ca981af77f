"""The policy: every threshold of the rules, with its default. Frozen; from ``[policy.*]``.

The keys and defaults are explained in docs/rules.md. Amounts are in the portfolio currency.
"""

from __future__ import annotations

from pydantic import Field

from syncd.policy.part import PolicyPart
from syncd.policy.rules import (
    HANDOFF_ITEMS,
    CadencePolicy,
    HandoffItem,
    HandoffPolicy,
    HealthBands,
    HealthComponent,
    HealthPolicy,
    RenewalPolicy,
    TierPolicy,
)
from syncd.policy.tasks import PlaybookPolicy, TasksPolicy

__all__ = [
    "HANDOFF_ITEMS",
    "CadencePolicy",
    "HandoffItem",
    "HandoffPolicy",
    "HealthBands",
    "HealthComponent",
    "HealthPolicy",
    "PlaybookPolicy",
    "Policy",
    "PolicyPart",
    "RenewalPolicy",
    "TasksPolicy",
    "TierPolicy",
]


class Policy(PolicyPart):
    """The whole policy."""

    renewal: RenewalPolicy = RenewalPolicy()
    tier: TierPolicy = TierPolicy()
    handoff: HandoffPolicy = HandoffPolicy()
    health: HealthPolicy = HealthPolicy()
    cadence: CadencePolicy = CadencePolicy()
    tasks: TasksPolicy = TasksPolicy()
    playbooks: tuple[PlaybookPolicy, ...] = Field(
        (), description="adds to the shipped ones, or replaces one by its id"
    )
