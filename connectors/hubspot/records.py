"""HubSpot's rows turned into records, and what to ask for so that they can be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from connectors.hubspot import filters
from connectors.hubspot.pipelines import Pipelines, foreign, needed
from syncd.connector import Record, Source
from syncd.errors import RequestError

Row: TypeAlias = dict[str, Any]
"""One element of ``results``: ``{"id", "properties": {name: text or null}, "updatedAt", ...}``."""

_MERGED = "hs_merged_object_ids"
_CONTACTS = ("contacts", "contact", "0-1")
_MERGEABLE = {
    *_CONTACTS,
    "companies",
    "company",
    "0-2",
    "deals",
    "deal",
    "0-3",
    "tickets",
    "ticket",
}
_MERGEABLE |= {"0-5"}


def modified_property(object: str) -> str:
    """Where HubSpot keeps the time of a record's last change."""
    return "lastmodifieddate" if object.lower() in _CONTACTS else "hs_lastmodifieddate"


class Reading:
    """One source as it is read: its properties, its filter, and how a row becomes a record."""

    def __init__(self, source: Source, pipelines: Pipelines) -> None:
        """Raises RequestError when `where` is no list of HubSpot filters."""
        if isinstance(source.where, str):
            raise RequestError(
                f"{source.object}: HubSpot's where is a list of filters such as "
                "[{ propertyName = 'lifecyclestage', operator = 'EQ', value = 'customer' }]"
            )
        self.source = source
        self.object = source.object
        self.where: tuple[Mapping[str, Any], ...] = source.where or ()
        self.properties = tuple(
            dict.fromkeys(name for field in source.fields for name in needed(field))
        )
        self._pipelines = pipelines

    @property
    def joined(self) -> dict[str, tuple[str, ...]]:
        """The fields of linked records that are asked for, by their object."""
        found: dict[str, tuple[str, ...]] = {}
        for object, field in filter(None, map(foreign, self.source.fields)):
            found[object] = (*found.get(object, ()), field)
        return found

    @property
    def pulled(self) -> tuple[str, ...]:
        """The properties, and what tells of records that went into this one."""
        merges = self.object.lower() in _MERGEABLE
        return tuple(dict.fromkeys((*self.properties, *((_MERGED,) if merges else ()))))

    @property
    def with_filters(self) -> tuple[str, ...]:
        """The properties, and those that `where` looks at."""
        named = (str(f.get("propertyName") or "") for f in self.where)
        return tuple(dict.fromkeys((*self.properties, *(n for n in named if n))))

    @property
    def with_merges(self) -> tuple[str, ...]:
        """The properties, those of `where`, and the ids that were merged into a record."""
        return tuple(dict.fromkeys((*self.with_filters, _MERGED)))

    def left(self, row: Row) -> bool:
        """Whether the row surely does not match `where`; false where only HubSpot can tell."""
        return filters.matches(self.where, row.get("properties") or {}) is False

    def record(
        self,
        row: Row,
        links: dict[str, tuple[str, ...]] | None = None,
        *,
        gone: bool = False,
        joined: Mapping[str, Any] | None = None,
    ) -> Record:
        """The row as a record; an archived row is `gone`. `joined`: fields of linked records."""
        properties = row.get("properties") or {}
        fields: dict[str, Any] = {}
        for field in self.source.fields:
            if field in properties:
                fields[field] = _text(properties[field])
            elif joined is not None and field in joined:
                fields[field] = joined[field]
            else:
                fields[field] = self._pipelines.value(
                    self.object, field, properties, asked=self.source.fields
                )
        archived = bool(row.get("archived"))
        stamp = (row.get("archivedAt") if archived else None) or row.get("updatedAt")
        return Record(
            id=str(row["id"]),
            fields=fields,
            links=links if links is not None else {},
            modified_at=moment(stamp),
            gone=gone or archived,
        )


def _text(value: Any) -> str | None:
    """HubSpot's values are text or null; a number or truth that comes bare means the same."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def merged_ids(row: Row) -> tuple[str, ...]:
    """The ids of the records that were merged into this one."""
    text = (row.get("properties") or {}).get(_MERGED) or ""
    return tuple(id.strip() for id in str(text).split(";") if id.strip())


def moment(text: object) -> datetime | None:
    """A time as HubSpot writes it; None where there is none."""
    if not isinstance(text, str) or not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
