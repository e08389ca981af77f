"""Who gets tasks, and what opens them: ``[policy.tasks]`` and ``[[policy.playbooks]]``."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator

from syncd.policy.part import PolicyPart, Truth, Whole

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")


class TasksPolicy(PolicyPart):
    """Who gets tasks, how many, and which days are holidays."""

    max_new_tasks_per_user_per_day: Annotated[Whole, Field(ge=0)] = Field(
        10, description="new tasks a person gets in a day; the rest wait for the next"
    )
    fallback_assignee: str = Field(
        "", description="mail address or user id that gets what nobody else can"
    )
    holidays: tuple[date, ...] | str = Field(
        (), description="days that are no business days, or a country's code such as GB"
    )


class PlaybookPolicy(PolicyPart):
    """A playbook of the admin's own, or one that replaces a shipped one of the same id.

    With ``enabled = false`` nothing else is needed.
    """

    id: str = Field(
        description="lower-case letters, digits and hyphens; a shipped one's changes it"
    )
    enabled: Truth = Field(default=True, description="false switches a shipped one off")
    when: str | None = Field(
        None, description="condition that opens the task, over the account's values"
    )
    once_per: str | None = Field(
        None, description="expression whose value is the cycle: one task for each"
    )
    assignee: tuple[str, ...] | str | None = Field(
        None,
        description="am, csm, ae, am_manager, ae_manager or a mail address; several: one task each",
    )
    due: str | Whole | None = Field(
        None, description="business days from today, or an expression giving a date"
    )
    priority: Literal["low", "normal", "high"] | None = Field(
        None, description="of the task; default: normal"
    )
    subject: str | None = Field(None, description="template of the subject")
    body: str | None = Field(None, description="template of the text")
    each: Literal["handoff", "signal"] | None = Field(
        None, description="one task for each handoff document or signal, not for the account"
    )
    gone: str | None = Field(
        None, description="template of the note with which syncd closes the task"
    )
    closes_when: str | None = Field(
        None, description="condition that closes the open task; default: when no longer holds"
    )

    @field_validator("id")
    @classmethod
    def _plain(cls, value: str) -> str:
        if not _ID.fullmatch(value):
            raise ValueError(
                f'"{value}" is no id of a playbook: lower-case letters, digits and -, at most 61'
            )
        return value
