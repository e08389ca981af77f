"""Whatever happens to two linked CRMs: syncd settles, both say the same, nothing stays behind."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from linked_book import APART, RULES, TwoCrms
from memory_book import TODAY, fill_customer, planned
from test_sync_properties import Fate, Killed, Mortal

from connectors.memory import MemorySettings
from syncd.connector import Context
from syncd.errors import UnreachableError
from syncd.link import LinkRules
from syncd.sync import EXIT_DONE
from syncd.sync.tasks import slot_of_key

SALES, SERVICE = ("S1", "S2", "S3"), ("T1", "T2", "T3")
NAMES = ("sales", "service")
DOMAINS = (None, "one.example", "two.example", "three.example")
CHOICES = (
    None,
    RULES,
    APART,
    LinkRules(connections=NAMES, by=("id",), tasks="service"),
    LinkRules(connections=("service", "sales"), precedence={"contract": ("sales",)}),
    LinkRules(connections=NAMES, pairs=((("sales", "S2"), ("service", "T3")),), tasks="service"),
)
ends = st.integers(min_value=-60, max_value=300).map(lambda n: TODAY + timedelta(days=n))
places = st.sampled_from([*((0, id) for id in SALES), *((1, id) for id in SERVICE)])
leavers = st.sampled_from([(0, "S2"), (0, "S3"), (1, "T2"), (1, "T3")])
"""One account stays in each CRM: an emptied one would be an error, not a change."""
domains = st.sampled_from(DOMAINS)


def opened(folder: Path) -> TwoCrms:
    """An empty book on a state of its own."""
    return TwoCrms(f"sqlite:///{folder}/syncd.db", tasks={"max_new_tasks_per_user_per_day": 100})


def add(room: TwoCrms, at: int, id: str, domain: str | None, day: date | None) -> None:
    """An account in one of the CRMs, with a contract if it has an end."""
    crm, owner = (room.sales, "u1") if at == 0 else (room.service, "v1")
    if day is None:
        row = {"Name": f"Customer {id}", "OwnerId": owner, "Type": "Customer", "Kept": "yes"}
        crm.put("Account", id, **row, Website=domain)
    else:
        fill_customer(crm, id, ends=day, value=12_000, Website=domain, OwnerId=owner)


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(
    rows=st.lists(st.tuples(domains, st.none() | ends), min_size=6, max_size=6),
    choice=st.sampled_from(CHOICES[1:]),
)
def test_linked_and_unlinked_nothing_is_left(
    rows: list[tuple[str | None, date | None]], choice: LinkRules
) -> None:
    """Values and open tasks are in the end what they were before the link."""
    with tempfile.TemporaryDirectory() as folder:
        room = opened(Path(folder))
        room.link = None
        for (at, id), (domain, day) in zip(
            [*((0, id) for id in SALES), *((1, id) for id in SERVICE)], rows, strict=True
        ):
            add(room, at, id, domain, day)
        room.settled()
        before = _picture(room)
        room.link = choice
        room.settled()
        room.link = None
        room.settled()
        after = _picture(room)
        room.close()

    assert after == before


def _picture(room: TwoCrms) -> dict[str, Any]:
    return {
        name: (
            {id: room.shown(crm, id) for id in crm.rows["Account"]},
            sorted((t["WhatId"], t["Playbook"]) for t in _open(crm)),
        )
        for name, crm in (("sales", room.sales), ("service", room.service))
    }


def _open(crm: Any) -> list[dict[str, Any]]:
    return [row for row in crm.rows.get("Task", {}).values() if row["Status"] == "open"]


class TwoCompanies(RuleBasedStateMachine):
    """Two CRMs, the people who work in them, and an admin who links and unlinks."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.room = opened(Path(self.folder.name))
        self.room.store = Mortal(self.room.store.engine)
        self.room.connector = lambda name: Fate(MemorySettings(path=""), Context(name=name))
        for at, ids in ((0, SALES), (1, SERVICE)):
            for number, id in enumerate(ids):
                day = TODAY + timedelta(days=100 + 40 * number) if at == 0 else None
                add(self.room, at, id, DOMAINS[number + 1], day)
        self.ended: set[str] = set()

    def teardown(self) -> None:
        Fate.how, Mortal.dead = None, False
        if hasattr(self, "room"):
            self.room.close()
            self.folder.cleanup()

    def _crm(self, at: int) -> Any:
        return self.room.sales if at == 0 else self.room.service

    @rule(choice=st.sampled_from(CHOICES))
    def the_admin_decides(self, choice: LinkRules | None) -> None:
        """Other links, another CRM for tasks, or none at all."""
        self.room.link = choice

    @rule(place=places, domain=domains)
    def a_domain_changes(self, place: tuple[int, str], domain: str | None) -> None:
        """Links come and go with it."""
        if place[1] in self._crm(place[0]).rows["Account"]:
            self._crm(place[0]).put("Account", place[1], Website=domain)

    @rule(id=st.sampled_from(SERVICE), twin=st.sampled_from([None, *SALES]))
    def an_id_is_filled_in(self, id: str, twin: str | None) -> None:
        """Somebody names the other CRM's account."""
        if id in self.room.service.rows["Account"]:
            self.room.service.put("Account", id, Twin=twin)

    @rule(place=leavers, kept=st.sampled_from(["yes", "no"]))
    def a_record_leaves_or_returns(self, place: tuple[int, str], kept: str) -> None:
        """By the mapping's filter."""
        if place[1] in self._crm(place[0]).rows["Account"]:
            self._crm(place[0]).put("Account", place[1], Kept=kept)

    @rule(place=leavers)
    def a_record_is_deleted(self, place: tuple[int, str]) -> None:
        """For ever."""
        if place[1] in self._crm(place[0]).rows["Account"]:
            self._crm(place[0]).delete("Account", place[1])

    @rule(place=places, day=ends)
    def a_contract_is_signed(self, place: tuple[int, str], day: date) -> None:
        """In either CRM."""
        if place[1] in self._crm(place[0]).rows["Account"]:
            add(self.room, place[0], place[1], self._website(place), day)

    def _website(self, place: tuple[int, str]) -> Any:
        return self._crm(place[0]).rows["Account"][place[1]].get("Website")

    @rule(at=st.sampled_from([0, 1]), choice=st.integers(0, 20))
    def somebody_completes_a_task(self, at: int, choice: int) -> None:
        """It must never come back."""
        crm = self._crm(at)
        tasks = [id for id, row in crm.rows.get("Task", {}).items() if row["Status"] == "open"]
        if tasks:
            id = tasks[choice % len(tasks)]
            crm.put("Task", id, Status="completed")
            self.ended.add(f"{at}:{crm.rows['Task'][id]['Key']}")

    @rule(days=st.integers(1, 20))
    def time_passes(self, days: int) -> None:
        """Windows open, contracts end."""
        self.room.next_day(days)

    @rule(at=st.sampled_from([0, 1]))
    def a_run_without_one_crm(self, at: int) -> None:
        """It is out of reach: nothing changes for the customers that it shares with the other."""
        before = self._shared(1 - at)
        self._crm(at).unreachable = True
        self.room.sync()
        self._crm(at).unreachable = False
        if self.room.link is not None:
            after = self._shared(1 - at)

            assert {key: after.get(key) for key in before} == before

    def _shared(self, at: int) -> dict[str, Any]:
        """What one CRM shows of the customers that both have, and their open tasks."""
        crm = self._crm(at)
        return {
            id: (self.room.shown(crm, id), [t["Key"] for t in _open(crm) if t["WhatId"] == id])
            for members in self.room.accounts().values()
            for name, id in members
            if len(members) > 1 and name == NAMES[at] and id in crm.rows["Account"]
        }

    def _tasks_open(self, at: int) -> list[str]:
        return sorted(str(row["Key"]) for row in _open(self._crm(at)))

    @rule(calls=st.integers(0, 30), killed=st.booleans(), full=st.booleans())
    def a_run_breaks_off(self, calls: int, killed: bool, full: bool) -> None:
        """The process dies, or a CRM goes away, after so many answers."""
        Fate.left = calls
        Fate.how = Killed if killed else lambda: UnreachableError("the network is down")
        try:
            self.room.sync(full=full)
        except Killed:
            Mortal.dead = False
            self.room.holder_alive = lambda _: False
        Fate.how = None

    @rule(full=st.booleans())
    def two_runs(self, full: bool) -> None:
        """The second finds nothing to do, and the CRMs of one customer agree."""
        first = self.room.sync(full=full)
        second = self.room.sync()
        third = self.room.sync(full=True)

        assert first.exit_code == EXIT_DONE
        assert planned(second) == planned(third) == (0, 0)
        assert second.exit_code == EXIT_DONE
        for members in self.room.accounts().values():
            shown = [self.room.shown(self._crm(NAMES.index(c)), id) for c, id in members]
            slots = [
                slot_of_key(task["Key"])
                for connection, id in members
                for task in _open(self._crm(NAMES.index(connection)))
                if task["WhatId"] == id
            ]

            assert all(one == shown[0] for one in shown)
            assert len(slots) == len(set(slots))

    @invariant()
    def no_task_has_a_twin(self) -> None:
        """One task per key and CRM for ever."""
        for at in (0, 1) if hasattr(self, "room") else ():
            rows = self._crm(at).rows.get("Task", {}).values()
            twins = [key for key, n in Counter(row.get("Key") for row in rows).items() if n > 1]

            assert not twins

    @invariant()
    def what_a_person_completed_stays_so(self) -> None:
        """Neither a link nor its end opens it again."""
        for at in (0, 1) if hasattr(self, "room") else ():
            assert not {f"{at}:{key}" for key in self._tasks_open(at)} & self.ended


def test_two_linked_crms_settle_whatever_happens() -> None:
    """Any interleaving of edits, links, days, broken connections and deaths."""
    run_state_machine_as_test(
        TwoCompanies,
        settings=settings(
            max_examples=8,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
