"""How healthy an account is: score, band, drivers and trend, from the inputs that are known.

What is not known narrows the answer: a component without input leaves the mean, the coverage
says so, and too little coverage makes the band ``unknown``, never red.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from syncd.model import Before, Decision, Derived, Scalar
from syncd.policy import HealthPolicy
from syncd.rules.dates import add_days, earliest
from syncd.rules.health_parts import Component, Evidence, evidence
from syncd.rules.rule import Rule, RuleInput
from syncd.rules.standing import of_tier, standing, tier_position

MARGIN = 3
"""So many points past its border the exact score leaves a stored band."""
STEP = 5
TREND_DAYS = 30
TREND_POINTS = 5
MOST_DRIVERS = 3
MOST_TURNS = 12
"""So many turning days are tried for one that changes the answer; then the next is taken."""

WRITES = (
    "health_score",
    "health_band",
    "health_drivers",
    "health_trend",
    "health_coverage",
    "health_reason",
)


class Health(Struct, frozen=True, gc=False):
    """The answer for one day. `exact` is unrounded; `written` are the values, as in ``WRITES``."""

    exact: float | None
    written: tuple[Scalar, ...]
    components: tuple[Component, ...]


def decide(given: RuleInput) -> Decision:
    """Six values; the exact score is a fact, for snapshots and for explain."""
    position, _ = tier_position(given)
    interval = of_tier(given.policy.cadence.checkin_days, position)
    seen = evidence(given.records, interval, given.today)
    stored = given.before.values.get("health_band")
    now = _health(seen, given.policy.health, given.before, given.today, stored)
    until = earliest(
        _next_change(seen, given, now),
        standing(given, "tier").valid_until if seen.touched is not None else None,
    )
    score, band, drivers, trend, coverage, reason = now.written
    parts = ", ".join(_component_words(component) for component in now.components)
    exact = "no score" if now.exact is None else f"exactly {now.exact:.1f}"
    refs = tuple(dict.fromkeys(ref for c in now.components for ref in c.records))
    said = str(reason)
    because = (f"{exact}: {parts}", said, said, _trend_words(given, now), parts, said)
    values = (score, band, drivers, trend, coverage, reason)
    fact = None if now.exact is None else Decimal(str(now.exact))
    return Decision(
        {
            name: Derived(value, why, refs, until)
            for name, value, why in zip(WRITES, values, because, strict=True)
        },
        facts={"health_score_exact": fact},
    )


def whole(exact: float | Decimal) -> int:
    """The score as a whole number, rounded half up."""
    return int(Decimal(str(exact)).to_integral_value("ROUND_HALF_UP"))


def band_of(exact: float, policy: HealthPolicy, stored: object = None) -> str:
    """The band of a score; a stored one holds until the score is well past its border."""
    green, yellow = policy.bands.green, policy.bands.yellow
    if (
        (stored == "green" and exact > green - MARGIN)
        or (stored == "yellow" and yellow - MARGIN < exact < green + MARGIN)
        or (stored == "red" and exact < yellow + MARGIN)
    ):
        return str(stored)
    if exact >= green:
        return "green"
    return "yellow" if exact >= yellow else "red"


def _health(
    seen: Evidence, policy: HealthPolicy, before: Before, day: date, stored: object
) -> Health:
    components = seen.components(day)
    weights = [policy.weight(component.name) for component in components]
    total = sum(weights)
    known = sum(w for w, c in zip(weights, components, strict=True) if c.points is not None)
    covered = 100 * known / total if total else 0.0
    coverage = int(covered + 0.5)
    missing = "; ".join(f"no data for {c.name}: {c.note}" for c in components if c.points is None)
    if known <= 0 or covered < policy.min_coverage:
        reason = (
            f"Unknown: {coverage} % of the weight has data,"
            f" {policy.min_coverage:g} % is needed; {missing}"
        )
        return Health(None, (None, "unknown", None, None, coverage, reason), components)
    exact = round(
        sum(w * c.points for w, c in zip(weights, components, strict=True) if c.points is not None)
        / known,
        9,
    )
    band = band_of(exact, policy, stored)
    score = min(100, int(exact / STEP + 0.5) * STEP)
    drivers = _drivers(components, weights)
    reason = f"{band.capitalize()}, score {score}"
    if band != band_of(exact, policy):
        reason += f" (held: the border is less than {MARGIN} points away)"
    reason += f": {drivers}" if drivers else ": nothing pulls the score down"
    if missing:
        reason += f"; {missing}"
    written = (score, band, drivers or None, _trend(exact, before, day), coverage, reason)
    return Health(exact, written, components)


def _drivers(components: tuple[Component, ...], weights: list[float]) -> str:
    """At most three things that cost a point of the score or more, the dearest first."""
    known = sum(w for w, c in zip(weights, components, strict=True) if c.points is not None)
    costs = [
        (-weight * cost / known, text)
        for component, weight in zip(components, weights, strict=True)
        if component.points is not None
        for cost, text in component.losses
        if weight * cost >= known
    ]
    costs.sort(key=lambda row: round(row[0], 6))
    return "; ".join(text for _, text in costs[:MOST_DRIVERS])


def _earlier_score(before: Before, day: date) -> tuple[date, int] | None:
    """The score that stood 30 days ago: the newest snapshot that is at least as old."""
    edge = add_days(day, -TREND_DAYS)
    past = [row for row in before.snapshots if row[0] <= edge]
    if not past:
        return None
    taken, score = max(past, key=lambda row: row[0])
    return None if score is None else (taken, score)


def _trend(exact: float, before: Before, day: date) -> str | None:
    earlier = _earlier_score(before, day)
    if earlier is None:
        return None
    move = whole(exact) - earlier[1]
    if move >= TREND_POINTS:
        return "improving"
    return "declining" if move <= -TREND_POINTS else "steady"


def _trend_words(given: RuleInput, now: Health) -> str:
    earlier = _earlier_score(given.before, given.today)
    if now.exact is None or earlier is None:
        return f"no score known from {TREND_DAYS} days ago"
    return f"{whole(now.exact)} now, {earlier[1]} on {earlier[0]}"


def _component_words(component: Component) -> str:
    if component.points is None:
        return f"{component.name} unknown ({component.note})"
    return f"{component.name} {component.points:.0f}" + (
        f" ({component.note})" if component.note else ""
    )


def _next_change(seen: Evidence, given: RuleInput, now: Health) -> date | None:
    """The first later day on which a written value changes, should no input do.

    Between two turning days (a window's edge passes a record) the score only falls, and only
    with the time since the last touch; so the first change in such a stretch is found by halving.
    """
    policy, band = given.policy.health, now.written[1]
    score = None if now.exact is None else whole(now.exact)
    before = replace(given.before, snapshots=((given.today, score), *given.before.snapshots))
    turns = set(seen.turns(given.today))
    turns.update(
        day for taken, _ in before.snapshots if (day := add_days(taken, TREND_DAYS)) > given.today
    )

    def changed(day: date) -> bool:
        return _health(seen, policy, before, day, band).written != now.written

    stretch = given.today
    for seen_turns, turn in enumerate(sorted(turns), start=1):
        eve = add_days(turn, -1)
        if eve > stretch and seen.fades(stretch, eve) and changed(eve):
            return _first(changed, stretch, eve)
        if seen_turns > MOST_TURNS or changed(turn):
            return turn
        stretch = turn
    return None


def _first(changed: Callable[[date], bool], same: date, different: date) -> date:
    """The first day of those after `same` up to `different` that answers yes."""
    while (gap := (different - same).days) > 1:
        middle = add_days(same, gap // 2)
        if changed(middle):
            different = middle
        else:
            same = middle
    return different


RULE = Rule(
    name="health",
    decide=decide,
    writes=WRITES,
    inputs=frozenset(
        {
            "ticket.account",
            "ticket.opened_at",
            "ticket.closed_at",
            "activity.account",
            "activity.kind",
            "activity.at",
            "usage.account",
            "usage.period_start",
        }
    ),
)
