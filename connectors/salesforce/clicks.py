"""Where in Salesforce's Setup an admin mends what syncd lacks."""

from __future__ import annotations

from syncd.connector import Lack

FIELD = "Setup > Object Manager > {object} > Fields & Relationships > {field}"
SECURITY = f"{FIELD} > Set Field-Level Security"
RIGHTS = (
    "Setup > Permission Sets > (the integration user's) > Object Settings > {object}: grant {right}"
)
STEPS: dict[Lack, str] = {
    "object": RIGHTS.replace("{right}", "Read") + ", or correct the name in the mapping",
    "change": RIGHTS.replace("{right}", "Edit"),
    "create": RIGHTS.replace("{right}", "Create"),
    "read": f"{SECURITY}: make it visible to the integration user, or correct the name in the "
    "mapping",
    "write": f"{SECURITY}: take Read-Only away for the integration user, or run "
    "`syncd provision --apply`",
    "type": f"{FIELD} > Edit > Change Field Type, or map another field, or use another codec",
    "unique": f"{FIELD} > Edit: tick Unique and External ID, or let `syncd provision` make one",
    "values": f"{FIELD} > Values > New: add them, or translate them with `values` in the mapping",
    "length": f"{FIELD} > Edit: raise Length, if whole texts are wanted",
    "required": f"{FIELD} > Edit: untick Required, or set a Default Value",
}


def click_path(lack: Lack, object: str, field: str) -> str:
    """The clicks. Custom fields of tasks are defined on Activity."""
    owner = "Activity" if object in ("Task", "Event") and field.endswith("__c") else object
    return STEPS[lack].format(object=owner if field else object, field=field)
