"""What a rule is: a pure function of one account, its past, the book, the policy and the day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal

from msgspec import Struct

from syncd.model import AccountRecords, Before, Decision, Derived
from syncd.policy import Policy


class BookRow(Struct, frozen=True, gc=False):
    """What book-wide borders need of one customer. `arr` None: no ARR known.

    `band_red_since` is the day since which the stored health band has been red; `demoted` says
    that it has kept the account out of growth since a review month.
    """

    account: str
    arr: Decimal | None = None
    potential: Decimal | None = None
    strategic: bool = False
    override: str | None = None
    tier: str | None = None
    key_account: bool | None = None
    band_red_since: date | None = None
    demoted: bool = False


class BookBorders(Struct, frozen=True):
    """The borders that the whole book sets, from one pass over all customers (tier_places.py).

    `ranks` has the rank (from 1) of the leading accounts, as far as any decision needs it;
    an account that is absent ranks lower. `key_accounts` are the ids of the top share.
    `score_span` holds the greatest ARR and potential, for the method "score".
    """

    group_size: int = 0
    ranks: Mapping[str, int] = {}
    median_arr: Decimal | None = None
    total_arr: Decimal = Decimal(0)
    key_accounts: frozenset[str] = frozenset()
    score_span: tuple[Decimal, Decimal] = (Decimal(0), Decimal(0))
    customers: int = 0


class RuleInput(Struct, frozen=True):
    """All that a rule sees. `values` are those of the rules before it in ``RULES``."""

    records: AccountRecords
    before: Before
    values: Mapping[str, Derived]
    book: BookBorders
    policy: Policy
    today: date


class Rule(Struct, frozen=True):
    """A rule as listed in ``RULES``.

    `writes` are the values it yields. `inputs` are the canonical fields ("contract.end_date")
    without which its answer would be wrong: when the CRM withholds a *mapped* one, the rule is
    off for that connection, and its values stay as they are in the CRM.
    """

    name: str
    decide: Callable[[RuleInput], Decision]
    writes: tuple[str, ...]
    inputs: frozenset[str] = frozenset()
