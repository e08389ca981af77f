"""Starts `syncd` processes quickly: everything is imported once, each command is a fork of that.

Reads a JSON line for each command wanted: {"args": [...], "out": path, "err": path}. Answers with
lines: {"pid": n}, and when the process has ended {"ended": n, "code": c} (negative: its signal).
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
from pathlib import Path

from syncd.cli import COMMANDS, exit_code

PRELOADED = (
    *{place.partition(":")[0] for place in COMMANDS.values()},
    "syncd.bootstrap",
    "syncd.daemon.program",
    "syncd.log.lines",
    "syncd.sync",
    "syncd.undoing",
    "psycopg",
    "simple_salesforce",
    "hubspot",
    "connectors.hubspot",
    "connectors.hubspot.session",
    "connectors.salesforce",
    "connectors.salesforce.session",
    "connectors.salesforce.opened",
)


def tell(**words: object) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def start(args: list[str], out: str, err: str, living: set[int]) -> None:
    pid = os.fork()
    if pid:
        living.add(pid)
        tell(pid=pid)
        return
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        os.dup2(os.open(err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        code = exit_code(args)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def reap(living: set[int]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        living.discard(pid)
        tell(ended=pid, code=os.waitstatus_to_exitcode(status))


def main() -> None:
    for name in PRELOADED:
        importlib.import_module(name)
    tell(ready=str(Path.cwd()))
    living: set[int] = set()
    while True:
        ready, _, _ = select.select([0], [], [], 0.01)
        reap(living)
        if ready:
            line = sys.stdin.readline()
            if not line:
                # A test that failed may have left a daemon behind.
                for pid in living:
                    os.kill(pid, signal.SIGKILL)
                return
            start(**json.loads(line), living=living)


if __name__ == "__main__":
    main()
