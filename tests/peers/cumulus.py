"""CumulusCI: extracts a data set from an org, and loads another into it."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from crm import SalesforceCrm
from peer import Peer, Reading
from room import PeerError

FIELDS = {
    "Account": ["Name", "Site"],
    "Contact": ["LastName", "Title"],
    "Opportunity": ["Name", "StageName", "CloseDate"],
    "OpportunityContactRole": ["Role"],
    "Contract": ["Name", "Status"],
    "Case": ["Subject", "Priority"],
    "Task": ["Subject", "Status"],
    "Event": ["Subject", "DurationInMinutes"],
    "Product_Usage__c": ["Name", "Logins__c"],
}
NEW, OLD = 5, 20
PROJECT = """minimum_cumulusci_version: "4.0.0"
project:
  name: peer
  package:
    name: peer
    api_version: "62.0"
"""


@dataclass(slots=True)
class CumulusCI(Peer):
    """Its tasks extract_dataset, load_dataset and update_data, over REST."""

    name = "cumulusci"
    package = "cumulusci"
    kind = SalesforceCrm
    before = (3, 14)
    counts_only = True

    def read_all(self) -> Reading:
        return self._extract("all", "")

    def read_since(self, moment: datetime) -> Reading:
        return self._extract("since", f"SystemModstamp >= {moment:%Y-%m-%dT%H:%M:%SZ}")

    def write(self) -> dict[str, int]:
        """Contacts: the first twenty get another title, five are new; by their addresses."""
        held = [row for row in self.crm.rows("Contact") if row.get("Email")][:OLD]
        rows = [(row["Email"], row["LastName"], "Upserted") for row in held]
        rows += [(f"peer{n}@cumulus.example", "Peer", "Upserted") for n in range(NEW)]
        self._load(
            "upsert",
            {
                "Contact": {
                    "sf_object": "Contact",
                    "api": "rest",
                    "action": "upsert",
                    "update_key": "Email",
                    "fields": ["Email", "LastName", "Title"],
                }
            },
            rows,
        )
        titled = [row for row in self.crm.rows("Contact") if row.get("Title") == "Upserted"]
        if len(titled) != NEW + len(held):
            raise PeerError(f"load_dataset wrote {len(titled)} of {NEW + len(held)} contacts")
        return {"upserted": len(titled), "new": NEW}

    def _extract(self, name: str, condition: str) -> Reading:
        """Through a mapping of one step for each object."""
        steps: dict[str, Any] = {}
        for object, fields in FIELDS.items():
            steps[object] = {"sf_object": object, "api": "rest", "fields": fields}
            if condition:
                steps[object]["soql_filter"] = condition
        mapping = self.keep(f"{name}.yml", steps)  # JSON is YAML
        sql = self._project() / f"{name}.sql"
        self._task("extract_dataset", mapping=mapping, sql_path=str(sql))
        with sqlite3.connect(":memory:") as found:
            found.executescript(sql.read_text())
            tables = [row[0] for row in found.execute("SELECT name FROM sqlite_master")]
            read = {
                name: [str(row[0]) for row in found.execute(f'SELECT id FROM "{name}"')]
                for name in FIELDS
                if name in tables
            }
        found.close()
        return read

    def _load(self, name: str, mapping: dict[str, Any], rows: list[tuple[str, str, str]]) -> None:
        sql = self._project() / f"{name}.sql"
        held = sqlite3.connect(":memory:")
        held.execute(
            'CREATE TABLE "Contact" '
            '(id TEXT PRIMARY KEY, "Email" TEXT, "LastName" TEXT, "Title" TEXT)'
        )
        held.executemany(
            'INSERT INTO "Contact" VALUES (?, ?, ?, ?)',
            [(f"Contact-{number}", *row) for number, row in enumerate(rows)],
        )
        sql.write_text("\n".join(held.iterdump()))
        held.close()
        self._task("load_dataset", mapping=self.keep(f"{name}.yml", mapping), sql_path=str(sql))

    def _task(self, task: str, **options: str) -> None:
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        printed = self.run(
            self.room.program("cci"),
            *("task", "run", task, "--org", "acme", *words),
            folder=self._project(),
            CUMULUSCI_KEY="0123456789abcdef",
            CUMULUSCI_SERVICE_connected_app=json.dumps(
                {
                    "client_id": self.crm.auth["client_id"],
                    "client_secret": self.crm.auth["client_secret"],
                    "callback_url": "http://localhost:8080/callback",
                    "login_url": "https://login.salesforce.com",
                }
            ),
            CUMULUSCI_ORG_acme=json.dumps(
                {
                    "refresh_token": self.crm.refresh_token,
                    "instance_url": f"https://{SalesforceCrm.domain}",
                    "access_token": "none yet",
                    "id": "https://login.salesforce.com/id/00D000000000001AAA/005000000000001AAA",
                    "connected_app": "env",
                }
            ),
        )
        if re.search(r"\b(Traceback|Error:)", printed):
            raise PeerError(printed[-2000:])

    def _project(self) -> Path:
        """A project of CumulusCI: a git repository with its file."""
        folder = self.desk / "project"
        if not folder.exists():
            folder.mkdir()
            (folder / "cumulusci.yml").write_text(PROJECT)
            self.run("git", "init", "--quiet", folder=folder)
        return folder
