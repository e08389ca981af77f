"""The currencies API: the company currency and the exchange rates of the others."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.hubspot.sandbox.api import Api, Reply, Request, Route, paged
from connectors.hubspot.sandbox.errors import bad_input, no_object
from connectors.hubspot.sandbox.portal import Portal
from connectors.hubspot.sandbox.rates import PLACES, Rate, current
from connectors.hubspot.sandbox.times import parse

_READ = ("settings.currencies.read", "multi-currency-read")
_WRITE = ("settings.currencies.write", "multi-currency-write")
_MOST = 100


def set_rate(portal: Portal, code: str, worth: Decimal, effective: int | None = None) -> Rate:
    """Give a currency a rate; the portal's first makes the company currency's own, which is 1."""
    now = portal.now()
    if not portal.rates and code != portal.home_currency:
        set_rate(portal, portal.home_currency, Decimal(1), 0)
    made = Rate(
        len(portal.rates) + 1,
        code,
        portal.home_currency,
        worth.quantize(PLACES),
        now if effective is None else effective,
        now,
        now,
    )
    portal.rates.append(made)
    return made


def _company(api: Api, _request: Request) -> Reply:
    api.need(*_READ)
    return Reply({"currencyCode": api.portal.home_currency})


def _current(api: Api, _request: Request) -> Reply:
    api.need(*_READ)
    portal = api.portal
    found = current(portal.rates, portal.home_currency, portal.now())
    return Reply({"results": [rate.wire() for rate in found.values()]}, rows=len(found))


def _list(api: Api, request: Request) -> Reply:
    api.need(*_READ)
    wanted = {name: request.one(name) for name in ("fromCurrencyCode", "toCurrencyCode")}
    found = [
        shown
        for shown in (rate.wire() for rate in api.portal.rates)
        if all(not code or shown[name] == code for name, code in wanted.items())
    ]
    return paged(request, found, _MOST)


def _one(api: Api, request: Request) -> Reply:
    api.need(*_READ)
    return Reply(_held(api, request).wire(), rows=1)


def _add(api: Api, request: Request) -> Reply:
    api.need(*_WRITE)
    body = request.json()
    code = str(body.get("fromCurrencyCode") or "")
    known = api.portal.catalogue.get("0-3", "deal_currency_code").options
    if code == api.portal.home_currency or all(code != one.value for one in known):
        raise bad_input(f"fromCurrencyCode: {code} is no currency that can be added")
    effective = parse(str(body["effectiveAt"])) if body.get("effectiveAt") else None
    if body.get("effectiveAt") and effective is None:
        raise bad_input("effectiveAt is no time")
    return Reply(set_rate(api.portal, code, _worth(body), effective).wire(), 201, rows=1)


def _change(api: Api, request: Request) -> Reply:
    api.need(*_WRITE)
    rate = _held(api, request)
    if rate.code == rate.to:
        raise bad_input("the company currency's own rate cannot be changed")
    rate.worth, rate.updated = _worth(request.json()), api.portal.now()
    return Reply(rate.wire(), rows=1)


def _held(api: Api, request: Request) -> Rate:
    key = request.parts["id"]
    for rate in api.portal.rates:
        if str(rate.id) == key:
            return rate
    raise no_object(key)


def _worth(body: dict[str, Any]) -> Decimal:
    given = body.get("conversionRate")
    try:
        worth = Decimal(str(given))
    except InvalidOperation:
        raise bad_input("conversionRate must be a number") from None
    if isinstance(given, bool) or not worth.is_finite() or worth <= 0:
        raise bad_input("conversionRate must be greater than 0")
    return worth.quantize(PLACES)


_ROOT = "/settings/v3/currencies"
ROUTES: tuple[Route, ...] = (
    ("GET", f"{_ROOT}/company-currency", _company),
    ("GET", f"{_ROOT}/exchange-rates", _list),
    ("POST", f"{_ROOT}/exchange-rates", _add),
    ("GET", f"{_ROOT}/exchange-rates/current", _current),
    ("GET", f"{_ROOT}/exchange-rates/{{id}}", _one),
    ("PATCH", f"{_ROOT}/exchange-rates/{{id}}", _change),
)
