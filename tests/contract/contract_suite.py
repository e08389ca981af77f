"""What every connector must do, in one suite.

A connector joins with a `System` (what people can do in the system behind it, in that system's
words) and a class that names the parts it has to keep:

    class TestMine(Reading, Deletions, Writing):
        @pytest.fixture
        def system(self) -> Iterator[System]:
            yield MySystem()

`Reading` is for all; `Deletions`, `Merges`, `Stamps`, `Rationing` and `Writing` for those whose
system has such a thing; `ReadOnly` for those that cannot write.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from inspect import getmembers_static
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace

from syncd.connector import (
    Connector,
    Cursor,
    FieldType,
    FieldUpdate,
    Outcome,
    Page,
    Record,
    Source,
    SourceFiles,
    TaskShape,
    TaskUpsert,
    Value,
    WriteResult,
)
from syncd.errors import AccessError, AllowanceError, UnreachableError

KEPT, OTHER = "kept", "other"
MISSING = "no_such_thing"


class System:
    """A system behind a connector, as people use it. Subclass it for a connector of your own.

    `accounts` asks for two fields: a name, and a text that may be changed, which the suite calls
    the note. `kept` is the same source, filtered to the accounts whose note is "kept".
    `contacts` asks for whatever leads to the account. `many` accounts do not fit on one page.
    """

    accounts: Source
    kept: Source
    contacts: Source
    many: int

    def connect(self) -> Connector:
        """A new connection, opened."""
        raise NotImplementedError

    def strand(self) -> Connector:
        """A connection to where no system is, not opened."""
        raise NotImplementedError

    def add(self, count: int = 1, note: str = KEPT) -> list[str]:
        """So many new accounts with that note, made at one instant; their ids."""
        raise NotImplementedError

    def note(self, ids: Iterable[str], text: str) -> None:
        """Change the note of these accounts, as a person would, at one instant."""
        raise NotImplementedError

    def add_contact(self, account: str) -> str:
        """A new contact of the account; its id."""
        raise NotImplementedError

    def account_of(self, contact: Record) -> str:
        """Where a pulled contact says that it belongs."""
        raise NotImplementedError

    def later(self) -> None:
        """Let a day pass, where the system has a clock."""


class DeletingSystem(System):
    """A system in which people delete."""

    announces_deletions = True  # False: an increment does not show them; a full pull does

    def remove(self, id: str) -> None:
        """Delete an account, as a person would."""
        raise NotImplementedError


class MergingSystem(System):
    """A system in which people merge."""

    def merge(self, winner: str, loser: str) -> str:
        """Merge two accounts; the id of the one that is left."""
        raise NotImplementedError


class RationedSystem(System):
    """A system that grants so many calls a day."""

    def exhaust(self) -> None:
        """Let others use up the day's calls."""
        raise NotImplementedError


class WritableSystem(System):
    """A system that syncd writes to.

    `tasks` asks for the key first and then for the subject, and keeps deleted tasks; `subject` is
    the field of a task's subject, `needed` is what else a new task must have. `refused` are
    fields of an account that the system refuses.
    """

    shape: TaskShape
    tasks: Source
    subject: str
    needed: ClassVar[dict[str, Value]] = {}
    refused: ClassVar[dict[str, Value]]
    loses_answers = False  # whether `losing` does anything

    def losing(self) -> AbstractContextManager[Any]:
        """While it lasts, writes are carried out and their answers are lost."""
        return nullcontext()

    def count(self, object: str) -> int:
        """How many records of the object there are."""
        raise NotImplementedError

    def remove_task(self, id: str) -> None:
        """Delete a task, as a person would."""
        raise NotImplementedError


def pages_of(system: System, source: Source, cursor: Cursor | None = None) -> list[Page]:
    """A pull by a connection of its own."""
    connector = system.connect()
    pages = list(connector.pull(source, cursor))
    connector.close()
    return pages


def records_of(pages: Iterable[Page]) -> dict[str, Record]:
    """The pages' records; of one that came twice, the last."""
    return {record.id: record for page in pages for record in page.records}


def last_cursor(pages: Iterable[Page]) -> Cursor | None:
    """The last cursor that the pages gave."""
    return next((page.cursor for page in reversed(list(pages)) if page.cursor is not None), None)


def note_of(source: Source, record: Record) -> Any:
    """The record's note."""
    return record.fields[source.fields[1]]


def nothing_lost_from(system: System, source: Source, pages: Sequence[Page]) -> None:
    """Whichever cursor a process died with, what came later comes again."""
    everything = records_of(pages)
    for number, page in enumerate(pages):
        if page.cursor is None:
            continue
        stored = records_of(pages[: number + 1])
        again = records_of(pages_of(system, source, page.cursor))

        assert stored.keys() | again.keys() == everything.keys()


def open_and_pull(connector: Connector, source: Source) -> None:
    """Some systems are only looked for when something is read."""
    connector.open()
    list(connector.pull(source, None))


def pull_twice(connector: Connector, source: Source) -> None:
    """The first answer may be what tells that the allowance is used up."""
    for _ in range(2):
        list(connector.pull(source, None))


class Reading:
    """What every connector does."""

    def test_is_a_connector(self, system: System) -> None:
        """It fulfils the protocol, knows where it is, and bears a second open and close."""
        connector = system.connect()
        identity = connector.identity()
        connector.open()

        assert isinstance(connector, Connector)
        assert isinstance(identity, str)
        assert connector.identity() == identity
        connector.close()
        connector.close()

    def test_has_no_way_to_delete_or_create(self, system: System) -> None:
        """The interface's methods, and none beside them: nothing there deletes or creates."""
        connector = system.connect()
        connector.close()
        offered = {
            name
            for name, member in getmembers_static(type(connector), callable)
            if not name.startswith("_") and name != "Settings"
        }
        interface = {name for protocol in (Connector, SourceFiles) for name in dir(protocol)}

        assert offered <= interface

    def test_pulls_everything_once(self, system: System) -> None:
        """Each record once, with every asked field by its asked name, in as few calls as can be."""
        ids = system.add(system.many)
        connector = system.connect()
        pages = list(connector.pull(system.accounts, None))
        least = connector.least_read_calls([(system.accounts, len(ids))])
        connector.close()
        counted = Counter(record.id for page in pages for record in page.records)
        first = records_of(pages)[ids[0]]

        assert counted == Counter(ids)
        assert tuple(first.fields) == system.accounts.fields
        assert note_of(system.accounts, first) == KEPT
        assert not first.gone
        assert connector.calls.read <= least * 1.1 + 1

    def test_an_empty_source_is_no_error(self, system: System) -> None:
        """Nothing is there, and the pull is complete."""
        assert records_of(pages_of(system, system.accounts)) == {}

    def test_goes_on_from_every_page_of_a_full_pull(self, system: System) -> None:
        """The cursor of a page covers that page and those before it, and no more."""
        system.add(system.many)

        nothing_lost_from(system, system.accounts, pages_of(system, system.accounts))

    def test_shows_what_changed_and_what_is_new(self, system: System) -> None:
        """An increment has the edited and the new records, as they are now."""
        ids = system.add(20)
        cursor = last_cursor(pages_of(system, system.accounts))
        system.later()
        system.note(ids[3:5], OTHER)
        new = system.add(2)

        found = records_of(pages_of(system, system.accounts, cursor))

        assert {*ids[3:5], *new} <= found.keys()
        assert {note_of(system.accounts, found[id]) for id in ids[3:5]} == {OTHER}

    def test_misses_nothing_of_one_instant(self, system: System) -> None:
        """More records than a page holds change at the same instant; every cursor loses none."""
        ids = system.add(system.many)
        cursor = last_cursor(pages_of(system, system.accounts))
        system.later()
        system.note(ids, OTHER)
        pages = pages_of(system, system.accounts, cursor)
        found = records_of(pages)

        assert found.keys() == set(ids)
        assert {note_of(system.accounts, record) for record in found.values()} == {OTHER}
        nothing_lost_from(system, system.accounts, pages)

    def test_filters(self, system: System) -> None:
        """Only what matches `where` comes, by pull, by id and among the ids."""
        kept, others = system.add(3, KEPT), system.add(2, OTHER)
        connector = system.connect()
        pulled = records_of(connector.pull(system.kept, None))
        read = connector.read(system.kept, [*kept, *others])
        ids = set(connector.ids(system.kept))
        connector.close()

        assert pulled.keys() == set(kept) == ids
        assert {id for id, record in read.items() if not record.gone} == set(kept)

    def test_tells_what_no_longer_matches(self, system: System) -> None:
        """A record that leaves the filter is gone in the increment; one that enters it comes."""
        ids, outside = system.add(4, KEPT), system.add(2, OTHER)
        cursor = last_cursor(pages_of(system, system.kept))
        system.later()
        system.note(ids[:1], OTHER)
        system.note(outside[:1], KEPT)

        found = records_of(pages_of(system, system.kept, cursor))

        assert found[ids[0]].gone
        assert not found[outside[0]].gone
        assert outside[1] not in found or found[outside[1]].gone

    def test_reads_by_id(self, system: System) -> None:
        """Many at once, or none; an id that never was is absent."""
        ids = system.add(450)
        unknown = self.unknown_id(ids)
        connector = system.connect()
        found = connector.read(system.accounts, [*ids, unknown])
        none = connector.read(system.accounts, [])
        connector.close()

        assert found.keys() == set(ids)
        assert note_of(system.accounts, found[ids[7]]) == KEPT
        assert none == {}

    @staticmethod
    def unknown_id(ids: Sequence[str]) -> str:
        """An id of the same form that no record has."""
        return ids[0][:-6] + "zzz" if not ids[0].isdigit() else "9" * max(12, len(ids[0]))

    def test_knows_all_ids(self, system: System) -> None:
        """The ids are those of a full pull."""
        ids = system.add(system.many)
        connector = system.connect()
        found = list(connector.ids(system.accounts))
        connector.close()

        assert Counter(found) == Counter(ids)

    def test_leads_from_a_contact_to_its_account(self, system: System) -> None:
        """By a field or by an association, in a pull, an increment and by id."""
        first, second = system.add(2)
        of = {system.add_contact(first): first, system.add_contact(second): second}
        pages = pages_of(system, system.contacts)
        system.later()
        new = system.add_contact(second)
        increment = records_of(pages_of(system, system.contacts, last_cursor(pages)))
        connector = system.connect()
        read = connector.read(system.contacts, [*of])
        connector.close()

        assert {id: system.account_of(r) for id, r in records_of(pages).items()} == of
        assert {id: system.account_of(r) for id, r in read.items()} == of
        assert system.account_of(increment[new]) == second

    def test_tells_the_schema(self, system: System) -> None:
        """The asked fields are there with a type, and are found as the system compares names."""
        system.add(1)
        connector = system.connect()
        schema = connector.schema(system.accounts.object)
        connector.close()

        for name in system.accounts.fields:
            field = schema.find(name)
            assert field is not None
            assert field.type in {FieldType.TEXT, FieldType.LONG_TEXT}
        assert schema.find(MISSING) is None

    def test_an_unknown_object_costs_that_object_only(self, system: System) -> None:
        """AccessError names the object, for the schema and for a pull; the rest still works."""
        system.add(1)
        connector = system.connect()
        with pytest.raises(AccessError, match=MISSING) as of_schema:
            connector.schema(MISSING)
        with pytest.raises(AccessError, match=MISSING) as of_pull:
            list(connector.pull(replace(system.accounts, object=MISSING), None))
        found = list(connector.pull(system.accounts, None))
        connector.close()

        assert of_schema.value.object == of_pull.value.object == MISSING
        assert len(records_of(found)) == 1

    def test_an_unknown_field_is_named(self, system: System) -> None:
        """AccessError blames the field; unless the connector says that its system tells nothing."""
        system.add(1)
        asked = replace(system.accounts, fields=(*system.accounts.fields, MISSING))
        connector = system.connect()
        blamed: tuple[str, ...] = ()
        values: list[Any] = []
        try:
            values = [r.fields[MISSING] for r in records_of(connector.pull(asked, None)).values()]
        except AccessError as error:
            blamed = error.fields
        connector.close()

        if connector.omits_unknown_fields:
            assert values == [None]
        else:
            assert blamed == (MISSING,)

    def test_nobody_there_is_unreachable(
        self, system: System, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The run of this connection stops, with a text that says where nobody was."""
        monkeypatch.setattr("syncd.retry.wait_seconds", lambda *_: 0.0)
        connector = system.strand()

        with pytest.raises(UnreachableError) as caught:
            open_and_pull(connector, system.accounts)

        assert len(str(caught.value)) > len("unreachable")
        connector.close()

    def test_counts_calls_and_tells_the_allowance(self, system: System) -> None:
        """Reading is counted as reading; what is left is never more than the limit."""
        system.add(3)
        connector = system.connect()
        before = connector.calls.read
        list(connector.pull(system.accounts, None))
        allowance = connector.allowance()
        connector.close()

        assert connector.calls.read > before
        assert connector.calls.write == 0
        assert (allowance.left is None) is (allowance.limit is None)
        assert (allowance.left or 0) <= (allowance.limit or 0)


class Stamps:
    """For systems that keep when a record changed."""

    def test_reads_only_what_changed(self, system: System) -> None:
        """An increment costs what changed, not what is there."""
        ids = system.add(system.many)
        cursor = last_cursor(pages_of(system, system.accounts))
        system.later()
        system.note(ids[:1], OTHER)
        cursor = last_cursor(pages_of(system, system.accounts, cursor))
        system.note(ids[5:7], OTHER)

        found = records_of(pages_of(system, system.accounts, cursor))

        assert set(ids[5:7]) <= found.keys() <= {ids[0], *ids[5:7]}
        assert all(record.modified_at is not None for record in found.values())


class Deletions:
    """For systems in which records are deleted."""

    def test_a_deleted_record_is_gone(self, system: DeletingSystem) -> None:
        """It is no longer among the ids, and by id it is gone or absent."""
        ids = system.add(5)
        cursor = last_cursor(pages_of(system, system.accounts))
        system.later()
        system.remove(ids[2])
        connector = system.connect()
        left = set(connector.ids(system.accounts))
        whole = records_of(connector.pull(system.accounts, None))
        read = connector.read(system.accounts, ids[2:3])
        increment = records_of(connector.pull(system.accounts, cursor))
        connector.close()

        assert left == set(ids) - {ids[2]}
        assert {id for id, record in whole.items() if not record.gone} == left
        assert all(record.gone for record in read.values())
        if system.announces_deletions:
            assert increment[ids[2]].gone
        else:
            assert ids[2] not in increment or increment[ids[2]].gone


class Merges:
    """For systems in which records are merged."""

    def test_a_merged_record_names_its_survivor(self, system: MergingSystem) -> None:
        """Read by id, the loser is gone and says into whom it went."""
        winner, loser, other = system.add(3)
        system.later()
        survivor = system.merge(winner, loser)
        connector = system.connect()
        read = connector.read(system.accounts, [loser, other])
        left = set(connector.ids(system.accounts))
        connector.close()

        assert read[loser].gone
        assert read[loser].merged_into == survivor
        assert not read[other].gone
        assert left == {survivor, other}


class Rationing:
    """For systems that grant so many calls a day."""

    def test_stops_when_the_allowance_is_used_up(self, system: RationedSystem) -> None:
        """Reading raises AllowanceError, writing is deferred: both wait for the next window."""
        ids = system.add(2)
        connector = system.connect()
        connector.schema(system.accounts.object)
        list(connector.pull(system.accounts, None))
        system.exhaust()
        changes = [FieldUpdate(id, {system.accounts.fields[1]: OTHER}) for id in ids]
        with pytest.raises(AllowanceError):
            pull_twice(connector, system.accounts)
        results = answered(connector.update(system.accounts.object, changes), len(changes))
        connector.close()

        assert {result.outcome for result in results} == {Outcome.DEFERRED}


def answered(results: Iterator[tuple[int, WriteResult]], count: int) -> list[WriteResult]:
    """The results in the order of the writes; each write was answered exactly once."""
    given = list(results)

    assert sorted(index for index, _ in given) == list(range(count))
    return [result for _, result in sorted(given, key=lambda pair: pair[0])]


class Writing:
    """For systems that syncd writes to."""

    def test_a_bad_row_harms_itself_only(self, system: WritableSystem) -> None:
        """Its neighbours in the batch go through; it is refused with the system's words."""
        ids = system.add(12)
        note = system.accounts.fields[1]
        changes = [FieldUpdate(id, {note: OTHER}) for id in ids]
        changes[4] = FieldUpdate(ids[4], {note: OTHER, **system.refused})
        connector = system.connect()
        results = answered(connector.update(system.accounts.object, changes), len(changes))
        found = connector.read(system.accounts, ids)
        connector.close()

        assert results[4].outcome is Outcome.REJECTED
        assert results[4].code
        assert results[4].message
        assert {r.outcome for i, r in enumerate(results) if i != 4} == {Outcome.DONE}
        assert note_of(system.accounts, found[ids[4]]) == KEPT
        assert {note_of(system.accounts, found[id]) for id in ids if id != ids[4]} == {OTHER}

    def test_updating_creates_nothing(self, system: WritableSystem) -> None:
        """A record that does not exist is refused, and still does not exist afterwards."""
        ids = system.add(2)
        unknown = Reading.unknown_id(ids)
        note = system.accounts.fields[1]
        changes = [FieldUpdate(unknown, {note: OTHER}), FieldUpdate(ids[0], {note: OTHER})]
        connector = system.connect()
        results = answered(connector.update(system.accounts.object, changes), 2)
        connector.close()

        assert [r.outcome for r in results] == [Outcome.REJECTED, Outcome.DONE]
        assert system.count(system.accounts.object) == 2

    def test_clears_a_field(self, system: WritableSystem) -> None:
        """None is written as an empty field."""
        (id,) = system.add(1)
        connector = system.connect()
        list(
            connector.update(
                system.accounts.object, [FieldUpdate(id, {system.accounts.fields[1]: None})]
            )
        )
        found = connector.read(system.accounts, [id])
        connector.close()

        assert note_of(system.accounts, found[id]) in {None, ""}

    def test_costs_what_it_foretold(self, system: WritableSystem) -> None:
        """No more write calls than `write_calls` said."""
        ids = system.add(230)
        note = system.accounts.fields[1]
        connector = system.connect()
        foretold = connector.write_calls({system.accounts.object: len(ids)}, len(ids))
        list(
            connector.update(system.accounts.object, [FieldUpdate(id, {note: OTHER}) for id in ids])
        )
        list(connector.upsert_tasks(system.shape, tasks_for(system, ids)))
        connector.close()

        assert 0 < connector.calls.write <= foretold

    def test_a_task_is_made_once(self, system: WritableSystem) -> None:
        """The same key twice is one task; the second time it is changed and not created."""
        ids = system.add(3)
        tasks = tasks_for(system, ids)
        connector = system.connect()
        first = answered(connector.upsert_tasks(system.shape, tasks), 3)
        changed = [replace(task, fields={system.subject: "Changed"}) for task in tasks]
        second = answered(connector.upsert_tasks(system.shape, changed), 3)
        by_id = [
            replace(task, id=result.id, fields={system.subject: "Changed again"})
            for task, result in zip(tasks[:1], first, strict=False)
        ]
        third = answered(connector.upsert_tasks(system.shape, by_id), 1)
        found = connector.find_tasks(system.shape, system.tasks, [task.key for task in tasks])
        connector.close()

        assert {r.outcome for r in (*first, *second, *third)} == {Outcome.DONE}
        assert [r.created for r in (*first, *second)] == [True] * 3 + [False] * 3
        assert [r.id for r in first] == [r.id for r in second]
        assert system.count(system.shape.object) == 3
        subjects = [found[task.key].fields[system.subject] for task in tasks]
        assert subjects == ["Changed again", "Changed", "Changed"]

    def test_a_task_is_made_once_after_a_lost_answer(self, system: WritableSystem) -> None:
        """Nobody heard that the task was made: it is found by its key, and not made again."""
        ids = system.add(3)
        tasks = tasks_for(system, ids)
        connector = system.connect()
        with system.losing():
            first = answered(connector.upsert_tasks(system.shape, tasks), 3)
        connector.close()
        fresh = system.connect()
        fresh.find_tasks(system.shape, system.tasks, [task.key for task in tasks])
        second = answered(fresh.upsert_tasks(system.shape, tasks), 3)
        found = fresh.find_tasks(system.shape, system.tasks, [task.key for task in tasks])
        fresh.close()

        expected = Outcome.UNKNOWN if system.loses_answers else Outcome.DONE
        assert {r.outcome for r in first} == {expected}
        assert {r.outcome for r in second} == {Outcome.DONE}
        assert [r.id for r in second] == [found[task.key].id for task in tasks]
        assert system.count(system.shape.object) == 3

    def test_finds_tasks_exactly(self, system: WritableSystem) -> None:
        """By whole keys, at once; a deleted one is gone, an unknown one absent."""
        ids = system.add(3)
        tasks = tasks_for(system, ids)
        connector = system.connect()
        made = answered(connector.upsert_tasks(system.shape, tasks), 3)
        assert made[0].id is not None
        system.remove_task(made[0].id)
        keys = [task.key for task in tasks]
        found = connector.find_tasks(system.shape, system.tasks, [*keys, keys[0][:-1], "other"])
        connector.close()

        assert set(keys[1:]) <= found.keys() <= set(keys)
        assert all(found[key].id == made[n].id for n, key in enumerate(keys) if key in found)
        assert [found[key].gone for key in keys[1:]] == [False, False]
        assert keys[0] not in found or found[keys[0]].gone

    def test_creates_nothing_but_tasks(self, system: WritableSystem) -> None:
        """After writes of every kind there are as many accounts and contacts as before."""
        ids = system.add(2)
        system.add_contact(ids[0])
        connector = system.connect()
        changes = [FieldUpdate(id, {system.accounts.fields[1]: OTHER}) for id in ids]
        list(connector.update(system.accounts.object, changes))
        list(connector.upsert_tasks(system.shape, tasks_for(system, ids)))
        connector.close()

        assert system.count(system.accounts.object) == 2
        assert system.count(system.contacts.object) == 1
        assert system.count(system.shape.object) == 2


def tasks_for(system: WritableSystem, accounts: Sequence[str]) -> list[TaskUpsert]:
    """A task for each of these accounts."""
    return [
        TaskUpsert(
            key=f"syncd:crm:renewal-90:{number}",
            fields={system.subject: f"Call number {number}", **system.needed},
            account_id=account,
        )
        for number, account in enumerate(accounts)
    ]


class ReadOnly:
    """For connectors that only read."""

    def test_refuses_to_write(self, system: System) -> None:
        """Each write is answered with a refusal that says why, and nothing has changed."""
        ids = system.add(2)
        shape = TaskShape(object=system.accounts.object, key_field=system.accounts.fields[0])
        connector = system.connect()
        changes = [FieldUpdate(id, {system.accounts.fields[1]: OTHER}) for id in ids]
        tasks = [TaskUpsert(key="k", fields={}, account_id=ids[0])]
        updated = answered(connector.update(system.accounts.object, changes), 2)
        made = answered(connector.upsert_tasks(shape, tasks), 1)
        steps = list(connector.provision([], apply=True))
        found = connector.read(system.accounts, ids)
        connector.close()

        assert {r.outcome for r in (*updated, *made)} == {Outcome.REJECTED}
        assert {r.code for r in (*updated, *made)} == {"READ_ONLY"}
        assert all(r.message for r in (*updated, *made))
        assert steps == []
        assert {note_of(system.accounts, found[id]) for id in ids} == {KEPT}
        assert connector.calls.write == 0
