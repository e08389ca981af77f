"""Who sees and who may change which object and field, by permission sets.

A field made through an API is granted to nobody at first, not even to administrators:
https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_fieldpermissions.htm
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from connectors.salesforce.sandbox.errors import RowError
from connectors.salesforce.sandbox.held import Held

WATCHED = frozenset(
    {"FieldPermissions", "ObjectPermissions", "PermissionSet", "PermissionSetAssignment", "User"}
)
NOBODY: frozenset[str] = frozenset()
RIGHTS = ("Read", "Create", "Edit", "Delete")
SETUP_ONLY = frozenset({"DuplicateRule"})
"""Objects that the permission View Setup and Configuration opens, and nothing else."""


@dataclass(frozen=True, slots=True)
class View:
    """What one user may not see, and may not change, of one object."""

    hidden: frozenset[str]
    fixed: frozenset[str]


EVERYTHING = View(NOBODY, NOBODY)


class Access:
    """Views by user and object, worked out once after each change of permissions or schema."""

    def __init__(self, org: Held) -> None:
        """Of the org's users."""
        self.org = org
        self._views: dict[tuple[str, str], View] = {}
        self._grants: dict[str, tuple[set[str], set[str]]] = {}
        self._rights: dict[tuple[str, str], frozenset[str]] = {}

    def forget(self) -> None:
        """Work everything out afresh when next asked."""
        self._views.clear()
        self._grants.clear()
        self._rights.clear()

    def permission_sets(self, user: str) -> set[str]:
        """Ids of the permission sets that the user holds, the profile's own one among them."""
        tables = self.org.tables
        held = {
            row["PermissionSetId"]
            for row in tables["PermissionSetAssignment"].having("AssigneeId", user)
        }
        profile = tables["User"].rows.get(user, {}).get("ProfileId")
        if profile is not None:
            held |= {row["Id"] for row in tables["PermissionSet"].having("ProfileId", profile)}
        return held

    def _granted(self, user: str) -> tuple[set[str], set[str]]:
        if user not in self._grants:
            read: set[str] = set()
            edit: set[str] = set()
            for held in self.permission_sets(user):
                for row in self.org.tables["FieldPermissions"].having("ParentId", held):
                    if row.get("PermissionsRead"):
                        read.add(row["Field"])
                    if row.get("PermissionsEdit"):
                        edit.add(row["Field"])
            self._grants[user] = (read, edit)
        return self._grants[user]

    def view(self, user: str | None, name: str) -> View:
        """The user's view of the object; None is the org itself, which sees everything."""
        if user is None:
            return EVERYTHING
        found = self._views.get((user, name))
        if found is None:
            read, edit = self._granted(user)
            fields = self.org.objects[name].fields.values()
            guarded = [one.name for one in fields if one.permissionable]
            found = View(
                frozenset(one for one in guarded if f"{name}.{one}" not in read),
                frozenset(one for one in guarded if f"{name}.{one}" not in edit),
            )
            self._views[user, name] = found
        return found

    def may(self, user: str | None, name: str, right: str) -> bool:
        """Whether the user has the right (of RIGHTS) on the object; None is the org itself.

        An object that no permission set speaks of is given to everyone, as settings are. Nobody
        may change what they may not read.
        """
        if user is None:
            return True
        if name in SETUP_ONLY:
            return right == "Read" and self.sees_setup(user)
        found = self._rights.get((user, name))
        if found is None:
            table = self.org.tables["ObjectPermissions"].rows.values()
            rows = [row for row in table if row["SobjectType"] == name]
            held = self.permission_sets(user)
            found = frozenset(
                one
                for one in RIGHTS
                if not rows
                or any(
                    row["ParentId"] in held
                    and row.get("PermissionsRead")
                    and row.get(f"Permissions{one}")
                    for row in rows
                )
            )
            self._rights[user, name] = found
        return right in found

    def sees_setup(self, user: str) -> bool:
        """Whether the user may look at the org's setup."""
        sets = self.org.tables["PermissionSet"].rows
        return any(sets[key].get("PermissionsViewSetup") for key in self.permission_sets(user))

    def grant_object(self, parent: str, name: str, rights: frozenset[str]) -> None:
        """Set what a permission set gives on an object."""
        table = self.org.tables["ObjectPermissions"]
        spoken = [row for row in table.rows.values() if row["ParentId"] == parent]
        for row in spoken:
            if row["SobjectType"] == name:
                table.discard(row["Id"])
        granted = {f"Permissions{one}": one in rights for one in RIGHTS}
        self.org.store("ObjectPermissions", {"ParentId": parent, "SobjectType": name, **granted})
        self.forget()

    def grant(self, parent: str, name: str, field: str, *, read: bool, edit: bool) -> None:
        """Set what a permission set gives on a field; nothing at all removes the row."""
        table = self.org.tables["FieldPermissions"]
        whole = f"{name}.{field}"
        present = [row for row in table.having("ParentId", parent) if row["Field"] == whole]
        for row in present:
            table.discard(row["Id"])
        if read:
            self.org.store(
                "FieldPermissions",
                {
                    "ParentId": parent,
                    "SobjectType": name,
                    "Field": whole,
                    "PermissionsRead": True,
                    "PermissionsEdit": edit,
                },
            )
        self.forget()


class Guarded(Held, Protocol):
    """The same with who may see and change what."""

    access: Access


def check_field_permission(org: Held, row: dict[str, Any], *, new: bool) -> None:
    """Refuse a FieldPermissions row that the org cannot keep. Raises RowError."""
    whole = str(row["Field"])
    name, _, field = whole.partition(".")
    kind = org.objects.get(name)
    known = None if kind is None else kind.find(field)
    if known is None or not known.permissionable or name != row["SobjectType"]:
        raise RowError(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"Field Name: bad value for restricted picklist field: {whole}",
            ["Field"],
        )
    if row.get("PermissionsEdit") and not row.get("PermissionsRead"):
        raise RowError(
            "FIELD_INTEGRITY_EXCEPTION",
            "Field permissions: Edit access to a field requires read access.",
            ["PermissionsEdit"],
        )
    if row.get("PermissionsEdit") and known.formula is not None:
        raise RowError(
            "FIELD_INTEGRITY_EXCEPTION",
            f"You cannot edit permissions of a calculated field: {whole}",
            ["PermissionsEdit"],
        )
    if new:
        for other in org.tables["FieldPermissions"].having("ParentId", row["ParentId"]):
            if other["Field"] == whole:
                raise RowError(
                    "DUPLICATE_VALUE",
                    "duplicate value found: <unknown> duplicates value on record with id: "
                    "<unknown>",
                )


def check_assignment(org: Held, row: dict[str, Any]) -> None:
    """Refuse a second assignment of a permission set to the same user. Raises RowError."""
    for other in org.tables["PermissionSetAssignment"].having("AssigneeId", row["AssigneeId"]):
        if other["PermissionSetId"] == row["PermissionSetId"]:
            raise RowError(
                "DUPLICATE_VALUE",
                "duplicate value found: AssigneeId duplicates value on record with id: "
                f"{other['Id'][:15]}",
                ["AssigneeId"],
            )
