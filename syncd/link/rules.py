"""What an admin decided about linking: `[link]` of config.toml as plain values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TypeAlias

import msgspec
from msgspec import Struct

from syncd.model import Account

Place: TypeAlias = tuple[str, str]
"""An account record: (connection, record id)."""
Pair: TypeAlias = tuple[Place, ...]
"""Account records of one customer (or, under `never`, of different ones)."""

EXCLUSIVE = ("opportunity", "contract")
"""Kinds that come whole from one CRM: the same deal in both must not count twice."""
UNITED = ("contact", "ticket", "activity", "usage")
"""Kinds of which the records of all CRMs count, unless precedence names one."""
OWN = frozenset({"ref", "id", "link"})
"""Fields of an account that are each CRM's own and never decided between."""
PRECEDENCE_NAMES = (
    "default",
    *EXCLUSIVE,
    *UNITED,
    *(name for name in Account.__struct_fields__ if name not in OWN),
)
"""What `precedence` may name: an account's field, or a kind of record."""


class LinkRules(Struct, frozen=True):
    """Which connections are one book, how records are matched, and which CRM wins.

    `by` holds "id" and "domain", the stronger first. `precedence` lists connections, the
    strongest first, by account field, by kind or as "default". `tasks` is the connection that
    gets the tasks.
    """

    connections: tuple[str, ...]
    by: tuple[str, ...] = ("id", "domain")
    pairs: tuple[Pair, ...] = ()
    never: tuple[Pair, ...] = ()
    shared_domains: frozenset[str] = frozenset()
    precedence: Mapping[str, tuple[str, ...]] = {}
    tasks: str = ""

    def order(self, name: str) -> tuple[str, ...]:
        """All connections, the strongest for this field or kind first."""
        first = self.precedence.get(name, self.precedence.get("default", ()))
        default = (*self.precedence.get("default", ()), *self.connections)
        return tuple(dict.fromkeys((*first, *default)))

    def task_order(self) -> tuple[str, ...]:
        """Where tasks go: the first of these in which the customer is."""
        return tuple(dict.fromkeys((*([self.tasks] if self.tasks else []), *self.connections)))

    def hash(self) -> str:
        """Changes when any of these decisions does."""
        encoded = msgspec.json.encode(
            [
                self.connections,
                self.by,
                sorted(self.pairs),
                sorted(self.never),
                sorted(self.shared_domains),
                sorted(self.precedence.items()),
                self.tasks,
            ]
        )
        return hashlib.blake2b(encoded, digest_size=16).hexdigest()
