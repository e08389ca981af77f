"""Where stories are kept, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from connectors.sandbox.making.draft import Draft

Telling = Callable[[Draft], None]


class Story(NamedTuple):
    """An edge case in a few words, and what it changes in a calm customer."""

    title: str
    tell: Telling


class Shelf:
    """Stories in the order in which they were put here."""

    def __init__(self) -> None:
        """An empty shelf."""
        self.stories: list[Story] = []

    def story(self, title: str) -> Callable[[Telling], Telling]:
        """Put the decorated function on the shelf under this title."""

        def put(tell: Telling) -> Telling:
            self.stories.append(Story(title, tell))
            return tell

        return put
