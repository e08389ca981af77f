"""`[link]` in config.toml: what it may say, and what `check` says of mistakes in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from linked_book import LINKED_MAPPING

from syncd.bootstrap import load
from syncd.errors import ConfigError
from syncd.link import LinkRules

HEAD = """[connections.sales]
connector = "memory"
mapping   = "map.toml"
[connections.service]
connector = "memory"
mapping   = "plain.toml"
"""
PLAIN = LINKED_MAPPING.replace('domain = "Website"\n', "").replace('link = "Twin"\n', "")


def write(folder: Path, link: str, **files: str) -> Path:
    """A config with this [link]; its path."""
    (folder / "map.toml").write_text(LINKED_MAPPING, encoding="utf-8")
    (folder / "plain.toml").write_text(files.pop("plain", PLAIN), encoding="utf-8")
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    path = folder / "config.toml"
    path.write_text(f"{HEAD}[link]\n{link}\n", encoding="utf-8")
    return path


def rules(folder: Path, link: str, **files: str) -> LinkRules:
    """What the config decides."""
    found = load(write(folder, link, **files)).config.link
    assert found is not None
    return found


def mistakes(folder: Path, link: str, **files: str) -> list[str]:
    """What is wrong, as "file:line text (hint)"."""
    with pytest.raises(ConfigError) as error:
        load(write(folder, link, **files))
    return [
        f"{Path(p.file).name}:{p.line} {p.text} ({p.hint})"
        for p in error.value.problems
        if p.severity == "error"
    ]


def test_all_that_can_be_said(tmp_path: Path) -> None:
    """Each key arrives as a rule; the list of the file joins the list of the config."""
    found = rules(
        tmp_path,
        'connections = ["sales", "service"]\nby = ["domain"]\nshared_domains = ["Re.example"]\n'
        'pairs = [{ sales = "a", service = "1" }]\nfile = "same.csv"\n'
        'never = [{ sales = "a", service = "2" }]\n'
        'precedence = { default = ["service"], nps = ["sales"] }\ntasks = "service"',
        same="service,sales\n3 , c\n\n",
    )

    assert found.pairs == (
        (("sales", "a"), ("service", "1")),
        (("service", "3"), ("sales", "c")),
    )
    assert found.never == ((("sales", "a"), ("service", "2")),)
    assert (found.by, found.tasks, found.shared_domains) == (
        ("domain",),
        "service",
        frozenset({"re.example"}),
    )
    assert found.order("nps") == ("sales", "service")
    assert found.order("name") == ("service", "sales")
    assert found.task_order() == ("service", "sales")


def test_without_connections_nothing_is_linked(tmp_path: Path) -> None:
    """No [link], or an empty one: each connection is a book of its own."""
    assert load(write(tmp_path, "")).config.link is None


def test_every_mistake_is_named_at_its_place(tmp_path: Path) -> None:
    """All at once, with what was probably meant."""
    found = mistakes(
        tmp_path,
        'connections = ["sales", "servise"]\n'
        'precedence = { segmnt = ["sales"], nps = ["other"] }\n'
        'tasks = "slaes"\n'
        'pairs = [{ sales = "a" }]',
    )

    assert found == [
        'config.toml:8 there is no connection "servise" (did you mean "service"?)',
        'config.toml:9 "segmnt" cannot be decided between CRMs (did you mean "segment"?)',
        'config.toml:9 "other" is none of the linked connections (linked are sales, servise)',
        'config.toml:10 "slaes" is none of the linked connections (did you mean "sales"?)',
        (
            "config.toml:11 this names one account; it takes two "
            '({ salesforce = "001…", hubspot = "123" })'
        ),
    ]


def test_the_list_is_checked_line_by_line(tmp_path: Path) -> None:
    """A heading that names no connection, a lone id, an account that is two customers."""
    linked = 'connections = ["sales", "service"]\nfile = "same.csv"\n'
    heading = mistakes(tmp_path, linked, same="sales,servic\na,1\n")
    lines = mistakes(tmp_path, linked, same="sales,service\na,1\nb,\na,2\nc,3,4\n")
    missing = mistakes(tmp_path, linked.replace("same", "no"))

    assert heading == [
        (
            'same.csv:1 the heading "servic" is none of the linked connections '
            '(did you mean "service"?)'
        )
    ]
    assert lines == [
        "same.csv:3 this line names one account; it takes two (the columns are sales, service)",
        "same.csv:4 sales a is paired twice (also in same.csv:2; write one entry with all its ids)",
        "same.csv:5 this line has 3 columns, the heading 2 (the columns are sales, service)",
    ]
    assert missing == [
        "config.toml:9 cannot read no.csv: No such file or directory (paths begin at the config)"
    ]


def test_keys_without_connections_are_a_mistake(tmp_path: Path) -> None:
    """Somebody meant to link, and forgot what."""
    assert mistakes(tmp_path, 'never = [{ sales = "a", service = "1" }]') == [
        (
            "config.toml:7 [link] names no connections, so that nothing is linked "
            '(connections = ["salesforce", "hubspot"])'
        )
    ]


def test_what_the_mappings_lack_is_told(tmp_path: Path) -> None:
    """No domain to match by, no id to match by, no tasks to write."""
    linked = 'connections = ["sales", "service"]\n'
    warnings = [problem.text for problem in load(write(tmp_path, linked)).warnings]
    no_tasks = PLAIN[: PLAIN.index("[writes.task]")]
    tasks = mistakes(tmp_path, f'{linked}tasks = "service"', plain=no_tasks)
    path = write(tmp_path, f'{linked}by = ["id"]')
    (tmp_path / "map.toml").write_text(PLAIN, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"no linked mapping has account\.link"):
        load(path)

    assert any(text.startswith("the mapping of service has no account.domain") for text in warnings)
    assert tasks == [
        (
            'config.toml:9 the mapping of "service" has no [writes.task], so it can get no tasks '
            "(name another connection)"
        )
    ]
