"""A field as the Metadata API shows it."""

from __future__ import annotations

from typing import Any

from connectors.salesforce.sandbox.schema import Field

_METADATA_TYPES = {
    "boolean": "Checkbox",
    "currency": "Currency",
    "date": "Date",
    "datetime": "DateTime",
    "double": "Number",
    "email": "Email",
    "multipicklist": "MultiselectPicklist",
    "percent": "Percent",
    "phone": "Phone",
    "picklist": "Picklist",
    "reference": "Lookup",
    "string": "Text",
    "url": "Url",
}


def metadata_of(one: Field) -> dict[str, Any]:
    """The Metadata API's shape of a field."""
    kind = _METADATA_TYPES.get(one.type)
    if kind is None:
        kind = "LongTextArea" if one.long_text else "TextArea"
    made: dict[str, Any] = {
        "type": "Html" if one.html else kind,
        "label": one.label,
        "externalId": one.external_id,
        "unique": one.unique,
        "required": not one.nillable and one.type != "boolean",
        "length": one.length or None,
        "precision": one.precision or None,
        "scale": one.scale if one.precision else None,
        "inlineHelpText": one.help,
        "referenceTo": one.to[0] if one.to else None,
        "valueSet": None,
    }
    if one.values:
        made["valueSet"] = {
            "restricted": "R" in one.flags,
            "valueSetDefinition": {
                "sorted": False,
                "value": [
                    {"valueName": value, "label": value, "default": value == one.default}
                    for value in one.values
                ],
            },
        }
    return made
