"""Derive: what the rules say of the due accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct
from sqlalchemy import Connection

from syncd.model import Before, Derived, Finding, Scalar
from syncd.playbooks import next_turn
from syncd.rules import BookBorders, BookRow, derive, last_said
from syncd.store import AccountState
from syncd.sync.due import Due, bases, borders_for, red_since
from syncd.sync.loading import Loaded, load
from syncd.sync.turn import Connected, Turn


class Derivation(Struct, frozen=True):
    """One account's turn: what went in, what came out."""

    loaded: Loaded
    before: Before
    values: Mapping[str, Derived]
    facts: Mapping[str, Scalar]
    since: Mapping[str, date]
    findings: tuple[Finding, ...]
    state: AccountState
    stands: Mapping[str, Derived] = {}
    """The values, and those of rules that are off as they stood before."""


def derive_all(
    tx: Connection, turn: Turn, served: Sequence[Connected], due: Due
) -> Iterator[Derivation]:
    """What the rules say of each due account, with its reasons."""
    by_connection = bases(turn, served)
    off = {connected.name: connected.off for connected in served}
    for loaded, before in load(tx, turn, served, due.keys):
        book = due.books[loaded.stored.key.partition(":")[0]]
        yield derive_one(turn, loaded, before, book, by_connection, off)


def derive_one(
    turn: Turn,
    loaded: Loaded,
    before: Before,
    book: BookBorders,
    by_connection: Mapping[str, str],
    off: Mapping[str, frozenset[str]],
) -> Derivation:
    """One account's turn."""
    key, today = loaded.stored.key, turn.today
    name = key.partition(":")[0]
    if loaded.records is None:
        state = AccountState(
            key=key,
            name=loaded.stored.name,
            domain=loaded.stored.domain,
            status="gone",
            owner=None,
            valid_until=None,
            basis=by_connection.get(name, ""),
            row=BookRow(account=key.partition(":")[2]),
        )
        return Derivation(loaded, before, {}, {}, {}, (), state)
    records = loaded.records
    rules_off = frozenset[str]().union(*(off[member.connection] for member in loaded.members))
    decision = derive(records, before, borders_for(book, key), turn.policy, today, off=rules_off)
    values = dict(decision.values)
    stands = {**last_said(before, rules_off), **values}
    facts = {**before.facts, **decision.facts} if rules_off else decision.facts
    since = _since(before, stands, today)
    account = records.account
    arr, tier = _value(stands, "arr"), _value(stands, "tier")
    key_account = _value(stands, "key_account")
    turns = [value.valid_until for value in values.values()]
    turns.append(next_turn(turn.playbooks, records, values, before, turn.policy, today))
    valid_until = min((day for day in turns if day is not None), default=None)
    state = AccountState(
        key=key,
        name=account.name or "",
        domain=account.domain,
        status=account.status,
        owner=account.owner,
        valid_until=valid_until,
        basis=by_connection.get(name, ""),
        row=BookRow(
            account=account.id,
            arr=arr if isinstance(arr, Decimal) else None,
            potential=account.expansion_potential,
            strategic=bool(account.strategic),
            override=account.tier_override,
            tier=tier if isinstance(tier, str) else None,
            key_account=key_account if isinstance(key_account, bool) else None,
            band_red_since=red_since(_value(stands, "health_band"), since),
            demoted=facts.get("tier_demoted") is True,
        ),
    )
    findings = (*records.findings, *decision.findings)
    return Derivation(loaded, before, values, facts, since, findings, state, stands)


def _value(values: Mapping[str, Derived], name: str) -> Scalar:
    found = values.get(name)
    return None if found is None else found.value


def _since(before: Before, values: Mapping[str, Derived], today: date) -> dict[str, date]:
    """Since when each state has stood as it stands (states and flags only)."""
    since = {}
    for name, derived in values.items():
        if not isinstance(derived.value, (str, bool)) or name.endswith(("_reason", "_drivers")):
            continue
        same = before.values.get(name) == derived.value
        since[name] = before.since.get(name, today) if same else today
    return since
