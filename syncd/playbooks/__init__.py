"""Playbooks: which tasks an account should have, from its values (docs/playbooks.md).

The shipped ones (shipped.toml) and the admin's own are one mechanism: a condition, once for each
cycle, for whom, when due, and what the task says.
"""

from __future__ import annotations

from syncd.playbooks.compiled import Playbook, Playbooks, compile_playbooks, shipped
from syncd.playbooks.tasks import NO_ASSIGNEE, DesiredTask, closing_note, desired_tasks
from syncd.playbooks.turns import next_turn

__all__ = [
    "NO_ASSIGNEE",
    "DesiredTask",
    "Playbook",
    "Playbooks",
    "closing_note",
    "compile_playbooks",
    "desired_tasks",
    "next_turn",
    "shipped",
]
