"""A HubSpot portal without HTTP: its records, and what happens when they change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from connectors.hubspot.sandbox import calculated, catalogue_work, customer, kinds, rollups, stages
from connectors.hubspot.sandbox.catalogue import Catalogue, with_customer
from connectors.hubspot.sandbox.checking import check
from connectors.hubspot.sandbox.errors import ApiError, no_object
from connectors.hubspot.sandbox.graph import Graph
from connectors.hubspot.sandbox.kinds import Kind, Kinds
from connectors.hubspot.sandbox.labels import Label, Labels
from connectors.hubspot.sandbox.owners import Owner
from connectors.hubspot.sandbox.rates import Rate
from connectors.hubspot.sandbox.schema import parse_lines
from connectors.hubspot.sandbox.stages import Stage
from connectors.hubspot.sandbox.table import Row, Table
from connectors.hubspot.sandbox.times import instant, milliseconds

FIRST_ID = 210_000_000_001
FIRST_OWNER, FIRST_USER = 70_001, 60_001

Link = tuple[Kind, int, list[Label]]
"""An association to make: the other record's type and id, and further labels."""


class Portal:
    """All of a portal's state. Times are milliseconds since 1970."""

    def __init__(
        self, clock: Callable[[], datetime], *, id: int = 147_000_001, search_lag: float = 0.0
    ) -> None:
        """A portal with the default catalogue, the customer's own properties and one owner."""
        self._clock = clock
        self.id = id
        self.search_lag = int(search_lag * 1000)
        self.kinds = Kinds(kinds.standard(), id)
        self.catalogue: Catalogue = with_customer()
        self.labels = Labels()
        self.graph = Graph(self.labels)
        self.pipelines = stages.standard()
        self.tables = {kind.id: Table(kind) for kind in self.kinds.by_id.values()}
        self.owners: dict[int, Owner] = {}
        self.titles: dict[str, tuple[str, str]] = {}
        self.next_id = FIRST_ID
        self.next_custom = 100_001
        self.user = str(FIRST_USER)
        self.home_currency = "USD"
        self.rates: list[Rate] = []
        self._unsettled: set[tuple[str, int]] = set()
        self.tables["0-1"].index("email")
        self.add_owner("ada.admin@acme.example", "Ada", "Admin")
        for owner in ("0-1", "0-2"):
            chain = self.pipelines[owner][0].stages
            chain.append(Stage(customer.CHURNED, "Churned", len(chain), {"isClosed": "false"}))
        self.define(customer.USAGE_NAME, "Product usage", "Product usage", targets=("0-2",))
        usage = self.kinds.find(customer.USAGE_NAME)
        lines = f"[{customer.USAGE_NAME}_information]\n{customer.USAGE.strip()}"
        self.catalogue.extend(usage.id, parse_lines(lines, native=False))
        usage.display, usage.defaults = "usage_name", ("usage_name",)

    def now(self) -> int:
        """The present moment."""
        return milliseconds(self._clock())

    def table(self, kind: Kind) -> Table:
        """The records of a type."""
        return self.tables[kind.id]

    def define(self, name: str, singular: str, plural: str, *, targets: Iterable[str] = ()) -> Kind:
        """A custom object with HubSpot's own properties; `targets` are type ids."""
        kind = Kind(
            name=name,
            id=f"2-{self.next_custom}",
            singular=name,
            reads="crm.objects.custom.read",
            writes="crm.objects.custom.write",
            schemas="crm.schemas.custom",
            custom=True,
        )
        self.next_custom += 1
        self.kinds.add(kind)
        self.tables[kind.id] = Table(kind)
        self.catalogue.extend(
            kind.id, parse_lines(f"[{name}_information]\n{catalogue_work.CUSTOM}")
        )
        self.catalogue.groups[kind.id][f"{name}_information"].label = f"{singular} information"
        self.titles[kind.id] = (singular, plural)
        for target in targets:
            self.labels.plain(kind.id, target, "USER_DEFINED")
        return kind

    def new_id(self) -> int:
        """An id that nothing had yet; ids grow, with gaps."""
        id = self.next_id
        self.next_id += 1 + id % 7
        return id

    def add_owner(self, email: str, first: str, last: str, *, archived: bool = False) -> Owner:
        """A user."""
        count, now = len(self.owners), self.now()
        owner = Owner(
            FIRST_OWNER + count, email, first, last, FIRST_USER + count, now, now, archived
        )
        self.owners[owner.id] = owner
        return owner

    def index(self, kind: Kind, by: str) -> None:
        """See that records are found by that property. Raises ApiError where it is not unique."""
        table = self.table(kind)
        if by not in table.unique and by != "hs_object_id":
            property = self.catalogue.find(kind.id, by)
            if property is None or not property.unique:
                raise ApiError(400, f"idProperty {by} is not a unique property of {kind.upper}.")
            table.index(by)

    def find(self, kind: Kind, key: str, by: str | None = None) -> Row | None:
        """A live record by id or by a unique property. Raises ApiError for another property."""
        if by:
            self.index(kind, by)
        return self.table(kind).find(key.lower() if by == "email" else key, by)

    def get(self, kind: Kind, key: str, by: str | None = None) -> Row:
        """The same; raises ApiError (404) where there is none."""
        row = self.find(kind, key, by)
        if row is None:
            raise no_object(key)
        return row

    def create(
        self,
        kind: Kind,
        given: Mapping[str, Any],
        links: Iterable[Link] = (),
        *,
        source: str = "INTEGRATION",
    ) -> Row:
        """A new record, checked. Raises ApiError."""
        values = check(self, kind, given)
        self.require(kind, values)
        row = self.store(kind, values, source=source)
        for other, id, labels in links:
            self.connect(kind, row.id, other, id, labels)
        self._mark(kind, row)
        self.settle()
        return row

    def require(self, kind: Kind, values: Mapping[str, str | None]) -> None:
        """Raise ApiError where a value that a new record needs is missing."""
        missing = [name for name in kind.required if not values.get(name)]
        if kind.one_of and not any(values.get(name) for name in kind.one_of):
            missing.append(kind.one_of[0])
        if missing:
            raise ApiError(
                400,
                f"Error creating {kind.upper}. Some required properties were not set.",
                context={"properties": missing},
            )

    def store(
        self,
        kind: Kind,
        values: Mapping[str, str | None],
        *,
        created: int | None = None,
        updated: int | None = None,
        source: str = "INTEGRATION",
    ) -> Row:
        """A new record of values as they are kept; nothing is checked or rolled up."""
        now = self.now()
        born = now if created is None else created
        id = self.new_id()
        row = Row(id, {n: v for n, v in values.items() if v is not None}, born, updated or now)
        calculated.on_create(self, kind, row, source)
        follows = calculated.values(self, kind, row, set(row.properties), now)
        row.properties |= {name: value for name, value in follows.items() if value is not None}
        row.properties |= {
            kind.created: row.properties.get(kind.created) or instant(born),
            "hs_createdate": instant(born),
            kind.modified: instant(row.updated),
            "hs_object_id": str(id),
        }
        if self.search_lag:
            row.past = [(now, None)]
        self.table(kind).add(row)
        return row

    def update(
        self, kind: Kind, row: Row, changes: Mapping[str, str | None], source: str = "INTEGRATION"
    ) -> set[str]:
        """Set checked values; what is as it was stays untouched. The names of what changed."""
        changed = self._write(kind, row, changes, source)
        if changed:
            self._mark(kind, row)
            if kind.name in rollups.SOURCES:
                self._unsettled |= {(other, id) for other, id, _ in self.graph.of(kind.id, row.id)}
            self.settle()
        return changed

    def archive(self, kind: Kind, row: Row) -> None:
        """Delete a record: it is listed among the archived ones and loses its associations."""
        self._unsettled.update(self.graph.isolate(kind.id, row.id))
        self.table(kind).archive(row, self.now())
        self.settle()

    def connect(
        self, kind: Kind, id: int, other: Kind, target: int, labels: Iterable[Label]
    ) -> None:
        """Associate two records; call `settle` when all are made."""
        self.graph.connect((kind.id, other.id), id, target, labels)
        self._unsettled |= {(kind.id, id), (other.id, target)}

    def disconnect(self, kind: Kind, id: int, other: Kind, target: int) -> None:
        """End their associations; call `settle` when all are done."""
        self.graph.disconnect((kind.id, other.id), id, target)
        self._unsettled |= {(kind.id, id), (other.id, target)}

    def settle(self, *, quietly: bool = False) -> None:
        """Bring up to date what is rolled up from associated records.

        A value that changes so is a change of the record, as in HubSpot; `quietly` it is not.
        """
        pending, self._unsettled = self._unsettled, set()
        now = self.now()
        for kind_id, id in pending:
            row = self.tables[kind_id].rows.get(id)
            if row is None or row.archived is not None:
                continue
            kind = self.kinds.by_id[kind_id]
            values = rollups.values(self, kind, row, now)
            if quietly:
                for name, value in values.items():
                    self.tables[kind_id].set(row, name, value)
            else:
                self._write(kind, row, values, "CALCULATED")

    def forget_associations(self) -> None:
        """Start over with no associations."""
        self.graph = Graph(self.labels)
        self._unsettled.clear()

    def settle_all(self) -> None:
        """Roll up everything without touching the dates of changes; after loading a book."""
        self._unsettled = {(id, row) for id, table in self.tables.items() for row in table.live}
        self.settle(quietly=True)

    def _mark(self, kind: Kind, row: Row) -> None:
        self._unsettled.add((kind.id, row.id))

    def _write(
        self, kind: Kind, row: Row, changes: Mapping[str, str | None], source: str
    ) -> set[str]:
        held = row.properties
        changed = {name: value for name, value in changes.items() if held.get(name) != value}
        if not changed:
            return set()
        now, table = self.now(), self.table(kind)
        if self.search_lag:
            row.past = [*(row.past or []), (now, dict(held))]
        for name, value in changed.items():
            _remember(row, name, value, now, source)
            table.set(row, name, value)
        for name, value in calculated.values(self, kind, row, set(changed), now).items():
            if held.get(name) != value:
                _remember(row, name, value, now, "CALCULATED")
                table.set(row, name, value)
        row.updated = now
        held[kind.modified] = instant(now)
        table.touched(row)
        return set(changed)


def _remember(row: Row, name: str, value: str | None, now: int, source: str) -> None:
    if row.history is None:
        row.history = {}
    versions = row.history.setdefault(name, [])
    held = row.properties.get(name)
    if not versions and held is not None:
        versions.append((held, row.created, "INTEGRATION"))
    versions.append((value, now, source))
