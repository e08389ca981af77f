"""How far syncd may go: the write policy, and whether a plan must wait for a person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from syncd.plan.changes import Plan, counts


class WritePolicy(Struct, frozen=True):
    """How far syncd may go; from ``[write]``."""

    mode: Literal["off", "plan", "apply"] = "apply"
    max_overwrite_share: float = 0.3
    min_accounts: int = 10
    on_human_edit: Literal["keep", "overwrite"] = "keep"


class Hold(Struct, frozen=True):
    """Why a plan is held: the share of accounts it would overwrite, and the limit."""

    connection: str
    share: float
    limit: float
    accounts: int
    filled: int


def hold(plan: Plan, *, filled: Iterable[str], accounts: int, policy: WritePolicy) -> Hold | None:
    """Whether the plan would overwrite so much that a person must release it.

    Of the account records that have a filled field of ours (`filled`), the share that would have
    one overwritten or cleared; ``health_*`` aside. Not for a book smaller than `min_accounts`.
    """
    have = set(filled)
    hit = {change.record for change in plan.sets if counts(change)}
    have |= hit
    if accounts < policy.min_accounts or not have:
        return None
    share = len(hit) / len(have)
    if share <= policy.max_overwrite_share:
        return None
    return Hold(
        connection=plan.connection,
        share=round(share, 4),
        limit=policy.max_overwrite_share,
        accounts=len(hit),
        filled=len(have),
    )
