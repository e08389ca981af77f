"""The daily cap: how many new tasks a person is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncd.plan.changes import TaskChange

PRIORITY_ORDER = {"high": 0, "normal": 1, "low": 2}


def cap_new_tasks(
    tasks: Sequence[TaskChange], *, given_today: Mapping[str, int], most: int
) -> tuple[list[TaskChange], list[TaskChange]]:
    """Share out new tasks: at most so many a person a day, by priority, then ARR.

    Returns (to be carried out, to wait for another day). Updates and closings are not counted,
    nor is a task that the person already had in another CRM.
    """
    now = [task for task in tasks if task.op != "open" or task.moved]
    later: list[TaskChange] = []
    count = dict(given_today)
    opens = sorted(
        (task for task in tasks if task.op == "open" and not task.moved),
        key=lambda t: (PRIORITY_ORDER.get(t.priority, 1), -t.worth, t.key),
    )
    for task in opens:
        person = task.assignee or ""
        if count.get(person, 0) >= most:
            later.append(task)
            continue
        count[person] = count.get(person, 0) + 1
        now.append(task)
    return now, later
