"""What every connector must do when it reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from inspect import getmembers_static
from typing import Any

import pytest
from contract_systems import (
    KEPT,
    MISSING,
    OTHER,
    DeletingSystem,
    MergingSystem,
    RationedSystem,
    System,
    answered,
    last_cursor,
    note_of,
    nothing_lost_from,
    open_and_pull,
    pages_of,
    pull_twice,
    records_of,
)
from msgspec.structs import replace

from syncd.connector import (
    ClickPaths,
    Connector,
    FieldType,
    FieldUpdate,
    LongWrites,
    Outcome,
    SourceFiles,
)
from syncd.errors import AccessError, AllowanceError, UnreachableError


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
        protocols = (Connector, SourceFiles, LongWrites, ClickPaths)
        interface = {name for protocol in protocols for name in dir(protocol)}

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
