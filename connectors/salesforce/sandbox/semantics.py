"""What the standard objects work out by themselves, and what they refuse.

`derive` is given the row as it would become and returns the values that follow from it.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from connectors.salesforce.sandbox.errors import RowError
from connectors.salesforce.sandbox.held import Held
from connectors.salesforce.sandbox.standard_sales import STAGES
from connectors.salesforce.sandbox.times import add_months, parse_datetime, wire

Row = dict[str, Any]
_STAGES = {stage[0].lower(): stage for stage in STAGES}
_FORECAST_NAMES = {"BestCase": "Best Case", "Forecast": "Commit"}
_CONTRACT_CODES = {"draft": "Draft", "in approval process": "InApproval", "activated": "Activated"}
PERSON_FIELDS = ("FirstName", "LastName", "PersonEmail")
CLOSED_TASK = "completed"
CLOSED_CASE = "closed"
MONTHS_IN_QUARTER = 3


def _person(row: Row) -> Row:
    parts = (row.get(name) for name in ("FirstName", "LastName"))
    return {"Name": " ".join(part for part in parts if part)}


def refuse_misplaced(name: str, given: Row, before: Row | None) -> None:
    """Refuse the name of a person's account, which is composed of its parts, and a person's fields
    of a company's. Raises RowError.
    """
    if name != "Account":
        return
    person = before is not None and before.get("IsPersonAccount")
    wrong = [one for one in (("Name",) if person else PERSON_FIELDS) if one in given]
    if wrong:
        raise RowError(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            f"Account: bad field names on insert/update call: {', '.join(wrong)}",
            wrong,
        )


def _opportunity(row: Row, before: Row | None, now: str) -> Row:
    stage = row.get("StageName")
    _, probability, category, end = _STAGES.get(str(stage).lower(), (stage, 50, "Pipeline", "open"))
    derived: Row = {"IsClosed": end != "open", "IsWon": end == "won", "ForecastCategory": category}
    derived["ForecastCategoryName"] = _FORECAST_NAMES.get(category, category)
    moved = before is None or before.get("StageName") != stage
    if before is None:
        derived["HasOpportunityLineItem"] = False
    given = before is None or before.get("Probability") == row.get("Probability")
    if moved and (row.get("Probability") is None or (before is not None and given)):
        derived["Probability"] = float(probability)
    if moved and before is not None:
        derived["LastStageChangeDate"] = now
    chance = derived.get("Probability", row.get("Probability"))
    amount = row.get("Amount")
    derived["ExpectedRevenue"] = (
        None if amount is None or chance is None else round(amount * chance / 100, 2)
    )
    closes = date.fromisoformat(row["CloseDate"])
    quarter = (closes.month - 1) // MONTHS_IN_QUARTER + 1
    derived |= {
        "FiscalYear": closes.year,
        "FiscalQuarter": quarter,
        "Fiscal": f"{closes.year} {quarter}",
    }
    return derived


def _contract(row: Row, before: Row | None, now: str, actor: str) -> Row:
    code = _CONTRACT_CODES.get(str(row.get("Status")).lower(), "Draft")
    was = None if before is None else before.get("StatusCode")
    active = code == "Activated"
    if active and was is None:
        raise RowError(
            "FAILED_ACTIVATION", "Choose a valid contract status and save your changes", ["Status"]
        )
    if was == "Activated" and not active:
        raise RowError(
            "FAILED_ACTIVATION", "Choose a valid contract status and save your changes", ["Status"]
        )
    derived: Row = {"StatusCode": code}
    if active and was != "Activated":
        derived |= {"ActivatedDate": now, "ActivatedById": actor}
    start, term = row.get("StartDate"), row.get("ContractTerm")
    if start is not None and term is not None:
        derived["EndDate"] = contract_end(date.fromisoformat(start), term).isoformat()
    return derived


def contract_end(start: date, months: int) -> date:
    """The last day of a contract: the day before the term is over."""
    return add_months(start, months) - timedelta(days=1)


def _case(row: Row, before: Row | None, now: str) -> Row:
    closed = str(row.get("Status")).lower() == CLOSED_CASE
    was = bool(before and before.get("IsClosed"))
    derived: Row = {"IsClosed": closed}
    if closed and not was:
        derived["ClosedDate"] = now
    elif not closed:
        derived["ClosedDate"] = None
    return derived


def _account_of(org: Held, row: Row) -> str | None:
    what = row.get("WhatId")
    if what is not None:
        kind = org.kind_of(what)
        if kind == "Account":
            return str(what)
        parent = org.tables[kind].rows.get(what) if kind is not None else None
        if parent is not None and parent.get("AccountId"):
            return str(parent["AccountId"])
    who = row.get("WhoId")
    person = None if who is None else org.tables["Contact"].rows.get(who)
    return None if person is None else person.get("AccountId")


def _task(org: Held, row: Row, before: Row | None, now: str) -> Row:
    closed = str(row.get("Status")).lower() == CLOSED_TASK
    was = bool(before and before.get("IsClosed"))
    derived: Row = {
        "IsClosed": closed,
        "IsHighPriority": str(row.get("Priority")).lower() == "high",
        "AccountId": _account_of(org, row),
        "TaskSubtype": row.get("TaskSubtype") or "Task",
    }
    if closed and not was:
        derived["CompletedDateTime"] = now
    elif not closed:
        derived["CompletedDateTime"] = None
    return derived


def _event(org: Held, row: Row, before: Row | None) -> Row:
    derived: Row = {"AccountId": _account_of(org, row), "EventSubtype": "Event"}
    start = row.get("StartDateTime")
    given = row.get("ActivityDateTime")
    if given is not None and (before is None or before.get("ActivityDateTime") != given):
        start = given
    if start is None and row.get("ActivityDate") is not None:
        start = f"{row['ActivityDate']}T00:00:00.000+0000"
    moment = None if start is None else parse_datetime(start)
    if moment is None:
        raise RowError(
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [ActivityDateTime]",
            ["ActivityDateTime"],
        )
    end, minutes = _end(row, before, moment)
    if end < moment:
        raise RowError(
            "INVALID_EVENT_DATES", "The event's end time must be after its start time.", []
        )
    derived |= {
        "StartDateTime": wire(moment),
        "ActivityDateTime": wire(moment),
        "ActivityDate": moment.date().isoformat(),
        "DurationInMinutes": minutes,
        "EndDateTime": wire(end),
        "EndDate": end.date().isoformat(),
    }
    return derived


def _end(row: Row, before: Row | None, start: datetime) -> tuple[datetime, int]:
    minutes = row.get("DurationInMinutes")
    given = row.get("EndDateTime")
    same = before is not None and before.get("EndDateTime") == given
    moment = None if given is None else parse_datetime(given)
    if moment is not None and (minutes is None or not same):
        return moment, int((moment - start).total_seconds() // 60)
    if minutes is None:
        raise RowError(
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [DurationInMinutes]",
            ["DurationInMinutes"],
        )
    return start + timedelta(minutes=minutes), minutes


def derive(org: Held, name: str, row: Row, before: Row | None, actor: str) -> Row:
    """The values that follow from a row as it would become. Raises RowError.

    `before` is the row as it was, None for a new one; `actor` the acting user's id.
    """
    now = org.now()
    if name in {"Contact", "User"} or row.get("IsPersonAccount"):
        return _person(row)
    if name == "Opportunity":
        return _opportunity(row, before, now)
    if name == "Contract":
        return _contract(row, before, now, actor)
    if name == "Case":
        return _case(row, before, now)
    if name == "Task":
        return _task(org, row, before, now)
    if name == "Event":
        return _event(org, row, before)
    return {}


def touch_parents(org: Held, name: str, row: Row) -> None:
    """Move LastActivityDate of what a done task or a past event hangs on."""
    day = row.get("ActivityDate")
    done = row.get("IsClosed") if name == "Task" else day is not None and day <= org.now()[:10]
    if not done or day is None:
        return
    for key in {row.get("WhatId"), row.get("WhoId"), row.get("AccountId")} - {None}:
        kind = org.kind_of(str(key))
        table = None if kind is None else org.tables[kind]
        parent = None if table is None else table.rows.get(str(key))
        if parent is None or table is None or "LastActivityDate" not in table.kind.fields:
            continue
        if parent.get("LastActivityDate", "") < day:
            table.change(parent, {"LastActivityDate": day})
