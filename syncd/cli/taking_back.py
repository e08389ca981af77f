"""history, approve and undo."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncd.cli.looking import find_account
from syncd.cli.output import (
    answer,
    at_minute,
    config_option,
    counted,
    fitted,
    json_option,
    moment,
    say,
    sentence,
    table,
    words,
)
from syncd.errors import StopProgramError

if TYPE_CHECKING:
    from syncd.store import Entry
    from syncd.undoing import Undone


TURNED = {"open": "open", "update": "as it was", "close": "closed"}
"""What taking back makes of a task."""


@click.command()
@click.argument("account", required=False)
@config_option
@json_option
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=100,
    show_default=True,
    help="How many, the newest first.",
)
def history(account: str | None, config: Path, as_json_: bool, limit: int) -> int:
    """Who changed what and when.

    ACCOUNT: id, name or domain; without it, the latest changes of all accounts.
    """
    from syncd.bootstrap import load, wired

    loaded = load(config)
    with wired(loaded) as ready:
        key = None
        if account is not None:
            key = find_account(ready.store, account)
        with ready.store.begin(write=False) as tx:
            entries = (
                ready.store.ledger.latest(tx, limit)
                if key is None
                else ready.store.ledger.of_account(tx, key, limit)
            )
            names = ready.store.book.account(tx, sorted({entry.account for entry in entries}))
    rows = [
        row
        for entry in entries
        for row in _rows(entry, names[entry.account].name if entry.account in names else "")
    ]
    if as_json_:
        answer({"history": rows})
        return 0
    if not rows:
        say("nothing has been written yet")
        return 0
    table(
        ("when", "who", "account", "what", "before", "after", "because"),
        [
            (
                at_minute(row["at"], loaded.config.syncd.timezone),
                row["who"],
                fitted(row["account_name"], 28),
                row["field"] or row["task"],
                fitted(words(row["before"]), 30),
                fitted(words(row["after"]), 30),
                fitted(sentence(row["because"]), 70),
            )
            for row in rows
        ],
    )
    return 0


def _rows(entry: Entry, name: str) -> list[dict[str, Any]]:
    common = {
        "at": entry.settled_at or entry.intended_at,
        "who": "a person" if entry.kind == "person" else f"syncd, run {entry.run}",
        "run": entry.run,
        "connection": entry.connection,
        "object": entry.object,
        "record": entry.record,
        "account": entry.account.partition(":")[2],
        "account_name": name,
        "outcome": entry.state,
    }
    if entry.kind in {"fields", "person"}:
        return [{**common, "kind": entry.kind, "task": None, **change} for change in entry.changes]
    subject = next((c["after"] for c in entry.changes if c["field"] == "subject"), entry.task_key)
    because = next((c["because"] for c in entry.changes), "")
    return [
        {
            **common,
            "kind": entry.kind,
            "task": entry.task_key,
            "field": None,
            "before": None,
            "after": f"{entry.kind}: {subject}",
            "because": because,
        }
    ]


@click.command()
@click.argument("plan", type=int)
@config_option
@json_option
def approve(plan: int, config: Path, as_json_: bool) -> int:
    """Release a plan that the safety limit holds.

    PLAN is the number of the run that held it (`syncd status` names it). The next run carries it
    out.
    """
    from syncd.bootstrap import load, wired

    with wired(load(config)) as ready, ready.store.begin() as tx:
        names = ready.store.runs.held_by(tx, plan)
        if not names:
            waiting = sorted({item.run for item in ready.store.runs.held(tx)})
            raise StopProgramError(
                f"no plan {plan} is held; "
                + (f"held: {', '.join(map(str, waiting))}" if waiting else "none is held at all")
            )
        ready.store.runs.approve(tx, plan, moment())
    if as_json_:
        answer({"approved": plan, "connections": names})
    else:
        say(
            f"plan {plan} ({', '.join(names)}) is released. The next run carries it out; if it "
            "would by then overwrite anything else, it is held again."
        )
    return 0


@click.command()
@click.argument("run", type=int)
@config_option
@json_option
@click.option("--apply", "apply_", is_flag=True, help="Write it; without, only show.")
def undo(run: int, config: Path, as_json_: bool, apply_: bool) -> int:
    """Put back what a RUN wrote, except what people edited since.

    RUN is its number: `syncd runs` lists them.
    """
    from syncd.bootstrap import load, wired
    from syncd.undoing import undo as taken_back

    with wired(load(config)) as ready:
        turn = ready.turn(clock=moment)
        result = taken_back(turn, ready.connections, run, apply=apply_)
        keys = {change.account for plan in result.plans.values() for change in plan.sets}
        keys |= {task.account for plan in result.plans.values() for task in plan.tasks}
        with ready.store.begin(write=False) as tx:
            known = ready.store.book.account(tx, sorted(keys))
    document = _document(result, {k: a.name for k, a in known.items()}, applied=apply_)
    if as_json_:
        answer(document)
        return 3 if result.failed else 0
    rows = [
        *(
            (
                c["connection"],
                fitted(c["account_name"] or c["record"], 32),
                c["field"],
                fitted(words(c["before"]), 40),
                fitted(words(c["after"]), 40),
            )
            for c in document["changes"]
        ),
        *(
            (t["connection"], fitted(t["account_name"], 32), t["key"], "", TURNED[t["op"]])
            for t in document["tasks"]
        ),
    ]
    if rows:
        table(
            ("connection", "account", "field or task", "now", "back to"),
            rows,
            title=" and ".join(
                [
                    counted(len(document["changes"]), "field"),
                    counted(len(document["tasks"]), "task"),
                ]
            ),
        )
    for item in document["left"]:
        what = item.get("field") or item.get("task")
        say(f"left alone: {item['record']} {what}: {item['because']}")
    if not (document["changes"] or document["tasks"]):
        why = "" if document["left"] else f": run {run} wrote nothing"
        say(f"There is nothing to put back{why}.")
    elif apply_:
        refused = f", {counted(result.failed, 'write')} refused" if result.failed else ""
        say(f"run {run} is undone: {counted(result.written, 'write')} done{refused}")
    else:
        say(f"This is only shown. `syncd undo {run} --apply` puts it back.")
    return 3 if result.failed else 0


def _document(result: Undone, names: Mapping[str, str], *, applied: bool) -> dict[str, Any]:
    return {
        "run": result.run,
        "applied": applied,
        "changes": [
            {
                "connection": change.connection,
                "object": change.object,
                "record": change.record,
                "account_name": names.get(change.account, ""),
                "field": change.field,
                "before": change.before,
                "after": change.after,
            }
            for plan in result.plans.values()
            for change in plan.sets
        ],
        "tasks": [
            {
                "connection": task.connection,
                "record": task.record,
                "account_name": names.get(task.account, ""),
                "key": task.key,
                "op": task.op,
            }
            for plan in result.plans.values()
            for task in plan.tasks
        ],
        "left": list(result.left),
        "written": result.written,
        "failed": result.failed,
    }
