"""A portal's property catalogue: what records can bear, and how admins change that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.hubspot.sandbox import (
    catalogue_more,
    catalogue_sales,
    catalogue_work,
    customer,
    reading,
)
from connectors.hubspot.sandbox.errors import ApiError, bad_input, not_found
from connectors.hubspot.sandbox.schema import Group, Option, Property, parse_lines

MOST_PROPERTIES = 1_000
MOST_UNIQUE = 10
FORMS = {
    "bool": {"booleancheckbox", "calculation_equation"},
    "date": {"date"},
    "datetime": {"date"},
    "enumeration": {"booleancheckbox", "checkbox", "radio", "select", "calculation_equation"},
    "number": {"number", "calculation_equation"},
    "phone_number": {"phonenumber"},
    "string": {"file", "html", "phonenumber", "text", "textarea", "calculation_equation"},
}
_STANDARD = {
    "0-1": catalogue_sales.CONTACTS,
    "0-2": catalogue_sales.COMPANIES,
    "0-3": catalogue_sales.DEALS,
    "0-5": catalogue_work.TICKETS,
    "0-7": catalogue_work.PRODUCTS,
    "0-8": catalogue_work.LINE_ITEMS,
    "0-14": catalogue_more.QUOTES,
    "0-18": catalogue_more.COMMUNICATIONS,
    "0-19": catalogue_more.FEEDBACK,
    "0-27": catalogue_work.TASKS,
    "0-46": catalogue_work.NOTES,
    "0-47": catalogue_work.MEETINGS,
    "0-48": catalogue_work.CALLS,
    "0-49": catalogue_work.EMAILS,
    "0-28": catalogue_more.FORMS,
    "0-72": catalogue_more.SPLITS,
    "0-74": catalogue_more.GOALS,
    "0-116": catalogue_more.POSTAL_MAIL,
    "0-136": catalogue_more.LEADS,
    "0-162": catalogue_work.SERVICES,
    "0-721": catalogue_work.CONTRACTS,
}


class Catalogue:
    """Properties and groups by object type id."""

    def __init__(self) -> None:
        """HubSpot's own properties."""
        self.properties: dict[str, dict[str, Property]] = {}
        self.groups: dict[str, dict[str, Group]] = {}
        for kind, text in _STANDARD.items():
            self.extend(kind, parse_lines(text))

    def extend(self, kind: str, found: list[Property]) -> None:
        """Add properties, and the groups that they name."""
        known = self.properties.setdefault(kind, {})
        groups = self.groups.setdefault(kind, {})
        for one in found:
            known[one.name] = one
            groups.setdefault(one.group, Group(one.group, one.group.replace("_", " ").capitalize()))

    def live(self, kind: str) -> dict[str, Property]:
        """The properties that are not archived."""
        return {n: p for n, p in self.properties.get(kind, {}).items() if p.archived is None}

    def find(self, kind: str, name: str) -> Property | None:
        """A property that is not archived."""
        found = self.properties.get(kind, {}).get(name)
        return found if found is not None and found.archived is None else None

    def get(self, kind: str, name: str) -> Property:
        """The same; raises ApiError (404) where there is none."""
        found = self.find(kind, name)
        if found is None:
            raise not_found()
        return found

    def create(self, kind: str, body: Mapping[str, Any], now: int, user: str) -> Property:
        """A property of the customer's own. Raises ApiError (400, 409)."""
        name = str(body.get("name") or "")
        if self.find(kind, name) is not None:
            raise ApiError(
                409,
                f"A property named '{name}' already exists.",
                "OBJECT_ALREADY_EXISTS",
                subCategory="Properties.PROPERTY_WITH_NAME_EXISTS",
                context={"name": [name]},
            )
        made = self._definition(kind, body, now, user)
        live = self.live(kind).values()
        if len(live) >= MOST_PROPERTIES:
            raise ApiError(400, f"The limit of {MOST_PROPERTIES} properties is reached.")
        if made.unique and sum(one.unique for one in live) >= MOST_UNIQUE:
            raise ApiError(400, f"The limit of {MOST_UNIQUE} unique value properties is reached.")
        self.properties.setdefault(kind, {})[name] = made
        return made

    def change(self, kind: str, name: str, body: Mapping[str, Any], now: int) -> Property:
        """PATCH: what the body names is replaced, a list of options as a whole."""
        held = self.get(kind, name)
        if "hasUniqueValue" in body and bool(body["hasUniqueValue"]) != held.unique:
            raise ApiError(400, "hasUniqueValue cannot be changed once the property is created.")
        read_only = {"label", "type", "fieldType", "groupName"} & body.keys()
        if held.native and read_only and not held.options:
            raise ApiError(400, f"The definition of {name} is read only.")
        plain = {
            "label": held.label,
            "type": held.type,
            "fieldType": held.field_type,
            "groupName": held.group,
            "description": held.description,
            "displayOrder": held.display_order,
            "hidden": held.hidden,
            "formField": held.form_field,
            **body,
            "name": name,
        }
        changed = self._definition(kind, plain, now, held.user or "")
        held.label, held.type, held.field_type = changed.label, changed.type, changed.field_type
        held.group, held.description = changed.group, changed.description
        held.display_order, held.hidden = changed.display_order, changed.hidden
        held.form_field = changed.form_field
        if "options" in body:
            held.options = changed.options
        held.currency = changed.currency if "showCurrencySymbol" in body else held.currency
        held.number_hint = changed.number_hint or held.number_hint
        held.updated = now
        return held

    def archive(self, kind: str, name: str, now: int) -> None:
        """DELETE: a property of the customer's own. Raises ApiError."""
        held = self.get(kind, name)
        if held.native:
            raise ApiError(
                400,
                f"Property {name} is in use or HubSpot's own and can't be deleted.",
                subCategory="PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE",
            )
        held.archived = now

    def group(self, kind: str, name: str) -> Group:
        """A group; raises ApiError (404)."""
        found = self.groups.get(kind, {}).get(name)
        if found is None or found.archived:
            raise not_found()
        return found

    def create_group(self, kind: str, body: Mapping[str, Any]) -> Group:
        """A group. Raises ApiError (400, 409)."""
        name = str(body.get("name") or "")
        if not name or not body.get("label"):
            raise bad_input("a property group needs a name and a label")
        groups = self.groups.setdefault(kind, {})
        if name in groups and not groups[name].archived:
            raise ApiError(
                409,
                f"A property group named '{name}' already exists.",
                "OBJECT_ALREADY_EXISTS",
                subCategory="Properties.GROUP_WITH_NAME_EXISTS",
                context={"name": [name]},
            )
        order = body.get("displayOrder")
        place = len(groups) if order is None else reading.whole(dict(body), "displayOrder", 0)
        groups[name] = Group(name, str(body["label"]), place)
        return groups[name]

    def archive_group(self, kind: str, name: str) -> None:
        """DELETE: only a group without live properties. Raises ApiError."""
        group = self.group(kind, name)
        if any(one.group == name for one in self.live(kind).values()):
            raise ApiError(400, f"The group {name} still has properties and can't be archived.")
        group.archived = True

    def _definition(self, kind: str, body: Mapping[str, Any], now: int, user: str) -> Property:
        for key in ("name", "label", "type", "fieldType", "groupName"):
            if not body.get(key):
                raise bad_input(f"Some required fields were not set: [{key}]")
        type, form = str(body["type"]), str(body["fieldType"])
        if type not in FORMS:
            raise bad_input(f"{type} is no property type; one of {', '.join(sorted(FORMS))}")
        if form not in FORMS[type]:
            raise ApiError(400, f"fieldType {form} is not valid for a property of type {type}.")
        name = str(body["name"])
        if name != name.lower() or not name.replace("_", "").isalnum() or name[0].isdigit():
            raise ApiError(
                400,
                f"Property name {name!r} is invalid: lowercase letters, digits and underscores, "
                "a letter first.",
            )
        if str(body["groupName"]) not in self.groups.get(kind, {}):
            raise ApiError(400, f"Property group '{body['groupName']}' does not exist.")
        return Property(
            name=name,
            label=str(body["label"]),
            type=type,
            field_type=form,
            group=str(body["groupName"]),
            description=str(body.get("description") or ""),
            options=_options(body.get("options") or (), type),
            display_order=reading.whole(dict(body), "displayOrder", -1),
            calculated=form.startswith("calculation"),
            external=bool(body.get("externalOptions")),
            references=body.get("referencedObjectType"),
            unique=bool(body.get("hasUniqueValue")),
            hidden=bool(body.get("hidden")),
            read_only=form.startswith("calculation"),
            form_field=bool(body.get("formField")),
            currency=body.get("showCurrencySymbol"),
            number_hint=body.get("numberDisplayHint"),
            created=now,
            updated=now,
            user=user,
        )


def with_customer() -> Catalogue:
    """HubSpot's properties and those that the made-up customer added."""
    catalogue = Catalogue()
    ids = {"companies": "0-2", "contacts": "0-1", "deals": "0-3", "tickets": "0-5"}
    ids["contracts"] = "0-721"
    name, label = customer.GROUP
    for kind, lines in customer.PROPERTIES.items():
        catalogue.groups[ids[kind]][name] = Group(name, label)
        catalogue.extend(ids[kind], parse_lines(f"[{name}]\n{lines.strip()}", native=False))
    for (kind, property), more in customer.OPTIONS.items():
        held = catalogue.properties[ids[kind]][property]
        for value, text in more:
            held.options.append(Option(text, value, len(held.options)))
    return catalogue


def _options(given: Any, type: str) -> list[Option]:
    found: list[Option] = []
    for order, one in enumerate(reading.objects(given, "options")):
        if not one.get("label") or one.get("value") in (None, ""):
            raise bad_input("an option needs a label and a value")
        found.append(
            Option(
                str(one["label"]),
                str(one["value"]),
                reading.whole(one, "displayOrder", order),
                bool(one.get("hidden")),
                one.get("description"),
            )
        )
    values = [one.value for one in found]
    if len(set(values)) != len(values):
        raise ApiError(400, "Property options must have unique values.")
    if type == "bool" and sorted(values) != ["false", "true"]:
        raise ApiError(
            400, "Boolean properties must have exactly two options: values true and false."
        )
    return found
