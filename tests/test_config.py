"""config.toml: strict, every mistake at once and at its place, secrets only by reference."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from syncd_process import syncd

from syncd.bootstrap import Loaded, load
from syncd.cli.setup import _gathered
from syncd.errors import ConfigError
from syncd.preflight import MISSING

SECRETS = {"ID": "client-id", "SECRET": "made-up-secret"}
BASE = """\
[syncd]
state = "sqlite:///state.db"
timezone = "Europe/London"
[connections.sf]
connector = "salesforce"
mapping = "salesforce"
instance_url = "https://acme.my.salesforce.com"
[connections.sf.auth]
client_id = { env = "ID" }
client_secret = { env = "SECRET" }
"""


def loaded(folder: Path, text: str, env: Mapping[str, str] = SECRETS) -> Loaded:
    """The config in a folder."""
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, env=env)


def told(folder: Path, text: str, env: Mapping[str, str] = SECRETS) -> list[str]:
    """What is wrong with a config: ``line:column: text (hint)``."""
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text, env)
    start = f"{folder / 'config.toml'}:"

    assert all(str(problem).startswith(start) for problem in caught.value.problems)
    return [str(problem).removeprefix(start) for problem in caught.value.problems]


def test_a_good_config(tmp_path: Path) -> None:
    """Paths are relative to the file, a mapping's bare name is the shipped one."""
    config = loaded(tmp_path, BASE).config

    assert config.state == f"sqlite:///{tmp_path / 'state.db'}"
    assert config.connections[0].mapping.path.name == "salesforce.toml"
    assert config.secrets == set(SECRETS.values())
    assert "made-up-secret" not in repr(config)


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        ('[shedule]\nsync = "* * * * *"', '11:2: unknown key "shedule" (did you mean "schedule"?)'),
        ('[schedule]\nsnyc = "* * * * *"', '12:1: unknown key "snyc" (did you mean "sync"?)'),
        ('[schedule]\nsync = "0 0 31 2 *"', '12:1: "0 0 31 2 *" never comes'),
        (
            '[schedule]\nsync = "0 0 * * 8"',
            (
                '12:1: "0 0 * * 8" is not a cron expression: "8" is no weekday: 0 to 7 '
                "(0 and 7 are Sunday) or sun to sat"
            ),
        ),
        (
            '[schedule]\nreconcile = "0 3 * *"',
            (
                '12:1: "0 3 * *" is not a cron expression: it has 4 fields and needs five: '
                "minute hour day month weekday"
            ),
        ),
        ('[schedule]\njitter = "soon"', '12:1: "jitter" must be a duration such as "30s" or "2m"'),
        (
            '[write]\nmode = "aply"',
            '12:1: "mode" must be "off", "plan" or "apply", not "aply" (did you mean "apply"?)',
        ),
        (
            "[write]\nmax_overwrite_share = 30",
            '12:1: "max_overwrite_share" must be at most 1, not 30',
        ),
        ('[write]\nmin_accounts = "10"', '12:1: "min_accounts" must be a whole number'),
        (
            '[console]\nlisten = "0.0.0.0:8080"',
            (
                "12:1: 0.0.0.0:8080 can be reached from other machines and needs a token "
                '(token = { env = "SYNCD_CONSOLE_TOKEN" }, or listen on 127.0.0.1)'
            ),
        ),
        ("[currency.rates]\nEUR = 0", '12:1: "EUR" must be more than 0, not 0'),
        (
            "[currency.rates]\neuro = 1.1",
            '12:1: "euro" is no currency code (three capital letters, such as "USD")',
        ),
        (
            '[policy.tier]\nmethod = "thresholds"\nthresholds = [1000, 5000]',
            (
                "13:1: thresholds must fall from tier to tier, and 5000 is not below 1000: "
                "a tier could never be reached"
            ),
        ),
        (
            '[policy.tier]\nmethod = "thresholds"\nthresholds = [1000]',
            "13:1: thresholds needs 2 amounts for 3 tiers",
        ),
        (
            '[policy.tier]\nnames = ["a", "a", "b"]',
            "12:1: names of tiers must be different words",
        ),
        (
            "[policy.tier]\nscore = { arr = 0, potential = 0, strategic = 0 }",
            "12:1: score needs a weight above 0",
        ),
        ('[policy.renewal]\nwindow_days = "120"', '12:1: "window_days" must be a whole number'),
        (
            "[policy]\nwindow_days = 90",
            '12:1: unknown key "window_days" (it belongs under "renewal")',
        ),
        (
            "[policy.health]\nbands = { green = 30, yellow = 40 }",
            "12:23: yellow must be below green",
        ),
        (
            "[policy.health]\nweights = { usage = 0, support = 0, engagement = 0, sentiment = 0 }",
            "12:1: at least one component needs a weight above 0",
        ),
        (
            "[policy.handoff]\nweights = { pain_point = 3 }",
            '12:13: unknown key "pain_point" (did you mean "pain_points"?)',
        ),
        (
            '[policy.tasks]\nholidays = "XX"',
            (
                '12:1: no holidays are known for "XX" (a country\'s code such as "GB", '
                'a region\'s such as "DE-BY", or a list of dates)'
            ),
        ),
        (
            '[[policy.playbooks]]\nid = "renewal-31"\nenabled = false',
            (
                '12:1: there is no shipped playbook "renewal-31" to switch off (did you mean '
                '"renewal-30"?)'
            ),
        ),
        (
            '[[policy.playbooks]]\nid = "renewal-30"\nwhen = "helth_band == \'red\'"',
            (
                '13:1: playbook "renewal-30": when: unknown name "helth_band" (did you mean '
                '"health_band"?)'
            ),
        ),
        (
            '[[policy.playbooks]]\nid = "renewal-30"\nassignee = "manager"',
            '13:1: playbook "renewal-30": assignee: unknown role "manager"',
        ),
        (
            "[[policy.playbooks]]\nid = 'renewal-30'\nwhen = \"health_band == 'rde' and arr > 5\"",
            '13:1: playbook "renewal-30": when: health_band is never "rde" (did you mean "red"?)',
        ),
        (
            "[[policy.playbooks]]\nid = 'renewal-30'\nwhen = \"tier in ['growth', 'gold']\"",
            '13:1: playbook "renewal-30": when: tier is never "gold" (it is one of strategic,',
        ),
        (
            '[notify]\nurls = ["https://hooks.example/T0/secret"]',
            (
                "12:9: a secret is never written out in the file "
                '(use { env = "NAME" } or { file = "/run/secrets/name" })'
            ),
        ),
        ("[syncd]\ncurrency = 'USD'", "11:2: this section stands twice (keep one of the two)"),
        ("mode = off", "11:8: this is no value"),
        (
            "[policy.handoff]\nmin_chars = { defalt = 3 }",
            '12:15: unknown key "defalt" (did you mean "default"?)',
        ),
    ],
)
def test_mistakes_are_told_at_their_place(tmp_path: Path, added: str, expected: str) -> None:
    """Line, column, what was expected, and a suggestion."""
    found = told(tmp_path, BASE + added + "\n")

    assert len(found) == 1
    assert found[0].startswith(expected)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "Europe/London",
            "Europe/Londn",
            '3:1: "Europe/Londn" is not a time zone; write one such as "Europe/London"',
        ),
        (
            "sqlite:///state.db",
            "mysql://host/db",
            (
                '2:1: this is no database address ("sqlite:///syncd.db" or '
                '"postgresql+psycopg://user@host/database")'
            ),
        ),
        (
            "sqlite:///state.db",
            "postgresql://user:password@host/db",
            (
                "2:1: a secret is never written out in the file (take the password out of it, "
                "or give the whole address from env or a file)"
            ),
        ),
        ("https://acme", "http://acme", "7:1: plain http:// is refused"),
        ('"salesforce"\nmapping', '"salesfroce"\nmapping', "5:1: there is no connector"),
        (
            'mapping = "salesforce"',
            'mapping = "salesfroce"',
            '6:1: there is no shipped mapping "salesfroce" (did you mean "salesforce"?)',
        ),
        (
            'mapping = "salesforce"',
            'mapping = "mine.toml"',
            "6:1: there is no mapping file mine.toml (paths are relative to this file)",
        ),
        (
            '{ env = "SECRET" }',
            '"hunter2"',
            (
                "10:1: a secret is never written out in the file "
                '(use { env = "NAME" } or { file = "/run/secrets/name" })'
            ),
        ),
        (
            '{ env = "SECRET" }',
            '{ env = "NOT_SET" }',
            "10:1: the environment variable NOT_SET is not set (set NOT_SET)",
        ),
        (
            '{ env = "SECRET" }',
            '{ file = "nothing" }',
            "10:1: cannot read the secret file nothing: No such file or directory",
        ),
        (
            "client_id",
            'flow = "jwtt"\nclient_id',
            (
                '9:1: "flow" must be "client_credentials", "jwt", "refresh_token" or "password", '
                'not "jwtt" (did you mean "jwt"?)'
            ),
        ),
        (
            "instance_url",
            'client_id = "x"\ninstance_url',
            '7:1: unknown key "client_id" (it belongs under "auth")',
        ),
    ],
)
def test_wrong_words_are_told_at_their_place(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    """Connections, addresses and secrets likewise."""
    found = told(tmp_path, BASE.replace(old, new, 1))

    assert len(found) == 1
    assert found[0].startswith(expected)


def test_a_secret_is_what_its_reader_sees(tmp_path: Path) -> None:
    """An editor's mark of UTF-8 and the last line's end are no part of a secret in a file."""
    (tmp_path / "secret").write_bytes(b"\xef\xbb\xbfmade-up-secret\r\n")
    config = loaded(tmp_path, BASE.replace('{ env = "SECRET" }', '{ file = "secret" }')).config

    assert config.secrets == set(SECRETS.values())


def test_an_invisible_character_of_a_secret_is_told(tmp_path: Path) -> None:
    """What came along with a copied secret is told at its place, without the secret."""
    found = told(tmp_path, BASE, SECRETS | {"SECRET": "made-up\u200bsecret"})

    assert found == [
        "10:1: the secret in env SECRET holds an invisible character (write it again as plain text)"
    ]


def test_a_token_that_fits_in_no_header_is_told(tmp_path: Path) -> None:
    """A HubSpot token with signs that none has is told before it is sent, without the token."""
    text = """\
[connections.hs]
connector = "hubspot"
mapping = "hubspot"
[connections.hs.auth]
access_token = { env = "TOKEN" }
"""
    for token in ("pat-eu1\nanother line", "pat\u2013eu1", "pat eu1"):
        found = told(tmp_path, text, {"TOKEN": token})

        assert found == ["5:1: holds signs that are in no access token (copy it again)"]


def test_every_problem_of_every_file_at_once(tmp_path: Path) -> None:
    """Config, mapping and playbooks are looked at together: nobody mends one thing at a time."""
    mapping = tmp_path / "mine.toml"
    mapping.write_text('version = 1\n[account]\nobject = "Account"\n[account.fields]\nownr = "X"\n')
    text = BASE.replace('mapping = "salesforce"', 'mapping = "mine.toml"')
    text += '[[policy.playbooks]]\nid = "renewal-30"\nwhen = "nothing == 1"\n'
    text += '[write]\nmode = "aply"\n'
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    lines = [str(problem) for problem in caught.value.problems]

    assert [line.partition(": ")[0] for line in lines] == [
        f"{tmp_path / 'config.toml'}:13:1",
        f"{tmp_path / 'config.toml'}:15:1",
        f"{mapping}:5:1",
    ]


def test_a_broken_policy_hides_no_playbook(tmp_path: Path) -> None:
    """A wrong threshold, a wrong key of a playbook and its wrong condition are told in one go."""
    text = """\
[policy.renewal]
window_day = 90
[[policy.playbooks]]
id = "Quiet"
when = "arrr > 5"
[[policy.playbooks]]
id = "quiet-two"
when = "tier == 'strategc'"
once_per = "quarter"
assignee = "amm"
priority = "hgh"
subject = "{{ nam }}"
[[policy.playbooks]]
id = "renewal-30"
[[policy.playbooks]]
id = "renewal-30"
"""
    found = told(tmp_path, BASE + text)

    assert [one.partition(" (")[0] for one in found] == [
        '12:1: unknown key "window_day"',
        '13:3: playbook "playbook-1": needs once_per, assignee, due, subject',
        '14:1: "Quiet" is no id of a playbook: lower-case letters, digits and -, at most 61',
        '15:1: playbook "playbook-1": when: unknown name "arrr"',
        '16:3: playbook "quiet-two": needs due',
        '18:1: playbook "quiet-two": when: tier is never "strategc"',
        '20:1: playbook "quiet-two": assignee: unknown role "amm"',
        '21:1: "priority" must be "low", "normal" or "high", not "hgh"',
        '22:1: playbook "quiet-two": subject: unknown name "nam"',
        '26:1: there is an earlier playbook "renewal-30"',
    ]


def test_the_files_order(tmp_path: Path) -> None:
    """-c before $SYNCD_CONFIG before ./config.toml; what is not there is named. Exit code 2."""
    for name in ("config", "env", "option"):
        (tmp_path / f"{name}.toml").write_text(f"[{name}]\n", encoding="utf-8")
    env = {"SYNCD_CONFIG": "env.toml"}
    by_default = syncd("check", "--offline", folder=tmp_path, wanted=2)
    by_env = syncd("check", "--offline", folder=tmp_path, env=env, wanted=2)
    by_option = syncd("plan", "-c", "option.toml", folder=tmp_path, env=env, wanted=2)

    assert 'config.toml:1:2: unknown key "config"' in by_default.err
    assert 'env.toml:1:2: unknown key "env"' in by_env.err
    assert 'option.toml:1:2: unknown key "option"' in by_option.err
    assert by_option.out == ""


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    """A first config, copies of the mappings, schemas for editors; then three steps to go on."""
    first = syncd("init", "made", folder=tmp_path)
    config = tmp_path / "made" / "config.toml"
    config.write_text("# mine\n", encoding="utf-8")
    second = syncd("init", "made", folder=tmp_path)

    assert [line[:4] for line in first.out.splitlines()[-3:]] == ["  1.", "  2.", "  3."]
    assert config.read_text(encoding="utf-8") == "# mine\n"
    assert "left made/config.toml as it is" in second.out
    assert (tmp_path / "made" / "mappings" / "salesforce.toml").is_file()
    assert (tmp_path / "made" / "schemas" / "config.schema.json").is_file()


def test_what_init_makes_passes_check(tmp_path: Path) -> None:
    """With its secrets set, the first config and the copied mappings are well formed."""
    syncd("init", folder=tmp_path)
    env = dict.fromkeys(("SF_CLIENT_ID", "SF_CLIENT_SECRET", "HUBSPOT_ACCESS_TOKEN"), "made-up")
    good = syncd("check", "--offline", folder=tmp_path, env=env)
    missing = syncd("check", folder=tmp_path, wanted=2)

    assert "well formed" in good.out
    assert "the environment variable SF_CLIENT_ID is not set" in missing.err


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "--as-of", "2026-02-30"),
        ("plan", "--as-off", "2026-01-01"),
        ("plann",),
        ("portfolio", "--by", "tiers"),
        ("sandbox", "netsuite"),
        ("undo", "last"),
        ("plan", "-c", "nothing.toml"),
        ("backtest",),
    ],
)
def test_wrong_arguments_are_two(
    tmp_path: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong argument is exit code 2, told on stderr; stdout stays empty."""
    from syncd.cli import exit_code

    code = exit_code(list(words))
    shown = capsys.readouterr()

    assert code == 2
    assert shown.out == ""
    assert shown.err


def test_many_missing_fields_are_told_once() -> None:
    """Before `syncd provision` an object lacks dozens of fields: one line, and each by name."""
    missing = [
        {
            "severity": "error",
            "text": MISSING.format(object, field),
            "remedy": "create it",
            "object": object,
            "field": field,
        }
        for object, field in [("Account", "A__c"), ("Task", "Key__c"), ("Account", "B__c")]
    ]
    more = {**missing[0], "text": MISSING.format("Account", "C__c"), "field": "C__c"}

    assert _gathered(missing) == missing
    told = [note["text"] for note in _gathered([*missing, more])]
    assert told[0].endswith("or this login may not see them: A__c, B__c, C__c")
    assert told[1:] == [missing[1]["text"]]
