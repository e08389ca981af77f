"""Where a plan is carried out, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from msgspec import Struct

from syncd.connector import Connector, Record, TaskShape
from syncd.errors import StopRunError
from syncd.plan import Packed, SetField, TaskChange
from syncd.store import Store


class Refusal(Struct, frozen=True):
    """A write that the CRM refused, in its own words."""

    code: str
    message: str
    account: str
    sets: tuple[SetField, ...] = ()
    task: TaskChange | None = None
    field: str = ""


@dataclass(slots=True)
class Written:
    """What carrying out a plan came to. `done` counts records, `fields` single fields."""

    done: int = 0
    fields: int = 0
    deferred: int = 0
    refusals: Packed[Refusal] = field(default_factory=Packed)
    tasks: Counter[str] = field(default_factory=Counter)
    stopped: StopRunError | None = None
    finished: frozenset[str] = frozenset()
    """Accounts of which each write is done or refused."""

    @property
    def failed(self) -> int:
        """Writes that the CRM refused."""
        return len(self.refusals)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a plan is carried out.

    `still_ours` raises LeaseError when another instance has taken over; it is asked before
    writing begins and whenever answers are stored. `look` asks the CRM what became of writes
    (ledger ids) and answers with those that were carried out.
    """

    store: Store
    connector: Connector
    connection: str
    object: str
    account_source: str
    shape: TaskShape | None
    run: int
    today: date
    clock: Callable[[], datetime]
    digest: Callable[[Record], str]
    still_ours: Callable[[], None]
    look: Callable[[Sequence[int]], set[int]]
    log: Any
    progress: Callable[[str, str, int], None]
    stopping: Callable[[], bool]
    shared: frozenset[str] = frozenset()
    """Accounts that have changes in other CRMs too: the caller settles them."""


class RecordWrite(Struct, frozen=True):
    """One record's write on its way: fields of an account, or a task."""

    account: str
    sets: tuple[SetField, ...] = ()
    task: TaskChange | None = None

    @property
    def kind(self) -> str:
        """As the ledger names it: fields, open, update or close."""
        return "fields" if self.task is None else self.task.op
