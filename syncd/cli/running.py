"""plan, sync, run and health."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncd.cli.output import (
    AsDate,
    answer,
    as_json,
    config_option,
    json_option,
    json_pieces,
    moment,
    on_terminal,
    say,
    start_logging,
)
from syncd.cli.reporting import counts_json, report_json, show_end, show_plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncd.sync import Progress


@click.command()
@config_option
@json_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write it to this file, as JSON.",
)
@click.option("--as-of", "as_of", type=AsDate(), help="Plan as if it were that day.")
def plan(config: Path, as_json_: bool, out: Path | None, as_of: date | None) -> int:
    """Show each change before it happens. Writes nothing to a CRM."""
    from syncd.bootstrap import load, wired
    from syncd.sync import run_once

    if out is not None and not out.parent.is_dir():
        raise click.BadParameter(f"there is no folder {out.parent}", param_hint="--out")
    with wired(load(config)) as ready, _watching() as progress:
        report = run_once(ready.turn(clock=moment, dry=True, as_of=as_of, progress=progress))
        document = report_json(report, ready)
    if out is not None:
        try:
            encode = json.JSONEncoder(indent=2, default=as_json).encode
            with out.open("w", encoding="utf-8") as file:
                file.writelines(json_pieces(document, encode))
                file.write("\n")
        except OSError as error:
            reason = error.strerror or "it cannot be written"
            raise click.BadParameter(f"{out}: {reason}", param_hint="--out") from error
    if as_json_:
        answer(document)
    else:
        show_plan(document)
        show_end(report, planned=True)
    return report.exit_code


@click.command()
@config_option
@json_option
@click.option("--full", is_flag=True, help="Also find deletions, merges and formula changes.")
@click.option("--dry-run", "dry_run", is_flag=True, help="Plan only; the same as `syncd plan`.")
@click.option("--approve", is_flag=True, help="Carry out a plan that the safety limit would hold.")
def sync(config: Path, as_json_: bool, full: bool, dry_run: bool, approve: bool) -> int:
    """One run: read, work out, write what changed."""
    from syncd.bootstrap import load, wired
    from syncd.sync import run_once

    start_logging(level="warning" if on_terminal() else "info")
    with wired(load(config)) as ready, _watching() as progress:
        turn = ready.turn(clock=moment, full=full, dry=dry_run, approve=approve, progress=progress)
        report = run_once(turn)
        document = report_json(report, ready) | counts_json(report)
    if as_json_:
        answer(document)
    else:
        if report.dry and (dry_run or turn.write.mode != "off"):
            show_plan(document)
        show_end(report, planned=report.dry)
    return report.exit_code


@click.command()
@config_option
def run(config: Path) -> int:
    """The daemon: runs on the schedule until it is stopped.

    SIGTERM or Ctrl-C finishes the batch in hand. Its log goes to stderr, a line for each run and
    each write; [console] listen answers /healthz, /readyz and /metrics.
    """
    from syncd.bootstrap import load
    from syncd.daemon import serve

    start_logging(level="info")
    return serve(load(config), clock=moment)


@click.command()
@config_option
@json_option
def health(config: Path, as_json_: bool) -> int:
    """Exit 0 if the daemon is alive (for HEALTHCHECK)."""
    from syncd.daemon import is_healthy

    well, text = is_healthy(config, moment())
    if as_json_:
        answer({"healthy": well, "text": text})
    else:
        say(text)
    return 0 if well else 1


@contextmanager
def _watching() -> Iterator[Progress | None]:
    """A progress line on a terminal; nothing on a pipe."""
    import sys

    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        lines: dict[tuple[str, str], Any] = {}
        counts: dict[tuple[str, str], int] = {}

        def progress(step: str, connection: str, count: int) -> None:
            key = (step, connection)
            counts[key] = counts.get(key, 0) + count
            if key not in lines:
                lines[key] = bar.add_task("", total=None)
            bar.update(lines[key], description=f"{step} {connection}: {counts[key]:,}")

        yield progress
