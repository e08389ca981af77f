"""Which tasks an account should have today, and when that can next change."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from syncd.model import AccountRecords, Before, Derived, Finding, Ref
from syncd.playbooks.compiled import Playbook, Playbooks, shipped
from syncd.playbooks.names import (
    VALUES,
    account_names,
    each_names,
    plain_date,
)
from syncd.playbooks.people import assignee
from syncd.playbooks.wording import (
    Template,
    TextError,
    body_text,
    day,
    opening,
    subject_text,
)
from syncd.policy import Policy
from syncd.rules.dates import add_business_days, add_days, holidays_of, is_business_day

KEY_CHARS = 120
NO_ASSIGNEE = "no_assignee"
"""The code of a Finding that nobody can get the task of that key."""
NOT_ENTITLED = frozenset({"prospect", "churned"})
_UNSAFE = re.compile(r"[^A-Za-z0-9._@+-]+")
_GONE = "The reason for this task is gone: the playbook's condition no longer holds."


class DesiredTask(Struct, frozen=True):
    """A task that should be. The key is the same on every day, for ever.

    `assignee` None: nobody is left to give it to (there is a Finding), it is not opened.
    `opens` False: one that is open stays so and may be updated, but none is opened now.
    `lacking` True: it would be opened now, were there anybody to give it to.
    `due_moves` False: the due date was counted from today (its playbook says so, or it opens so
    late that the named day, or the business day before it, has passed), so an open task keeps
    the one it has.
    """

    key: str
    playbook: str
    account: Ref
    cycle: str
    role: str
    assignee: str | None
    due: date
    priority: str
    subject: str
    body: str
    because: str
    opens: bool
    due_moves: bool = True
    lacking: bool = False


def desired_tasks(
    playbooks: Playbooks,
    records: AccountRecords,
    values: Mapping[str, Derived],
    before: Before,
    policy: Policy,
    today: date,
    *,
    first_run: bool | None = None,
    load: Mapping[str, tuple[float, str]] | None = None,
    currency: str = "",
) -> tuple[list[DesiredTask], list[Finding]]:
    """All tasks that the account should have, and those that nobody can get as Findings.

    `load` is each account manager's load with the id of the largest account; `currency` is the
    portfolio's, for the texts. An account that is no customer has no tasks.
    """
    if records.account.status in NOT_ENTITLED:
        return [], []
    names = account_names(
        records,
        values,
        before,
        policy,
        today,
        first_run=before.first_run if first_run is None else first_run,
        load=load or {},
        currency=currency,
    )
    tasks: dict[str, DesiredTask] = {}
    findings: list[Finding] = []
    scopes: dict[str | None, list[tuple[dict[str, Any], str | None]]] = {None: [(names, None)]}
    for playbook in playbooks:
        if playbook.each not in scopes:
            scopes[playbook.each] = [
                ({**names, **more}, owner)
                for more, owner in each_names(str(playbook.each), records, policy, today)
            ]
        for scope, deal_owner in scopes[playbook.each]:
            asked = _Asked(playbook, records, values, policy, today, scope, deal_owner)
            for task in asked.tasks(findings):
                tasks.setdefault(task.key, task)
    return list(tasks.values()), findings


def closing_note(playbook: str, values: Mapping[str, Derived]) -> str:
    """Why an open task of that playbook is closed, in one or two sentences."""
    row = shipped().get(playbook)
    if row is None or row.gone is None:
        return _GONE
    names = {name: values[name].value if name in values else None for name in VALUES}
    return subject_text(_template(row.gone), names)


@lru_cache(maxsize=64)
def _template(text: str) -> Template:
    return Template.of(text)


class _Asked(Struct, frozen=True):
    """One playbook asked about one account, document or signal."""

    playbook: Playbook
    records: AccountRecords
    values: Mapping[str, Derived]
    policy: Policy
    today: date
    names: Mapping[str, Any]
    deal_owner: str | None

    def tasks(self, findings: list[Finding]) -> Iterator[DesiredTask]:
        """One task for each assignee role; adds a Finding where a task cannot be."""
        playbook = self.playbook
        cycle = self._cycle()
        if cycle is None:  # most often, so it is asked first: there is no such date or deal
            return
        if playbook.closes_when is not None and playbook.closes_when.holds(self.names):
            return
        holds = playbook.when.holds(self.names)
        if playbook.closes_when is None and not holds:
            return
        found = self._due()
        if found is None:
            return
        due, due_moves = found
        opens = holds and all(name in self.values for name in playbook.names & VALUES.keys())
        given: set[str] = set()
        for role in playbook.assignees:
            person = assignee(
                role,
                self.records.account,
                self.deal_owner,
                self.records.users,
                self.policy.tasks.fallback_assignee,
            )
            if role == "csm" and (person is None or person in given):
                continue
            key = self._key(cycle, role)
            if person is None:
                findings.append(self._nobody(key, role))
            else:
                given.add(person)
            task = self._task(key, cycle, role, person, due, findings, opens=opens)
            yield task if due_moves else replace(task, due_moves=False)

    def _task(
        self,
        key: str,
        cycle: str,
        role: str,
        person: str | None,
        due: date,
        findings: list[Finding],
        *,
        opens: bool,
    ) -> DesiredTask:
        playbook, account = self.playbook, self.records.account
        because = self._because()
        try:
            subject = subject_text(playbook.subject, self.names)
            body = body_text(playbook.body, self.names)
            because = because or opening(body) or subject
        except TextError as error:
            because = because or f"the condition of {playbook.id} holds"
            subject, body = f"{playbook.id}: {account.name or account.id}", because
            findings.append(
                Finding(
                    account.ref,
                    "task_text",
                    f"The text of playbook {playbook.id} cannot be filled in: {error}",
                    key,
                    "Mend the playbook's subject or body in the config.",
                )
            )
        return DesiredTask(
            key=key,
            playbook=playbook.id,
            account=account.ref,
            cycle=cycle,
            role=role,
            assignee=person,
            due=due,
            priority=playbook.priority,
            subject=subject,
            body=body,
            because=because,
            opens=opens and person is not None,
            lacking=opens and person is None,
        )

    def _cycle(self) -> str | None:
        value = self.playbook.once_per.value(self.names)
        if value is None or value == "":
            return None
        if isinstance(value, date):
            return plain_date(value).isoformat()
        if isinstance(value, Decimal):
            return f"{value.normalize():f}"
        return str(value)

    def _due(self) -> tuple[date, bool] | None:
        """A business day, and whether it moves with the facts alone.

        It is the one on or before the day that is named. Where that has passed, or a number is
        given, it is counted from today.
        """
        off = holidays_of(self.policy.tasks.holidays)
        if isinstance(self.playbook.due, int):
            return add_business_days(self.today, max(1, self.playbook.due), off), False
        value = self.playbook.due.value(self.names)
        if not isinstance(value, date):
            return None
        named = due = plain_date(value)
        while not is_business_day(due, off) and due > date.min:
            due = add_days(due, -1)
        if due >= self.today:
            return due, True
        if named >= self.today:
            return named, False
        return add_business_days(self.today, 1, off), False

    def _key(self, cycle: str, role: str) -> str:
        parts = (self.playbook.id, self.records.account.id, cycle, role)
        key = "/".join(_UNSAFE.sub("-", part) for part in parts)
        plain = "/".join(parts)
        if key == plain and len(key) <= KEY_CHARS:
            return key
        digest = hashlib.blake2b(plain.encode(), digest_size=6).hexdigest()
        return f"{key[: KEY_CHARS - len(digest) - 1]}/{digest}"

    def _because(self) -> str:
        """The values that the condition names, with their reasons; blank where it names none."""
        told = [
            f"{name} is {_shown(derived.value)}"
            + (f" ({why})" if (why := derived.because.rstrip(".")) else "")
            for name in sorted(self.playbook.names & self.values.keys())
            if (derived := self.values[name]).value is not None
        ]
        return "; ".join(told)

    def _nobody(self, key: str, role: str) -> Finding:
        text = f"Nobody can get the task {self.playbook.id}: the {role.replace('_', ' ')} is"
        return Finding(
            self.records.account.ref,
            NO_ASSIGNEE,
            f"{text} missing or inactive, and so is everyone who stands in.",
            key,
            "Set an active owner, or fallback_assignee under [policy.tasks].",
        )


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return day(value) if isinstance(value, date) else str(value)
