"""Whether a customer is outgrowing what it bought; withheld while its health is red."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from msgspec import Struct

from syncd.model import AccountRecords, Decision, Derived, Ref, Usage
from syncd.rules.dates import earliest
from syncd.rules.rule import Rule, RuleInput
from syncd.rules.standing import standing

METER_SHARE = Decimal("0.8")
SEAT_SHARE = Decimal("0.9")
NO_SIGNAL = frozenset({"", "false", "no", "0", "none", "n/a"})

WRITES = ("expansion_signal", "expansion_reason")


class Signal(Struct, frozen=True, gc=False):
    """A reason to expand. `meter`: a meter's name, ``seats`` or ``cross-sell``."""

    meter: str
    text: str
    records: tuple[Ref, ...] = ()


def decide(given: RuleInput) -> Decision:
    """The signal, and which meter gives it."""
    records = given.records
    if "usage" not in records.kinds and "account.cross_sell" not in records.fields:
        because = "neither usage nor a cross-sell signal is mapped"
        return Decision({name: Derived(None, because) for name in WRITES})
    band = standing(given, "health_band")
    found = signals(records, given.today)
    until = earliest(band.valid_until if found else None, _next_period(records, given.today))
    refs = tuple(dict.fromkeys(ref for signal in found for ref in signal.records))
    text = "; ".join(signal.text for signal in found)
    if not found:
        because = "no meter near its limit, seats left, no cross-sell signal"
        return Decision(
            {
                "expansion_signal": Derived(False, because, refs, until),
                "expansion_reason": Derived(None, because, refs, until),
            }
        )
    red = band.value == "red"
    reason = f"Withheld while health is red: {text}" if red else text
    return Decision(
        {
            "expansion_signal": Derived(not red, reason, refs, until),
            "expansion_reason": Derived(reason, reason, refs, until),
        }
    )


def signals(records: AccountRecords, today: date) -> list[Signal]:
    """All signals on a day, whatever the health: meters by name, then seats, then cross-sell."""
    rows = [u for u in records.usage if u.period_start is not None and u.period_start <= today]
    rows.sort(key=lambda usage: usage.period_start or date.min, reverse=True)
    found = [signal for name in _meters(rows) if (signal := _meter(name, rows)) is not None]
    seats = _seats(records, rows)
    if seats is not None:
        found.append(seats)
    cross_sell = (records.account.cross_sell or "").strip()
    if cross_sell.casefold() not in NO_SIGNAL:
        said = "" if cross_sell.casefold() in {"true", "yes", "1"} else f": {cross_sell}"
        found.append(Signal("cross-sell", f"cross-sell signal{said}", (records.account.ref,)))
    return found


def _next_period(records: AccountRecords, today: date) -> date | None:
    return earliest(
        *(u.period_start for u in records.usage if u.period_start and u.period_start > today)
    )


def _meters(rows: list[Usage]) -> list[str]:
    return sorted({name for usage in rows for name in usage.meters})


def _meter(name: str, rows: list[Usage]) -> Signal | None:
    """A signal if the meter was near its limit in its two latest periods."""
    fullest: dict[date, tuple[Decimal, Decimal, Decimal, Ref]] = {}
    for usage in rows:
        used, limit = usage.meters.get(name, (None, None))
        start = usage.period_start
        if used is None or limit is None or limit <= 0 or start is None:
            continue
        if start not in fullest and len(fullest) == 2:  # noqa: PLR2004 - two periods running
            break
        share = used / limit
        if start not in fullest or share > fullest[start][0]:
            fullest[start] = (share, used, limit, usage.ref)
    if len(fullest) < 2 or min(row[0] for row in fullest.values()) < METER_SHARE:  # noqa: PLR2004
        return None
    latest = max(fullest)
    share, used, limit, _ = fullest[latest]
    text = (
        f"{name} at {_percent(share)} % of its limit two periods running"
        f" ({_count(used)} of {_count(limit)} in the week of {latest})"
    )
    return Signal(name, text, tuple(row[3] for row in fullest.values()))


def _seats(records: AccountRecords, rows: list[Usage]) -> Signal | None:
    """A signal if nearly all seats were active in the latest period."""
    if not rows:
        return None
    latest = [usage for usage in rows if usage.period_start == rows[0].period_start]
    known = [usage for usage in latest if usage.active_users is not None]
    active = sum(usage.active_users or 0 for usage in known)
    seats = sum(usage.seats or 0 for usage in known) or records.account.seats or 0
    if not known or seats <= 0 or active < SEAT_SHARE * seats:
        return None
    text = f"{active:,} of {seats:,} seats active in the week of {rows[0].period_start}"
    return Signal("seats", text, tuple(usage.ref for usage in known))


def _count(number: Decimal) -> str:
    """``15,300``; of a CRM's ``15300.0`` the nought says nothing."""
    return f"{number.normalize():,f}"


def _percent(share: Decimal) -> int:
    """A share as a whole number of percent, rounded down: 79.9 % is not 80 %."""
    return int(share * 100)


RULE = Rule(
    name="expansion",
    decide=decide,
    writes=WRITES,
    inputs=frozenset({"usage.account", "usage.period_start"}),
)
