"""When the tasks that an account should have can next change by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from syncd.model import AccountRecords, Before, Derived
from syncd.playbooks.compiled import Playbook, Playbooks
from syncd.playbooks.names import OVERDUE_DAYS, account_names, each_names, quarter_start
from syncd.playbooks.tasks import NOT_ENTITLED
from syncd.policy import Policy
from syncd.rules.dates import add_days, add_months
from syncd.rules.handoff import documents


def next_turn(
    playbooks: Playbooks,
    records: AccountRecords,
    values: Mapping[str, Derived],
    before: Before,
    policy: Policy,
    today: date,
) -> date | None:
    """A day not later than the first on which the desired tasks can change with no new input.

    A condition compares days with today, at the distance of the numbers in it; so its answer
    changes only so many days before or after one of the days that it names. The values' own
    changes (`Derived.valid_until`) come on top.
    """
    if records.account.status in NOT_ENTITLED:
        return None
    names = account_names(
        records, values, before, policy, today, first_run=False, load={}, currency=""
    )
    scopes: dict[str | None, list[Mapping[str, Any]]] = {None: [names]}
    turns: set[date] = set()
    for playbook in playbooks:
        each = playbook.each
        if each is not None and each not in scopes:
            found = each_names(each, records, policy, today)
            scopes[each] = [names, *(more for more, _ in found)]
        turns.update(_turns(playbook, names, scopes[each], today))
    for owed in documents(records, policy, today):
        turns.update((owed.overdue_from, owed.lapses_on))
    return min((turn for turn in turns if turn > today), default=None)


def _turns(
    playbook: Playbook,
    names: Mapping[str, Any],
    scopes: list[Mapping[str, Any]],
    today: date,
) -> Iterator[date]:
    """The days around which one playbook's answer can change, past ones among them."""
    named = {
        value
        for scope in scopes
        for name in playbook.names
        if name != "today" and isinstance(value := scope.get(name), date)
    }
    for day in (*named, *playbook.days):
        for offset in playbook.offsets:
            for step in (-offset, 1 - offset, offset, offset + 1):
                yield add_days(day, step)
    if playbook.daily:
        yield add_days(today, 1)
    if "renewal_running" in playbook.names and names["renewal_date"] is not None:
        yield add_days(names["renewal_date"], OVERDUE_DAYS + 1)
    if playbook.names & {"quarter", "quarter_end"}:
        yield add_months(quarter_start(today), 3)
