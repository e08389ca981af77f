"""A book of any size with three opportunities, one contract and two contacts to each account."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from connectors.sandbox.book import (
    Book,
    BookContact,
    BookContract,
    BookCustomer,
    BookDeal,
    BookHandoff,
    Person,
)

DEALS, CONTRACTS, CONTACTS = 3, 1, 2
SELLERS = 40


def big_book(accounts: int, today: date, *, alone: bool = False) -> Book:
    """The same book for the same arguments; sizes, dates and handoffs vary from account to
    account. `alone`: accounts with nothing else.
    """
    people = [Person("ops01", "Olu Ops", "ops@seller.example")]
    people += [
        Person(f"p{n}", f"Seller {n}", f"seller{n}@seller.example", manager="ops01")
        for n in range(SELLERS)
    ]
    made = (_customer(number, today) for number in range(accounts))
    customers = tuple(
        replace(one, contacts=(), deals=(), contracts=()) if alone else one for one in made
    )
    return Book(today=today, people=tuple(people), customers=customers)


def _customer(number: int, today: date) -> BookCustomer:
    owner = f"p{number % SELLERS}"
    value = Decimal(1_000 + (number * 7_919) % 250_000)
    starts = today - timedelta(days=(number * 37) % 360)
    ends = starts + timedelta(days=364)
    handoff = BookHandoff(
        pain_points="Orders are keyed in twice, and nobody knows which copy is right.",
        promised_outcomes="Half the time from order to invoice by the summer."
        if number % 2
        else "",
        champion="Noor Haddad" if number % 3 else "tbd",
        economic_buyer="CFO",
        skeptics="none",
        contract_terms="Net 30, yearly in advance",
    )
    new = BookDeal(
        key=f"d{number}-new",
        name=f"Customer {number} new",
        kind="new",
        stage="won",
        close_date=starts - timedelta(days=10),
        amount=value,
        owner=owner,
        term_months=12,
        start_date=starts,
        handoff=handoff,
        contact_roles=((f"k{number}-0", "champion"),),
    )
    lost = BookDeal(
        key=f"d{number}-more",
        name=f"Customer {number} more seats",
        kind="expansion",
        stage="lost",
        close_date=starts + timedelta(days=60),
        amount=value / 5,
        owner=owner,
    )
    renewal = BookDeal(
        key=f"d{number}-renewal",
        name=f"Customer {number} renewal",
        kind="renewal",
        stage="open",
        close_date=ends,
        amount=value,
        owner=owner,
    )
    contract = BookContract(
        key=f"c{number}",
        name=f"Customer {number} contract",
        status="active",
        start_date=starts,
        end_date=ends,
        term_months=12,
        value=value,
        auto_renew=number % 4 == 0,
        notice_days=60 if number % 4 == 0 else None,
    )
    contacts = tuple(
        BookContact(
            key=f"k{number}-{n}",
            first_name="Noor" if n == 0 else "Sam",
            last_name=f"Haddad {number}",
            email=f"person{n}@customer{number}.example",
            title="CFO" if n == 0 else "Head of Operations",
            roles=("champion",) if n == 0 else ("end_user",),
            last_activity_on=today - timedelta(days=number % 200),
        )
        for n in range(CONTACTS)
    )
    return BookCustomer(
        key=f"a{number}",
        name=f"Customer {number}",
        domain=f"customer{number}.example",
        status="customer",
        segment=("enterprise", "mid_market", "smb")[number % 3],
        region=("emea", "americas", "apac")[number % 3],
        country="Spain",
        currency="EUR" if number % 5 == 0 else "USD",
        owner=owner,
        csm=None,
        created_on=starts - timedelta(days=100),
        contacts=contacts,
        deals=(new, lost, renewal),
        contracts=(contract,),
    )
