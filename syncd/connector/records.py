"""What is read: sources, records, pages and cursors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from msgspec import Struct

Cursor: TypeAlias = dict[str, Any]
"""JSON that a connector gave out with a page and gets back at the next pull."""


class Association(Struct, frozen=True):
    """Records linked to the pulled one. `label` None takes any link, the primary one first."""

    to: str
    label: str | None = None

    @property
    def key(self) -> str:
        """Where `Record.links` keeps the linked ids: ``companies`` or ``companies:Partner``."""
        return self.to if self.label is None else f"{self.to}:{self.label}"


class Source(Struct, frozen=True):
    """What to read of one object. `name` is unique within a connection and stable between runs.

    `where` is the CRM's own filter language: a SOQL condition, or a tuple of HubSpot filters.
    `keep_deleted` asks for tombstones with their fields (tasks: a deleted task stays known).
    """

    name: str
    object: str
    fields: tuple[str, ...]
    associations: tuple[Association, ...] = ()
    where: str | tuple[Mapping[str, Any], ...] | None = None
    keep_deleted: bool = False


class Record(Struct, frozen=True):
    """One record as the CRM gives it. `fields` has every asked field, by the asked name or path.

    `gone`: deleted, archived, or no longer matching the source's `where`.
    `merged_into`: the surviving record's id, where the CRM says so.
    """

    id: str
    fields: dict[str, Any]
    links: dict[str, tuple[str, ...]] = {}
    modified_at: datetime | None = None
    gone: bool = False
    merged_into: str | None = None


class Page(Struct, frozen=True):
    """Some records of a source, and the cursor that covers them and all pages before.

    Storing the records and the cursor in one transaction loses nothing whenever the process dies.
    `cursor` None: keep the cursor as it was (the pull can only be begun again).
    """

    records: Sequence[Record]
    cursor: Cursor | None = None
