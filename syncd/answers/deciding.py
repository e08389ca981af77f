"""What `approve`, `undo`, `portfolio` and `backtest` answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

from msgspec import Meta

from syncd.answers.words import After, Because, Before, Count, Day, Fraction, Money, Plain


class Approve(TypedDict):
    """``syncd approve PLAN --json``."""

    approved: int
    connections: list[str]


class PutBack(TypedDict):
    """A field that an undo puts back."""

    connection: str
    object: str
    record: str
    account_name: str
    field: str
    before: Before
    after: After


class TaskBack(TypedDict):
    """A task that an undo closes or opens again."""

    connection: str
    record: str | None
    account_name: str
    key: str
    op: str


class Undo(TypedDict):
    """``syncd undo RUN --json``."""

    run: int
    applied: bool
    changes: list[PutBack]
    tasks: list[TaskBack]
    left: Annotated[list[dict[str, Any]], Meta(description="what stays, each with its because")]
    written: Count
    failed: Count


class Figures(TypedDict):
    """The figures of one group. starting + new + expansion - contraction - churn = ending."""

    by: Literal["book", "tier", "owner", "segment"]
    key: str
    label: str
    starting_arr: Money
    new: Money
    expansion: Money
    contraction: Money
    churn: Money
    ending_arr: Money
    nrr: Fraction | None
    grr: Fraction | None
    renewal_rate_count: Fraction | None
    renewal_rate_arr: Fraction | None
    logo_retention: Fraction | None
    expansion_mrr: Money
    mean_acv: Money | None
    acv_growth: Fraction | None
    clv: Money | None
    sponsor_engaged_share: Fraction | None
    mean_nps: float | None
    accounts: Count
    account_managers: Count
    accounts_per_am: float | None
    load: Annotated[float | None, Meta(description="1.0 is a full load for one account manager")]
    quota_attainment: Fraction | None
    contracts_ended: Count
    contracts_renewed: Count


# "from" is a Python keyword.
Portfolio = TypedDict(
    "Portfolio", {"from": Day, "to": Day, "currency": str, "groups": list[Figures]}
)
Portfolio.__doc__ = "``syncd portfolio --json``."


class Moved(TypedDict):
    """A value of an account that the other policy would change."""

    account: str
    account_name: str
    connection: str
    value: Annotated[str, Meta(description="the value's name")]
    before: Plain
    after: Plain
    because: Because
    arr: float | None


class Movement(TypedDict):
    """How many accounts change a value, and their ARR."""

    accounts: Count
    arr: float


class MoreTask(TypedDict):
    """A task that the other policy would open."""

    account: str
    account_name: str
    key: str
    subject: str


class Backtest(TypedDict):
    """``syncd backtest --policy FILE --json``."""

    accounts: Annotated[int, Meta(ge=0, description="accounts in the book")]
    as_of: Day
    summary: Annotated[dict[str, Movement], Meta(description="by value")]
    changes: list[Moved]
    tasks_opened: list[MoreTask]
