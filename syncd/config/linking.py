"""``[link]``: which accounts of several connections are the same customer."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from syncd.errors import Problem
from syncd.link import PRECEDENCE_NAMES, LinkRules, Pair, Place
from syncd.located import Loc, LocatedToml, did_you_mean

AT_LEAST = 2
"""It takes two to be linked."""


class LinkTable(BaseModel):
    """``[link]``. Without connections nothing is linked: each connection is a book of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connections: tuple[str, ...] = Field(
        (), description="connections that are one book; an account's first of these leads it"
    )
    by: tuple[Literal["id", "domain"], ...] = Field(
        ("id", "domain"),
        description="how accounts are matched, the stronger first: id (account.link), domain",
    )
    shared_domains: tuple[str, ...] = Field(
        (), description="domains that say nothing, such as a reseller's"
    )
    pairs: tuple[dict[str, str], ...] = Field(
        (), description="accounts that are one customer: record ids by connection"
    )
    file: str = Field("", description="more pairs: a CSV file with a column for each connection")
    never: tuple[dict[str, str], ...] = Field(
        (), description="accounts that are different customers: record ids by connection"
    )
    precedence: dict[str, tuple[str, ...]] = Field(
        {}, description="whose word counts: connections by account field, by kind, or by default"
    )
    tasks: str = Field("", description="the connection that gets the tasks; empty: the first")


class LinkReader:
    """Makes the rules of the table, gathering what is wrong with it in `found`."""

    def __init__(self, located: LocatedToml, folder: Path, connections: Sequence[str]) -> None:
        """`folder` is where the config stands, `connections` are those that it has."""
        self._located = located
        self._folder = folder
        self._names = connections
        self.found: list[Problem] = []

    def read(self, table: LinkTable) -> LinkRules | None:
        """The rules; None when nothing is to be linked or something is wrong."""
        linked = table.connections
        self._check_connections(linked)
        if not linked:
            return None
        for key, order in table.precedence.items():
            if key not in PRECEDENCE_NAMES:
                hint = did_you_mean(key, PRECEDENCE_NAMES) or (
                    "an account's field, opportunity, contract, contact, ticket, activity, usage, "
                    "or default"
                )
                self._wrong(("precedence", key), f'"{key}" cannot be decided between CRMs', hint)
            for at, name in enumerate(order):
                self._among(("precedence", key, at), name, linked)
        if table.tasks:
            self._among(("tasks",), table.tasks, linked)
        pairs = [*self._listed("pairs", table.pairs, linked), *self._file(table.file, linked)]
        never = self._listed("never", table.never, linked)
        self._check_once(pairs)
        if self.found:
            return None
        return LinkRules(
            connections=linked,
            by=table.by,
            pairs=tuple(pair for _, pair in pairs),
            never=tuple(pair for _, pair in never),
            shared_domains=frozenset(domain.lower() for domain in table.shared_domains),
            precedence=dict(table.precedence),
            tasks=table.tasks,
        )

    def _wrong(self, loc: Loc, text: str, hint: str = "") -> None:
        self.found.append(self._located.problem(("link", *loc), text, hint))

    def _among(self, loc: Loc, name: str, linked: Sequence[str]) -> None:
        if name not in linked:
            hint = did_you_mean(name, linked) or f"linked are {', '.join(linked) or 'none'}"
            self._wrong(loc, f'"{name}" is none of the linked connections', hint)

    def _check_connections(self, linked: Sequence[str]) -> None:
        for at, name in enumerate(linked):
            if name not in self._names:
                hint = did_you_mean(name, self._names) or "[connections] has no such connection"
                self._wrong(("connections", at), f'there is no connection "{name}"', hint)
            elif name in linked[:at]:
                self._wrong(("connections", at), f'"{name}" is named twice', "name it once")
        if len(linked) == 1:
            self._wrong(("connections",), "one connection cannot be linked", "name two or more")
        table = self._located.value.get("link")
        if not linked and isinstance(table, dict) and table.keys() - {"connections"}:
            given = any(value not in ([], {}, "", ["id", "domain"]) for value in table.values())
            if given:
                text = "[link] names no connections, so that nothing is linked"
                self._wrong((), text, 'connections = ["salesforce", "hubspot"]')

    def _listed(
        self, key: str, listed: Sequence[Mapping[str, str]], linked: Sequence[str]
    ) -> list[tuple[Problem, Pair]]:
        found = []
        for at, entry in enumerate(listed):
            for name in entry:
                self._among((key, at, name), name, linked)
            if len(entry) < AT_LEAST:
                hint = '{ salesforce = "001…", hubspot = "123" }'
                self._wrong((key, at), "this names one account; it takes two", hint)
            place = self._located.problem(("link", key, at), "")
            found.append((place, tuple((name, id.strip()) for name, id in entry.items())))
        return found

    def _file(self, name: str, linked: Sequence[str]) -> list[tuple[Problem, Pair]]:
        """The hand-kept list as CSV: a heading of connections, a customer a line."""
        if not name:
            return []
        path = self._folder / name
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            self._wrong(("file",), f"cannot read {name}: {reason}", "paths begin at the config")
            return []
        rows = csv.reader(io.StringIO(text, newline=""))
        heading = [cell.strip() for cell in next(rows, [])]
        for connection in heading:
            if connection not in linked:
                hint = did_you_mean(connection, linked) or f"linked are {', '.join(linked)}"
                text = f'the heading "{connection}" is none of the linked connections'
                self.found.append(Problem(name, 1, 1, text, hint))
        if len(heading) < AT_LEAST:
            hint = ",".join(linked)
            self.found.append(Problem(name, 1, 1, "the heading names no two connections", hint))
        return list(self._rows(name, heading, rows))

    def _rows(
        self, name: str, heading: Sequence[str], rows: Iterator[list[str]]
    ) -> Iterator[tuple[Problem, Pair]]:
        for line, cells in enumerate(rows, start=2):
            ids = [cell.strip() for cell in cells]
            places: Pair = tuple(
                (connection, id) for connection, id in zip(heading, ids, strict=False) if id
            )
            if not places:
                continue
            if len(places) < AT_LEAST or len(ids) > len(heading):
                text = "this line names one account; it takes two"
                hint = f"the columns are {', '.join(heading)}"
                if len(ids) > len(heading):
                    text = f"this line has {len(ids)} columns, the heading {len(heading)}"
                self.found.append(Problem(name, line, 1, text, hint))
                continue
            yield Problem(name, line, 1, ""), places

    def _check_once(self, pairs: Sequence[tuple[Problem, Pair]]) -> None:
        """An account that stands in two pairs could be two customers."""
        seen: dict[Place, Problem] = {}
        for at, pair in pairs:
            for place in pair:
                if place in seen:
                    first = seen[place]
                    text = f"{place[0]} {place[1]} is paired twice"
                    hint = f"also in {first.file}:{first.line}; write one entry with all its ids"
                    self.found.append(Problem(at.file, at.line, at.column, text, hint))
                seen.setdefault(place, at)


__all__ = ["LinkReader", "LinkTable"]
