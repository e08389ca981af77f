"""Faults: both sandboxes strike their clients by one list, from tests, a file and while running."""

from __future__ import annotations

import json
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import urllib3

from connectors.hubspot.sandbox import HubSpotSandbox
from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.sandbox import faulty
from connectors.sandbox.faults import Fault, Faults, Rows, answer_page
from connectors.sandbox.server import SandboxServer
from syncd.cli import exit_code

DOCUMENT = Path(__file__).parent.parent / "docs" / "faults.md"


class Caller:
    """Calls to a served sandbox, with its own login."""

    def __init__(self, sandbox: Any, server: SandboxServer) -> None:
        self.sandbox = sandbox
        self.url = server.url
        trust = ssl.create_default_context(cafile=str(server.ca_file))
        self.pool = urllib3.PoolManager(ssl_context=trust, retries=False)
        self.headers: dict[str, str] = {}

    def call(self, method: str, path: str, body: Any = None) -> urllib3.BaseHTTPResponse:
        """One call."""
        text = None if body is None else json.dumps(body)
        return self.pool.request(method, self.url + path, body=text, headers=self.headers)


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Caller]:
    """A served Salesforce sandbox, logged in to."""
    sandbox = SalesforceSandbox()
    with SandboxServer(sandbox.app, tmp_path / "ca.pem") as server:
        caller = Caller(sandbox, server)
        form = {
            "grant_type": "client_credentials",
            "client_id": sandbox.logins.client_id,
            "client_secret": sandbox.logins.client_secret,
        }
        told = caller.pool.request_encode_body(
            "POST", f"{server.url}/services/oauth2/token", form, encode_multipart=False
        )
        token = told.json()["access_token"]
        caller.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        yield caller
        caller.pool.clear()


LIMITS = "/services/data/v66.0/limits"
COLLECTION = "/services/data/v66.0/composite/sobjects"


def statuses(caller: Caller, count: int) -> list[int]:
    """The statuses of so many calls."""
    return [caller.call("GET", LIMITS).status for _ in range(count)]


def test_counted(org: Caller) -> None:
    """So many are spared, so many struck, then all is well."""
    org.sandbox.strike(Fault("unavailable", path="*/limits", skip=1, times=2))

    assert statuses(org, 5) == [200, 503, 503, 200, 200]


def test_own_answer(org: Caller) -> None:
    """A status of one's own comes with its headers, and with a page or the given body."""
    org.sandbox.strike(
        Fault(pattern=r"/limits$", status=429, headers={"Retry-After": "2"}),
        Fault(status=418, body='{"a": 1}'),
        Fault(method="POST", status=500),
    )
    first, second, third = (org.call("GET", LIMITS) for _ in range(3))

    assert (first.status, first.headers["Retry-After"]) == (429, "2")
    assert first.data.startswith(b"<!DOCTYPE html>")
    assert (second.status, second.json(), third.status) == (418, {"a": 1}, 200)


def test_before_and_after(org: Caller, caplog: pytest.LogCaptureFixture) -> None:
    """A call can be lost with nothing done, or with everything done."""
    new = {"Name": "Acme"}
    org.sandbox.strike(Fault("drop", method="POST"), Fault("drop", method="POST", applies=True))
    seen = []
    for _ in range(2):
        with pytest.raises(urllib3.exceptions.HTTPError):
            org.call("POST", "/services/data/v66.0/sobjects/Account", new)
        seen.append(len(org.sandbox.rows("Account")))

    assert seen == [0, 1]
    assert "without completing" not in caplog.text


def test_broken_answers(org: Caller) -> None:
    """Half an answer, none, and a page where JSON was due."""
    org.sandbox.strike(Fault("truncated"), Fault("empty"), Fault("html"))
    half, none, page, whole = (org.call("GET", "/services/data/v66.0") for _ in range(4))

    assert (half.status, half.data) == (200, whole.data[: len(half.data)])
    assert 0 < len(half.data) < len(whole.data)
    assert (none.status, none.data) == (200, b"")
    assert b"<html>" in page.data


def test_expired_login(org: Caller) -> None:
    """All logins end at once, at most so often."""
    org.sandbox.strike(Fault("expired", times=0, every=3600))

    first = org.call("GET", LIMITS)
    assert first.status == 401
    assert first.json()[0]["errorCode"] == "INVALID_SESSION_ID"
    assert len(org.sandbox.faults.waiting) == 1
    assert org.sandbox.faults.strike("GET", LIMITS) is None


def test_spoiled_rows(org: Caller) -> None:
    """Rows are refused by chance, in the CRM's words, and their neighbours go through."""
    ids = [org.sandbox.insert("Account", Name=f"a{n}") for n in range(40)]
    org.sandbox.strike(Fault(path="*/sobjects", rows=Rows("UNABLE_TO_LOCK_ROW", "busy", share=0.5)))
    body = {
        "allOrNone": False,
        "records": [{"attributes": {"type": "Account"}, "id": id, "Name": "new"} for id in ids],
    }
    told = org.call("PATCH", COLLECTION, body).json()
    refused = [line["errors"][0] for line in told if not line["success"]]
    changed = [row for row in org.sandbox.rows("Account") if row["Name"] == "new"]
    again = org.call("PATCH", COLLECTION, body).json()

    assert 5 < len(refused) < 35
    assert refused[0] == {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "busy", "fields": []}
    assert len(changed) == 40 - len(refused)
    assert all(line["success"] for line in again)


def test_chances_are_seeded() -> None:
    """The same seed strikes the same calls; another one others."""

    def struck(seed: int) -> list[bool]:
        faults = Faults({})
        faults.take({"seed": seed, "fault": [{"share": 0.3, "times": 0}]})
        return [faults.strike("GET", "/") is not None for _ in range(200)]

    assert struck(1) == struck(1) != struck(2)
    assert 40 < sum(struck(1)) < 80


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"fault": [{"answer": "dorp"}]}, r"no answer 'dorp'; there are: drop.*fault\[0\]"),
        ({"fault": [{}, {"pattern": "("}]}, r"no regular expression.*fault\[1\]"),
        ({"fault": [{"status": 99}]}, r"99 is no status"),
        ({"fault": [{"shar": 1}]}, r"unknown field `shar`.*fault\[0\]"),
        ({"sead": 1}, "unknown field `sead`"),
    ],
)
def test_wrong_files(document: dict[str, Any], words: str) -> None:
    """A mistake is told with its place."""
    with pytest.raises(ValueError, match=words):
        Faults({"page": answer_page(500, "x")}).take(document)


@pytest.mark.parametrize("made", [SalesforceSandbox, HubSpotSandbox])
def test_while_running(made: Any, tmp_path: Path) -> None:
    """Faults are told, replaced and ended over HTTP, for either CRM; latency is everyone's."""
    sandbox = made()
    with SandboxServer(sandbox.app, tmp_path / "ca.pem") as server:
        caller = Caller(sandbox, server)
        document = {"latency": 0.01, "fault": [{"status": 599, "times": 2}]}
        put = caller.call("PUT", "/_sandbox/faults", document)
        wrong = caller.call("PUT", "/_sandbox/faults", [{"answer": "no"}])
        struck = caller.call("GET", "/anything")
        told = caller.call("GET", "/_sandbox/faults").json()
        late = sandbox.faults.latency
        gone = caller.call("DELETE", "/_sandbox/faults").json()
        after = caller.call("GET", "/anything").status
        caller.pool.clear()

    assert (put.status, wrong.status, struck.status) == (200, 400, 599)
    assert "no answer 'no'" in wrong.json()["message"]
    assert [fault["times"] for fault in told] == [1]
    assert (late, gone, sandbox.faults.latency) == (0.01, [], 0.0)
    assert after != 599


@pytest.mark.parametrize("made", [SalesforceSandbox, HubSpotSandbox])
def test_answers_are_late(made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call by the latency, a struck one by its own delay too; the answer is as ever."""
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(faulty, "asyncio", SimpleNamespace(sleep=pause))
    sandbox = made()
    with SandboxServer(sandbox.app, tmp_path / "ca.pem") as server:
        caller = Caller(sandbox, server)
        plain = caller.call("GET", "/anything").status
        sandbox.faults.take({"latency": 0.25, "fault": [{"delay": 7.0, "times": 1}]})
        late = [caller.call("GET", "/anything").status for _ in range(2)]
        caller.pool.clear()

    assert late == [plain, plain]
    assert pauses == [0.25, 7.0, 0.25]


def test_documented_file() -> None:
    """The example of docs/faults.md is a file that both sandboxes take, and every word is told."""
    text = DOCUMENT.read_text()
    example = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    assert example
    for sandbox in (SalesforceSandbox(), HubSpotSandbox()):
        sandbox.faults.take(tomllib.loads(example[1]))

        assert len(sandbox.faults.waiting) == 5
        assert sandbox.faults.latency == 0.05
        for word in (*sandbox.faults.answers, *Fault.__struct_fields__):
            assert f"`{word}`" in text


def test_command(tmp_path: Path) -> None:
    """`syncd sandbox` takes a faults file, refuses a wrong one, and writes its state on SIGUSR1."""
    storm, state = tmp_path / "storm.toml", tmp_path / "state.json"
    storm.write_text('[[fault]]\npath = "*/token"\nstatus = 503\n')
    words = [sys.executable, "-m", "syncd", "sandbox", "salesforce", "--accounts", "0"]
    words += ["--ca-file", str(tmp_path / "ca.pem"), "--faults", str(storm)]
    with subprocess.Popen(
        [*words, "--data", str(state), "--latency", "0.01"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        assert running.stdout is not None
        url = json.loads(running.stdout.readline())["url"]
        trust = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        with urllib3.PoolManager(ssl_context=trust, retries=False) as pool:
            struck = pool.request("POST", f"{url}/services/oauth2/token").status
            spared = pool.request("POST", f"{url}/services/oauth2/token").status
        running.send_signal(signal.SIGUSR1)
        pause, deadline = threading.Event(), time.monotonic() + 30
        while not _written(state) and time.monotonic() < deadline:
            pause.wait(0.05)
        written = _written(state)
        running.terminate()
        code = running.wait(timeout=30)
    storm.write_text('[[fault]]\nanswer = "dorp"\n')
    refused = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)

    assert (struck, spared, written, code) == (503, 400, True, 0)
    assert refused.returncode == 2
    assert "storm.toml:1:3: there is no answer 'dorp'" in refused.stderr


@pytest.mark.parametrize(("option", "latency"), [(["--latency", "0.5"], 0.5), ([], 0.25)])
def test_the_option_goes_before_the_file(
    option: list[str], latency: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--latency` is what every answer takes, whatever the file of faults says."""
    storm = tmp_path / "storm.toml"
    storm.write_text("latency = 0.25\n")
    found: list[float] = []

    def served(made: Any, *_: Any, **__: Any) -> Any:
        found.append(made.faults.latency)
        raise SystemExit(0)

    monkeypatch.setattr("syncd.rehearsal.serve_sandbox", served)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    code = exit_code(["sandbox", "hubspot", "--accounts", "0", "--faults", str(storm), *option])

    assert code == 0
    assert found == [latency]


def _written(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return True


def test_rows_of_a_hubspot_batch_are_refused(tmp_path: Path) -> None:
    """With trace ids the refused input alone is, without them the whole batch."""
    sandbox = HubSpotSandbox()
    ids = [sandbox.insert("companies", name=f"Acme {n}") for n in range(2)]
    rows = Rows("INVALID_OPTION", "not today", ("name",))
    path = "/crm/v3/objects/companies/batch/update"
    plain = [{"id": id, "properties": {"name": "New"}} for id in ids]
    traced = [{**one, "objectWriteTraceId": one["id"]} for one in plain]
    with SandboxServer(sandbox.app, tmp_path / "ca.pem") as server:
        pool = urllib3.PoolManager(ca_certs=str(tmp_path / "ca.pem"), retries=False)

        def send(inputs: list[dict[str, Any]]) -> urllib3.BaseHTTPResponse:
            sandbox.strike(Fault(path="*/batch/update", rows=rows))
            headers = {"Authorization": f"Bearer {sandbox.access.token}"}
            return pool.request("POST", server.url + path, json={"inputs": inputs}, headers=headers)

        whole, apart = send(plain), send(traced)
        pool.clear()

    assert (whole.status, apart.status) == (400, 207)
    assert whole.json()["errors"][0]["code"] == "INVALID_OPTION"
    assert {e["context"]["objectWriteTraceId"][0] for e in apart.json()["errors"]} == set(ids)
    assert {row["properties"]["name"] for row in sandbox.rows("companies")} == {"Acme 0", "Acme 1"}
