"""One run: pull → map → link → derive → diff → check → write. Read `run_once` first."""

from __future__ import annotations

from datetime import timedelta

from syncd.errors import StopRunError
from syncd.plan import Hold, Plan, hold
from syncd.store import to_moment, to_text
from syncd.sync.carrying import carry_out, settle_shared, shared_accounts
from syncd.sync.derive import Derivation, derive_all, derive_one
from syncd.sync.difference import diff
from syncd.sync.due import find_due, person_of
from syncd.sync.lease import Lease
from syncd.sync.linking import book_connections, book_named, link_accounts, people_at
from syncd.sync.loading import Loaded, load
from syncd.sync.pull import digest_of, load_users, note_records, pull
from syncd.sync.quarantine import keep_refusals
from syncd.sync.report import finish, report_on
from syncd.sync.retention import prune
from syncd.sync.task_diff import current_tasks
from syncd.sync.turn import (
    EXIT_DONE,
    EXIT_HELD,
    EXIT_REJECTED,
    EXIT_UNREACHABLE,
    Connected,
    ConnectionReport,
    Progress,
    Report,
    Retention,
    Turn,
    silent,
)

__all__ = [
    "EXIT_DONE",
    "EXIT_HELD",
    "EXIT_REJECTED",
    "EXIT_UNREACHABLE",
    "Connected",
    "ConnectionReport",
    "Derivation",
    "Lease",
    "Loaded",
    "Progress",
    "Report",
    "Retention",
    "Turn",
    "book_connections",
    "book_named",
    "carry_out",
    "current_tasks",
    "derive_all",
    "derive_one",
    "diff",
    "digest_of",
    "find_due",
    "link_accounts",
    "load",
    "load_users",
    "note_records",
    "people_at",
    "person_of",
    "pull",
    "run_once",
    "silent",
]


CLOCK_SLACK = timedelta(minutes=5)


def run_once(turn: Turn) -> Report:
    """One run over all connections. Plans everything and checks everything, then writes.

    Raises LeaseError when another instance is at work. A connection that fails is reported and
    waits for the next run; the others are served.
    """
    started = turn.clock()
    with Lease(turn) as lease:
        turn = lease.turn
        run = _start(turn)
        pulled = {c.name: _pull(turn, c) for c in turn.connections}
        served = [c for c in turn.connections if not c.stopped]
        link_accounts(turn)
        due = find_due(turn, served, run)
        plans = diff(turn, served, due)
        held = {name: _check(turn, run, plan) for name, plan in plans.items()}
        shared = shared_accounts(plans.values())
        written = {
            c.name: carry_out(turn, lease, run, c, plans[c.name], shared=shared)
            for c in served
            if not turn.dry and held[c.name] is None
        }
        settle_shared(turn, plans, written)
        rejects = keep_refusals(turn, run, written)
        reports = [
            report_on(turn, c, plans, held, written, pulled, rejects) for c in turn.connections
        ]
        report = Report(
            run=run,
            connections=tuple(reports),
            rejects=tuple(rejects),
            seconds=(turn.clock() - started).total_seconds(),
            dry=turn.dry,
        )
        finish(turn, report)
        prune(turn)
    turn.playbooks.forget()
    return report


def _start(turn: Turn) -> int:
    kind = "plan" if turn.dry else "full" if turn.full else "sync"
    store, now = turn.store, turn.clock()
    with store.begin() as tx:
        last = next(iter(store.runs.latest(tx, 1)), None)
        if last is not None and to_moment(last.started_at) > now + CLOCK_SLACK:
            # What was derived for a day that has not come yet must not stand until it comes.
            turn.log.warning("clock_went_back", now=to_text(now), last_run=last.started_at)
            for connected in turn.connections:
                store.book.touch_all(tx, connected.name)
        # Asked for while another run was at work, a retry would else be forgotten with its end.
        store.book.touch_keys(tx, sorted(store.quarantine.wanted(tx)))
        return store.runs.start(tx, kind, turn.instance, now)


def _pull(turn: Turn, connected: Connected) -> int:
    """Pull one connection; a failure stops it, not the run."""
    try:
        return pull(turn, connected)
    except StopRunError as error:
        connected.stopped = str(error)
        turn.log.warning("connection_stopped", connection=connected.name, reason=str(error))
        if turn.link is not None:
            # Linked connections know their people by those that were mirrored earlier.
            load_users(turn, connected)
        return 0


def _check(turn: Turn, run: int, plan: Plan) -> Hold | None:
    """Hold a plan that would overwrite too much, unless a person released all of that."""
    store, name = turn.store, plan.connection
    with store.begin(write=False) as tx:
        held = hold(
            plan,
            filled=store.book.filled(tx, name),
            accounts=store.book.count(tx, name),
            policy=turn.write,
        )
        if held is None or turn.approve:
            return None
        overwritten = plan.overwritten()
        if store.runs.is_approved(tx, name, overwritten):
            return None
    body = {"sets": len(plan.sets), "tasks": len(plan.tasks), "share": held.share}
    with store.begin() as tx:
        store.runs.hold(tx, run, name, overwritten, body, turn.clock())
    turn.log.warning("plan_held", connection=name, share=held.share, limit=held.limit)
    return held
