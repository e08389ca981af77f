"""One account of the records that several CRMs have of one customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from syncd.link.people import People
from syncd.link.rules import OWN, LinkRules
from syncd.model import (
    Account,
    AccountRecords,
    Contact,
    Opportunity,
    Role,
    Ticket,
    Usage,
)

PERSONS = frozenset({"owner", "csm"})


class Part(Struct, frozen=True):
    """What one CRM has of the customer."""

    connection: str
    records: AccountRecords


def unite(rules: LinkRules, parts: Sequence[Part], people: People) -> AccountRecords:
    """The customer as one account. The first part leads: the account has its ref and id.

    Field by field, the strongest CRM that maps the field and has a value wins. Opportunities
    (with handoffs) and contracts come whole from one CRM; contacts, tickets, activities and usage
    from all, a person or a week that several have once. Users are those of `people`.
    """
    lead = parts[0]
    by = {part.connection: part for part in parts}
    deals = deal_source(rules, parts)
    contracts = contract_source(rules, parts)
    contacts, contact_ids = _contacts(_of_kind(rules, by, "contact"), lead)
    return AccountRecords(
        account=_account(rules, by, lead, people),
        opportunities=() if deals is None else _deals(deals, people),
        contracts=() if contracts is None else contracts.records.contracts,
        contacts=contacts,
        roles=_roles(parts, lead, deals, contact_ids),
        tickets=_tickets(_of_kind(rules, by, "ticket")),
        activities=tuple(
            replace(item, contact=contact_ids.get((part.connection, item.contact or "")))
            for part in _of_kind(rules, by, "activity")
            for item in part.records.activities
        ),
        usage=_usage(_of_kind(rules, by, "usage")),
        users=people.users,
        kinds=frozenset[str]().union(*(part.records.kinds for part in parts)),
        fields=frozenset[str]().union(*(part.records.fields for part in parts)),
        findings=tuple(finding for part in parts for finding in part.records.findings),
    )


# --- the account's own fields ---------------------------------------------------------------------


def field_values(
    rules: LinkRules, by: Mapping[str, Part], name: str, people: People
) -> list[tuple[str, Any]]:
    """What each CRM that maps this field and fills it says, the strongest first."""
    found = []
    for connection in rules.order(name):
        part = by.get(connection)
        if part is None or f"account.{name}" not in part.records.fields:
            continue
        value = getattr(part.records.account, name)
        if name in PERSONS:
            value = people.id_of(connection, value)
        if name == "plan" and not _says_something(value):
            continue
        if value is not None and value != "":
            found.append((connection, value))
    return found


def _says_something(plan: Any) -> bool:
    return plan is not None and any(getattr(plan, name) for name in plan.__struct_fields__)


def _account(rules: LinkRules, by: Mapping[str, Part], lead: Part, people: People) -> Account:
    own = lead.records.account
    chosen: dict[str, Any] = {}
    for name in Account.__struct_fields__:
        if name in OWN:
            continue
        values = field_values(rules, by, name, people)
        if values:
            chosen[name] = values[0][1]
        elif name in PERSONS:
            chosen[name] = people.id_of(lead.connection, getattr(own, name))
    if "plan" not in chosen:
        plans = [part.records.account.plan for part in by.values()]
        chosen["plan"] = next((plan for plan in plans if plan is not None), None)
    return replace(own, **chosen)


# --- records --------------------------------------------------------------------------------------


def _of_kind(rules: LinkRules, by: Mapping[str, Part], kind: str) -> list[Part]:
    """The parts whose records of this kind count, the strongest first; all, unless one is named."""
    ordered = [by[connection] for connection in rules.order(kind) if connection in by]
    if kind not in rules.precedence:
        return ordered
    field = {"contact": "contacts", "ticket": "tickets", "activity": "activities"}.get(kind, kind)
    return [part for part in ordered if getattr(part.records, field)][:1]


def deal_source(rules: LinkRules, parts: Sequence[Part]) -> Part | None:
    """Whose opportunities count: the strongest CRM that has any."""
    ordered = _ordered(rules, parts, "opportunity")
    return next((part for part in ordered if part.records.opportunities), None)


def contract_source(rules: LinkRules, parts: Sequence[Part]) -> Part | None:
    """Whose contracts count: the strongest CRM that has an active one, else that has any."""
    ordered = _ordered(rules, parts, "contract")
    active = (
        part
        for part in ordered
        if any(contract.status == "active" for contract in part.records.contracts)
    )
    return next(active, next((part for part in ordered if part.records.contracts), None))


def _ordered(rules: LinkRules, parts: Sequence[Part], name: str) -> list[Part]:
    rank = {connection: at for at, connection in enumerate(rules.order(name))}
    return sorted(parts, key=lambda part: rank.get(part.connection, len(rank)))


def _deals(part: Part, people: People) -> tuple[Opportunity, ...]:
    return tuple(
        replace(deal, owner=people.id_of(part.connection, deal.owner))
        for deal in part.records.opportunities
    )


def _tickets(parts: Sequence[Part]) -> tuple[Ticket, ...]:
    return tuple(ticket for part in parts for ticket in part.records.tickets)


def _usage(parts: Sequence[Part]) -> tuple[Usage, ...]:
    """Each week from the strongest CRM that has it."""
    found: list[Usage] = []
    seen: set[object] = set()
    for part in parts:
        found += [week for week in part.records.usage if week.period_start not in seen]
        seen |= {week.period_start for week in part.records.usage}
    return tuple(found)


def _contacts(
    parts: Sequence[Part], lead: Part
) -> tuple[tuple[Contact, ...], dict[tuple[str, str], str]]:
    """The customer's people, one who stands in several CRMs (by the same name) once.

    Beside them the id here of each (connection, contact id).
    """
    found: dict[str, Contact] = {}
    by_name: dict[str, str] = {}
    ids: dict[tuple[str, str], str] = {}
    for part in parts:
        names: dict[str, str] = {}
        for contact in part.records.contacts:
            foreign = part.connection != lead.connection
            id = f"{part.connection}:{contact.id}" if foreign else contact.id
            name = " ".join((contact.name or "").casefold().split())
            same = by_name.get(name) if name else None
            ids[part.connection, contact.id] = same or id
            if same is not None:
                found[same] = _one_person(found[same], contact)
                continue
            found[id] = replace(contact, id=id)
            names.setdefault(name, id)
        by_name.update({name: id for name, id in names.items() if name not in by_name})
    return tuple(found.values()), ids


def _one_person(one: Contact, other: Contact) -> Contact:
    days = [day for day in (one.last_activity_on, other.last_activity_on) if day is not None]
    return replace(
        one,
        title=one.title or other.title,
        roles=tuple(dict.fromkeys((*one.roles, *other.roles))),
        last_activity_on=max(days, default=None),
        active=one.active and other.active,  # a CRM that does not tell says active
    )


def _roles(
    parts: Sequence[Part],
    lead: Part,
    deals: Part | None,
    contact_ids: Mapping[tuple[str, str], str],
) -> tuple[Role, ...]:
    """Roles on deals that do not count are roles at the customer."""
    found = []
    for part in parts:
        counts = deals is not None and part.connection == deals.connection
        for role in part.records.roles:
            on_deal = role.opportunity if counts else None
            found.append(
                replace(
                    role,
                    contact=contact_ids.get((part.connection, role.contact or "")),
                    opportunity=on_deal,
                    account=None if on_deal else lead.records.account.id,
                )
            )
    return tuple(found)
