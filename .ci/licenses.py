"""The licences of what syncd is installed with: docs/licenses.md, and a check that it is current.

python .ci/licenses.py           write the page
python .ci/licenses.py --check   exit 1 when it is not current, or a licence is not accepted
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements" / "runtime.txt"
PAGE = ROOT / "docs" / "licenses.md"
# pip-licenses takes the SPDX expression where a package has one, else its classifiers.
ACCEPTED = {
    "Apache Software License",
    "Apache-2.0",
    "BSD License",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "MIT",
    "MIT License",
    "MIT-0",
    "PSF-2.0",
}
NAMED = {
    "certifi": "MPL-2.0 covers its own files, which are used unchanged.",
    "psycopg": "LGPL-3.0: a library of its own, used unchanged, that can be replaced.",
    "psycopg-binary": "LGPL-3.0: as psycopg; brings libpq along (PostgreSQL License).",
}
"""Weak copyleft, each looked at, and why it is no obstacle."""
ELSEWHERE = {"tzdata": "Apache-2.0"}
"""Only installed on another system (Windows)."""


def locked() -> dict[str, str]:
    """Versions by name, as the lock has them."""
    text = LOCK.read_text(encoding="utf-8")
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE))


def licenses(names: list[str]) -> dict[str, str]:
    """Licences by name, as the installed packages state them."""
    command = [str(Path(sys.executable).with_name("pip-licenses")), "--from=mixed"]
    told = subprocess.run(  # noqa: S603 - the names are those of the lock
        [*command, "--format=json", "--packages", *names],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return {
        re.sub(r"[-_.]+", "-", row["Name"]).lower(): row["License"] for row in json.loads(told)
    } | ELSEWHERE


def main() -> int:
    """Write or check the page."""
    versions = locked()
    found = licenses(list(versions))
    lines = [
        "# Licences",
        "",
        "syncd is under Apache-2.0. These packages are installed with it, as locked in",
        "`requirements/runtime.txt`, each under the licence that it states itself. `make docs`",
        "writes this page; `make check` fails when it is not current, or when a licence comes that",
        "was not looked at (`.ci/licenses.py`).",
        "",
        "| package | version | licence | |",
        "|---|---|---|---|",
    ]
    unknown = []
    for name, version in sorted(versions.items()):
        license = found.get(name, "not stated")
        parts = set(re.split(r"; | OR | AND ", license))
        if not parts <= ACCEPTED and name not in NAMED:
            unknown.append(f"{name} {version}: {license}")
        lines.append(f"| {name} | {version} | {license} | {NAMED.get(name, '')} |")
    page = "\n".join([*lines, ""])
    for one in unknown:
        sys.stderr.write(f"{one} is no accepted licence; look at it, then add it to {__file__}\n")
    if "--check" not in sys.argv:
        PAGE.write_text(page, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        sys.stderr.write("docs/licenses.md is not current: make docs\n")
        return 1
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
