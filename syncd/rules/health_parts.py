"""The four components of the health score, each 0 to 100 or without input, on any day.

The account's records are gathered once into `Evidence`; components are then asked for today and
for the later days on which a window's edge passes a record.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from msgspec import Struct

from syncd.model import Account, AccountRecords, Ref, Ticket
from syncd.policy import HealthComponent
from syncd.rules.touches import TOUCH_KINDS

LOGIN_DAYS, LOGIN_BEFORE_DAYS = 28, 84
LOGIN_CAP = 1.25
SPIKE_DAYS, SPIKE_BEFORE_DAYS, SPIKE_LEAST = 30, 90, 3
SPIKE_LOSS, SEVERE_LOSS, MOST_SEVERE_LOSS, OLD_LOSS = 30, 25, 50, 20
OLD_TICKET_DAYS = 14
SILENT_INTERVALS = 4
MAIL_DAYS, MAIL_LEAST = 60, 4
NPS_RANGE, CSAT_RANGE = (-100.0, 100.0), (1.0, 5.0)


Period: TypeAlias = tuple[int, int | None, int | None, int | None, Ref]


class Component(Struct, frozen=True, gc=False):
    """One component on one day. `points` None: no input, and `note` says why.

    `losses` are what it lost points for, in words that hold while the state holds.
    """

    name: HealthComponent
    points: float | None
    note: str = ""
    losses: tuple[tuple[float, str], ...] = ()
    records: tuple[Ref, ...] = ()


class Evidence(Struct, frozen=True):
    """What the components look at. Days are ordinals, sorted; None: the kind is not mapped."""

    account: Account
    interval: int
    periods: tuple[Period, ...] | None
    """(period_start, active users, seats, logins, record)"""
    tickets: tuple[Ticket, ...] | None
    opened: tuple[int, ...]
    touched: tuple[tuple[int, Ref], ...] | None
    """The last touch, and those still to come."""
    mails: tuple[int, ...]
    sentiment: Component
    """The same on every day."""

    def components(self, day: date) -> tuple[Component, ...]:
        """Usage, support, engagement and sentiment, in this order."""
        today = day.toordinal()
        return (
            self._usage(today),
            self._support(today),
            self._engagement(today),
            self.sentiment,
        )

    def turns(self, day: date) -> Iterator[date]:
        """The later days on which a component can change by more than the silence lasting."""
        today = day.toordinal()
        ahead: set[int] = set()
        for start, *_ in self.periods or ():
            ahead.update((start, start + LOGIN_DAYS, start + LOGIN_DAYS + LOGIN_BEFORE_DAYS))
        if len(self.opened) >= SPIKE_LEAST:
            for opened in self.opened:
                ahead.update((opened + SPIKE_DAYS, opened + SPIKE_DAYS + SPIKE_BEFORE_DAYS))
        ahead.update(self.opened)
        for ticket in self.tickets or ():
            if ticket.closed_at is not None:
                ahead.add(ticket.closed_at.toordinal())
            if ticket.opened_at is not None:
                ahead.add(ticket.opened_at.toordinal() + OLD_TICKET_DAYS + 1)
        if len(self.mails) >= MAIL_LEAST:
            for mail in self.mails:
                ahead.update((mail, mail + MAIL_DAYS, mail + 2 * MAIL_DAYS))
        silence = SILENT_INTERVALS * self.interval
        for since in self._silences():
            ahead.update((since, since + silence))
        last = date.max.toordinal()
        return (date.fromordinal(turn) for turn in ahead if today < turn <= last)

    def fades(self, start: date, end: date) -> bool:
        """Whether the silence costs points between two days that no touch lies between."""
        first, last = start.toordinal(), end.toordinal()
        return any(
            first < since + SILENT_INTERVALS * self.interval and last > since + self.interval
            for since in self._silences()
        )

    def _silences(self) -> list[int]:
        """The days that the silence is or will be counted from."""
        if self.touched is None:
            return []
        created = self.account.created_on
        since = [touch for touch, _ in self.touched]
        return since if created is None else [*since, created.toordinal()]

    def _usage(self, today: int) -> Component:
        if self.periods is None:
            return Component("usage", None, "no usage is mapped")
        past = self.periods[: bisect_right(self.periods, today, key=lambda row: row[0])]
        shares: list[tuple[float, str]] = []
        refs: tuple[Ref, ...] = ()
        if past:
            latest = [row for row in past if row[0] == past[-1][0]]
            refs = tuple(row[4] for row in latest)
            known = [row for row in latest if row[1] is not None]
            active = sum(row[1] or 0 for row in known)
            seats = sum(row[2] or 0 for row in known) or self.account.seats or 0
            if known and seats > 0:
                share = min(1.0, max(0.0, active / seats))
                shares.append((share, f"{active:,} of {seats:,} seats active"))
        logins = [(row[0], row[3]) for row in past if row[3] is not None]
        recent = [count for start, count in logins if start > today - LOGIN_DAYS]
        edge = today - LOGIN_DAYS - LOGIN_BEFORE_DAYS
        before = sum(count for start, count in logins if edge < start <= today - LOGIN_DAYS)
        if recent and before > 0:
            ratio = max(0.0, sum(recent) / (before * LOGIN_DAYS / LOGIN_BEFORE_DAYS))
            shares.append((min(ratio, LOGIN_CAP) / LOGIN_CAP, _login_words(ratio)))
        if not shares:
            return Component("usage", None, "neither active seats nor a login history is known")
        points = 100 * sum(share for share, _ in shares) / len(shares)
        losses = tuple(
            (100 * (1 - share) / len(shares), text) for share, text in shares if share < 1
        )
        return Component("usage", points, "", losses, refs)

    def _support(self, today: int) -> Component:
        if self.tickets is None:
            return Component("support", None, "no tickets are mapped")
        losses: list[tuple[float, str]] = []
        split = bisect_right(self.opened, today - SPIKE_DAYS)
        recent = bisect_right(self.opened, today) - split
        before = split - bisect_right(self.opened, today - SPIKE_DAYS - SPIKE_BEFORE_DAYS)
        monthly = before * SPIKE_DAYS / SPIKE_BEFORE_DAYS
        if recent >= SPIKE_LEAST and recent > 2 * monthly:
            losses.append((SPIKE_LOSS, "more than twice the usual number of new tickets"))
        still_open = [ticket for ticket in self.tickets if _is_open(ticket, today)]
        severe = [t for t in still_open if t.escalated or t.priority == "urgent"]
        if severe:
            loss = min(MOST_SEVERE_LOSS, SEVERE_LOSS * len(severe))
            count = f"{len(severe)} open tickets" if len(severe) > 1 else "1 open ticket"
            losses.append((loss, f"{count} urgent or escalated"))
        oldest = min((t for t in still_open if t.opened_at), key=_opened, default=None)
        refs = tuple(ticket.ref for ticket in severe)
        if oldest is not None and today - _opened(oldest) > OLD_TICKET_DAYS:
            since = date.fromordinal(_opened(oldest))
            losses.append((OLD_LOSS, f"a ticket open since {since}"))
            refs = (*refs, oldest.ref)
        points = max(0.0, 100.0 - sum(loss for loss, _ in losses))
        return Component("support", points, "", tuple(losses), refs)

    def _engagement(self, today: int) -> Component:
        if self.touched is None:
            return Component("engagement", None, "no activities are mapped")
        touch = max((row for row in self.touched if row[0] <= today), key=_first, default=None)
        created = self.account.created_on
        if touch is not None:
            since, refs = touch[0], (touch[1],)
        elif created is not None:
            since, refs = created.toordinal(), (self.account.ref,)
        else:
            return Component("engagement", None, "no touch and no creation date to count from")
        silent = today - since - self.interval
        points = 100.0
        losses: list[tuple[float, str]] = []
        if silent > 0:
            fade = (SILENT_INTERVALS - 1) * self.interval
            points = max(0.0, 100 * (fade - silent) / fade)
            what = "no two-way touch since" if touch is not None else "no touch yet, created"
            losses.append((100 - points, f"{what} {date.fromordinal(since)}"))
        split = bisect_right(self.mails, today - MAIL_DAYS)
        recent = bisect_right(self.mails, today) - split
        before = split - bisect_right(self.mails, today - 2 * MAIL_DAYS)
        if before >= MAIL_LEAST and 2 * recent < before:
            points /= 2
            losses.append((points, "inbound mail under half of what it was"))
        return Component("engagement", points, "", tuple(losses), refs)


def evidence(records: AccountRecords, interval: int, today: date) -> Evidence:
    """Gathers what the components look at; records without a day say nothing of time."""
    day = today.toordinal()
    kinds = records.kinds
    past: tuple[int, Ref] | None = None
    coming: list[tuple[int, Ref]] = []
    mails: list[int] = []
    for activity in records.activities:
        if activity.at is None or activity.kind not in TOUCH_KINDS:
            continue
        at = activity.at.toordinal()
        if activity.kind == "email_in" and at > day - 2 * MAIL_DAYS:
            mails.append(at)
        if at > day:
            coming.append((at, activity.ref))
        elif past is None or at > past[0]:
            past = (at, activity.ref)
    oldest = day - SPIKE_DAYS - SPIKE_BEFORE_DAYS
    opened = [t.opened_at.toordinal() for t in records.tickets if t.opened_at is not None]
    periods = [
        (u.period_start.toordinal(), u.active_users, u.seats, u.logins, u.ref)
        for u in records.usage
        if u.period_start is not None
    ]
    periods.sort(key=lambda row: row[0])
    return Evidence(
        account=records.account,
        interval=interval,
        periods=_relevant(periods, day) if "usage" in kinds else None,
        tickets=tuple(t for t in records.tickets if _matters(t, day))
        if "ticket" in kinds
        else None,
        opened=tuple(sorted(o for o in opened if o > oldest)) if "ticket" in kinds else (),
        touched=((*([past] if past else ()), *sorted(coming))) if "activity" in kinds else None,
        mails=tuple(sorted(mails)),
        sentiment=_sentiment(records.account),
    )


def _relevant(periods: list[Period], today: int) -> tuple[Period, ...]:
    """Those that a window can still see, and the latest, whose seats count however old it is."""
    latest = max((row[0] for row in periods if row[0] <= today), default=0)
    oldest = today - LOGIN_DAYS - LOGIN_BEFORE_DAYS
    return tuple(row for row in periods if row[0] > oldest or row[0] == latest)


def _sentiment(account: Account) -> Component:
    known: list[tuple[float, str]] = []
    if account.nps is not None:
        known.append((_scaled(account.nps, NPS_RANGE), f"NPS {float(account.nps):g}"))
    if account.csat is not None:
        known.append((_scaled(account.csat, CSAT_RANGE), f"CSAT {float(account.csat):g} of 5"))
    if not known:
        return Component("sentiment", None, "neither NPS nor CSAT is known")
    points = sum(row[0] for row in known) / len(known)
    losses = tuple(((100 - part) / len(known), text) for part, text in known if part < 100)  # noqa: PLR2004
    return Component("sentiment", points, "", losses, (account.ref,))


def _scaled(value: Decimal, span: tuple[float, float]) -> float:
    low, high = span
    return min(100.0, max(0.0, 100 * (float(value) - low) / (high - low)))


def _login_words(ratio: float) -> str:
    """The fall of logins as a state, so that the words hold while the window slides."""
    for border, words in ((0.25, "a quarter"), (0.5, "half"), (0.75, "three quarters")):
        if ratio < border:
            return f"logins of four weeks under {words} of the usual"
    return "logins of four weeks below the usual" if ratio < 1 else "logins level, not growing"


def _is_open(ticket: Ticket, today: int) -> bool:
    if ticket.opened_at is not None and ticket.opened_at.toordinal() > today:
        return False
    return ticket.closed_at is None or ticket.closed_at.toordinal() > today


def _matters(ticket: Ticket, today: int) -> bool:
    return ticket.closed_at is None or ticket.closed_at.toordinal() > today


def _opened(ticket: Ticket) -> int:
    return ticket.opened_at.toordinal() if ticket.opened_at is not None else 0


def _first(row: tuple[int, Ref]) -> int:
    return row[0]
