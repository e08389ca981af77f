"""One run: pull → map → link → derive → diff → check → write. Read `run_once` first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from syncd.errors import StopRunError
from syncd.plan import Hold, Plan, hold
from syncd.store import Reject, to_moment, to_text
from syncd.sync.derive import Derivation, derive_all, derive_one
from syncd.sync.difference import diff, write_fingerprint
from syncd.sync.due import find_due, person_of
from syncd.sync.lease import Lease
from syncd.sync.linking import book_connections, book_named, link_accounts, people_at
from syncd.sync.loading import Loaded, load
from syncd.sync.lookup import settle_by_looking
from syncd.sync.pull import digest_of, load_users, pull
from syncd.sync.task_diff import task_fingerprint
from syncd.sync.turn import (
    EXIT_DONE,
    EXIT_HELD,
    EXIT_REJECTED,
    EXIT_UNREACHABLE,
    CallCost,
    Connected,
    ConnectionReport,
    Progress,
    Report,
    Retention,
    Turn,
    silent,
)
from syncd.writeback import Refusal, Target, Written, write

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
    "derive_all",
    "derive_one",
    "find_due",
    "link_accounts",
    "load",
    "load_users",
    "people_at",
    "person_of",
    "pull",
    "run_once",
    "silent",
]


CLOCK_SLACK = timedelta(minutes=5)
PRUNED = "pruned"


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
        written = {
            c.name: carry_out(turn, lease, run, c, plans[c.name], shared=_shared(plans.values()))
            for c in served
            if not turn.dry and held[c.name] is None
        }
        _settle_shared(turn, plans, written)
        rejects = _quarantine(turn, run, written)
        reports = [
            _report(turn, c, plans, held, written, pulled, rejects) for c in turn.connections
        ]
        report = Report(
            run=run,
            connections=tuple(reports),
            rejects=tuple(rejects),
            seconds=(turn.clock() - started).total_seconds(),
            dry=turn.dry,
        )
        _finish(turn, report)
        _prune(turn)
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
        overwritten = plan.overwritten()
        if held is None or turn.approve or store.runs.is_approved(tx, name, overwritten):
            return None
    body = {"sets": len(plan.sets), "tasks": len(plan.tasks), "share": held.share}
    with store.begin() as tx:
        store.runs.hold(tx, run, name, overwritten, body, turn.clock())
    turn.log.warning("plan_held", connection=name, share=held.share, limit=held.limit)
    return held


def _shared(plans: Iterable[Plan]) -> frozenset[str]:
    """Accounts for which something is to be written in more than one CRM."""
    counted = Counter(account for plan in plans for account in plan.accounts)
    return frozenset(account for account, count in counted.items() if count > 1)


def _settle_shared(turn: Turn, plans: Mapping[str, Plan], written: Mapping[str, Written]) -> None:
    """An account of several CRMs is settled when all of them have what was planned for it."""
    open_ = {
        account
        for name, plan in plans.items()
        for account in plan.accounts - (written[name].finished if name in written else frozenset())
    }
    done = _shared(plans.values()) - open_
    if done and not turn.dry:
        with turn.store.begin() as tx:
            turn.store.book.settle(tx, sorted(done))


def carry_out(
    turn: Turn,
    lease: Lease,
    run: int,
    connected: Connected,
    plan: Plan,
    *,
    shared: frozenset[str] = frozenset(),
) -> Written:
    """Carry one connection's plan out. `shared` accounts have changes in other CRMs too."""
    mapping = connected.mapping

    def look(entries: Sequence[int]) -> set[int]:
        wanted = set(entries)
        with turn.store.begin(write=False) as tx:
            unsettled = turn.store.ledger.of_run(tx, run)
        return settle_by_looking(turn, connected, [e for e in unsettled if e.id in wanted])

    target = Target(
        store=turn.store,
        connector=connected.connector,
        connection=connected.name,
        object=mapping.account_object,
        account_source=mapping.account_source,
        shape=None if mapping.task is None else mapping.task.shape,
        run=run,
        today=turn.today,
        clock=turn.clock,
        digest=digest_of(connected, mapping.account_source),
        still_ours=lease.check,
        look=look,
        log=turn.log,
        progress=turn.progress,
        stopping=turn.stop.is_set,
        shared=shared,
    )
    written = write(target, plan)
    if written.stopped is None and not written.deferred:
        # What is left of a released plan stays released.
        with turn.store.begin() as tx:
            turn.store.runs.clear_held(tx, connected.name)
    return written


def _quarantine(turn: Turn, run: int, written: dict[str, Written]) -> list[Reject]:
    """Keep what was refused, with the CRM's words; returns what is new in this run."""
    found: list[Reject] = []
    for connected in turn.connections:
        fields = [reject for reject in connected.rejected if reject.kind == "field"]
        records = [reject for reject in connected.rejected if reject.kind == "record"]
        refusals = written[connected.name].refusals if connected.name in written else []
        writes = [_refused(turn, connected, refusal) for refusal in refusals]
        if turn.dry:
            with turn.store.begin(write=False) as tx:
                found += [*turn.store.quarantine.unknown(tx, fields), *records]
            continue
        with turn.store.begin() as tx:
            if not connected.stopped:
                missing = {(reject.object, reject.field) for reject in fields}
                turn.store.quarantine.release_fields(tx, connected.name, missing)
            now = to_text(turn.clock())
            found += records
            found += turn.store.quarantine.put(tx, [*fields, *writes], run=run, now=now)
    return found


def _refused(turn: Turn, connected: Connected, refusal: Refusal) -> Reject:
    mapping = connected.mapping
    if refusal.task is not None:
        assert mapping.task is not None
        object, record = mapping.task.shape.object, refusal.task.key
        fingerprint = task_fingerprint(turn, connected, refusal.task)
    else:
        first = refusal.sets[0]
        object, record = first.object, first.record
        with turn.store.begin(write=False) as tx:
            mirrored = turn.store.mirror.get(tx, connected.name, mapping.account_source, record)
        fingerprint = write_fingerprint(
            turn,
            connected,
            refusal.sets,
            connected.schemas[object],
            {} if mirrored is None else mirrored.fields,
        )
    return Reject(
        connection=connected.name,
        object=object,
        record=record,
        field=refusal.field,
        account=refusal.account,
        code=refusal.code,
        message=refusal.message,
        remedy="",
        kind="write",
        fingerprint=fingerprint,
    )


# --- the report -----------------------------------------------------------------------------


def _report(
    turn: Turn,
    connected: Connected,
    plans: dict[str, Plan],
    held: dict[str, Hold | None],
    written: dict[str, Written],
    pulled: dict[str, int],
    rejects: list[Reject],
) -> ConnectionReport:
    name = connected.name
    plan = plans.get(name, Plan(connection=name))
    done = written.get(name, Written())
    mine = [reject for reject in rejects if reject.connection == name]
    updates = {change.record for change in plan.sets}
    object = plan.sets[0].object if plan.sets else ""
    foretold = (
        connected.connector.write_calls({object: len(updates)} if updates else {}, len(plan.tasks))
        if not connected.stopped
        else 0
    )
    code, message = EXIT_DONE, ""
    if connected.stopped or done.stopped is not None:
        code, message = EXIT_UNREACHABLE, connected.stopped or str(done.stopped)
    elif held.get(name) is not None:
        code, message = EXIT_HELD, "the plan is held by the safety limit"
    elif mine:
        code, message = EXIT_REJECTED, f"{len(mine)} records or writes were refused"
    with turn.store.begin(write=False) as tx:
        accounts = turn.store.book.count(tx, name)
    calls = connected.connector.calls
    return ConnectionReport(
        name=name,
        exit_code=code,
        message=message,
        plan=plan,
        held=held.get(name),
        calls=CallCost(read=calls.read, write=foretold if turn.dry else calls.write),
        written=done.done,
        failed=done.failed,
        deferred=done.deferred + len(plan.postponed),
        rejected=len([reject for reject in mine if reject.kind != "write"]),
        pulled=pulled.get(name, 0),
        derived=connected.derived,
        accounts=accounts,
        off=tuple(sorted(connected.off)),
        tasks_done=dict(done.tasks),
        fields_written=done.fields,
    )


def _prune(turn: Turn) -> None:
    """Once a day, forget what is older than the state is to remember."""
    store, now, keep = turn.store, turn.clock(), turn.retention
    with store.begin(write=False) as tx:
        last = store.runs.last_beat(tx, PRUNED)
    if last is not None and timedelta(0) <= now - last[0] < timedelta(days=1):
        return
    with store.begin() as tx:
        store.ledger.prune(tx, to_text(now - timedelta(days=keep.writes_days)))
        store.runs.prune(tx, to_text(now - timedelta(days=keep.runs_days)))
        store.book.prune(tx, turn.today - timedelta(days=keep.snapshots_days))
        store.runs.beat(tx, PRUNED, now)


def _finish(turn: Turn, report: Report) -> None:
    """The run's one canonical line, in the log and in the state."""
    counts: dict[str, Any] = {
        name: report.total(name)
        for name in (
            "pulled",
            "derived",
            "accounts",
            "written",
            "fields_written",
            "failed",
            "rejected",
            "deferred",
        )
    }
    counts["planned"] = sum(len(c.plan.sets) + len(c.plan.tasks) for c in report.connections)
    counts["kept"] = sum(len(c.plan.kept) for c in report.connections)
    counts["calls"] = {
        c.name: {"read": c.calls.read, "write": c.calls.write} for c in report.connections
    }
    message = "; ".join(f"{c.name}: {c.message}" for c in report.connections if c.message)
    with turn.store.begin() as tx:
        turn.store.runs.finish(
            tx,
            report.run,
            exit_code=report.exit_code,
            message=message,
            counts=counts,
            now=turn.clock(),
        )
    turn.log.info(
        "run", run=report.run, exit_code=report.exit_code, seconds=report.seconds, **counts
    )
