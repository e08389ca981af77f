"""Between plan and write: tasks that people end, delete or give away just then, in both CRMs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import KINDS, Site, Zygote, site

WORDS = "They signed on the phone"


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """One for all tests of this file."""
    made = Zygote()
    yield made
    made.stop()


@pytest.fixture(params=KINDS)
def crm(request: pytest.FixtureRequest, tmp_path: Path, zygote: Zygote) -> Iterator[Site]:
    """A sandbox with twelve customers, synced, whose contracts have just been prolonged."""
    with site(request.param, tmp_path, zygote, accounts=12) as made:
        made.begin()
        assert made.run("sync") in {0, 3}, made.said()
        contracts = "Contract" if made.kind == "salesforce" else "contracts"
        for row in made.sandbox.rows(contracts):
            if made.kind == "salesforce":
                made.sandbox.edit(contracts, row["Id"], ContractTerm=72)
            else:
                made.sandbox.edit(contracts, row["id"], hs_end_date="2032-03-31")
        yield made


def tasks(crm: Site) -> dict[str, dict[str, Any]]:
    """Our tasks by key, but for deleted ones: id, words, and whether they are open."""
    if crm.kind == "salesforce":
        return {
            row["Syncd_Key__c"]: {
                "id": row["Id"],
                "words": row.get("Description") or "",
                "open": row["Status"] != "Completed",
            }
            for row in crm.sandbox.rows("Task")
            if row.get("Syncd_Key__c") and not row["IsDeleted"]
        }
    found = {}
    for row in crm.sandbox.rows("tasks"):
        values = row["properties"]
        if values.get("syncd_key") and not row["archived"]:
            found[values["syncd_key"]] = {
                "id": row["id"],
                "words": values.get("hs_task_body") or "",
                "open": values["hs_task_status"] != "COMPLETED",
            }
    return found


def complete(crm: Site, id: str) -> None:
    """A person ends a task, and writes into it why."""
    if crm.kind == "salesforce":
        crm.sandbox.edit("Task", id, Status="Completed", Description=WORDS)
    else:
        crm.sandbox.edit("tasks", id, hs_task_status="COMPLETED", hs_task_body=WORDS)


def delete(crm: Site, id: str) -> None:
    """A person deletes a task."""
    if crm.kind == "salesforce":
        crm.sandbox.delete("Task", id)
    else:
        crm.sandbox.archive("tasks", id)


def before_the_second_look(crm: Site, act: Callable[[], None]) -> list[str]:
    """Act once when tasks are read by their ids; the paths of the calls from then on."""
    plain, heard = crm.gate.app, list[str]()
    sign = b"Task+WHERE" if crm.kind == "salesforce" else b"objects/tasks/batch/read"

    async def app(scope: Any, receive: Any, send: Any) -> None:
        asked = scope["path"].encode() + scope["query_string"].replace(b"%20", b"+")
        if not heard and sign in asked and (crm.kind == "hubspot" or b"Id+IN+" in asked):
            act()
            heard.append(scope["path"])
        elif heard:
            heard.append(scope["path"])
        await plain(scope, receive, send)

    crm.gate.app = app
    return heard


def test_a_task_that_a_person_ends_just_then_is_theirs(crm: Site) -> None:
    """Completed or deleted after the plan was made, it is not written; the others are closed."""
    going = sorted(key for key, task in tasks(crm).items() if key.startswith("renewal-"))
    done, gone, *others = going
    ids = {key: task["id"] for key, task in tasks(crm).items()}

    def act() -> None:
        complete(crm, ids[done])
        delete(crm, ids[gone])

    heard = before_the_second_look(crm, act)
    code = crm.run("sync", "--json")
    closed = crm.answer()["tasks"]
    after = tasks(crm)
    again = crm.run("sync", "--json")
    nothing_left = crm.answer()["nothing_to_do"]

    assert heard
    assert code in {0, 3}
    assert {task["op"] for task in closed if task["key"] in others} == {"close"}
    assert not {done, gone} & {task["key"] for task in closed}
    assert after[done]["words"] == WORDS
    assert gone not in after
    assert not any(after[key]["open"] for key in others)
    assert again == 0
    assert nothing_left


def test_an_undisturbed_second_look_plans_nothing_anew(crm: Site) -> None:
    """What is read by id is the same as what was pulled: nothing counts as overtaken."""
    heard = before_the_second_look(crm, lambda: None)
    code = crm.run("sync", "--json")
    closed = [task for task in crm.answer()["tasks"] if task["op"] == "close"]
    events = [line["event"] for line in crm.lines()]

    assert heard
    assert code in {0, 3}
    assert closed
    assert "overtaken" not in events
