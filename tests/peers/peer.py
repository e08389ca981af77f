"""What every peer is: a client that nobody here wrote, in a room of its own before a sandbox."""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from crm import Crm
from room import Room

Reading = dict[str, list[str]]
"""The ids of the records read, by the CRM's name of the object."""


@dataclass(slots=True)
class Peer(ABC):
    """`room` is where it is installed, `desk` where it works, `crm` the sandbox, `proxy` the way
    there.
    """

    name: ClassVar[str]
    package: ClassVar[str]
    kind: ClassVar[type[Crm]]
    home: ClassVar[str] = ""
    """The folder of its lists, where it shares them; else its name."""
    before: ClassVar[tuple[int, int]] = (4, 0)
    """The first Python that the package does not support."""
    lacks: ClassVar[frozenset[str]] = frozenset()
    """Objects of the book for which the client has no words."""
    whole: ClassVar[frozenset[str]] = frozenset()
    """Objects that the client always reads from the beginning."""
    counts_only: ClassVar[bool] = False
    """It gives records numbers of its own, so that only their count can be compared."""

    room: Room
    desk: Path
    crm: Crm
    proxy: str
    told: dict[str, Any] = field(default_factory=dict)

    @abstractmethod
    def read_all(self) -> Reading:
        """Read every object."""

    @abstractmethod
    def read_since(self, moment: datetime) -> Reading:
        """Read what has changed since; a client that keeps a state of its own goes by that."""

    def write(self) -> dict[str, int]:
        """Update, upsert and so on, checking each; how many records of each. Readers: nothing."""
        return {}

    @classmethod
    def folder(cls) -> str:
        """Where its lists and scripts are, below this folder."""
        return cls.home or cls.name

    @classmethod
    def version(cls, source: Path) -> str:
        """The pinned version."""
        manifest = source / "package.json"
        if manifest.exists():
            return str(json.loads(manifest.read_text())["dependencies"][cls.package])
        return (source / "requirements.in").read_text().strip().partition("==")[2]

    @property
    def environment(self) -> dict[str, str]:
        """What the client's process sees: the way to the sandbox and whom to trust, no more."""
        ca_file = str(self.crm.ca_file)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.desk),
            "LANG": "C.UTF-8",
            "HTTPS_PROXY": self.proxy,
            "https_proxy": self.proxy,
            "NODE_EXTRA_CA_CERTS": ca_file,
            "REQUESTS_CA_BUNDLE": ca_file,
            "CURL_CA_BUNDLE": ca_file,
            "SSL_CERT_FILE": ca_file,
            "DO_NOT_TRACK": "1",
            "RUNTIME__DLTHUB_TELEMETRY": "false",
        }

    def run(self, *command: str, folder: Path | None = None, **more: str) -> str:
        """Run a command at the peer's desk; what it printed."""
        where = folder or self.desk
        return self.room.run(*command, environment=self.environment | more, folder=where)

    def keep(self, name: str, content: Any) -> str:
        """Write a JSON file at the desk; its path."""
        path = self.desk / name
        path.write_text(json.dumps(content))
        return str(path)


def lines(text: str) -> list[dict[str, Any]]:
    """The JSON objects among the lines of an output."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]
