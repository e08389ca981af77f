"""What a diff gathers: for the plans, of the past, for the state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from syncd.model import Derived, Scalar
from syncd.plan import KeptValue, Packed, SetField, TaskChange
from syncd.store import AccountState, Reject, StoredTask


@dataclass(slots=True)
class Difference:
    """What one run would change in one connection, gathered account by account."""

    sets: Packed[SetField] = field(default_factory=Packed)
    tasks: Packed[TaskChange] = field(default_factory=Packed)
    kept: Packed[KeptValue] = field(default_factory=Packed)
    quiet: set[str] = field(default_factory=set)
    """Accounts with nothing left to write: they are settled."""

    def drop(self, accounts: AbstractSet[str]) -> None:
        """Forget what was found for these accounts."""
        if not accounts:
            return
        self.sets = Packed(change for change in self.sets if change.account not in accounts)
        self.tasks = Packed(change for change in self.tasks if change.account not in accounts)
        self.kept = Packed(value for value in self.kept if value.account not in accounts)
        self.quiet -= accounts


@dataclass(frozen=True, slots=True)
class Past:
    """What the state knows of a few hundred accounts: words last written, tasks, rejects."""

    written: Mapping[tuple[str, str], dict[str, Any]]
    tasks: Mapping[str, Sequence[StoredTask]]
    rejects: Mapping[str, Sequence[Reject]]


@dataclass(slots=True)
class Learned:
    """What the state is to keep of them."""

    states: list[AccountState] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)
    decisions: dict[str, tuple[Mapping[str, Derived], Mapping[str, Scalar], Mapping[str, date]]] = (
        field(default_factory=dict)
    )
    written: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    filled: dict[str, dict[str, bool]] = field(default_factory=dict)
    kept: list[KeptValue] = field(default_factory=list)
    edits: list[KeptValue] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    still_refused: set[tuple[str, str, str, str]] = field(default_factory=set)
