"""The HubSpot connector against the sandbox: what is written is read back, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.hubspot import HubSpotConnector
from connectors.hubspot.sandbox import Fault, HubSpotSandbox
from connectors.hubspot.settings import HubSpotSettings
from connectors.sandbox.server import SandboxServer
from syncd.connector import (
    Association,
    Context,
    Cursor,
    FieldSpec,
    FieldType,
    FieldUpdate,
    Outcome,
    Record,
    Source,
    TaskShape,
    TaskUpsert,
    Value,
)
from syncd.errors import AccessError, LoginError
from syncd.mapping.codecs import CODECS

COMPANY = Association("companies")
COMPANIES = Source(name="account", object="companies", fields=("name", "lifecyclestage"))
CUSTOMERS = Source(
    name="account",
    object="companies",
    fields=("name",),
    where=({"propertyName": "lifecyclestage", "operator": "EQ", "value": "customer"},),
)
DEALS = Source(
    name="deal",
    object="deals",
    fields=("dealname", "dealstage.is_won", "pipeline.label"),
    associations=(COMPANY,),
)
SHAPE = TaskShape(object="tasks", key_field="syncd_key", account_association=COMPANY)
TASKS = Source(
    name="task",
    object="tasks",
    fields=("hs_task_subject", "hs_timestamp", "hs_task_status", "syncd_key"),
    associations=(COMPANY,),
    where=({"propertyName": "syncd_key", "operator": "HAS_PROPERTY"},),
    keep_deleted=True,
)
SPECS = (
    FieldSpec("companies", "syncd_tier", "Tier", FieldType.PICKLIST, options=("a", "b")),
    FieldSpec("companies", "syncd_on", "On", FieldType.DATE),
    FieldSpec("companies", "syncd_arr", "ARR", FieldType.MONEY),
    FieldSpec("companies", "syncd_key_account", "Key account", FieldType.BOOL),
    FieldSpec("tasks", "syncd_key", "Key", FieldType.TEXT, unique=True),
)


class Room:
    """A sandbox that is served, and connectors to it."""

    def __init__(self, sandbox: HubSpotSandbox, url: str, ca_file: Path) -> None:
        """Begin with nobody connected."""
        self.sandbox = sandbox
        self.connected: list[HubSpotConnector] = []
        self._keys = sandbox.connection_settings(url, ca_file)

    def connect(self, *, zone: str = "Europe/London", **settings: Any) -> HubSpotConnector:
        """An opened connector; `settings` go before the sandbox's own."""
        own = {k: v for k, v in self._keys.items() if k not in {"connector", "mapping"}}
        limits = {"limits": {"daily_share": 1.0, "searches_per_second": 10_000}}
        values = {**own, **limits, **settings}
        context = Context(name="hubspot", timezone=zone)
        connector = HubSpotConnector(HubSpotSettings.model_validate(values), context)
        connector.open()
        self.connected.append(connector)
        return connector

    def leave(self) -> None:
        """Close what was connected."""
        for connector in self.connected:
            connector.close()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    sandbox = HubSpotSandbox()
    with SandboxServer(sandbox.app, tmp_path / "ca.pem") as server:
        room = Room(sandbox, server.url, tmp_path / "ca.pem")
        yield room
        room.leave()


@pytest.fixture
def hubspot(room: Room, monkeypatch: pytest.MonkeyPatch) -> HubSpotConnector:
    monkeypatch.setattr("connectors.hubspot.provision.SETTLE_SECONDS", 0.0)
    connector = room.connect()
    list(connector.provision(SPECS, apply=True))
    return connector


def pulled(
    connector: HubSpotConnector, source: Source, cursor: Cursor | None = None
) -> tuple[dict[str, Record], Cursor]:
    """The records by id, and the new cursor."""
    pages = list(connector.pull(source, cursor))
    last = pages[-1].cursor
    assert last is not None
    return {r.id: r for page in pages for r in page.records}, last


def test_provisioning_twice_is_once(room: Room, hubspot: HubSpotConnector) -> None:
    """What was made is found, and a removed option is shown alone."""
    again = list(hubspot.provision(SPECS, apply=True))
    tier = hubspot.schema("companies").fields["syncd_tier"]
    key = hubspot.schema("tasks").fields["syncd_key"]

    assert again == []
    assert (tier.type, tier.options, tier.writable) == (FieldType.PICKLIST, ("a", "b"), True)
    assert key.unique
    assert hubspot.schema("companies").fields["syncd_key_account"].type is FieldType.BOOL
    assert hubspot.schema("deals").fields["dealstage.is_won"].type is FieldType.BOOL


def test_what_is_written_is_read_back(room: Room, hubspot: HubSpotConnector) -> None:
    """Each kind of value arrives, a bad one harms itself only, and clearing clears."""
    ids = [room.sandbox.insert("companies", name=f"C{i}") for i in range(230)]
    good: dict[str, Value] = {
        "syncd_tier": "a",
        "syncd_on": date(2026, 3, 1),
        "syncd_key_account": True,
    }
    updates = [FieldUpdate(id, good) for id in ids]
    updates[7] = FieldUpdate(ids[7], {"syncd_tier": "z"})
    updates[8] = FieldUpdate("999999999999", {"syncd_tier": "a"})
    updates[150] = FieldUpdate(ids[150], {"hs_object_id": "1"})
    before = hubspot.calls.write

    results = dict(hubspot.update("companies", updates))
    bad = {i: r for i, r in results.items() if r.outcome is not Outcome.DONE}
    cost = hubspot.calls.write - before
    source = Source(name="a", object="companies", fields=tuple(good))
    found = hubspot.read(source, ids)
    dict(hubspot.update("companies", [FieldUpdate(ids[0], {"syncd_on": None})]))

    assert len(results) == 230
    assert {i: (r.outcome, r.code) for i, r in bad.items()} == {
        7: (Outcome.REJECTED, "INVALID_OPTION"),
        8: (Outcome.REJECTED, "OBJECT_NOT_FOUND"),
        150: (Outcome.REJECTED, "READ_ONLY_VALUE"),
    }
    assert results[7].fields == ("syncd_tier",)
    assert cost == 3
    assert found[ids[1]].fields == {
        "syncd_tier": "a",
        "syncd_on": "2026-03-01",
        "syncd_key_account": "true",
    }
    assert hubspot.read(source, ids[:1])[ids[0]].fields["syncd_on"] is None


def test_a_full_pull_and_increments_lose_nothing(room: Room, hubspot: HubSpotConnector) -> None:
    """Lists, links and stages come whole; then only what changed, again within the lag."""
    box = room.sandbox
    companies = [box.insert("companies", name=f"C{i}") for i in range(3)]
    deals = [
        box.insert(
            "deals",
            [("companies", companies[i % 3])],
            dealname=f"D{i}",
            dealstage="closedwon" if i % 2 else "closedlost",
            pipeline="default",
        )
        for i in range(150)
    ]
    hubspot.calls.read = 0

    whole, cursor = pulled(hubspot, DEALS)
    cost = hubspot.calls.read
    box.edit("deals", deals[5], dealname="Changed")
    changed, _ = pulled(hubspot, DEALS, cursor)

    assert whole.keys() == set(deals)
    assert whole[deals[1]].fields == {
        "dealname": "D1",
        "dealstage.is_won": "true",
        "pipeline.label": "Sales Pipeline",
    }
    assert whole[deals[4]].links == {"companies": (companies[1],)}
    assert cost == 2 + 1
    assert changed[deals[5]].fields["dealname"] == "Changed"


def test_an_idle_increment_costs_one_search(room: Room) -> None:
    """Nothing changed: one search, with or without a filter."""
    room.sandbox.insert("companies", name="C", lifecyclestage="customer")
    connector = room.connect(lag_seconds=0)
    later = {"modified": "2100-01-01T00:00:00.000Z"}
    connector.calls.read = 0
    pulled(connector, COMPANIES, later)
    pulled(connector, CUSTOMERS, later)

    assert connector.calls.read == 2


def test_increments_tell_what_left_the_filter(room: Room, hubspot: HubSpotConnector) -> None:
    """A company that is no customer any more comes as gone, and reads as gone."""
    box = room.sandbox
    stays, leaves = (box.insert("companies", name=n, lifecyclestage="customer") for n in "ab")
    whole, cursor = pulled(hubspot, CUSTOMERS)
    box.edit("companies", leaves, lifecyclestage="lead")
    changed, _ = pulled(hubspot, CUSTOMERS, cursor)

    assert whole.keys() == {stays, leaves}
    assert changed[leaves].gone
    assert not changed[stays].gone
    assert hubspot.read(CUSTOMERS, [leaves])[leaves].gone
    assert set(hubspot.ids(CUSTOMERS)) == {stays}


def test_beyond_ten_thousand_of_one_moment(tmp_path: Path) -> None:
    """More records than search gives, all of one millisecond, come each once."""
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    sandbox = HubSpotSandbox(clock=lambda: moment)
    for i in range(10_150):
        sandbox.insert("companies", name=f"C{i}")
    with SandboxServer(sandbox.app, tmp_path / "ca.pem") as server:
        connector = Room(sandbox, server.url, tmp_path / "ca.pem").connect()
        pages = list(connector.pull(COMPANIES, {"modified": "2026-03-01T12:00:00.000Z"}))
        connector.close()
    ids = [r.id for page in pages for r in page.records]

    assert len(ids) == len(set(ids)) == 10_150


def test_search_that_lags_is_made_up_for(tmp_path: Path) -> None:
    """What search does not show yet comes with the next increment, as reads overlap."""
    now = [datetime(2099, 1, 1, tzinfo=UTC)]
    sandbox = HubSpotSandbox(clock=lambda: now[0], search_lag=30)
    with SandboxServer(sandbox.app, tmp_path / "ca.pem") as server:
        connector = Room(sandbox, server.url, tmp_path / "ca.pem").connect()
        sandbox.insert("companies", name="Old")  # with none at all, it would be listed again
        _, cursor = pulled(connector, COMPANIES)
        new = sandbox.insert("companies", name="New")
        unseen, cursor = pulled(connector, COMPANIES, cursor)
        now[0] = datetime.fromtimestamp(now[0].timestamp() + 31, UTC)
        seen, _ = pulled(connector, COMPANIES, cursor)
        connector.close()

    assert new not in unseen
    assert new in seen


def test_tasks_are_made_once_and_linked(room: Room, hubspot: HubSpotConnector) -> None:
    """Upserts by key make one task however often they are tried; a date stays its day."""
    company = room.sandbox.insert("companies", name="C")
    fields: dict[str, Value] = {"hs_task_subject": "Call", "hs_timestamp": date(2026, 7, 1)}
    tasks = [TaskUpsert(f"k{i}", fields, company) for i in range(120)]
    hubspot.calls.write = 0

    first = dict(hubspot.upsert_tasks(SHAPE, tasks))
    cost = hubspot.calls.write
    second = dict(hubspot.upsert_tasks(SHAPE, tasks))
    found = hubspot.find_tasks(SHAPE, TASKS, ["k0", "k119", "unknown"])
    id = first[0].id
    assert id is not None
    known = TaskUpsert("k0", {"hs_task_status": "COMPLETED"}, company, id=id)
    ((_, closed),) = hubspot.upsert_tasks(SHAPE, [known])

    assert cost == hubspot.write_calls({}, 120) == 4
    assert {r.outcome for r in first.values()} == {Outcome.DONE}
    assert {r.created for r in first.values()} == {True}
    assert {r.created for r in second.values()} == {False}
    assert [first[i].id for i in range(120)] == [second[i].id for i in range(120)]
    assert found.keys() == {"k0", "k119"}
    assert found["k0"].links == {"companies": (company,)}
    assert found["k0"].fields["hs_timestamp"] == "2026-07-01T11:00:00Z"
    assert closed.outcome is Outcome.DONE
    assert len(room.sandbox.rows("tasks")) == 120


def test_a_refused_task_harms_itself_only(room: Room, hubspot: HubSpotConnector) -> None:
    """A task without a due date is refused, its neighbour is made; so is one for a company that is
    not there, and its id is told, so that it can be closed.
    """
    company = room.sandbox.insert("companies", name="C")
    tasks = [
        TaskUpsert("good", {"hs_timestamp": date(2026, 7, 1)}, company),
        TaskUpsert("bad", {"hs_task_subject": "x"}, company),
        TaskUpsert("lost", {"hs_timestamp": date(2026, 7, 1)}, "999999999"),
    ]

    results = dict(hubspot.upsert_tasks(SHAPE, tasks))

    assert [results[i].outcome for i in range(3)] == [
        Outcome.DONE,
        Outcome.REJECTED,
        Outcome.REJECTED,
    ]
    assert results[1].id is None
    assert results[2].created
    assert results[2].id in {row["id"] for row in room.sandbox.rows("tasks")}


def test_deleted_tasks_come_as_tombstones(room: Room, hubspot: HubSpotConnector) -> None:
    """A task that a person deletes is told by the next increment, with its key."""
    company = room.sandbox.insert("companies", name="C")
    task = TaskUpsert("k", {"hs_timestamp": date(2026, 7, 1)}, company)
    ((_, made),) = hubspot.upsert_tasks(SHAPE, [task])
    assert made.id is not None
    room.sandbox.insert("tasks", hs_timestamp="2026-07-01T00:00:00Z", hs_task_subject="theirs")
    whole, cursor = pulled(hubspot, TASKS)
    room.sandbox.archive("tasks", made.id)
    changed, _ = pulled(hubspot, TASKS, cursor)
    found = hubspot.find_tasks(SHAPE, TASKS, ["k"])

    assert whole.keys() == {made.id}
    assert (changed[made.id].gone, changed[made.id].fields["syncd_key"]) == (True, "k")
    assert found["k"].gone


def test_archived_and_merged_records_are_told_apart(room: Room, hubspot: HubSpotConnector) -> None:
    """Reading by id says deleted, merged into whom, or nothing for an unknown id."""
    box = room.sandbox
    winner, loser, deleted = (box.insert("companies", name=n) for n in "abc")
    survivor = box.merge("companies", winner, loser)
    box.archive("companies", deleted)

    found = hubspot.read(COMPANIES, [winner, loser, deleted, "987654321"])

    assert found[loser].gone
    assert found[loser].merged_into == survivor
    assert (found[deleted].gone, found[deleted].merged_into) == (True, None)
    assert "987654321" not in found
    assert set(hubspot.ids(COMPANIES)) == {survivor}


def test_owners_include_those_who_left(room: Room, hubspot: HubSpotConnector) -> None:
    """The owners of the portal come with name, mail address and whether they are active."""
    source = Source(name="user", object="owners", fields=("id", "name", "email", "active"))
    found, cursor = pulled(hubspot, source)

    assert cursor == {}
    assert found
    assert all(r.fields["active"] in {"true", "false"} for r in found.values())


@pytest.mark.parametrize(
    "answer",
    ["rate_limit_wait", "html_502", "error_500", "drop", "truncated", "html_200", "unauthorized"],
)
def test_reads_survive_a_bad_day(room: Room, hubspot: HubSpotConnector, answer: Any) -> None:
    """One bad answer in the middle of a pull costs a repetition, not a record."""
    ids = {room.sandbox.insert("companies", name=f"C{i}") for i in range(250)}
    room.sandbox.strike(Fault(answer=answer, path="*/objects/companies*", skip=1))

    whole, _ = pulled(hubspot, COMPANIES)

    assert whole.keys() == ids


@pytest.mark.parametrize("answer", ["drop", "html_502", "gateway_504", "truncated"])
def test_a_lost_answer_to_a_write_is_unknown(
    room: Room, hubspot: HubSpotConnector, answer: Any
) -> None:
    """The write took place, its answer was lost: it is not repeated, and can be looked up."""
    company = room.sandbox.insert("companies", name="C")
    room.sandbox.strike(Fault(answer=answer, path="*/tasks/batch/upsert", applies=True))
    task = TaskUpsert("k", {"hs_timestamp": date(2026, 7, 1)}, company)

    ((_, lost),) = hubspot.upsert_tasks(SHAPE, [task])
    half_made = hubspot.find_tasks(SHAPE, TASKS, ["k"])
    ((_, again),) = hubspot.upsert_tasks(SHAPE, [task])

    assert lost.outcome is Outcome.UNKNOWN
    assert half_made == {}
    assert (again.outcome, again.created) == (Outcome.DONE, False)
    assert len(room.sandbox.rows("tasks")) == 1
    assert room.sandbox.associations_of("tasks", again.id or "", "companies") == [company]


def test_a_used_up_day_defers_the_rest(room: Room, hubspot: HubSpotConnector) -> None:
    """HubSpot's daily limit in the middle of writing leaves the rest for tomorrow."""
    ids = [room.sandbox.insert("companies", name=f"C{i}") for i in range(150)]
    room.sandbox.strike(Fault(answer="daily_limit", path="*/batch/update", skip=1))

    results = dict(hubspot.update("companies", [FieldUpdate(i, {"syncd_tier": "a"}) for i in ids]))

    assert [results[i].outcome for i in (0, 99, 100, 149)] == [
        Outcome.DONE,
        Outcome.DONE,
        Outcome.DEFERRED,
        Outcome.DEFERRED,
    ]


def test_missing_scopes_and_tokens_are_told(room: Room, hubspot: HubSpotConnector) -> None:
    """Scopes show in check and in the error of what needs them; a revoked token in open."""
    room.sandbox.scopes = room.sandbox.scopes - {"crm.objects.deals.read"}
    notes = [n for n in hubspot.check() if n.severity == "error"]

    assert any("crm.objects.deals.read" in note.text for note in notes)
    with pytest.raises(AccessError) as caught:
        pulled(hubspot, DEALS)
    assert caught.value.object == "deals"
    room.sandbox.expire_token()
    with pytest.raises(LoginError):
        hubspot.open()


def test_oauth_works_as_a_private_app_does(room: Room) -> None:
    """A refresh token gives access, and gives it again after the token was refused."""
    access = room.sandbox.access
    auth = {
        "flow": "oauth",
        "client_id": access.client_id,
        "client_secret": access.client_secret,
        "refresh_token": access.refresh_token,
    }
    connector = room.connect(auth=auth)
    room.sandbox.expire_token()
    whole, _ = pulled(connector, COMPANIES)

    assert whole == {}
    assert connector.allowance().left is None


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "UTC", "Pacific/Kiritimati", "Asia/Kathmandu"])
@pytest.mark.parametrize("day", [date(2026, 12, 31), date(2028, 2, 29), date(2026, 3, 29)])
def test_days_and_moments_are_exact_all_around_the_world(
    room: Room, hubspot: HubSpotConnector, zone: str, day: date
) -> None:
    """A day is that day when read back, a task's due day too, a moment the same moment."""
    at = room.connect(zone=zone)
    id = room.sandbox.insert("companies", name="Acme", lifecyclestage="customer")
    moment = datetime(day.year, day.month, day.day, 23, 30, tzinfo=ZoneInfo(zone))
    deal = room.sandbox.insert("deals", dealname="Licence")
    task = TaskUpsert("zones", {"hs_task_subject": "Call", "hs_timestamp": day}, account_id=id)

    written = [
        *at.update("companies", [FieldUpdate(id, {"syncd_on": day})]),
        *at.update("deals", [FieldUpdate(deal, {"closedate": moment})]),
        *at.upsert_tasks(SHAPE, [task]),
    ]
    companies = at.read(Source("account", "companies", ("syncd_on",)), [id])
    deals = at.read(Source("deal", "deals", ("closedate",)), [deal])
    tasks = at.find_tasks(SHAPE, TASKS, ["zones"])

    assert all(result.outcome is Outcome.DONE for _, result in written)
    assert CODECS["date"].read(companies[id].fields["syncd_on"], ZoneInfo(zone)) == day
    assert CODECS["date"].read(tasks["zones"].fields["hs_timestamp"], ZoneInfo(zone)) == day
    assert CODECS["datetime"].read(deals[deal].fields["closedate"], ZoneInfo(zone)) == moment
    assert CODECS["date"].read(deals[deal].fields["closedate"], ZoneInfo(zone)) == day
