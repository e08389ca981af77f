"""Playbooks as they are run: shipped ones and the admin's own, parsed and checked at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Any

from jinja2 import TemplateSyntaxError
from msgspec import Struct
from rule_engine import DataType, Rule, errors

from syncd.errors import ConfigError, Problem
from syncd.located import did_you_mean
from syncd.playbooks.expressions import Expression, context_of
from syncd.playbooks.names import DATE, TEXT, TRUTH, types_for
from syncd.playbooks.wording import Template
from syncd.policy import PlaybookPolicy, Policy

ROLES = frozenset({"am", "csm", "ae", "am_manager", "ae_manager"})
_LITERAL = re.compile(r"(?<![\w.'-])\d+(?:\.\d+)?")
_DAY = re.compile(r"\bd'(\d{4}-\d\d-\d\d)")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_BUILTIN = re.compile(r"\$\w+")  # of the expression language: its clock and its dice
_TIMED = re.compile(r"\bdays_\w+\(|\btoday\b")
_NEEDED = ("when", "once_per", "assignee", "due", "subject")


class Playbook(Struct, frozen=True):
    """A playbook ready to be asked. `due` is a number of business days or an expression.

    `names` are those of the conditions, `dates` those of them that stand for days, and `days` the
    dates that are written there; so many days (`steps`) after one of these the answer can change.
    `daily`: they reckon with days, so that any day may change it.
    """

    id: str
    each: str | None
    when: Expression
    closes_when: Expression | None
    once_per: Expression
    assignees: tuple[str, ...]
    due: Expression | int
    priority: str
    subject: Template
    body: Template
    gone: Template | None
    names: frozenset[str]
    dates: tuple[str, ...]
    steps: tuple[int, ...]
    days: tuple[date, ...]
    daily: bool
    own: bool


class Playbooks(Struct, frozen=True):
    """All playbooks that are switched on, in their order."""

    items: tuple[Playbook, ...] = ()

    def __iter__(self) -> Iterator[Playbook]:
        """The playbooks, shipped ones first."""
        return iter(self.items)

    def forget(self) -> None:
        """Drop the answers that their expressions remember."""
        for playbook in self.items:
            for asked in (playbook.when, playbook.closes_when, playbook.once_per, playbook.due):
                if isinstance(asked, Expression):
                    asked.forget()


@lru_cache(maxsize=1)
def shipped() -> Mapping[str, PlaybookPolicy]:
    """The playbooks that ship with syncd, by id."""
    text = resources.files(__package__).joinpath("shipped.toml").read_text(encoding="utf-8")
    rows = [PlaybookPolicy.model_validate(row) for row in tomllib.loads(text)["playbooks"]]
    return {row.id: row for row in rows}


def compile_playbooks(policy: Policy) -> Playbooks:
    """The shipped playbooks with the policy's own, of one id the last.

    Raises ConfigError with every problem found.
    """
    rows = dict(shipped())
    problems: list[Problem] = []
    own: set[str] = set()
    for row in policy.playbooks:
        base = rows.get(row.id)
        given = row.model_dump(exclude_unset=True)
        rows[row.id] = row if base is None else base.model_copy(update=given)
        own.add(row.id)
    items: list[Playbook] = []
    for row in rows.values():
        if row.enabled:
            playbook, found = _compile(row, own=row.id in own)
            problems += found
            items += [playbook] if playbook is not None else []
    if problems:
        raise ConfigError(problems)
    return Playbooks(tuple(items))


def _compile(row: PlaybookPolicy, *, own: bool) -> tuple[Playbook | None, list[Problem]]:
    missing = [name for name in _NEEDED if getattr(row, name) in (None, "", ())]
    reader = _Reader(row)
    if missing:
        hint = did_you_mean(row.id, shipped())
        hint = f"or, for a shipped playbook: {hint}" if hint else ""
        reader.problems.append(_problem(row.id, f"needs {', '.join(missing)}", hint))
    when = reader.rule("when", row.when, TRUTH) if row.when else None
    once_per = reader.rule("once_per", row.once_per, None) if row.once_per else None
    closes = None if row.closes_when is None else reader.rule("closes_when", row.closes_when, TRUTH)
    due = reader.rule("due", row.due, DATE) if isinstance(row.due, str) and row.due else row.due
    body = row.body or ""
    subject = reader.template("subject", row.subject or "")
    plain_body = reader.template("body", body)
    gone = None if row.gone is None else reader.template("gone", row.gone)
    assignees = (row.assignee,) if isinstance(row.assignee, str) else row.assignee or ()
    reader.check_assignees(assignees)
    if (
        reader.problems
        or when is None
        or once_per is None
        or due is None
        or isinstance(due, str)
        or subject is None
        or plain_body is None
    ):
        return None, list(dict.fromkeys(reader.problems))
    texts = f"{row.when} {row.closes_when or ''}"
    return Playbook(
        id=row.id,
        each=row.each,
        when=when,
        closes_when=closes,
        once_per=once_per,
        assignees=assignees,
        due=due,
        priority=row.priority or "normal",
        subject=subject,
        body=plain_body,
        gone=gone,
        names=reader.names,
        dates=tuple(sorted(n for n in reader.dates if n != "today")),
        steps=_steps(texts),
        days=tuple(date.fromisoformat(day) for day in _DAY.findall(texts)),
        daily=_TIMED.search(texts) is not None and re.search(r"[*/]", texts) is not None,
        own=own,
    ), []


def _steps(texts: str) -> tuple[int, ...]:
    """How many days after a day the answer can change, in ascending order.

    By the numbers that days can be compared with; 0 where a date is compared with today.
    """
    found = {int(float(number)) for number in _LITERAL.findall(texts)}
    if re.search(r"\btoday\b", texts):
        found.add(0)
    return tuple(sorted({step for n in found for step in (-n, 1 - n, n, n + 1)}))


def _problem(id: str, text: str, hint: str = "") -> Problem:
    return Problem("config", 0, 0, f'playbook "{id}": {text}', hint)


class _Reader:
    """Parses one playbook's expressions and templates, and gathers what is wrong with them."""

    def __init__(self, row: PlaybookPolicy) -> None:
        self.id = row.id
        self.types = types_for(row.each)
        self.problems: list[Problem] = []
        self._names: set[str] = set()

    @property
    def names(self) -> frozenset[str]:
        """The names that the conditions read so far use."""
        return frozenset(self._names & self.types.keys())

    @property
    def dates(self) -> frozenset[str]:
        """Those of them that stand for days."""
        return frozenset(name for name in self.names if self.types[name] is DATE)

    def rule(self, key: str, text: Any, wanted: Any) -> Expression | None:
        """The expression, or None and a problem."""
        own_clock = _BUILTIN.search(_QUOTED.sub("", str(text)))
        if own_clock is not None:
            self._add(f'{key}: unknown name "{own_clock[0]}"', "the day of the run is today")
            return None
        context = context_of(self.types)
        try:
            rule = Rule(str(text), context=context)
        except errors.SymbolResolutionError as error:
            name = str(error.symbol_name)
            self._add(f'{key}: unknown name "{name}"', did_you_mean(name, self.types))
            return None
        except errors.EngineError as error:
            self._add(f"{key}: {error.message}", f"in: {text}")
            return None
        found = rule.statement.expression.result_type
        if wanted is not None and found not in (wanted, DataType.UNDEFINED, DataType.NULL):
            kind = "true or false" if wanted == TRUTH else "a date"
            self._add(f"{key}: must be {kind}", f"in: {text}")
        elif wanted is None and found in (TRUTH, DataType.NULL):
            self._add(f"{key}: must be a date, a text or a number", f"in: {text}")
        self._names |= set(context.symbols)
        return Expression(rule, sorted(context.symbols))

    def template(self, key: str, text: str) -> Template | None:
        """The template, or None and a problem."""
        try:
            compiled = Template.of(text)
        except TemplateSyntaxError as error:
            self._add(f"{key}: {error.message}", f"line {error.lineno} of the template")
            return None
        for name in sorted(compiled.names - self.types.keys()):
            self._add(f'{key}: unknown name "{name}"', did_you_mean(name, self.types))
        return compiled

    def check_assignees(self, assignees: tuple[str, ...]) -> None:
        """Roles, or mail addresses."""
        for assignee in assignees:
            if assignee not in ROLES and "@" not in assignee:
                hint = did_you_mean(assignee, ROLES) or "or a mail address"
                self._add(f'assignee: unknown role "{assignee}"', hint)
        if {"ae", "ae_manager"} & set(assignees) and self.types.get("opportunity") is not TEXT:
            self._add('assignee: "ae" needs each = "handoff"')

    def _add(self, text: str, hint: str = "") -> None:
        self.problems.append(_problem(self.id, text, hint))
