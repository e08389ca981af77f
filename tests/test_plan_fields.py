"""Clearing a tick: where it is on or off, off; where the CRM lets it be blank, blank."""

from __future__ import annotations

from datetime import date

import pytest

from syncd.connector import FieldType, ObjectSchema, SchemaField
from syncd.mapping.writing import AccountWrite
from syncd.model import Derived, Ref
from syncd.plan.fields import diff_fields
from syncd.plan.safety import WritePolicy


@pytest.mark.parametrize(("never_blank", "cleared"), [(True, False), (False, None)])
def test_a_tick_that_is_never_blank_is_cleared_by_unticking(
    never_blank: bool, cleared: bool | None
) -> None:
    """Salesforce refuses null for a checkbox, and with it the rest of the record."""
    field = SchemaField("Single__c", "Single", FieldType.BOOL, never_blank=never_blank)
    found = diff_fields(
        ref=Ref("sf", "Account", "1"),
        account="sf:1",
        writes=[AccountWrite("single_threaded", "Account", "Single__c", "bool", {})],
        values={"single_threaded": Derived(None, "the account has churned")},
        raw={"Single__c": True},
        schema=ObjectSchema("Account", {"Single__c": field}),
        written={"Single__c": True},
        undone={},
        also={},
        entitled=False,
        policy=WritePolicy(),
        today=date(2026, 3, 1),
    )

    assert [(change.before, change.after, change.value) for change in found.sets] == [
        (True, cleared, cleared)
    ]
