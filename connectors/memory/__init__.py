"""A connector to records in memory: `connector` is the one to copy, `crm` what it speaks to."""

from __future__ import annotations

from connectors.memory.connector import MemoryConnector, MemorySettings
from connectors.memory.crm import Crm

__all__ = ["Crm", "MemoryConnector", "MemorySettings"]
