"""Airbyte's sources: programs that print CATALOG, RECORD, STATE and TRACE messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from crm import HubSpotCrm, SalesforceCrm
from peer import Peer, Reading, lines
from room import PeerError


@dataclass(slots=True)
class Source(Peer):
    """Checks, discovers, reads incrementally, and goes on from its own state."""

    program: ClassVar[str]
    key: ClassVar[str]
    called: ClassVar[dict[str, str]] = {}
    """The CRM's name of an object by the source's, where they differ."""

    def config(self) -> dict[str, Any]:
        """The source's settings."""
        raise NotImplementedError

    def read_all(self) -> Reading:
        config = self.keep("config.json", self.config())
        program = self.room.program(self.program)
        self._messages(self.run(program, "check", "--config", config))
        found = self._messages(self.run(program, "discover", "--config", config))
        streams = next(one for one in found if one["type"] == "CATALOG")["catalog"]["streams"]
        book = self.crm.ids()
        chosen = [
            {
                "stream": stream,
                "sync_mode": "incremental",
                "destination_sync_mode": "append",
                "cursor_field": stream.get("default_cursor_field") or [],
            }
            for stream in streams
            if self.called.get(stream["name"], stream["name"]) in book
        ]
        self.keep("catalog.json", {"streams": chosen})
        return self._read()

    def read_since(self, moment: datetime) -> Reading:
        del moment
        return self._read("--state", self.keep("state.json", list(self.told.values())))

    def _read(self, *more: str) -> Reading:
        config, catalog = str(self.desk / "config.json"), str(self.desk / "catalog.json")
        printed = self.run(
            self.room.program(self.program),
            *("read", "--config", config, "--catalog", catalog, *more),
        )
        read: Reading = {}
        for message in self._messages(printed):
            if message["type"] == "RECORD":
                record = message["record"]
                name = self.called.get(record["stream"], record["stream"])
                read.setdefault(name, []).append(str(record["data"].get(self.key)))
            elif message["type"] == "STATE":
                state = message["state"]
                self.told[state["stream"]["stream_descriptor"]["name"]] = state
        return read

    def _messages(self, printed: str) -> list[dict[str, Any]]:
        found = lines(printed)
        for one in found:
            if one["type"] == "TRACE" and one["trace"]["type"] == "ERROR":
                error = one["trace"]["error"]
                raise PeerError(str(error.get("internal_message") or error["message"])[:2000])
            status = one.get("connectionStatus", {}).get("status", "SUCCEEDED")
            if status != "SUCCEEDED":
                raise PeerError(f"check: {one}")
        return found


@dataclass(slots=True)
class AirbyteSalesforce(Source):
    """airbyte-source-salesforce, which reads through Bulk API 2.0."""

    name = "airbyte_salesforce"
    package = "airbyte-source-salesforce"
    kind = SalesforceCrm
    before = (3, 14)
    program = "source-salesforce"
    key = "Id"

    def config(self) -> dict[str, Any]:
        return {
            "client_id": self.crm.auth["client_id"],
            "client_secret": self.crm.auth["client_secret"],
            "refresh_token": self.crm.refresh_token,
            "auth_type": "Client",
            "is_sandbox": False,
            "start_date": "2015-01-01T00:00:00Z",
            "stream_slice_step": "P3650D",
        }


@dataclass(slots=True)
class AirbyteHubSpot(Source):
    """airbyte-source-hubspot, which reads lists at first and searches later."""

    name = "airbyte_hubspot"
    package = "airbyte-source-hubspot"
    kind = HubSpotCrm
    before = (3, 12)
    program = "source-hubspot"
    key = "id"
    lacks = frozenset({"contracts"})
    called: ClassVar[dict[str, str]] = {
        f"engagements_{name}": name for name in ("calls", "emails", "meetings", "notes", "tasks")
    }

    def config(self) -> dict[str, Any]:
        return {
            "start_date": "2015-01-01T00:00:00Z",
            "credentials": {
                "credentials_title": "Private App Credentials",
                "access_token": self.crm.auth["access_token"],
            },
        }
