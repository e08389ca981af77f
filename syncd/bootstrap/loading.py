"""config.toml and the mapping files, read and checked together."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from syncd.bootstrap.installed import connector_names, find_connector
from syncd.config import Config, MappingFile, UnusableConfigError, load_config, read_policy
from syncd.connector import proxy_secrets
from syncd.errors import ConfigError, Problem
from syncd.located import LocatedToml, did_you_mean
from syncd.log import register_secrets
from syncd.mapping import RESULTS, load_mapping
from syncd.mapping import Mapping as CrmMapping
from syncd.playbooks import Playbooks, compile_playbooks, shipped
from syncd.policy import Policy
from syncd.rules import holidays_of

_COMPARED = re.compile(r"\b(\w+)\s*(?:[=!]=\s*('[^']*'|\"[^\"]*\")|(?:not\s+)?in\s*\[([^\]]*)\])")

_QUOTED = re.compile(r"['\"]([^'\"]*)['\"]")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A config with everything that its files say, checked together."""

    config: Config
    mappings: Mapping[str, CrmMapping]
    playbooks: Playbooks
    warnings: tuple[Problem, ...] = ()


def load(
    path: Path, *, follow_secrets: bool = True, env: Mapping[str, str] | None = None
) -> Loaded:
    """Read config.toml and its mappings; contacts nothing.

    Raises ConfigError with every problem of every file.
    """
    if not path.is_file():
        raise ConfigError(
            [
                Problem(
                    str(path),
                    0,
                    0,
                    "there is no such config file",
                    "name one with --config or $SYNCD_CONFIG, or make one with `syncd init`",
                )
            ]
        )
    try:
        config = load_config(
            path,
            find_connector=find_connector,
            connectors=connector_names,
            env=os.environ if env is None else env,
            follow_secrets=follow_secrets,
        )
    except UnusableConfigError as error:
        register_secrets([*error.secrets, *proxy_secrets()])
        _, found = read_mappings(error.mappings, error.timezone, error.policy)
        _, more = read_playbooks(error.policy, error.located)
        own = sorted([*error.problems, *more], key=lambda one: (one.file, one.line, one.column))
        raise ConfigError(list(dict.fromkeys([*own, *found]))) from error
    register_secrets([*config.secrets, *proxy_secrets()])
    mappings, found = read_mappings(
        [connection.mapping for connection in config.connections],
        config.syncd.timezone,
        config.policy,
    )
    found += _link_problems(config, mappings)
    playbooks, more = read_playbooks(config.policy, config.located)
    found += more
    errors = [problem for problem in found if problem.severity == "error"]
    if errors:
        raise ConfigError(list(dict.fromkeys(found)))
    return Loaded(config, mappings, playbooks, tuple(found))


def _link_problems(config: Config, mappings: Mapping[str, CrmMapping]) -> Iterator[Problem]:
    """What the mappings lack for what [link] wants of them."""
    rules = config.link
    if rules is None:
        return
    linked = {name: mappings[name] for name in rules.connections if name in mappings}
    if rules.tasks in linked and linked[rules.tasks].task is None:
        text = f'the mapping of "{rules.tasks}" has no [writes.task], so it can get no tasks'
        yield config.located.problem(("link", "tasks"), text, "name another connection")
    if "domain" in rules.by:
        for name, mapping in linked.items():
            if "account.domain" not in mapping.fields:
                text = f"the mapping of {name} has no account.domain: its accounts have no domain"
                yield config.located.problem(("link", "by"), text, severity="warning")
    by_id = any("account.link" in mapping.fields for mapping in linked.values())
    if rules.by == ("id",) and not by_id and not rules.pairs:
        text = "no linked mapping has account.link, so that nothing can be matched by id"
        yield config.located.problem(("link", "by"), text, 'map account.link, or add "domain"')


def other_policy(path: Path) -> tuple[Policy, Playbooks]:
    """The policy of another file with its playbooks. Raises ConfigError with every problem."""
    policy, located = read_policy(path)
    playbooks, found = read_playbooks(policy, located)
    if found:
        raise ConfigError(found)
    return policy, playbooks


def read_playbooks(policy: Policy, located: LocatedToml) -> tuple[Playbooks, list[Problem]]:
    """The policy's playbooks, and what is wrong with them and the names that the policy has."""
    found: list[Problem] = []
    playbooks = Playbooks(())
    try:
        playbooks = compile_playbooks(policy)
    except ConfigError as error:
        found += [placed(located, policy, one) for one in error.problems]
    return playbooks, [*found, *_policy_problems(policy, located)]


def placed(located: LocatedToml, policy: Policy, problem: Problem) -> Problem:
    """A playbook's problem at the playbook's place in its file."""
    for number, playbook in enumerate(policy.playbooks):
        start = f'playbook "{playbook.id}"'
        if problem.text.startswith(start):
            key = problem.text.removeprefix(f"{start}: ").partition(":")[0]
            loc = ("policy", "playbooks", number, key)
            return located.problem(loc, problem.text, problem.hint, problem.severity)
    return located.problem(("policy", "playbooks"), problem.text, problem.hint)


def _policy_problems(policy: Policy, located: LocatedToml) -> Iterator[Problem]:
    """What the policy's form alone cannot tell: names of playbooks, countries."""
    known = shipped()
    ids: set[str] = set()
    for number, playbook in enumerate(policy.playbooks):
        if playbook.id in ids:
            text = f'there is an earlier playbook "{playbook.id}"'
            yield located.problem(("policy", "playbooks", number, "id"), text, "one of each id")
        ids.add(playbook.id)
        if not playbook.enabled and playbook.when is None and playbook.id not in known:
            yield located.problem(
                ("policy", "playbooks", number, "id"),
                f'there is no shipped playbook "{playbook.id}" to switch off',
                did_you_mean(playbook.id, known),
            )
        for key in ("when", "closes_when"):
            for text, hint in _wrong_words(getattr(playbook, key) or "", policy):
                loc = ("policy", "playbooks", number, key)
                yield located.problem(loc, f'playbook "{playbook.id}": {key}: {text}', hint)
    holidays = policy.tasks.holidays
    try:
        holidays_of(holidays)
    except ValueError:
        yield located.problem(
            ("policy", "tasks", "holidays"),
            f'no holidays are known for "{holidays}"',
            'a country\'s code such as "GB", a region\'s such as "DE-BY", or a list of dates',
        )


def _wrong_words(condition: str, policy: Policy) -> Iterator[tuple[str, str]]:
    """State words that a condition compares a value with, and that the value never is."""
    for name, one, several in _COMPARED.findall(condition):
        result = RESULTS.get(name)
        if result is None:
            continue
        choices = policy.tier.names if result.policy_words else result.choices
        for word in _QUOTED.findall(one or several) if choices else ():
            if word not in choices:
                hint = did_you_mean(word, choices) or f"it is one of {', '.join(choices)}"
                yield f'{name} is never "{word}"', hint


def read_mappings(
    files: Iterable[MappingFile], timezone: str, policy: Policy
) -> tuple[dict[str, CrmMapping], list[Problem]]:
    """The mappings by connection, and what is wrong or odd in their files."""
    mappings: dict[str, CrmMapping] = {}
    found: list[Problem] = []
    for file in files:
        try:
            mapping = load_mapping(
                file.path,
                file.shown,
                connection=file.connection,
                defaults=file.connector_class.mapping_defaults,
                timezone=ZoneInfo(timezone),
                policy=policy,
            )
        except ConfigError as error:
            found += error.problems
            continue
        mappings[file.connection] = mapping
        found += mapping.warnings
    return mappings, found
