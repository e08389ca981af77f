"""Long lists that take little room: the changes of a big book are millions, and much alike."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar, overload

T = TypeVar("T")
S = TypeVar("S")

BLOCK = 2_000
"""Items that are packed together. A shorter list, as nearly every run's changes, is not packed."""


class Packed(Sequence[T]):
    """A list that only grows, its items kept compressed, about a twentieth of their size.

    Read from the beginning to the end, or by places that stand near each other. Each reading
    makes the items anew: they are equal to those that were put in, not the same.
    """

    __slots__ = ("_block", "_blocks", "_latest", "_opened")

    def __init__(self, items: Iterable[T] = (), block: int | None = None) -> None:
        """Begin with these items, so many in a block."""
        self._block = block or BLOCK
        self._blocks: list[bytes] = []
        self._latest: list[T] = []
        self._opened: tuple[int, list[T]] = (-1, [])
        self.extend(items)

    def append(self, item: T) -> None:
        """Add one item."""
        self._latest.append(item)
        if len(self._latest) == self._block:
            self._blocks.append(zlib.compress(pickle.dumps(self._latest, -1), 1))
            self._latest = []

    def extend(self, items: Iterable[T]) -> None:
        """Add these items."""
        for item in items:
            self.append(item)

    def __repr__(self) -> str:
        return f"Packed({len(self)} items)"

    def __len__(self) -> int:
        return len(self._blocks) * self._block + len(self._latest)

    def __iter__(self) -> Iterator[T]:
        for number in range(len(self._blocks)):
            yield from self._unpacked(number)
        yield from self._latest

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> list[T]: ...
    def __getitem__(self, place: int | slice) -> T | list[T]:
        if isinstance(place, slice):
            return [self[index] for index in range(*place.indices(len(self)))]
        index = range(len(self))[place]
        number, rest = divmod(index, self._block)
        if number == len(self._blocks):
            return self._latest[rest]
        if self._opened[0] != number:
            self._opened = (number, self._unpacked(number))
        return self._opened[1][rest]

    def _unpacked(self, number: int) -> list[T]:
        # The bytes are this process's own and never leave it.
        found: list[T] = pickle.loads(zlib.decompress(self._blocks[number]))  # noqa: S301
        return found


class OnDemand(Sequence[S], Generic[T, S]):
    """A sequence as long as another, each item made of the other's whenever it is asked for."""

    __slots__ = ("_items", "_make")

    def __init__(self, items: Sequence[T], make: Callable[[T], S]) -> None:
        """`make` gives the same for the same item."""
        self._items = items
        self._make = make

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[S]:
        return map(self._make, self._items)

    @overload
    def __getitem__(self, place: int) -> S: ...
    @overload
    def __getitem__(self, place: slice) -> list[S]: ...
    def __getitem__(self, place: int | slice) -> S | list[S]:
        if isinstance(place, slice):
            return [self._make(item) for item in self._items[place]]
        return self._make(self._items[place])
