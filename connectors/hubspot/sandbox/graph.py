"""Which records are associated with which, in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connectors.hubspot.sandbox.labels import COMPANY, Label, Labels, Pair

Ends = dict[int, dict[int, tuple[int, ...]]]
"""From id to id: the numbers of the association types between them."""


class Graph:
    """The associations of a portal."""

    def __init__(self, labels: Labels) -> None:
        """No associations yet."""
        self.labels = labels
        self._ends: dict[Pair, Ends] = {}

    def connect(self, pair: Pair, source: int, target: int, types: Iterable[Label]) -> None:
        """Associate two records. The first company of a record becomes its primary one."""
        wanted = list(types)
        plain = self.labels.default(*pair)
        if plain is not None:
            wanted.append(plain)
        primary = self.labels.primary(*pair)
        if primary is not None and pair[1] == COMPANY:
            held = self.targets(pair, source)
            if primary in wanted:
                self._demote(pair, source, primary)
            elif not any(primary.type_id in types for types in held.values()):
                wanted.append(primary)
        self._add(pair, source, target, [one.type_id for one in wanted])
        self._add(pair[::-1], target, source, [one.inverse for one in wanted])

    def disconnect(self, pair: Pair, source: int, target: int) -> None:
        """End all associations of two records."""
        for ends, here, there in (
            (self._ends.get(pair, {}), source, target),
            (self._ends.get((pair[1], pair[0]), {}), target, source),
        ):
            ends.get(here, {}).pop(there, None)

    def unlabel(self, pair: Pair, source: int, target: int, types: Iterable[Label]) -> None:
        """Take labels off an association; it stays as long as any type is left."""
        for one in types:
            self._take(pair, source, target, one.type_id)
            self._take((pair[1], pair[0]), target, source, one.inverse)

    def targets(self, pair: Pair, source: int) -> Mapping[int, tuple[int, ...]]:
        """Associated records and the association types' numbers."""
        return self._ends.get(pair, {}).get(source, {})

    def of(self, kind: str, id: int) -> Iterator[tuple[str, int, tuple[int, ...]]]:
        """All that a record is associated with: (type id, id, association types)."""
        for pair, ends in self._ends.items():
            if pair[0] == kind:
                for target, types in ends.get(id, {}).items():
                    yield pair[1], target, types

    def isolate(self, kind: str, id: int) -> list[tuple[str, int]]:
        """End all of a record's associations; returns with whom they were."""
        gone = [(other, target) for other, target, _ in self.of(kind, id)]
        for other, target in gone:
            self.disconnect((kind, other), id, target)
        return gone

    def stored(self) -> list[Any]:
        """All associations for the state's file, between two object types in one direction."""
        kept: list[Any] = []
        for pair, ends in self._ends.items():
            if pair[0] <= pair[1]:
                links = [[s, t, types] for s, there in ends.items() for t, types in there.items()]
                if links:
                    kept.append([*pair, links])
        return kept

    def restore(self, kept: Iterable[Any]) -> None:
        """Take over what `stored` gave."""
        for from_kind, to_kind, associations in kept:
            pair = (from_kind, to_kind)
            inverse = {one.type_id: one.inverse for one in self.labels.of.get(pair, ())}
            for source, target, types in associations:
                self._add(pair, source, target, types)
                if from_kind != to_kind:  # else the other direction is told as well
                    self._add(pair[::-1], target, source, [inverse[one] for one in types])

    def _demote(self, pair: Pair, source: int, primary: Label) -> None:
        for target in list(self.targets(pair, source)):
            self.unlabel(pair, source, target, [primary])

    def _add(self, pair: Pair, source: int, target: int, types: Iterable[int]) -> None:
        there = self._ends.setdefault(pair, {}).setdefault(source, {})
        there[target] = tuple(dict.fromkeys((*there.get(target, ()), *types)))

    def _take(self, pair: Pair, source: int, target: int, type_id: int) -> None:
        there = self._ends.get(pair, {}).get(source, {})
        left = tuple(one for one in there.get(target, ()) if one != type_id)
        if left:
            there[target] = left
        else:
            there.pop(target, None)
