"""The book: accounts, which records are theirs, what was derived of them, and their past."""

from __future__ import annotations

from syncd.store.book.borders import Borders
from syncd.store.book.derivations import Derivations
from syncd.store.book.members import Members
from syncd.store.book.search import Search
from syncd.store.book.stored import (
    AccountState,
    StoredAccount,
    StoredDerivation,
    account_key,
    rank_name,
)

__all__ = [
    "AccountState",
    "Book",
    "StoredAccount",
    "StoredDerivation",
    "account_key",
    "rank_name",
]


class Book(Members, Search, Derivations, Borders):
    """Reads and writes accounts and what is derived of them."""
