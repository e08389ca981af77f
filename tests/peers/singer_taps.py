"""Singer taps: programs that print SCHEMA, RECORD and STATE lines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from crm import HubSpotCrm, SalesforceCrm
from peer import Peer, Reading, lines


@dataclass(slots=True)
class Tap(Peer):
    """Discovers, selects what the book has, and goes on from the state it printed last."""

    program: ClassVar[str]
    catalog_option: ClassVar[str] = "--catalog"
    key: ClassVar[str]

    def config(self) -> dict[str, Any]:
        """The tap's settings."""
        raise NotImplementedError

    def wanted(self, stream: str) -> bool:
        """Whether to select a stream."""
        return stream in self.crm.ids()

    def read_all(self) -> Reading:
        config = self.keep("config.json", self.config())
        found = self.run(self.room.program(self.program), "--config", config, "--discover")
        catalog = json.loads(found)
        for stream in catalog["streams"]:
            chosen = self.wanted(stream["stream"])
            for entry in stream["metadata"]:
                if entry["metadata"].get("valid-replication-keys"):
                    keys = entry["metadata"]["valid-replication-keys"]
                    entry["metadata"] |= {
                        "replication-method": "INCREMENTAL",
                        "replication-key": keys[0],
                    }
                if not entry["breadcrumb"] or entry["metadata"].get("inclusion") != "unsupported":
                    entry["metadata"]["selected"] = chosen
        self.keep("catalog.json", catalog)
        return self._read()

    def read_since(self, moment: datetime) -> Reading:
        del moment
        return self._read("--state", self.keep("state.json", self.told["state"]))

    def _read(self, *more: str) -> Reading:
        config, catalog = str(self.desk / "config.json"), str(self.desk / "catalog.json")
        printed = self.run(
            self.room.program(self.program),
            *("--config", config, self.catalog_option, catalog, *more),
        )
        read: Reading = {}
        for line in lines(printed):
            if line["type"] == "RECORD":
                read.setdefault(line["stream"], []).append(str(line["record"].get(self.key)))
            elif line["type"] == "STATE":
                self.told["state"] = line["value"]
        return read


@dataclass(slots=True)
class TapSalesforce(Tap):
    """tap-salesforce, over REST, with a refresh token."""

    name = "tap_salesforce"
    package = "tap-salesforce"
    kind = SalesforceCrm
    program = "tap-salesforce"
    catalog_option = "--properties"
    key = "Id"

    def config(self) -> dict[str, Any]:
        return {
            "client_id": self.crm.auth["client_id"],
            "client_secret": self.crm.auth["client_secret"],
            "refresh_token": self.crm.refresh_token,
            "api_type": "REST",
            "start_date": "2015-01-01T00:00:00Z",
            "is_sandbox": False,
            "select_fields_by_default": True,
        }


@dataclass(slots=True)
class TapHubSpot(Tap):
    """Meltano's tap-hubspot, with associations."""

    name = "tap_hubspot"
    package = "meltano-tap-hubspot"
    kind = HubSpotCrm
    program = "tap-hubspot"
    key = "id"
    lacks = frozenset({"contracts"})
    whole = frozenset({"tickets"})

    def config(self) -> dict[str, Any]:
        return {
            "access_token": self.crm.auth["access_token"],
            "start_date": "2015-01-01T00:00:00Z",
            "custom_object_types": ["product_usage"],
            "associations": {"company": ["contact", "deal", "ticket"]},
        }
