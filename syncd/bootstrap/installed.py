"""The connectors and sandboxes that are installed, by name."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

CONNECTORS = "syncd.connectors"

SANDBOXES = "syncd.sandboxes"


def _installed(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=group)}


def connector_names() -> list[str]:
    """The names of all installed connectors."""
    return sorted(_installed(CONNECTORS))


def is_shipped(name: str) -> bool:
    """Whether the connector comes with syncd."""
    point = _installed(CONNECTORS)[name]
    return point.dist is not None and point.dist.name == "syncd"


def find_connector(name: str) -> Any:
    """The connector class registered under that name; None when there is none."""
    point = _installed(CONNECTORS).get(name)
    return None if point is None else point.load()


def sandbox_names() -> list[str]:
    """The names of all installed sandboxes."""
    return sorted(_installed(SANDBOXES))


def find_sandbox(name: str) -> Any:
    """The sandbox class registered under that name. Raises KeyError."""
    return _installed(SANDBOXES)[name].load()
