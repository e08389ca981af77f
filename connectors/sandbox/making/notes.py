"""What people write down: names of deals, handoff documents, account plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.sandbox.book import BookHandoff, BookPlan
from connectors.sandbox.making import texts
from connectors.sandbox.making.draws import between, fill, person_name, pick

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from random import Random

    from connectors.sandbox.book import BookContact

KEPT_DAYS = 400  # notes of deals older than this were never carried over
DEAL_NAME_LENGTH = 120  # as long as a Salesforce opportunity's name can be
CONTRACT_NAME_LENGTH = 80
NET_DAYS = (14, 30, 45, 60)


def deal_name(rng: Random, company: str, kind: str, year: int) -> str:
    """As sellers name deals: `Velmstead Foods - Renewal 2026`."""
    if kind == "renewal":
        about = f"Renewal {year}"
    elif kind == "expansion":
        about = pick(rng, texts.EXTRAS)
    elif kind == "other":
        about = f"training days {year}"
    else:
        about = pick(rng, texts.PRODUCTS)
    return f"{cut(company, DEAL_NAME_LENGTH - len(about) - 3)} - {about}"


def contract_name(company: str, number: int) -> str:
    """As order desks name contracts."""
    about = f"order form {number}"
    return f"{cut(company, CONTRACT_NAME_LENGTH - len(about) - 3)} - {about}"


def cut(text: str, length: int) -> str:
    """`text` shortened to `length` characters."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def full_name(rng: Random, contacts: Sequence[BookContact], role: str) -> str:
    """The contact with this role, or someone the notes alone know."""
    for contact in contacts:
        if role in contact.roles:
            return f"{contact.first_name} {contact.last_name}"
    return " ".join(person_name(rng))


def handoff(rng: Random, term: int, contacts: Sequence[BookContact]) -> BookHandoff:
    """A complete handoff document for a deal of `term` months."""
    topic = between(rng, 0, len(texts.PAIN_POINTS) - 1)
    return BookHandoff(
        pain_points=fill(rng, texts.PAIN_POINTS[topic : topic + 1]),
        promised_outcomes=fill(rng, texts.PROMISED_OUTCOMES[topic : topic + 1]),
        champion=fill(rng, texts.CHAMPIONS, name=full_name(rng, contacts, "champion")),
        economic_buyer=fill(rng, texts.BUYERS, name=full_name(rng, contacts, "economic_buyer")),
        skeptics=fill(rng, texts.SKEPTICS, name=full_name(rng, contacts, "blocker")),
        contract_terms=fill(rng, texts.CONTRACT_TERMS, term=term, net=pick(rng, NET_DAYS)),
        discounts=fill(rng, texts.DISCOUNTS),
        verbal_commitments=fill(rng, texts.VERBAL_COMMITMENTS),
    )


def plan(rng: Random, *, trade: str, am: str, updated_on: date | None) -> BookPlan:
    """A complete account plan. `am` is what its actions call their owner."""
    return BookPlan(
        overview=fill(rng, texts.PLAN_OVERVIEW, trade=trade),
        health_assessment=fill(rng, texts.PLAN_HEALTH),
        goals=fill(rng, texts.PLAN_GOALS),
        actions=fill(rng, texts.PLAN_ACTIONS, am=am),
        success_metrics=fill(rng, texts.PLAN_METRICS),
        updated_on=updated_on,
    )
