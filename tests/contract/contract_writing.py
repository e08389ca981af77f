"""What a connector that writes must do."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from contract_reading import Reading
from contract_systems import KEPT, OTHER, System, WritableSystem, answered, note_of
from msgspec.structs import replace

from syncd.connector import FieldUpdate, Outcome, TaskShape, TaskUpsert

EVIL = ("' OR Id != '", "\\' OR Id != null", "x') OR (Id != '", '"quoted" \\', "%_*", "ключ 🗝 é")


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

    @pytest.mark.parametrize("evil", EVIL)
    def test_no_key_reaches_beyond_its_task(self, system: WritableSystem, evil: str) -> None:
        """Quotes, brackets and wildcards in a key are text: they find what bears them."""
        (account,) = system.add(1)
        (plain,) = tasks_for(system, [account])
        tasks = [plain, replace(plain, key=evil)]
        connector = system.connect()
        before = connector.find_tasks(system.shape, system.tasks, [evil])
        made = answered(connector.upsert_tasks(system.shape, tasks), 2)
        found = connector.find_tasks(system.shape, system.tasks, [evil])
        connector.close()

        assert not before
        assert {result.outcome for result in made} == {Outcome.DONE}
        assert {key: record.id for key, record in found.items()} == {evil: made[1].id}

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
