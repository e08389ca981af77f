"""Pipelines and their stages."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from connectors.hubspot.sandbox.times import instant


class Stage(Struct):
    """A stage. Metadata values are text, as on the wire."""

    id: str
    label: str
    order: int
    metadata: dict[str, str]
    created: int = 0
    updated: int = 0
    archived: bool = False

    @property
    def closed(self) -> bool:
        """Whether a record in it is done with."""
        return self.metadata.get("isClosed") == "true"

    @property
    def probability(self) -> float | None:
        """Of winning a deal in it, 0 to 1; None where the pipeline has none."""
        text = self.metadata.get("probability")
        return None if text is None else float(text)

    def wire(self) -> dict[str, Any]:
        """The stage as the API shows it."""
        return {
            "label": self.label,
            "displayOrder": self.order,
            "metadata": self.metadata,
            "id": self.id,
            "createdAt": instant(self.created),
            "updatedAt": instant(self.updated),
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            "archived": self.archived,
        }


class Pipeline(Struct):
    """A pipeline of an object type."""

    id: str
    label: str
    order: int = 0
    stages: list[Stage] = field(default_factory=list)
    created: int = 0
    updated: int = 0
    archived: bool = False

    def stage(self, id: str) -> Stage | None:
        """Its stage of that id."""
        return next((one for one in self.stages if one.id == id), None)

    def wire(self) -> dict[str, Any]:
        """The pipeline as the API shows it."""
        return {
            "label": self.label,
            "displayOrder": self.order,
            "id": self.id,
            "stages": [one.wire() for one in sorted(self.stages, key=lambda s: s.order)],
            "createdAt": instant(self.created),
            "updatedAt": instant(self.updated),
            "archived": self.archived,
        }


def _stages(lines: str, key: str) -> list[Stage]:
    stages: list[Stage] = []
    for order, line in enumerate(lines.strip().splitlines()):
        id, label, value = (part.strip() for part in line.split("|"))
        if key == "probability":
            closed = "true" if value in ("1.0", "0.0") else "false"
        else:
            closed = "true" if value == "CLOSED" else "false"
        stages.append(Stage(id, label, order, {"isClosed": closed, key: value}))
    return stages


_DEALS = """
appointmentscheduled | Appointment Scheduled | 0.2
qualifiedtobuy | Qualified To Buy | 0.4
presentationscheduled | Presentation Scheduled | 0.6
decisionmakerboughtin | Decision Maker Bought-In | 0.8
contractsent | Contract Sent | 0.9
closedwon | Closed Won | 1.0
closedlost | Closed Lost | 0.0
"""
_TICKETS = """
1 | New | OPEN
2 | Waiting on contact | OPEN
3 | Waiting on us | OPEN
4 | Closed | CLOSED
"""
_SERVICES = """
new | New | OPEN
in_progress | In progress | OPEN
closed | Closed | CLOSED
"""
_LIFECYCLE = """
subscriber | Subscriber | OPEN
lead | Lead | OPEN
marketingqualifiedlead | Marketing Qualified Lead | OPEN
salesqualifiedlead | Sales Qualified Lead | OPEN
opportunity | Opportunity | OPEN
customer | Customer | OPEN
evangelist | Evangelist | OPEN
other | Other | OPEN
"""


def standard() -> dict[str, list[Pipeline]]:
    """A new portal's pipelines by object type id."""
    return {
        "0-1": [
            Pipeline(
                "contacts-lifecycle-pipeline",
                "Lifecycle Stage Pipeline",
                stages=_stages(_LIFECYCLE, "state"),
            )
        ],
        "0-2": [
            Pipeline(
                "companies-lifecycle-pipeline",
                "Lifecycle Stage Pipeline",
                stages=_stages(_LIFECYCLE, "state"),
            )
        ],
        "0-3": [Pipeline("default", "Sales Pipeline", stages=_stages(_DEALS, "probability"))],
        "0-5": [Pipeline("0", "Support Pipeline", stages=_stages(_TICKETS, "ticketState"))],
        "0-162": [Pipeline("services", "Service Pipeline", stages=_stages(_SERVICES, "state"))],
    }
