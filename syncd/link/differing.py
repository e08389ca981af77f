"""Where the CRMs of one customer say different things, and whose word counts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from syncd.link.people import People
from syncd.link.rules import OWN, LinkRules
from syncd.link.uniting import PERSONS, Part, contract_source, deal_source, field_values
from syncd.model import Account

SILENT = OWN | {"parent", "created_on", "plan", "currency"}
"""Each CRM's own affair, or texts that nobody expects to be the same."""


class Disagreement(Struct, frozen=True):
    """One field (or "contracts", "opportunities") that differs. `values` by connection, in words.

    `used` is the connection whose value counts.
    """

    field: str
    values: tuple[tuple[str, str], ...]
    used: str


def disagreements(rules: LinkRules, parts: Sequence[Part], people: People) -> list[Disagreement]:
    """Everything that differs between the CRMs' records of one customer."""
    by = {part.connection: part for part in parts}
    found = []
    for name in Account.__struct_fields__:
        if name in SILENT:
            continue
        values = field_values(rules, by, name, people)
        if len({_alike(value) for _, value in values}) > 1:
            shown = tuple(
                (connection, _person(people, value) if name in PERSONS else str(value))
                for connection, value in values
            )
            found.append(Disagreement(name, shown, values[0][0]))
    contracts = contract_source(rules, parts)
    if contracts is not None:
        counted = [
            (part.connection, len(some), _sum(c.arr for c in some))
            for part in parts
            if (some := [c for c in part.records.contracts if c.status == "active"])
        ]
        found += _counted("contracts", counted, contracts.connection)
    deals = deal_source(rules, parts)
    if deals is not None:
        counted = [
            (part.connection, len(won), _sum(d.arr for d in won))
            for part in parts
            if (won := [d for d in part.records.opportunities if d.won])
        ]
        found += _counted("opportunities", counted, deals.connection)
    return found


def _counted(
    name: str, counted: Sequence[tuple[str, int, Decimal]], used: str
) -> list[Disagreement]:
    what = {"contracts": "active", "opportunities": "won"}[name]
    if len({(count, arr) for _, count, arr in counted}) < 2:  # noqa: PLR2004 - two CRMs
        return []
    shown = tuple((c, f"{count} {what}, ARR {arr:,.2f}") for c, count, arr in counted)
    return [Disagreement(name, shown, used)]


def _sum(amounts: Any) -> Decimal:
    return sum((amount for amount in amounts if amount is not None), Decimal(0))


def _alike(value: Any) -> object:
    """Case and punctuation are each CRM's own way of writing."""
    if not isinstance(value, str):
        return value
    return "".join(mark for mark in value.casefold() if mark.isalnum()) or value


def _person(people: People, id: str) -> str:
    user = people.users.get(id)
    return id if user is None else user.email or user.name or id
