"""HubSpot's own exchange rates: read where the portal has any, never guessed where it has not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hubspot_portal import Client, Clock, serving

from connectors.hubspot import HubSpotConnector
from connectors.hubspot.sandbox import Fault, HubSpotSandbox
from connectors.hubspot.settings import HubSpotSettings
from connectors.sandbox.make_book import make_book
from syncd.cli import exit_code
from syncd.connector import Context
from syncd.errors import UnreachableError
from syncd.rehearsal import write_config

RATES = "/settings/v3/currencies/exchange-rates"
QUICK = {"requests_per_10_seconds": 100_000, "searches_per_second": 1_000}
Connect = Callable[..., HubSpotConnector]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with serving(HubSpotSandbox(), tmp_path) as found:
        yield found


@pytest.fixture
def connect(client: Client, tmp_path: Path) -> Iterator[Connect]:
    """Opens connectors to the portal; the keys given go before the sandbox's own."""
    opened: list[HubSpotConnector] = []
    ours = client.sandbox.connection_settings(client.url, tmp_path / "ca.pem")
    own = {key: value for key, value in ours.items() if key not in {"connector", "mapping"}}

    def make(**settings: Any) -> HubSpotConnector:
        keys = HubSpotSettings.model_validate({**own, "limits": QUICK, **settings})
        opened.append(HubSpotConnector(keys, Context(name="hubspot", timezone="Europe/London")))
        opened[-1].open()
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def asked(client: Client) -> int:
    """How often the portal was asked for rates."""
    return sum(call.path.startswith("/settings/") for call in client.sandbox.calls)


def test_one_currency_costs_no_call(client: Client, connect: Connect) -> None:
    """The portal's details say that there is nothing to ask for."""
    assert connect().rates() is None
    assert asked(client) == 0


@pytest.mark.parametrize("version", ["", "2026-09"])
def test_what_one_unit_is_worth(version: str, client: Client, connect: Connect) -> None:
    """Each currency's worth in the company's, as of now, on the plain and the dated paths."""
    client.sandbox.set_rate("EUR", "1.05")
    client.sandbox.set_rate("EUR", "1.3")
    client.sandbox.set_rate("JPY", "0.0066666")
    client.call(
        "POST",
        RATES,
        {"fromCurrencyCode": "EUR", "conversionRate": 9, "effectiveAt": "2099-01-01T00:00:00Z"},
    )

    assert connect(api_version=version).rates() == (
        "USD",
        {"USD": Decimal("1.0"), "EUR": Decimal("1.3"), "JPY": Decimal("0.006667")},
    )
    assert asked(client) == 2


def test_rates_out_of_sight(client: Client, connect: Connect) -> None:
    """Without the scope the config's rates count, and check says so; the older name will do."""
    client.sandbox.set_rate("EUR", "1.3")
    client.sandbox.scopes = client.sandbox.scopes - {"settings.currencies.read"}
    hidden, notes = connect().rates(), list(connect().check())
    client.sandbox.scopes = client.sandbox.scopes | {"multi-currency-read"}
    shown, content = connect().rates(), list(connect().check())
    told = [note for note in notes if "exchange rates of EUR" in note.text]

    assert hidden is None
    assert [(note.severity, "settings.currencies.read" in note.remedy) for note in told] == [
        ("warning", True)
    ]
    assert shown is not None
    assert not any("exchange rates" in note.text for note in content)


def test_rates_out_of_reach_are_not_taken_for_none(
    client: Client, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CRM in trouble must not change anybody's ARR: the run stops instead."""
    monkeypatch.setattr("syncd.retry.wait_seconds", lambda _attempt, _after: 0.0)
    client.sandbox.set_rate("EUR", "1.3")
    hubspot = connect()
    client.sandbox.strike(Fault(answer="error_500", path="*/exchange-rates/current", times=99))

    with pytest.raises(UnreachableError):
        hubspot.rates()


def test_a_portal_without_that_part_of_the_api(
    client: Client, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 404 is no rates, and no failure."""
    client.sandbox.set_rate("EUR", "1.3")
    monkeypatch.setattr("connectors.hubspot.paths.Paths.exchange_rates", lambda _: "/settings/gone")

    assert connect().rates() is None


def test_arr_follows_the_portals_rates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They go before the config's; a new rate changes the ARR of just the accounts that bear it."""
    monkeypatch.setattr("connectors.hubspot.provision.SETTLE_SECONDS", 0.0)
    book = make_book(customers=30, today=datetime.now(UTC).date())  # noqa: TID251 - as the commands do
    with serving(HubSpotSandbox.from_book(book), tmp_path) as portal:
        ours = dict(portal.sandbox.connection_settings(portal.url, tmp_path / "ca.pem"))
        file = write_config(
            tmp_path, {"hubspot": {**ours, "mapping": "hubspot-sandbox", "limits": QUICK}}
        )
        file.write_text(file.read_text().replace("EUR = 1.08", "EUR = 77").replace("GBP", "#"))

        def run(*args: str) -> Any:
            capsys.readouterr()
            assert exit_code([args[0], "-c", str(file), "--json", *args[1:]]) in {0, 3}
            return json.loads(capsys.readouterr().out)

        def arr() -> dict[str, Decimal]:
            return {
                row["id"]: Decimal(row["properties"]["syncd_arr"])
                for row in portal.sandbox.rows("companies")
                if row["properties"].get("syncd_arr")
            }

        run("provision", "--apply")
        run("sync")
        before = arr()
        rejected = {one["code"] for one in run("rejects")["rejects"]}
        nothing = run("sync")["nothing_to_do"]
        portal.sandbox.set_rate("EUR", "2.16")
        run("sync", "--approve")
        after = arr()

    spends = {
        row["id"]: row["properties"].get("billing_currency")
        for row in portal.sandbox.rows("companies")
    }
    earning = {id for id, worth in before.items() if worth}
    assert {"EUR", "GBP", "USD"} == {spends[id] for id in earning}
    assert "unknown_currency" not in rejected
    assert nothing is True
    assert {id: worth for id, worth in after.items() if worth != before[id]} == {
        id: 2 * before[id] for id in earning if spends[id] == "EUR"
    }


# --- the sandbox ----------------------------------------------------------------------------------


def test_the_sandbox_keeps_rates(tmp_path: Path) -> None:
    """Made, listed, read, changed; the company currency has one of its own, which is 1."""
    clock = Clock()
    with serving(HubSpotSandbox(clock=clock), tmp_path) as client:
        status, made = client.call(
            "POST", RATES, {"fromCurrencyCode": "EUR", "conversionRate": "1.2345678"}
        )
        clock.move(60)
        changed, rate = client.call("PATCH", f"{RATES}/{made['id']}", {"conversionRate": 2})
        _, one = client.call("GET", f"{RATES}/{made['id']}")
        _, listed = client.call("GET", f"{RATES}?limit=1")
        _, rest = client.call("GET", f"{RATES}?limit=1&after={listed['paging']['next']['after']}")
        _, euros = client.call("GET", f"{RATES}?fromCurrencyCode=EUR")
        _, current = client.call("GET", f"{RATES}/current")
        _, company = client.call("GET", "/settings/v3/currencies/company-currency")
        _, details = client.call("GET", "/account-info/v3/details")
        client.sandbox.dump(tmp_path / "state.json")
        client.sandbox.load(tmp_path / "state.json")
        _, again = client.call("GET", f"{RATES}/current")

    assert (status, made["conversionRate"], made["toCurrencyCode"]) == (201, 1.234568, "USD")
    assert (changed, rate["conversionRate"], one) == (200, 2.0, rate)
    assert rate["updatedAt"] > rate["createdAt"]
    assert [r["fromCurrencyCode"] for r in listed["results"] + rest["results"]] == ["USD", "EUR"]
    assert "paging" not in rest
    assert euros["results"] == [rate]
    assert {r["fromCurrencyCode"]: r["conversionRate"] for r in current["results"]} == {
        "USD": 1.0,
        "EUR": 2.0,
    }
    assert company == {"currencyCode": "USD"}
    assert details["additionalCurrencies"] == ["EUR"]
    assert again == current


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "", {"fromCurrencyCode": "XXX", "conversionRate": 1}, 400),
        ("POST", "", {"fromCurrencyCode": "USD", "conversionRate": 1}, 400),
        ("POST", "", {"fromCurrencyCode": "EUR", "conversionRate": 0}, 400),
        ("POST", "", {"fromCurrencyCode": "EUR", "conversionRate": "much"}, 400),
        ("POST", "", {"fromCurrencyCode": "EUR", "conversionRate": 1, "effectiveAt": "now"}, 400),
        ("PATCH", "/1", {"conversionRate": 2}, 400),
        ("PATCH", "/99", {"conversionRate": 2}, 404),
        ("GET", "/99", None, 404),
        ("GET", "?limit=0", None, 400),
    ],
)
def test_the_sandbox_refuses(
    method: str, path: str, body: Any, status: int, client: Client
) -> None:
    """What HubSpot refuses: foreign codes, rates that are none, the company currency's own."""
    client.sandbox.set_rate("GBP", "1.27")

    assert client.call(method, RATES + path, body)[0] == status


def test_amounts_in_the_company_currency(client: Client) -> None:
    """Deals show them by the rate of their currency, won ones among the closed amounts."""
    client.sandbox.set_rate("EUR", "1.3")
    for code in ("EUR", "USD", "GBP"):
        client.make("deals", dealname=code, amount="200", deal_currency_code=code)
    won = {"dealstage": "closedwon", "pipeline": "default"}
    client.make("deals", dealname="won", amount="10.5", deal_currency_code="EUR", **won)
    shown = {
        row["properties"]["dealname"]: (
            row["properties"]["amount_in_home_currency"],
            row["properties"]["hs_closed_amount_in_home_currency"],
        )
        for row in client.sandbox.rows("deals")
    }

    assert shown == {
        "EUR": ("260", "0"),
        "USD": ("200", "0"),
        "GBP": ("200", "0"),
        "won": ("13.65", "13.65"),
    }
