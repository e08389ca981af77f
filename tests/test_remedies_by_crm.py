"""What to do about a lack is said in the words of the CRM that lacks it."""

from __future__ import annotations

from typing import get_args

import pytest
from memory_book import MAPPING, Room

from connectors.hubspot.clicks import click_path as in_hubspot
from connectors.memory import MemoryConnector, MemorySettings
from syncd.connector import CheckNote, Context, Lack
from syncd.located import did_you_mean
from syncd.policy import Policy
from syncd.preflight import preflight

SALESFORCE = ("Field-Level", "field-level", "integration user", "Permission Set", "Object Manager")
LACKING = MAPPING.replace('name = "Name"\n', 'name = "Name"\nsegment = "Segment"\n', 1) + (
    '[ticket]\nobject = "Case"\n[ticket.fields]\naccount = "AccountId"\nopened_at = "Opened"\n'
)


class Guiding(MemoryConnector):
    """Knows its own pages, and where it is logged in."""

    def click_path(self, lack: Lack, object: str, field: str) -> str:
        """As an admin of it finds the way."""
        return f"Cellar > {object} {field} > {lack}".replace("  ", " ")

    def check(self) -> list[CheckNote]:
        """One note."""
        return [CheckNote("ok", "logged in to the cellar")]


def lacking(state: str, connector: type[MemoryConnector]) -> dict[str, str]:
    """Remedies of a run that lacks a field and an object, by what is lacking."""
    room = Room(state)
    room.text = LACKING
    room.connector = lambda name: connector(MemorySettings(path=""), Context(name=name))
    room.customer("A0")
    room.sync()
    with room.store.begin(write=False) as tx:
        found = {reject.field or reject.object: reject for reject in room.store.quarantine.all(tx)}
    room.close()
    return {name: reject.remedy for name, reject in found.items()}


def test_a_run_names_the_clicks_of_the_crm() -> None:
    """What a login does not see is mended in that CRM's pages."""
    remedies = lacking("sqlite://", Guiding)

    assert "Cellar > Account Segment > read" in remedies["Segment"]
    assert "Cellar > Case > object" in remedies["Case"]


def test_a_crm_without_pages_is_told_of_in_general_words() -> None:
    """Nobody is sent into the pages of a CRM that they do not have."""
    remedies = lacking("sqlite://", MemoryConnector)

    assert "Give this login read access" in remedies["Segment"]
    assert not [word for word in SALESFORCE if word in "".join(remedies.values())]


@pytest.mark.parametrize("lack", get_args(Lack))
def test_hubspot_is_not_mended_in_setup(lack: Lack) -> None:
    """HubSpot has properties and scopes, no field-level security."""
    told = in_hubspot(lack, "companies", "syncd_tier")

    assert not [word for word in SALESFORCE if word in told]


@pytest.mark.parametrize("connector", [Guiding, MemoryConnector])
def test_check_says_once_where_it_is_logged_in(connector: type[MemoryConnector]) -> None:
    """The connector's own words where it has some, else the name of the org."""
    room = Room("sqlite://")
    room.connector = lambda name: connector(MemorySettings(path=""), Context(name=name))
    (connected,) = room.turn().connections
    notes, _ = preflight(connected, Policy())
    room.close()

    assert len([note for note in notes if note.text.startswith("logged in to")]) == 1


@pytest.mark.parametrize(
    ("word", "choices", "near"),
    [
        ("Websit", ["Website", "Name"], "Website"),
        ("strategic_shares", ["strategic_share", "strategic_min"], "strategic_share"),
        ("aply", ["plan", "apply"], "apply"),
        ("ARR__c", ["Rating__c", "AnnualRevenue"], ""),
        ("owner", ["power_usage", "currency", "newer"], ""),
        ("segment", ["engagement", "department"], ""),
    ],
)
def test_only_what_is_near_is_offered(word: str, choices: list[str], near: str) -> None:
    """A slip of a letter or two is offered its word; something else is not."""
    assert did_you_mean(word, choices) == (f'did you mean "{near}"?' if near else "")
