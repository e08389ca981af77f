"""Where HubSpot keeps contracts: its own object, line items, won deals; and the dated versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hubspot_room
import pytest
from hubspot_room import TODAY, serving

from connectors.hubspot.sandbox import HubSpotSandbox
from connectors.sandbox.make_book import make_book

soon = hubspot_room.soon


def sold(sandbox: HubSpotSandbox, company: str, stage: str, **item: str) -> str:
    """A deal of the company's with one line item; the deal's id."""
    deal = sandbox.insert(
        "deals",
        [("companies", company)],
        dealname="Licence",
        dealstage=stage,
        pipeline="default",
        closedate="2026-01-20T09:00:00Z",
        amount="1",
    )
    sandbox.insert("line_items", [("deals", deal)], name="Seats", **item)
    return deal


@pytest.mark.usefixtures("soon")
def test_recurring_line_items_of_won_deals_are_contracts(tmp_path: Path) -> None:
    """Their company is the deal's; one of an open deal is a draft, a one-off one nothing."""
    sandbox = HubSpotSandbox()
    owner = next(iter(sandbox.portal.owners))
    held: dict[str, Any] = {"lifecyclestage": "customer", "hubspot_owner_id": str(owner)}
    ids = [sandbox.insert("companies", name=name, **held) for name in ("A", "B", "C")]
    yearly = {"recurringbillingfrequency": "annually", "price": "1200", "quantity": "2"}
    term = {"hs_recurring_billing_period": "P24M"}
    started = {"hs_recurring_billing_start_date": "2026-02-01"}
    sold(sandbox, ids[0], "closedwon", **yearly, **term, **started)
    open_deal = sold(sandbox, ids[1], "contractsent", **yearly, **term, **started)
    sold(sandbox, ids[2], "closedwon", price="50", quantity="1")

    with serving(sandbox, tmp_path, "hubspot-contracts-as-line-items") as room:
        errors = room.provision()
        report = room.sync()
        first = [room.company(id) for id in ids]
        sandbox.edit("deals", open_deal, dealstage="closedwon")
        room.sync(full=True)
        won = room.company(ids[1])
        idle = room.sync()

    assert errors == []
    assert report.exit_code == 0, report.rejects
    assert first[0]["syncd_renewal_date"] == "2028-01-31"
    assert first[0]["syncd_renewal_source"] == "contract"
    assert first[0]["syncd_arr"] == "2400.00"
    assert first[1].get("syncd_renewal_date") is None
    assert first[2].get("syncd_renewal_date") is None
    assert won["syncd_renewal_date"] == "2028-01-31"
    assert idle.nothing_to_do


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("version", ["2026-03", "2026-09"])
def test_a_dated_version_of_the_api_is_one_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """Every call goes to the dated path, and the whole job is done there."""
    book = make_book(customers=12, seed=3, today=TODAY)
    sandbox = HubSpotSandbox.from_book(book)
    seen: list[str] = []
    answer = sandbox.api.answer

    def listen(request: Any) -> Any:
        seen.append(request.path)
        return answer(request)

    monkeypatch.setattr(sandbox.api, "answer", listen)
    with serving(sandbox, tmp_path, "hubspot-sandbox", api_version=version) as room:
        errors = room.provision()
        report = room.sync()
        second = room.sync()
        sandbox.edit("companies", sandbox.rows("companies")[0]["id"], name="Renamed")
        third = room.sync()

    undated = {path for path in seen if version not in path}

    assert errors == []
    assert report.exit_code in {0, 3}
    assert report.total("written")
    assert second.nothing_to_do
    assert third.connections[0].pulled
    assert undated == set()
