"""How likely the open renewal is to fail, and why (docs/rules.md, Renewal)."""

from __future__ import annotations

from datetime import date

from syncd.model import Decision, Derived
from syncd.rules.dates import add_days, earliest
from syncd.rules.deals import open_renewals
from syncd.rules.people import contacts_with
from syncd.rules.renewal import INPUTS as RENEWAL_INPUTS
from syncd.rules.rule import Rule, RuleInput

DAYS_WITHOUT_DEAL = 60
"""So long may the window be open before the lack of a renewal opportunity is a high risk."""

_AT_STAKE = frozenset({"window_open", "overdue"})


def decide(given: RuleInput) -> Decision:
    """renewal_risk and renewal_reason; nothing while the renewal itself is not known."""
    status = given.values.get("renewal_status")
    if status is None:
        return Decision()
    until = earliest(status.valid_until, _until(given, "renewal_date"))
    if status.value not in _AT_STAKE:
        return Decision(
            values={
                "renewal_risk": Derived(
                    None, "No renewal is open or overdue.", (), status.valid_until
                ),
                "renewal_reason": Derived(status.because, status.because, status.records, until),
            }
        )
    deal_due = _deal_due(given)
    until = earliest(
        until,
        deal_due if deal_due is not None and deal_due > given.today else None,
        _until(given, "health_band"),
        _until(given, "single_threaded"),
    )
    level, why = _level(given, deal_due)
    because = f"{level.capitalize()} risk: {why}."
    return Decision(
        values={
            "renewal_risk": Derived(level, because, status.records, until),
            "renewal_reason": Derived(
                f"{because} {status.because}", because, status.records, until
            ),
        }
    )


def _level(given: RuleInput, deal_due: date | None) -> tuple[str, str]:
    """The level, and all that speaks for it."""
    band = _value(given, "health_band")
    high: list[str] = []
    if _value(given, "renewal_status") == "overdue":
        high.append("the renewal is overdue")
    if band == "red":
        high.append("health is red")
    if deal_due is not None and deal_due <= given.today:
        high.append(
            f"no renewal opportunity is open, {DAYS_WITHOUT_DEAL} days into the renewal window"
        )
    champions = contacts_with(given.records, "champion")
    if champions and not any(contact.active for contact in champions):
        high.append(f"the champion, {champions[0].name or champions[0].id}, is no longer active")
    if high:
        return "high", "; ".join(high)
    medium: list[str] = []
    if band == "yellow":
        medium.append("health is yellow")
    if _value(given, "single_threaded") is True:
        medium.append("fewer than two contacts are active")
    if medium:
        return "medium", "; ".join(medium)
    return "low", "nothing speaks against the renewal"


def _deal_due(given: RuleInput) -> date | None:
    """The day from which an open renewal opportunity is missed; None when there is one."""
    opens = _value(given, "renewal_window_opens")
    if not isinstance(opens, date) or open_renewals(given.records.opportunities):
        return None
    return add_days(opens, DAYS_WITHOUT_DEAL)


def _value(given: RuleInput, name: str) -> object:
    derived = given.values.get(name)
    return None if derived is None else derived.value


def _until(given: RuleInput, name: str) -> date | None:
    derived = given.values.get(name)
    return None if derived is None else derived.valid_until


RULE = Rule(
    name="renewal_risk",
    decide=decide,
    writes=("renewal_risk", "renewal_reason"),
    inputs=RENEWAL_INPUTS
    | {
        "contact.account",
        "contact.active",
        "contact.roles",
        "role.account",
        "role.contact",
        "role.opportunity",
        "role.role",
    },
)
