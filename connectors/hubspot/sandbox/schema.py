"""Properties: their definitions, and the compact lines that the shipped catalogue is written in."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from connectors.hubspot.sandbox.times import instant

_LONGER = {
    "text": ("string", "text"),
    "textarea": ("string", "textarea"),
    "html": ("string", "html"),
    "phone": ("string", "phonenumber"),
    "number": ("number", "number"),
    "money": ("number", "number"),
    "formula": ("number", "calculation_equation"),
    "rollup": ("number", "calculation_rollup"),
    "date": ("date", "date"),
    "datetime": ("datetime", "date"),
    "choice": ("enumeration", "select"),
    "radio": ("enumeration", "radio"),
    "checkbox": ("enumeration", "checkbox"),
    "bool": ("bool", "booleancheckbox"),
    "boolformula": ("bool", "calculation_equation"),
    "owner": ("enumeration", "select"),
    "external": ("enumeration", "select"),
    "company": ("number", "number"),
}
_REFERENCES = {"owner": "OWNER", "company": "COMPANY"}
_BORN = 1_593_532_657_277


class Option(Struct):
    """One of an enumeration's values."""

    label: str
    value: str
    displayOrder: int = -1  # noqa: N815 - the name on the wire
    hidden: bool = False
    description: str | None = None


class Property(Struct):
    """A property of an object type. `read_only` values are HubSpot's own to set."""

    name: str
    label: str
    type: str
    field_type: str
    group: str
    description: str = ""
    options: list[Option] = field(default_factory=list)
    display_order: int = -1
    calculated: bool = False
    external: bool = False
    references: str | None = None
    unique: bool = False
    hidden: bool = False
    native: bool = False
    read_only: bool = False
    form_field: bool = False
    currency: bool | None = None
    number_hint: str | None = None
    created: int = _BORN
    updated: int = _BORN
    archived: int | None = None
    user: str | None = None

    @property
    def values(self) -> list[str]:
        """The values it may take; empty where any."""
        return [option.value for option in self.options]

    @property
    def several(self) -> bool:
        """Whether it holds a list of values, written ``a;b``."""
        return self.type == "enumeration" and self.field_type == "checkbox"

    def wire(self, *, brief: bool = False) -> dict[str, Any]:
        """The definition as the API shows it; `brief` as an answer to batch creation does."""
        shown: dict[str, Any] = {}
        if not brief:
            shown = {"updatedAt": instant(self.updated), "createdAt": instant(self.created)}
        shown |= {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": [_option(one) for one in self.options],
        }
        if self.user and not brief:
            shown |= {"createdUserId": self.user, "updatedUserId": self.user}
        if self.references:
            shown["referencedObjectType"] = self.references
        shown |= {
            "displayOrder": self.display_order,
            "calculated": self.calculated,
            "externalOptions": self.external,
        }
        if self.archived is not None:
            shown |= {"archived": True, "archivedAt": instant(self.archived)}
        elif not self.native and not brief:
            shown["archived"] = False
        shown |= {"hasUniqueValue": self.unique, "hidden": self.hidden}
        if self.native:
            shown["hubspotDefined"] = True
        if self.currency is not None:
            shown["showCurrencySymbol"] = self.currency
        if self.number_hint is not None:
            shown["numberDisplayHint"] = self.number_hint
        shown |= {
            "modificationMetadata": {
                "archivable": not self.native,
                "readOnlyDefinition": self.native,
                "readOnlyValue": self.read_only,
            },
            "formField": self.form_field,
            "dataSensitivity": "non_sensitive",
        }
        return shown


class Group(Struct):
    """A group of properties."""

    name: str
    label: str
    display_order: int = -1
    archived: bool = False

    def wire(self) -> dict[str, Any]:
        """The group as the API shows it."""
        return {
            "name": self.name,
            "label": self.label,
            "displayOrder": self.display_order,
            "archived": self.archived,
        }


def parse_line(line: str, group: str, *, native: bool = True) -> Property:
    """A property from ``name | form | label | flags | option, option=Label``.

    Forms are the keys of `_LONGER`. Flags: r read-only, u unique, h hidden.
    """
    name, form, label, flags, options = ([*(part.strip() for part in line.split("|")), "", ""])[:5]
    type, field_type = _LONGER[form]
    calculated = field_type.startswith("calculation")
    if type == "bool":
        options = options or "true=Yes, false=No"
    return Property(
        name=name,
        label=label or name,
        type=type,
        field_type=field_type,
        group=group,
        options=_options(options),
        calculated=calculated,
        external=form == "external" or form in _REFERENCES,
        references=_REFERENCES.get(form),
        unique="u" in flags,
        hidden="h" in flags,
        native=native,
        read_only=calculated or "r" in flags,
        currency=True if form == "money" else None,
        form_field=not native,
    )


def parse_lines(text: str, *, native: bool = True) -> list[Property]:
    """Properties from lines; a line such as ``[companyinformation]`` opens a group."""
    found: list[Property] = []
    group = ""
    for line in text.strip().splitlines():
        if line.startswith("["):
            group = line.strip("[] ")
        elif line.strip():
            found.append(parse_line(line, group, native=native))
    return found


def _options(text: str) -> list[Option]:
    options: list[Option] = []
    for order, part in enumerate(p.strip() for p in text.split(",") if p.strip()):
        value, _, label = part.partition("=")
        plain = value.replace("_", " ").capitalize()
        options.append(Option(label=label or plain, value=value, displayOrder=order))
    return options


def _option(option: Option) -> dict[str, Any]:
    shown: dict[str, Any] = {"label": option.label, "value": option.value}
    if option.description is not None:
        shown["description"] = option.description
    return shown | {"displayOrder": option.displayOrder, "hidden": option.hidden}
