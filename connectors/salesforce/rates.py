"""The org's own exchange rates."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from connectors.salesforce.query import Query, pages
from connectors.salesforce.session import Session
from syncd.errors import AccessError, RequestError

CURRENCIES = Query("CurrencyType", ("IsoCode", "ConversionRate", "IsCorporate"), ())


def rates(session: Session) -> tuple[str, Mapping[str, Decimal]] | None:
    """The corporate currency, and the worth of one unit of each currency in it.

    Salesforce keeps the opposite, units of a currency for one of the corporate; inactive
    currencies are included, as old records still bear them. None where the org has a single
    currency: then CurrencyType does not exist.
    """
    home = ""
    worth: dict[str, Decimal] = {}
    try:
        for page in pages(session, CURRENCIES):
            for row in page.rows:
                rate = Decimal(str(row.get("ConversionRate") or 0))
                if row.get("IsCorporate"):
                    home = row["IsoCode"]
                if rate > 0:
                    worth[row["IsoCode"]] = 1 / rate
    except (AccessError, RequestError) as error:
        # The ordinary answer of an org with one currency, so no more than a word in the log.
        if session.log is not None:
            session.log.debug("crm_rates_absent", reason=str(error))
        return None
    return (home, worth) if home else None
