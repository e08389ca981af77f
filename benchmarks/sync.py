"""How fast a first and a second sync are, step by step, beside the CRMs' own bare clients.

    make bench                                   10,000 accounts in each sandbox
    .venv/bin/python benchmarks/sync.py --accounts 500 --kind hubspot

Each sandbox, each sync and each bare read is a process of its own. Seconds depend on the machine;
compare the ratios of one run.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from big_book import big_book

from syncd.bootstrap import find_sandbox
from syncd.cli.output import moment
from syncd.rehearsal import serve_sandbox, write_config

HERE = Path(__file__).parent
LIMIT_MIB = 1_024
PAGE = {"salesforce": 2_000, "hubspot": 100}
BATCH = {"salesforce": 200, "hubspot": 100}
LINKS = 1_000
ARCHIVED_LISTS = 2  # HubSpot lists archived tasks and archived owners apart


def serve(kind: str, accounts: int, folder: Path, *, alone: bool) -> None:
    """Be the sandbox: print where it is, and end when stdin does."""
    sandbox = find_sandbox(kind).from_book(big_book(accounts, moment().date(), alone=alone))
    with serve_sandbox(sandbox, folder / "ca.pem") as server:
        settings = sandbox.connection_settings(server.url, folder / "ca.pem")
        print(json.dumps({**settings, "mapping": f"{kind}-sandbox"}), flush=True)
        threading.Thread(target=sys.stdin.read).run()


@contextmanager
def sandbox(
    kind: str, accounts: int, folder: Path, *, alone: bool = False
) -> Iterator[dict[str, Any]]:
    """The sandbox's connection settings, while it runs."""
    command = [sys.executable, str(HERE / "sync.py"), "--serve", str(folder)]
    command += ["--alone"] if alone else []
    child = subprocess.Popen(
        [*command, "--kind", kind, "--accounts", str(accounts)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        yield json.loads(child.stdout.readline())
    finally:
        child.communicate("")


def run(log: Path, script: str, *arguments: str, given: str = "") -> Any:
    """A script's JSON answer; what it logs goes to a file, as it would in earnest."""
    command = [sys.executable, str(HERE / script), *arguments]
    with log.open("w") as stderr:
        done = subprocess.run(
            command, input=given, stdout=subprocess.PIPE, stderr=stderr, text=True, check=False
        )
    if done.returncode:
        sys.exit(f"{script} failed:\n{log.read_text()[-4000:]}")
    return json.loads(done.stdout) if done.stdout else None


def measure(kind: str, accounts: int) -> dict[str, Any]:
    """A first sync, a second one, and the bare client, all against one sandbox."""
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
        folder = Path(name)
        with sandbox(kind, accounts, folder) as settings:
            config = write_config(folder, {kind: settings}, fallback_assignee="ops@seller.example")
            sources = run(folder / "log", "steps.py", "provision", str(config))
            asked = {"kind": kind, "settings": settings, "sources": sources}
            bare = run(folder / "log", "bare.py", given=json.dumps(asked))
            first = run(folder / "log", "steps.py", "sync", str(config))
            second = run(folder / "log", "steps.py", "sync", str(config))
    return {"kind": kind, "first": first, "second": second, "bare": bare}


def floor(kind: str, sources: list[dict[str, int]]) -> int:
    """The fewest calls that read so many rows, counted without syncd."""
    pages = sum(max(1, math.ceil(source["rows"] / PAGE[kind])) for source in sources)
    links = sum(math.ceil(source["rows"] / LINKS) * source["links"] for source in sources)
    return pages + (links + ARCHIVED_LISTS if kind == "hubspot" else 0)


def show(measured: dict[str, Any]) -> bool:
    """Print one CRM's figures; whether they are as promised."""
    kind, first, second = measured["kind"], measured["first"], measured["second"]
    bare, steps = measured["bare"], first["steps"]
    pull = steps["read"] + steps["mirror"]
    print(f"\n{kind}: {first['accounts']:,} accounts, {first['pulled']:,} rows")
    print(f"  {'step':<34}{'rows':>10}{'seconds':>10}{'rows/s':>10}")
    bare_rate = bare["rows"] / bare["seconds"]
    rows = first["pulled"]
    for step, count, seconds in (
        ("bare client's pull", bare["rows"], bare["seconds"]),
        ("pull", rows, pull),
        ("  of which the connector", rows, steps["read"]),
        ("  of which the mirror", rows, steps["mirror"]),
        ("map", rows, steps["map"]),
        ("derive (accounts)", first["derived"], steps["derive"]),
        ("playbooks (accounts)", first["derived"], steps["playbooks"]),
        ("diff (accounts)", first["derived"], steps["diff"]),
        ("write (records)", first["written"], steps["write"]),
        ("first sync (rows)", rows, first["seconds"]),
        ("second sync (accounts)", second["accounts"], second["seconds"]),
    ):
        print(f"  {step:<34}{count:>10,}{seconds:>10.2f}{count / seconds:>10,.0f}")
    least = floor(kind, first["sources"])
    batches = -(-(first["written"] - first["tasks"]) // BATCH[kind])
    tasks = -(-first["tasks"] // BATCH[kind]) * (2 if kind == "hubspot" else 1)
    reads, writes = first["calls"]["read"], first["calls"]["write"]
    again, share = second["calls"], second["seconds"] / first["seconds"]
    idle = second["derived"] == second["written"] == 0
    promises = (
        (f"read calls {reads}, floor {least}", reads <= 1.1 * least),
        (f"write calls {writes}, floor {batches + tasks}", writes <= batches + tasks),
        (f"peak RSS {first['rss_mib']:.0f} MiB, limit {LIMIT_MIB}", first["rss_mib"] < LIMIT_MIB),
        (f"pull is {rows / pull / bare_rate:.2f} x the bare client's speed", True),
        (
            f"the second sync made {again['read']} read calls and took {share:.1%} of the first",
            True,
        ),
        (f"it derived {second['derived']} and wrote {second['written']}", idle),
        (f"exit codes {first['exit_code']} and {second['exit_code']} {first['message']}", True),
    )
    for text, kept in promises:
        print(f"  {'ok ' if kept else 'NOT'} {text}")
    return all(kept for _, kept in promises)


def main() -> int:
    """Measure and print; 1 when a promise is not kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--kind", choices=["salesforce", "hubspot"])
    parser.add_argument("--json", action="store_true", help="one line of JSON for each CRM")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.kind, given.accounts, given.serve, alone=given.alone)
        return 0
    kinds = [given.kind] if given.kind else ["salesforce", "hubspot"]
    kept = True
    for kind in kinds:
        measured = measure(kind, given.accounts)
        if given.json:
            print(json.dumps(measured), flush=True)
        else:
            kept = show(measured) and kept
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
