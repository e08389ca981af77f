"""Config → connectors, mappings, store: the only place that wires."""

from __future__ import annotations

from syncd.bootstrap.installed import (
    connector_names,
    find_connector,
    find_sandbox,
    is_shipped,
    sandbox_names,
)
from syncd.bootstrap.instance import instance_name, process_lives
from syncd.bootstrap.loading import Loaded, load, other_policy
from syncd.bootstrap.wiring import Wired, wired

__all__ = [
    "Loaded",
    "Wired",
    "connector_names",
    "find_connector",
    "find_sandbox",
    "instance_name",
    "is_shipped",
    "load",
    "other_policy",
    "process_lives",
    "sandbox_names",
    "wired",
]
