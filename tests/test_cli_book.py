"""Every command on one book in both sandboxes, as processes: answers, exit codes, promises."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from processes import Zygote
from syncd_process import ROOT, Ended, faults

from syncd.cli.looking import past_words
from syncd.rehearsal import sandboxes

CRMS = ["salesforce", "hubspot"]
CHANGE = {"connection", "object", "record", "account", "field", "before", "after", "because"}
TASK = {"op", "playbook", "key", "account", "assignee", "due", "subject", "because"}
BRIDGE = ("starting_arr", "new", "expansion", "contraction", "churn", "ending_arr")


class Book:
    """Two sandboxes with one made-up book, and what syncd said of them in the first hour."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        """Start them, and run syncd from the first look to nothing left to do."""
        self.folder = folder
        self._zygote = Zygote()
        stack.callback(self._zygote.stop)
        today = datetime.now(UTC).date()  # noqa: TID251 - the processes live today
        self.made, self.config = sandboxes(
            stack, folder, accounts=24, seed=11, today=today, kinds=CRMS
        )
        self.bare = self.run("check", "--json", wanted=2)
        self.unready = self.run("provision", "--json")
        self.provisioned = self.run("provision", "--apply", "--json")
        self.checked = self.run("check", "--json")
        self.plan = self.run("plan", "--json", "--out", folder / "plan.json", wanted=3)
        self.sync = self.run("sync", "--json", wanted=3)
        self.again = self.run("sync", "--json")

    def run(self, *words: str | Path, wanted: int | None = 0) -> Ended:
        """A command on this book, in a process of its own that was forked from a warm one."""
        config = () if "-c" in words else ("-c", self.config)
        out, err = self.folder / "out", self.folder / "err"
        code = self._zygote.wait(self._zygote.start([*map(str, (*words, *config))], out, err))
        ended = Ended(code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))

        assert wanted is None or code == wanted, f"{code}\n{ended.out}\n{ended.err}"
        return ended

    def ask(self, *words: str | Path, wanted: int | None = 0) -> Any:
        """The command's answer, which must be as its schema says."""
        answer = self.run(*words, "--json", wanted=wanted).answer
        command = "-".join(map(str, words[: 2 if words[0] == "mappings" else 1]))

        assert not faults(command, answer)
        return answer


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """One book for all tests of this module."""
    with ExitStack() as stack:
        yield Book(stack, tmp_path_factory.mktemp("book"))


def test_check_before_anything_is_there(book: Book) -> None:
    """Each field that is missing is an error with its remedy, in both CRMs; exit code 2."""
    answer = book.bare.answer

    assert not faults("check", answer)
    for name in CRMS:
        notes = answer["connections"][name]
        wrong = [note for note in notes if note["severity"] == "error"]
        assert any("renewal_date" in note["field"].lower() for note in wrong)
        assert all(note["remedy"] for note in wrong)


def test_provision_shows_then_makes_then_has_nothing_to_do(book: Book) -> None:
    """Without --apply nothing changes; with it all is made; check then finds no error."""
    shown, made = book.unready.answer, book.provisioned.answer
    after = book.ask("provision")

    assert not faults("provision", shown)
    assert not faults("provision", made)
    assert not any(step["done"] for step in shown["steps"])
    assert all(step["done"] for step in made["steps"])
    assert {(s["connection"], s["name"]) for s in shown["steps"]} <= {
        (s["connection"], s["name"]) for s in made["steps"]
    }
    assert after["steps"] == []
    notes = [note for of_one in book.checked.answer["connections"].values() for note in of_one]
    assert not [note for note in notes if note["severity"] == "error"]


def test_plan_has_the_promised_form(book: Book) -> None:
    """Each change and task with its keys, whole ids and a reason; what it will cost."""
    answer = book.plan.answer

    assert not faults("plan", answer)
    assert answer["changes"]
    assert answer["tasks"]
    for change in answer["changes"]:
        assert change.keys() >= CHANGE
        assert change["because"]
        assert change["before"] != change["after"]
        if change["connection"] == "salesforce":
            assert len(change["record"]) == 18
    for task in answer["tasks"]:
        assert task.keys() >= TASK
        assert task["op"] in {"open", "update", "close"}
    assert set(answer["calls"]) == set(CRMS)
    assert all(set(calls) == {"read", "write"} for calls in answer["calls"].values())
    assert answer["held"] is None


def test_plan_out_is_the_same_plan(book: Book) -> None:
    """--out FILE holds what --json prints."""
    written = json.loads((book.folder / "plan.json").read_text(encoding="utf-8"))

    assert written == book.plan.answer


def test_plan_out_of_reach_is_a_wrong_argument(book: Book) -> None:
    """A folder that is not there is told before anything is asked."""
    ended = book.run("plan", "--out", book.folder / "nowhere" / "plan.json", wanted=2)

    assert "there is no folder" in ended.err


def test_off_works_out_and_plan_prints(book: Book) -> None:
    """`mode = "off"` tells how much there would be to do; `mode = "plan"` prints it, too."""
    text = book.config.read_text(encoding="utf-8")
    wider = "[policy.renewal]\nwindow_days = 200\n"
    printed = {}
    for mode in ("off", "plan"):
        other = book.config.with_name(f"{mode}.toml")
        other.write_text(
            f'{text}\n{wider}[write]\nmax_overwrite_share = 1\nmode = "{mode}"\n', encoding="utf-8"
        )
        printed[mode] = book.run("sync", "-c", other, wanted=None).out

    assert "would change" in printed["off"]
    assert "field changes" not in printed["off"]
    assert "field changes" in printed["plan"]


def test_plan_as_of_another_day(book: Book) -> None:
    """A later day has other values; the state is as it was, and nothing is written."""
    answer = book.ask("plan", "--as-of", "2031-01-01", wanted=None)
    statuses = {c["after"] for c in answer["changes"] if "status" in c["field"].lower()}

    assert "overdue" in statuses
    assert book.ask("plan")["nothing_to_do"]


def test_sync_carries_out_the_plan(book: Book) -> None:
    """The same changes and tasks, all written; the second run has nothing to do and says so."""
    plan, sync, again = book.plan.answer, book.sync.answer, book.again.answer

    assert not faults("sync", sync)
    assert not faults("sync", again)
    assert [change["field"] for change in sync["changes"]] == [
        change["field"] for change in plan["changes"]
    ]
    assert {task["key"] for task in sync["tasks"]} == {task["key"] for task in plan["tasks"]}
    assert sync["failed"] == 0
    assert sync["written"] > 0
    assert not sync["nothing_to_do"]
    assert again["nothing_to_do"]
    assert again["changes"] == again["tasks"] == []
    assert (again["written"], again["failed"], again["rejected"], again["deferred"]) == (0,) * 4


def test_a_dry_sync_answers_in_the_form_of_a_sync(book: Book) -> None:
    """With the counts that a script reads from `sync --json`, none of them written."""
    answer = book.ask("sync", "--dry-run")

    assert answer["nothing_to_do"]
    assert (answer["written"], answer["failed"], answer["deferred"]) == (0, 0, 0)


def test_a_plan_foretells_the_calls(book: Book) -> None:
    """`calls` of a plan is what the sync then costs to write."""
    plan, sync = book.plan.answer, book.sync.answer

    assert {name: calls["write"] for name, calls in plan["calls"].items()} == {
        name: calls["write"] for name, calls in sync["calls"].items()
    }


def test_the_log_is_on_stderr(book: Book) -> None:
    """Off a terminal it is JSON, a line a write and one for the run."""
    lines = [json.loads(line) for line in book.sync.err.splitlines()]

    assert {"run"} <= {line["event"] for line in lines}
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)


def test_explain_by_id_domain_and_name(book: Book) -> None:
    """An id, a domain or a name that is one account's gives that account."""
    change = book.sync.answer["changes"][0]
    by_id = book.ask("explain", change["record"])

    assert by_id["account"]["id"] == change["record"]
    assert by_id["account"]["name"] == change["account_name"]
    assert by_id["refs"][0]["url"].startswith("https://")
    assert by_id["values"]["renewal_date"]["because"]
    assert by_id["writes"][0]["changes"]
    assert set(by_id["values"]["tier"]) == {"value", "because", "records", "valid_until"}
    assert by_id["next_change"] == min(
        value["valid_until"] for value in by_id["values"].values() if value["valid_until"]
    )


def test_explain_says_which_accounts_a_name_fits(book: Book) -> None:
    """The same customer in both CRMs, not linked: both are named with their ids; exit code 2."""
    change = book.sync.answer["changes"][0]
    ended = book.run("explain", change["account_name"], wanted=2)

    assert ended.out == ""
    assert change["record"] in ended.err
    assert "hubspot" in ended.err


def test_explain_of_a_stranger(book: Book) -> None:
    """What is not known is said to be so, with exit code 2."""
    ended = book.run("explain", "Nobody & Sons", wanted=2)

    assert "no account 'Nobody & Sons'" in ended.err


def test_explain_on_another_day(book: Book) -> None:
    """--as-of works out the values of that day, and stores none of them."""
    key = next(
        c["record"]
        for c in book.sync.answer["changes"]
        if c["field"] == "Syncd_Renewal_Date__c" and c["after"]
    )
    later = book.ask("explain", key, "--as-of", "2041-01-01")

    assert later["values"]["renewal_status"]["value"] != "not_due"
    assert book.ask("explain", key)["values"]["renewal_status"]["value"] != "overdue" or (
        later["values"]["renewal_status"]["value"] == "overdue"
    )


def test_explain_as_text(book: Book) -> None:
    """A manager reads values, reasons, links and what comes next."""
    change = book.sync.answer["changes"][0]
    text = book.run("explain", change["record"]).out

    assert change["account_name"] in text
    assert "\nRenewal\n" in text
    assert "renewal_date" in text
    assert "can next change by itself on" in text
    assert "https://" in text
    assert "\x1b" not in text


def test_explain_tells_what_a_person_changed() -> None:
    """Among the last writes a person's change is told with its fields, not as a task's."""
    edit = {"field": "Syncd_Tier__c", "before": "growth", "after": "strategic"}
    entry = {"at": "2026-03-01T09:30:00Z", "run": 7, "outcome": "done", "task": None}

    assert past_words({**entry, "kind": "person", "changes": [edit]}) == (
        "a person, seen by run 7: Syncd_Tier__c: growth → strategic"
    )
    assert past_words({**entry, "kind": "fields", "changes": [edit]}) == (
        "run 7 done: Syncd_Tier__c: growth → strategic"
    )
    assert past_words({**entry, "kind": "open", "task": "a/b", "changes": []}) == (
        "run 7 done: task a/b (open)"
    )


def test_status_and_runs(book: Book) -> None:
    """What happened: three runs, the last one good."""
    status = book.ask("status")
    runs = book.ask("runs")["runs"]

    assert status["accounts"] == {"salesforce": 24, "hubspot": 24}
    assert status["last_run"]["exit_code"] == 0
    assert [run["id"] for run in runs] == sorted((run["id"] for run in runs), reverse=True)
    assert status["quarantine"] == len(book.ask("rejects")["rejects"])


def test_rejects_name_the_remedy(book: Book) -> None:
    """Each refused record with its code, message and what to do in plain words."""
    rejects = book.ask("rejects")["rejects"]

    assert rejects
    assert all(item["remedy"] and item["message"] and item["code"] for item in rejects)
    assert {"connection", "object", "record", "field", "since", "attempts"} <= rejects[0].keys()


def test_history_of_all_and_of_one(book: Book) -> None:
    """Who changed what and when; an account's own on demand."""
    change = book.sync.answer["changes"][0]
    everything = book.ask("history", "--limit", "5")["history"]
    of_one = book.ask("history", change["record"])["history"]

    assert everything
    assert {row["account"] for row in of_one} == {change["account"]}
    assert change["field"] in {row["field"] for row in of_one}


@pytest.mark.parametrize("by", ["book", "tier", "owner", "segment"])
def test_the_bridge_foots(book: Book, by: str) -> None:
    """Money as decimal strings that add up to the cent, rates as fractions; parts sum up."""
    answer = book.ask("portfolio", "--by", by, "--from", "2025-01-01", "--to", "2025-12-31")
    groups = answer["groups"]

    assert (answer["from"], answer["to"]) == ("2025-01-01", "2025-12-31")
    assert groups
    for group in groups:
        start, new, more, less, lost, end = (Decimal(group[name]) for name in BRIDGE)
        assert start + new + more - less - lost == end
        assert group["by"] == by
        assert group["grr"] is None or 0 <= group["grr"] <= 1


def test_portfolio_as_csv(book: Book) -> None:
    """A spreadsheet gets the same figures."""
    period = ("--from", "2025-01-01", "--to", "2025-12-31")
    answer = book.ask("portfolio", "--by", "tier", *period)
    text = book.run("portfolio", "--by", "tier", "--csv", *period).out
    rows = list(csv.DictReader(io.StringIO(text)))

    assert [row["ending_arr"] for row in rows] == [g["ending_arr"] for g in answer["groups"]]


def test_portfolio_backwards(book: Book) -> None:
    """A period that ends before it begins is a wrong argument."""
    ended = book.run("portfolio", "--from", "2026-01-01", "--to", "2025-01-01", wanted=2)

    assert "lies before" in ended.err


def test_backtest_lists_who_moves(book: Book) -> None:
    """A changed policy against the stored book: how many, who, and how much ARR."""
    file = book.folder / "policy.toml"
    file.write_text("[policy.tier]\nstrategic_max = 2\nstrategic_min = 1\n", encoding="utf-8")
    answer = book.ask("backtest", "--policy", file)
    moved = [change for change in answer["changes"] if change["value"] == "tier"]
    text = book.run("backtest", "--policy", file).out

    assert len(moved) == answer["summary"]["tier"]["accounts"]
    assert f"{len(moved)} of {answer['accounts']} accounts change tier" in text


def test_a_look_at_another_policy_leaves_no_work(book: Book) -> None:
    """It marks no account: the next sync has no more to work out than before."""
    file = book.folder / "policy.toml"
    file.write_text("[policy.tier]\nstrategic_max = 2\nstrategic_min = 1\n", encoding="utf-8")
    before = book.ask("status")["waiting"]
    book.run("backtest", "--policy", file)

    assert book.ask("status")["waiting"] == before


def test_backtest_of_a_wrong_policy(book: Book) -> None:
    """Its mistakes are told by their place in that file."""
    file = book.folder / "wrong.toml"
    file.write_text("[policy.tier]\nstrategic_maxx = 2\n", encoding="utf-8")
    ended = book.run("backtest", "--policy", file, wanted=2)

    assert f'{file}:2:1: unknown key "strategic_maxx" (did you mean "strategic_max"?)' in ended.err


def test_undo_shows_and_names_unknown_runs(book: Book) -> None:
    """Without --apply it only shows what it would put back."""
    shown = book.ask("undo", str(book.sync.answer["run"]))

    assert not shown["applied"]
    assert shown["written"] == 0
    left = {c["field"].lower() for c in book.sync.answer["changes"]}
    assert left - {c["field"].lower() for c in shown["changes"]} == {
        "syncd_synced_at__c",
        "syncd_synced_at",
    }
    assert "there is no run 999" in book.run("undo", "999", wanted=2).err


def test_approve_what_is_not_held(book: Book) -> None:
    """Nothing is held: that is a wrong argument."""
    assert "no plan 1 is held" in book.run("approve", "1", wanted=2).err


def test_tables_on_a_pipe_are_plain(book: Book) -> None:
    """Tab-separated, no colours, no drawn lines."""
    for words in (("runs",), ("history",), ("status",), ("rejects",), ("portfolio",)):
        text = book.run(*words).out

        assert text.strip()
        assert not set("\x1b─│┃") & set(text)


def test_sfdx_files_are_written(book: Book) -> None:
    """With --sfdx DIR provision leaves source files, names them and asks no CRM to change."""
    folder = book.folder / "sfdx"
    answer = book.ask("provision", "--sfdx", folder)
    text = book.run("provision", "--sfdx", folder).out

    assert answer["steps"]
    assert list(folder.rglob("*.field-meta.xml"))
    assert all(step["name"] in text for step in answer["steps"])


def test_no_daemon_is_no_health(book: Book) -> None:
    """`syncd health` without a daemon is 1, with the reason."""
    answer = book.ask("health", wanted=1)

    assert not answer["healthy"]
    assert answer["text"]


def test_one_crm_that_is_away_costs_only_itself(book: Book) -> None:
    """The other connection is served; the worst code is returned, and the reason stands there."""
    text = book.config.read_text(encoding="utf-8")
    url = next(line for line in text.splitlines() if line.startswith("base_url"))
    other = book.folder / "away.toml"
    other.write_text(
        text.replace(url, 'base_url = "https://127.0.0.1:9"').replace("syncd.db", "away.db"),
        encoding="utf-8",
    )
    plan = book.ask("plan", "-c", other, wanted=5)
    check = book.ask("check", "-c", other, wanted=5)

    assert plan["connections"]["hubspot"]["exit_code"] == 5
    assert "cannot be reached" in plan["connections"]["hubspot"]["message"]
    assert plan["connections"]["salesforce"]["exit_code"] in {0, 3}
    assert [note["severity"] for note in check["connections"]["hubspot"]] == ["error"]
    assert len(check["connections"]["salesforce"]) > 1


def test_a_wrong_secret_is_a_refused_login(book: Book) -> None:
    """Exit code 5 with the way to mend it; the secret itself stands nowhere."""
    secret = "wrong-secret-canary"
    wrong = book.folder / "wrong_secret"
    wrong.write_text(secret, encoding="utf-8")
    text = book.config.read_text(encoding="utf-8")
    other = book.folder / "refused.toml"
    other.write_text(
        text.replace("secrets/hubspot_access_token", "wrong_secret").replace("syncd.db", "r.db"),
        encoding="utf-8",
    )
    ended = book.run("plan", "-c", other, "--json", wanted=5)

    assert ended.answer["connections"]["hubspot"]["exit_code"] == 5
    assert secret not in ended.out + ended.err


def test_check_tells_words_that_never_occurred(book: Book) -> None:
    """After a sync the mirror shows a misspelt word, with what was probably meant."""
    shipped = (ROOT / "mappings" / "salesforce-sandbox.toml").read_text(encoding="utf-8")
    assert '"New Customer" = "new"' in shipped
    mapping = book.folder / "misspelt.toml"
    mapping.write_text(
        shipped.replace('"New Customer" = "new"', '"New Custommer" = "new"'), encoding="utf-8"
    )
    config = book.folder / "misspelt-config.toml"
    config.write_text(
        book.config.read_text(encoding="utf-8").replace("salesforce-sandbox", "misspelt.toml")
        + '\n[[policy.playbooks]]\nid = "never"\nwhen = "arr > 99999999"\nonce_per = "quarter"\n'
        'assignee = "am"\ndue = 1\nsubject = "Never"\n',
        encoding="utf-8",
    )
    answer = book.ask("check", "--offline", "-c", config)
    notes = answer["connections"]["salesforce"]
    told = [note["text"] for note in notes]

    assert any(
        "Opportunity.Type = 'New Custommer' never matched in" in text
        and 'did you mean "New Customer"?' in text
        for text in told
    )
    assert any('playbook "never"' in problem["text"] for problem in answer["problems"])
    assert {note["severity"] for note in notes} == {"warning"}


def test_check_leaves_no_state_behind(book: Book) -> None:
    """Where there is no state yet, a check makes none."""
    config = book.folder / "fresh.toml"
    config.write_text(
        book.config.read_text(encoding="utf-8").replace("syncd.db", "fresh.db"), encoding="utf-8"
    )
    book.ask("check", "-c", config)

    assert not (book.folder / "fresh.db").exists()


def test_mappings_suggest_and_test(book: Book) -> None:
    """From the CRM's schema: what the shipped mapping leaves open in an org with own fields."""
    config = book.folder / "standard.toml"
    config.write_text(
        book.config.read_text(encoding="utf-8")
        .replace("salesforce-sandbox", "salesforce")
        .replace("hubspot-sandbox", "hubspot"),
        encoding="utf-8",
    )
    suggested = book.ask("mappings", "suggest", "-c", config)["suggestions"]
    tried = book.ask("mappings", "test", "-c", config)["connections"]
    fields = {(one["kind"], one["name"]): one["field"] for one in suggested["salesforce"]}

    assert fields["account", "arr"] == "ARR__c"
    assert set(suggested) == set(CRMS)
    assert tried["salesforce"]["examples"] > 0
    assert tried["salesforce"]["problems"] == []
    assert "no connection 'hubspt'" in book.run("mappings", "suggest", "hubspt", wanted=2).err
