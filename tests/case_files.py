"""Loads the cases below ``tests/cases`` (their form: ``tests/cases/README.md``)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from syncd import rules
from syncd.model import (
    Account,
    AccountPlan,
    AccountRecords,
    Activity,
    Before,
    Contact,
    Contract,
    Decision,
    Derived,
    Handoff,
    Opportunity,
    Role,
    Ticket,
    Usage,
    User,
)
from syncd.policy import Policy
from syncd.rules.health import whole
from syncd.rules.rule import BookBorders, BookRow, RuleInput
from syncd.rules.tier_places import borders

CASES = Path(__file__).parent / "cases"
KINDS: dict[str, type[msgspec.Struct]] = {
    "account": Account,
    "opportunity": Opportunity,
    "handoff": Handoff,
    "contract": Contract,
    "contact": Contact,
    "role": Role,
    "ticket": Ticket,
    "activity": Activity,
    "usage": Usage,
    "user": User,
}
FIELDS = frozenset(
    f"{kind}.{name}" for kind, struct in KINDS.items() for name in struct.__struct_fields__
)
TOP = {"says", "today", "unmapped", "off", "values", "policy", "before", "book", "expect", "later"}
EXPECT = {"blank", "absent", "valid_until", "because_contains", "findings"}
AMOUNTS = {"arr", "expansion_potential", "nps", "csat", "amount", "value"}
MOMENTS = {"opened_at", "closed_at", "at"}

S = TypeVar("S", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a case says of one day."""

    values: dict[str, Any]
    blank: tuple[str, ...]
    absent: tuple[str, ...]
    valid_until: date | str | dict[str, Any] | None
    because_contains: dict[str, Any]
    findings: dict[str, str]


@dataclass(frozen=True, slots=True)
class Case:
    """One case on one day, ready to be run. `rule` is the folder's name."""

    name: str
    rule: str
    says: str
    today: date
    records: AccountRecords
    before: Before
    values: Mapping[str, Derived]
    policy: Policy
    book: tuple[BookRow, ...]
    off: frozenset[str]
    expect: Expectation

    def run(self, today: date | None = None, before: Before | None = None) -> Decision:
        """What the case's rule (or all of them) says on its day, or on another."""
        day = today or self.today
        past = before or self.before
        account = self.records.account
        renewal = rules.RULES[0].decide(
            RuleInput(self.records, past, {}, BookBorders(), self.policy, day)
        )
        arr = (self.values.get("arr") or renewal.values["arr"]).value
        own = BookRow(
            account=account.id,
            arr=arr if isinstance(arr, Decimal) else None,
            potential=account.expansion_potential,
            strategic=bool(account.strategic),
            override=account.tier_override,
        )
        book = borders((own, *self.book), self.policy.tier, day)
        if self.rule == "derive":
            return rules.derive(self.records, past, book, self.policy, day, off=self.off)
        rule = next(rule for rule in rules.RULES if rule.name == self.rule)
        return rule.decide(RuleInput(self.records, past, self.values, book, self.policy, day))


def stored(before: Before, decision: Decision, today: date) -> Before:
    """The past as a run on `today` leaves it behind."""
    values = {name: derived.value for name, derived in decision.values.items()}
    changed = {
        name: today
        for name, value in values.items()
        if name not in before.values or before.values[name] != value
    }
    snapshots = before.snapshots
    if "health_score_exact" in decision.facts:
        exact = decision.facts["health_score_exact"]
        snapshots = ((today, whole(exact) if isinstance(exact, Decimal) else None), *snapshots)
    return msgspec.structs.replace(
        before,
        values={**before.values, **values},
        facts={**before.facts, **decision.facts},
        since={**before.since, **changed},
        snapshots=snapshots,
        first_run=False,
    )


def cases(folder: Path = CASES) -> list[Case]:
    """All cases of rules, one for each day that a file speaks of."""
    folders = [folder / name for name in (*(rule.name for rule in rules.RULES), "derive")]
    return [case for each in folders for path in sorted(each.glob("*.toml")) for case in read(path)]


def read(path: Path) -> Iterable[Case]:
    """The cases of one file. Raises ValueError for a key that nobody would read."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    unknown = raw.keys() - TOP - KINDS.keys()
    if unknown or not str(raw.get("says", "")).strip():
        raise ValueError(f"{path}: unknown {sorted(unknown)}, or no 'says'")
    unmapped = frozenset(raw.get("unmapped", ()))
    records = AccountRecords(
        account=_account(raw.get("account", {})),
        opportunities=tuple(_opportunity(r, n) for n, r in _numbered(raw, "opportunity")),
        contracts=tuple(_record(Contract, r, n) for n, r in _numbered(raw, "contract")),
        contacts=tuple(_record(Contact, r, n) for n, r in _numbered(raw, "contact")),
        roles=tuple(_record(Role, r, n) for n, r in _numbered(raw, "role")),
        tickets=tuple(_record(Ticket, r, n) for n, r in _numbered(raw, "ticket")),
        activities=tuple(_record(Activity, r, n) for n, r in _numbered(raw, "activity")),
        usage=tuple(_usage(r, n) for n, r in _numbered(raw, "usage")),
        users={u.id: u for u in (_record(User, r, n) for n, r in _numbered(raw, "user"))},
        kinds=frozenset(KINDS) - unmapped,
        fields=frozenset(f for f in FIELDS - unmapped if f.partition(".")[0] not in unmapped),
    )
    given = raw.get("values", {})
    days = [(raw["today"], raw["expect"])]
    days += [(more["today"], more["expect"]) for more in raw.get("later", ())]
    for today, expect in days:
        yield Case(
            name=f"{path.parent.name}/{path.stem} on {today}",
            rule=path.parent.name,
            says=raw["says"],
            today=today,
            records=records,
            before=_before(raw.get("before")),
            values={name: Derived(_given(name, value)) for name, value in given.items()},
            policy=Policy.model_validate(raw.get("policy", {})),
            book=tuple(_book(raw.get("book", ()))),
            off=frozenset(raw.get("off", ())),
            expect=Expectation(
                values={k: _value(v) for k, v in expect.items() if k not in EXPECT},
                blank=tuple(expect.get("blank", ())),
                absent=tuple(expect.get("absent", ())),
                valid_until=expect.get("valid_until"),
                because_contains=expect.get("because_contains", {}),
                findings=expect.get("findings", {}),
            ),
        )


def _numbered(raw: dict[str, Any], kind: str) -> Iterable[tuple[int, dict[str, Any]]]:
    return enumerate(raw.get(kind, ()), start=1)


def _record(kind: type[S], raw: Mapping[str, Any], number: int, **more: Any) -> S:
    """A canonical record: with a default id, a ref, and moments that have a zone."""
    word = kind.__name__.lower()
    unknown = raw.keys() - set(kind.__struct_fields__)
    if unknown:
        raise ValueError(f"{word}: unknown {sorted(unknown)}")
    id = str(raw.get("id") or raw.get("name") or f"{word}-{number}")
    fields: dict[str, Any] = dict(raw)
    fields["ref"] = {"connection": "crm", "object": word, "id": id}
    if "id" in kind.__struct_fields__:
        fields["id"] = id
    for name in AMOUNTS & fields.keys():
        fields[name] = _money(fields[name])
    for name in MOMENTS & fields.keys():
        fields[name] = _moment(fields[name])
    record = msgspec.convert(fields, kind, builtin_types=(date, datetime, Decimal))
    return msgspec.structs.replace(record, **more)


def _account(raw: Mapping[str, Any]) -> Account:
    rest = {"id": "acme", "name": "Acme", **{k: v for k, v in raw.items() if k != "plan"}}
    if "plan" not in raw:
        return _record(Account, rest, 1)
    plan = msgspec.convert(raw["plan"], AccountPlan, builtin_types=(date,))
    return _record(Account, rest, 1, plan=plan)


def _opportunity(raw: Mapping[str, Any], number: int) -> Opportunity:
    rest = {k: v for k, v in raw.items() if k != "handoff"}
    if "handoff" not in raw:
        return _record(Opportunity, rest, number)
    return _record(Opportunity, rest, number, handoff=_record(Handoff, raw["handoff"], number))


def _usage(raw: Mapping[str, Any], number: int) -> Usage:
    rest = {k: v for k, v in raw.items() if k != "meters"}
    meters = {
        name: tuple(_money(_value(v)) for v in (*pair, "", "")[:2])
        for name, pair in raw.get("meters", {}).items()
    }
    return _record(Usage, rest, number, meters=meters)


def _before(raw: dict[str, Any] | None) -> Before:
    if raw is None:
        return Before()
    return Before(
        values={k: _value(v) for k, v in raw.get("values", {}).items()},
        facts={k: _value(v) for k, v in raw.get("facts", {}).items()},
        reasons=raw.get("reasons", {}),
        since=raw.get("since", {}),
        snapshots=tuple((day, _value(score)) for day, score in raw.get("snapshots", ())),
        first_run=raw.get("first_run", False),
    )


def _book(raw: Iterable[dict[str, Any]]) -> Iterable[BookRow]:
    for row in raw:
        rest: dict[str, Any] = {
            k: _money(v) if k in {"arr", "potential"} else v for k, v in row.items()
        }
        count = rest.pop("count", None)
        name = rest.pop("account")
        names = [name] if count is None else [f"{name}-{n}" for n in range(1, count + 1)]
        for each in names:
            yield BookRow(account=each, **rest)


def _given(name: str, value: Any) -> Any:
    """A value of an earlier rule; ARR is money even where the file gives a whole number."""
    return _money(_value(value)) if name in {"arr", "renewal_arr"} else _value(value)


def _moment(value: Any) -> Any:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime.combine(value, time(12), UTC) if isinstance(value, date) else value


def _value(value: Any) -> Any:
    """TOML has no null: an empty text stands for it."""
    return None if value == "" else value


def _money(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)
