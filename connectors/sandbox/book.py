"""A made-up book of customers, the same for every sandbox: neutral shapes and their seeded maker.

Each sandbox turns these into its own CRM's objects. Nothing here is a real company or person.
Dates are relative to `today`, so that the book has the same edge cases whenever it is made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the CRM. `manager` is another person's key."""

    key: str
    name: str
    email: str
    active: bool = True
    manager: str | None = None


@dataclass(frozen=True, slots=True)
class BookContact:
    """A person at the customer. Roles: champion, economic_buyer, technical_evaluator, end_user,
    executive_sponsor, blocker.
    """

    key: str
    first_name: str
    last_name: str
    email: str
    title: str
    roles: tuple[str, ...] = ()
    active: bool = True
    last_activity_on: date | None = None


@dataclass(frozen=True, slots=True)
class BookHandoff:
    """What sales wrote down for account management; None or empty where nothing was written."""

    pain_points: str | None = None
    promised_outcomes: str | None = None
    champion: str | None = None
    economic_buyer: str | None = None
    skeptics: str | None = None
    contract_terms: str | None = None
    discounts: str | None = None
    verbal_commitments: str | None = None


@dataclass(frozen=True, slots=True)
class BookDeal:
    """An opportunity. kind: new, expansion, renewal, other. stage: open, won, lost."""

    key: str
    name: str
    kind: str
    stage: str
    close_date: date
    amount: Decimal | None
    owner: str
    term_months: int | None = None
    start_date: date | None = None
    contract: str | None = None
    handoff: BookHandoff | None = None
    contact_roles: tuple[tuple[str, str], ...] = ()  # (contact key, role)
    currency: str | None = None  # None: the customer's


@dataclass(frozen=True, slots=True)
class BookContract:
    """A contract. status: draft, active, terminated. `end_date` None: it follows from the term."""

    key: str
    name: str
    status: str
    start_date: date | None
    end_date: date | None
    term_months: int | None
    value: Decimal | None  # total over the term
    auto_renew: bool = False
    notice_days: int | None = None
    renews: str | None = None
    terminated_on: date | None = None
    deal: str | None = None
    currency: str | None = None  # None: the customer's


@dataclass(frozen=True, slots=True)
class BookTicket:
    """A support case. priority: low, normal, high, urgent."""

    key: str
    subject: str
    opened_at: datetime
    closed_at: datetime | None
    priority: str
    escalated: bool = False


@dataclass(frozen=True, slots=True)
class BookActivity:
    """Something that happened with the customer. kind: meeting, call, email_in, email_out, qbr."""

    key: str
    kind: str
    at: datetime
    contact: str | None = None
    subject: str = ""


@dataclass(frozen=True, slots=True)
class BookUsage:
    """One week of product use."""

    period_start: date
    active_users: int
    logins: int
    seats: int
    api_calls: tuple[int, int] = (0, 0)  # used, limit


@dataclass(frozen=True, slots=True)
class BookPlan:
    """The account plan's sections."""

    overview: str | None = None
    health_assessment: str | None = None
    goals: str | None = None
    actions: str | None = None
    success_metrics: str | None = None
    updated_on: date | None = None


@dataclass(frozen=True, slots=True)
class BookCustomer:
    """A company with everything that hangs on it. status: prospect, customer, churned."""

    key: str
    name: str
    domain: str | None
    status: str
    segment: str
    region: str
    country: str
    currency: str
    owner: str
    csm: str | None
    created_on: date
    strategic: bool = False
    expansion_potential: Decimal | None = None
    seats: int | None = None
    nps: int | None = None
    csat: Decimal | None = None
    executive_sponsor: str | None = None  # the key of one of our people
    parent: str | None = None  # another customer's key
    plan: BookPlan | None = None
    story: str = ""  # which edge case this customer is there to show, in a few words
    contacts: tuple[BookContact, ...] = ()
    deals: tuple[BookDeal, ...] = ()
    contracts: tuple[BookContract, ...] = ()
    tickets: tuple[BookTicket, ...] = ()
    activities: tuple[BookActivity, ...] = ()
    usage: tuple[BookUsage, ...] = ()
    renewal_date_override: date | None = None
    tier_override: str | None = None  # strategic, growth, maintenance
    cross_sell: str | None = None  # a product they asked about


@dataclass(frozen=True, slots=True)
class Book:
    """People who sell and manage, and their customers."""

    today: date
    people: tuple[Person, ...]
    customers: tuple[BookCustomer, ...] = field(default=())
