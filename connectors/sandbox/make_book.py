"""Makes the book: the same customers for the same arguments, whatever CRM they are poured into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from connectors.sandbox.book import Book, BookCustomer
from connectors.sandbox.making import everyday, timeline
from connectors.sandbox.making.draws import stream
from connectors.sandbox.making.staff import make_people
from connectors.sandbox.making.stories import story_at

if TYPE_CHECKING:
    from datetime import date


def make_book(
    *, customers: int = 60, seed: int = 7, today: date, detail: Literal["full", "lean"] = "full"
) -> Book:
    """A book of `customers` made-up customers as of `today`.

    Equal arguments give an equal book, and a bigger book of the same seed begins with the smaller
    one. The first customers each tell a story (`BookCustomer.story`). `detail="lean"` leaves out
    tickets, activities and usage and changes nothing else. Raises ValueError for a negative count.
    """
    if customers < 0:
        message = f"a book cannot have {customers} customers"
        raise ValueError(message)
    return Book(
        today=today,
        people=make_people(seed, customers),
        customers=tuple(
            make_customer(seed, index, today, full=detail == "full") for index in range(customers)
        ),
    )


def make_customer(seed: int, index: int, today: date, *, full: bool) -> BookCustomer:
    """The customer at `index`: a story if there is one for that place, else an everyday one."""
    draft = everyday.begin(seed, index, today)
    story = story_at(index)
    if story is None:
        everyday.live(draft)
    else:
        everyday.settle(draft)
        draft.story = story.title
        story.tell(draft)
    if not full:
        return draft.finish((), (), ())
    rng = stream(seed, "timeline", index)
    return draft.finish(
        timeline.make_tickets(draft, rng),
        timeline.make_activities(draft, rng),
        timeline.make_usage(draft, rng),
    )
