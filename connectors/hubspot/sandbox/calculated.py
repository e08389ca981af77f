"""Values that HubSpot sets by itself from a record's other values."""

from __future__ import annotations

import re
from decimal import Decimal

from connectors.hubspot.sandbox.held import Held
from connectors.hubspot.sandbox.kinds import Kind
from connectors.hubspot.sandbox.rates import current
from connectors.hubspot.sandbox.stages import Stage
from connectors.hubspot.sandbox.table import Row
from connectors.hubspot.sandbox.times import DAY, instant, parse

Values = dict[str, str | None]

_BILLED_MONTHS = {
    "monthly": 1,
    "quarterly": 3,
    "per_six_months": 6,
    "annually": 12,
    "per_two_years": 24,
    "per_three_years": 36,
}
_TERM = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?")


def on_create(portal: Held, kind: Kind, row: Row, source: str) -> None:
    """Fill what a new record gets where nothing was given."""
    values = row.properties
    values["hs_object_source"] = source
    values["hs_object_source_label"] = source
    if kind.name in ("companies", "contacts"):
        values.setdefault("lifecyclestage", "lead")
        values.setdefault("hs_pipeline", f"{kind.name}-lifecycle-pipeline")
    if kind.name == "companies" and values.get("domain"):
        values.setdefault("website", values["domain"])
    if kind.name == "contacts":
        values["hs_is_contact"] = "true"
        values["hs_is_unworked"] = "true"
    if kind.name == "tasks":
        values.setdefault("hs_task_status", "NOT_STARTED")
        values.setdefault("hs_task_priority", "NONE")
        values.setdefault("hs_task_type", "TODO")
    if kind.pipeline and values.get(kind.stage) and not values.get(kind.pipeline):
        held = [p for p in portal.pipelines.get(kind.id, ()) if p.stage(values[kind.stage])]
        if held:
            values[kind.pipeline] = held[0].id


def values(portal: Held, kind: Kind, row: Row, changed: set[str], now: int) -> Values:
    """What follows from the record's values; `changed` are those that were just set."""
    found: Values = {}
    if "hubspot_owner_id" in changed:
        found["hubspot_owner_assigneddate"] = instant(now)
    if kind.name == "deals":
        found |= _deal(portal, kind, row, changed, now)
    elif kind.name == "tickets":
        found |= _ticket(portal, kind, row, changed, now)
    elif kind.name == "tasks":
        found |= _task(row, changed, now)
    elif kind.name == "contacts":
        found |= _contact(row)
    elif kind.name == "line_items":
        found |= _line_item(row)
    return found


def stage_of(portal: Held, kind: Kind, row: Row) -> Stage | None:
    """The stage that a record is in."""
    id = row.properties.get(kind.stage)
    pipeline = row.properties.get(kind.pipeline)
    for one in portal.pipelines.get(kind.id, ()):
        if id and (pipeline is None or one.id == pipeline):
            return one.stage(id)
    return None


def _deal(portal: Held, kind: Kind, row: Row, changed: set[str], now: int) -> Values:
    held = row.properties
    stage = stage_of(portal, kind, row)
    closed = stage is not None and stage.closed
    won = closed and stage is not None and stage.probability == 1.0
    amount = held.get("amount")
    home = _in_home(portal, amount, held.get("deal_currency_code"), now)
    found: Values = {
        "hs_is_closed": _bool(closed),
        "hs_is_closed_won": _bool(won),
        "hs_is_closed_lost": _bool(closed and not won),
        "hs_is_closed_count": str(int(closed)),
        "hs_is_open_count": str(int(not closed)),
        "hs_closed_amount": amount or "0" if won else "0",
        "amount_in_home_currency": home,
        "hs_closed_amount_in_home_currency": home or "0" if won else "0",
    }
    if stage is not None and stage.probability is not None:
        # HubSpot computes with binary fractions and shows all their digits.
        chance = Decimal(stage.probability)
        found["hs_deal_stage_probability"] = format(chance, "f")
        if amount:
            found["hs_projected_amount"] = format(Decimal(amount) * chance, "f")
    if kind.stage in changed:
        found["hs_v2_date_entered_current_stage"] = instant(now)
        if closed and not held.get("closedate"):
            found["closedate"] = instant(now)
    ended = parse(found.get("closedate") or held.get("closedate") or "")
    if closed and ended is not None:
        found["days_to_close"] = str(max(0, (ended - row.created) // DAY))
    return found


def _in_home(portal: Held, amount: str | None, code: str | None, now: int) -> str | None:
    """The amount in the company currency, as it stands where its currency has no rate."""
    if not amount or not code or code == portal.home_currency:
        return amount
    rate = current(portal.rates, portal.home_currency, now).get(code)
    return amount if rate is None else format((Decimal(amount) * rate.worth).normalize(), "f")


def _ticket(portal: Held, kind: Kind, row: Row, changed: set[str], now: int) -> Values:
    held = row.properties
    stage = stage_of(portal, kind, row)
    closed = stage is not None and stage.closed
    found: Values = {"hs_is_closed": _bool(closed), "hs_ticket_id": str(row.id)}
    if kind.stage in changed:
        found["hs_v2_date_entered_current_stage"] = instant(now)
        if closed and not held.get("closed_date"):
            found["closed_date"] = instant(now)
    ended = parse(found.get("closed_date") or held.get("closed_date") or "")
    opened = parse(held.get("createdate") or "") or row.created
    if closed and ended is not None:
        found["time_to_close"] = str(max(0, ended - opened))
    return found


def _task(row: Row, changed: set[str], now: int) -> Values:
    done = row.properties.get("hs_task_status") == "COMPLETED"
    found: Values = {"hs_task_is_completed": "1" if done else "0"}
    if "hs_task_status" in changed and done:
        count = int(row.properties.get("hs_task_completion_count") or 0)
        found["hs_task_completion_date"] = instant(now)
        found["hs_task_completion_count"] = str(count + 1)
    return found


def _contact(row: Row) -> Values:
    held = row.properties
    email = held.get("email")
    name = " ".join(part for part in (held.get("firstname"), held.get("lastname")) if part)
    return {
        "hs_email_domain": email.partition("@")[2] if email else None,
        "hs_full_name_or_email": name or email,
        "hs_all_contact_vids": str(row.id),
    }


def _line_item(row: Row) -> Values:
    price, quantity = row.properties.get("price"), row.properties.get("quantity")
    if price is None:
        return {}
    net = Decimal(price) * Decimal(quantity or "1") - Decimal(row.properties.get("discount") or 0)
    found: Values = {"amount": format(net, "f")}
    months = _BILLED_MONTHS.get(row.properties.get("recurringbillingfrequency") or "")
    if months is None:
        return found
    monthly = net / months
    found |= {"hs_mrr": _money(monthly), "hs_arr": _money(monthly * 12)}
    term = _TERM.fullmatch(row.properties.get("hs_recurring_billing_period") or "")
    if term is not None:
        length = int(term[1] or 0) * 12 + int(term[2] or 0)
        found["hs_term_in_months"] = str(length)
        found["hs_tcv"] = _money(monthly * length)
        found["hs_acv"] = _money(monthly * min(length, 12))
    return found


def _money(value: Decimal) -> str:
    return format(value.quantize(Decimal("0.01")).normalize(), "f")


def _bool(value: bool) -> str:
    return "true" if value else "false"
