"""Pours a made-up book of customers into an org, as its people would have entered it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from connectors.salesforce.sandbox import currencies
from connectors.salesforce.sandbox.customer import FORMER_CUSTOMER
from connectors.salesforce.sandbox.founding import add_user
from connectors.salesforce.sandbox.org import Org
from connectors.salesforce.sandbox.semantics import contract_end, derive, touch_parents
from connectors.salesforce.sandbox.times import wire
from connectors.sandbox.book import (
    Book,
    BookActivity,
    BookContact,
    BookContract,
    BookCustomer,
    BookDeal,
    BookTicket,
    Person,
)

TYPES = {"prospect": "Prospect", "customer": "Customer - Direct", "churned": FORMER_CUSTOMER}
DEAL_TYPES = {
    "new": "New Customer",
    "expansion": "Existing Customer - Upgrade",
    "renewal": "Existing Customer - Renewal",
}
STAGES = {"open": "Negotiation/Review", "won": "Closed Won", "lost": "Closed Lost"}
ROLES = {
    "champion": "Champion",
    "economic_buyer": "Economic Buyer",
    "technical_evaluator": "Evaluator",
    "end_user": "Business User",
    "executive_sponsor": "Executive Sponsor",
    "blocker": "Blocker",
}
PRIORITIES = {"low": "Low", "normal": "Medium", "high": "High", "urgent": "High"}
KINDS = {
    "meeting": "Meeting",
    "call": "Call",
    "email_in": "Email Received",
    "email_out": "Email Sent",
    "qbr": "QBR",
}
STATUSES = {"draft": "Draft", "active": "Activated", "terminated": "Activated"}
CORPORATE = "USD"
# How much of each currency one unit of the corporate currency buys, as an org's rates say it.
RATES = {"EUR": 0.925926, "GBP": 0.787402, "CHF": 0.88, "JPY": 150.0}
MEETING_MINUTES = 60


def _money(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _at(day: date) -> str:
    return wire(datetime.combine(day, time(9, 0), UTC))


def fill(org: Org, book: Book) -> None:
    """Add the book's people and customers to the org."""
    codes = {customer.currency for customer in book.customers}
    several = len(codes) > 1
    if several:
        currencies.switch_on(org, CORPORATE, {code: RATES[code] for code in codes - {CORPORATE}})
    people = _people(org, book.people)
    pourer = _Pourer(org, people, several=several)
    for customer in book.customers:
        pourer.customer(customer)
    for customer in book.customers:
        if customer.parent is not None:
            org.tables["Account"].change(
                org.tables["Account"].rows[pourer.accounts[customer.key]],
                {"ParentId": pourer.accounts.get(customer.parent)},
            )


def _people(org: Org, people: tuple[Person, ...]) -> dict[str, str]:
    ids: dict[str, str] = {}
    for person in people:
        first, _, last = person.name.rpartition(" ")
        ids[person.key] = add_user(org, person.email, first or None, last, IsActive=person.active)
    for person in people:
        if person.manager is not None:
            table = org.tables["User"]
            table.change(table.rows[ids[person.key]], {"ManagerId": ids.get(person.manager)})
    return ids


class _Pourer:
    """Adds one customer after another."""

    def __init__(self, org: Org, people: dict[str, str], *, several: bool) -> None:
        self.org = org
        self.people = people
        self.several = several
        self.accounts: dict[str, str] = {}
        self.common: dict[str, Any] = {}

    def _person(self, key: str | None) -> str | None:
        return None if key is None else self.people.get(key)

    def _store(self, name: str, **values: Any) -> str:
        # An org keeps no empty text: it is the same as none.
        filled = {field: None if value == "" else value for field, value in values.items()}
        return self.org.store(name, {**self.common, **filled})

    def customer(self, customer: BookCustomer) -> None:
        """The account, then all that hangs on it."""
        self.common = {"CurrencyIsoCode": customer.currency} if self.several else {}
        plan = customer.plan
        account = self._store(
            "Account",
            Name=customer.name,
            Website=None if customer.domain is None else f"https://www.{customer.domain}",
            Type=TYPES[customer.status],
            Segment__c=customer.segment,
            Region__c=customer.region,
            BillingCountry=customer.country,
            OwnerId=self._person(customer.owner),
            CSM__c=self._person(customer.csm),
            CreatedDate=_at(customer.created_on),
            Strategic__c=customer.strategic,
            Expansion_Potential__c=_money(customer.expansion_potential),
            Seats__c=None if customer.seats is None else float(customer.seats),
            NPS__c=None if customer.nps is None else float(customer.nps),
            CSAT__c=_money(customer.csat),
            Executive_Sponsor__c=self._person(customer.executive_sponsor),
            Plan_Overview__c=plan and plan.overview,
            Plan_Health__c=plan and plan.health_assessment,
            Plan_Goals__c=plan and plan.goals,
            Plan_Actions__c=plan and plan.actions,
            Plan_Metrics__c=plan and plan.success_metrics,
            Plan_Updated__c=_day(None if plan is None else plan.updated_on),
        )
        self.accounts[customer.key] = account
        owner = self._person(customer.owner)
        contacts = {one.key: self._contact(one, account, owner) for one in customer.contacts}
        deals = {one.key: self._deal(one, account, contacts) for one in customer.deals}
        contracts = {
            one.key: self._contract(one, account, owner, deals) for one in customer.contracts
        }
        self._link(customer, deals, contracts)
        for ticket in customer.tickets:
            self._ticket(ticket, account, owner)
        for activity in customer.activities:
            self._activity(activity, account, owner, contacts)
        for usage in customer.usage:
            self._store(
                "Product_Usage__c",
                Account__c=account,
                Period_Start__c=_day(usage.period_start),
                Active_Users__c=float(usage.active_users),
                Logins__c=float(usage.logins),
                Seats__c=float(usage.seats),
                API_Calls_Used__c=float(usage.api_calls[0]),
                API_Calls_Limit__c=float(usage.api_calls[1]),
            )

    def _contact(self, contact: BookContact, account: str, owner: str | None) -> str:
        return self._store(
            "Contact",
            AccountId=account,
            FirstName=contact.first_name,
            LastName=contact.last_name,
            Name=f"{contact.first_name} {contact.last_name}".strip(),
            Email=contact.email,
            Title=contact.title,
            OwnerId=owner,
            Buying_Role__c=";".join(ROLES[role] for role in contact.roles) or None,
            Left_Company__c=not contact.active,
            LastActivityDate=_day(contact.last_activity_on),
        )

    def _deal(self, deal: BookDeal, account: str, contacts: dict[str, str]) -> str:
        handoff = deal.handoff
        values: dict[str, Any] = {
            "AccountId": account,
            "Name": deal.name,
            "Type": DEAL_TYPES.get(deal.kind),
            "StageName": STAGES[deal.stage],
            "CloseDate": _day(deal.close_date),
            "Amount": _money(deal.amount),
            "OwnerId": self._person(deal.owner),
            "Term_Months__c": None if deal.term_months is None else float(deal.term_months),
            "Service_Start_Date__c": _day(deal.start_date),
        }
        if handoff is not None:
            values |= {
                "Pain_Points__c": handoff.pain_points,
                "Promised_Outcomes__c": handoff.promised_outcomes,
                "Champion__c": handoff.champion,
                "Economic_Buyer__c": handoff.economic_buyer,
                "Skeptics__c": handoff.skeptics,
                "Contract_Terms__c": handoff.contract_terms,
                "Discounts__c": handoff.discounts,
                "Verbal_Commitments__c": handoff.verbal_commitments,
            }
        values |= derive(self.org, "Opportunity", values, None, self.org.ids["admin"])
        made = self._store("Opportunity", **values)
        for place, (contact, role) in enumerate(deal.contact_roles):
            if contact in contacts:
                self._store(
                    "OpportunityContactRole",
                    OpportunityId=made,
                    ContactId=contacts[contact],
                    Role=ROLES.get(role),
                    IsPrimary=place == 0,
                )
        return made

    def _contract(
        self, contract: BookContract, account: str, owner: str | None, deals: dict[str, str]
    ) -> str:
        end = contract.end_date
        start, term = contract.start_date, contract.term_months
        if end is None and start is not None and term is not None:
            end = contract_end(start, term)
        active = STATUSES[contract.status] == "Activated"
        return self._store(
            "Contract",
            AccountId=account,
            Name=contract.name,
            OwnerId=owner,
            Status=STATUSES[contract.status],
            StatusCode=STATUSES[contract.status],
            ActivatedDate=_at(start) if active and start is not None else None,
            StartDate=_day(start),
            EndDate=_day(end),
            ContractTerm=term,
            Value__c=_money(contract.value),
            Auto_Renew__c=contract.auto_renew,
            Notice_Days__c=None if contract.notice_days is None else float(contract.notice_days),
            Terminated_On__c=_day(contract.terminated_on),
            Opportunity__c=None if contract.deal is None else deals.get(contract.deal),
        )

    def _link(
        self, customer: BookCustomer, deals: dict[str, str], contracts: dict[str, str]
    ) -> None:
        for deal in customer.deals:
            if deal.contract in contracts:
                table = self.org.tables["Opportunity"]
                table.change(table.rows[deals[deal.key]], {"ContractId": contracts[deal.contract]})
        for contract in customer.contracts:
            if contract.renews in contracts:
                table = self.org.tables["Contract"]
                table.change(
                    table.rows[contracts[contract.key]], {"Renews__c": contracts[contract.renews]}
                )

    def _ticket(self, ticket: BookTicket, account: str, owner: str | None) -> None:
        status = "Escalated" if ticket.escalated else "Working"
        self._store(
            "Case",
            AccountId=account,
            OwnerId=owner,
            Subject=ticket.subject,
            Origin="Email",
            Priority=PRIORITIES[ticket.priority],
            IsEscalated=ticket.escalated,
            Status=status if ticket.closed_at is None else "Closed",
            IsClosed=ticket.closed_at is not None,
            CreatedDate=wire(ticket.opened_at),
            ClosedDate=None if ticket.closed_at is None else wire(ticket.closed_at),
        )

    def _activity(
        self, activity: BookActivity, account: str, owner: str | None, contacts: dict[str, str]
    ) -> None:
        values: dict[str, Any] = {
            "Subject": activity.subject or KINDS[activity.kind],
            "Activity_Kind__c": KINDS[activity.kind],
            "WhatId": account,
            "AccountId": account,
            "WhoId": None if activity.contact is None else contacts.get(activity.contact),
            "OwnerId": owner,
            "ActivityDate": activity.at.date().isoformat(),
        }
        if activity.kind in {"meeting", "qbr"}:
            name = "Event"
            values |= {
                "StartDateTime": wire(activity.at),
                "ActivityDateTime": wire(activity.at),
                "DurationInMinutes": MEETING_MINUTES,
                "EndDateTime": wire(activity.at + timedelta(minutes=MEETING_MINUTES)),
                "EndDate": (activity.at + timedelta(minutes=MEETING_MINUTES)).date().isoformat(),
                "EventSubtype": "Event",
            }
        else:
            name = "Task"
            values |= {
                "Status": "Completed",
                "IsClosed": True,
                "CompletedDateTime": wire(activity.at),
                "TaskSubtype": "Call" if activity.kind == "call" else "Email",
            }
        self._store(name, **values)
        touch_parents(self.org, name, values)
