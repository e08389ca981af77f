"""What to do about a CRM's error code, in plain words: ``make docs`` writes docs/remedies.md."""

from __future__ import annotations

import sys
from pathlib import Path

GENERAL = (
    "Read the CRM's message above, mend the record or the setting, then `syncd rejects --retry`."
)

REMEDIES = {
    # Salesforce
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": (
        "A validation rule of your org refused it. Mend the record so that it passes; or exempt the "
        "integration user (Setup > Object Manager > object > Validation Rules), then "
        "`syncd rejects --retry`."
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
    "DUPLICATES_DETECTED": (
        "A duplicate rule refused it. Merge the copies; or exempt the integration user (Setup > "
        "Duplicate Rules), or set allow_duplicates = true where the rule only warns, then "
        "`syncd rejects --retry`."
    ),
    "DUPLICATE_VALUE": "Another record has this key. Find it and remove the copy.",
    "ENTITY_IS_DELETED": "The record was deleted or merged; the next --full run takes it out.",
    "INVALID_EMAIL_ADDRESS": "The field holds mail addresses only: map another one.",
    "FIELD_INTEGRITY_EXCEPTION": "Two fields of the record do not fit each other; the message names them.",
    "NUMBER_OUTSIDE_VALID_RANGE": "The number has more digits than the field: make the field longer.",
    "MALFORMED_ID": "A mapped reference does not hold a record's id: correct the mapping.",
    "MISSING_ARGUMENT": "The record's id was empty: correct what the mapping reads it from.",
    "JSON_PARSER_ERROR": "The field's type does not hold this value; see `syncd check`.",
    "DUPLICATE_EXTERNAL_ID": "Several tasks bear this key. Delete the copies, then `syncd rejects --retry`.",
    "INVALID_TYPE": "The object is missing or hidden: correct the mapping, or grant access to it.",
    "NOT_FOUND": "The record is gone; the next --full run takes it out.",
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": "Another row of the same call was refused; it is tried again alone.",
    "PROCESSING_HALTED": "A row before it was refused; it is tried again alone.",
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
    "CONFLICTING_UNIQUE_VALUE": "Another record has this unique value. Find it and remove the copy.",
    "OBJECT_ALREADY_EXISTS": "Another record has this key. Find it and remove the copy.",
    "INVALID_OWNER_ID": "The assignee is no owner in HubSpot (any more): choose an active one.",
    "INVALID_STRING_LENGTH": "The text is longer than HubSpot takes: write a shorter one.",
    "INVALID_VALUE": "HubSpot refused the value; its message says why.",
    "CONFLICT": "Another record has this key. Find it and remove the copy.",
    "MISSING_SCOPES": "Give the private app the scopes that the message names.",
    "VALIDATION_ERROR": "HubSpot refused the value; its message says which and why.",
    # syncd's own
    "FIELD_MISSING": "Run `syncd provision`, grant read access, or correct the name in the mapping.",
    "OBJECT_WITHHELD": "Give syncd's login read access to the object, or take it out of the mapping.",
    "NO_ASSIGNEE": "Set [policy.tasks] fallback_assignee, or give the account an active owner.",
}


def remedy(code: str) -> str:
    """What to do about this code; a general word where nothing special is known."""
    return REMEDIES.get(code, GENERAL)


def page() -> str:
    """docs/remedies.md."""
    lines = [
        "# What to do about an error code",
        "",
        "`syncd rejects` shows each refused record or write with the CRM's own message and one of",
        "these. A refused write is tried again when the record, the field's definition, the mapping",
        "or the policy changes, and on `syncd rejects --retry`; not in every run.",
        "",
        "| code | what to do |",
        "|---|---|",
        *(f"| `{code}` | {text} |" for code, text in sorted(REMEDIES.items())),
        f"| any other | {GENERAL} |",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
