"""What the commands answer that set up and look after an installation."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from msgspec import Meta

from syncd.answers.looking import Explain
from syncd.answers.words import Count, ExitCode, Fraction


class FileProblem(TypedDict):
    """A mistake in a file. Line and column count from 1; 0 is unknown."""

    file: str
    line: Count
    column: Count
    text: str
    hint: str
    severity: Literal["error", "warning"]


class ErrorDetail(TypedDict):
    """What is wrong. `problems` are the places in files; empty where it is in no file."""

    exit_code: ExitCode
    message: str
    problems: list[FileProblem]


class Refused(TypedDict):
    """What stdout holds when a command with ``--json`` could not give its own answer."""

    error: ErrorDetail


class CheckNote(TypedDict):
    """Something that the CRM told about itself."""

    severity: Literal["ok", "warning", "error"]
    object: str
    field: str
    text: str
    remedy: Annotated[str, Meta(description="what to do; empty where nothing is to be done")]


class Check(TypedDict):
    """``syncd check --json``."""

    problems: list[FileProblem]
    connections: dict[str, list[CheckNote]]


class Step(TypedDict):
    """Something that is missing in the CRM, or was made."""

    connection: str
    kind: str
    name: str
    text: str
    done: bool
    error: str


class Provision(TypedDict):
    """``syncd provision --json``."""

    steps: list[Step]
    applied: bool


class Init(TypedDict):
    """``syncd init --json``."""

    made: list[str]
    left: Annotated[list[str], Meta(description="files that were there already")]


class Health(TypedDict):
    """``syncd health --json``."""

    healthy: bool
    text: str


class Backup(TypedDict):
    """``syncd backup --json``."""

    file: str
    bytes: Count


class Drift(TypedDict):
    """A record that the CRM shows otherwise than the state has it."""

    connection: str
    object: str
    record: str
    differing: list[str]


class GoneRecord(TypedDict):
    """A record that left the CRM since the last --full run; it is taken out of the mirror."""

    object: str
    record: str


class VerifiedConnection(TypedDict):
    """What was found out about one connection."""

    records_read: Count
    gone: list[GoneRecord]
    drift: list[Drift]
    accounts: Annotated[int, Meta(ge=0, description="accounts derived anew")]
    fields_to_write: Count
    tasks_to_write: Count
    message: Annotated[str, Meta(description="why it could not be verified, if so")]


class Verify(TypedDict):
    """``syncd verify --json``."""

    verified: Annotated[bool, Meta(description="nothing differs, nothing is left to write")]
    connections: dict[str, VerifiedConnection]


class Forget(TypedDict):
    """``syncd forget --json``."""

    kind: Literal["account", "contact"]
    connection: str
    record: str
    erased: Annotated[dict[str, int], Meta(description="rows by table of the state")]
    texts: Annotated[int, Meta(ge=0, description="texts that a name was taken out of")]


class DemoRun(TypedDict):
    """What the demo's first run came to in one CRM."""

    connection: str
    accounts: Count
    fields_written: Count
    tasks_opened: Count
    tasks_waiting: Count
    read_calls: Count
    read_floor: Count
    write_calls: Count
    records_refused: Count


class NothingLeft(TypedDict):
    """Whether the second run found nothing to do."""

    nothing_to_do: bool


class Demo(TypedDict):
    """``syncd demo --json``."""

    provisioned: dict[str, Count]
    first: list[DemoRun]
    second: NothingLeft
    customers: list[Explain]


class Suggested(TypedDict):
    """A likely field for something that the mapping leaves open."""

    kind: str
    section: Annotated[str, Meta(description="fields, plan or handoff")]
    name: Annotated[str, Meta(description="the canonical field")]
    object: str
    field: Annotated[str, Meta(description="the CRM's field")]
    label: str
    type: str
    filled: Annotated[Fraction | None, Meta(description="null: no record was read")]


class MappingsSuggest(TypedDict):
    """``syncd mappings suggest --json``."""

    suggestions: Annotated[dict[str, list[Suggested]], Meta(description="by connection")]


class Tried(TypedDict):
    """The examples of one mapping, and what did not come out as expected."""

    file: str
    examples: Count
    problems: list[FileProblem]


class MappingsTest(TypedDict):
    """``syncd mappings test --json``."""

    connections: dict[str, Tried]
