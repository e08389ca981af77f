"""What one run is given and what it answers: plain values, no config."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from threading import Event
from typing import Any, Protocol

from msgspec import Struct

from syncd.connector import Connector, ObjectSchema, Source
from syncd.link import LinkRules, People
from syncd.mapping import Mapping as CrmMapping
from syncd.mapping import ReadContext
from syncd.model import User
from syncd.plan import Hold, Plan, WritePolicy
from syncd.playbooks import Playbooks
from syncd.policy import Policy
from syncd.store import Reject, Store

EXIT_DONE, EXIT_DEFECT, EXIT_REJECTED, EXIT_HELD, EXIT_UNREACHABLE = 0, 1, 3, 4, 5
WORST_FIRST = (EXIT_DEFECT, EXIT_UNREACHABLE, EXIT_HELD, EXIT_REJECTED, EXIT_DONE)


class Log(Protocol):
    """The part of a structlog logger that a run uses."""

    def info(self, event: str, **fields: Any) -> None:
        """Note something that happened."""
        ...

    def warning(self, event: str, **fields: Any) -> None:
        """Note something that a person should know."""
        ...


class Progress(Protocol):
    """Told how far a run has come; the terminal draws it."""

    def __call__(self, step: str, connection: str, count: int) -> None:
        """`count` more of `step` (pull, derive, write) for this connection."""
        ...


def silent(step: str, connection: str, count: int) -> None:
    """Progress that nobody watches."""
    del step, connection, count


@dataclass(slots=True)
class Connected:
    """One connection: its connector, its mapping, and how to read its money and dates."""

    name: str
    connector: Connector
    mapping: CrmMapping
    context: ReadContext
    # Found out during the pull:
    sources: tuple[Source, ...] = ()
    schemas: dict[str, ObjectSchema] = field(default_factory=dict)
    off: frozenset[str] = frozenset()  # rules that lack an input here
    withheld: frozenset[str] = frozenset()  # canonical fields that the CRM does not give
    users: dict[str, User] = field(default_factory=dict)
    people: tuple[tuple[Mapping[str, User], ...], People] | None = None
    """Everybody of the linked connections as this one knows them, and of whose users it is made."""
    stopped: str = ""  # why this connection could not be served
    rejected: list[Reject] = field(default_factory=list)  # new in this run
    whole: frozenset[str] = frozenset()  # sources read from their beginning in this run
    derived: int = 0  # accounts that the rules were asked about


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days the state remembers runs, writes and past scores."""

    runs_days: int = 90
    writes_days: int = 730
    snapshots_days: int = 90


@dataclass(frozen=True, slots=True)
class Turn:
    """Everything one run needs. `clock` gives the moment; `today` is fixed for the whole run."""

    store: Store
    connections: Sequence[Connected]
    policy: Policy
    playbooks: Playbooks
    policy_hash: str
    write: WritePolicy
    today: date
    clock: Callable[[], datetime]
    instance: str
    log: Log
    full: bool = False
    dry: bool = False
    """Plan only: nothing is written to a CRM, and no derivation is stored."""
    approve: bool = False
    link: LinkRules | None = None
    """Which connections are one book; None: each is a book of its own."""
    as_of: bool = False
    """`today` is not today: every account is derived, for a look only."""
    stop: Event = field(default_factory=Event)
    progress: Progress = silent
    holder_alive: Callable[[str], bool] = lambda _: True
    retention: Retention = Retention()


class CallCost(Struct, frozen=True):
    """API calls of a connection: made for reading, and foretold (or made) for writing."""

    read: int = 0
    write: int = 0


class ConnectionReport(Struct, frozen=True):
    """What one run did in one connection."""

    name: str
    exit_code: int
    message: str
    plan: Plan
    held: Hold | None = None
    calls: CallCost = CallCost()
    written: int = 0
    failed: int = 0
    deferred: int = 0
    rejected: int = 0
    pulled: int = 0
    derived: int = 0
    accounts: int = 0
    off: tuple[str, ...] = ()
    tasks_done: Mapping[str, int] = {}
    fields_written: int = 0
    floor: int = 0
    """The least API calls that reading these rows could have cost."""


class Report(Struct, frozen=True):
    """What one run did."""

    run: int
    connections: tuple[ConnectionReport, ...]
    rejects: tuple[Reject, ...] = ()
    seconds: float = 0.0
    dry: bool = False

    @property
    def exit_code(self) -> int:
        """The worst of the connections' codes: 1, then 5, 4, 3, 0."""
        codes = {report.exit_code for report in self.connections}
        return next(code for code in WORST_FIRST if code in codes or code == EXIT_DONE)

    @property
    def nothing_to_do(self) -> bool:
        """No change was found and none waits."""
        return self.exit_code in {EXIT_DONE, EXIT_REJECTED} and all(
            report.plan.empty for report in self.connections
        )

    def total(self, name: str) -> int:
        """A count added up over the connections."""
        return sum(getattr(report, name) for report in self.connections)


ZERO = Decimal(0)
