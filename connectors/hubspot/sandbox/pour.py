"""A made-up book of customers as records of a portal.

Who a person is to the customer stands in HubSpot's ``hs_buying_role``; notes of a handoff stand
on the deal. Contracts and usage are linked to their company, tickets and activities to company
and contact.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from connectors.hubspot.sandbox import customer as own
from connectors.hubspot.sandbox.currencies import set_rate
from connectors.hubspot.sandbox.kinds import Kind
from connectors.hubspot.sandbox.portal import Portal
from connectors.hubspot.sandbox.times import DAY, instant, milliseconds
from connectors.sandbox.book import (
    Book,
    BookActivity,
    BookContact,
    BookContract,
    BookCustomer,
    BookDeal,
    BookTicket,
    BookUsage,
)

_STATUS = {"prospect": "opportunity", "customer": "customer", "churned": own.CHURNED}
_ROLES = {
    "champion": "CHAMPION",
    "economic_buyer": "BUDGET_HOLDER",
    "technical_evaluator": "INFLUENCER",
    "end_user": "END_USER",
    "executive_sponsor": "EXECUTIVE_SPONSOR",
    "blocker": "BLOCKER",
}
_DEAL_KINDS = {"new": "newbusiness", "expansion": "existingbusiness", "renewal": "renewal"}
_DEAL_STAGES = {"won": "closedwon", "lost": "closedlost"}
_OPEN_STAGES = ("qualifiedtobuy", "presentationscheduled", "decisionmakerboughtin", "contractsent")
_PRIORITIES = {"low": "LOW", "normal": "MEDIUM", "high": "HIGH", "urgent": "URGENT"}
WORTH = {
    "EUR": Decimal("1.08"),
    "GBP": Decimal("1.27"),
    "CHF": Decimal("1.136364"),
    "JPY": Decimal("0.006667"),
}
_WAITING, _CLOSED = "3", "4"
_NOON = time(12)
_SPREAD = 14 * DAY
_STEP = 7_919_000  # milliseconds: imports spread over two weeks


class Pour:
    """Pours one book into one portal."""

    def __init__(self, portal: Portal, book: Book) -> None:
        """Nothing happens yet."""
        self._portal = portal
        self._book = book
        self._zone = ZoneInfo("Europe/London")
        self._owners: dict[str, str] = {}
        self._companies: dict[str, int] = {}
        self._count = 0

    def pour(self) -> None:
        """Make all records, then what HubSpot rolls up from them."""
        for person in self._book.people:
            first, _, last = person.name.partition(" ")
            owner = self._portal.add_owner(person.email, first, last, archived=not person.active)
            self._owners[person.key] = str(owner.id)
        for customer in self._book.customers:
            self._customer(customer)
        for customer in self._book.customers:
            if customer.parent in self._companies:
                self._parent(self._companies[customer.parent], self._companies[customer.key])
        used = {customer.currency for customer in self._book.customers}
        for code in sorted(used - {self._portal.home_currency}):
            set_rate(self._portal, code, WORTH[code], effective=0)
        self._portal.settle_all()

    def _parent(self, parent: int, child: int) -> None:
        company = self._kind("companies")
        label = self._portal.labels.by_id(company.id, company.id, 13)
        if label is not None:
            self._portal.connect(company, parent, company, child, [label])

    def _customer(self, one: BookCustomer) -> None:
        plan = one.plan
        company = self._add(
            "companies",
            born=datetime.combine(one.created_on, _NOON, self._zone),
            name=one.name,
            domain=one.domain,
            lifecyclestage=_STATUS.get(one.status, "other"),
            segment=one.segment.lower().replace("-", "_").replace(" ", "_"),
            region=one.region.lower(),
            country=one.country,
            billing_currency=one.currency,
            hubspot_owner_id=self._owners.get(one.owner),
            csm=self._owners.get(one.csm or ""),
            strategic=one.strategic,
            expansion_potential=one.expansion_potential,
            seats=one.seats,
            nps=one.nps,
            csat=one.csat,
            executive_sponsor=one.executive_sponsor,
            renewal_date_override=one.renewal_date_override,
            tier_override=one.tier_override,
            cross_sell=one.cross_sell,
            plan_overview=plan and plan.overview,
            plan_health=plan and plan.health_assessment,
            plan_goals=plan and plan.goals,
            plan_actions=plan and plan.actions,
            plan_metrics=plan and plan.success_metrics,
            plan_updated=plan and plan.updated_on,
        )
        self._companies[one.key] = company
        contacts = {each.key: self._contact(company, one, each) for each in one.contacts}
        contracts: dict[str, int] = {}
        for contract in one.contracts:
            contracts[contract.key] = self._contract(company, one, contract, contracts)
        for deal in one.deals:
            self._deal(company, one, deal, contacts, contracts)
        for ticket in one.tickets:
            self._ticket(company, one, ticket)
        for activity in one.activities:
            self._activity(company, one, activity, contacts)
        for week in one.usage:
            self._usage(company, one, week)

    def _contact(self, company: int, customer: BookCustomer, one: BookContact) -> int:
        last = one.last_activity_on
        id = self._add(
            "contacts",
            email=one.email.lower(),
            firstname=one.first_name,
            lastname=one.last_name,
            jobtitle=one.title,
            company=customer.name,
            lifecyclestage=_STATUS.get(customer.status, "other"),
            hs_buying_role=";".join(_ROLES[role] for role in one.roles if role in _ROLES),
            left_company=not one.active,
            notes_last_contacted=last and datetime.combine(last, _NOON, self._zone),
        )
        self._link("contacts", id, "companies", company)
        return id

    def _contract(
        self,
        company: int,
        customer: BookCustomer,
        one: BookContract,
        earlier: dict[str, int],
    ) -> int:
        id = self._add(
            "contracts",
            hs_name=one.name,
            hs_status=one.status.upper(),
            hs_currency_code=one.currency or customer.currency,
            hs_contract_effective_date=one.start_date,
            hs_start_date=one.start_date,
            hs_end_date=one.end_date,
            contract_value=one.value,
            term_months=one.term_months,
            auto_renew=one.auto_renew,
            notice_days=one.notice_days,
            renews=earlier.get(one.renews or ""),
            terminated_on=one.terminated_on,
        )
        self._link("contracts", id, "companies", company)
        return id

    def _deal(
        self,
        company: int,
        customer: BookCustomer,
        one: BookDeal,
        contacts: dict[str, int],
        contracts: dict[str, int],
    ) -> None:
        notes = one.handoff
        close = datetime.combine(one.close_date, _NOON, self._zone)
        born = close - timedelta(days=90) if one.stage != "open" else None
        open_stage = _OPEN_STAGES[self._count % len(_OPEN_STAGES)]
        id = self._add(
            "deals",
            born=born,
            dealname=one.name,
            dealtype=_DEAL_KINDS.get(one.kind, "other"),
            pipeline="default",
            dealstage=_DEAL_STAGES.get(one.stage, open_stage),
            closedate=close,
            amount=one.amount,
            deal_currency_code=one.currency or customer.currency,
            hubspot_owner_id=self._owners.get(one.owner),
            term_months=one.term_months,
            service_start_date=one.start_date,
            pain_points=notes and notes.pain_points,
            promised_outcomes=notes and notes.promised_outcomes,
            champion=notes and notes.champion,
            economic_buyer=notes and notes.economic_buyer,
            skeptics=notes and notes.skeptics,
            contract_terms=notes and notes.contract_terms,
            discounts=notes and notes.discounts,
            verbal_commitments=notes and notes.verbal_commitments,
        )
        self._link("deals", id, "companies", company)
        for key in dict.fromkeys(key for key, _ in one.contact_roles):
            if key in contacts:
                self._link("deals", id, "contacts", contacts[key])
        linked = [contracts.get(one.contract or "")]
        linked += [contracts.get(c.key) for c in customer.contracts if c.deal == one.key]
        for contract in dict.fromkeys(found for found in linked if found is not None):
            self._link("contracts", contract, "deals", id)

    def _ticket(self, company: int, customer: BookCustomer, one: BookTicket) -> None:
        id = self._add(
            "tickets",
            born=one.opened_at,
            createdate=one.opened_at,
            subject=one.subject,
            hs_pipeline="0",
            hs_pipeline_stage=_CLOSED if one.closed_at else _WAITING,
            hs_ticket_priority=_PRIORITIES.get(one.priority, "MEDIUM"),
            closed_date=one.closed_at,
            escalated=one.escalated,
            hubspot_owner_id=self._owners.get(customer.csm or customer.owner),
        )
        self._link("tickets", id, "companies", company)

    def _activity(
        self,
        company: int,
        customer: BookCustomer,
        one: BookActivity,
        contacts: dict[str, int],
    ) -> None:
        owner = self._owners.get(customer.csm or customer.owner)
        past = one.at.date() <= self._book.today
        common: dict[str, Any] = {"hs_timestamp": one.at, "hubspot_owner_id": owner}
        common["born"] = one.at if past else None
        if one.kind in ("email_in", "email_out"):
            object = "emails"
            common |= {
                "hs_email_subject": one.subject,
                "hs_email_status": "SENT",
                "hs_email_direction": "INCOMING_EMAIL" if one.kind == "email_in" else "EMAIL",
            }
        elif one.kind == "call":
            object = "calls"
            common |= {"hs_call_title": one.subject, "hs_call_status": "COMPLETED"}
        else:
            object = "meetings"
            common |= {
                "hs_meeting_title": one.subject,
                "hs_activity_type": "QBR" if one.kind == "qbr" else None,
                "hs_meeting_start_time": one.at,
                "hs_meeting_end_time": one.at + timedelta(hours=1),
                "hs_meeting_outcome": "COMPLETED" if past else "SCHEDULED",
            }
        id = self._add(object, **common)
        self._link(object, id, "companies", company)
        if one.contact in contacts:
            self._link(object, id, "contacts", contacts[one.contact])

    def _usage(self, company: int, customer: BookCustomer, one: BookUsage) -> None:
        used, limit = one.api_calls
        id = self._add(
            own.USAGE_NAME,
            usage_name=f"{customer.name} {one.period_start.isoformat()}",
            period_start=one.period_start,
            active_users=one.active_users,
            logins=one.logins,
            seats=one.seats,
            api_calls_used=used if limit else None,
            api_calls_limit=limit or None,
        )
        self._link(own.USAGE_NAME, id, "companies", company)

    def _add(self, object: str, *, born: datetime | None = None, **values: Any) -> int:
        """A record as an import of the last two weeks makes it; its id."""
        self._count += 1
        now = self._portal.now()
        updated = now - (self._count * _STEP) % _SPREAD
        created = min(updated, now if born is None else milliseconds(born))
        kept = {name: _text(value) for name, value in values.items()}
        row = self._portal.store(
            self._kind(object), kept, created=created, updated=updated, source="IMPORT"
        )
        return row.id

    def _link(self, object: str, id: int, other: str, target: int) -> None:
        self._portal.connect(self._kind(object), id, self._kind(other), target, ())

    def _kind(self, name: str) -> Kind:
        return self._portal.kinds.find(name)


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return instant(milliseconds(value))
    return str(value)
