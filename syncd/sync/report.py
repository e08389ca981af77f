"""What a run came to: its report, and its one line in the log and in the state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syncd.plan import Hold, Plan
from syncd.store import Reject
from syncd.sync.turn import (
    EXIT_DONE,
    EXIT_HELD,
    EXIT_REJECTED,
    EXIT_UNREACHABLE,
    CallCost,
    Connected,
    ConnectionReport,
    Report,
    Turn,
)
from syncd.writeback import Written


def report_on(
    turn: Turn,
    connected: Connected,
    plans: dict[str, Plan],
    held: dict[str, Hold | None],
    written: dict[str, Written],
    pulled: dict[str, int],
    rejects: list[Reject],
) -> ConnectionReport:
    """What the run came to in one connection."""
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
        code, message = EXIT_REJECTED, _refused(mine)
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


def _refused(rejects: Sequence[Reject]) -> str:
    """``2 records and 1 write were refused``."""
    writes = sum(reject.kind == "write" for reject in rejects)
    both = ((len(rejects) - writes, "record"), (writes, "write"))
    told = [f"{count} {noun}{'s' if count > 1 else ''}" for count, noun in both if count]
    return f"{' and '.join(told)} {'was' if len(rejects) == 1 else 'were'} refused"


def finish(turn: Turn, report: Report) -> None:
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
