"""demo: the main job with no account anywhere."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncd.cli.output import (
    json_option,
    moment,
    no_config_option,
    note,
    say,
    sentence,
    table,
    words,
)

if TYPE_CHECKING:
    from syncd.bootstrap import Loaded
    from syncd.sync import Report

KINDS = ["salesforce", "hubspot"]
SHOWN = (
    "renewal_date",
    "renewal_status",
    "tier",
    "arr",
    "handoff_status",
    "handoff_missing",
    "health_band",
)


@click.command()
@no_config_option
@json_option
@click.option(
    "--accounts",
    type=click.IntRange(10, 100_000),
    default=60,
    show_default=True,
    help="Made-up customers in each CRM.",
)
@click.option("--serve", is_flag=True, help="Then keep the sandboxes and the daemon running.")
def demo(as_json_: bool, accounts: int, serve: bool) -> int:
    """The main job on two emulated CRMs, with no account anywhere.

    Starts a Salesforce and a HubSpot sandbox with a made-up book, provisions the fields, writes,
    and shows that a second run finds nothing to do.
    """
    from syncd.bootstrap import load

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="syncd-demo-")))
        return _demo(stack, folder, accounts, serve=serve, as_json_=as_json_, load=load)


def _demo(
    stack: ExitStack, folder: Path, accounts: int, *, serve: bool, as_json_: bool, load: Any
) -> int:
    from syncd.cli.output import answer
    from syncd.rehearsal import sandboxes

    today = moment().date()
    note(f"Starting a Salesforce and a HubSpot sandbox with {accounts} made-up customers …")
    made, config = sandboxes(stack, folder, accounts=accounts, seed=7, today=today, kinds=KINDS)
    loaded = load(config)
    provisioned = _provision(loaded)
    first, floors = _run(loaded)
    second, _ = _run(loaded)
    customers = _customers(loaded)
    document = {
        "provisioned": provisioned,
        "first": _summary(first, floors),
        "second": {"nothing_to_do": second.nothing_to_do},
        "customers": customers,
    }
    if as_json_:
        answer(document)
    else:
        _show(document, second)
    if serve:
        from syncd.daemon import serve as keep_serving

        note(f"Daemon and sandboxes go on. In another shell: syncd status -c {config}")
        note("Ctrl-C stops them.")
        return keep_serving(loaded, clock=moment)
    del made
    return 0 if second.nothing_to_do else 3


def _provision(loaded: Loaded) -> dict[str, int]:
    """Make the fields in both sandboxes."""
    from syncd.bootstrap import wired
    from syncd.store import Store

    counts = {}
    with wired(loaded, store=Store.open("sqlite://")) as ready:
        for connected in ready.connections:
            connected.connector.open()
            specs = connected.mapping.specs(loaded.config.policy)
            steps = list(connected.connector.provision(specs, apply=True))
            counts[connected.name] = len([step for step in steps if step.done])
    return counts


def _run(loaded: Loaded) -> tuple[Report, dict[str, int]]:
    """One sync, and the least read calls that its rows could have cost."""
    from syncd.bootstrap import wired
    from syncd.sync import run_once

    with wired(loaded) as ready:
        report = run_once(ready.turn(clock=moment))
        floors = {}
        with ready.store.begin(write=False) as tx:
            for connected in ready.connections:
                rows = [
                    (source, ready.store.mirror.count(tx, connected.name, source.name))
                    for source in connected.sources
                ]
                floors[connected.name] = connected.connector.least_read_calls(rows)
    return report, floors


def _summary(report: Report, floors: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {
            "connection": c.name,
            "accounts": c.accounts,
            "fields_written": c.fields_written,
            "tasks_opened": c.tasks_done.get("open", 0),
            "tasks_waiting": len(c.plan.postponed),
            "read_calls": c.calls.read,
            "read_floor": floors[c.name],
            "write_calls": c.calls.write,
            "records_refused": c.rejected,
        }
        for c in report.connections
    ]


def _customers(loaded: Loaded) -> list[dict[str, Any]]:
    """Three customers as their account managers now see them in Salesforce."""
    from syncd.bootstrap import wired
    from syncd.explanation import explain

    found = []
    with wired(loaded) as ready:
        with ready.store.begin(write=False) as tx:
            keys = list(ready.store.book.rows(tx, ["salesforce"]))
        turn = ready.turn(clock=moment, dry=True)
        connections = [c for c in ready.connections if c.name == "salesforce"]
        documents = [explain(turn, connections, key) for key in keys]
    documents.sort(key=lambda d: d["values"]["arr"]["value"] or 0, reverse=True)
    wanted = (
        lambda d: d["values"]["renewal_status"]["value"] == "window_open",
        lambda d: d["values"]["handoff_status"]["value"] in {"incomplete", "overdue"},
        lambda d: d["values"].get("health_band", {}).get("value") == "red",
    )
    for fits in wanted:
        document = next((d for d in documents if fits(d) and d not in found), None)
        if document is not None:
            found.append(document)
    return found


def _show(document: dict[str, Any], second: Report) -> None:
    table(
        ("", *(row["connection"] for row in document["first"])),
        [
            ("accounts", *(row["accounts"] for row in document["first"])),
            ("fields and rights provisioned", *document["provisioned"].values()),
            ("fields written", *(row["fields_written"] for row in document["first"])),
            ("tasks opened", *(row["tasks_opened"] for row in document["first"])),
            ("tasks waiting (10 a day each)", *(r["tasks_waiting"] for r in document["first"])),
            (
                "API calls to read (floor)",
                *(f"{r['read_calls']} ({r['read_floor']})" for r in document["first"]),
            ),
            ("API calls to write", *(row["write_calls"] for row in document["first"])),
            ("records refused, with reason", *(r["records_refused"] for r in document["first"])),
        ],
        title="First run",
    )
    for customer in document["customers"]:
        account, values = customer["account"], customer["values"]
        say()
        say(f"{account['name']}, as {account['owner'] or 'its account manager'} now sees it:")
        for name in SHOWN:
            value = values.get(name)
            if value is not None and value["value"] not in {None, ""}:
                say(f"  {name:16} {words(value['value'])}")
                say(f"  {'':16} {sentence(value['because'])}")
        for task in customer["tasks"]:
            say(f"  task: {task['subject']} (for {task['assignee_name']}, due {task['due']})")
    say()
    say("second run: nothing to do" if second.nothing_to_do else "second run: there is work left")
