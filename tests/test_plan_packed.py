"""A plan of any size: the same as a plain list, in a fraction of its room, told item by item."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.cli.output import Rows, json_pieces
from syncd.plan import OnDemand, Packed, SetField, TaskChange, cap_new_tasks

DAY = date(2026, 6, 15)


def changes(accounts: int) -> Iterator[SetField]:
    """Ten changed fields to an account, as of a first run over a book."""
    for account in range(accounts):
        record = f"001{account:015}"
        ends = DAY + timedelta(days=account % 700)
        for number in range(10):
            yield SetField(
                connection="crm",
                object="Account",
                record=record,
                account=f"crm:{record}",
                field=f"Field_{number}__c",
                result="renewal_date",
                before=None,
                after=str(ends),
                because=f"contract 800{account:015} ends on {ends}, and no other follows it",
                value=ends,
                overwrites=False,
            )


def new_task(key: str, **more: Any) -> TaskChange:
    """A task that is to be opened."""
    given: dict[str, Any] = {
        "op": "open",
        "connection": "crm",
        "playbook": "renewal-120",
        "key": key,
        "account": f"crm:{key}",
        "account_record": key,
        "assignee": "u1",
        "due": DAY,
        "subject": "Start the conversation",
        "because": "the window is open",
        "values": {"Subject": "Start", "Due": DAY, "Worth": Decimal("1.50"), "Roles": ["a", "b"]},
        "wrote": {"subject": "Start"},
    }
    return TaskChange(**{**given, **more})


@given(items=st.lists(st.integers()), block=st.integers(1, 5), data=st.data())
def test_a_packed_list_reads_like_a_plain_one(
    items: list[int], block: int, data: st.DataObject
) -> None:
    """Whatever was packed already, its length, order, places and slices are those of a list."""
    packed = Packed(items, block)
    doubled = OnDemand(packed, lambda item: 2 * item)
    begin = data.draw(st.integers(-7, 7))
    end = data.draw(st.integers(-7, 7))

    assert (len(packed), bool(packed), list(packed)) == (len(items), bool(items), items)
    assert [packed[place] for place in range(len(items))] == items
    assert [packed[place] for place in range(-len(items), 0)] == items
    assert packed[begin:end] == items[begin:end]
    assert list(doubled) == [2 * item for item in items]
    assert doubled[begin:end] == [2 * item for item in items[begin:end]]
    with pytest.raises(IndexError):
        packed[len(items)]


def test_what_is_unpacked_is_what_was_packed() -> None:
    """Money, dates and lists keep their types: the connector is given them as they were."""
    items = [*changes(2), new_task("A1"), new_task("A2", worth=Decimal(7))]
    unpacked = list(Packed(items, 2))

    assert unpacked == items
    assert [repr(item) for item in unpacked] == [repr(item) for item in items]


def test_a_packed_plan_takes_a_fraction_of_the_room() -> None:
    """20,000 changes in under a tenth of what they take as they are."""
    tracemalloc.start()
    plain = list(changes(2_000))
    as_they_are = tracemalloc.get_traced_memory()[0]
    del plain
    before = tracemalloc.get_traced_memory()[0]
    packed = Packed(changes(2_000))
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert len(packed) == 20_000
    assert taken < as_they_are / 10


@given(
    tasks=st.lists(
        st.tuples(
            st.sampled_from(["open", "update", "close"]),
            st.sampled_from(["u1", "u2", None]),
            st.sampled_from(["high", "normal", "low"]),
            st.integers(0, 3),
            st.booleans(),
        ),
        max_size=30,
    ),
    most=st.integers(0, 4),
    given_today=st.dictionaries(st.sampled_from(["u1", "u2", ""]), st.integers(0, 5)),
)
def test_each_person_is_given_the_weightiest_tasks_up_to_the_cap(
    tasks: list[tuple[str, str | None, str, int, bool]], most: int, given_today: dict[str, int]
) -> None:
    """By priority, then ARR, then key; updates, closings and moved tasks count for nobody."""
    all_of_them = [
        new_task(f"A{n}", op=op, assignee=who, priority=priority, worth=Decimal(worth), moved=moved)
        for n, (op, who, priority, worth, moved) in enumerate(tasks)
    ]
    now, later = cap_new_tasks(all_of_them, given_today=given_today, most=most)
    order = ["high", "normal", "low"]
    ranked = sorted(
        (task for task in all_of_them if task.op == "open" and not task.moved),
        key=lambda task: (order.index(task.priority), -task.worth, task.key),
    )
    others = [task for task in all_of_them if task.op != "open" or task.moved]
    firsts = {
        task.key
        for person in ("u1", "u2", None)
        for task in islice(
            (task for task in ranked if task.assignee == person),
            max(0, most - given_today.get(person or "", 0)),
        )
    }

    assert list(now) == [*others, *(task for task in ranked if task.key in firsts)]
    assert {task.key for task in later} == {task.key for task in ranked} - firsts
    assert len(later) == len(ranked) - len(firsts)


SIMPLE = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
VALUES = st.recursive(
    SIMPLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    document=st.dictionaries(st.text(max_size=5), VALUES, max_size=4),
    rows=st.lists(st.lists(VALUES, max_size=3), max_size=3),
)
def test_json_told_in_pieces_is_the_json_of_the_whole(
    document: dict[str, Any], rows: list[list[Any]]
) -> None:
    """Byte for byte: who reads it cannot tell that its rows were made one at a time."""
    encode = json.JSONEncoder(indent=2, ensure_ascii=False).encode
    whole = {**document, "rows": [item for some in rows for item in some], "end": {"a": [1]}}
    lazy = {**document, "rows": Rows(rows, lambda item: item), "end": {"a": [1]}}

    assert "".join(json_pieces(lazy, encode)) == encode(whole)
    assert "".join(json_pieces(whole, encode)) == encode(whole)
