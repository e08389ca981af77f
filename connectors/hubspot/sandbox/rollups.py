"""Values that HubSpot rolls up from the records associated with a record."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from connectors.hubspot.sandbox.held import Held
from connectors.hubspot.sandbox.kinds import ACTIVITIES, Kind
from connectors.hubspot.sandbox.labels import COMPANY, CONTACT, DEAL
from connectors.hubspot.sandbox.table import Row
from connectors.hubspot.sandbox.times import instant, parse

_TASK, _NOTE, _MEETING, _CALL, _EMAIL = "0-27", "0-46", "0-47", "0-48", "0-49"
_CONTACTING = (_MEETING, _CALL, _EMAIL)
_ALL = (_TASK, _NOTE, *_CONTACTING)
SOURCES = ("contacts", "deals", *ACTIVITIES)
"""The object types whose values are rolled up into others'."""
_WITH_ACTIVITIES = ("companies", "contacts", "deals", "tickets")

Values = dict[str, str | None]


def values(portal: Held, kind: Kind, row: Row, now: int) -> Values:
    """All rolled-up values of a record."""
    if kind.name not in _WITH_ACTIVITIES:
        return {}
    found = _activity(portal, kind, row, now)
    if kind.name == "companies":
        found |= _company(portal, kind, row)
    elif kind.name == "deals":
        found["num_associated_contacts"] = _count(portal, kind, row, CONTACT)
    elif kind.name == "contacts":
        found["num_associated_deals"] = _count(portal, kind, row, DEAL)
        found["associatedcompanyid"] = _primary_company(portal, kind, row)
    else:
        found["num_associated_companies"] = _count(portal, kind, row, COMPANY)
    return found


def _company(portal: Held, kind: Kind, row: Row) -> Values:
    roles = [
        set((contact.properties.get("hs_buying_role") or "").split(";")) - {""}
        for contact in _rows(portal, kind, row, CONTACT)
    ]
    deals = list(_rows(portal, kind, row, DEAL))
    closed = [deal for deal in deals if deal.properties.get("hs_is_closed_won") == "true"]
    closed.sort(key=lambda deal: deal.properties.get("closedate") or "")
    amounts = [Decimal(deal.properties.get("amount") or 0) for deal in closed]
    latest = closed[-1].properties if closed else {}
    parents, children = _family(portal, row)
    return {
        "num_associated_contacts": str(len(roles)),
        "num_associated_deals": str(len(deals)),
        "hs_num_open_deals": str(
            sum(deal.properties.get("hs_is_closed") != "true" for deal in deals)
        ),
        "hs_num_decision_makers": str(sum("DECISION_MAKER" in held for held in roles)),
        "hs_num_blockers": str(sum("BLOCKER" in held for held in roles)),
        "hs_num_contacts_with_buying_roles": str(sum(bool(held) for held in roles)),
        "recent_deal_amount": latest.get("amount"),
        "recent_deal_close_date": latest.get("closedate"),
        "total_revenue": format(sum(amounts), "f") if amounts else None,
        "first_deal_created_date": min(
            (deal.properties["createdate"] for deal in deals), default=None
        ),
        "hs_parent_company_id": str(parents[0]) if parents else None,
        "hs_num_child_companies": str(len(children)),
    }


def _activity(portal: Held, kind: Kind, row: Row, now: int) -> Values:
    upcoming: list[int] = []
    past: dict[str, list[int]] = {one: [] for one in _ALL}
    for activity in _ALL:
        for one in _rows(portal, kind, row, activity):
            at = parse(one.properties.get("hs_timestamp") or "")
            if at is None:
                continue
            done = one.properties.get("hs_task_status") == "COMPLETED"
            if done or (activity != _TASK and at <= now):
                past[activity].append(at)
            elif at > now:
                upcoming.append(at)
    contacted = [at for one in _CONTACTING for at in past[one]]
    everything = [at for held in past.values() for at in held]
    before = parse(row.properties.get("notes_last_contacted") or "")
    # What an import said stays until something later happens.
    last = max([*contacted, *([] if before is None else [before])], default=None)
    return {
        "notes_last_contacted": _moment(last),
        "hs_last_sales_activity_timestamp": _moment(last),
        "notes_last_updated": _moment(max(everything, default=None)),
        "notes_next_activity_date": _moment(min(upcoming, default=None)),
        "hs_latest_meeting_activity": _moment(max(past[_MEETING], default=None)),
        "num_notes": str(len(everything)),
        "num_contacted_notes": str(len(contacted)),
    }


def _rows(portal: Held, kind: Kind, row: Row, other: str) -> Iterator[Row]:
    rows = portal.tables[other].rows
    for id in portal.graph.targets((kind.id, other), row.id):
        found = rows.get(id)
        if found is not None and found.archived is None:
            yield found


def _count(portal: Held, kind: Kind, row: Row, other: str) -> str:
    return str(len(portal.graph.targets((kind.id, other), row.id)))


def _primary_company(portal: Held, kind: Kind, row: Row) -> str | None:
    primary = portal.labels.primary(kind.id, COMPANY)
    for id, types in portal.graph.targets((kind.id, COMPANY), row.id).items():
        if primary is not None and primary.type_id in types:
            return str(id)
    return None


def _family(portal: Held, row: Row) -> tuple[list[int], list[int]]:
    parents: list[int] = []
    children: list[int] = []
    labels = {one.type_id: one.label for one in portal.labels.of[COMPANY, COMPANY]}
    for id, types in portal.graph.targets((COMPANY, COMPANY), row.id).items():
        held = {labels.get(one) for one in types}
        if "Parent Company" in held:
            parents.append(id)
        if "Child Company" in held:
            children.append(id)
    return parents, children


def _moment(ms: int | None) -> str | None:
    return None if ms is None else instant(ms)
