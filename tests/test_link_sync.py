"""One book across CRMs: two CRMs in memory, a real state, and links that come and go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import states
from linked_book import APART, LATER, RULES, SOON, TwoCrms
from memory_book import TODAY, fill_customer

from connectors.memory import MemoryConnector, MemorySettings
from syncd.connector import Context, Outcome, TaskShape, TaskUpsert, WriteResult
from syncd.explanation import explain
from syncd.forgetting import forget_account
from syncd.leading import figures
from syncd.link import LinkRules, match
from syncd.sync import EXIT_UNREACHABLE

state, postgres = states.state, states.postgres


@pytest.fixture
def room(state: str) -> Iterator[TwoCrms]:
    """One customer in both CRMs under other names, and one in each alone."""
    made = TwoCrms(state)
    made.sold("S1", "https://www.acme.example/de", Name="Acme Inc")
    made.sold("S2", None, ends=LATER)
    made.served("T1", "acme.example", Name="ACME Worldwide")
    made.served("T3", "other.example")
    yield made
    made.close()


# --- one customer ---------------------------------------------------------------------------------


def test_both_crms_get_the_same_values_and_one_task(room: TwoCrms) -> None:
    """Contracts of one and tickets of the other make one answer; the task is in the first CRM."""
    for number in range(4):
        room.service.put(
            "Case",
            f"k{number}",
            AccountId="T1",
            OpenedAt=f"{TODAY - timedelta(days=3)}T08:00:00Z",
            Priority="urgent",
        )
    room.settled()
    one, other = room.shown(room.sales, "S1"), room.shown(room.service, "T1")

    assert one == other
    assert one["Arr"] == Decimal(24_000)
    assert one["RenewalDate"] == "2026-09-30"
    assert room.open_tasks(room.sales) == ["renewal-120"]
    assert room.open_tasks(room.service) == []
    assert room.accounts() == {
        "sales:S1": (("sales", "S1"), ("service", "T1")),
        "sales:S2": (("sales", "S2"),),
        "service:T3": (("service", "T3"),),
    }


def test_without_link_each_crm_is_a_book_of_its_own(room: TwoCrms) -> None:
    """The same domain alone links nothing: an admin decides."""
    room.link = None
    room.settled()

    assert set(room.accounts()) == {"sales:S1", "sales:S2", "service:T1", "service:T3"}
    assert room.shown(room.service, "T1")["Arr"] is None
    assert room.shown(room.sales, "S1")["Arr"] == Decimal(24_000)


def test_arr_of_a_contract_in_both_crms_counts_once(room: TwoCrms) -> None:
    """Contracts come from the stronger CRM, and from the other where that has none."""
    fill_customer(room.service, "T1", ends=SOON, value=30_000, Website="acme.example", OwnerId="v1")
    fill_customer(room.service, "T9", ends=SOON, value=7_000, Website="nine.example", OwnerId="v1")
    room.sold("S9", "nine.example")
    room.sales.delete("Contract", "c-S9")
    room.settled()

    assert room.shown(room.sales, "S1")["Arr"] == Decimal(24_000)
    assert room.shown(room.sales, "S9")["Arr"] == Decimal(7_000)

    room.link = LinkRules(
        connections=("sales", "service"), precedence={"contract": ("service", "sales")}
    )
    room.settled()

    assert room.shown(room.sales, "S1")["Arr"] == Decimal(30_000)
    assert room.shown(room.service, "T1")["Arr"] == Decimal(30_000)


def test_the_book_is_that_of_both_crms(state: str) -> None:
    """Tiers rank all customers together, and the portfolio counts each once."""
    room = TwoCrms(state, tier={"strategic_min": 1, "strategic_max": 1})
    room.sold("S1", "acme.example", value=50_000)
    room.served("T1", "acme.example")
    room.sold("S2", None, value=40_000)
    fill_customer(room.service, "T9", ends=SOON, value=90_000, Website="nine.example", OwnerId="v1")
    room.settled()
    turn = room.turn()
    groups = figures(turn, turn.connections, by="book", start=date(2026, 1, 1), end=TODAY)
    owners = figures(turn, turn.connections, by="owner", start=date(2026, 1, 1), end=TODAY)
    key_accounts = [
        room.shown(crm, id)["KeyAccount"]
        for crm, id in ((room.sales, "S1"), (room.service, "T1"), (room.service, "T9"))
    ]
    tiers = [room.shown(crm, id)["Tier"] for crm, id in ((room.sales, "S1"), (room.service, "T9"))]
    room.close()

    assert tiers == ["Tier 2", "Tier 1"]
    assert key_accounts == [False, False, True]
    assert [(g.accounts, g.ending_arr) for g in groups] == [(3, Decimal(180_000))]
    assert [(g.label, g.accounts) for g in owners] == [("Ann", 3)]


def test_explain_shows_both_records(room: TwoCrms) -> None:
    """An account of two CRMs is found by either's id and names both."""
    room.settled()
    with room.store.begin(write=False) as tx:
        found = [room.store.book.search(tx, word) for word in ("S1", "T1", "acme.example")]
    turn = room.turn()
    document = explain(turn, turn.connections, "sales:S1")

    assert found == [["sales:S1"]] * 3
    assert [(ref["connection"], ref["id"]) for ref in document["refs"]] == [
        ("sales", "S1"),
        ("service", "T1"),
    ]
    assert document["values"]["arr"]["value"] == Decimal(24_000)


# --- whose tasks ----------------------------------------------------------------------------------


def test_tasks_go_where_the_policy_says_to_who_exists_there(room: TwoCrms) -> None:
    """The assignee is the same person, found by mail address."""
    room.link = LinkRules(connections=("sales", "service"), tasks="service")
    room.settled()
    (task,) = room.service.rows["Task"].values()

    assert room.open_tasks(room.sales) == []
    assert (task["Playbook"], task["OwnerId"], task["WhatId"]) == ("renewal-120", "v1", "T1")


def test_a_person_who_is_not_there_is_stood_in_for(room: TwoCrms) -> None:
    """The owner has no user in the CRM that gets the tasks: their manager, found by mail."""
    room.link = LinkRules(connections=("sales", "service"), tasks="service")
    room.service.delete("User", "v1")
    room.sales.put("Account", "S1", OwnerId="u1")
    room.service.put("Account", "T1", OwnerId=None)
    room.settled()
    (task,) = room.service.rows["Task"].values()

    assert task["OwnerId"] == "v2"


def test_a_new_link_moves_the_task_and_a_broken_one_brings_it_back(room: TwoCrms) -> None:
    """Two tasks for one customer become one; apart again, each has its own and no third."""
    fill_customer(room.service, "T1", ends=SOON, value=9_000, Website="acme.example", OwnerId="v1")
    room.link = APART
    room.settled()
    before = room.shown(room.sales, "S1"), room.shown(room.service, "T1")
    assert room.open_tasks(room.sales) == room.open_tasks(room.service) == ["renewal-120"]

    room.link = RULES
    room.settled()
    assert room.open_tasks(room.sales) == ["renewal-120"]
    assert room.open_tasks(room.service) == []
    (task,) = room.service.rows["Task"].values()
    assert str(task["Description"]).startswith("The same customer is in sales")
    assert room.shown(room.sales, "S1") == room.shown(room.service, "T1") == before[0]

    room.link = APART
    room.settled()
    assert (room.shown(room.sales, "S1"), room.shown(room.service, "T1")) == before
    assert room.open_tasks(room.sales) == room.open_tasks(room.service) == ["renewal-120"]
    assert len(room.sales.rows["Task"]) == len(room.service.rows["Task"]) == 1
    assert "sales:S1" in room.accounts()
    assert "service:T1" in room.accounts()


def test_a_task_that_moves_while_the_line_drops_comes_back(room: TwoCrms) -> None:
    """Its closing arrived but was never answered, and the next run looks: it has moved."""

    class Dropping(MemoryConnector):
        """Carries tasks out, loses the answers, and is out of reach from then on."""

        def upsert_tasks(
            self, shape: TaskShape, tasks: Sequence[TaskUpsert]
        ) -> Iterator[tuple[int, WriteResult]]:
            for index, _ in super().upsert_tasks(shape, tasks):
                self.crm.unreachable = True
                yield index, WriteResult(Outcome.UNKNOWN)

    fill_customer(room.service, "T1", ends=SOON, value=9_000, Website="acme.example", OwnerId="v1")
    room.link = APART
    room.settled()
    room.link = RULES
    reliable = room.connector
    room.connector = lambda name: Dropping(MemorySettings(path=""), Context(name=name))
    room.sync()
    room.connector = reliable
    room.sales.unreachable = room.service.unreachable = False
    room.settled()
    linked = room.open_tasks(room.sales), room.open_tasks(room.service)
    room.link = APART
    room.settled()

    assert linked == (["renewal-120"], [])
    assert room.open_tasks(room.sales) == room.open_tasks(room.service) == ["renewal-120"]
    assert len(room.sales.rows["Task"]) == len(room.service.rows["Task"]) == 1


def test_a_task_done_in_one_crm_is_not_opened_in_the_other(room: TwoCrms) -> None:
    """What a person completed counts for the customer, whichever CRM it stood in."""
    fill_customer(room.service, "T1", ends=SOON, value=9_000, Website="acme.example", OwnerId="v1")
    room.sales.delete("Contract", "c-S1")
    room.link = None
    room.settled()
    assert room.open_tasks(room.sales) == []
    (id,) = room.service.rows["Task"]
    room.service.put("Task", id, Status="completed")
    room.link = RULES
    room.settled()

    assert room.open_tasks(room.sales) == room.open_tasks(room.service) == []


def test_a_task_finished_where_it_went_stays_finished(room: TwoCrms) -> None:
    """It moved by a link, was done there, and does not come back with the end of the link."""
    fill_customer(room.service, "T1", ends=SOON, value=9_000, Website="acme.example", OwnerId="v1")
    room.link = None
    room.settled()
    room.link = RULES
    room.settled()
    (id,) = room.sales.rows["Task"]
    room.sales.put("Task", id, Status="completed")
    room.settled()
    room.link = None
    room.settled()

    assert room.open_tasks(room.sales) == room.open_tasks(room.service) == []


# --- links that change ----------------------------------------------------------------------------


def test_a_domain_that_changes_makes_and_breaks_links(room: TwoCrms) -> None:
    """What was written by the link is put right when it ends."""
    room.settled()
    room.service.put("Account", "T1", Website="elsewhere.example")
    room.settled()
    assert room.shown(room.service, "T1")["Arr"] is None
    assert room.shown(room.service, "T1")["RenewalStatus"] == "none"
    assert room.shown(room.sales, "S1")["Arr"] == Decimal(24_000)

    room.service.put("Account", "T3", Website="www.acme.example")
    room.settled()
    assert room.shown(room.service, "T3") == room.shown(room.sales, "S1")


def test_an_id_wins_over_the_domain(room: TwoCrms) -> None:
    """A field of either CRM that holds the other's id is stronger than a domain."""
    room.service.put("Account", "T3", Twin="S1")
    room.settled()

    assert room.accounts()["sales:S1"] == (("sales", "S1"), ("service", "T3"))
    assert room.accounts()["service:T1"] == (("service", "T1"),)


def test_a_record_that_leaves_takes_only_itself_along(room: TwoCrms) -> None:
    """The leading record is deleted: the other CRM's goes on, with the customer's past."""
    fill_customer(room.service, "T1", ends=SOON, value=9_000, Website="acme.example", OwnerId="v1")
    room.settled()
    since = _since(room, "sales:S1")
    room.next_day(3)
    room.sales.delete("Contract", "c-S1")
    room.sales.delete("Account", "S1")
    room.sync()
    room.settled()

    assert room.accounts()["service:T1"] == (("service", "T1"),)
    assert room.shown(room.service, "T1")["Arr"] == Decimal(9_000)
    assert room.open_tasks(room.sales) == []
    assert room.open_tasks(room.service) == ["renewal-120"]
    assert _since(room, "service:T1") == since


def test_a_record_that_comes_back_is_linked_again(room: TwoCrms) -> None:
    """It leaves by the mapping's filter and returns: one account as before."""
    room.settled()
    room.service.put("Account", "T1", Kept="no")
    room.settled()
    assert "service:T1" not in room.accounts()
    room.service.put("Account", "T1", Kept="yes")
    room.settled()

    assert room.accounts()["sales:S1"] == (("sales", "S1"), ("service", "T1"))


def test_a_merge_in_one_crm_keeps_the_link_of_the_survivor(room: TwoCrms) -> None:
    """A linked account is merged into another of its CRM; its task goes along."""
    room.settled()
    room.sales.put("Account", "S2", Website="acme.example")
    room.sales.merge("Account", "S2", "S1")
    room.sync(full=True)
    room.settled()

    assert room.accounts()["sales:S2"] == (("sales", "S2"), ("service", "T1"))
    assert room.shown(room.sales, "S2") == room.shown(room.service, "T1")
    assert len(room.sales.rows["Task"]) == 1


def _since(room: TwoCrms, key: str) -> date:
    with room.store.begin(write=False) as tx:
        return room.store.book.derivations(tx, [key])[key].since["renewal_status"]


# --- half a book ----------------------------------------------------------------------------------


def test_an_unreachable_crm_leaves_its_customers_as_they_are(room: TwoCrms) -> None:
    """Nothing is concluded from half: neither values nor tasks nor links change."""
    room.settled()
    before = room.shown(room.sales, "S1"), room.open_tasks(room.sales)
    room.service.unreachable = True
    room.sales.put("Contract", "c-S1", EndDate="2026-10-31")
    room.sales.put("Contract", "c-S2", EndDate="2027-05-31")
    room.sales.put("Account", "S1", Website="moved.example")
    report = room.sync()

    assert report.exit_code == EXIT_UNREACHABLE
    assert (room.shown(room.sales, "S1"), room.open_tasks(room.sales)) == before
    assert room.shown(room.sales, "S2")["RenewalDate"] == "2027-05-31"
    assert "service:T1" not in room.accounts()

    room.service.unreachable = False
    room.settled()
    assert room.shown(room.sales, "S1")["RenewalDate"] == "2026-10-31"
    assert "service:T1" in room.accounts()


def test_nothing_is_written_before_all_linked_crms_were_read_once(room: TwoCrms) -> None:
    """The tiers of half a book would all be wrong."""
    room.service.unreachable = True
    room.sync()
    assert room.shown(room.sales, "S2")["Tier"] is None
    assert room.open_tasks(room.sales) == []

    room.service.unreachable = False
    room.settled()
    assert room.shown(room.sales, "S2")["Tier"] is not None


def test_a_write_that_fails_in_one_crm_is_made_up_for(room: TwoCrms) -> None:
    """An account of two CRMs is done when both have what was planned."""
    room.settled()
    room.sales.put("Contract", "c-S1", EndDate="2026-10-31")
    down = room.service

    def cut_off(step: str, connection: str, count: int) -> None:
        down.unreachable = down.unreachable or (step, connection) == ("write", "sales")

    room.sync(progress=cut_off)
    down.unreachable = False
    room.settled()

    assert room.shown(room.sales, "S1")["RenewalDate"] == "2026-10-31"
    assert room.shown(room.service, "T1")["RenewalDate"] == "2026-10-31"


def test_a_run_without_changes_looks_for_no_links(
    room: TwoCrms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who belongs together is worked out when an account record or [link] has changed."""
    asked: list[int] = []

    def counted(*given: Any) -> Any:
        asked.append(1)
        return match(*given)

    monkeypatch.setattr("syncd.sync.linking.match", counted)
    room.settled()
    room.sales.put("Contract", "c-S1", EndDate="2026-10-31")
    room.settled()
    assert len(asked) == 1

    room.sales.put("Account", "S2", Website="two.example")
    room.settled()
    assert len(asked) == 2

    room.link = LinkRules(connections=("sales", "service"), tasks="service")
    room.settled()
    assert len(asked) == 3


def test_a_record_deleted_while_links_end_has_left(room: TwoCrms) -> None:
    """It goes in the very run in which [link] is taken out of the config."""
    room.settled()
    room.sales.delete("Contract", "c-S1")
    room.sales.delete("Account", "S1")
    room.link = None
    room.settled()

    assert set(room.accounts()) == {"sales:S2", "service:T1", "service:T3"}


def test_borders_that_move_reach_only_who_can_be_written(room: TwoCrms) -> None:
    """A customer of the CRM that is out of reach waits, though the book's borders moved."""
    fill_customer(room.service, "T3", ends=LATER, value=30_000, Website="other.example")
    room.settled()
    assert room.shown(room.service, "T3")["KeyAccount"]
    room.service.unreachable = True
    room.sales.put("Contract", "c-S2", Value=900_000)
    report = room.sync()
    room.service.unreachable = False

    assert report.exit_code == EXIT_UNREACHABLE
    assert room.shown(room.sales, "S2")["KeyAccount"]
    room.settled()
    assert not room.shown(room.service, "T3")["KeyAccount"]


def test_a_forgotten_customer_may_still_be_in_each_of_its_crms(room: TwoCrms) -> None:
    """Who erases a linked customer hears of every CRM from which it could come back."""
    room.settled()
    both = forget_account(room.turn(), "sales:S1", "Acme Inc")
    alone = forget_account(room.turn(), "sales:S2", "")

    assert both.places == ("sales", "service")
    assert alone.places == ("sales",)
    assert room.accounts() == {"service:T3": (("service", "T3"),)}
