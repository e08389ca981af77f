"""Every path of HubSpot's API that syncd calls, in one table.

HubSpot dates its versions since 2026-03: same shapes, other paths. One setting, `api_version`,
swaps them all. The v3 and v4 paths are those that hubspot-api-client speaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal
from urllib.parse import quote

ENDS = (
    ("associations", date(2027, 3, 30)),
    ("objects, properties and pipelines", date(2027, 9, 1)),
)
"""Until when HubSpot supports the v4 and v3 paths (by its own changelog)."""
OAUTH_END = date(2027, 2, 16)
"""When HubSpot switches the v1 path of OAuth off."""
DATED = "2026-09"
"""A version whose paths replace them."""

Batch = Literal["read", "create", "update", "upsert"]


# HubSpot's contracts have a name in its pages, but only a type id in its API.
_TYPE_IDS = {"contracts": "0-721"}


def _named(type: str) -> str:
    return quote(_TYPE_IDS.get(type, type))


@dataclass(frozen=True, slots=True)
class Paths:
    """The paths of one API version; `version` empty means v3 objects and v4 associations."""

    version: str = ""

    def _root(self, area: str, classic: str) -> str:
        return f"/{area}/{self.version}" if self.version else classic

    def objects(self, type: str) -> str:
        """A type's records: the list."""
        return f"{self._root('crm/objects', '/crm/v3/objects')}/{_named(type)}"

    def record(self, type: str, id: str) -> str:
        """One record."""
        return f"{self.objects(type)}/{quote(id, safe='')}"

    def batch(self, type: str, verb: Batch) -> str:
        """Up to 100 records at once."""
        return f"{self.objects(type)}/batch/{verb}"

    def search(self, type: str) -> str:
        """Search by filters."""
        return f"{self.objects(type)}/search"

    def associations(self, from_type: str, to_type: str) -> str:
        """The associations of one type with another: read, associate, labels below it."""
        root = self._root("crm/associations", "/crm/v4/associations")
        return f"{root}/{_named(from_type)}/{_named(to_type)}"

    def properties(self, type: str) -> str:
        """A type's property catalogue."""
        return f"{self._root('crm/properties', '/crm/v3/properties')}/{_named(type)}"

    def pipelines(self, type: str) -> str:
        """A type's pipelines with their stages."""
        return f"{self._root('crm/pipelines', '/crm/v3/pipelines')}/{_named(type)}"

    def owners(self) -> str:
        """The owners. The v3 path ends in a slash, as the SDK's own does."""
        return self._root("crm/owners", "/crm/v3/owners/")

    def account(self) -> str:
        """The portal's own details."""
        return f"{self._root('account-info', '/account-info/v3')}/details"

    def daily_usage(self) -> str:
        """What private apps used of the day's calls."""
        return f"{self._root('account-info', '/account-info/v3')}/api-usage/daily/private-apps"

    def exchange_rates(self) -> str:
        """The rates of the portal's currencies as they are now."""
        root = self._root("settings/currencies", "/settings/v3/currencies")
        return f"{root}/exchange-rates/current"

    def token(self) -> str:
        """Where OAuth tokens are renewed."""
        return f"/oauth/{self.version}/token" if self.version else "/oauth/v1/token"

    def token_scopes(self) -> str:
        """What a private app's token may do. It has no dated form."""
        return "/oauth/v2/private-apps/get/access-token-info"
