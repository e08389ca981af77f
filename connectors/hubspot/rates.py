"""The portal's own exchange rates."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.hubspot.door import Door
from connectors.hubspot.paths import Paths
from connectors.hubspot.verdicts import RefusedError
from syncd.errors import AccessError


def several(portal: Mapping[str, Any]) -> tuple[str, ...]:
    """The currencies that the portal keeps beside its company currency, by its own details."""
    told = portal.get("additionalCurrencies")
    return tuple(str(code) for code in told) if isinstance(told, list) else ()


def rates(
    door: Door, paths: Paths, portal: Mapping[str, Any]
) -> tuple[str, Mapping[str, Decimal]] | None:
    """The company currency, and the worth of one unit of each other currency in it.

    HubSpot keeps just that: ``conversionRate`` is how many units of the company currency one unit
    of ``fromCurrencyCode`` is worth. Hidden currencies are included, as old deals still bear them.
    None, without a call, where the portal keeps one currency; and where the token may not read
    them (settings.currencies.read). Raises UnreachableError, LoginError or AllowanceError: rates
    that are out of reach for a moment must not change anybody's ARR.
    """
    home = str(portal.get("companyCurrency") or "")
    if not home or not several(portal):
        return None
    try:
        answer = door.other("GET", paths.exchange_rates())
    except (RefusedError, AccessError) as error:
        door.note("hubspot.rates_absent", reason=str(error))
        return None
    found = [one for one in answer.get("results") or () if one.get("toCurrencyCode") == home]
    found.sort(key=lambda one: str(one.get("effectiveAt") or ""))
    worth = {
        str(one["fromCurrencyCode"]): Decimal(str(one["conversionRate"]))
        for one in found
        if one.get("fromCurrencyCode") and one.get("conversionRate")
    }
    return home, {code: rate for code, rate in worth.items() if rate > 0}
