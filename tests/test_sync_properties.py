"""Whatever people and fate do to a book: syncd settles, opens nothing twice and keeps hands off."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from memory_book import OURS, TODAY, Room, planned
from sqlalchemy import Connection

from connectors.memory import MemoryConnector, MemorySettings
from syncd.connector import Context, FieldUpdate, Source, TaskShape, TaskUpsert, WriteResult
from syncd.errors import UnreachableError
from syncd.store import Store
from syncd.sync import EXIT_DONE, EXIT_REJECTED, EXIT_UNREACHABLE

ACCOUNTS = tuple(f"A{number}" for number in range(5))
TEXT_FIELDS = ("RenewalReason", "Tier", "RenewalStatus")
accounts = st.sampled_from(ACCOUNTS)
days = st.integers(min_value=-200, max_value=500).map(lambda n: TODAY + timedelta(days=n))


class Killed(BaseException):
    """The process is dead: nothing below may do anything any more."""


class Mortal(Store):
    """A state that a dead process cannot write to, not even on its way out."""

    dead = False

    @contextmanager
    def begin(self, *, write: bool = True) -> Iterator[Connection]:
        if Mortal.dead:
            raise Killed
        with super().begin(write=write) as tx:
            yield tx
            if Mortal.dead:
                raise Killed


class Fate(MemoryConnector):
    """Dies or loses its connection at a call, before or after the CRM did what was asked."""

    left = 0
    how: Callable[[], BaseException] | None = None
    after = False

    def _strike(self) -> None:
        if Fate.how is None:
            return
        Fate.left -= 1
        if Fate.left < 0:
            error = Fate.how()
            Fate.how = None
            Mortal.dead = isinstance(error, Killed)
            raise error

    def pull(self, source: Source, cursor: Any) -> Iterator[Any]:
        for page in super().pull(source, cursor):
            self._strike()
            yield page

    def update(
        self, object: str, updates: Sequence[FieldUpdate]
    ) -> Iterator[tuple[int, WriteResult]]:
        for answer in super().update(object, updates):
            self._strike()
            yield answer

    def upsert_tasks(
        self, shape: TaskShape, tasks: Sequence[TaskUpsert]
    ) -> Iterator[tuple[int, WriteResult]]:
        for answer in super().upsert_tasks(shape, tasks):
            self._strike()
            yield answer


class Company(RuleBasedStateMachine):
    """A book in memory, its people, and a syncd that dies now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="syncd-")
        Mortal.dead, Fate.how = False, None
        self.room = Room(f"sqlite:///{Path(self.folder.name)}/syncd.db")
        self.room.store = Mortal(self.room.store.engine)
        self.room.connector = lambda name: Fate(MemorySettings(path=""), Context(name=name))
        self.settled = False
        self.theirs: dict[tuple[str, str], Any] = {}
        self.ended: dict[str, str] = {}

    def teardown(self) -> None:
        self.room.close()
        self.folder.cleanup()

    @initialize(ends=st.lists(days, min_size=5, max_size=5), seed=st.integers(1, 9))
    def begin(self, ends: list[date], seed: int) -> None:
        """Five customers of different sizes."""
        for number, id in enumerate(ACCOUNTS):
            self.room.customer(id, ends=ends[number], value=1_000 * seed * (number + 1))

    # --- what people do -------------------------------------------------------------------------

    @rule(id=accounts, name=st.sampled_from(TEXT_FIELDS), value=st.sampled_from(["x", "y"]))
    @precondition(lambda self: self.settled)
    def somebody_edits_a_field_of_ours(self, id: str, name: str, value: str) -> None:
        """Their word stands from now on."""
        if id in self.room.crm.rows["Account"]:
            self.room.crm.put("Account", id, **{name: value})
            self.theirs[id, name] = value
            self.settled = False

    @rule(id=accounts, ends=days, value=st.integers(1, 90_000))
    def a_contract_changes(self, id: str, ends: date, value: int) -> None:
        """An input of the rules."""
        self.room.crm.put("Contract", f"c-{id}", EndDate=ends.isoformat(), Value=value)
        self.settled = False

    @rule(id=accounts, owner=st.sampled_from(["u1", "u2"]), kind=st.sampled_from(["New", "Old"]))
    def a_deal_is_won(self, id: str, owner: str, kind: str) -> None:
        """With or without a handoff document to owe."""
        today = self.room.today.isoformat()
        values = {"AccountId": id, "Name": "Deal", "OwnerId": owner, "Type": kind, "IsClosed": True}
        more = {"IsWon": True, "CloseDate": today, "Amount": 500, "Pain": None}
        self.room.crm.put("Opportunity", f"o-{id}-{today}", **values, **more)
        self.settled = False

    @rule(id=accounts, owner=st.sampled_from(["u1", "u2"]))
    def an_owner_changes(self, id: str, owner: str) -> None:
        """The open tasks follow."""
        if id in self.room.crm.rows["Account"]:
            self.room.crm.put("Account", id, OwnerId=owner)
            self.settled = False

    @rule(id=accounts, status=st.sampled_from(["Customer", "Prospect"]))
    def a_customer_comes_or_goes(self, id: str, status: str) -> None:
        """One that is no customer has nothing of ours but what people wrote."""
        if id in self.room.crm.rows["Account"]:
            self.room.crm.put("Account", id, Type=status)
            self.settled = False

    @rule(id=accounts)
    def an_account_is_deleted(self, id: str) -> None:
        """For ever."""
        if id in self.room.crm.rows["Account"]:
            self.room.crm.delete("Account", id)
            self.theirs = {key: value for key, value in self.theirs.items() if key[0] != id}
            self.settled = False

    @rule(choice=st.integers(0, 50), end=st.sampled_from(["completed", "deleted", "given"]))
    def somebody_ends_a_task(self, choice: int, end: str) -> None:
        """Completed, deleted or given to a colleague."""
        tasks = [task for task in self.room.tasks() if task["Status"] == "open"]
        if not tasks:
            return
        task = tasks[choice % len(tasks)]
        if end == "deleted":
            self.room.crm.delete("Task", task["id"])
        elif end == "completed":
            self.room.crm.put("Task", task["id"], Status="completed")
        else:
            self.room.crm.put("Task", task["id"], OwnerId="u2")
        if end != "given":
            self.ended[task["Key"]] = end
        self.settled = False

    @rule(days=st.integers(1, 40))
    def time_passes(self, days: int) -> None:
        """Windows open, contracts end."""
        self.room.next_day(days)
        self.settled = False

    @rule(window=st.sampled_from([90, 120, 200]))
    def the_policy_changes(self, window: int) -> None:
        """Every account is derived anew."""
        renewal = self.room.policy.renewal.model_copy(update={"window_days": window})
        self.room.policy = self.room.policy.model_copy(update={"renewal": renewal})
        self.settled = False

    @rule(field=st.sampled_from(["Arr", "Tier"]), refused=st.booleans())
    def an_admin_adds_or_lifts_a_rule(self, field: str, refused: bool) -> None:
        """The CRM refuses a field for a while."""
        if refused:
            self.room.crm.refuse["Account", field] = "no"
        else:
            self.room.crm.refuse.pop(("Account", field), None)
        self.settled = False

    # --- what syncd does ------------------------------------------------------------------------

    @rule(calls=st.integers(0, 25), killed=st.booleans(), full=st.booleans())
    def a_run_breaks_off(self, calls: int, killed: bool, full: bool) -> None:
        """The process dies, or the CRM goes away, after so many answers."""
        Fate.left = calls
        Fate.how = Killed if killed else lambda: UnreachableError("the network is down")
        try:
            self.room.sync(full=full)
        except Killed:
            Mortal.dead = False
            self.room.holder_alive = lambda _: False
        Fate.how = None
        self.settled = False

    @rule(full=st.booleans())
    def two_runs(self, full: bool) -> None:
        """The second finds nothing left to do."""
        first = self.room.sync(full=full)
        second = self.room.sync()
        third = self.room.sync(full=True)

        assert first.exit_code in {EXIT_DONE, EXIT_REJECTED}
        assert first.exit_code != EXIT_UNREACHABLE
        assert planned(second) == (0, 0)
        assert planned(third) == (0, 0)
        assert second.exit_code == EXIT_DONE
        self.settled = True

    # --- what always holds ----------------------------------------------------------------------

    @invariant()
    def no_task_has_a_twin(self) -> None:
        """One task per key for ever, the deleted ones counted."""
        crm = self.room.crm
        rows = [*crm.rows.get("Task", {}).values(), *crm.deleted.get("Task", {}).values()]
        twins = [key for key, n in Counter(row.get("Key") for row in rows).items() if n > 1]

        assert not twins

    @invariant()
    def what_a_person_ended_stays_ended(self) -> None:
        """No task that a person completed or deleted is open."""
        still = {task["Key"] for task in self.room.tasks() if task["Status"] == "open"}

        assert not still & self.ended.keys()

    @invariant()
    def people_keep_their_words(self) -> None:
        """What a person wrote into a field of ours stands until a person changes it."""
        rows = self.room.crm.rows["Account"]

        assert {key: rows[key[0]].get(key[1]) for key in self.theirs} == self.theirs

    @invariant()
    def nothing_else_is_touched(self) -> None:
        """No field that the mapping does not name changes, and no record but tasks is made."""
        crm = self.room.crm
        made = {object: set(rows) for object, rows in crm.rows.items() if object != "Task"}

        assert {row.get("Phone") for row in crm.rows["Account"].values()} <= {None}
        assert made["Account"] <= set(ACCOUNTS)
        assert made["Contract"] <= {f"c-{id}" for id in ACCOUNTS}
        assert all(
            set(row) <= {*OURS, "Name", "OwnerId", "Type", "Kept"}
            for row in crm.rows["Account"].values()
        )


def test_syncd_settles_whatever_happens() -> None:
    """Any interleaving of edits, days, refusals, broken connections and deaths."""
    run_state_machine_as_test(
        Company,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
