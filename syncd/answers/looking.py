"""What `explain`, `status`, `runs`, `rejects`, `history` and `links` answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

from msgspec import Meta

from syncd.answers.words import After, Because, Before, Count, Day, Moment, Plain


class Link(TypedDict):
    """A record of a CRM, and its page."""

    connection: str
    object: str
    id: str
    url: Annotated[str, Meta(description="the record's page; empty where the CRM has none")]


class Explained(TypedDict):
    """The account that is explained."""

    key: str
    id: str
    name: str | None
    domain: str | None
    status: str | None
    owner: Annotated[str | None, Meta(description="the account manager's name")]


class Value(TypedDict):
    """A value, why it is so, from which records, and when it can next change by itself."""

    value: Plain
    because: Because
    records: list[Link]
    valid_until: Day | None


class Missing(TypedDict):
    """What a rule would have been told more by; without a rule: a record in quarantine."""

    rule: str
    text: str


class KnownTask(TypedDict):
    """A task that syncd opened."""

    connection: str
    key: str
    playbook: str
    record: str | None
    state: str
    assignee: Annotated[str | None, Meta(description="a user's id in the CRM")]
    assignee_name: str | None
    subject: str | None
    due: Day | None
    opened_on: Day | None


class FieldChange(TypedDict):
    """A field that was written, or one part of a task."""

    field: str
    before: Before
    after: After
    because: Because


class Write(TypedDict):
    """A write of the past: fields of a record, or a task."""

    run: int | None
    at: Moment
    kind: Annotated[str, Meta(description="fields, person, open, update or close")]
    connection: str
    object: str
    record: str | None
    task: str | None
    changes: list[FieldChange]
    outcome: str
    message: str | None


class Kept(TypedDict):
    """A value that a person changed after syncd, and that is kept."""

    connection: str
    record: str
    field: str
    theirs: Plain
    ours: Plain
    since: Moment


class KeptOfAccount(Kept):
    """Likewise, with the account's name."""

    account_name: str


class Quarantined(TypedDict):
    """A record or a write in quarantine."""

    connection: str
    object: str
    record: str
    field: str | None
    code: str
    message: str
    remedy: Annotated[str, Meta(description="what to do, in plain words")]
    since: Moment
    attempts: Count


class Reject(Quarantined):
    """… and the account that goes on without it."""

    account: str | None


class Explain(TypedDict):
    """``syncd explain ACCOUNT --json``."""

    account: Explained
    refs: Annotated[list[Link], Meta(description="the account's record in each CRM")]
    values: dict[str, Value]
    inputs: Annotated[dict[str, Count], Meta(description="how many records of each kind")]
    missing: Annotated[list[Missing], Meta(description="what would have told more")]
    next_change: Annotated[
        str | None, Meta(description="the first day on which a value can change by itself")
    ]
    tasks: list[KnownTask]
    writes: Annotated[list[Write], Meta(description="the last ones, latest first")]
    kept: list[Kept]
    quarantine: list[Quarantined]


class Rejects(TypedDict):
    """``syncd rejects --json``."""

    rejects: list[Reject]


class Run(TypedDict):
    """A run of the past."""

    id: int
    kind: str
    started_at: Moment
    finished_at: Moment | None
    exit_code: Annotated[int | None, Meta(description="null: it did not end")]
    message: str | None
    counts: dict[str, Any]
    instance: str


class Runs(TypedDict):
    """``syncd runs --json``."""

    runs: Annotated[list[Run], Meta(description="latest first")]


class HeldPlan(TypedDict):
    """A plan that waits for `syncd approve`."""

    run: int
    connection: str
    held_at: Moment


class Postponed(TypedDict):
    """New tasks that the daily limit holds back for another day, by whom they are for."""

    connection: str
    assignee: str | None
    assignee_name: str | None
    tasks: Count


class Status(TypedDict):
    """``syncd status --json``."""

    accounts: Annotated[dict[str, Count], Meta(description="by connection")]
    last_run: Run | None
    last_good_run: Run | None
    daemon_beat: Annotated[str | None, Meta(description="when the daemon last was alive")]
    open_tasks: Count
    postponed: list[Postponed]
    waiting: Annotated[
        dict[str, Count],
        Meta(description="accounts that the next sync is to work out or write, by connection"),
    ]
    quarantine: Count
    kept: list[KeptOfAccount]
    held: list[HeldPlan]


class Past(TypedDict):
    """One change of one field or task: who, when, what."""

    at: Moment
    who: str
    run: int | None
    connection: str
    object: str
    record: str | None
    account: str
    account_name: str
    outcome: str
    kind: str
    task: str | None
    field: str | None
    before: Before
    after: After
    because: Because


class History(TypedDict):
    """``syncd history [ACCOUNT] --json``."""

    history: Annotated[list[Past], Meta(description="latest first")]


class AccountRecord(TypedDict):
    """A CRM's record of an account."""

    connection: str
    object: str
    id: str
    name: str
    url: str


class LinkedAccount(TypedDict):
    """A customer that several CRMs have."""

    key: str
    name: str | None
    by: Literal["pair", "id", "domain"]
    why: str
    since: Day
    records: list[AccountRecord]


class LoneRecord(AccountRecord):
    """An account that only one CRM has, as far as syncd can tell."""

    domain: str | None
    why: str


class AmbiguousLink(TypedDict):
    """Records that something ties together, but not clearly enough."""

    kind: Literal["ambiguous_domain", "ambiguous_id", "unknown_id", "unknown_pair", "conflict"]
    text: str
    records: list[AccountRecord]


class Difference(TypedDict):
    """A field on which the CRMs of one customer differ."""

    key: str
    name: str
    field: str
    values: Annotated[dict[str, str], Meta(description="by connection, in words")]
    used: Annotated[str, Meta(description="the connection whose value counts")]


class Links(TypedDict):
    """``syncd links --json``."""

    connections: Annotated[list[str], Meta(description="the linked ones; none: nothing is linked")]
    records: Annotated[int, Meta(ge=0, description="account records in them")]
    linked: list[LinkedAccount]
    unlinked: list[LoneRecord]
    ambiguous: list[AmbiguousLink]
    disagreeing: list[Difference]
