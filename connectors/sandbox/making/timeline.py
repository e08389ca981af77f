"""Tickets, activities and weeks of usage, drawn from a customer's mood."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from connectors.sandbox.book import BookActivity, BookTicket, BookUsage
from connectors.sandbox.making import texts
from connectors.sandbox.making.calendar import monday
from connectors.sandbox.making.draws import between, pick

if TYPE_CHECKING:
    from random import Random

    from connectors.sandbox.making.draft import Draft

LATEST_WEEKS = 4  # the weeks a login trend compares with those before
TWO_WAY = ("meeting", "call", "email_in")
# Recent tickets of each pattern: (opened days ago, closed after days or None, priority, escalated).
TICKET_PATTERNS: dict[str, tuple[tuple[int, int | None, str, bool], ...]] = {
    "none": (),
    "quiet": ((75, 4, "normal", False), (22, 2, "low", False)),
    "spike": (
        (80, 3, "normal", False),
        (24, 2, "normal", False),
        (19, 5, "high", False),
        (12, None, "normal", False),
        (8, 1, "high", False),
        (5, None, "normal", False),
        (2, None, "high", False),
    ),
    "escalated": (
        (60, 6, "normal", False),
        (9, None, "urgent", False),
        (6, None, "high", True),
        (4, None, "urgent", True),
    ),
    "old": ((95, 10, "normal", False), (33, None, "normal", False)),
}
# Inbound mail of each pattern, in days ago.
MAIL_PATTERNS: dict[str, tuple[int, ...]] = {
    "none": (),
    "steady": (12, 40, 72, 101),
    "falling": (41, 64, 71, 83, 90, 104, 115),
    "outbound": (),
    "outbound_since": (),  # they wrote and met once, and have not for a while
}


def at(rng: Random, day: date) -> datetime:
    """An hour at which it is the same day in most of the world's offices."""
    return datetime.combine(day, time(between(rng, 9, 15), between(rng, 0, 59)), UTC)


def make_tickets(draft: Draft, rng: Random) -> tuple[BookTicket, ...]:
    """The customer's support cases, oldest first."""
    pattern = TICKET_PATTERNS[draft.mood.tickets]
    tickets = []
    for number, (opened, closed_after, priority, escalated) in enumerate(pattern, start=1):
        begun = at(rng, draft.day(-opened))
        closed = None if closed_after is None else begun + timedelta(days=min(closed_after, opened))
        tickets.append(
            BookTicket(
                f"t{draft.key[1:]}-{number}",
                pick(rng, texts.TICKETS),
                begun,
                closed,
                priority,
                escalated,
            )
        )
    return tuple(tickets)


def make_activities(draft: Draft, rng: Random) -> tuple[BookActivity, ...]:
    """Meetings, calls and mail, oldest first.

    A contact's last activity is a touch on that very day, and no two-way touch is later than the
    latest of those: the contacts say when the customer was last in touch.
    """
    mood = draft.mood
    if not mood.activities:
        return ()
    rows: list[tuple[date, str, str | None]] = []
    seen = [
        (one.last_activity_on, one.key)
        for one in draft.contacts
        if one.last_activity_on is not None
    ]
    if mood.mail == "outbound":
        seen = []
    for day, contact in seen:
        rows.append((day, pick(rng, TWO_WAY if mood.mail == "steady" else TWO_WAY[:2]), contact))
    if seen:
        latest, closest = max(seen)
        gap = between(rng, 20, 45)
        rows.extend(
            (latest - timedelta(days=gap * step), pick(rng, TWO_WAY[:2]), closest)
            for step in (1, 2, 3)
        )
        rows.extend(
            (day, "email_in", closest)
            for ago in MAIL_PATTERNS[mood.mail]
            if (day := draft.day(-ago)) <= latest
        )
        if mood.qbr_days_ago is not None and draft.day(-mood.qbr_days_ago) <= latest:
            rows.append((draft.day(-mood.qbr_days_ago), "qbr", closest))
    if mood.mail != "none":
        rows.extend((draft.day(-ago), "email_out", None) for ago in (6, 27, 58))
    if mood.meeting_in_days is not None:
        rows.append((draft.day(mood.meeting_in_days), "meeting", None))
    rows = [row for row in rows if row[0] >= draft.created_on]
    rows.sort(key=lambda row: (row[0], row[1], row[2] or ""))
    return tuple(
        BookActivity(
            f"a{draft.key[1:]}-{number}",
            kind,
            at(rng, day),
            contact,
            pick(rng, texts.SUBJECTS[kind]),
        )
        for number, (day, kind, contact) in enumerate(rows, start=1)
    )


def make_usage(draft: Draft, rng: Random) -> tuple[BookUsage, ...]:
    """Weeks of product use up to the one that today lies in, oldest first.

    The running week is in, at full strength: four weeks then begin within any 28 days.
    """
    mood, seats = draft.mood, draft.seats or 0
    newest = monday(draft.today)
    weeks = []
    for ago in range(mood.weeks):
        start = newest - timedelta(days=7 * ago)
        if start < draft.created_on:
            break
        share = mood.active_share * (0.97 + 0.06 * rng.random() if ago else 1)
        active = min(seats, round(seats * share))
        trend = mood.login_trend if ago < LATEST_WEEKS else 1.0
        logins = round(max(active, 1) * 4 * trend * (0.95 + 0.1 * rng.random()))
        limit = max(seats, 1) * 1000
        meter = mood.meter[ago] if ago < len(mood.meter) else 0.35 + 0.25 * rng.random()
        weeks.append(
            BookUsage(
                start,
                active,
                logins,
                0 if mood.no_seats else seats,
                (round(limit * meter), limit),
            )
        )
    return tuple(reversed(weeks))
