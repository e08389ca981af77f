"""Conditions and values of playbooks, evaluated once for the same names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from rule_engine import Context, Rule, ast, errors, type_resolver_from_dict

MOST_REMEMBERED = 5_000
"""So many answers are kept of one expression; then it starts afresh."""


class _Answer(NamedTuple):
    """What the expression gave."""

    value: Any


class _Branch(NamedTuple):
    """The name that the evaluation looks at next, and how it goes on for each of its values."""

    name: str
    ways: dict[Any, Any]


class _Looked:
    """The names of one account, and those that an evaluation has looked at, in their order."""

    __slots__ = ("names", "seen")

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = names
        self.seen: dict[str, Any] = {}


def _look(looked: _Looked, name: str) -> Any:
    """What the name stands for; it counts as looked at."""
    return looked.seen.setdefault(name, looked.names.get(name))


def context_of(types: Mapping[str, Any]) -> Context:
    """The context for expressions over names of these types."""
    return Context(
        resolver=_look,
        type_resolver=type_resolver_from_dict(dict(types)),
        default_value=None,
        default_timezone="utc",
    )


class _Known:
    """An expression that gives None where it needs something that is not known.

    A part that is not known does not decide for the others: with `or` another part that holds
    is enough, with `and` another one that does not. What is not known is not denied by `not`.
    """

    __slots__ = ("_inner",)

    def __init__(self, inner: ast.ExpressionBase) -> None:
        self._inner = inner

    def evaluate(self, thing: _Looked) -> Any:
        """What it gives for these names."""
        return _found(self._inner, thing)


def _found(node: ast.ExpressionBase, looked: _Looked) -> Any:
    if isinstance(node, ast.LogicExpression):
        decides = node.type == "or"
        known = True
        for side in (node.left, node.right):
            found = _found(side, looked)
            if found is not None and bool(found) is decides:
                return decides
            known = known and found is not None
        return (not decides) if known else None
    if isinstance(node, ast.UnaryExpression) and node.type == "not":
        found = _found(node.right, looked)
        return None if found is None else not found
    try:
        if isinstance(node, ast.ContainsExpression) and node.member.evaluate(looked) is None:
            return None
        return node.evaluate(looked)
    except errors.EvaluationError:
        return None


class Expression:
    """A parsed expression over names. Many accounts stand alike: its answers are remembered.

    An evaluation looks at one name after another, and what a name stands for decides which one
    comes next: `status == 'open' and days_to(renewal_date) < 30` looks at no date while the status
    is another. An answer is remembered by the names that were looked at, not by all of them.
    """

    __slots__ = ("_first", "_known", "_plain", "_rule", "names")

    def __init__(self, rule: Rule, names: Iterable[str]) -> None:
        """`rule` has a context of `context_of`; `names` are all that it may look at."""
        rule.statement.expression = _Known(rule.statement.expression)
        self._rule = rule
        self.names = tuple(names)
        self._plain = rule.text.strip() if (rule.text.strip(),) == self.names else None
        self._first: dict[Any, Any] = {}
        self._known = 0

    def holds(self, names: Mapping[str, Any]) -> bool:
        """Whether it is true; not, where it needs something that is not known."""
        return self.value(names) is True

    def value(self, names: Mapping[str, Any]) -> Any:
        """What it gives; None where it needs something that is not known."""
        if self._plain is not None:
            stands = names.get(self._plain)
            if stands is None or isinstance(stands, (str, date)):
                return stands
        step = self._first.get(None)
        while type(step) is _Branch:
            step = step.ways.get(names.get(step.name))
        return self._evaluated(names) if step is None else step.value

    def forget(self) -> None:
        """Drop the answers: after a run most of them are of days that do not come again."""
        self._first, self._known = {}, 0

    def _evaluated(self, names: Mapping[str, Any]) -> Any:
        looked = _Looked(names)
        found = self._rule.evaluate(looked)
        if self._known >= MOST_REMEMBERED:
            self.forget()
        self._known += 1
        ways, stands = self._first, None
        for name, value in looked.seen.items():
            ways = ways.setdefault(stands, _Branch(name, {})).ways
            stands = value
        ways[stands] = _Answer(found)
        return found
