"""A connector in a package of its own: installed beside syncd, found by its entry point, used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "acme-ledger-syncd"
version = "1"
[project.entry-points."syncd.connectors"]
ledger = "acme_ledger:LedgerConnector"
[tool.hatch.build.targets.wheel]
packages = ["acme_ledger"]
"""
PACKAGE = '''
"""Customers in a JSON file, written in by syncd."""

import json
from pathlib import Path

from connectors.memory import Crm, MemoryConnector
from pydantic import BaseModel, ConfigDict


class LedgerSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    ledger: Path


class LedgerConnector(MemoryConnector):
    """The connector in memory, kept in a file of its own."""

    Settings = LedgerSettings
    mapping_defaults = {"id_field": ""}  # no users, no tasks

    def __init__(self, settings, context):
        self._path = settings.ledger
        super().__init__(MemoryConnector.Settings(path=""), context)

    def open(self):
        if not self.crm.rows:
            for object, rows in json.loads(self._path.read_text()).items():
                for id, values in rows.items():
                    self.crm.put(object, id, **values)

    def update(self, object, updates):
        yield from super().update(object, updates)
        self._path.write_text(json.dumps(self.crm.rows))
'''
MAPPING = """
version = 1
[account]
object = "Account"
[account.fields]
name = "Name"
arr = "Arr"
[writes.account]
tier = "Tier"
"""
CONFIG = """
[syncd]
timezone = "UTC"
[connections.books]
connector = "ledger"
mapping = "ledger.toml"
ledger = "customers.json"
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Where the package was installed: a folder that only its user has on the path."""
    source, target = tmp_path / "source", tmp_path / "site"
    (source / "acme_ledger").mkdir(parents=True)
    (source / "pyproject.toml").write_text(PYPROJECT)
    (source / "acme_ledger" / "__init__.py").write_text(PACKAGE)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--no-build-isolation", "--no-index"),
            *("--target", str(target), str(source)),
        ],
        check=True,
    )
    return target


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config that names the connector, and the file it reads."""
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "ledger.toml").write_text(MAPPING)
    rows = {
        f"a{n}": {"Name": f"Customer {n}", "Arr": str(100 * n), "Tier": None} for n in range(1, 9)
    }
    (tmp_path / "customers.json").write_text(json.dumps({"Account": rows}))
    return tmp_path / "config.toml"


def syncd(config: Path, *arguments: str, path: Path | None = None) -> tuple[int, str, str]:
    """Exit code, answer and log of a command, with that folder on Python's path."""
    found = {} if path is None else {"PYTHONPATH": str(path)}
    done = subprocess.run(
        [sys.executable, "-m", "syncd", *arguments, "-c", str(config)],
        env={**os.environ, **found},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_connector_of_another_package_is_used(installed: Path, config: Path) -> None:
    """`syncd sync` reads and writes through it; without the package its name is unknown."""
    missing = syncd(config, "check", "--offline")
    code, answer, log = syncd(config, "sync", "--json", path=installed)
    again, second, _ = syncd(config, "sync", "--json", path=installed)
    written: dict[str, dict[str, Any]] = json.loads((config.parent / "customers.json").read_text())
    tiers = [row["Tier"] for row in written["Account"].values()]

    assert missing[0] == 2
    assert 'there is no connector "ledger"' in missing[1] + missing[2]
    assert (code, again) == (0, 0), log
    assert json.loads(answer)["written"] == 8
    assert tiers == ["maintenance"] * 3 + ["strategic"] * 5
    assert json.loads(second)["nothing_to_do"]
