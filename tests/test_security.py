"""What an outsider's text, a wrong certificate or a stolen glance can do: nothing."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import Site, Zygote, site

from connectors.hubspot import HubSpotConnector
from connectors.memory import MemoryConnector
from connectors.salesforce import SalesforceConnector
from connectors.sandbox.server import SandboxServer
from syncd.cli.leading import _cell, _csv
from syncd.cli.output import plain, plain_lines, start_logging
from syncd.connector import Connector
from syncd.log import get_log, setup_logging
from syncd.remedies import REMEDIES, page, remedy

ROOT = Path(__file__).parent.parent
EVIL = "<img src=x onerror=alert(1)> & {{ 7*7 }} ' OR Id != '"


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """One for all tests of this file."""
    made = Zygote()
    yield made
    made.stop()


@pytest.fixture
def hubspot(tmp_path: Path, zygote: Zygote) -> Iterator[Site]:
    """A HubSpot sandbox with eight customers."""
    with site("hubspot", tmp_path, zygote, accounts=8) as made:
        yield made


def test_a_connector_can_delete_nothing() -> None:
    """The interface has no word for it; what writes, writes fields or upserts tasks by key."""
    verbs = {name for name in vars(Connector) if not name.startswith("_")}
    for kind in (MemoryConnector, SalesforceConnector, HubSpotConnector):
        public = {name for name in vars(kind) if not name.startswith("_")}

        assert not {name for name in public if re.search("delete|remove|create|insert", name)}
    assert {"update", "upsert_tasks", "provision"} <= verbs
    assert not {name for name in verbs if re.search("delete|remove|create|insert", name)}


def test_markup_of_a_crm_is_text_in_a_task(hubspot: Site) -> None:
    """An account's name goes into a task's body escaped, and no template runs in it."""
    hubspot.begin()
    for row in hubspot.sandbox.rows("companies"):
        hubspot.sandbox.edit("companies", row["id"], name=EVIL)
    hubspot.run("sync")
    tasks = [r["properties"] for r in hubspot.sandbox.rows("tasks")]
    bodies = [str(t.get("hs_task_body")) for t in tasks if t.get("syncd_key")]
    subjects = [str(t.get("hs_task_subject")) for t in tasks if t.get("syncd_key")]

    assert bodies
    assert not any("<img" in body for body in bodies)
    assert any("&lt;img" in body for body in bodies)
    assert any("{{ 7*7 }}" in subject for subject in subjects)


def test_a_certificate_of_a_stranger_is_refused(hubspot: Site, tmp_path: Path) -> None:
    """Without the sandbox's own authority nothing is sent: no call, no credential."""
    hubspot.begin()
    text = hubspot.config.read_text()
    other = tmp_path / "other.pem"
    with SandboxServer(hubspot.gate, other):
        pass
    hubspot.gate.arm(None, lambda: None)
    for ca_file in (str(other), ""):
        own = next(line for line in text.splitlines() if line.startswith("ca_file"))
        hubspot.config.write_text(text.replace(own, f'ca_file = "{ca_file}"'))

        assert hubspot.run("sync") == 5
        assert "certificate" in hubspot.said().lower()
    assert hubspot.gate.calls == 0


def test_plain_http_is_refused(hubspot: Site) -> None:
    """As a mistake in the config, before anything is contacted."""
    hubspot.begin()
    hubspot.gate.arm(None, lambda: None)
    hubspot.config.write_text(hubspot.config.read_text().replace("https://", "http://"))

    assert hubspot.run("sync") == 2
    assert hubspot.gate.calls == 0


def test_text_of_a_crm_cannot_steer_a_terminal() -> None:
    """Escapes, carriage returns and marks that turn the direction become visible."""
    evil = "ok\x1b[2J\x1b]0;owned\x07\r\x9b31m\u202egnp.exe"

    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", plain(evil))
    assert plain_lines("one\ntwo") == "one\ntwo"


def test_no_answer_steers_a_terminal(hubspot: Site) -> None:
    """Whatever an account is called: not in tables, not in JSON, not in CSV, not in the log."""
    evil = "=Ev\x1b]0;owned\x07il\x9b31m\x7f\u202egnp"
    hubspot.begin()
    for row in hubspot.sandbox.rows("companies"):
        hubspot.sandbox.edit("companies", row["id"], name=evil)
    commands: tuple[str, ...] = (
        "plan",
        "plan --json",
        "sync",
        "sync --json",
        "status",
        "history",
        "history --json",
    )
    commands += ("rejects", "rejects --json", "verify", "portfolio --by owner --csv", "runs")
    id = str(hubspot.sandbox.rows("companies")[0]["id"])
    commands += (f"explain {id}", f"explain {id} --json", "forget Evil", "undo 2", "undo 2 --json")
    heard = ""
    for command in commands:
        hubspot.run(*command.split())
        said = (hubspot.folder / "out").read_text("utf-8") + hubspot.said()
        found = re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", said.replace("\r\n", "\n"))
        heard += said

        assert found is None, command
    assert "il" in heard


def test_no_log_line_steers_a_terminal() -> None:
    """On a person's terminal too, where lines are coloured: only syncd's own colours are there."""
    stream = io.StringIO()
    setup_logging(terminal=True, stream=stream)
    evil = "a\x1b]0;owned\x07b\r\x9b31m\u202e"
    get_log().warning("refused", message=evil)
    logging.getLogger("library").warning("they say: %s", evil)
    start_logging()
    told = re.sub(r"\x1b\[[\d;]*m", "", stream.getvalue())

    assert "owned" in told
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", told)


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "--5"),
        *("\uff1d1", "\uff0b1", "\uff0d1", "\uff20SUM(A1)", "-\u0661"),
    ],
)
def test_a_cell_is_no_formula(text: str) -> None:
    """A spreadsheet shows it as the text that it is."""
    assert _cell(text) == f"'{text}"
    assert _cell("-12.50") == "-12.50"
    assert _cell("Acme") == "Acme"


def test_a_cell_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """CSV is looked at in terminals too."""
    evil = {"key": "=1\x1b]0;owned\x07", "label": "a\x9b31m\u202eb", "nrr": 1.5}
    _csv({"from": "2026-01-01", "to": "2026-12-31", "currency": "USD", "groups": [evil]})
    told = capsys.readouterr().out

    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]", told)
    assert "'=1" in told


def test_each_code_has_a_remedy() -> None:
    """Every row error that a sandbox gives is in the table, and docs/remedies.md is current."""
    given = {
        code
        for path in ROOT.glob("connectors/*/sandbox/*.py")
        for code in re.findall(r'RowError\(\s*"([A-Z_]+)"', path.read_text(encoding="utf-8"))
    }
    # Of deletions, merges, events and contracts: syncd writes none of them.
    spared = {"DELETE_FAILED", "INVALID_OPERATION", "INVALID_EVENT_DATES", "FAILED_ACTIVATION"}

    assert given - spared <= REMEDIES.keys()
    assert (ROOT / "docs" / "remedies.md").read_text(encoding="utf-8") == page()
    assert remedy("SOMETHING_NEW").startswith("Read the CRM's message")
