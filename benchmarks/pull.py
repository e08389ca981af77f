"""How much memory a large pull takes: 200,000 accounts of Salesforce, by Bulk API 2.0.

    .venv/bin/python benchmarks/pull.py
    .venv/bin/python benchmarks/pull.py --accounts 100000

It ends with 1 if a row is missing, or if the pull, the mirror included, took more than 400 MiB.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from sync import PAGE, run, sandbox

from syncd.rehearsal import write_config

LIMIT_MIB = 400


def main() -> int:
    """Measure and print; 1 when a promise is not kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--accounts", type=int, default=200_000)
    accounts = parser.parse_args().accounts
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
        folder = Path(name)
        with sandbox("salesforce", accounts, folder, alone=True) as settings:
            config = write_config(folder, {"salesforce": settings})
            run(folder / "log", "steps.py", "provision", str(config))
            found = run(folder / "log", "steps.py", "pull", str(config))
    print(f"{found['rows']:,} rows in {found['seconds']:.0f} s with {found['calls']} calls")
    promises = (
        (f"all {accounts:,} accounts came", found["rows"] >= accounts),
        (
            f"fewer calls than the {accounts // PAGE['salesforce']} pages of a query: by bulk",
            found["calls"] < accounts // PAGE["salesforce"],
        ),
        (f"peak RSS {found['rss_mib']:.0f} MiB, limit {LIMIT_MIB}", found["rss_mib"] < LIMIT_MIB),
    )
    for text, kept in promises:
        print(f"  {'ok ' if kept else 'NOT'} {text}")
    return 0 if all(kept for _, kept in promises) else 1


if __name__ == "__main__":
    sys.exit(main())
