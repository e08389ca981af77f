"""explain: why an account's values are what they are."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncd.cli.output import (
    AsDate,
    answer,
    at_minute,
    config_option,
    counted,
    json_option,
    moment,
    say,
    sentence,
    shorten,
    words,
)
from syncd.errors import StopProgramError

if TYPE_CHECKING:
    from syncd.store import Store

RECORDS_SHOWN = 8
INPUTS = {
    "opportunities": ("opportunity", "opportunities"),
    "contracts": ("contract", ""),
    "contacts": ("contact", ""),
    "roles": ("role", ""),
    "tickets": ("ticket", ""),
    "activities": ("activity", "activities"),
    "usage": ("week of usage", "weeks of usage"),
}
"""One and several of each kind of record."""


@click.command()
@click.argument("account")
@config_option
@json_option
@click.option("--as-of", "as_of", type=AsDate(), help="Explain as if it were that day.")
def explain(account: str, config: Path, as_json_: bool, as_of: date | None) -> int:
    """Why an account's values are what they are.

    ACCOUNT: id, name or domain.
    """
    from syncd.bootstrap import load, wired
    from syncd.explanation import explain as explained

    with wired(load(config)) as ready:
        key = find_account(ready.store, account)
        turn = ready.turn(clock=moment, dry=True, as_of=as_of)
        document = explained(turn, ready.connections, key)
    if as_json_:
        answer(document)
    else:
        _show(document, ready.loaded.config.syncd.timezone)
    return 0


def find_account(store: Store, word: str) -> str:
    """The key of the one account that this id, name or domain names.

    Raises StopProgramError with what to do where it names none, or several.
    """
    with store.begin(write=False) as tx:
        found = store.book.search(tx, word)
        named = store.book.account(tx, found)
    if len(found) == 1:
        return found[0]
    if not found:
        raise StopProgramError(
            f"no account {word!r} in the state; it knows what the last `syncd plan` or "
            "`syncd sync` read"
        )
    lines = [
        f"  {key.partition(':')[2]}  {named[key].name}  ({key.partition(':')[0]})" for key in found
    ]
    several = f"{len(found)} accounts" + (" or more" if len(found) == store.book.most_found else "")
    raise StopProgramError("\n".join([f"{word!r} fits {several}; name one by its id:", *lines]))


def _show(document: dict[str, Any], timezone: str) -> None:
    account = document["account"]
    say(f"{account['name']}  ({account['status']}, looked after by {account['owner'] or 'nobody'})")
    for ref in document["refs"]:
        say(f"  {ref['connection']} {ref['object']} {ref['id']}  {ref['url']}".rstrip())
    inputs = ", ".join(
        counted(count, INPUTS[kind][0], INPUTS[kind][1])
        for kind, count in document["inputs"].items()
        if count
    )
    if account["status"] != "gone":
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
    _show_past(document, timezone)


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
            say(f"      {sentence(because)}")
    records = {
        ref["url"] or ref["id"]: ref for value in values.values() for ref in value["records"]
    }
    for ref in list(records.values())[:RECORDS_SHOWN]:
        say(f"  from {ref['object']} {ref['id']}  {ref['url']}".rstrip())
    if len(records) > RECORDS_SHOWN:
        more = counted(len(records) - RECORDS_SHOWN, "more record")
        say(f"  and {more} (`syncd explain --json`)")
    days = [value["valid_until"] for value in values.values() if value["valid_until"]]
    if days:
        say(f"  can next change by itself on {min(days, key=str)}")


def _show_past(document: dict[str, Any], timezone: str) -> None:
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
            say(f"  {at_minute(entry['at'], timezone)} {past_words(entry)}")
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
