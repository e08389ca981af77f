"""The daily cap: how many new tasks a person is given."""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Sequence
from decimal import Decimal

from syncd.plan.changes import TaskChange
from syncd.plan.packed import Packed

PRIORITY_ORDER = {"high": 0, "normal": 1, "low": 2}


def cap_new_tasks(
    tasks: Sequence[TaskChange], *, given_today: Mapping[str, int], most: int
) -> tuple[Packed[TaskChange], Packed[TaskChange]]:
    """Share out new tasks: at most so many a person a day, by priority, then ARR.

    Returns (to be carried out, to wait for another day). Updates and closings are not counted,
    nor is a task that the person already had in another CRM.
    """
    chosen: dict[str, list[tuple[int, Decimal, str, int]]] = {}
    for place, task in enumerate(tasks):
        if not _is_new(task):
            continue
        person = task.assignee or ""
        first = chosen.setdefault(person, [])
        rank = (PRIORITY_ORDER.get(task.priority, 1), -task.worth, task.key, place)
        insort(first, rank)
        del first[max(0, most - given_today.get(person, 0)) :]
    ranks = {rank[-1]: rank for first in chosen.values() for rank in first}
    now, later = Packed[TaskChange](), Packed[TaskChange]()
    opens = []
    for place, task in enumerate(tasks):
        if not _is_new(task):
            now.append(task)
        elif place in ranks:
            opens.append((ranks[place], task))
        else:
            later.append(task)
    now.extend(task for _, task in sorted(opens, key=lambda ranked: ranked[0]))
    return now, later


def _is_new(task: TaskChange) -> bool:
    return task.op == "open" and not task.moved
