"""The canonical model: what a customer is, whatever the CRM calls it.

Everything is frozen. Money is Decimal in the portfolio currency (converted by the mapping),
dates are `date`, moments are timezone-aware `datetime`. None means unknown, never "empty".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from msgspec import Struct

Scalar: TypeAlias = None | bool | int | Decimal | str | date | datetime
"""A derived value: whole numbers as int, money as Decimal."""


class Ref(Struct, frozen=True, gc=False, order=True):
    """A record of a CRM: which connection, which of its objects, which id."""

    connection: str
    object: str
    id: str

    def __str__(self) -> str:
        """``salesforce:Account/001…``."""
        return f"{self.connection}:{self.object}/{self.id}"


class User(Struct, frozen=True, gc=False):
    """A user or owner of the CRM. `manager` is another user's id."""

    ref: Ref
    id: str
    name: str | None = None
    email: str | None = None
    active: bool = True
    manager: str | None = None


class AccountPlan(Struct, frozen=True, gc=False):
    """The account plan's five sections."""

    overview: str | None = None
    health_assessment: str | None = None
    goals: str | None = None
    actions: str | None = None
    success_metrics: str | None = None
    updated_on: date | None = None


class Account(Struct, frozen=True, gc=False):
    """A company. status: prospect, customer, churned (unmapped: customer).

    `owner` is the account manager's user id, `csm` the customer success manager's.
    `arr` is the CRM's own figure, if it keeps one.
    """

    ref: Ref
    id: str
    name: str | None = None
    domain: str | None = None
    link: str | None = None  # ids of the same customer's accounts in other CRMs
    status: str = "customer"
    owner: str | None = None
    csm: str | None = None
    parent: str | None = None
    segment: str | None = None
    region: str | None = None
    currency: str | None = None
    arr: Decimal | None = None
    expansion_potential: Decimal | None = None
    strategic: bool | None = None
    executive_sponsor: str | None = None
    tier_override: str | None = None
    renewal_date_override: date | None = None
    plan: AccountPlan | None = None  # None: no plan field is mapped
    seats: int | None = None
    nps: Decimal | None = None
    csat: Decimal | None = None
    cross_sell: str | None = None  # text of the signal; None: no signal
    created_on: date | None = None


class Handoff(Struct, frozen=True, gc=False):
    """What sales wrote down for account management, as stored (markup and all)."""

    ref: Ref
    opportunity: str | None = None
    pain_points: str | None = None
    promised_outcomes: str | None = None
    champion: str | None = None
    economic_buyer: str | None = None
    skeptics: str | None = None
    contract_terms: str | None = None
    discounts: str | None = None
    verbal_commitments: str | None = None


class Opportunity(Struct, frozen=True, gc=False):
    """A deal. kind: new, expansion, renewal, other. `amount` as the CRM holds it (see `arr`).

    `arr` is the yearly figure that the mapping made of amount and term; None: no ARR.
    """

    ref: Ref
    id: str
    account: str | None = None
    name: str | None = None
    kind: str = "other"
    stage: str | None = None
    closed: bool = False
    won: bool = False
    close_date: date | None = None
    amount: Decimal | None = None
    currency: str | None = None
    term_months: int | None = None
    start_date: date | None = None
    owner: str | None = None
    contract: str | None = None
    handoff: Handoff | None = None
    arr: Decimal | None = None


class Contract(Struct, frozen=True, gc=False):
    """A contract. status: draft, active, terminated. `arr` as worked out by the mapping."""

    ref: Ref
    id: str
    account: str | None = None
    name: str | None = None
    status: str = "active"
    start_date: date | None = None
    end_date: date | None = None
    term_months: int | None = None
    value: Decimal | None = None
    arr: Decimal | None = None
    currency: str | None = None
    auto_renew: bool = False
    notice_days: int | None = None
    renews: str | None = None
    terminated_on: date | None = None
    opportunity: str | None = None


class Contact(Struct, frozen=True, gc=False):
    """A person at the customer. roles: champion, economic_buyer, technical_evaluator, end_user,
    executive_sponsor, blocker.
    """

    ref: Ref
    id: str
    account: str | None = None
    name: str | None = None
    title: str | None = None
    roles: tuple[str, ...] = ()
    last_activity_on: date | None = None
    active: bool = True


class Role(Struct, frozen=True, gc=False):
    """A contact's role on an opportunity or account."""

    ref: Ref
    contact: str | None = None
    opportunity: str | None = None
    account: str | None = None
    role: str | None = None


class Ticket(Struct, frozen=True, gc=False):
    """A support case. priority: low, normal, high, urgent."""

    ref: Ref
    id: str
    account: str | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    priority: str = "normal"
    escalated: bool = False


class Activity(Struct, frozen=True, gc=False):
    """Something that happened. kind: meeting, call, email_out, email_in, qbr, other."""

    ref: Ref
    id: str
    account: str | None = None
    contact: str | None = None
    kind: str = "other"
    at: datetime | None = None


class Usage(Struct, frozen=True, gc=False):
    """A week of product use. `meters` holds (used, limit) by name."""

    ref: Ref
    account: str | None = None
    period_start: date | None = None
    active_users: int | None = None
    logins: int | None = None
    seats: int | None = None
    meters: Mapping[str, tuple[Decimal | None, Decimal | None]] = {}


class Finding(Struct, frozen=True, gc=False):
    """A record that cannot be used, and why. Goes to quarantine; `remedy` is for an admin."""

    ref: Ref
    code: str
    message: str
    field: str = ""
    remedy: str = ""


class AccountRecords(Struct, frozen=True):
    """An account with its related records: all a rule may look at.

    `kinds` are the kinds that are mapped at all ("ticket", "activity", ...), so that a rule can
    tell "no tickets" from "tickets unknown". `fields` are the mapped inputs as "kind.field".
    `users` has every user of the CRM, by id.
    """

    account: Account
    opportunities: tuple[Opportunity, ...] = ()
    contracts: tuple[Contract, ...] = ()
    contacts: tuple[Contact, ...] = ()
    roles: tuple[Role, ...] = ()
    tickets: tuple[Ticket, ...] = ()
    activities: tuple[Activity, ...] = ()
    usage: tuple[Usage, ...] = ()
    users: Mapping[str, User] = {}
    kinds: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = ()
    """What the mapping already refused among this account's records."""


class Derived(Struct, frozen=True, gc=False):
    """A value that a rule worked out, and why.

    `valid_until` is the first later date on which it can change with no change of input.
    """

    value: Scalar
    because: str = ""
    records: tuple[Ref, ...] = ()
    valid_until: date | None = None


class Decision(Struct, frozen=True):
    """What one rule says of one account: its values by name, and the records it refused."""

    values: Mapping[str, Derived] = {}
    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, Scalar] = {}
    """Kept for the rule's own next turn (a band's exact score), never written to a CRM."""


class Before(Struct, frozen=True):
    """What was stored of an account at the last run: values and facts by name, and the past.

    `first_run`: nothing was ever derived for this account. `snapshots` are earlier days' health
    scores, newest first (for the trend and the review month). `since` tells since when a value
    has stood as it stands ("health_band": 2026-03-01).
    """

    values: Mapping[str, Scalar] = {}
    facts: Mapping[str, Scalar] = {}
    reasons: Mapping[str, str] = {}
    since: Mapping[str, date] = {}
    snapshots: tuple[tuple[date, int | None], ...] = ()
    first_run: bool = True
