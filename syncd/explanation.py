"""`syncd explain`: what syncd knows of an account, why each value is what it is, what is next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from syncd.mapping import KINDS
from syncd.model import Derived, Ref
from syncd.rules import RULES, BookBorders
from syncd.store import StoredTask
from syncd.sync import (
    Connected,
    Loaded,
    Turn,
    derive_one,
    find_due,
    load,
    load_users,
)

WRITES_SHOWN = 20
_LEFT = (
    "it left the book: it was deleted, merged, or no longer matches the mapping's where; "
    "its fields in the CRM stay as they are"
)
_FIELDS = frozenset(f"{kind}.{name}" for kind, fields in KINDS.items() for name in fields)
_INSTEAD = {
    "handoff.opportunity": "handoff.pain_points",
    "role.account": "role.opportunity",
    "role.opportunity": "role.account",
    "activity.account": "activity.contact",
    "activity.contact": "activity.account",
}
"""Inputs that nobody misses where the other is mapped: handoff items on the deal itself need no
record that points to it.
"""
_OFTEN_BLANK = frozenset({"tier_previous", "notice_deadline", "renewal_risk", "expansion_reason"})
"""Blank where there is simply nothing to say."""


def explain(turn: Turn, connections: Sequence[Connected], key: str) -> dict[str, Any]:
    """The account's explanation as the document that ``explain --json`` prints.

    Reads the state only. Values are worked out for the turn's day from the mirrored records.
    """
    by_name = {connected.name: connected for connected in connections}
    for connected in connections:
        load_users(turn, connected)
    with turn.store.begin(write=False) as tx:
        stored = turn.store.book.derivations(tx, [key]).get(key)
    anew = turn.as_of or stored is None
    book = _book(turn, connections, key) if anew else BookBorders()
    with turn.store.begin() as tx:
        loaded, before = next(iter(load(tx, turn, connections, [key])))
        values: Mapping[str, Derived] = stored.values if stored else {}
        if loaded.records is not None and anew:
            off = {connected.name: frozenset[str]() for connected in connections}
            values = derive_one(turn, loaded, before, book, {}, off).values
        tasks = turn.store.tasks.of_accounts(tx, [key]).get(key, [])
        entries = turn.store.ledger.of_account(tx, key, WRITES_SHOWN)
        rejects = turn.store.quarantine.of_account(tx, key)
        kept = turn.store.ledger.kept(tx, key)
    return {
        "account": _account(loaded),
        "refs": [
            _ref(
                by_name,
                Ref(m.connection, by_name[m.connection].mapping.account_object, m.record.id),
            )
            for m in loaded.members
        ],
        "values": {
            name: {
                "value": derived.value,
                "because": derived.because,
                "records": [_ref(by_name, ref) for ref in dict.fromkeys(derived.records)],
                "valid_until": derived.valid_until,
            }
            for name, derived in _ordered(values)
        },
        "inputs": _inputs(loaded),
        "missing": list(_missing(by_name, loaded, values, [reject.message for reject in rejects])),
        "next_change": min(
            (str(one.valid_until) for one in values.values() if one.valid_until is not None),
            default=None,
        ),
        "tasks": [_task(by_name, task) for task in tasks],
        "writes": [
            {
                "run": entry.run,
                "at": entry.settled_at or entry.intended_at,
                "kind": entry.kind,
                "connection": entry.connection,
                "object": entry.object,
                "record": entry.record,
                "task": entry.task_key,
                "changes": list(entry.changes),
                "outcome": entry.state,
                "message": entry.message,
            }
            for entry in entries
        ],
        "kept": [
            {
                "connection": item.connection,
                "record": item.record,
                "field": item.field,
                "theirs": item.theirs,
                "ours": item.ours,
                "since": item.since,
            }
            for item in kept
        ],
        "quarantine": [
            {
                "connection": reject.connection,
                "object": reject.object,
                "record": reject.record,
                "field": reject.field,
                "code": reject.code,
                "message": reject.message,
                "remedy": reject.remedy,
                "since": reject.since,
                "attempts": reject.attempts,
            }
            for reject in rejects
        ],
    }


def _book(turn: Turn, connections: Sequence[Connected], key: str) -> BookBorders:
    """The borders of the account's book on the turn's day.

    After a first `plan` nothing is derived yet: the accounts that are due are looked at as a run
    would. Not `as_of`: that would have every account of the state derived by the next run.
    """
    due = find_due(replace(turn, as_of=False), connections)
    return due.books[key.partition(":")[0]]


def _ordered(values: Mapping[str, Derived]) -> list[tuple[str, Derived]]:
    order = {name: at for at, name in enumerate(n for rule in RULES for n in rule.writes)}
    return sorted(values.items(), key=lambda item: order.get(item[0], len(order)))


def _account(loaded: Loaded) -> dict[str, Any]:
    records = loaded.records
    owner = records.users.get(records.account.owner or "") if records else None
    return {
        "key": loaded.stored.key,
        "id": loaded.stored.key.partition(":")[2],
        "name": (records.account.name if records else None) or loaded.stored.name,
        "domain": loaded.stored.domain or (records.account.domain if records else None),
        "status": "gone" if loaded.stored.gone else records.account.status if records else None,
        "owner": owner.name if owner else None,
    }


def _missing(
    by_name: Mapping[str, Connected],
    loaded: Loaded,
    values: Mapping[str, Derived],
    refused: Sequence[str],
) -> Iterator[dict[str, str]]:
    """What would have told more: inputs that no mapping names, records refused, blank values."""
    mapped = {
        name
        for member in loaded.members
        if member.connection in by_name
        for name in by_name[member.connection].mapping.fields
    }
    instead = {name for name, other in _INSTEAD.items() if other in mapped}
    if loaded.records is None:
        yield {"rule": "", "text": _LEFT}
    for rule in RULES if loaded.records is not None else ():
        lacking = sorted((rule.inputs & _FIELDS) - mapped - instead)
        if lacking:
            text = f"not mapped: {', '.join(lacking)}"
            yield {"rule": rule.name, "text": text}
        blank = [
            name
            for name in rule.writes
            if name in values and values[name].value is None and name not in _OFTEN_BLANK
        ]
        if blank:
            yield {"rule": rule.name, "text": f"blank: {', '.join(blank)}"}
    for message in refused:
        yield {"rule": "", "text": f"in quarantine: {message}"}


def _ref(by_name: Mapping[str, Connected], ref: Ref) -> dict[str, str]:
    connected = by_name.get(ref.connection)
    url = connected.connector.record_url(ref.object, ref.id) if connected else ""
    return {"connection": ref.connection, "object": ref.object, "id": ref.id, "url": url}


def _inputs(loaded: Loaded) -> dict[str, int]:
    records = loaded.records
    if records is None:
        return {}
    return {
        kind: len(getattr(records, kind))
        for kind in (
            "opportunities",
            "contracts",
            "contacts",
            "roles",
            "tickets",
            "activities",
            "usage",
        )
    }


def _task(by_name: Mapping[str, Connected], task: StoredTask) -> dict[str, Any]:
    connected = by_name.get(task.connection)
    person = connected.users.get(task.assignee or "") if connected else None
    return {
        "connection": task.connection,
        "key": task.key,
        "playbook": task.playbook,
        "record": task.record,
        "state": task.state,
        "assignee": task.assignee,
        "assignee_name": person.name if person else None,
        "subject": task.wrote.get("subject"),
        "due": task.wrote.get("due"),
        "opened_on": task.opened_on,
    }
