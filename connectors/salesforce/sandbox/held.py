"""What an org holds, as the modules below it look at it; and who writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from connectors.salesforce.sandbox.schema import SObject
from connectors.salesforce.sandbox.table import Row, Table


@dataclass(frozen=True, slots=True)
class Actor:
    """Who writes. `bound` by field-level security and the org's rules or not; `audit` may set
    system fields; `saves_duplicates` goes on where a duplicate rule only alerts.
    """

    user: str
    bound: bool = True
    audit: bool = False
    saves_duplicates: bool = False


class Held(Protocol):
    """The part of an `Org` that access, first rows, given and derived values need."""

    objects: dict[str, SObject]
    tables: dict[str, Table]
    ids: dict[str, str]

    def now(self) -> str:
        """The org's time as it stamps it."""
        ...

    def kind_of(self, key: str) -> str | None:
        """The name of the object that an id belongs to."""
        ...

    def store(self, name: str, values: Row) -> str:
        """Put a row in as it stands; its id."""
        ...
