"""How a connection's money and moments are read: currencies, time zone, and terms left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from syncd.mapping.months import length_in_months

CENT = Decimal("0.01")
_ONE = Decimal(1)
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class ReadContext:
    """What reading a record needs besides the mapping.

    `currency` is the portfolio's; `rates` say what one unit of each currency is worth in `home`
    (the CRM's own home currency, or the portfolio's where the config's rates count).
    `others` are the config's, in the portfolio's currency, for what `rates` do not know.
    `default_term_months` is the term of an opportunity that names none.
    """

    currency: str
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    home: str = ""
    timezone: tzinfo = _UTC
    default_term_months: int = 12
    others: Mapping[str, Decimal] = field(default_factory=dict)
    _factors: dict[str, Decimal] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out once what one unit of each currency is worth in the portfolio's."""
        own = self.currency.upper()
        worth = {code.upper(): rate for code, rate in self.rates.items() if rate > 0}
        worth[(self.home or own).upper()] = _ONE
        factors = {own: _ONE}
        if own in worth:
            factors |= {code: rate / worth[own] for code, rate in worth.items()}
            factors[own] = _ONE
        for code, rate in self.others.items():
            if rate > 0:
                factors.setdefault(code.upper(), rate)
        object.__setattr__(self, "_factors", factors)

    def money(self) -> str:
        """What money is worth here, as a text that changes when any rate does."""
        known = ",".join(f"{code}={rate}" for code, rate in sorted(self._factors.items()))
        return f"{self.currency}:{known}"

    def factor(self, currency: str | None) -> Decimal | None:
        """Worth of one unit of `currency` in the portfolio's; None: nobody knows.

        A record without a currency is in the portfolio's.
        """
        return _ONE if currency is None else self._factors.get(currency)


def cents(amount: Decimal) -> Decimal:
    """The amount to the cent, half up."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def yearly(
    amount: Decimal | None,
    term_months: int | None,
    *,
    annual: bool,
    start: date | None = None,
    end: date | None = None,
    default_months: int | None = None,
) -> Decimal | None:
    """ARR of an amount: amount by 12 / term, or the amount itself where it is a yearly one.

    Without a term: the months from start to end, else `default_months`. None where no ARR can
    be worked out; zero and negative amounts are no ARR. It is not rounded: sums are, once.
    """
    if amount is None or amount <= 0:
        return None
    if annual:
        return amount
    months = term_months if term_months is not None and term_months > 0 else None
    if months is None and start is not None and end is not None and start <= end:
        months = length_in_months(start, end)
    months = months or default_months
    return None if months is None else amount * 12 / months
