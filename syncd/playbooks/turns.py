"""When the tasks that an account should have can next change by themselves."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from syncd.model import AccountRecords, Before, Derived
from syncd.playbooks.compiled import Playbook, Playbooks
from syncd.playbooks.names import (
    OVERDUE_DAYS,
    account_names,
    document_days,
    quarter_start,
)
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
    owed = list(documents(records, policy, today))
    scopes = {
        None: [names],
        "handoff": [names, *map(document_days, owed)],
        "signal": [names],  # no days
    }
    turns = {day for document in owed for day in (document.overdue_from, document.lapses_on)}
    for playbook in playbooks:
        turns.update(_turns(playbook, names, scopes[playbook.each], today))
    return min((turn for turn in turns if turn > today), default=None)


def _turns(
    playbook: Playbook,
    names: Mapping[str, Any],
    scopes: Sequence[Mapping[str, Any]],
    today: date,
) -> Iterator[date]:
    """The first days around each of its own on which one playbook's answer can change."""
    named = [scope[name] for scope in scopes for name in playbook.dates if scope.get(name)]
    for day in (*named, *playbook.days):
        place = bisect_right(playbook.steps, (today - day).days)
        if place < len(playbook.steps):
            yield add_days(day, playbook.steps[place])
    if playbook.daily:
        yield add_days(today, 1)
    if "renewal_running" in playbook.names and names["renewal_date"] is not None:
        yield add_days(names["renewal_date"], OVERDUE_DAYS + 1)
    if playbook.names & {"quarter", "quarter_end"}:
        yield add_months(quarter_start(today), 3)
