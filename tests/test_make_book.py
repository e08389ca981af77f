"""The made-up book: repeatable, sound in itself, and every story as its title says."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, timedelta
from decimal import Decimal
from statistics import mean

import pytest

from connectors.sandbox.book import Book, BookContract, BookCustomer
from connectors.sandbox.make_book import make_book
from connectors.sandbox.making.calendar import business_days_before, term_end
from connectors.sandbox.making.stories import FIRST, MORE

TODAY = date(2026, 11, 24)
EVERY_STORY = 60 + len(MORE)
AWKWARD_DAYS = (
    date(2024, 2, 29),
    date(2027, 3, 31),
    date(2028, 2, 28),
    date(2026, 1, 1),
    date(2026, 8, 30),
)


@pytest.fixture(scope="module")
def book() -> Book:
    return make_book(customers=EVERY_STORY, today=TODAY)


def told(book: Book, title: str) -> BookCustomer:
    return next(customer for customer in book.customers if customer.story == title)


def end_of(contract: BookContract) -> date | None:
    if contract.end_date is not None:
        return contract.end_date
    if contract.start_date is None or contract.term_months is None:
        return None
    return term_end(contract.start_date, contract.term_months)


def arr_of(customer: BookCustomer) -> Decimal:
    return sum(
        (
            (contract.value or Decimal(0)) * 12 / contract.term_months
            for contract in customer.contracts
            if contract.status == "active"
            and contract.term_months
            and contract.start_date is not None
            and (end := end_of(contract)) is not None
            and contract.start_date <= TODAY <= end
        ),
        Decimal(0),
    )


def test_same_arguments_same_book() -> None:
    """Equal arguments make equal books, another seed another one."""
    one, same, other = (make_book(customers=70, seed=seed, today=TODAY) for seed in (7, 7, 8))

    assert one == same
    assert one != other


def test_bigger_book_begins_with_the_smaller(book: Book) -> None:
    """Growing the book changes nothing in what was there, people included."""
    bigger = make_book(customers=400, today=TODAY)

    assert bigger.customers[: len(book.customers)] == book.customers
    assert bigger.people[: len(book.people)] == book.people


def test_lean_leaves_out_and_changes_nothing(book: Book) -> None:
    """A lean book is the full one without tickets, activities and usage."""
    lean = make_book(customers=EVERY_STORY, today=TODAY, detail="lean")

    assert lean.customers == tuple(
        replace(customer, tickets=(), activities=(), usage=()) for customer in book.customers
    )


def test_negative_count_is_refused() -> None:
    """A book of fewer than no customers is an error."""
    with pytest.raises(ValueError, match="-1 customers"):
        make_book(customers=-1, today=TODAY)


def test_keys_and_addresses_are_unique() -> None:
    """No key, domain or mail address stands twice, so that links are never ambiguous."""
    big = make_book(customers=1500, today=TODAY, detail="lean")
    customers = big.customers
    keys = [customer.key for customer in customers]
    keys += [one.key for customer in customers for one in customer.contacts]
    keys += [deal.key for customer in customers for deal in customer.deals]
    keys += [contract.key for customer in customers for contract in customer.contracts]
    domains = [customer.domain for customer in customers if customer.domain]
    mails = [one.email for customer in customers for one in customer.contacts]
    mails += [person.email for person in big.people]

    assert len(set(keys)) == len(keys)
    assert len(set(domains)) == len(domains)
    assert len(set(mails)) == len(mails)
    assert all(domain.endswith(".example") for domain in domains)
    assert all(mail.isascii() and mail.endswith(".example") for mail in mails)


@pytest.mark.parametrize("today", AWKWARD_DAYS)
def test_every_reference_is_known(today: date) -> None:
    """Owners, contacts, contracts and deals that are named exist, on whatever day it is made."""
    made = make_book(customers=300, today=today)
    people = {person.key for person in made.people}
    accounts = {customer.key for customer in made.customers}

    for person in made.people:
        assert person.manager is None or person.manager in people
    for customer in made.customers:
        contacts = {one.key for one in customer.contacts}
        deals = {deal.key for deal in customer.deals}
        contracts = {contract.key for contract in customer.contracts}
        assert customer.owner in people
        assert {customer.csm, customer.executive_sponsor} - {None} <= people
        assert {customer.parent} - {None} <= accounts
        assert {deal.owner for deal in customer.deals} <= people
        assert {deal.contract for deal in customer.deals} - {None} <= contracts
        assert {contract.deal for contract in customer.contracts} - {None} <= deals
        assert {contract.renews for contract in customer.contracts} - {None} <= contracts
        assert {key for deal in customer.deals for key, _ in deal.contact_roles} <= contacts
        assert {activity.contact for activity in customer.activities} - {None} <= contacts


@pytest.mark.parametrize("today", [TODAY, *AWKWARD_DAYS])
def test_records_agree_with_each_other(today: date) -> None:
    """A contract and the deal it came of say the same; what is past is past."""
    made = make_book(customers=300, today=today)

    for customer in made.customers:
        deals = {deal.key: deal for deal in customer.deals}
        for contract in customer.contracts:
            if contract.deal is not None:
                deal = deals[contract.deal]
                assert deal.stage == "won", customer
                assert deal.amount == contract.value, customer
                assert contract.start_date in {deal.start_date, None}, customer
                assert (deal.currency or customer.currency) == (
                    contract.currency or customer.currency
                )
        for deal in customer.deals:
            assert deal.stage == "open" or deal.close_date <= today, customer
            assert deal.stage == "open" or deal.close_date >= customer.created_on, customer
        for contact in customer.contacts:
            seen = contact.last_activity_on
            assert seen is None or seen <= today, customer
        for ticket in customer.tickets:
            assert ticket.opened_at.tzinfo is UTC
            assert ticket.closed_at is None or ticket.closed_at >= ticket.opened_at
        for week in customer.usage:
            assert week.period_start.weekday() == 0
            assert week.period_start <= today


@pytest.mark.parametrize("count", [60, 1500])
def test_shape_of_an_everyday_book(count: int) -> None:
    """Statuses, sizes and the number of records are those of a usual portfolio."""
    made = make_book(customers=count, today=TODAY, detail="lean")
    status = Counter(customer.status for customer in made.customers)
    sizes = sorted((arr_of(customer) for customer in made.customers), reverse=True)
    leading = sum(sizes[: count // 10], Decimal(0)) / sum(sizes, Decimal(0))

    assert 0.72 <= status["customer"] / count <= 0.95
    assert status["prospect"]
    assert status["churned"]
    assert Decimal("0.33") <= leading <= Decimal("0.65")
    assert {customer.currency for customer in made.customers} == {"USD", "EUR", "GBP"}
    assert {customer.segment for customer in made.customers} == {"Enterprise", "Mid-Market", "SMB"}
    assert 1.5 <= mean(len(customer.deals) for customer in made.customers) <= 3.5
    assert 0.8 <= mean(len(customer.contracts) for customer in made.customers) <= 1.5
    assert 1.5 <= mean(len(customer.contacts) for customer in made.customers) <= 3


def test_the_team(book: Book) -> None:
    """Some people have left, some lead no one and are led by no one; loads are usual."""
    by_key = {person.key: person for person in book.people}
    loads = Counter(customer.owner for customer in book.customers[:60])
    owners = {by_key[customer.owner] for customer in book.customers}
    sellers = {by_key[deal.owner] for customer in book.customers for deal in customer.deals}

    assert any(not owner.active for owner in owners)
    assert any(not seller.active for seller in sellers)
    assert any(owner.manager is None for owner in owners)
    assert max(loads.values()) <= 20


def test_one_account_manager_carries_too_much() -> None:
    """From 250 customers on, one account manager has a hundred of them."""
    made = make_book(customers=250, today=TODAY, detail="lean")
    loads = Counter(customer.owner for customer in made.customers)

    assert max(loads.values()) == 100
    assert sorted(loads.values())[-2] <= 20


def test_stories_open_the_book(book: Book) -> None:
    """Each story stands in its place, under a title of its own."""
    titles = [customer.story for customer in book.customers if customer.story]

    assert titles == [story.title for story in (*FIRST, *MORE)]
    assert len(set(titles)) == len(titles)
    assert 35 <= len(FIRST) <= 45


@pytest.mark.parametrize("today", [TODAY, *AWKWARD_DAYS])
def test_month_ends(today: date) -> None:
    """The leap-day contract ends on 29 February, the other where its month is cut short."""
    made = make_book(today=today)
    leap = end_of(told(made, "contract ends on a leap day").contracts[0])
    short = told(made, "contract ends where a month end is cut short").contracts[0]
    end = end_of(short)

    assert leap is not None
    assert (leap.month, leap.day) == (2, 29)
    assert leap > today
    assert short.start_date is not None
    assert short.start_date.day == 31
    assert short.start_date <= today
    assert end is not None
    assert (end + timedelta(days=1)).day < 31
    assert end >= today


def test_rejected_contracts(book: Book) -> None:
    """Each of the three ways in which a contract cannot be used is there."""
    endless = told(book, "contract without end and term (rejected)").contracts[0]
    backwards = told(book, "contract ending before its start (rejected)").contracts[0]
    startless = told(book, "contract without start (rejected)").contracts[0]

    assert (endless.end_date, endless.term_months) == (None, None)
    assert backwards.start_date is not None
    assert backwards.end_date is not None
    assert backwards.end_date < backwards.start_date
    assert startless.start_date is None


@pytest.mark.parametrize("today", [TODAY, *AWKWARD_DAYS])
def test_successors(today: date) -> None:
    """One begins within 30 days of the end, one later but names it, one too late."""
    made = make_book(customers=EVERY_STORY, today=today)

    def gap(title: str) -> int:
        one, two = told(made, title).contracts
        end = end_of(one)
        assert end is not None
        assert two.start_date is not None
        return (two.start_date - end).days

    assert gap("successor contract starting within the gap") == 16
    assert gap("successor names the contract it renews, after a long gap") == 60
    assert gap("next contract begins too late to be a successor") == 46
    named = told(made, "successor names the contract it renews, after a long gap").contracts
    assert named[1].renews == named[0].key


def test_handoff_deadlines(book: Book) -> None:
    """One document is due today, one was due on the business day before."""

    def business_days_since(title: str) -> int:
        deal = next(deal for deal in told(book, title).deals if deal.kind == "new")
        days = range(1, (TODAY - deal.close_date).days + 1)
        return sum((deal.close_date + timedelta(days=day)).weekday() < 5 for day in days)

    assert business_days_since("incomplete handoff, due today") == 5
    assert business_days_since("handoff overdue by business days") == 6


def test_business_days_skip_weekends() -> None:
    """Counting back five business days from a Monday crosses a weekend."""
    monday = date(2026, 11, 23)

    assert business_days_before(monday, 5) == date(2026, 11, 16)
    assert business_days_before(monday, 1) == date(2026, 11, 20)
    assert business_days_before(date(2026, 11, 22), 0) == date(2026, 11, 20)


def test_forgotten_account(book: Book) -> None:
    """Nobody there answered for 200 days, and our own mail does not count."""
    forgotten = told(book, "tiny forgotten account, untouched for 200 days")
    touches = [one.at.date() for one in forgotten.activities if one.kind != "email_out"]

    assert max(touches) == TODAY - timedelta(days=200)


def test_last_activity_is_the_last_touch(book: Book) -> None:
    """No touch is later than the day on which a contact is said to have been last active."""
    for customer in book.customers:
        seen = [one.last_activity_on for one in customer.contacts if one.last_activity_on]
        touches = [
            one.at.date()
            for one in customer.activities
            if one.kind != "email_out" and one.at.date() <= TODAY
        ]

        assert not touches or (seen and max(touches) <= max(seen)), customer.story


def test_support_spike(book: Book) -> None:
    """More tickets in 30 days than twice the monthly mean of the 90 before."""
    tickets = told(book, "support spike").tickets
    ages = [(TODAY - ticket.opened_at.date()).days for ticket in tickets]
    recent = sum(age < 30 for age in ages)
    before = sum(30 <= age < 120 for age in ages)

    assert recent >= 3
    assert recent > 2 * before / 3


def test_usage_stories(book: Book) -> None:
    """The meter stands over 80 % two weeks running; logins fall where they should."""
    meter = told(book, "API calls at 90 % of the limit, two weeks running").usage
    falling = told(book, "usage falling").usage

    assert all(week.api_calls[0] * 10 >= week.api_calls[1] * 9 for week in meter[-2:])
    assert sum(week.logins for week in falling[-4:]) * 3 < sum(
        week.logins for week in falling[-16:-4]
    )
    assert len(falling) >= 16


def test_texts_that_are_hard_to_carry(book: Book) -> None:
    """Names with markup and formulas, and texts of tens of thousands of characters."""
    odd = told(book, "umlauts, quotes, HTML and a formula in the name")
    long = told(book, "very long texts")
    handoff = long.deals[-1].handoff

    assert odd.name.startswith("=1+1")
    assert "<b>" in odd.name
    assert handoff is not None
    assert 25_000 <= len(handoff.pain_points or "") <= 32_768
    assert long.plan is not None
    assert len(long.plan.overview or "") >= 25_000
    for customer in book.customers:
        assert all(len(deal.name) <= 120 for deal in customer.deals)
        assert all(len(contract.name) <= 80 for contract in customer.contracts)


def test_several_currencies_in_one_account(book: Book) -> None:
    """The second contract is in another currency than its account."""
    customer = told(book, "multi-currency: account in euros, a second contract in pounds")

    assert customer.currency == "EUR"
    assert [contract.currency for contract in customer.contracts] == [None, "GBP"]


def test_first_customer_is_a_usable_parent(book: Book) -> None:
    """Subsidiaries hang on the first customer, which every book has."""
    parents = {customer.parent for customer in book.customers} - {None}

    assert parents == {book.customers[0].key}
