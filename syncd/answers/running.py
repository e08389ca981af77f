"""What `plan` and `sync` answer."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from msgspec import Meta

from syncd.answers.words import After, Because, Before, Count, Day, ExitCode, Fraction


class Change(TypedDict):
    """A field of a record that is to be, or was, written."""

    connection: str
    object: Annotated[str, Meta(description="the CRM's object")]
    record: Annotated[str, Meta(description="the CRM's full id")]
    account: str
    account_name: str
    field: Annotated[str, Meta(description="the CRM's field")]
    before: Before
    after: After
    because: Because


class TaskChange(TypedDict):
    """A task to open, update or close."""

    op: Literal["open", "update", "close"]
    playbook: str
    key: Annotated[str, Meta(description="what makes it one for ever")]
    connection: str
    record: Annotated[str | None, Meta(description="the task's id, once it is in the CRM")]
    account: str
    account_name: str
    assignee: Annotated[str | None, Meta(description="a user's id in the CRM")]
    assignee_name: str | None
    due: Day | None
    subject: str | None
    priority: Literal["low", "normal", "high"] | None
    because: Because


class Calls(TypedDict):
    """API calls."""

    read: Count
    write: Count


class Held(TypedDict):
    """Why the safety limit holds the plan: the share that would be overwritten, and the limit."""

    share: Fraction
    limit: Fraction


class Ending(TypedDict):
    """How a connection's part of a run ended."""

    exit_code: ExitCode
    message: str
    rules_off: Annotated[list[str], Meta(description="rules that lack their inputs")]
    pulled: Annotated[Count, Meta(description="records that came")]
    derived: Annotated[Count, Meta(description="accounts that were worked out again")]


class Refused(TypedDict):
    """A record or a write that this run refused."""

    connection: str
    object: str
    record: str
    field: str
    code: str
    message: str


class Plan(TypedDict):
    """``syncd plan --json``."""

    run: Annotated[int, Meta(description="the run's number")]
    changes: list[Change]
    tasks: list[TaskChange]
    calls: Annotated[dict[str, Calls], Meta(description="by connection: what a sync will cost")]
    held: Held | None
    nothing_to_do: bool
    exit_code: ExitCode
    connections: Annotated[dict[str, Ending], Meta(description="by connection")]
    rejects: list[Refused]
    kept: Annotated[int, Meta(ge=0, description="values of people that are left as they are")]


class Sync(Plan):
    """``syncd sync --json``."""

    written: Annotated[int, Meta(ge=0, description="records and tasks written")]
    failed: Annotated[int, Meta(ge=0, description="writes that the CRM refused")]
    rejected: Annotated[int, Meta(ge=0, description="records that could not be used")]
    deferred: Annotated[int, Meta(ge=0, description="put off to a later run")]
