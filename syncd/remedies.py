"""What to do about a CRM's error code, in plain words. docs/remedies.md is made from this table."""

from __future__ import annotations

GENERAL = (
    "Read the CRM's message above, mend the record or the setting, then `syncd rejects --retry`."
)

REMEDIES = {
    # Salesforce
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": (
        "A validation rule of your org refused it. Exempt the integration user from the rule, or "
        "mend the record so that it passes."
    ),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": (
        "Add the value to the picklist (Setup > Object Manager > field > Values), or translate it "
        "with `values` in the mapping."
    ),
    "STRING_TOO_LONG": "Make the field longer, or write a shorter text; `syncd check` names its length.",
    "INVALID_FIELD_FOR_INSERT_UPDATE": (
        "Give the integration user edit access to the field (permission set > Object Settings)."
    ),
    "INVALID_FIELD": "The field is missing or hidden: `syncd provision`, or correct the mapping.",
    "INVALID_TYPE_ON_FIELD_IN_RECORD": "The field's type does not hold this value; see `syncd check`.",
    "REQUIRED_FIELD_MISSING": "Your org requires a field that syncd does not fill: give it a default.",
    "INVALID_CROSS_REFERENCE_KEY": "A record it points to is gone; it is written again when that changes.",
    "INACTIVE_OWNER_OR_USER": (
        "The assignee is inactive: give the account an active owner, or set "
        "[policy.tasks] fallback_assignee."
    ),
    "OP_WITH_INVALID_USER_TYPE_EXCEPTION": "The assignee may not own tasks: choose another owner.",
    "INSUFFICIENT_ACCESS_OR_READONLY": "Give the integration user edit access to this record (sharing).",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": (
        "The integration user may not see a record it points to: widen its sharing."
    ),
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": "A trigger or flow of your org failed: show its text to an admin.",
    "DUPLICATES_DETECTED": "A duplicate rule refused it: exempt the integration user from the rule.",
    "DUPLICATE_VALUE": "Another record has this key. Find it and remove the copy.",
    "ENTITY_IS_DELETED": "The record was deleted or merged; the next --full run takes it out.",
    "UNABLE_TO_LOCK_ROW": "The record was in use again and again; the next change tries again.",
    # HubSpot
    "PROPERTY_DOESNT_EXIST": "Create the property with `syncd provision --apply`, or correct the mapping.",
    "INVALID_OPTION": "Add the option to the property, or translate it with `values` in the mapping.",
    "READ_ONLY_VALUE": "HubSpot keeps this property itself: map another one.",
    "INVALID_DATE": 'The property is a date: map it `as = "date"`.',
    "INVALID_INTEGER": "The property holds whole numbers only.",
    "INVALID_LONG": "The property holds whole numbers only.",
    "INVALID_EMAIL": "The property holds mail addresses only.",
    "OBJECT_NOT_FOUND": "The record was deleted or merged; the next --full run takes it out.",
    "CONFLICT": "Another record has this key. Find it and remove the copy.",
    "MISSING_SCOPES": "Give the private app the scopes that the message names.",
    "VALIDATION_ERROR": "HubSpot refused the value; its message says which and why.",
    # syncd's own
    "FIELD_MISSING": "Run `syncd provision`, grant read access, or correct the name in the mapping.",
    "OBJECT_WITHHELD": "Give the integration user read access to the object, or take it out of the mapping.",
    "NO_ASSIGNEE": "Set [policy.tasks] fallback_assignee, or give the account an active owner.",
}


def remedy(code: str) -> str:
    """What to do about this code; a general word where nothing special is known."""
    return REMEDIES.get(code, GENERAL)
