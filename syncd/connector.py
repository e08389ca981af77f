"""What a connector is: the interface between syncd and a CRM.

Terminology
-----------
connector   a class that speaks to one kind of system (salesforce, hubspot, memory, ...)
connection  one configured use of a connector; has a name ("salesforce", "emea-org")
object      the CRM's name of a table of records ("Account", "companies", "0-721")
record      one row of an object, as the CRM gives it: field names and wire values are the CRM's
source      what a mapping asks of one object: which fields and associations, which filter
cursor      how far a source has been read; opaque JSON that only its connector understands
write       a wish to change one record of ours: fields of an account, or a task by its key
allowance   how many API calls the CRM grants, and how many are left

Connectors are stupid: they pull records, write fields, translate errors and count calls.
They know no mapping, no rule and no difference. A connector imports nothing of syncd but this
module, ``syncd.retry`` and ``syncd.errors``.

By construction a connector cannot delete anything, and the only records it can create are tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeAlias, runtime_checkable

from msgspec import Struct
from pydantic import BaseModel

Value: TypeAlias = None | bool | int | float | Decimal | str | date | datetime | list[str]
"""A field's value on its way out: plain Python. The connector turns it into the CRM's wire form."""

Cursor: TypeAlias = dict[str, Any]
"""JSON that a connector gave out with a page and gets back at the next pull."""


class Association(Struct, frozen=True):
    """Records linked to the pulled one. `label` None takes any link, the primary one first."""

    to: str
    label: str | None = None

    @property
    def key(self) -> str:
        """Where `Record.links` keeps the linked ids: ``companies`` or ``companies:Partner``."""
        return self.to if self.label is None else f"{self.to}:{self.label}"


class Source(Struct, frozen=True):
    """What to read of one object. `name` is unique within a connection and stable between runs.

    `where` is the CRM's own filter language: a SOQL condition, or a tuple of HubSpot filters.
    `keep_deleted` asks for tombstones with their fields (tasks: a deleted task stays known).
    """

    name: str
    object: str
    fields: tuple[str, ...]
    associations: tuple[Association, ...] = ()
    where: str | tuple[Mapping[str, Any], ...] | None = None
    keep_deleted: bool = False


class Record(Struct, frozen=True):
    """One record as the CRM gives it. `fields` has every asked field, by the asked name or path.

    `gone`: deleted, archived, or no longer matching the source's `where`.
    `merged_into`: the surviving record's id, where the CRM says so.
    """

    id: str
    fields: dict[str, Any]
    links: dict[str, tuple[str, ...]] = {}
    modified_at: datetime | None = None
    gone: bool = False
    merged_into: str | None = None


class Page(Struct, frozen=True):
    """Some records of a source, and the cursor that covers them and all pages before.

    Storing the records and the cursor in one transaction loses nothing whenever the process dies.
    `cursor` None: keep the cursor as it was (the pull can only be begun again).
    """

    records: Sequence[Record]
    cursor: Cursor | None = None


class FieldUpdate(Struct, frozen=True):
    """Change fields of one existing record. `group` keeps writes under one parent together."""

    id: str
    fields: Mapping[str, Value]
    group: str = ""


class TaskUpsert(Struct, frozen=True):
    """Make the one task that bears `key`, or change it. `id` is given where it is known.

    `account_id` is the account's record; it goes into `account_field`, or is linked by
    `account_association` (both from the mapping, see TaskShape).
    """

    key: str
    fields: Mapping[str, Value]
    account_id: str
    id: str | None = None


class TaskShape(Struct, frozen=True):
    """How tasks look in this CRM, from the mapping's ``[writes.task]``."""

    object: str
    key_field: str
    account_field: str | None = None
    account_association: Association | None = None


class Outcome(StrEnum):
    """What became of a write."""

    DONE = "done"
    REJECTED = "rejected"  # the CRM refused this record; `code` and `message` are its words
    UNKNOWN = "unknown"  # the connection broke: look before repeating
    DEFERRED = "deferred"  # not tried: the allowance is used up, or the CRM asks to come back later


ALLOWANCE = "ALLOWANCE"
"""The `code` of a write that was deferred because the allowance is used up."""


class WriteResult(Struct, frozen=True):
    """The outcome of one write, in the order of the writes given.

    `id` is the CRM's record id (for tasks: of the new one). `fields` are those that the CRM
    blames, where it says so.
    """

    outcome: Outcome
    id: str | None = None
    code: str = ""
    message: str = ""
    fields: tuple[str, ...] = ()
    created: bool = False


class FieldType(StrEnum):
    """A field's type in neutral words."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    HTML = "html"
    NUMBER = "number"
    MONEY = "money"
    PERCENT = "percent"
    BOOL = "bool"
    DATE = "date"
    DATETIME = "datetime"
    PICKLIST = "picklist"
    MULTIPICKLIST = "multipicklist"
    REFERENCE = "reference"
    OTHER = "other"


class SchemaField(Struct, frozen=True):
    """A field of an object as the login of this connection sees it.

    `options` are the picklist's active values (as written, not labels); `restricted`: others are
    refused. `calculated`: formulas and roll-ups, whose changes the CRM does not announce.
    """

    name: str
    label: str
    type: FieldType
    vendor_type: str = ""
    length: int | None = None
    scale: int | None = None
    writable: bool = True
    createable: bool = True
    required: bool = False
    unique: bool = False
    calculated: bool = False
    restricted: bool = False
    options: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


class ObjectSchema(Struct, frozen=True):
    """An object's fields by name. Names compare as the CRM compares them (see `find`)."""

    name: str
    fields: Mapping[str, SchemaField]
    createable: bool = True
    updateable: bool = True

    def find(self, name: str) -> SchemaField | None:
        """The field of that name, first as written, then without regard to case."""
        found = self.fields.get(name)
        if found is not None:
            return found
        lowered = name.lower()
        return next((f for key, f in self.fields.items() if key.lower() == lowered), None)


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


class FieldSpec(Struct, frozen=True):
    """A field that syncd wants the CRM to have."""

    object: str
    name: str
    label: str
    type: FieldType
    length: int | None = None
    scale: int | None = None
    options: tuple[str, ...] = ()
    unique: bool = False
    description: str = ""
    writable: bool = True  # False: read by syncd, filled by people


class ProvisionStep(Struct, frozen=True):
    """One thing that provisioning made or would make: a field, a permission, a group."""

    kind: str  # field | permission_set | field_permission | assignment | group | option
    name: str
    text: str
    done: bool = False
    error: str = ""


class CheckNote(Struct, frozen=True):
    """Something `syncd check` found out online. severity: error, warning or ok."""

    severity: str
    text: str
    remedy: str = ""
    object: str = ""
    field: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What bootstrap gives a connector besides its settings.

    `timezone` is the portfolio's; `log` is a structlog logger bound to the connection.
    """

    name: str
    timezone: str = "UTC"
    log: Any = None
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
        unless an exception ends the whole (then the rest is unknown).
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
        """Whatever this CRM needs beyond fields: scopes, API version, login flow, allowance."""
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
