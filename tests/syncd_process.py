"""syncd as an operator runs it: a process, its exit code, its stdout and its stderr."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

ROOT = Path(__file__).parent.parent
SYNCD = Path(sys.executable).with_name("syncd")


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


def syncd(
    *words: str | Path, folder: Path, env: Mapping[str, str] | None = None, wanted: int | None = 0
) -> Ended:
    """Run syncd in a folder. `wanted` is the exit code that it must end with; None: any."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        [SYNCD, *map(str, words)],
        cwd=folder,
        env={**kept, **(env or {})},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    if wanted is not None:
        assert done.returncode == wanted, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return Ended(done.returncode, done.stdout, done.stderr)


@cache
def validator(command: str) -> Draft202012Validator:
    """The command's schema in docs/, with every key that it does not name refused."""
    path = ROOT / "docs" / "schemas" / f"{command}.schema.json"
    return Draft202012Validator(_closed(json.loads(path.read_text(encoding="utf-8"))))


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: _closed(item) for key, item in schema.items()}
    return {"additionalProperties": False, **inner} if "properties" in inner else inner


def faults(command: str, answer: Any) -> list[str]:
    """What in an answer its schema does not allow."""
    return [
        f"{error.json_path}: {error.message[:200]}"
        for error in validator(command).iter_errors(answer)
    ]
