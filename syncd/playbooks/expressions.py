"""Conditions and values of playbooks, evaluated once for the same names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rule_engine import Rule, errors

MOST_REMEMBERED = 5_000
"""So many answers are kept of one expression; then it starts afresh."""


class Expression:
    """A parsed expression over names. Many accounts stand alike: its answers are remembered."""

    __slots__ = ("_answers", "_rule", "names")

    def __init__(self, rule: Rule, names: Iterable[str]) -> None:
        """`names` are all that the expression looks at, functions too."""
        self._rule = rule
        self.names = tuple(names)
        self._answers: dict[tuple[Any, ...], Any] = {}

    def holds(self, names: Mapping[str, Any]) -> bool:
        """Whether it is true; not, where it needs something that is not known."""
        return self.value(names) is True

    def value(self, names: Mapping[str, Any]) -> Any:
        """What it gives; None where it needs something that is not known."""
        key = tuple(map(names.get, self.names))
        if key in self._answers:
            return self._answers[key]
        if len(self._answers) >= MOST_REMEMBERED:
            self._answers.clear()
        try:
            found = self._rule.evaluate(names)
        except errors.EvaluationError:
            found = None
        self._answers[key] = found
        return found
