"""What people can do in the system behind a connector, and how the suite looks at it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

from syncd.connector import Connector, Cursor, Page, Record, Source, TaskShape, Value, WriteResult

KEPT, OTHER = "kept", "other"

MISSING = "no_such_thing"


class System:
    """A system behind a connector, as people use it. Subclass it for a connector of your own.

    `accounts` asks for two fields: a name, and a text that may be changed, which the suite calls
    the note. `kept` is the same source, filtered to the accounts whose note is "kept".
    `contacts` asks for whatever leads to the account. `many` accounts do not fit on one page.
    """

    accounts: Source
    kept: Source
    contacts: Source
    many: int

    def connect(self) -> Connector:
        """A new connection, opened."""
        raise NotImplementedError

    def strand(self) -> Connector:
        """A connection to where no system is, not opened."""
        raise NotImplementedError

    def add(self, count: int = 1, note: str = KEPT) -> list[str]:
        """So many new accounts with that note, made at one instant; their ids."""
        raise NotImplementedError

    def note(self, ids: Iterable[str], text: str) -> None:
        """Change the note of these accounts, as a person would, at one instant."""
        raise NotImplementedError

    def add_contact(self, account: str) -> str:
        """A new contact of the account; its id."""
        raise NotImplementedError

    def account_of(self, contact: Record) -> str:
        """Where a pulled contact says that it belongs."""
        raise NotImplementedError

    def later(self) -> None:
        """Let a day pass, where the system has a clock."""


class DeletingSystem(System):
    """A system in which people delete."""

    announces_deletions = True  # False: an increment does not show them; a full pull does

    def remove(self, id: str) -> None:
        """Delete an account, as a person would."""
        raise NotImplementedError


class MergingSystem(System):
    """A system in which people merge."""

    def merge(self, winner: str, loser: str) -> str:
        """Merge two accounts; the id of the one that is left."""
        raise NotImplementedError


class RationedSystem(System):
    """A system that grants so many calls a day."""

    def exhaust(self) -> None:
        """Let others use up the day's calls."""
        raise NotImplementedError


class WritableSystem(System):
    """A system that syncd writes to.

    `tasks` asks for the key first and then for the subject, and keeps deleted tasks; `subject` is
    the field of a task's subject, `needed` is what else a new task must have. `refused` are
    fields of an account that the system refuses.
    """

    shape: TaskShape
    tasks: Source
    subject: str
    needed: ClassVar[dict[str, Value]] = {}
    refused: ClassVar[dict[str, Value]]
    loses_answers = False  # whether `losing` does anything

    def losing(self) -> AbstractContextManager[Any]:
        """While it lasts, writes are carried out and their answers are lost."""
        return nullcontext()

    def count(self, object: str) -> int:
        """How many records of the object there are."""
        raise NotImplementedError

    def remove_task(self, id: str) -> None:
        """Delete a task, as a person would."""
        raise NotImplementedError


def pages_of(system: System, source: Source, cursor: Cursor | None = None) -> list[Page]:
    """A pull by a connection of its own."""
    connector = system.connect()
    pages = list(connector.pull(source, cursor))
    connector.close()
    return pages


def records_of(pages: Iterable[Page]) -> dict[str, Record]:
    """The pages' records; of one that came twice, the last."""
    return {record.id: record for page in pages for record in page.records}


def last_cursor(pages: Iterable[Page]) -> Cursor | None:
    """The last cursor that the pages gave."""
    return next((page.cursor for page in reversed(list(pages)) if page.cursor is not None), None)


def note_of(source: Source, record: Record) -> Any:
    """The record's note."""
    return record.fields[source.fields[1]]


def nothing_lost_from(system: System, source: Source, pages: Sequence[Page]) -> None:
    """Whichever cursor a process died with, what came later comes again."""
    everything = records_of(pages)
    for number, page in enumerate(pages):
        if page.cursor is None:
            continue
        stored = records_of(pages[: number + 1])
        again = records_of(pages_of(system, source, page.cursor))

        assert stored.keys() | again.keys() == everything.keys()


def open_and_pull(connector: Connector, source: Source) -> None:
    """Some systems are only looked for when something is read."""
    connector.open()
    list(connector.pull(source, None))


def pull_twice(connector: Connector, source: Source) -> None:
    """The first answer may be what tells that the allowance is used up."""
    for _ in range(2):
        list(connector.pull(source, None))


def answered(results: Iterator[tuple[int, WriteResult]], count: int) -> list[WriteResult]:
    """The results in the order of the writes; each write was answered exactly once."""
    given = list(results)

    assert sorted(index for index, _ in given) == list(range(count))
    return [result for _, result in sorted(given, key=lambda pair: pair[0])]
