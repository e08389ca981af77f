"""Where in HubSpot's settings an admin mends what syncd lacks."""

from __future__ import annotations

from connectors.hubspot.scopes import remedy
from syncd.connector import Lack

PROPERTY = "In HubSpot: Settings > Properties > (select {object}) > {field}"
STEPS: dict[Lack, str] = {
    "read": f"{PROPERTY}: look whether it is archived or has another internal name, and correct "
    "the mapping",
    "write": "HubSpot works this property out itself: map another one",
    "type": "In HubSpot: Settings > Properties > (select {object}) > Create property, of a fitting "
    "type, and map that; or use another codec",
    "unique": "In HubSpot a property is unique from its making on: map another name, and let "
    "`syncd provision --apply` make it",
    "values": f"{PROPERTY} > Field options: add them, or run `syncd provision --apply`, or "
    "translate them with `values` in the mapping",
    "required": "In HubSpot: Settings > Objects > {object} > Record customization: make {field} "
    "optional",
}


def click_path(lack: Lack, object: str, field: str) -> str:
    """The clicks; what an object lacks is a scope."""
    if lack in ("object", "change", "create"):
        return remedy(())
    return STEPS.get(lack, "").format(object=object, field=field)
