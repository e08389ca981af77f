"""The portal's exchange rates, as its currencies API keeps them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct

from connectors.hubspot.sandbox.times import instant

PLACES = Decimal("0.000001")


class Rate(Struct):
    """How many units of currency `to` one unit of `code` is worth, from `effective` on.

    Times are milliseconds since 1970.
    """

    id: int
    code: str
    to: str
    worth: Decimal
    effective: int
    created: int
    updated: int
    visible: bool = True

    def wire(self) -> dict[str, Any]:
        """As HubSpot shows it."""
        return {
            "id": str(self.id),
            "fromCurrencyCode": self.code,
            "toCurrencyCode": self.to,
            "conversionRate": float(self.worth),
            "visibleInUI": self.visible,
            "effectiveAt": instant(self.effective),
            "createdAt": instant(self.created),
            "updatedAt": instant(self.updated),
        }


def current(rates: list[Rate], home: str, now: int) -> dict[str, Rate]:
    """The rate of each currency against the company's at a moment, the company's own included."""
    counting = [rate for rate in rates if rate.to == home and rate.effective <= now]
    return {rate.code: rate for rate in sorted(counting, key=lambda rate: rate.effective)}
