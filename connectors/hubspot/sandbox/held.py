"""What a portal holds, as its checks and its calculated values look at it."""

from __future__ import annotations

from typing import Protocol

from connectors.hubspot.sandbox.catalogue import Catalogue
from connectors.hubspot.sandbox.graph import Graph
from connectors.hubspot.sandbox.kinds import Kind
from connectors.hubspot.sandbox.labels import Labels
from connectors.hubspot.sandbox.owners import Owner
from connectors.hubspot.sandbox.rates import Rate
from connectors.hubspot.sandbox.stages import Pipeline
from connectors.hubspot.sandbox.table import Row, Table


class Held(Protocol):
    """The part of a `Portal` that is only looked at."""

    id: int
    catalogue: Catalogue
    labels: Labels
    graph: Graph
    pipelines: dict[str, list[Pipeline]]
    tables: dict[str, Table]
    owners: dict[int, Owner]
    home_currency: str
    rates: list[Rate]

    def table(self, kind: Kind) -> Table:
        """The records of a type."""
        ...

    def find(self, kind: Kind, key: str, by: str | None = None) -> Row | None:
        """A live record by id or by a unique property."""
        ...
