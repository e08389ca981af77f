"""Libraries: a script of ours drives them, by nothing but their documented calls.

The script is given a JSON file of what to do and prints one JSON line of what it did.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from crm import HubSpotCrm, SalesforceCrm
from peer import Peer, Reading, lines


@dataclass(slots=True)
class Script(Peer):
    """Runs `script` once for each of all, since and write."""

    script: ClassVar[str]

    def command(self) -> list[str]:
        """The script's command line."""
        return ["node", str(self.room.folder / "peer.mjs")]

    def _do(self, task: str, **more: Any) -> dict[str, Any]:
        asked = {
            "task": task,
            "auth": dict(self.crm.auth),
            "proxy": self.proxy,
            "objects": list(self.crm.edits),
            **more,
        }
        return lines(self.run(*self.command(), self.keep(f"{task}.json", asked)))[-1]

    def read_all(self) -> Reading:
        found: Reading = self._do("all")
        return found

    def read_since(self, moment: datetime) -> Reading:
        found: Reading = self._do("since", since=moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
        return found

    def write(self) -> dict[str, int]:
        found: dict[str, int] = self._do("write")
        return found


@dataclass(slots=True)
class Jsforce(Script):
    """jsforce: REST, collections, Bulk 2.0, getUpdated, the Tooling API."""

    name = "jsforce"
    package = "jsforce"
    kind = SalesforceCrm


@dataclass(slots=True)
class HubSpotNode(Script):
    """HubSpot's own client for Node."""

    name = "hubspot_node"
    package = "@hubspot/api-client"
    kind = HubSpotCrm


@dataclass(slots=True)
class Dlt(Script):
    """dlt's REST source, told of a CRM's login and pages."""

    package = "dlt"
    home = "dlt"
    before = (3, 15)

    def command(self) -> list[str]:
        script = self.room.source / f"{self.crm.kind}_peer.py"
        return [self.room.program("python"), str(script)]

    def write(self) -> dict[str, int]:
        return {}


@dataclass(slots=True)
class DltSalesforce(Dlt):
    """By nextRecordsUrl."""

    name = "dlt_salesforce"
    kind = SalesforceCrm


@dataclass(slots=True)
class DltHubSpot(Dlt):
    """By the lists' next links, and the search's cursor."""

    name = "dlt_hubspot"
    kind = HubSpotCrm
