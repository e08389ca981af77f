"""explain, status, runs and rejects."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncd.cli.output import (
    AsDate,
    answer,
    complain,
    config_option,
    json_option,
    moment,
    say,
    shorten,
    table,
    words,
)

if TYPE_CHECKING:
    from syncd.store import Reject, Store

RECORDS_SHOWN = 8


@click.command()
@click.argument("account")
@config_option
@json_option
@click.option("--as-of", "as_of", type=AsDate(), help="Explain as if it were that day.")
def explain(account: str, config: Path, as_json_: bool, as_of: date | None) -> int:
    """Why an account's values are what they are. ACCOUNT: id, name or domain."""
    from syncd.bootstrap import load, wired
    from syncd.explanation import explain as explained

    with wired(load(config)) as ready:
        key = find_account(ready.store, account)
        if key is None:
            return 2
        turn = ready.turn(clock=moment, dry=True, as_of=as_of)
        document = explained(turn, ready.connections, key)
    if as_json_:
        answer(document)
    else:
        _show(document)
    return 0


def find_account(store: Store, word: str) -> str | None:
    """The key of the one account that this id, name or domain names; else says what to do."""
    with store.begin(write=False) as tx:
        found = store.book.search(tx, word)
        named = store.book.account(tx, found)
    if len(found) == 1:
        return found[0]
    if not found:
        complain(
            f"no account {word!r} in the state; it knows what the last `syncd plan` or "
            "`syncd sync` read"
        )
        return None
    complain(f"{word!r} fits {len(found)} accounts; name one by its id:")
    for key in found:
        complain(f"  {key.partition(':')[2]}  {named[key].name}  ({key.partition(':')[0]})")
    return None


def _show(document: dict[str, Any]) -> None:
    account = document["account"]
    say(f"{account['name']}  ({account['status']}, looked after by {account['owner'] or 'nobody'})")
    for ref in document["refs"]:
        say(f"  {ref['connection']} {ref['object']} {ref['id']}  {ref['url']}".rstrip())
    inputs = ", ".join(f"{count} {kind}" for kind, count in document["inputs"].items() if count)
    say(f"  worked out from: {inputs or 'the account alone'}")
    if document["next_change"]:
        say(
            f"  without a change in the CRM, the next value can change on {document['next_change']}"
        )
    for title, values in _by_rule(document["values"]):
        _show_rule(title, values)
    lacking = [
        f"  {item['rule']}: {item['text']}" if item["rule"] else f"  {item['text']}"
        for item in document["missing"]
    ]
    if lacking:
        say()
        say("What is missing")
        for line in lacking:
            say(line)
    _show_past(document)


def _by_rule(values: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The values under the names of their rules, in the order of the rules."""
    from syncd.rules import RULES

    groups = [
        (rule.name.replace("_", " "), {n: values[n] for n in rule.writes if n in values})
        for rule in RULES
    ]
    known = {name for _, group in groups for name in group}
    rest = {name: value for name, value in values.items() if name not in known}
    return [(title, group) for title, group in (*groups, ("other values", rest)) if group]


def _show_rule(title: str, values: dict[str, Any]) -> None:
    """A rule's values, each with its reason; then the records they came from, once."""
    say()
    say(title[:1].upper() + title[1:])
    told: set[str] = set()
    for name, value in values.items():
        if name.endswith("_reason") and value["value"] in (None, *told):
            continue
        because = "" if value["because"] in told else value["because"]
        told.add(value["because"])
        shown = words(value["value"])
        say(f"  {name}: {shown}")
        if because and because != shown:
            say(f"      {because}")
    records = {
        ref["url"] or ref["id"]: ref for value in values.values() for ref in value["records"]
    }
    for ref in list(records.values())[:RECORDS_SHOWN]:
        say(f"  from {ref['object']} {ref['id']}  {ref['url']}".rstrip())
    if len(records) > RECORDS_SHOWN:
        say(f"  and {len(records) - RECORDS_SHOWN} more records (`syncd explain --json`)")
    days = [value["valid_until"] for value in values.values() if value["valid_until"]]
    if days:
        say(f"  can next change by itself on {min(days, key=str)}")


def _show_past(document: dict[str, Any]) -> None:
    """Tasks, writes, people's values and what was refused."""
    if document["tasks"]:
        say()
        say("Tasks")
        for task in document["tasks"]:
            person = task["assignee_name"] or task["assignee"]
            say(f"  [{task['state']}] {task['subject']}  (for {person}, due {task['due']})")
    if document["writes"]:
        say()
        say("Last writes")
        for entry in document["writes"]:
            say(f"  {entry['at'][:16]} {past_words(entry)}")
    for item in document["kept"]:
        say(
            f"Kept: a person set {item['field']} to {words(item['theirs'])}; "
            f"syncd would say {words(item['ours'])}"
        )
    if document["quarantine"]:
        say()
        say("In quarantine")
        for item in document["quarantine"]:
            say(f"  {item['object']} {item['record']}: {item['message']}")
            if item["remedy"]:
                say(f"    {item['remedy']}")


def past_words(entry: dict[str, Any]) -> str:
    """A write of syncd's, or a person's that a run saw."""
    fields = ", ".join(
        f"{c['field']}: {words(c['before'])} → {words(c['after'])}" for c in entry["changes"]
    )
    by_a_person = entry["kind"] == "person"
    who = f"a person, seen by run {entry['run']}" if by_a_person else f"run {entry['run']}"
    told = fields if by_a_person or entry["kind"] == "fields" else ""
    what = shorten(told or f"task {entry['task']} ({entry['kind']})", 160)
    return f"{who}: {what}" if by_a_person else f"{who} {entry['outcome']}: {what}"


@click.command()
@config_option
@json_option
def status(config: Path, as_json_: bool) -> int:
    """How things stand: last runs, what waits, what was refused or kept."""
    from syncd.bootstrap import load, wired

    with wired(load(config)) as ready, ready.store.begin(write=False) as tx:
        store = ready.store
        latest = store.runs.latest(tx, 10)
        beat = store.runs.last_beat(tx, "daemon")
        held = store.runs.held(tx)
        kept = store.ledger.kept(tx)
        document: dict[str, Any] = {
            "accounts": {c.name: store.book.count(tx, c.name) for c in ready.connections},
            "last_run": _run(latest[0]) if latest else None,
            "last_good_run": next((_run(r) for r in latest if r.exit_code == 0), None),
            "daemon_beat": beat[0].isoformat() if beat else None,
            "open_tasks": store.tasks.count_open(tx),
            "quarantine": store.quarantine.count(tx),
            "kept": [
                {
                    "connection": item.connection,
                    "record": item.record,
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
        say(f"{name}: {count} accounts")
    last = document["last_run"]
    if last is None:
        say("No run yet. `syncd plan` shows what the first would change.")
    else:
        say(f"last run: {last['id']} ({last['kind']}) at {last['started_at'][:16]}, {_ended(last)}")
    say(f"open tasks: {document['open_tasks']}")
    say(
        f"in quarantine: {document['quarantine']}"
        + (" (`syncd rejects`)" if document["quarantine"] else "")
    )
    say(f"values that people changed and syncd kept: {len(document['kept'])}")
    for item in document["kept"]:
        ours = words(item["ours"])
        say(f"  {item['record']} {item['field']}: {words(item['theirs'])} (syncd: {ours})")
    for plan in document["held"]:
        say(f"held by the safety limit: run {plan['run']} of {plan['connection']}")
    return 0


@click.command()
@config_option
@json_option
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
def runs(config: Path, as_json_: bool, limit: int) -> int:
    """The latest runs and how they ended."""
    from syncd.bootstrap import load, wired

    with wired(load(config)) as ready, ready.store.begin(write=False) as tx:
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
                run["started_at"][:16],
                _ended(run),
                run["counts"].get("pulled", ""),
                run["counts"].get("written", ""),
                (run["counts"].get("failed") or 0) + (run["counts"].get("rejected") or 0),
                shorten(run["message"], 80),
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
    meanings = {0: "done", 3: "done, some refused", 4: "held", 5: "CRM not reached"}
    return meanings.get(run["exit_code"], f"exit code {run['exit_code']}")


@click.command()
@config_option
@json_option
@click.option("--retry", is_flag=True, help="Let the next run try every refused write again.")
def rejects(config: Path, as_json_: bool, retry: bool) -> int:
    """What was refused, why, and what to do about it."""
    from syncd.bootstrap import load, wired
    from syncd.remedies import remedy

    with wired(load(config)) as ready, ready.store.begin(write=retry) as tx:
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
        say(f"    since {item['since'][:16]}, tried {item['attempts']} times")
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
