"""How the org's own rules are taken, shown, and held against rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from connectors.salesforce.sandbox.errors import DuplicateError, RequestError, RowError
from connectors.salesforce.sandbox.held import Actor
from connectors.salesforce.sandbox.org import Org
from connectors.salesforce.sandbox.rules import DuplicateRule, Rules, ValidationRule
from connectors.salesforce.sandbox.schema import SObject
from connectors.salesforce.sandbox.soql import Runner, parse
from connectors.salesforce.sandbox.table import Row, index_key

if TYPE_CHECKING:
    from connectors.salesforce.sandbox.soql.tree import Query

VALIDATION_PREFIX = "03d"
VERSION = "66.0"
MOST_MATCHES = 100


def take(org: Org, document: Any) -> None:
    """Put the rules of a decoded document in place of the org's.

    Raises ValueError whose text ends in the place, such as ``- at `$.validation[0].when```.
    """
    rules = msgspec.convert(document, Rules)
    for place, rule in enumerate(rules.validation):
        at = f"$.validation[{place}]"
        kind = _kind(org, rule.object, at)
        if rule.field:
            _known(kind, rule.field, f"{at}.field")
        try:
            Runner(org, None, VERSION).among(_condition(rule), [])
        except RequestError as error:
            told = error.message.strip().splitlines()[-1]
            raise ValueError(f"{rule.name}: {told} - at `{at}.when`") from None
    for place, one in enumerate(rules.duplicate):
        at = f"$.duplicate[{place}]"
        kind = _kind(org, one.object, at)
        if not one.fields:
            raise ValueError(f"{one.name}: no field to compare - at `{at}.fields`")
        for name in one.fields:
            _known(kind, name, f"{at}.fields")
    org.rules = rules
    _show(org)


def _kind(org: Org, name: str, at: str) -> SObject:
    found = org.objects.get(name)
    if found is None:
        raise ValueError(f"the org has no object {name!r} - at `{at}.object`")
    return found


def _known(kind: SObject, name: str, at: str) -> None:
    if name not in kind.fields:
        raise ValueError(f"{kind.name} has no field {name!r} - at `{at}`")


def _condition(rule: ValidationRule) -> Query:
    query = _parsed(rule.query)
    if query.order or query.limit is not None or query.group or query.offset is not None:
        raise RequestError(400, "MALFORMED_QUERY", "only a condition is wanted here")
    return query


@lru_cache(maxsize=64)
def _parsed(text: str) -> Query:
    return parse(text)


def _show(org: Org) -> None:
    """The duplicate rules as rows, which every org lets its people query."""
    table = org.tables["DuplicateRule"]
    for key in list(table.rows):
        table.discard(key)
    for rule in org.rules.duplicate:
        org.store(
            "DuplicateRule",
            {
                "DeveloperName": rule.name,
                "MasterLabel": rule.label or rule.name.replace("_", " "),
                "SobjectType": rule.object,
                "IsActive": rule.active,
                "Language": "en_US",
            },
        )


def shown(org: Org) -> Iterator[Row]:
    """The validation rules as the Tooling API has them."""
    now = org.now()
    for rule in org.rules.validation:
        name = f"{rule.object}.validationRules.{rule.name}"
        if name not in org.field_ids:
            org.field_ids[name] = org.new_key(VALIDATION_PREFIX)
        yield {
            "Id": org.field_ids[name],
            "ValidationName": rule.name,
            "EntityDefinitionId": rule.object,
            "Active": rule.active,
            "ErrorMessage": rule.message,
            "ErrorDisplayField": rule.field or None,
            "CreatedDate": now,
            "LastModifiedDate": now,
        }


def judge(org: Org, kind: SObject, row: Row, before: Row | None, actor: Actor) -> None:
    """Refuse a row, as it would become, that a rule is against. Raises RowError."""
    rules = org.rules
    if not rules.validation and not rules.duplicate:
        return
    user = str(org.tables["User"].rows.get(actor.user, {}).get("Username"))
    against = [
        RowError("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, [rule.field] * bool(rule.field))
        for rule in rules.validation
        if rule.object == kind.name and rule.active and user not in rule.spares
        if Runner(org, None, VERSION).among(_condition(rule), [row])
    ]
    if against:
        raise against[0].with_others(against[1:])
    for one in rules.duplicate:
        if one.object != kind.name or not one.active or user in one.spares:
            continue
        action = one.on_create if before is None else one.on_edit
        if action == "allow" or (action == "alert" and actor.saves_duplicates):
            continue
        same = _duplicates(org, one, row, before)
        if same:
            raise DuplicateError(
                one.message, one.name, kind.name, same[:MOST_MATCHES], alerts=action == "alert"
            )


def _duplicates(org: Org, rule: DuplicateRule, row: Row, before: Row | None) -> list[str]:
    wanted = [index_key(row.get(name)) for name in rule.fields]
    if None in wanted:
        return []
    if before is not None and wanted == [index_key(before.get(name)) for name in rule.fields]:
        return []
    return [
        str(other["Id"])
        for other in org.tables[rule.object].live()
        if other["Id"] != row["Id"]
        and [index_key(other.get(name)) for name in rule.fields] == wanted
    ]
