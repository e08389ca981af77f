"""The whole program against a HubSpot that it has never met: plain, poor, odd or hostile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hubspot_stranger import TOKEN, Stranger, Told, serving

from syncd.cli import exit_code

TODAY = datetime.now(UTC).date()  # noqa: TID251 - the commands read the clock too
CUSTOMERS = 230
"""More than a page of any kind."""

CONFIG = """\
[syncd]
state = "sqlite:///{folder}/state.db"
timezone = "Europe/Madrid"
currency = "EUR"
[write]
min_accounts = 1000
[connections.hubspot]
connector = "hubspot"
mapping = "{mapping}"
base_url = "{url}"
{more}
[connections.hubspot.auth]
access_token = {{ env = "STRANGERS_TOKEN" }}
[connections.hubspot.limits]
daily_share = 1.0
requests_per_10_seconds = 10000
searches_per_second = 1000
[policy.tasks]
fallback_assignee = "boss@us.example"
"""


def fill(portal: Stranger, customers: int = CUSTOMERS) -> None:
    """Customers with a contract that ends within the window, deals, people and a ticket."""
    portal.people = [
        {"id": "11", "email": "ana@us.example", "firstName": "Ana", "lastName": "Am"},
        *({"id": str(n), "email": f"am{n}@us.example"} for n in range(14, 20)),
        {"id": "12", "email": "boss@us.example"},
        {"id": "13", "email": "old@us.example", "archived": True},
    ]
    for kind in ("companies", "deals", "0-721", "contacts", "tickets", "meetings"):
        portal.describe(kind, "hs_object_id", "createdate")
    for kind in ("calls", "emails", "tasks"):
        portal.describe(kind, "hs_timestamp", "hubspot_owner_id", type="datetime", form="date")
    portal.describe(
        "companies",
        "domain",
        "website",
        "industry",
        "country",
        "hs_parent_company_id",
        "lifecyclestage",
    )
    portal.describe(
        "deals", *["dealtype", "dealstage", "pipeline", "hs_is_closed", "closedate", "amount"]
    )
    portal.describe("deals", "hs_is_closed_won", "deal_currency_code", "hubspot_owner_id")
    portal.describe("0-721", "hs_contract_effective_date", "hs_currency_code")
    portal.describe("0-721", "syncd_value", type="number", form="number")
    portal.describe("contacts", "lastname", "firstname", "email", "jobtitle", "hs_buying_role")
    portal.describe("contacts", "notes_last_contacted", type="datetime", form="date")
    portal.describe("tickets", "closed_date", "hs_ticket_priority")
    portal.describe("meetings", "hs_activity_type", "hs_meeting_outcome", "hs_timestamp")
    portal.describe("meetings", "hs_meeting_start_time")
    portal.describe("emails", "hs_email_direction")
    portal.describe("tasks", "hs_task_subject", "hs_task_body", "hs_task_status")
    portal.describe("tasks", "hs_task_priority", "hs_task_type")
    portal.describe("tasks", "hs_timestamp", type="datetime", form="date")
    for number in range(customers):
        company = portal.add(
            "companies",
            name=f"Customer {number}",
            lifecyclestage="customer",
            hubspot_owner_id=str(11 + number % 9),
        )
        ends = TODAY + timedelta(days=60 if number < 6 else 300)
        contract = portal.add(
            "0-721",
            hs_name=f"Contract {number}",
            hs_status="ACTIVE",
            hs_start_date=(ends - timedelta(days=364)).isoformat(),
            hs_end_date=ends.isoformat(),
            syncd_value=1000.5 * (number + 1),  # a bare number
        )
        portal.link("0-721", contract, "companies", company)
    for number in range(3):
        company = str(901 + 2 * number)
        deal = portal.add(
            "deals",
            dealname=f"Deal {number}",
            dealtype="newbusiness",
            dealstage="won1",
            pipeline="default",
            hs_is_closed="true",
            hs_is_closed_won=True,
            closedate=f"{TODAY - timedelta(days=30)}T09:00:00Z",
            amount="0.4000000000000000222",
        )
        portal.link("deals", deal, "companies", company)


class Desk:
    """A config that leads to the stranger, and the commands."""

    def __init__(self, portal: Stranger, url: str, ca_file: Path, folder: Path) -> None:
        """Nothing is called yet."""
        self.portal = portal
        self.url, self.ca_file = url, ca_file
        self.file = folder / "config.toml"
        self.configure(f'ca_file = "{ca_file}"')

    def configure(self, more: str = "", mapping: str = "hubspot") -> None:
        """Write the config; `more` are keys of the connection."""
        text = CONFIG.format(folder=self.file.parent, url=self.url, more=more, mapping=mapping)
        self.file.write_text(text, encoding="utf-8")

    def call(self, capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, Any]:
        """A command; its exit code and its answer."""
        capsys.readouterr()
        code = exit_code([args[0], "-c", str(self.file), "--json", *args[1:]])
        out = capsys.readouterr().out
        return code, json.loads(out) if out else None


MakeDesk = Callable[..., Desk]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeDesk]:
    """Makes a desk before a filled stranger of certain ways."""
    monkeypatch.setenv("STRANGERS_TOKEN", TOKEN)
    monkeypatch.setattr("connectors.hubspot.provision.SETTLE_SECONDS", 0.0)
    monkeypatch.setattr("syncd.retry.wait_seconds", lambda _attempt, _after: 0.01)
    monkeypatch.setattr("connectors.hubspot.verdicts._LOCKED_SECONDS", 0.01)
    waits = {"SECONDLY": 0.01, "TEN_SECONDLY_ROLLING": 0.01}
    monkeypatch.setattr("connectors.hubspot.verdicts._RATE_WAITS", waits)
    with ExitStack() as stack:

        def make(customers: int = CUSTOMERS, **ways: Any) -> Desk:
            portal = Stranger(**ways)
            fill(portal, customers)
            url, ca_file = stack.enter_context(serving(portal, tmp_path))
            return Desk(portal, url, ca_file, tmp_path)

        yield make


PLAIN: dict[str, Any] = {}
POOR: dict[str, dict[str, Any]] = {
    "plain": PLAIN,
    "bare": {"ways": {"bare rows", "fewer links", "shuffled"}},
    "strict": {"ways": {"small search", "no archived", "strict batches"}},
    "loose": {"ways": {"no id filter", "archived ignored"}},
    "lacking": {
        "customers": 20,
        "without": (
            "GET /account-info/v3/details",
            "POST /crm/v3/objects/tasks/batch/upsert",
            "POST /crm/v4/associations/tasks/companies/batch/associate/default",
            "GET /crm/v3/pipelines/deals",
            "GET /crm/v3/properties/companies/groups",
        ),
    },
    "withheld": {
        "customers": 20,
        "forbidden": ("GET /account-info/v3/details", "GET /crm/v3/pipelines/deals"),
    },
}


@pytest.mark.parametrize("ways", POOR.values(), ids=POOR)
def test_the_main_job_on_a_portal_never_met(
    desk: MakeDesk, capsys: pytest.CaptureFixture[str], ways: dict[str, Any]
) -> None:
    """Provision, write, and find nothing left to do, whatever the portal lacks."""
    at = desk(**ways)

    made, steps = at.call(capsys, "provision", "--apply")
    checked, notes = at.call(capsys, "check")
    code, done = at.call(capsys, "sync")
    second, idle = at.call(capsys, "sync")
    tasks = at.portal.records["tasks"]
    links = at.portal.links["tasks", "companies"]
    companies = [row["properties"] for row in at.portal.records["companies"].values()]

    assert made == 0, steps
    assert checked == 0, [n for n in notes["connections"]["hubspot"] if n["severity"] == "error"]
    assert (code, done["failed"], done["rejects"]) == (0, 0, [])
    assert companies[0]["syncd_renewal_date"] == (TODAY + timedelta(days=60)).isoformat()
    assert companies[0]["syncd_renewal_status"] == "window_open"
    assert companies[0]["syncd_renewal_arr"] == "1000.50"
    assert len({row["properties"]["syncd_key"] for row in tasks.values()}) == len(tasks) >= 6
    assert all(len(links[id]) == 1 for id in tasks)
    assert sum("syncd_tier" in held for held in companies) == len(companies)
    assert (second, idle["nothing_to_do"]) == (0, True)


def test_provisioning_a_stranger_twice_is_once(
    desk: MakeDesk, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was made is found; and what was there already is left as it is."""
    at = desk(customers=5)

    shown, plan = at.call(capsys, "provision")
    before = len(at.portal.catalogue["companies"])
    made, steps = at.call(capsys, "provision", "--apply")
    again, none = at.call(capsys, "provision", "--apply")

    assert (shown, made, again) == (0, 0, 0)
    assert before < len(at.portal.catalogue["companies"])
    assert {s["name"] for s in plan["steps"]} == {s["name"] for s in steps["steps"]}
    assert none["steps"] == []
    assert at.portal.catalogue["tasks"]["syncd_key"]["hasUniqueValue"] is True


def test_a_wrong_token_tells_an_admin_what_to_do(
    desk: MakeDesk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 5 from every command that logs in; the token itself is not shown."""
    at = desk(customers=5)
    monkeypatch.setenv("STRANGERS_TOKEN", "pat-wrong-token")

    code, answer = at.call(capsys, "sync")
    checked, notes = at.call(capsys, "check")

    assert (code, checked) == (5, 5)
    assert "auth.access_token" in answer["connections"]["hubspot"]["message"]
    assert "auth.access_token" in notes["connections"]["hubspot"][0]["text"]
    assert "pat-wrong-token" not in json.dumps([answer, notes])


@pytest.mark.parametrize(
    ("route", "lost"),
    [
        ("GET /crm/v3/objects/tickets", "tickets"),
        ("GET /crm/v3/properties/contacts", "contacts"),
        ("POST /crm/v4/associations/0-721/companies/batch/read", "0-721"),
        ("GET /crm/v3/owners", "owners"),
    ],
)
@pytest.mark.parametrize("kind", ["without", "forbidden"])
def test_what_is_withheld_costs_its_own_rules_only(
    desk: MakeDesk, capsys: pytest.CaptureFixture[str], kind: str, route: str, lost: str
) -> None:
    """Tiers and handoffs go on; what is out of sight is named, once."""
    at = desk(customers=5, **{kind: (route,)})
    at.call(capsys, "provision", "--apply")

    code, done = at.call(capsys, "sync")
    again, idle = at.call(capsys, "sync")
    company = at.portal.records["companies"]["901"]["properties"]

    assert (code, again) == (3, 0)
    # Without owners nobody can be given a task: those are refused too, one by one.
    assert [r["object"] for r in done["rejects"] if r["object"] != "companies"] == [lost]
    assert lost == "owners" or len(done["rejects"]) == 1
    assert company["syncd_handoff_status"] == "overdue"
    assert ("syncd_renewal_date" in company) == (lost != "0-721")
    assert idle["nothing_to_do"]


@pytest.mark.parametrize("ways", [{"loose"}, {"no archived", "strict batches"}, set[str]()])
def test_a_deleted_company_leaves_the_book(
    desk: MakeDesk, capsys: pytest.CaptureFixture[str], ways: set[str]
) -> None:
    """A full sync finds it by its absence, whatever the portal tells of archived records."""
    at = desk(customers=12, ways={"no id filter", "archived ignored"} if "loose" in ways else ways)
    at.call(capsys, "provision", "--apply")
    at.call(capsys, "sync")
    del at.portal.records["companies"]["901"]
    tasks = len(at.portal.records["tasks"])

    code, left = at.call(capsys, "sync", "--full")
    again, idle = at.call(capsys, "sync", "--full")
    closed = [
        row["properties"]
        for row in at.portal.records["tasks"].values()
        if row["properties"]["syncd_key"].split("/")[1] == "901"
    ]

    assert (code, again) == (0, 0), left
    assert {c["record"] for c in left["changes"]}.isdisjoint({"901"})
    assert len(at.portal.records["tasks"]) == tasks
    assert closed
    assert all(held["hs_task_status"] == "COMPLETED" for held in closed)
    assert idle["nothing_to_do"]


@pytest.mark.parametrize("kind", ["without", "forbidden"])
def test_links_that_are_withheld_cost_what_hangs_on_them(
    desk: MakeDesk, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """Meetings whose contacts cannot be seen are still their companies' meetings."""
    at = desk(customers=5, **{kind: ("POST /crm/v4/associations/meetings/contacts/batch/read",)})
    met = at.portal.add("meetings", hs_meeting_start_time=f"{TODAY}T00:30:00Z")
    at.portal.link("meetings", met, "companies", "901")
    at.call(capsys, "provision", "--apply")

    code, done = at.call(capsys, "sync")
    company = at.portal.records["companies"]["901"]["properties"]

    assert code == 3
    assert [(r["object"], r["field"]) for r in done["rejects"]] == [("meetings", "contacts")]
    assert company["syncd_last_touch_on"]
    assert company["syncd_renewal_date"]


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_certificates_of_the_environment_are_trusted(
    desk: MakeDesk,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    """Without ca_file the environment's file counts; with it, the config's."""
    at = desk(customers=5)
    at.configure()
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    refused, answer = at.call(capsys, "sync")
    monkeypatch.setenv(variable, str(at.ca_file))
    taken, _ = at.call(capsys, "plan")
    monkeypatch.setenv(variable, str(at.file))
    at.configure(f'ca_file = "{at.ca_file}"')
    named, _ = at.call(capsys, "plan")

    assert refused == 5
    assert "ca_file" in answer["connections"]["hubspot"]["message"]
    assert {taken, named} <= {0, 3}


LIMIT = {"status": "error", "errorType": "RATE_LIMIT", "message": "You have reached your {} limit."}
BAD_DAYS: tuple[Told | str, ...] = (
    (429, {**LIMIT, "policyName": "TEN_SECONDLY_ROLLING"}),
    (429, {"status": "error", "message": "You have reached your secondly limit."}),
    (429, {"message": "slow down"}, {"Retry-After": "0"}),
    (500, {"status": "error", "category": "RATE_LIMITS", "message": "too fast"}),
    (423, {"status": "error", "message": "locked"}),
    (477, {"message": "moving"}, {"Retry-After": "0"}),
    (502, "<html><h1>Bad Gateway</h1></html>"),
    (503, ""),
    (504, "<html>timeout"),
    "<html><body>Sign in to the network</body></html>",
    '{"results": [{"id": "9',
    "",
    "{}",
    "drop",
)


def test_a_bad_day_loses_nothing_and_doubles_nothing(
    desk: MakeDesk, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every second call fails in another way, half of the writes after they were carried out."""
    at = desk(customers=30)
    at.call(capsys, "provision", "--apply")
    count = 0

    def strike(name: str, after: bool) -> Told | str | None:
        nonlocal count
        count += not after
        # Odd calls are struck before they are carried out, each fourth one after that.
        return BAD_DAYS[count % len(BAD_DAYS)] if count % 4 in ((0,) if after else (1, 3)) else None

    at.portal.strike = strike
    codes = [at.call(capsys, "sync")[0] for _ in range(3)]
    at.portal.strike = lambda _name, _after: None
    _, idle = at.call(capsys, "sync")
    keys = [row["properties"]["syncd_key"] for row in at.portal.records["tasks"].values()]
    companies = [row["properties"] for row in at.portal.records["companies"].values()]

    assert set(codes) <= {0, 5}
    assert idle["nothing_to_do"]
    assert len(set(keys)) == len(keys) >= 6
    assert all(held["syncd_renewal_date"] and held["syncd_tier"] for held in companies)
