"""What the book holds of an account, and by which names it is known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TypeAlias

from msgspec import Struct

from syncd.model import Derived, Scalar
from syncd.rules import BookRow


class StoredAccount(Struct, frozen=True):
    """An account as the store knows it. `members` are (connection, record id) pairs."""

    key: str
    name: str
    domain: str | None
    status: str | None
    gone: bool
    valid_until: date | None
    members: tuple[tuple[str, str], ...]


class StoredDerivation(Struct, frozen=True):
    """What was derived of an account at its last turn."""

    values: Mapping[str, Derived]
    facts: Mapping[str, Scalar]
    since: Mapping[str, date]
    derived_at: str


class AccountState(Struct, frozen=True):
    """What a derivation leaves behind for later turns and for the book-wide borders."""

    key: str
    name: str
    domain: str | None
    status: str
    owner: str | None
    valid_until: date | None
    basis: str
    row: BookRow
    load_told: str = ""
    """What its playbooks heard of its manager's load; blank where they heard nothing."""


Decisions: TypeAlias = Mapping[
    str, tuple[Mapping[str, Derived], Mapping[str, Scalar], Mapping[str, date]]
]
"""What was derived, by account key: values, facts, since when each value stands."""


def account_key(connection: str, id: str) -> str:
    """The key of an account that stands for itself: its connection and record id."""
    return f"{connection}:{id}"


def rank_name(key: str) -> str:
    """An account's id with its connection, as borders of a book of several CRMs tell it apart.

    Sorted as text, such names stand in the order of the ids.
    """
    connection, _, id = key.partition(":")
    return f"{id} {connection}"
