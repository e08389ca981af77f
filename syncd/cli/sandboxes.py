"""sandbox: one emulated CRM alone."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from threading import Event, Thread
from typing import Any

import click

from syncd.cli.output import moment, no_config_option, note


@click.command()
@no_config_option
@click.argument("kind")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 takes a free one.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, dir_okay=False),
    help="State to start from; written back at the end.",
)
@click.option(
    "--accounts",
    type=click.IntRange(0, 500_000),
    default=60,
    show_default=True,
    help="Made-up customers.",
)
@click.option(
    "--seed",
    type=int,
    default=7,
    show_default=True,
    help="Of the made-up book: the same seed, the same book.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write a config.toml that leads here, with its secrets and the CA, into this folder.",
)
@click.option(
    "--faults",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A TOML file of faults to strike clients with (docs/faults.md).",
)
@click.option(
    "--rules",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A TOML file of a Salesforce org's validation and duplicate rules (docs/sandboxes.md).",
)
@click.option(
    "--latency",
    type=click.FloatRange(0, 600),
    help="Seconds that every answer takes; goes before the faults file's.",
)
@click.option(
    "--ca-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write its certificate authority; default: --folder, else the current folder.",
)
def sandbox(
    kind: str,
    port: int,
    data: Path | None,
    accounts: int,
    seed: int,
    folder: Path | None,
    faults: Path | None,
    rules: Path | None,
    latency: float | None,
    ca_file: Path | None,
) -> int:
    """An emulated CRM on this machine, to try things on.

    It holds a made-up book of customers, or what --data names, and listens on loopback alone.

    KIND is salesforce or hubspot. The first line on stdout is JSON with what a client needs.
    SIGUSR1 writes the state to --data while it runs; /_sandbox/state gives and takes it too.
    """
    from syncd.bootstrap import sandbox_names
    from syncd.rehearsal import brew, make_sandbox, rule, serve_sandbox, write_config

    if kind not in sandbox_names():
        raise click.BadParameter(f"{kind!r}; there are: {', '.join(sandbox_names())}")
    today = moment().date()
    made = make_sandbox(kind, accounts=accounts, seed=seed, today=today, data=data)
    if faults is not None:
        brew(made, faults)
    if rules is not None:
        rule(made, rules)
    if latency is not None:
        made.faults.latency = latency
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    stop = Event()
    if data is not None:
        # A thread of its own: the signal may come while the main one holds the state's lock.
        signal.signal(signal.SIGUSR1, lambda *_: Thread(target=made.dump, args=(data,)).start())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    ca_path = (ca_file or (folder or Path()) / f"{kind}-sandbox-ca.pem").resolve()
    with serve_sandbox(made, ca_path, port=port) as server:
        settings: dict[str, Any] = made.connection_settings(server.url, ca_path)
        # The customer's own fields are in every sandbox, and in what it dumps.
        settings["mapping"] = f"{kind}-sandbox"
        # Plainly, and not by `say`: these are the sandbox's own keys, made for whoever started it.
        click.echo(json.dumps({"url": server.url, "ca_file": str(ca_path), "connection": settings}))
        if folder is not None:
            note(f"config written to {write_config(folder, {kind: settings})}")
        note(f"{kind} sandbox on {server.url}; stop it with Ctrl-C")
        stop.wait()
    if data is not None:
        made.dump(data)
        note(f"state written to {data}")
    return 0
