"""SELECT's list: how a row becomes a record, with its parents and children."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from connectors.salesforce.sandbox.errors import GUIDANCE
from connectors.salesforce.sandbox.schema import Field, SObject
from connectors.salesforce.sandbox.soql.parse import malformed
from connectors.salesforce.sandbox.soql.scope import Getter, Scope
from connectors.salesforce.sandbox.soql.tree import Call, Item, Path, Query

if TYPE_CHECKING:
    from connectors.salesforce.sandbox.org import Org
    from connectors.salesforce.sandbox.table import Row

FIELDS_LIMIT = 200
MAX_CHILDREN = 20
Record = dict[str, Any]


@dataclass(slots=True)
class Result:
    """A query's outcome: its rows in order, and how to show one."""

    rows: list[Row]
    record: Callable[[Row], Record]
    total: int
    long_texts: int = 0
    own_long_texts: int = 0
    columns: list[tuple[str, Getter, Field]] = field(default_factory=list)


@dataclass(slots=True)
class Node:
    """The selected fields of one object and, below, of its parents."""

    kind: SObject
    link: str | None = None
    parts: list[tuple[str, Getter | Node]] = field(default_factory=list)
    parents: dict[str, Node] = field(default_factory=dict)


class Selects(Protocol):
    """What runs a child query: the runner that the projection belongs to."""

    org: Org
    user: str | None
    base: str

    def select(
        self, query: Query, kind: SObject, among: Iterable[Row] | None, *, deleted: bool
    ) -> Result:
        """The rows of an object, among those given, that a query finds."""


class Projector:
    """Works out the records of one query of one object."""

    def __init__(self, runner: Selects, scope: Scope) -> None:
        """`runner` runs the child queries."""
        self.runner = runner
        self.org = runner.org
        self.user = runner.user
        self.base = runner.base
        self.scope = scope

    def result(self, query: Query) -> Result:
        """A result without rows yet that knows how to show them. Raises RequestError."""
        root, result = self._projection(query, self.scope)
        result.record = self._recorder(root)
        return result

    def _projection(self, query: Query, scope: Scope) -> tuple[Node, Result]:
        root = Node(scope.kind)
        result = Result([], dict, 0)
        seen: set[str] = set()
        children = 0
        for item in self._expanded(query, scope):
            if isinstance(item.what, Query):
                children += 1
                if children > MAX_CHILDREN:
                    raise malformed("maximum number of relationships (20) exceeded")
                root.parts.append(self._child(item.what, scope))
            elif isinstance(item.what, Call):
                root.parts.append(self._function(item, item.what, scope))
            else:
                if item.alias is not None:
                    raise malformed("only aggregate expressions use field aliasing")
                self._add(root, item.what, scope, result, seen)
        return root, result

    def _expanded(self, query: Query, scope: Scope) -> Iterable[Item]:
        for item in query.items:
            what = item.what
            if not isinstance(what, Call) or what.function != "FIELDS":
                yield item
                continue
            group = what.of[0].text.upper() if what.of else ""
            if group != "STANDARD" and (query.limit is None or query.limit > FIELDS_LIMIT):
                raise malformed(
                    f"The SOQL FIELDS function must have a LIMIT of at most {FIELDS_LIMIT}"
                )
            view = self.org.access.view(self.user, scope.kind.name)
            for one in scope.kind.fields.values():
                if one.name not in view.hidden and group in {
                    "ALL",
                    "CUSTOM" if one.custom else "STANDARD",
                }:
                    yield Item(Path((one.name,), what.at))

    def _function(self, item: Item, call: Call, scope: Scope) -> tuple[str, Getter]:
        if call.function not in {"TOLABEL", "CONVERTCURRENCY", "FORMAT"} or len(call.of) != 1:
            raise malformed(f"unexpected token: '{call.function}'")
        inner = call.of[0]
        if isinstance(inner, Call):
            return self._function(Item(inner, item.alias), inner, scope)
        column = scope.column(inner)
        name = item.alias or column.field.name
        if call.function != "CONVERTCURRENCY":
            return name, column.get
        return name, lambda row: self._converted(row, column.get(row))

    def _converted(self, row: Row, amount: float | None) -> float | None:
        if amount is None or "CurrencyType" not in self.org.tables:
            return amount
        rates = self.org.tables["CurrencyType"]
        for rate in rates.having("IsoCode", row.get("CurrencyIsoCode", "")):
            return round(float(amount / rate["ConversionRate"]), 2)
        return amount

    def _add(self, root: Node, path: Path, scope: Scope, result: Result, seen: set[str]) -> None:
        column = scope.column(path)
        spelled = ".".join([link.name for link in column.parents] + [column.field.name])
        if spelled in seen:
            raise malformed(f"duplicate field selected: {column.field.name}")
        seen.add(spelled)
        if column.field.long_text:
            result.long_texts += 1
            result.own_long_texts += column.field.custom
        node = root
        for link in column.parents:
            name = link.relationship or ""
            if name not in node.parents:
                node.parents[name] = Node(scope.target(link), link.name)
                node.parts.append((name, node.parents[name]))
            node = node.parents[name]
        node.parts.append((column.field.name, scope.reader(column.field, node.kind)))
        flat = ".".join([*(link.relationship or "" for link in column.parents), column.field.name])
        result.columns.append((flat, column.get, column.field))

    def _child(self, query: Query, scope: Scope) -> tuple[str, Getter]:
        name = query.source.names[-1].lower()
        for kind in self.org.objects.values():
            for link in kind.fields.values():
                if (link.child_name or "").lower() == name and scope.kind.name in link.to:
                    return link.child_name or "", self._children(query, kind, link)
        raise scope.error(
            query.source.at,
            "INVALID_TYPE",
            f"Didn't understand relationship '{query.source.names[-1]}' in FROM part of query "
            "call. If you are attempting to use a custom relationship, be sure to append the "
            "'__r' after the custom relationship name. " + GUIDANCE,
        )

    def _children(self, query: Query, kind: SObject, link: Field) -> Getter:
        table = self.org.tables[kind.name]
        self.runner.select(query, kind, (), deleted=False)

        def read(row: Row) -> Record | None:
            found = self.runner.select(
                query, kind, table.having(link.name, row["Id"]), deleted=False
            )
            if not found.rows:
                return None
            return {
                "totalSize": found.total,
                "done": True,
                "records": [found.record(each) for each in found.rows],
            }

        return read

    def _recorder(self, node: Node) -> Callable[[Row], Record]:
        base = f"{self.base}/{node.kind.name}/"
        name = node.kind.name
        row_of = self.org.row
        parts: list[tuple[str, Getter]] = []
        for key, part in node.parts:
            if isinstance(part, Node):
                parts.append((key, self._parent(part, row_of)))
            else:
                parts.append((key, part))
        if name == "Name":

            def shared(row: Row) -> Record:
                real = self.org.kind_of(row["Id"])
                url = f"{self.base}/{real}/{row['Id']}"
                record: Record = {"attributes": {"type": "Name", "url": url}}
                for key, get in parts:
                    record[key] = get(row)
                return record

            return shared

        def record(row: Row) -> Record:
            made: Record = {"attributes": {"type": name, "url": base + row["Id"]}}
            for key, get in parts:
                made[key] = get(row)
            return made

        return record

    def _parent(self, node: Node, row_of: Callable[[str], Row | None]) -> Getter:
        show = self._recorder(node)
        link = node.link or ""

        def read(row: Row) -> Record | None:
            key = row.get(link)
            parent = None if key is None else row_of(key)
            return None if parent is None else show(parent)

        return read
