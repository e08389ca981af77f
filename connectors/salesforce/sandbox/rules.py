"""The org's own rules, as an admin states them: validation rules and duplicate rules.

An org states a validation rule as a formula; here it is a condition in SOQL, which the sandbox
speaks already. A duplicate rule compares fields exactly, without regard to case.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Action = Literal["block", "alert", "allow"]


class ValidationRule(Struct, frozen=True, forbid_unknown_fields=True):
    """Rows, as they would become, that meet `when` are refused with `message`.

    `field` is the one that the message stands beside, empty for the top of the page. The users
    named in `spares` are exempt.
    """

    object: str
    name: str
    when: str
    message: str
    field: str = ""
    active: bool = True
    spares: tuple[str, ...] = ()

    @property
    def query(self) -> str:
        """The condition as a whole query."""
        return f"SELECT Id FROM {self.object} WHERE {self.when}"  # noqa: S608 - SOQL, in memory


class DuplicateRule(Struct, frozen=True, forbid_unknown_fields=True):
    """Rows whose `fields` are all filled and equal another row's are duplicates.

    A change is judged only where it changes one of the fields. What is done about a duplicate:
    block it; alert, which refuses it unless the client asks to save it all the same; allow it.
    """

    object: str
    name: str
    fields: tuple[str, ...]
    label: str = ""
    message: str = "Use one of these records?"
    on_create: Action = "block"
    on_edit: Action = "block"
    active: bool = True
    spares: tuple[str, ...] = ()


class Rules(Struct, frozen=True, forbid_unknown_fields=True):
    """All of the org's rules."""

    validation: tuple[ValidationRule, ...] = ()
    duplicate: tuple[DuplicateRule, ...] = ()
