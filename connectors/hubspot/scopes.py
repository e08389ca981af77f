"""HubSpot's scopes: which syncd needs, and where an admin grants them."""

from __future__ import annotations

from collections.abc import Iterable

READING = (
    "crm.objects.companies.read",
    "crm.objects.contacts.read",
    "crm.objects.deals.read",
    "crm.objects.owners.read",
)
IF_MAPPED = ("crm.objects.contracts.read", "crm.objects.custom.read", "tickets")
"""Needed only by a mapping that reads contracts, objects of the portal's own, tickets."""
CURRENCIES = ("settings.currencies.read", "multi-currency-read")
"""Either lets syncd read a portal's exchange rates; the second is the name of older apps."""
WRITING = ("crm.objects.companies.write", "crm.objects.contacts.write")
PROVISIONING = (
    "crm.schemas.companies.write",
    "crm.schemas.contacts.write",
    "crm.schemas.deals.write",
)


def remedy(scopes: Iterable[str]) -> str:
    """The clicks that grant the scopes."""
    names = ", ".join(scopes) or "the scope of this object"
    return (
        "In HubSpot: Settings > Integrations > Private Apps (or Development > Keys > Service "
        f"Keys), open the app, Scopes, add {names}, save, and take over the token it shows."
    )
