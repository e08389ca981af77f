"""WHERE: from the tree to a test of a row, and to the rows worth testing."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

from lark import Token

from connectors.salesforce.sandbox.errors import RequestError
from connectors.salesforce.sandbox.ids import long_id
from connectors.salesforce.sandbox.schema import NUMBERS, Field
from connectors.salesforce.sandbox.soql.dates import span
from connectors.salesforce.sandbox.soql.parse import malformed, unquote
from connectors.salesforce.sandbox.soql.tree import (
    Both,
    Call,
    Compare,
    DateLiteral,
    Either,
    Logic,
    Moment,
    Not,
    Path,
    Query,
)

if TYPE_CHECKING:
    from connectors.salesforce.sandbox.soql.scope import Getter, Scope
    from connectors.salesforce.sandbox.table import Row, Table

Test = Callable[["Row"], bool]
Resolve = Callable[[Path | Call], tuple[Field, "Getter"]]
_ORDERED = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
LIST_OPERATORS = frozenset({"IN", "NOT IN", "INCLUDES", "EXCLUDES"})


class Conditions:
    """Compiles conditions for one object. `subquery` gives the values of a semi-join."""

    def __init__(
        self, scope: Scope, resolve: Resolve, subquery: Callable[[Query], set[Any]]
    ) -> None:
        """`resolve` says what a path or call reads."""
        self.scope = scope
        self.resolve = resolve
        self.subquery = subquery

    def test(self, logic: Logic) -> Test:
        """Whether a row meets the condition. Raises RequestError where it makes no sense."""
        if isinstance(logic, Both):
            return _all([self.test(part) for part in logic.parts])
        if isinstance(logic, Either):
            return _any([self.test(part) for part in logic.parts])
        if isinstance(logic, Not):
            inner = self.test(logic.part)
            return lambda row: not inner(row)
        return self._compare(logic)

    def _compare(self, compare: Compare) -> Test:
        one, get = self.resolve(compare.target)
        if not one.filterable:
            raise self.scope.error(
                compare.target.at,
                "INVALID_FIELD",
                f"field '{one.name}' can not be filtered in a query call",
            )
        key = _keyed(one, get)
        if compare.operator in LIST_OPERATORS:
            return self._members(compare, one, key)
        if isinstance(compare.value, DateLiteral):
            return self._dated(compare, one, get, compare.value)
        if compare.operator == "LIKE":
            return self._like(compare, one, get)
        value = self.constant(one, compare.value, compare.target.at)
        if compare.operator == "=":
            return lambda row: key(row) == value
        if compare.operator == "!=":
            return lambda row: key(row) != value
        if value is None:
            raise malformed(f"unexpected token: 'null' after {compare.operator}")
        ordered = _ORDERED[compare.operator]

        def test(row: Row) -> bool:
            held = key(row)
            return held is not None and bool(ordered(held, value))

        return test

    def _members(self, compare: Compare, one: Field, key: Getter) -> Test:
        wanted = self.members(compare, one)
        if compare.operator in {"INCLUDES", "EXCLUDES"}:
            groups = [set(str(value).split(";")) for value in wanted]

            def picked(row: Row) -> bool:
                held = set(str(key(row) or "").split(";"))
                return any(group <= held for group in groups)

            return picked if compare.operator == "INCLUDES" else lambda row: not picked(row)
        if compare.operator == "IN":
            return lambda row: key(row) in wanted
        return lambda row: key(row) not in wanted

    def members(self, compare: Compare, one: Field) -> set[Any]:
        """The values of an IN's list or semi-join, as `_keyed` compares them."""
        if isinstance(compare.value, Query):
            return {_fold(value) for value in self.subquery(compare.value)}
        given = compare.value if isinstance(compare.value, tuple) else (compare.value,)
        return {self.constant(one, value, compare.target.at) for value in given}

    def constant(self, one: Field, value: Any, at: tuple[int, int]) -> Any:
        """A constant as it compares with the field. Raises RequestError where the types differ."""
        if value is None:
            return None
        if isinstance(value, Token):
            text = unquote(str(value))
            if one.type in {"id", "reference"}:
                return self._id(text, at)
            if one.type in NUMBERS or one.type in {"date", "datetime", "boolean"}:
                raise self._mismatch(one, at, "should not be enclosed in quotes")
            return text.strip().lower() or None
        if isinstance(value, Moment):
            if one.type != value.kind:
                raise self._mismatch(one, at, "should not be enclosed in quotes")
            return value.text
        if isinstance(value, bool) != (one.type == "boolean"):
            raise self._mismatch(one, at, "should not be enclosed in quotes")
        if not isinstance(value, bool) and one.type not in NUMBERS:
            raise self._mismatch(one, at, "should be enclosed in quotes")
        return value

    def _id(self, text: str, at: tuple[int, int]) -> str:
        full = long_id(text)
        if full is None and text:
            raise self.scope.error(at, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {text}")
        return full or ""

    def _mismatch(self, one: Field, at: tuple[int, int], advice: str) -> RequestError:
        kinds = {"datetime": "dateTime", "currency": "double", "percent": "double"}
        kind = kinds.get(one.type, "")
        if not kind and one.type in NUMBERS | {"date", "boolean"}:
            kind = one.type
        return self.scope.error(
            at,
            "INVALID_FIELD",
            f"value of filter criterion for field '{one.name}' must be of type "
            f"{kind or 'string'} and {advice}",
        )

    def _like(self, compare: Compare, one: Field, get: Getter) -> Test:
        if not isinstance(compare.value, Token) or one.type in NUMBERS | {"boolean", "date"}:
            raise self.scope.error(
                compare.target.at,
                "INVALID_QUERY_FILTER_OPERATOR",
                "invalid operator on " + one.type + " field",
            )
        pattern = ""
        for part in re.findall(
            r"\\.|.", unquote(str(compare.value), keep_wildcards=True), re.DOTALL
        ):
            wild = {"%": ".*", "_": "."}.get(part)
            pattern += wild or re.escape(part[1:] if len(part) > 1 else part)
        match = re.compile(pattern, re.IGNORECASE | re.DOTALL).fullmatch
        return lambda row: match(get(row) or "") is not None

    def _dated(self, compare: Compare, one: Field, get: Getter, literal: DateLiteral) -> Test:
        if one.type not in {"date", "datetime"}:
            raise malformed(f"unexpected token: '{literal.name}'")
        low, high = self.span(one, literal)
        tests: dict[str, Callable[[str], bool]] = {
            "=": lambda held: low <= held < high,
            "!=": lambda held: not low <= held < high,
            "<": lambda held: held < low,
            "<=": lambda held: held < high,
            ">": lambda held: held >= high,
            ">=": lambda held: held >= low,
        }
        if compare.operator not in tests:
            raise malformed(f"unexpected token: '{literal.name}'")
        test = tests[compare.operator]

        def dated(row: Row) -> bool:
            held = get(row)
            return compare.operator == "!=" if held is None else test(held)

        return dated

    def span(self, one: Field, literal: DateLiteral) -> tuple[str, str]:
        """A relative date's bounds as the field's values are written."""
        low, high = span(literal, date.fromisoformat(self.scope.org.now()[:10]))
        tail = "T00:00:00.000+0000" if one.type == "datetime" else ""
        return low.isoformat() + tail, high.isoformat() + tail

    def candidates(self, logic: Logic | None, table: Table) -> Iterable[Row] | None:
        """Rows that an index finds and that alone can meet the condition; None: look at all."""
        for part in logic.parts if isinstance(logic, Both) else (logic,):
            if not isinstance(part, Compare) or not isinstance(part.target, Path):
                continue
            if part.operator not in {"=", "IN"} or isinstance(part.value, DateLiteral):
                continue
            column = self.scope.column(part.target)
            name = column.field.name
            if column.parents or (name != "Id" and name not in table.indexes):
                continue
            wanted = self.members(part, column.field)
            if None in wanted:
                continue
            if name == "Id":
                return [table.rows[key] for key in sorted(wanted) if key in table.rows]
            return [row for value in wanted for row in table.having(name, value)]
        return self._stamped(logic, table)

    def _stamped(self, logic: Logic | None, table: Table) -> Iterable[Row] | None:
        low = high = None
        with_low = with_high = True
        for part in logic.parts if isinstance(logic, Both) else (logic,):
            if not isinstance(part, Compare) or not isinstance(part.value, Moment):
                continue
            if part.target.text.lower() != "systemmodstamp" or part.value.kind != "datetime":
                continue
            if part.operator in {">", ">="}:
                low, with_low = part.value.text, part.operator == ">="
            if part.operator in {"<", "<="}:
                high, with_high = part.value.text, part.operator == "<="
        if low is None and high is None:
            return None
        return table.stamped(low, high, with_low=with_low, with_high=with_high)


def _fold(value: Any) -> Any:
    return value.lower() if isinstance(value, str) and long_id(value) is None else value


def _keyed(one: Field, get: Getter) -> Getter:
    """Text is compared without regard to case, ids and times as they stand."""
    if one.type in NUMBERS | {"id", "reference", "date", "datetime", "boolean", "address"}:
        return get

    def lowered(row: Row) -> Any:
        value = get(row)
        return value.lower() if isinstance(value, str) else value

    return lowered


def _all(tests: list[Test]) -> Test:
    return lambda row: all(test(row) for test in tests)


def _any(tests: list[Test]) -> Test:
    return lambda row: any(test(row) for test in tests)
