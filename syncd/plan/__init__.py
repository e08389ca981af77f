"""The plan: what would change in a CRM, why, and whether it is safe. Pure.

`diff_fields` and `diff_tasks` compare what should be with what the system last held; both
answer with changes and leave the values of people alone. `hold` says whether the whole is too
much to write without a person's word, `cap_new_tasks` which tasks wait for another day.
"""

from __future__ import annotations

from syncd.plan.cap import cap_new_tasks
from syncd.plan.changes import (
    ALSO,
    UNDONE,
    KeptValue,
    Plan,
    SetField,
    Shown,
    TaskChange,
    TaskFields,
    also_ours,
    remembered,
    taken_back,
    united,
)
from syncd.plan.fields import FieldDiff, diff_fields
from syncd.plan.packed import OnDemand, Packed
from syncd.plan.safety import Hold, WritePolicy, hold
from syncd.plan.tasks import CurrentTask, WantedTask, alike, diff_tasks

__all__ = [
    "ALSO",
    "UNDONE",
    "CurrentTask",
    "FieldDiff",
    "Hold",
    "KeptValue",
    "OnDemand",
    "Packed",
    "Plan",
    "SetField",
    "Shown",
    "TaskChange",
    "TaskFields",
    "WantedTask",
    "WritePolicy",
    "alike",
    "also_ours",
    "cap_new_tasks",
    "diff_fields",
    "diff_tasks",
    "hold",
    "remembered",
    "taken_back",
    "united",
]
