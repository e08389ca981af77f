"""Runs a query: finds the rows, orders them, and says how each becomes a record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from connectors.salesforce.sandbox.errors import GUIDANCE, RequestError
from connectors.salesforce.sandbox.schema import TEXTS, Field, SObject
from connectors.salesforce.sandbox.soql.aggregate import Reckoner, is_aggregate
from connectors.salesforce.sandbox.soql.conditions import Conditions
from connectors.salesforce.sandbox.soql.parse import malformed, parse, pointed
from connectors.salesforce.sandbox.soql.project import Projector, Result
from connectors.salesforce.sandbox.soql.scope import Getter, Scope
from connectors.salesforce.sandbox.soql.tree import Call, Order, Path, Query

if TYPE_CHECKING:
    from connectors.salesforce.sandbox.org import Org
    from connectors.salesforce.sandbox.table import Row

FIELDS_LIMIT = 200
MAX_CHILDREN = 20
Record = dict[str, Any]


class Runner:
    """Runs queries as one user, through one API version."""

    def __init__(self, org: Org, user: str | None, version: str) -> None:
        """`user` None sees everything; `version` such as ``66.0`` stands in the records' URLs."""
        self.org = org
        self.user = user
        self.base = f"/services/data/v{version}/sobjects"

    def run(self, text: str, *, deleted: bool = False) -> Result:
        """Run the text. `deleted` also finds what is in the recycle bin.

        Raises RequestError.
        """
        query = parse(text)
        kind = self.org.lower.get(query.source.names[0].lower())
        if (
            kind is None
            or not kind.queryable
            or len(query.source.names) > 1
            or not self.org.access.may(self.user, kind.name, "Read")
        ):
            raise RequestError(
                400,
                "INVALID_TYPE",
                pointed(
                    text,
                    query.source.at,
                    f"sObject type '{query.source.text}' is not supported. If you are attempting "
                    "to use a custom object, be sure to append the '__c' after the entity name. "
                    + GUIDANCE,
                ),
            )
        return self.select(query, kind, None, deleted=deleted)

    def select(
        self, query: Query, kind: SObject, among: Iterable[Row] | None, *, deleted: bool
    ) -> Result:
        """Run a tree over an object's rows, or over those among them."""
        scope = Scope(self.org, self.user, kind, (query.text, query.alias))
        first = query.items[0]
        counting = (
            len(query.items) == 1
            and isinstance(first.what, Call)
            and first.what.function == "COUNT"
            and not first.what.of
        )
        if counting:
            rows = self._found(query, scope, among, deleted=deleted)
            total = min(len(rows), len(rows) if query.limit is None else query.limit)
            return Result([], dict, total)
        if is_aggregate(query):
            return self._aggregate(query, scope, among, deleted=deleted)
        result = Projector(self, scope).result(query)
        rows = self._found(query, scope, among, deleted=deleted)
        rows = _cut(query, self._ordered(query.order, scope, rows))
        result.rows, result.total = rows, len(rows)
        return result

    def among(self, query: Query, rows: Iterable[Row]) -> list[Row]:
        """Those of these rows of the query's object that meet its condition.

        Raises RequestError.
        """
        kind = self.org.lower[query.source.names[0].lower()]
        scope = Scope(self.org, self.user, kind, (query.text, query.alias))
        return self._found(query, scope, rows, deleted=True)

    def _found(
        self, query: Query, scope: Scope, among: Iterable[Row] | None, *, deleted: bool
    ) -> list[Row]:
        table = self.org.tables[scope.kind.name]
        conditions = Conditions(scope, self._resolver(scope), self._values)
        test = None if query.where is None else conditions.test(query.where)
        rows: Iterable[Row]
        if among is not None:
            rows = among
        else:
            found = conditions.candidates(query.where, table)
            rows = table.rows.values() if found is None else found
        if not deleted and table.deleted:
            rows = (row for row in rows if not row.get("IsDeleted"))
        if test is None:
            return list(rows)
        return [row for row in rows if test(row)]

    def _resolver(self, scope: Scope) -> Callable[[Path | Call], tuple[Field, Getter]]:
        reckoner = Reckoner(scope, Query("", (), Path(())))
        return reckoner.reader

    def _values(self, query: Query) -> set[Any]:
        kind = self.org.lower.get(query.source.names[0].lower())
        if kind is None or len(query.items) != 1 or not isinstance(query.items[0].what, Path):
            raise malformed("A semi join sub-select can only query one field of an object")
        scope = Scope(self.org, self.user, kind, (query.text, query.alias))
        column = scope.column(query.items[0].what)
        if column.field.type not in {"id", "reference"}:
            raise malformed(
                "The inner select field of a semi join must be an id or a reference: "
                f"{column.field.name}"
            )
        rows = self._found(query, scope, None, deleted=False)
        return {column.get(row) for row in rows} - {None}

    def _aggregate(
        self, query: Query, scope: Scope, among: Iterable[Row] | None, *, deleted: bool
    ) -> Result:
        reckoner = Reckoner(scope, query)
        groups = reckoner.groups(self._found(query, scope, among, deleted=deleted))
        named = {item.alias: item.what for item in query.items if item.alias is not None}

        def read(what: Path | Call) -> tuple[Field, Getter]:
            aliased = named.get(what.text, what)
            key = aliased.text.lower() if not isinstance(aliased, Query) else ""
            kind = (
                "double"
                if isinstance(aliased, Call)
                else scope.column(aliased).field.type
                if isinstance(aliased, Path)
                else "string"
            )
            return Field(name=what.text, type=kind, label=what.text), lambda group: group.get(key)

        if query.having is not None:
            having = Conditions(scope, read, self._values).test(query.having)
            groups = [group for group in groups if having(group)]
        for order in reversed(query.order):
            groups = _sorted(groups, read(order.by)[1], order)
        groups = _cut(query, groups)
        return Result(groups, reckoner.record, len(groups))

    def _ordered(self, orders: tuple[Order, ...], scope: Scope, rows: list[Row]) -> list[Row]:
        for order in reversed(orders):
            one, get = self._resolver(scope)(order.by)
            if not one.sortable:
                raise scope.error(
                    order.by.at,
                    "INVALID_FIELD",
                    f"field '{one.name}' can not be sorted in a query call",
                )
            rows = _sorted(rows, get, order, ranks=_ranks(one), fold=one.type in TEXTS)
        return rows


def _cut(query: Query, rows: list[Row]) -> list[Row]:
    start = query.offset or 0
    if query.limit is None:
        return rows[start:] if start else rows
    return rows[start : start + query.limit]


def _ranks(one: Field) -> dict[str, int] | None:
    """Picklists are ordered as their values are listed, not by spelling."""
    if one.type != "picklist" or not one.values:
        return None
    return {value: place for place, value in enumerate(one.values)}


def _sorted(
    rows: list[Row],
    get: Getter,
    order: Order,
    *,
    ranks: dict[str, int] | None = None,
    fold: bool = True,
) -> list[Row]:
    """Ordered by one key, stably; `fold` disregards the case of text."""
    full: list[tuple[Any, Row]] = []
    empty: list[Row] = []
    for row in rows:
        value = get(row)
        if value is None:
            empty.append(row)
        elif ranks is not None:
            full.append(((ranks.get(value, len(ranks)), value.lower()), row))
        else:
            full.append((value.lower() if fold and isinstance(value, str) else value, row))
    full.sort(key=lambda pair: pair[0], reverse=order.descending)
    ordered = [row for _, row in full]
    return ordered + empty if order.nulls_last else empty + ordered
