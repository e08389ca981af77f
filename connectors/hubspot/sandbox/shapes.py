"""Records as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from connectors.hubspot.sandbox.kinds import Kind
from connectors.hubspot.sandbox.portal import Portal
from connectors.hubspot.sandbox.table import Row
from connectors.hubspot.sandbox.times import instant

_UI = "https://app.hubspot.com"


class View:
    """What a call asked to see of records of one type."""

    def __init__(
        self,
        portal: Portal,
        kind: Kind,
        properties: Sequence[str] = (),
        *,
        history: Sequence[str] = (),
        associations: Sequence[Kind] = (),
    ) -> None:
        """Properties that do not exist are left out, without a word."""
        live = portal.catalogue.live(kind.id)
        asked = properties or kind.defaults
        self._names = sorted({n for n in asked if n in live}.union(kind.always))
        self._history = sorted(n for n in set(history) if n in live)
        self._portal = portal
        self._kind = kind
        self._associations = associations
        page = "view/all/task" if kind.name == "tasks" else f"record/{kind.id}"
        area = "tasks" if kind.name == "tasks" else "contacts"
        self._url = f"{_UI}/{area}/{portal.id}/{page}/"

    def row(self, row: Row, held: dict[str, str] | None = None) -> dict[str, Any]:
        """A record; `held` are its properties where they are not the present ones."""
        values = row.properties if held is None else held
        get = values.get
        return self._frame(row, {name: get(name) for name in self._names}, values)

    def _frame(
        self, row: Row, properties: dict[str, str | None], values: dict[str, str]
    ) -> dict[str, Any]:
        shown: dict[str, Any] = {"id": str(row.id), "properties": properties}
        if self._history:
            shown["propertiesWithHistory"] = {
                name: history(self._portal, self._kind, row, name) for name in self._history
            }
        shown["createdAt"] = values[self._kind.created]
        shown["updatedAt"] = values[self._kind.modified]
        shown["archived"] = row.archived is not None
        if row.archived is not None:
            shown["archivedAt"] = instant(row.archived)
        if self._associations:
            found = self._associated(row)
            if found:
                shown["associations"] = found
        shown["url"] = f"{self._url}{row.id}"
        return shown

    def _associated(self, row: Row) -> dict[str, Any]:
        portal, found = self._portal, dict[str, Any]()
        for other in self._associations:
            pair = (self._kind.id, other.id)
            results = [
                {"id": str(target), "type": type_name(portal, self._kind, other, one)}
                for target, types in portal.graph.targets(pair, row.id).items()
                for one in types
            ]
            if results:
                found[other.name] = {"results": results}
        return found


def type_name(portal: Portal, kind: Kind, other: Kind, type_id: int) -> str:
    """Such as ``deal_to_company`` (the primary one) and ``deal_to_company_unlabeled``."""
    name = f"{kind.singular}_to_{other.singular}"
    label = portal.labels.by_id(kind.id, other.id, type_id)
    text = label.label if label is not None else "Primary"
    if text is None:
        return f"{name}_unlabeled" if portal.labels.primary(kind.id, other.id) else name
    if text == "Primary":
        return name
    return text.lower().replace(" ", "_")


def history(portal: Portal, kind: Kind, row: Row, name: str) -> list[dict[str, Any]]:
    """A property's values, the newest first."""
    return [
        {
            "value": value if value is not None else "",
            "timestamp": instant(at),
            "sourceType": source,
            "sourceId": "sandbox",
        }
        for value, at, source in portal.table(kind).versions(row, name)
    ]


def written(
    portal: Portal, kind: Kind, row: Row, named: Iterable[str], *, whole: bool = False
) -> dict[str, Any]:
    """A record as the answer to a write: what was sent and what HubSpot itself keeps."""
    live, wanted = portal.catalogue.live(kind.id), {*named, *kind.always}
    properties = {
        name: value
        for name, value in sorted(row.properties.items())
        if name in wanted or (name in live and (whole or live[name].read_only))
    }
    for name in wanted - properties.keys():
        if name in live:
            properties[name] = ""
    view = View(portal, kind)
    shown = view.row(row)
    shown["properties"] = dict(sorted(properties.items()))
    return shown
