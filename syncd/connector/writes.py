"""What is written: fields of existing records and tasks by their key, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from syncd.connector.records import Association

Value: TypeAlias = None | bool | int | float | Decimal | str | date | datetime | list[str]
"""A field's value on its way out: plain Python. The connector turns it into the CRM's wire form."""


class FieldUpdate(Struct, frozen=True):
    """Change fields of one existing record. `group` keeps writes under one parent together."""

    id: str
    fields: Mapping[str, Value]
    group: str = ""


class TaskUpsert(Struct, frozen=True):
    """Make the one task that bears `key`, or change it. `id` is given where it is known.

    `account_id` is the account's record; it goes into `account_field`, or is linked by
    `account_association` (both from the mapping, see TaskShape).
    """

    key: str
    fields: Mapping[str, Value]
    account_id: str
    id: str | None = None


class TaskShape(Struct, frozen=True):
    """How tasks look in this CRM, from the mapping's ``[writes.task]``."""

    object: str
    key_field: str
    account_field: str | None = None
    account_association: Association | None = None


class Outcome(StrEnum):
    """What became of a write."""

    DONE = "done"
    REJECTED = "rejected"  # the CRM refused this record; `code` and `message` are its words
    UNKNOWN = "unknown"  # the connection broke: look before repeating
    DEFERRED = "deferred"  # not tried: the allowance is used up, or the CRM asks to come back later


ALLOWANCE = "ALLOWANCE"
"""The `code` of a write that was deferred because the allowance is used up."""


class WriteResult(Struct, frozen=True):
    """The outcome of one write, in the order of the writes given.

    `id` is the CRM's record id (for tasks: of the new one). `fields` are those that the CRM
    blames, where it says so. A task that is refused, and yet `created`, was made for an account
    that is gone: it hangs on nothing, and is there to be closed.
    """

    outcome: Outcome
    id: str | None = None
    code: str = ""
    message: str = ""
    fields: tuple[str, ...] = ()
    created: bool = False
