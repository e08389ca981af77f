"""What may be done with objects: accounts changed, tasks made."""

from __future__ import annotations

from collections.abc import Iterator

from syncd.connector import CheckNote
from syncd.preflight.looking import Look


def objects(look: Look) -> Iterator[CheckNote]:
    """The login may change accounts and make tasks, and a task needs nothing that syncd lacks."""
    mapping = look.mapping
    account = look.schema(mapping.account_object)
    if account is not None and mapping.account_writes and not account.updateable:
        yield CheckNote(
            "error",
            f"this login may not change {account.name} records: no field of them is written",
            look.mend("change", account.name, otherwise="grant it Edit on the object"),
            account.name,
        )
    if mapping.task is None:
        return
    object = mapping.task.shape.object
    yield from look.unseen(object)
    schema = look.schema(object)
    if schema is None:
        return
    if not schema.createable:
        yield CheckNote(
            "error",
            f"this login may not create {object} records: no task is made",
            look.mend("create", object, otherwise="grant it Create on the object"),
            object,
        )
    given = {name.lower() for name in mapping.task.crm_fields()}
    for field in schema.fields.values():
        if field.required and field.name.lower() not in given:
            yield CheckNote(
                "error",
                f"{object}.{field.name} is required, and syncd does not fill it: every new task "
                "would be refused",
                look.mend(
                    "required",
                    object,
                    field.name,
                    otherwise="give the field a default value, or make it optional",
                ),
                object,
                field.name,
            )
