"""``POST /crm/v3/objects/{type}/search``: filters, sorts and paging over an index that may lag."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from connectors.hubspot.sandbox import reading
from connectors.hubspot.sandbox.api import Api, Reply, Request, Route
from connectors.hubspot.sandbox.errors import ApiError, bad_input
from connectors.hubspot.sandbox.filters import OPERATORS, Predicate, predicate, reader
from connectors.hubspot.sandbox.kinds import Kind
from connectors.hubspot.sandbox.portal import Portal
from connectors.hubspot.sandbox.shapes import View
from connectors.hubspot.sandbox.table import Row, Table
from connectors.hubspot.sandbox.times import parse

PAGE, DEFAULT_PAGE = 200, 10
LAST_RESULT = 10_000
MOST_GROUPS, MOST_FILTERS, MOST_FILTERS_ALL = 5, 6, 18
LONGEST_BODY = 3_000
_REMEMBERED = 16
_ID = "hs_object_id"

Filter = Mapping[str, Any]
Found = tuple[Row, dict[str, str]]
"""A record and its values as the index has them."""


class Asked(Struct, frozen=True):
    """A checked search. `from_id` is the bound that keyset paging moves: ids from there on."""

    groups: list[list[Filter]]
    sort: str
    descending: bool
    query: str
    limit: int
    after: int
    from_id: int


class Index:
    """Answers searches; the last answers are kept for as long as their records stay the same."""

    def __init__(self, portal: Portal) -> None:
        """Over a portal's tables."""
        self._portal = portal
        self._kept: OrderedDict[tuple[str, bytes], tuple[Table, int, list[int]]] = OrderedDict()

    def search(self, kind: Kind, asked: Asked) -> tuple[int, list[Found]]:
        """The number of matches, and the page that was asked for."""
        table, page = self._portal.table(kind), slice(asked.after, asked.after + asked.limit)
        if not self._portal.search_lag and asked.sort == _ID and not asked.descending:
            ids = self._matching_ids(kind, table, asked)
            first = bisect_left(ids, asked.from_id)
            shown = ids[first + page.start : first + page.stop]
            return len(ids) - first, [(table.rows[id], table.rows[id].properties) for id in shown]
        scan = self._lagging if self._portal.search_lag else self._scan
        found = [one for one in scan(kind, table, asked) if one[0].id >= asked.from_id]
        return len(found), self._sorted(kind, found, asked)[page]

    def _matching_ids(self, kind: Kind, table: Table, asked: Asked) -> list[int]:
        key = (kind.id, msgspec.json.encode((asked.groups, asked.query)))
        known = self._kept.get(key)
        if known is not None and known[0] is table and known[1] == table.version:
            self._kept.move_to_end(key)
            return known[2]
        ids = sorted(row.id for row, _ in self._scan(kind, table, asked))
        self._kept[key] = (table, table.version, ids)
        while len(self._kept) > _REMEMBERED:
            self._kept.popitem(last=False)
        return ids

    def _scan(self, kind: Kind, table: Table, asked: Asked) -> list[Found]:
        holds = self._predicate(kind, asked)
        return [
            (row, row.properties)
            for row in self._candidates(kind, table, asked)
            if holds(row, row.properties)
        ]

    def _candidates(self, kind: Kind, table: Table, asked: Asked) -> Iterable[Row]:
        if len(asked.groups) == 1:
            for one in asked.groups[0]:
                recent = one["operator"] in ("GT", "GTE", "BETWEEN")
                if one["propertyName"] == kind.modified and recent:
                    since = parse(str(one.get("value")))
                    if since is not None:
                        return table.since(since)
        return (table.rows[id] for id in table.live)

    def _lagging(self, kind: Kind, table: Table, asked: Asked) -> list[Found]:
        seen_until = self._portal.now() - self._portal.search_lag
        holds = self._predicate(kind, asked)
        found: list[Found] = []
        for id in table.live:
            row = table.rows[id]
            values: dict[str, str] | None = row.properties
            if row.past:
                row.past = [one for one in row.past if one[0] > seen_until] or None
                values = row.past[0][1] if row.past else row.properties
            if values is not None and holds(row, values):
                found.append((row, values))
        return found

    def _predicate(self, kind: Kind, asked: Asked) -> Callable[[Row, dict[str, str]], bool]:
        groups = [[self._condition(kind, one) for one in group] for group in asked.groups]
        words = asked.query.lower().split()

        def holds(row: Row, values: dict[str, str]) -> bool:
            if groups and not any(all(c(row, values) for c in group) for group in groups):
                return False
            if not words:
                return True
            text = " ".join(values.values()).lower()
            return all(word in text for word in words)

        return holds

    def _condition(self, kind: Kind, one: Filter) -> Callable[[Row, dict[str, str]], bool]:
        name, operator = str(one["propertyName"]), str(one["operator"])
        if name.startswith("associations."):
            return self._associated(kind, name.removeprefix("associations."), operator, one)
        property = self._portal.catalogue.find(kind.id, name)
        if property is None:
            raise ApiError(
                400,
                f"There was a problem with the request: property {name} does not exist",
                context={"propertyName": [name]},
            )
        holds: Predicate = predicate(property, operator, one)
        return lambda _row, values: holds(values)

    def _associated(
        self, kind: Kind, name: str, operator: str, one: Filter
    ) -> Callable[[Row, dict[str, str]], bool]:
        other = self._portal.kinds.find(name)
        if kind.custom or other.custom:
            raise ApiError(400, "associations of custom objects cannot be searched by")
        wanted = {str(v) for v in one.get("values") or [one.get("value")]}
        pair, graph = (kind.id, other.id), self._portal.graph

        def holds(row: Row, _values: dict[str, str]) -> bool:
            held = {str(id) for id in graph.targets(pair, row.id)}
            if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
                return bool(held) is (operator == "HAS_PROPERTY")
            return bool(held & wanted) is (operator in ("EQ", "IN"))

        return holds

    def _sorted(self, kind: Kind, found: list[Found], asked: Asked) -> list[Found]:
        property = self._portal.catalogue.find(kind.id, asked.sort)
        if property is None:
            raise ApiError(400, f"property {asked.sort} to sort by does not exist")
        read = reader(property)
        with_value: list[tuple[Any, int, Found]] = []
        without: list[Found] = []
        for one in found:
            text = one[1].get(asked.sort)
            value = None if text is None else read(text)
            if value is None:
                without.append(one)
            else:
                with_value.append((value, one[0].id, one))
        with_value.sort(key=lambda entry: entry[:2], reverse=asked.descending)
        return [one for _, _, one in with_value] + without


def parse_search(request: Request, kind: Kind) -> Asked:
    """Check a search's body against the documented limits. Raises ApiError (400)."""
    body = request.json()
    if len(request.body) > LONGEST_BODY:
        raise ApiError(400, f"The request body is over the limit of {LONGEST_BODY} characters.")
    groups = body.get("filterGroups") or []
    if not groups and body.get("filters"):
        groups = [{"filters": body["filters"]}]
    filters = [_filters(group) for group in groups]
    if len(filters) > MOST_GROUPS:
        raise ApiError(400, f"Maximum number of filter groups ({MOST_GROUPS}) exceeded")
    if any(len(group) > MOST_FILTERS for group in filters):
        raise ApiError(400, f"Maximum number of filters in a group ({MOST_FILTERS}) exceeded")
    if sum(map(len, filters)) > MOST_FILTERS_ALL:
        raise ApiError(400, f"Maximum number of filters ({MOST_FILTERS_ALL}) exceeded")
    limit = _whole(body.get("limit"), DEFAULT_PAGE, "limit")
    if not 0 <= limit <= PAGE:
        raise ApiError(400, f"limit must be between 0 and {PAGE}; it is {limit}")
    after = _whole(body.get("after"), 0, "after")
    if after + limit > LAST_RESULT:
        raise ApiError(400, f"The total results of a search are limited to {LAST_RESULT}.")
    sort, descending = _sort(body.get("sorts") or (), kind)
    filters, from_id = _keyset(filters)
    return Asked(filters, sort, descending, str(body.get("query") or ""), limit, after, from_id)


def _keyset(groups: list[list[Filter]]) -> tuple[list[list[Filter]], int]:
    if len(groups) != 1:
        return groups, 0
    kept: list[Filter] = []
    first = 0
    for one in groups[0]:
        value = str(one.get("value"))
        if one["propertyName"] == _ID and one["operator"] in ("GT", "GTE") and value.isdecimal():
            first = max(first, int(value) + (one["operator"] == "GT"))
        else:
            kept.append(one)
    return [kept] if kept else [], first


def _filters(group: Any) -> list[Filter]:
    found = group.get("filters") if isinstance(group, dict) else None
    if not isinstance(found, list) or not found:
        raise bad_input("a filter group needs filters")
    for one in found:
        if not isinstance(one, dict) or not one.get("propertyName"):
            raise bad_input("a filter needs a propertyName")
        if one.get("operator") not in OPERATORS:
            raise bad_input(
                f"{one.get('operator') or ''!r} is no operator; one of {', '.join(OPERATORS)}"
            )
    return found


def _sort(sorts: Any, kind: Kind) -> tuple[str, bool]:
    if not isinstance(sorts, list | tuple):
        raise bad_input("sorts must be a list")
    if len(sorts) > 1:
        raise ApiError(400, "Only one sort is allowed")
    if not sorts:
        return kind.created, False
    one = sorts[0]
    if isinstance(one, str):
        return one.removeprefix("-"), one.startswith("-")
    one = reading.mapping(one, "a sort")
    return reading.key(one, "propertyName"), one.get("direction") == "DESCENDING"


def _whole(value: Any, default: int, name: str) -> int:
    if value in (None, ""):
        return default
    if not str(value).isdecimal():
        raise bad_input(f"{name} must be a number")
    return int(value)


def routes(portal: Portal) -> tuple[Route, ...]:
    """The search over an index of the portal."""
    index = Index(portal)

    def search(api: Api, request: Request) -> Reply:
        kind = api.kind(request)
        asked = parse_search(request, kind)
        total, found = index.search(kind, asked)
        view = View(portal, kind, [str(name) for name in request.json().get("properties") or ()])
        end = asked.after + asked.limit
        body: dict[str, Any] = {
            "total": total,
            "results": [view.row(row, held) for row, held in found],
        }
        if end < total:
            body["paging"] = {"next": {"after": str(end)}}
        return Reply(body, rows=len(body["results"]))

    return (("POST", "/crm/v3/objects/{type}/search", search),)
