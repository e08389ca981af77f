"""Aggregate queries: COUNT, SUM and their kin over groups of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from connectors.salesforce.sandbox.errors import RequestError
from connectors.salesforce.sandbox.schema import NUMBERS, Field
from connectors.salesforce.sandbox.soql.parse import malformed
from connectors.salesforce.sandbox.soql.tree import Call, Item, Path, Query

if TYPE_CHECKING:
    from connectors.salesforce.sandbox.soql.scope import Getter, Scope
    from connectors.salesforce.sandbox.table import Row

MAX_GROUPS = 2_000
AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
_DATES: dict[str, Callable[[date], Any]] = {
    "CALENDAR_YEAR": lambda day: day.year,
    "FISCAL_YEAR": lambda day: day.year,
    "CALENDAR_QUARTER": lambda day: (day.month - 1) // 3 + 1,
    "FISCAL_QUARTER": lambda day: (day.month - 1) // 3 + 1,
    "CALENDAR_MONTH": lambda day: day.month,
    "DAY_IN_MONTH": lambda day: day.day,
    "DAY_IN_WEEK": lambda day: day.isoweekday() % 7 + 1,
    "DAY_ONLY": lambda day: day.isoformat(),
}


def is_aggregate(query: Query) -> bool:
    """Whether the query's records are groups rather than rows."""
    return bool(query.group) or any(
        isinstance(item.what, Call) and item.what.function in AGGREGATES for item in query.items
    )


@dataclass(frozen=True, slots=True)
class Reckoner:
    """Works out one aggregate query's groups."""

    scope: Scope
    query: Query

    def reader(self, what: Path | Call) -> tuple[Field, Getter]:
        """What a path, or a function of a date, reads from a row."""
        if isinstance(what, Path):
            column = self.scope.column(what)
            return column.field, column.get
        function = _DATES.get(what.function)
        if function is None or len(what.of) != 1 or not isinstance(what.of[0], Path):
            raise malformed(f"unexpected token: '{what.function}'")
        column = self.scope.column(what.of[0])
        number = Field(name=what.function, type="int", label=what.function)

        def read(row: Row) -> Any:
            value = column.get(row)
            return None if value is None else function(date.fromisoformat(value[:10]))

        return number, read

    def groups(self, rows: Iterable[Row]) -> list[Row]:
        """One dict a group: each grouping and each aggregate under its spelling."""
        keys = [self.reader(part) for part in self.query.group]
        for one, _ in keys:
            if "G" not in one.flags:
                raise malformed(f"field '{one.name}' can not be grouped in a query call")
        members: dict[tuple[Any, ...], list[Row]] = {}
        if not keys:
            members[()] = []
        for row in rows:
            members.setdefault(tuple(get(row) for _, get in keys), []).append(row)
        calls = list(self._calls())
        made = []
        for values, held in members.items():
            group = {
                part.text.lower(): value
                for part, value in zip(self.query.group, values, strict=True)
            }
            for call in calls:
                group[call.text.lower()] = self._reckon(call, held)
            made.append(group)
        if len(made) > MAX_GROUPS:
            raise RequestError(
                400,
                "EXCEEDED_ID_LIMIT",
                "Aggregate query does not support queryMore(), use LIMIT to restrict the results "
                "to a single batch",
            )
        return made

    def _calls(self) -> Iterable[Call]:
        grouped = {part.text.lower() for part in self.query.group}
        for what in [item.what for item in self.query.items] + [one.by for one in self.query.order]:
            if isinstance(what, Call) and what.function in AGGREGATES:
                yield what
            elif isinstance(what, Query) or (
                what.text.lower() not in grouped and not self._is_alias(what)
            ):
                name = "" if isinstance(what, Query) else what.text
                raise malformed(f"Field must be grouped or aggregated: {name}")
        yield from _calls_in(self.query.having)

    def _is_alias(self, what: Path | Call) -> bool:
        return any(item.alias == what.text for item in self.query.items)

    def _reckon(self, call: Call, rows: list[Row]) -> Any:
        if not call.of:
            return len(rows)
        if len(call.of) != 1 or not isinstance(call.of[0], Path):
            raise malformed(f"unexpected token: '{call.function}'")
        one, get = self.reader(call.of[0])
        if "A" not in one.flags or (call.function in {"SUM", "AVG"} and one.type not in NUMBERS):
            raise malformed(
                f"field '{one.name}' does not support aggregate operator {call.function}"
            )
        values = [value for value in (get(row) for row in rows) if value is not None]
        if call.function == "COUNT":
            return len(values)
        if call.function == "COUNT_DISTINCT":
            return len(set(values))
        if not values:
            return None
        if call.function == "SUM":
            return float(sum(values))
        if call.function == "AVG":
            return sum(values) / len(values)
        return min(values) if call.function == "MIN" else max(values)

    def record(self, group: Row) -> dict[str, Any]:
        """The AggregateResult of a group."""
        record: dict[str, Any] = {"attributes": {"type": "AggregateResult"}}
        unnamed = 0
        for item in self.query.items:
            name = item.alias
            if name is None and isinstance(item.what, Path):
                name = self.scope.column(item.what).field.name
            if name is None:
                name = f"expr{unnamed}"
                unnamed += 1
            record[name] = group[_text(item)]
        return record


def _text(item: Item) -> str:
    assert not isinstance(item.what, Query)
    return item.what.text.lower()


def _calls_in(logic: Any) -> Iterable[Call]:
    if logic is None:
        return
    for part in getattr(logic, "parts", ()):
        yield from _calls_in(part)
    if hasattr(logic, "part"):
        yield from _calls_in(logic.part)
    if isinstance(getattr(logic, "target", None), Call) and logic.target.function in AGGREGATES:
        yield logic.target
