"""Positions in TOML files, and pydantic's findings in an admin's words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from syncd.errors import ConfigError, Problem
from syncd.located import did_you_mean, parse_toml, problems, quoted, read_toml

TEXT = b"""version = 1
a.b."c d" = { x = 1, y = [1, { z = 2 }] }
[account]
object = "Account"
[account.fields]
"\xc3\xa4" = 1
  name = 'Name'
[[activity]]
object = "T"
[activity.fields]
k = 1
[[activity]]
object = "U"
"""


@pytest.mark.parametrize(
    ("loc", "place"),
    [
        (("version",), (1, 1)),
        (("a", "b", "c d", "x"), (2, 15)),
        (("a", "b", "c d", "y", 1), (2, 30)),
        (("a", "b", "c d", "y", 1, "z"), (2, 32)),
        (("account",), (3, 2)),
        (("account", "fields", "name"), (7, 3)),
        (("activity", 0), (8, 3)),
        (("activity", 0, "fields", "k"), (11, 1)),
        (("activity", 1, "object"), (13, 1)),
        (("account", "fields", "absent", "deeper"), (5, 2)),
        (("nothing",), (1, 1)),
    ],
)
def test_position(loc: tuple[str | int, ...], place: tuple[int, int]) -> None:
    """A key, an array element or the nearest parent is found by line and column."""
    located = parse_toml(TEXT, "m.toml")

    assert located.position(loc) == place


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (b"a = = 3\n", 'f:1:5: this is no value (texts need quotes ("Name"); numbers, true and '),
        (b"a = 1\nb = 2\na = 2\n", "f:3:1: this key is given twice (keep one of the two)"),
        (b"[x]\n[y]\n[x]\n", "f:3:2: this section stands twice (keep one of the two)"),
        (b'a = 1\nb = "x\n', "f:2:7: a text ends before its closing quote"),
        (b"a = [1,\n", "f:1:"),
        (b"name\n", "f:1:"),
        (b"\xff = 1\n", "f:1:1: the file is not UTF-8 text (save it as UTF-8)"),
        (b"a = { b = 1\nc = 2", "f:1:"),
    ],
)
def test_syntax_errors(source: bytes, shown: str) -> None:
    """What is no TOML is named with its place, in plain words."""
    with pytest.raises(ConfigError) as caught:
        parse_toml(source, "f")

    assert str(caught.value).startswith(shown)


def test_read_toml(tmp_path: Path) -> None:
    """A file is read from disk, a byte order mark is no mistake, a missing file is."""
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1\n")

    assert read_toml(path, "x.toml").value == {"a": 1}
    with pytest.raises(ConfigError, match=r"^gone.toml: cannot read the file: No such file"):
        read_toml(tmp_path / "gone.toml", "gone.toml")


class Env(BaseModel):
    """A secret by environment variable."""

    model_config = ConfigDict(extra="forbid")
    env: str


class File(BaseModel):
    """A secret by file."""

    model_config = ConfigDict(extra="forbid")
    file: str


class Part(BaseModel):
    """A part of the example."""

    model_config = ConfigDict(extra="forbid")
    renewal_date: str = ""
    mode: Literal["off", "plan", "apply"] = "off"
    share: Annotated[float, Field(ge=0, le=1)] = 0
    secret: Env | File | None = None
    word: str | int = ""
    weights: dict[Literal["usage", "support"], int] = {}
    names: list[Annotated[str, Field(min_length=1)]] = []
    token: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _check(self) -> Part:
        if self.mode == "plan" and self.share:
            raise ValueError("share needs mode apply")
        return self


class Whole(BaseModel):
    """The whole example."""

    model_config = ConfigDict(extra="forbid")
    parts: dict[str, Part]
    list_of: tuple[Part, ...] = ()
    needed: int


def found(text: str) -> list[str]:
    located = parse_toml(text.encode(), "c.toml")
    with pytest.raises(ValidationError) as caught:
        Whole.model_validate(located.value)
    return [str(problem) for problem in problems(located, caught.value, Whole)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('renewal_dat = "x"', 'unknown key "renewal_dat" (did you mean "renewal_date"?)'),
        (
            'mode = "aply"',
            '"mode" must be "off", "plan" or "apply", not "aply" (did you mean "apply"?)',
        ),
        ("share = 3", '"share" must be at most 1, not 3'),
        ('share = "x"', '"share" must be a number'),
        ("secret = { evn = 1 }", 'unknown key "evn" (did you mean "env"?)'),
        ('secret = "hunter2"', '"secret" must be a table, such as { … }'),
        ("word = []", '"word" must be a text in quotes or a whole number'),
        ("weights = { usag = 1 }", 'unknown key "usag" (did you mean "usage"?)'),
        ('names = ["a", ""]', '"names" must not be empty'),
        ('mode = "plan"\nshare = 1', "share needs mode apply"),
        ("token = 1", '"token" must be a text in quotes'),
    ],
)
def test_findings_in_plain_words(line: str, expected: str) -> None:
    """Each kind of finding is worded for an admin, at the key, without a secret's text."""
    lines = found(f"needed = 1\n[parts.p]\n{line}\n")

    assert any(text.split(": ", 1)[1] == expected for text in lines)
    assert not any("hunter2" in text or "pydantic" in text for text in lines)


def test_all_at_once_in_order() -> None:
    """All problems come, in the order of the file, a missing key at its table."""
    lines = found('[parts.p]\nfoo = 1\nshare = -1\n[[list_of]]\n[[list_of]]\nmod = "x"\n')

    assert [line.split(": ", 1)[0] for line in lines] == [
        "c.toml:1:1",
        "c.toml:2:1",
        "c.toml:3:1",
        "c.toml:6:1",
    ]
    assert '"needed" is missing' in lines[0]
    assert "known here: renewal_date, mode" in lines[1]


def test_prefix() -> None:
    """A model that stands deeper in the file is located below its prefix."""
    located = parse_toml(b"[connections.sf]\nmodus = 1\n", "c.toml")
    with pytest.raises(ValidationError) as caught:
        Part.model_validate(located.value["connections"]["sf"])

    assert problems(located, caught.value, Part, ("connections", "sf")) == [
        Problem("c.toml", 2, 1, 'unknown key "modus"', 'did you mean "mode"?')
    ]


def test_did_you_mean() -> None:
    """A near word is offered as written, a far one not."""
    assert did_you_mean("Renewal_Dat", ["renewal_date", "tier"]) == 'did you mean "renewal_date"?'
    assert did_you_mean("zzz", ["renewal_date"]) == ""
    assert quoted(["a"]) == '"a"'
    assert quoted(["a", "b", "c"]) == '"a", "b" or "c"'
