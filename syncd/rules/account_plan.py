"""Whether the account plan is written, and whether it is still true."""

from __future__ import annotations

from datetime import date

from syncd.model import AccountPlan, Decision, Derived
from syncd.rules.dates import add_days, earliest
from syncd.rules.rule import Rule, RuleInput
from syncd.rules.said import says_something
from syncd.rules.standing import date_of, standing, tier_position

SECTIONS = ("overview", "health_assessment", "goals", "actions", "success_metrics")
STALE_DAYS = 90
FIRST_EXEMPT_POSITION = 2

WRITES = ("plan_completeness", "plan_status")


def decide(given: RuleInput) -> Decision:
    """Completeness 0 to 100 and the status; blank where no plan is mapped."""
    plan = given.records.account.plan
    missing = None if plan is None else _missing(given, plan)
    if missing is None:
        completeness = Derived(None, "no plan fields are mapped")
    else:
        because = "empty: " + ", ".join(missing).replace("_", " ") if missing else "all five filled"
        done = 100 * (len(SECTIONS) - len(missing)) // len(SECTIONS)
        completeness = Derived(done, because, (given.records.account.ref,))
    return Decision(
        {"plan_completeness": completeness, "plan_status": _status(given, plan, missing)}
    )


def _missing(given: RuleInput, plan: AccountPlan) -> list[str]:
    policy = given.policy.handoff
    least = policy.min_chars.get("default", 2)
    return [
        section
        for section in SECTIONS
        if not says_something(getattr(plan, section), least, placeholders=policy.placeholders)
    ]


def _status(given: RuleInput, plan: AccountPlan | None, missing: list[str] | None) -> Derived:
    tier = standing(given, "tier")
    position, word = tier_position(given)
    if position >= FIRST_EXEMPT_POSITION:
        because = f"no plan is asked of this tier ({word})"
        return Derived("not_required", because, valid_until=tier.valid_until)
    if plan is None or missing is None:
        return Derived(None, "no plan fields are mapped", valid_until=tier.valid_until)
    refs = (given.records.account.ref,)
    if len(missing) == len(SECTIONS):
        return Derived("missing", "all five sections are empty", refs, tier.valid_until)
    if missing:
        because = "empty: " + ", ".join(missing).replace("_", " ")
        return Derived("draft", because, refs, tier.valid_until)
    qbr = standing(given, "last_qbr_on")
    status, because, until = _age(plan.updated_on, date_of(qbr), given.today)
    return Derived(status, because, refs, earliest(until, qbr.valid_until, tier.valid_until))


def _age(updated: date | None, qbr: date | None, today: date) -> tuple[str, str, date | None]:
    """Status of a complete plan, why, and the day on which it becomes stale by itself."""
    if updated is None:
        return "stale", "complete, but no one knows when it was updated", None
    if qbr is not None and updated < qbr:
        return "stale", f"updated on {updated}, not since the QBR on {qbr}", None
    stale_on = add_days(updated, STALE_DAYS + 1)
    if stale_on <= today:
        return "stale", f"updated on {updated}, more than {STALE_DAYS} days ago", None
    return "current", f"complete, updated on {updated}", stale_on


RULE = Rule(
    name="account_plan",
    decide=decide,
    writes=WRITES,
    inputs=frozenset(
        {"account.plan"} | {f"account.plan.{name}" for name in (*SECTIONS, "updated_on")}
    ),
)
