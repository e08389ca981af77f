"""The closed vocabulary of what can be written: results to accounts, and tasks."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from syncd.mapping.shapes import BOOL, CHOICE, DATE, MOMENT, MONEY, PERCENT, TEXT, WHOLE, Shape

RENEWAL_STATUS = ("none", "not_due", "window_open", "overdue", "secured", "churned")


class Result(Struct, frozen=True):
    """A computed value that can be written to an account. `policy_words`: tiers, by the policy."""

    name: str
    shape: Shape
    text: str
    choices: tuple[str, ...] = ()
    policy_words: bool = False


def _results(*results: Result) -> dict[str, Result]:
    return {result.name: result for result in results}


RESULTS: Mapping[str, Result] = _results(
    Result("arr", MONEY, "ARR of the contracts in force"),
    Result("renewal_date", DATE, "when the customer's contracts come up for renewal"),
    Result("renewal_status", CHOICE, "where the renewal stands", RENEWAL_STATUS),
    Result("renewal_window_opens", DATE, "when to start the renewal conversation"),
    Result("notice_deadline", DATE, "last day on which notice can be given"),
    Result("renewal_arr", MONEY, "ARR that is up for renewal"),
    Result(
        "renewal_source",
        CHOICE,
        "what the renewal date was taken from",
        ("override", "contract", "opportunity"),
    ),
    Result("renewal_risk", CHOICE, "risk of the renewal", ("low", "medium", "high")),
    Result("renewal_reason", TEXT, "why the renewal stands as it does"),
    Result("tier", CHOICE, "the account's tier", policy_words=True),
    Result("tier_since", DATE, "since when it has this tier"),
    Result("tier_previous", CHOICE, "the tier before", policy_words=True),
    Result("tier_reason", TEXT, "why it has this tier"),
    Result("key_account", BOOL, "one of the book's largest"),
    Result("handoff_completeness", PERCENT, "how complete the handoff document is, in percent"),
    Result("handoff_missing", TEXT, "what the handoff document lacks"),
    Result(
        "handoff_status",
        CHOICE,
        "where the handoff stands",
        ("not_required", "incomplete", "overdue", "complete"),
    ),
    Result("health_score", PERCENT, "health from 0 to 100, in steps of 5"),
    Result("health_band", CHOICE, "the health's band", ("green", "yellow", "red", "unknown")),
    Result("health_drivers", TEXT, "what drives the health, worst first"),
    Result("health_trend", CHOICE, "against 30 days ago", ("improving", "steady", "declining")),
    Result("health_coverage", PERCENT, "share of the health's inputs that had data, in percent"),
    Result("health_reason", TEXT, "why the health stands as it does"),
    Result("last_touch_on", DATE, "the last two-way touch"),
    Result("next_checkin_due", DATE, "when the next check-in is due"),
    Result("last_qbr_on", DATE, "the last QBR"),
    Result("next_qbr_due", DATE, "when the next QBR is due"),
    Result("stakeholder_coverage", WHOLE, "how many of four roles have an active contact"),
    Result("single_threaded", BOOL, "fewer than two active contacts with recent activity"),
    Result("executive_sponsor_engaged", BOOL, "the executive sponsor is in touch"),
    Result("plan_completeness", PERCENT, "how complete the account plan is, in percent"),
    Result(
        "plan_status",
        CHOICE,
        "where the account plan stands",
        ("not_required", "missing", "draft", "stale", "current"),
    ),
    Result("expansion_signal", BOOL, "signs that the customer could buy more"),
    Result("expansion_reason", TEXT, "what the signs are"),
    Result("synced_at", MOMENT, "when syncd last wrote to this account"),
)

TASK_CHOICES: Mapping[str, tuple[str, ...]] = {
    "priority": ("low", "normal", "high"),
    "status": ("open", "completed"),
}
TASK_TEXTS: Mapping[str, str] = {
    "key": "the field that makes a task ours, and unique",
    "playbook": "which playbook opened it (optional)",
    "account": "the account it is about: a field, or { association = … }",
    "owner": "who is to do it",
    "subject": "its subject",
    "body": "its text",
    "due": "its due date",
    "priority": "its priority: low, normal, high",
    "status": "its status: open, completed",
}
TASK_CODECS: Mapping[str, tuple[str, ...]] = {
    "key": ("text",),
    "playbook": ("text",),
    "owner": ("text",),
    "subject": ("text",),
    "body": ("text", "html_text"),
    "due": ("date", "datetime"),
    "priority": ("text",),
    "status": ("text",),
}
"""The codecs that each part of a task may have, its own first."""


def codecs_to_write(result: Result) -> tuple[str, ...]:
    """The codecs a result may be written by, its own first; anything can be written as text."""
    return tuple(dict.fromkeys((result.shape.codec, *result.shape.codecs, "text", "html_text")))
