"""The forms of the ``--json`` answers. Other programs build on them: add keys, change none.

A date is ISO text (``2026-12-31``), a moment ISO text with its offset. Record ids are the CRM's
own, whole ones (Salesforce: 18 characters). `account` is the id of the account's record, `key`
of an account its connection and that id. docs/schemas/ is made from this file: `make docs`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

from msgspec import Meta

__all__ = ["ANSWERS"]

Plain = str | int | float | bool | None
Text = Annotated[str, Meta(description="plain text")]
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", description="a date")]
Moment = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}T", description="a moment, in UTC")]
Money = Annotated[str, Meta(pattern=r"^-?\d+(\.\d+)?$", description="an amount, exact")]
Fraction = Annotated[float, Meta(description="a share: 0.25 is 25 %")]
Count = Annotated[int, Meta(ge=0)]
Before = Annotated[Plain, Meta(description="what the CRM shows now")]
After = Annotated[Plain, Meta(description="what the CRM will show")]
Because = Annotated[str, Meta(description="the reason, in a sentence")]
ExitCode = Annotated[int, Meta(description="0 done, 3 some refused, 4 held, 5 not reached")]


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
    assignee: str | None
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


class Status(TypedDict):
    """``syncd status --json``."""

    accounts: Annotated[dict[str, Count], Meta(description="by connection")]
    last_run: Run | None
    last_good_run: Run | None
    daemon_beat: Annotated[str | None, Meta(description="when the daemon last was alive")]
    open_tasks: Count
    quarantine: Count
    kept: list[Kept]
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


class Approve(TypedDict):
    """``syncd approve PLAN --json``."""

    approved: int
    connections: list[str]


class PutBack(TypedDict):
    """A field that an undo puts back."""

    connection: str
    object: str
    record: str
    field: str
    before: Before
    after: After


class TaskBack(TypedDict):
    """A task that an undo closes or opens again."""

    connection: str
    record: str | None
    key: str
    op: str


class Undo(TypedDict):
    """``syncd undo RUN --json``."""

    run: int
    applied: bool
    changes: list[PutBack]
    tasks: list[TaskBack]
    left: Annotated[list[dict[str, Any]], Meta(description="what stays, each with its because")]
    written: Count
    failed: Count


class Figures(TypedDict):
    """The figures of one group. starting + new + expansion - contraction - churn = ending."""

    by: Literal["book", "tier", "owner", "segment"]
    key: str
    label: str
    starting_arr: Money
    new: Money
    expansion: Money
    contraction: Money
    churn: Money
    ending_arr: Money
    nrr: Fraction | None
    grr: Fraction | None
    renewal_rate_count: Fraction | None
    renewal_rate_arr: Fraction | None
    logo_retention: Fraction | None
    expansion_mrr: Money
    mean_acv: Money | None
    acv_growth: Fraction | None
    clv: Money | None
    sponsor_engaged_share: Fraction | None
    mean_nps: float | None
    accounts: Count
    account_managers: Count
    accounts_per_am: float | None
    load: Annotated[float | None, Meta(description="1.0 is a full load for one account manager")]
    quota_attainment: Fraction | None
    contracts_ended: Count
    contracts_renewed: Count


# "from" is a Python keyword.
Portfolio = TypedDict(
    "Portfolio", {"from": Day, "to": Day, "currency": str, "groups": list[Figures]}
)
Portfolio.__doc__ = "``syncd portfolio --json``."


class Moved(TypedDict):
    """A value of an account that the other policy would change."""

    account: str
    account_name: str
    connection: str
    value: Annotated[str, Meta(description="the value's name")]
    before: Plain
    after: Plain
    because: Because
    arr: float | None


class Movement(TypedDict):
    """How many accounts change a value, and their ARR."""

    accounts: Count
    arr: float


class MoreTask(TypedDict):
    """A task that the other policy would open."""

    account: str
    account_name: str
    key: str
    subject: str


class Backtest(TypedDict):
    """``syncd backtest --policy FILE --json``."""

    accounts: Annotated[int, Meta(ge=0, description="accounts in the book")]
    as_of: Day
    summary: Annotated[dict[str, Movement], Meta(description="by value")]
    changes: list[Moved]
    tasks_opened: list[MoreTask]


class FileProblem(TypedDict):
    """A mistake in a file. Line and column count from 1; 0 is unknown."""

    file: str
    line: Count
    column: Count
    text: str
    hint: str
    severity: Literal["error", "warning"]


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


class VerifiedConnection(TypedDict):
    """What was found out about one connection."""

    records_read: Count
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


ANSWERS: dict[str, Any] = {
    "approve": Approve,
    "backtest": Backtest,
    "backup": Backup,
    "check": Check,
    "demo": Demo,
    "explain": Explain,
    "forget": Forget,
    "health": Health,
    "history": History,
    "init": Init,
    "links": Links,
    "mappings-suggest": MappingsSuggest,
    "mappings-test": MappingsTest,
    "plan": Plan,
    "portfolio": Portfolio,
    "provision": Provision,
    "rejects": Rejects,
    "runs": Runs,
    "status": Status,
    "sync": Sync,
    "undo": Undo,
    "verify": Verify,
}
"""The form of each command's ``--json`` answer."""
