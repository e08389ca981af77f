"""A sandbox as a stranger has it, `syncd sandbox` in a process, and the truth about its records."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import requests
from room import PeerError

from connectors.salesforce.sandbox import SalesforceSandbox

TOUCHED = 3
ACCOUNTS = 60
AGES = 40
NOTE = "Changed while nobody looked"


@dataclass(frozen=True, slots=True)
class Edit:
    """How a record of an object is changed."""

    field: str
    value: str | int = NOTE


class Crm:
    """One running sandbox, filled with the made-up book."""

    kind: ClassVar[str]
    hosts: ClassVar[tuple[str, ...]]
    """What the CRM's own clients call it."""
    edits: ClassVar[dict[str, Edit]]
    """The objects of the book, and how a record of each is changed."""

    def __init__(self, folder: Path, accounts: int = ACCOUNTS) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.ca_file = folder / f"{self.kind}-ca.pem"
        command = [sys.executable, "-m", "syncd", "sandbox", self.kind]
        command += ["--ca-file", str(self.ca_file), "--accounts", str(accounts)]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder
        )
        assert self._process.stdout is not None
        told = json.loads(self._process.stdout.readline())
        self.url: str = told["url"]
        self.auth: dict[str, str] = told["connection"]["auth"]
        self.port = int(self.url.rpartition(":")[2])
        self.web = requests.Session()
        self.web.trust_env = False
        self.web.verify = str(self.ca_file)
        self.grow_old()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A request of our own; the answer's JSON, None for an empty one."""
        answer = self.web.request(method, self.url + path, json=body, headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def state(self) -> Any:
        """The whole state, as the sandbox dumps it."""
        return self.ask("GET", "/_sandbox/state")

    def grow_old(self) -> None:
        """Let the records have been changed over the last weeks, not all in this second, so that
        what a client reads incrementally is less than everything.
        """
        state = self.state()
        now = datetime.now(UTC)
        self.age(state, [now - timedelta(days=1 + n, minutes=n) for n in range(AGES)])
        self.ask("PUT", "/_sandbox/state", state)

    def age(self, state: Any, moments: list[datetime]) -> None:
        """Give the state's records these moments in turn."""
        raise NotImplementedError

    def ids(self) -> dict[str, set[str]]:
        """The ids of the live records by object, of objects that have any."""
        raise NotImplementedError

    def touch(self) -> dict[str, set[str]]:
        """Change some records of each object; which."""
        raise NotImplementedError

    @property
    def refresh_token(self) -> str:
        """What an OAuth app of the customer was given."""
        raise NotImplementedError

    def rows(self, object: str) -> list[dict[str, Any]]:
        """The live records of an object, by their fields."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.web.close()
        self._process.terminate()
        self._process.wait(timeout=30)
        assert self._process.stdout is not None
        self._process.stdout.close()


class SalesforceCrm(Crm):
    """An org."""

    kind = "salesforce"
    hosts = ("login.salesforce.com", "*.my.salesforce.com")
    domain = "acme.my.salesforce.com"
    edits: ClassVar[dict[str, Edit]] = {
        "Account": Edit("Site"),
        "Contact": Edit("Title"),
        "Opportunity": Edit("NextStep"),
        "OpportunityContactRole": Edit("Role", "Influencer"),
        "Contract": Edit("Description"),
        "Case": Edit("Subject"),
        "Task": Edit("Subject"),
        "Event": Edit("Subject"),
        "Product_Usage__c": Edit("Logins__c", 8),
    }

    def age(self, state: Any, moments: list[datetime]) -> None:
        for rows in state["rows"].values():
            for number, row in enumerate(rows):
                moment = moments[number % len(moments)].strftime("%Y-%m-%dT%H:%M:%S.000+0000")
                for field in ("SystemModstamp", "LastModifiedDate"):
                    if field in row:
                        row[field] = moment
                if "CreatedDate" in row:
                    row["CreatedDate"] = min(row["CreatedDate"], moment)

    def ids(self) -> dict[str, set[str]]:
        rows = self.state()["rows"]
        found = {
            name: {row["Id"] for row in rows[name] if not row.get("IsDeleted")}
            for name in self.edits
        }
        return {name: ids for name, ids in found.items() if ids}

    def touch(self) -> dict[str, set[str]]:
        bearer = f"Bearer {self.login()}"
        touched: dict[str, set[str]] = {}
        for name, ids in self.ids().items():
            edit = self.edits[name]
            touched[name] = set(sorted(ids)[:TOUCHED])
            records = [
                {"attributes": {"type": name}, "Id": id, edit.field: edit.value}
                for id in touched[name]
            ]
            answers = self.ask(
                "PATCH",
                "/services/data/v66.0/composite/sobjects",
                {"allOrNone": True, "records": records},
                Authorization=bearer,
            )
            if not all(one["success"] for one in answers):
                raise PeerError(f"{name} could not be changed: {answers[0]}")
        return touched

    @property
    def refresh_token(self) -> str:
        return SalesforceSandbox().logins.refresh_token

    def rows(self, object: str) -> list[dict[str, Any]]:
        held = self.state()["rows"][object]
        return [row for row in held if not row.get("IsDeleted")]

    def login(self) -> str:
        """An access token of our own."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.auth["client_id"],
            "client_secret": self.auth["client_secret"],
        }
        answer = self.web.post(f"{self.url}/services/oauth2/token", data=form, timeout=30)
        answer.raise_for_status()
        token: str = answer.json()["access_token"]
        return token


class HubSpotCrm(Crm):
    """A portal."""

    kind = "hubspot"
    hosts = ("api.hubapi.com",)
    edits: ClassVar[dict[str, Edit]] = {
        "companies": Edit("city"),
        "contacts": Edit("jobtitle"),
        "deals": Edit("dealname"),
        "tickets": Edit("subject"),
        "meetings": Edit("hs_meeting_title"),
        "calls": Edit("hs_call_title"),
        "emails": Edit("hs_email_subject"),
        "product_usage": Edit("usage_name"),
        "contracts": Edit("hs_name"),
    }

    def age(self, state: Any, moments: list[datetime]) -> None:
        for kind in state["kinds"]:
            for number, row in enumerate(state["records"].get(kind["id"], ())):
                moment = moments[number % len(moments)]
                row[3] = max(int(moment.timestamp() * 1000), row[2])
                stamp = datetime.fromtimestamp(row[3] / 1000, UTC).isoformat("T", "milliseconds")
                row[1][kind["modified"]] = stamp.replace("+00:00", "Z")

    def ids(self) -> dict[str, set[str]]:
        state = self.state()
        found = {
            kind["name"]: {
                str(row[0]) for row in state["records"].get(kind["id"], ()) if row[4] is None
            }
            for kind in state["kinds"]
            if kind["name"] in self.edits
        }
        return {name: ids for name, ids in found.items() if ids}

    def touch(self) -> dict[str, set[str]]:
        bearer = f"Bearer {self.auth['access_token']}"
        touched: dict[str, set[str]] = {}
        for name, ids in self.ids().items():
            if name == "contracts":
                continue  # contracts are read-only in the API
            edit = self.edits[name]
            touched[name] = set(sorted(ids)[:TOUCHED])
            self.ask(
                "POST",
                f"/crm/v3/objects/{name}/batch/update",
                {
                    "inputs": [
                        {"id": i, "properties": {edit.field: edit.value}} for i in touched[name]
                    ]
                },
                Authorization=bearer,
            )
        return touched
