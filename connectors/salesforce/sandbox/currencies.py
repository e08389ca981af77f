"""Several currencies: a code on every record and a table of rates."""

from __future__ import annotations

from connectors.salesforce.sandbox.org import Org
from connectors.salesforce.sandbox.schema import Field
from connectors.salesforce.sandbox.standard import CURRENCY_TYPE, SETUP, parse_standard

DECIMALS = 2


def switch_on(org: Org, corporate: str, rates: dict[str, float]) -> None:
    """Give every record a currency and the org its rates, the corporate currency's being 1."""
    kind = parse_standard(*CURRENCY_TYPE)
    if kind.name not in org.objects:
        org.objects[kind.name] = kind
        org.reindex()
    codes = tuple({corporate: 1.0} | rates)
    for one in org.objects.values():
        if one.name in SETUP and one.name != "User":
            continue
        one.add(
            Field(
                name="CurrencyIsoCode",
                type="picklist",
                length=3,
                flags="CUNDFSGAR",
                label="Currency ISO Code",
                values=codes,
                default=corporate,
            )
        )
        for row in org.tables[one.name].rows.values():
            row.setdefault("CurrencyIsoCode", corporate)
    for code, rate in ({corporate: 1.0} | rates).items():
        org.store(
            kind.name,
            {
                "IsoCode": code,
                "ConversionRate": float(rate),
                "DecimalPlaces": DECIMALS,
                "IsActive": True,
                "IsCorporate": code == corporate,
            },
        )
    org.access.forget()
