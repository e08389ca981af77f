"""A customer while it is being made: stories change it before it is frozen into the book."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, TypedDict, Unpack

from connectors.sandbox.book import (
    BookActivity,
    BookContact,
    BookContract,
    BookCustomer,
    BookDeal,
    BookHandoff,
    BookPlan,
    BookTicket,
    BookUsage,
)
from connectors.sandbox.making import names, notes
from connectors.sandbox.making.calendar import term_end, term_start
from connectors.sandbox.making.draws import mail_part, person_name, pick

if TYPE_CHECKING:
    from random import Random

CENT = Decimal("0.01")
KNOWN_DAYS = 75  # a company is in the CRM this long before its first deal is decided
MAILBOXES = "mailbox.example"  # where people of a company without a domain have their mail


class ContractTerms(TypedDict, total=False):
    """What a story may say of a contract beside its dates."""

    auto_renew: bool
    notice_days: int | None
    renews: str
    terminated_on: date
    deal: str
    currency: str


class DealTerms(TypedDict, total=False):
    """What a story may say of a deal beside its kind, stage and day."""

    amount: Decimal | None
    owner: str
    term_months: int | None
    start_date: date | None
    contract: str
    handoff: BookHandoff | None
    contact_roles: tuple[tuple[str, str], ...]
    currency: str


@dataclass(slots=True)
class Mood:
    """How the customer is doing: what tickets, activities and usage are drawn from."""

    active_share: float = 0.72  # active users per seat
    login_trend: float = 1.0  # logins of the last four weeks against the twelve before
    meter: tuple[float, ...] = ()  # share of the limit in the latest weeks, latest first
    weeks: int = 17
    no_seats: bool = False  # usage rows that say 0 seats
    tickets: str = "quiet"  # none, quiet, spike, escalated, old
    mail: str = "steady"  # none, steady, falling, outbound, outbound_since
    qbr_days_ago: int | None = None
    meeting_in_days: int | None = None  # one that lies in the future
    activities: bool = True


@dataclass(slots=True)
class Draft:
    """One customer in the making. `arr` is the yearly value of what it has signed."""

    index: int
    key: str
    today: date
    rng: Random
    name: str
    domain: str | None
    trade: str
    segment: str
    region: str
    country: str
    currency: str
    owner: str
    seller: str
    csm: str | None
    arr: Decimal
    seats: int | None
    created_on: date
    status: str = "customer"
    story: str = ""
    strategic: bool = False
    expansion_potential: Decimal | None = None
    nps: int | None = None
    csat: Decimal | None = None
    executive_sponsor: str | None = None
    parent: str | None = None
    plan: BookPlan | None = None
    renewal_date_override: date | None = None
    tier_override: str | None = None
    cross_sell: str | None = None
    contacts: list[BookContact] = field(default_factory=list)
    deals: list[BookDeal] = field(default_factory=list)
    contracts: list[BookContract] = field(default_factory=list)
    mood: Mood = field(default_factory=Mood)

    def day(self, offset: int) -> date:
        """The day `offset` days from today; negative is past."""
        return self.today + timedelta(days=offset)

    def finish(
        self,
        tickets: tuple[BookTicket, ...],
        activities: tuple[BookActivity, ...],
        usage: tuple[BookUsage, ...],
    ) -> BookCustomer:
        """The customer as it stands in the book."""
        return BookCustomer(
            key=self.key,
            name=self.name,
            domain=self.domain,
            status=self.status,
            segment=self.segment,
            region=self.region,
            country=self.country,
            currency=self.currency,
            owner=self.owner,
            csm=self.csm,
            created_on=self.created_on,
            strategic=self.strategic,
            expansion_potential=self.expansion_potential,
            seats=self.seats,
            nps=self.nps,
            csat=self.csat,
            executive_sponsor=self.executive_sponsor,
            parent=self.parent,
            plan=self.plan,
            story=self.story,
            contacts=tuple(self.contacts),
            deals=tuple(self.deals),
            contracts=tuple(self.contracts),
            tickets=tickets,
            activities=activities,
            usage=usage,
            renewal_date_override=self.renewal_date_override,
            tier_override=self.tier_override,
            cross_sell=self.cross_sell,
        )

    def worth(self, months: int, arr: Decimal | None = None) -> Decimal:
        """What `months` cost at a yearly `arr` (the customer's own if not given)."""
        return ((self.arr if arr is None else arr) * months / 12).quantize(CENT)

    def add_contact(
        self, *roles: str, seen: int | None = None, active: bool = True, title: str | None = None
    ) -> BookContact:
        """Another person at the customer, last active `seen` days ago (None: never)."""
        first, last = person_name(self.rng)
        local = f"{mail_part(first)}.{mail_part(last)}"
        email = f"{local}@{self.domain or f'{self.key}.{MAILBOXES}'}"
        number = len(self.contacts) + 1
        if any(contact.email == email for contact in self.contacts):
            email = email.replace("@", f"{number}@", 1)
        contact = BookContact(
            f"p{self.key[1:]}-{number}",
            first,
            last,
            email,
            title or pick(self.rng, names.TITLES[roles[0] if roles else ""]),
            roles,
            active,
            None if seen is None else self.day(-seen),
        )
        self.contacts.append(contact)
        return contact

    def add_deal(self, kind: str, stage: str, close: date, **terms: Unpack[DealTerms]) -> BookDeal:
        """A deal over twelve months of the customer's ARR unless `terms` say otherwise."""
        terms.setdefault("term_months", 12)
        terms.setdefault("amount", self.worth(terms["term_months"] or 12))
        terms.setdefault("owner", self.seller)
        if stage != "open":
            self.created_on = min(self.created_on, close - timedelta(days=KNOWN_DAYS))
        number = len(self.deals) + 1
        deal = BookDeal(
            f"d{self.key[1:]}-{number}",
            notes.deal_name(self.rng, self.name, kind, close.year),
            kind,
            stage,
            close,
            **terms,
        )
        self.deals.append(deal)
        return deal

    def add_contract(
        self,
        start: date | None,
        end: date | None,
        term: int | None,
        value: Decimal | None = None,
        status: str = "active",
        **terms: Unpack[ContractTerms],
    ) -> BookContract:
        """A contract as written; without `value` it is worth its term (or a year) at ARR."""
        number = len(self.contracts) + 1
        contract = BookContract(
            f"k{self.key[1:]}-{number}",
            notes.contract_name(self.name, number),
            status,
            start,
            end,
            term,
            self.worth(term or 12) if value is None else value,
            **terms,
        )
        self.contracts.append(contract)
        return contract

    def sign(
        self,
        *,
        ends: date,
        term: int = 12,
        kind: str = "new",
        lead_days: int = 12,
        arr: Decimal | None = None,
        by_term: bool = False,
        status: str = "active",
        **terms: Unpack[ContractTerms],
    ) -> BookContract:
        """A won deal and the contract that came of it, of one value, ending on `ends`.

        `by_term` leaves the contract's end to its start and term.
        """
        start = term_start(ends, term)
        number = len(self.contracts) + 1
        value = self.worth(term, arr)
        close = start - timedelta(days=lead_days)
        contract_key = f"k{self.key[1:]}-{number}"
        deal = self.add_deal(
            kind,
            "won",
            close,
            term_months=term,
            amount=value,
            start_date=start,
            contract=contract_key,
            handoff=self.handoff(term) if kind == "new" and self.recent(close) else None,
        )
        terms["deal"] = deal.key
        end = None if by_term and term_end(start, term) == ends else ends
        return self.add_contract(start, end, term, value, status, **terms)

    def handoff(self, term: int) -> BookHandoff:
        """A complete handoff that names the customer's own people."""
        return notes.handoff(self.rng, term, self.contacts)

    def recent(self, close: date) -> bool:
        """Whether a deal closed on that day is young enough for its notes to be kept."""
        return (self.today - close).days <= notes.KEPT_DAYS

    def start_over(self) -> None:
        """Forget every deal and contract, for a story that tells its own."""
        self.deals.clear()
        self.contracts.clear()

    def put_deal(self, changed: BookDeal) -> None:
        """Put a changed deal in the place of the one with its key."""
        self.deals = [changed if deal.key == changed.key else deal for deal in self.deals]

    def put_contact(self, changed: BookContact) -> None:
        """Put a changed contact in the place of the one with its key."""
        self.contacts = [changed if one.key == changed.key else one for one in self.contacts]
