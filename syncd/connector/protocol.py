"""The interface itself, and what a connector is given and tells about itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

from msgspec import Struct
from pydantic import BaseModel

from syncd.connector.records import Cursor, Page, Record, Source
from syncd.connector.schema import FieldSpec, ObjectSchema, ProvisionStep
from syncd.connector.writes import FieldUpdate, TaskShape, TaskUpsert, WriteResult


class Allowance(Struct, frozen=True):
    """The CRM's daily API allowance. None where the CRM does not say.

    `share` is the part of the day's calls that may be used when syncd stops (by everyone).
    """

    limit: int | None = None
    used: int | None = None
    share: float = 1.0

    @property
    def left(self) -> int | None:
        """Calls that syncd may still make today; None: unknown."""
        if self.limit is None or self.used is None:
            return None
        return max(0, int(self.limit * self.share) - self.used)


@dataclass(slots=True)
class Calls:
    """API calls made through a connection since it was opened."""

    read: int = 0
    write: int = 0
    other: int = 0  # logins, describes, limits

    @property
    def total(self) -> int:
        """All calls."""
        return self.read + self.write + self.other


Lack: TypeAlias = Literal[
    "object", "change", "create", "read", "write", "type", "unique", "values", "length", "required"
]
"""What an object or a field lacks: the login's rights to it, or a fitting definition."""


class CheckNote(Struct, frozen=True):
    """Something `syncd check` found out online. severity: error, warning or ok."""

    severity: str
    text: str
    remedy: str = ""
    object: str = ""
    field: str = ""


def tell_nobody(token: str) -> None:
    """For a connector that no program with a log of its own has made."""
    del token


@dataclass(frozen=True, slots=True)
class Context:
    """What bootstrap gives a connector besides its settings.

    `timezone` is the portfolio's; `log` is a structlog logger bound to the connection. `conceal`
    is told each token that the CRM hands out, so that no log and no answer repeats it.
    """

    name: str
    timezone: str = "UTC"
    log: Any = None
    conceal: Callable[[str], None] = tell_nobody
    extra: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Connector(Protocol):
    """A connection to one CRM. Not thread-safe: one object serves one thread.

    Every method may raise UnreachableError, LoginError, AllowanceError (StopRunErrors),
    AccessError (an object or field is forbidden or missing) or RequestError.
    """

    Settings: ClassVar[type[BaseModel]]
    """The connection's own keys in config.toml; unknown keys are errors. Secrets are SecretStr."""

    omits_unknown_fields: ClassVar[bool]
    """The CRM leaves unknown fields out of its answers without a word (HubSpot does)."""

    currency_field: ClassVar[str]
    """A field that objects have where the CRM keeps several currencies, and only there: without
    it `rates` is not asked. Empty: there is no such sign."""

    mapping_defaults: ClassVar[Mapping[str, Any]]
    """What a mapping file need not say for this CRM, in the mapping file's own form.

    ``user`` (object and fields of users or owners), ``writes.task`` (the CRM's standard task
    fields, all but ``key``) and ``id_field`` (where queries name the id: "Id"; empty: implied).
    """

    name: str
    calls: Calls

    def __init__(self, settings: BaseModel, context: Context) -> None:
        """Keep the settings; contact nothing."""
        ...

    def open(self) -> None:
        """Log in and find out who we are. Called once before anything else, cheap to repeat."""
        ...

    def identity(self) -> str:
        """A stable name of the org or portal logged in to, such as an organisation id."""
        ...

    def schema(self, object: str) -> ObjectSchema:
        """The object's fields, read afresh once per opened connection.

        Raises AccessError when the object does not exist or the login may not see it.
        """
        ...

    def pull(self, source: Source, cursor: Cursor | None) -> Iterator[Page]:
        """Read the source: all of it without a cursor, else what changed since.

        Yields pages as they come, each record at most once per page; the same record may come
        again in a later pull (reads overlap). Records that left the source come as `gone`, as
        far as an increment can tell. A pull that ends without an exception is complete.
        """
        ...

    def ids(self, source: Source) -> Iterator[str]:
        """The ids of all records in the source now, for finding what was deleted."""
        ...

    def read(self, source: Source, ids: Sequence[str]) -> dict[str, Record]:
        """These records as they are now, by id, straight from the records, never from an index.

        Ids that do not exist are absent; deleted or merged ones come as `gone`, and so does what
        surely no longer matches the source's `where`.
        """
        ...

    def find_tasks(
        self, shape: TaskShape, source: Source, keys: Sequence[str]
    ) -> dict[str, Record]:
        """The tasks that bear these keys, by key; exact, not from a lagging index."""
        ...

    def update(
        self, object: str, updates: Sequence[FieldUpdate]
    ) -> Iterator[tuple[int, WriteResult]]:
        """Change fields of existing records; yields (index into updates, result) as they come.

        One bad record does not harm its neighbours. Never creates. Every index is answered once,
        unless an exception ends the whole (then the rest is unknown). `updates` may be as many as
        the book has accounts, each made when it is asked for: take them batch by batch.
        """
        ...

    def upsert_tasks(
        self, shape: TaskShape, tasks: Sequence[TaskUpsert]
    ) -> Iterator[tuple[int, WriteResult]]:
        """Create or change tasks by their unique key; yields like `update`."""
        ...

    def write_calls(self, updates: Mapping[str, int], tasks: int) -> int:
        """How many API calls writing so many records per object, and tasks, will cost."""
        ...

    def least_read_calls(self, rows: Sequence[tuple[Source, int]]) -> int:
        """The fewest API calls that a full read of so many records of each source can take."""
        ...

    def rates(self) -> tuple[str, Mapping[str, Decimal]] | None:
        """The CRM's own rates: its home currency, and what one unit of each is worth in it.

        None where the CRM keeps none; then the config's rates count.
        """
        ...

    def allowance(self) -> Allowance:
        """What is left of the CRM's allowance."""
        ...

    def record_url(self, object: str, id: str) -> str:
        """The address of the record in the CRM's own pages; empty where there is none."""
        ...

    def check(self) -> Iterable[CheckNote]:
        """Whatever this CRM needs beyond fields: scopes, API version, login flow, allowance.

        A note that names an object is told only where syncd writes that object.
        """
        ...

    def provision(self, specs: Sequence[FieldSpec], *, apply: bool) -> Iterable[ProvisionStep]:
        """What is missing of these fields (and the rights to them); with `apply`, makes it."""
        ...

    def close(self) -> None:
        """Let go of sockets. Never logs out: the session may be shared."""
        ...


class SourceFiles(Protocol):
    """A connector that can write its provisioning as source files for admins (optional)."""

    def source_files(self, specs: Sequence[FieldSpec], folder: Path) -> Iterable[Path]:
        """Write the files below `folder`; yields each path written."""
        ...


class LongWrites(Protocol):
    """A connector whose writes may outlive the process that began them (optional)."""

    def await_writes(self, rows: int, since: datetime) -> None:
        """Wait until such writes have ended; `rows` were begun since then, whose fate is unknown.

        Called before they are looked up. What takes too long is not waited for.
        """
        ...


@runtime_checkable
class ClickPaths(Protocol):
    """A connector that knows where an admin mends what is lacking (optional)."""

    def click_path(self, lack: Lack, object: str, field: str) -> str:
        """The clicks in the CRM's own pages, and what to do there; empty where there are none."""
        ...


def mend(
    connector: object, lack: Lack, object_: str, field: str = "", *, otherwise: str = ""
) -> str:
    """Where an admin mends it in this CRM's own pages; `otherwise`, if the connector knows none."""
    told = connector.click_path(lack, object_, field) if isinstance(connector, ClickPaths) else ""
    return told or otherwise
