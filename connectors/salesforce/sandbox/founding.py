"""A new org's first rows: organization, profiles, users, stages, record types, permissions."""

from __future__ import annotations

from connectors.salesforce.sandbox.access import Guarded
from connectors.salesforce.sandbox.standard_sales import STAGES

ADMIN = "admin@acme.example"
INTEGRATION = "syncd.integration@acme.example"
_PROFILES = (
    ("admin_profile", "System Administrator"),
    ("integration_profile", "Salesforce API Only System Integrations"),
    ("standard_profile", "Standard User"),
)
_TASK_STATES = ("Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred")


def add_user(org: Guarded, username: str, first: str | None, last: str, **more: object) -> str:
    """A user with the defaults of the org; `more` are further fields."""
    local = username.partition("@")[0]
    return org.store(
        "User",
        {
            "Username": username,
            "FirstName": first,
            "LastName": last,
            "Name": f"{first} {last}" if first else last,
            "Email": username,
            "Alias": local[:8],
            "CommunityNickname": local[:40],
            "IsActive": True,
            "TimeZoneSidKey": "Europe/London",
            "LocaleSidKey": "en_US",
            "EmailEncodingKey": "UTF-8",
            "LanguageLocaleKey": "en_US",
            "UserType": "Standard",
            "ProfileId": org.ids["standard_profile"],
            **more,
        },
    )


def found(org: Guarded) -> None:
    """Fill a new org; the ids of what others refer to are kept in ``org.ids``."""
    org.ids["org"] = org.store(
        "Organization",
        {
            "Name": "Acme",
            "Country": "GB",
            "DefaultLocaleSidKey": "en_US",
            "TimeZoneSidKey": "Europe/London",
            "LanguageLocaleKey": "en_US",
            "FiscalYearStartMonth": 1,
            "OrganizationType": "Developer Edition",
            "InstanceName": "SBX1",
        },
    )
    for key, name in _PROFILES:
        org.ids[key] = org.store("Profile", {"Name": name, "UserType": "Standard"})
    org.ids["admin"] = add_user(
        org, ADMIN, "Ada", "Admin", ProfileId=org.ids["admin_profile"], Title="CRM Administrator"
    )
    org.ids["integration"] = add_user(
        org, INTEGRATION, None, "syncd Integration", ProfileId=org.ids["integration_profile"]
    )
    _values(org)
    grant_all(org)


def _values(org: Guarded) -> None:
    for order, (label, chance, category, end) in enumerate(STAGES, start=1):
        org.store(
            "OpportunityStage",
            {
                "MasterLabel": label,
                "ApiName": label,
                "IsActive": True,
                "SortOrder": order,
                "IsClosed": end != "open",
                "IsWon": end == "won",
                "ForecastCategory": category,
                "ForecastCategoryName": category,
                "DefaultProbability": float(chance),
            },
        )
    for order, label in enumerate(_TASK_STATES, start=1):
        org.store(
            "TaskStatus",
            {
                "MasterLabel": label,
                "ApiName": label,
                "SortOrder": order,
                "IsDefault": order == 1,
                "IsClosed": label == "Completed",
            },
        )


def grant_all(org: Guarded) -> None:
    """Give each profile all fields that the org has now, as their makers did in Setup."""
    for key, name in _PROFILES:
        parent = org.store(
            "PermissionSet",
            {
                "Name": f"X{org.ids[key]}",
                "Label": name,
                "ProfileId": org.ids[key],
                "IsOwnedByProfile": True,
                "Type": "Profile",
                "PermissionsApiEnabled": True,
                "PermissionsViewSetup": True,
                "PermissionsViewAllData": key != "standard_profile",
                "PermissionsModifyAllData": key == "admin_profile",
            },
        )
        org.ids[f"{key}_set"] = parent
        for kind in org.objects.values():
            if kind.queryable:
                org.store(
                    "ObjectPermissions",
                    {
                        "ParentId": parent,
                        "SobjectType": kind.name,
                        "PermissionsCreate": True,
                        "PermissionsRead": True,
                        "PermissionsEdit": True,
                        "PermissionsDelete": True,
                    },
                )
            for one in kind.fields.values():
                if one.permissionable:
                    org.store(
                        "FieldPermissions",
                        {
                            "ParentId": parent,
                            "SobjectType": kind.name,
                            "Field": f"{kind.name}.{one.name}",
                            "PermissionsRead": True,
                            "PermissionsEdit": one.updateable or one.createable,
                        },
                    )
    org.access.forget()
