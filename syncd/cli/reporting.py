"""A run told: as JSON, and as a person reads it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from syncd.cli.output import Rows, counted, fitted, note, on_terminal, say, sentence, table, words

if TYPE_CHECKING:
    from syncd.bootstrap import Wired
    from syncd.plan import SetField, TaskChange
    from syncd.sync import ConnectionReport, Report

CHANGES_SHOWN = 200
DONE = {"open": "opened", "update": "updated", "close": "closed"}


def report_json(report: Report, ready: Wired) -> dict[str, Any]:
    """A run as JSON; its schema is docs/schemas/plan.schema.json (and sync.schema.json)."""
    keys = sorted({key for c in report.connections for key in c.plan.accounts})
    with ready.store.begin(write=False) as tx:
        names = ready.store.book.names(tx, keys)
    users = {c.name: c.users for c in ready.connections}

    def change_json(change: SetField) -> dict[str, Any]:
        return {
            "connection": change.connection,
            "object": change.object,
            "record": change.record,
            "account": change.account.partition(":")[2],
            "account_name": names.get(change.account, ""),
            "field": change.field,
            "before": change.before,
            "after": change.after,
            "because": change.because,
        }

    def task_json(task: TaskChange) -> dict[str, Any]:
        person = users.get(task.connection, {}).get(task.assignee or "")
        return {
            "op": task.op,
            "playbook": task.playbook,
            "key": task.key,
            "connection": task.connection,
            "record": task.record,
            "account": task.account_record,
            "account_name": names.get(task.account, ""),
            "assignee": task.assignee,
            "assignee_name": person.name if person else None,
            "due": task.due,
            "subject": task.subject,
            "priority": task.priority,
            "because": task.because,
        }

    holds = [c.held for c in report.connections if c.held is not None]
    worst = max(holds, key=lambda held: held.share, default=None)
    document: dict[str, Any] = {
        "run": report.run,
        "changes": Rows([c.plan.sets for c in report.connections], change_json),
        "tasks": Rows([c.plan.tasks for c in report.connections], task_json),
        "calls": {
            c.name: {"read": c.calls.read, "write": c.calls.write} for c in report.connections
        },
        "held": None if worst is None else {"share": worst.share, "limit": worst.limit},
        "nothing_to_do": report.nothing_to_do,
        "exit_code": report.exit_code,
        "connections": {
            c.name: {
                "exit_code": c.exit_code,
                "message": c.message,
                "rules_off": list(c.off),
                "pulled": c.pulled,
                "derived": c.derived,
            }
            for c in report.connections
        },
        "rejects": [
            {
                "connection": reject.connection,
                "object": reject.object,
                "record": reject.record,
                "field": reject.field,
                "code": reject.code,
                "message": reject.message,
            }
            for reject in report.rejects
        ],
    }
    document["kept"] = sum(len(c.plan.kept) for c in report.connections)
    return document


def counts_json(report: Report) -> dict[str, int]:
    """What `sync --json` tells beyond the plan, also of a dry run: of that, noughts written."""
    return {name: report.total(name) for name in ("written", "failed", "rejected", "deferred")}


def show_plan(document: dict[str, Any]) -> None:
    """Each change, its reason, and what it costs."""
    changes, tasks = document["changes"], document["tasks"]
    if changes:
        table(
            ("account", "field", "before", "after", "because"),
            (
                (
                    fitted(c["account_name"], 32),
                    c["field"],
                    fitted(words(c["before"]), 40),
                    fitted(words(c["after"]), 40),
                    fitted(sentence(c["because"]), 90),
                )
                for c in islice(changes, CHANGES_SHOWN if on_terminal() else None)
            ),
            title=counted(len(changes), "field change"),
        )
        if on_terminal() and len(changes) > CHANGES_SHOWN:
            note(f"… and {len(changes) - CHANGES_SHOWN} more (`syncd plan --json` has all)")
    if tasks:
        table(
            ("task", "account", "for", "due", "subject", "because"),
            [
                (
                    t["op"],
                    fitted(t["account_name"], 32),
                    t["assignee_name"] or t["assignee"] or "",
                    t["due"],
                    fitted(t["subject"], 60),
                    fitted(t["because"], 60),
                )
                for t in tasks
            ],
            title=counted(len(tasks), "task"),
        )


def show_end(report: Report, *, planned: bool) -> None:
    """How it went, a line a connection."""
    for c in report.connections:
        if c.message and c.exit_code not in {0, 3}:
            say(f"{c.name}: {c.message}")
        if c.held is not None:
            say(
                f"{c.name}: {c.held.accounts:,} of {c.held.filled:,} accounts with filled fields "
                f"would have one overwritten ({c.held.share:.0%}, limit {c.held.limit:.0%}). Look "
                f"at `syncd plan`; if it is right, `syncd approve {report.run}` or "
                "`syncd sync --approve`."
            )
        if c.off:
            say(f"{c.name}: rules off for want of inputs: {', '.join(c.off)} (`syncd rejects`)")
        if c.exit_code in {0, 3}:
            say(f"{c.name}: {_outcome(c, planned=planned)}")
        if c.plan.kept:
            kept = counted(len(c.plan.kept), "value")
            say(f"{c.name}: kept {kept} that people changed or took back")
        if c.failed or c.rejected:
            both = ((c.failed, "write"), (c.rejected, "record"))
            refused = " and ".join(counted(count, noun) for count, noun in both if count)
            say(f"{c.name}: {refused} refused (`syncd rejects`)")
        postponed = len(c.plan.postponed)
        if postponed:
            say(
                f"{c.name}: {counted(postponed, 'new task')} put off to another day "
                "(max_new_tasks_per_user_per_day)"
            )
        if c.deferred > postponed:
            say(f"{c.name}: {counted(c.deferred - postponed, 'write')} put off to the next run")
    if report.nothing_to_do:
        say("nothing to do")


def _outcome(c: ConnectionReport, *, planned: bool) -> str:
    """What a run that was not stopped came to, in one sentence."""
    calls = f"{counted(c.calls.read, 'API call')} to read, {c.calls.write:,} to write"
    if c.accounts == 0:
        return (
            "no account matches the mapping. Check [account] object and where, "
            "and that the login may see accounts."
        )
    if c.plan.empty:
        return f"nothing to do ({counted(c.accounts, 'account')}, {calls})"
    if planned:
        fields, tasks = counted(len(c.plan.sets), "field"), counted(len(c.plan.tasks), "task")
        return f"would change {fields} and {tasks} ({calls})"
    done = [f"wrote {counted(c.fields_written, 'field')}"]
    done += [
        f"{verb} {counted(c.tasks_done[op], 'task')}"
        for op, verb in DONE.items()
        if c.tasks_done.get(op)
    ]
    return f"{', '.join(done)} ({calls})"
