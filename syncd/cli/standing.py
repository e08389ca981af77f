"""status, runs and rejects: how things stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncd.cli.output import (
    answer,
    at_minute,
    config_option,
    counted,
    fitted,
    json_option,
    moment,
    say,
    table,
    words,
)

if TYPE_CHECKING:
    from syncd.model import User
    from syncd.store import Reject


ENDED = {
    0: "done",
    1: "a defect in syncd",
    2: "config wrong",
    3: "done, some refused",
    4: "held",
    5: "CRM not reached",
    6: "another took over",
}


@click.command()
@config_option
@json_option
def status(config: Path, as_json_: bool) -> int:
    """How things stand: the last run, what waits, what was refused."""
    from syncd.bootstrap import load, wired
    from syncd.sync import load_users

    loaded = load(config)
    most = loaded.config.policy.tasks.max_new_tasks_per_user_per_day
    with wired(loaded) as ready:
        store = ready.store
        for connected in ready.connections:
            load_users(ready.turn(clock=moment), connected)
        users = {connected.name: connected.users for connected in ready.connections}
        with store.begin(write=False) as tx:
            latest = store.runs.latest(tx, 10)
            beat = store.runs.last_beat(tx, "daemon")
            held = store.runs.held(tx)
            kept = store.ledger.kept(tx)
            named = store.book.account(tx, sorted({item.account for item in kept}))
            document: dict[str, Any] = {
                "accounts": {c.name: store.book.count(tx, c.name) for c in ready.connections},
                "last_run": _run(latest[0]) if latest else None,
                "last_good_run": next((_run(r) for r in latest if r.exit_code == 0), None),
                "daemon_beat": beat[0].isoformat() if beat else None,
                "open_tasks": store.tasks.count_open(tx),
                "postponed": [
                    _postponed(users, connection, assignee, count)
                    for (connection, assignee), count in sorted(store.book.postponed(tx).items())
                ],
                "waiting": {c.name: store.book.count_dirty(tx, c.name) for c in ready.connections},
                "quarantine": store.quarantine.count(tx),
                "kept": [
                    {
                        "connection": item.connection,
                        "record": item.record,
                        "account_name": named[item.account].name if item.account in named else "",
                        "field": item.field,
                        "theirs": item.theirs,
                        "ours": item.ours,
                        "since": item.since,
                    }
                    for item in kept
                ],
                "held": [
                    {"run": plan.run, "connection": plan.connection, "held_at": plan.held_at}
                    for plan in held
                    if plan.approved_at is None
                ],
            }
    if as_json_:
        answer(document)
        return 0
    for name, count in document["accounts"].items():
        say(f"{name}: {counted(count, 'account')}")
    last = document["last_run"]
    if last is None:
        say("No run yet. `syncd plan` shows what the first would change.")
    else:
        why = f" ({last['message']})" if last["message"] else ""
        at = at_minute(last["started_at"], loaded.config.syncd.timezone)
        say(f"last run: {last['id']} ({last['kind']}) at {at}, {_ended(last)}{why}")
    for name, count in document["waiting"].items():
        if count and last is not None:
            say(f"{name}: {counted(count, 'account')} to be worked out or written by the next sync")
    say(f"open tasks: {document['open_tasks']:,}")
    _show_postponed(document["postponed"], most)
    say(
        f"in quarantine: {document['quarantine']:,}"
        + (" (`syncd rejects`)" if document["quarantine"] else "")
    )
    say(f"values that people changed and syncd kept: {len(document['kept'])}")
    for item in document["kept"]:
        ours = words(item["ours"])
        whose = item["account_name"] or item["record"]
        say(f"  {whose}: {item['field']} is {words(item['theirs'])} (syncd: {ours})")
    for plan in document["held"]:
        say(f"held by the safety limit: run {plan['run']} of {plan['connection']}")
    return 0


def _postponed(
    users: Mapping[str, Mapping[str, User]], connection: str, assignee: str, count: int
) -> dict[str, Any]:
    person = users.get(connection, {}).get(assignee)
    return {
        "connection": connection,
        "assignee": assignee or None,
        "assignee_name": person.name if person else None,
        "tasks": count,
    }


def _show_postponed(postponed: Sequence[Mapping[str, Any]], most: int) -> None:
    """The new tasks that the daily limit holds back, and for whom."""
    total = sum(item["tasks"] for item in postponed)
    if total:
        say(
            f"new tasks that wait for another day: {total:,} (a person gets at most {most} a day, "
            "[policy.tasks] max_new_tasks_per_user_per_day)"
        )
    for item in postponed:
        say(f"  {item['tasks']} for {item['assignee_name'] or item['assignee']}")


@click.command()
@config_option
@json_option
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="How many, the newest first.",
)
def runs(config: Path, as_json_: bool, limit: int) -> int:
    """The latest runs and how they ended."""
    from syncd.bootstrap import load, wired

    loaded = load(config)
    with wired(loaded) as ready, ready.store.begin(write=False) as tx:
        found = [_run(run) for run in ready.store.runs.latest(tx, limit)]
    if as_json_:
        answer({"runs": found})
        return 0
    table(
        ("run", "kind", "started", "ended", "read", "wrote", "refused", "message"),
        [
            (
                run["id"],
                run["kind"],
                at_minute(run["started_at"], loaded.config.syncd.timezone),
                _ended(run),
                run["counts"].get("pulled", ""),
                run["counts"].get("written", ""),
                (run["counts"].get("failed") or 0) + (run["counts"].get("rejected") or 0),
                fitted(run["message"], 80),
            )
            for run in found
        ],
    )
    return 0


def _run(run: Any) -> dict[str, Any]:
    return {
        "id": run.id,
        "kind": run.kind,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "exit_code": run.exit_code,
        "message": run.message,
        "counts": dict(run.counts),
        "instance": run.instance,
    }


def _ended(run: dict[str, Any]) -> str:
    if run["exit_code"] is None:
        return "did not end"
    code = run["exit_code"]
    return ENDED.get(code, f"exit code {code}")


@click.command()
@config_option
@json_option
@click.option("--retry", is_flag=True, help="Let the next run try every refused write again.")
def rejects(config: Path, as_json_: bool, retry: bool) -> int:
    """What was refused, why, and what to do about it."""
    from syncd.bootstrap import load, wired
    from syncd.remedies import remedy

    loaded = load(config)
    with wired(loaded) as ready, ready.store.begin(write=retry) as tx:
        if retry:
            for key in ready.store.quarantine.retry_all(tx):
                connection, _, id = key.partition(":")
                ready.store.book.touch(tx, connection, [id])
        found = ready.store.quarantine.all(tx)
    document = {"rejects": [_reject(item, remedy(item.code)) for item in found]}
    if as_json_:
        answer(document)
        return 0
    if not found:
        say("nothing is in quarantine")
        return 0
    for item in document["rejects"]:
        place = " ".join(part for part in (item["object"], item["record"], item["field"]) if part)
        say(f"{item['connection']}: {place}")
        say(f"    {item['code']}: {item['message']}")
        say(f"    What to do: {item['remedy']}")
        since = at_minute(item["since"], loaded.config.syncd.timezone)
        say(f"    since {since}, tried {counted(item['attempts'], 'time')}")
    if retry:
        say("The next run tries the refused writes again.")
    return 0


def _reject(item: Reject, general: str) -> dict[str, Any]:
    return {
        "connection": item.connection,
        "object": item.object,
        "record": item.record,
        "field": item.field,
        "code": item.code,
        "message": item.message,
        "remedy": item.remedy or general,
        "since": item.since,
        "attempts": item.attempts,
        "account": item.account.partition(":")[2] if item.account else None,
    }
