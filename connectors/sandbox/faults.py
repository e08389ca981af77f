"""Faults that a sandbox strikes its clients with: what a CRM, and the networks before it, do.

The same list serves tests (`Faults.add`), ``syncd sandbox --faults FILE`` and, while a sandbox
runs, ``/_sandbox/faults``. docs/faults.md describes the file.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct, field

ALWAYS = ("drop", "truncated", "empty", "html", "expired")
"""The answers that every sandbox knows. "expired" ends all logins and lets the call through."""

PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"


class Rows(Struct, frozen=True, forbid_unknown_fields=True):
    """Rows of a batch that are refused, each with the chance `share`, in the CRM's own words."""

    code: str
    message: str = ""
    fields: tuple[str, ...] = ()
    share: float = 1.0


class Fault(Struct, forbid_unknown_fields=True):
    """What to do to calls whose method and path fit.

    `path` is a glob (``*`` is any text), `pattern` a regular expression found anywhere in the
    path. The first `skip` calls are spared, then `times` are struck (0: all), each with the chance
    `share`, and no two within `every` seconds. `delay` is in seconds. With `applies` the call is
    carried out, and its answer lost.

    `answer` is one of ALWAYS or of the sandbox's own; or `status` is answered, with `body` (else
    a gateway's web page) and `headers`. With none of them the fault only delays, or spoils `rows`.
    """

    answer: str = ""
    method: str = "*"
    path: str = "*"
    pattern: str = ""
    times: int = 1
    skip: int = 0
    share: float = 1.0
    every: float = 0.0
    delay: float = 0.0
    applies: bool = False
    status: int = 0
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    rows: Rows | None = None


class Storm(Struct, forbid_unknown_fields=True):
    """A file of faults. `seed` is that of their chances; `latency`, in seconds, is every call's."""

    seed: int = 7
    latency: float = 0.0
    fault: list[Fault] = field(default_factory=list)


class Answer(Struct, frozen=True):
    """A false answer."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    media: str = "application/json;charset=utf-8"


def answer_json(status: int, body: Any, headers: dict[str, str] | None = None) -> Answer:
    """A false answer in the CRM's own shape."""
    return Answer(status, msgspec.json.encode(body), headers or {})


def answer_page(status: int, title: str) -> Answer:
    """A false answer that is a web page, as gateways give."""
    return Answer(status, PAGE.format(title).encode(), {}, "text/html")


_spoiling: ContextVar[tuple[Rows, random.Random] | None] = ContextVar("spoiling", default=None)


def spoiled_row() -> Rows | None:
    """Whether the fault of the call in hand spoils the row in hand; asked once for each row."""
    found = _spoiling.get()
    if found is None:
        return None
    rows, chance = found
    return rows if chance.random() < rows.share else None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


class Faults:
    """The faults to come, in order; the first that fits a call strikes it."""

    def __init__(self, answers: Mapping[str, Answer], seed: int = 7) -> None:
        """No faults. `answers` are the sandbox's own, by name."""
        self.answers = answers
        self.waiting: list[Fault] = []
        self.latency = 0.0
        self._struck: dict[int, float] = {}
        self._chance = random.Random(seed)  # noqa: S311 - chances of a test, not a secret

    def set(self, faults: Iterable[Fault]) -> None:
        """Replace all faults. Raises ValueError that names the fault (from 0) that is wrong."""
        wanted = list(faults)
        for number, fault in enumerate(wanted):
            problem = self._wrong(fault)
            if problem:
                raise ValueError(f"{problem} - at `$.fault[{number}]`")
        self.waiting = wanted
        self._struck.clear()

    def add(self, *faults: Fault) -> None:
        """Add to them."""
        for fault in faults:
            problem = self._wrong(fault)
            if problem:
                raise ValueError(problem)
        self.waiting.extend(faults)

    def take(self, document: Any) -> None:
        """Begin the storm of a decoded file (or of a plain list of faults).

        Raises ValueError whose text ends in the place, such as ``- at `$.fault[1].share```.
        """
        whole = {"fault": document} if isinstance(document, list) else document
        storm = msgspec.convert(whole, Storm)
        self.set(storm.fault)
        self.latency = storm.latency
        self._chance.seed(storm.seed)

    def _wrong(self, fault: Fault) -> str:
        """What is wrong with a fault; empty if nothing is."""
        if fault.answer and fault.answer not in {*ALWAYS, *self.answers}:
            names = ", ".join([*ALWAYS, *self.answers])
            return f"there is no answer {fault.answer!r}; there are: {names}"
        if fault.status and not 200 <= fault.status <= 599:  # noqa: PLR2004 - what HTTP has
            return f"{fault.status} is no status of an answer"
        try:
            _compiled(fault.pattern)
        except re.error as error:
            return f"the pattern {fault.pattern!r} is no regular expression: {error}"
        return ""

    def strike(self, method: str, path: str) -> Fault | None:
        """The fault that strikes this call."""
        for fault in self.waiting:
            if not _fits(fault, method, path):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            now = time.monotonic()
            last = self._struck.get(id(fault))
            if fault.every and last is not None and now - last < fault.every:
                continue
            if fault.share < 1.0 and self._chance.random() >= fault.share:
                continue
            self._struck[id(fault)] = now
            if fault.times:
                fault.times -= 1
                if not fault.times:
                    self.waiting = [one for one in self.waiting if one is not fault]
            return fault
        return None

    def answer_to(self, fault: Fault) -> Answer | None:
        """The complete false answer that the fault gives; None where it has none of its own."""
        if fault.status:
            if fault.body is None:
                page = answer_page(fault.status, f"{fault.status} (a fault)")
                return msgspec.structs.replace(page, headers=fault.headers)
            media = "application/json" if fault.body.startswith(("{", "[")) else "text/html"
            return Answer(fault.status, fault.body.encode(), fault.headers, media)
        if fault.answer == "empty":
            return Answer(200, b"")
        if fault.answer == "html":
            return answer_page(200, "Sign in to the network")
        return self.answers.get(fault.answer)

    def spoil(self, fault: Fault) -> None:
        """Let `spoiled_row` refuse rows for the rest of this call."""
        _spoiling.set(None if fault.rows is None else (fault.rows, self._chance))


def _fits(fault: Fault, method: str, path: str) -> bool:
    return (
        fault.method in ("*", method)
        and fnmatchcase(path, fault.path)
        and (not fault.pattern or _compiled(fault.pattern).search(path) is not None)
    )
