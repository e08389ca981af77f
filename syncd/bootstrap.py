"""Config → connectors, mappings, store: the only place that wires."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

from syncd.config import (
    Config,
    ConnectionConfig,
    MappingFile,
    UnusableConfigError,
    load_config,
    policy_hash,
    read_policy,
)
from syncd.connector import Context
from syncd.errors import ConfigError, Problem
from syncd.located import LocatedToml, did_you_mean
from syncd.log import get_log, register_secrets
from syncd.mapping import Mapping as CrmMapping
from syncd.mapping import ReadContext, load_mapping
from syncd.mapping.results import RESULTS
from syncd.plan import WritePolicy
from syncd.playbooks import Playbooks, compile_playbooks, shipped
from syncd.policy import Policy
from syncd.rules.dates import holidays_of
from syncd.store import Store
from syncd.sync import Connected, Progress, Retention, Turn, silent

CONNECTORS = "syncd.connectors"
SANDBOXES = "syncd.sandboxes"
_COMPARED = re.compile(r"\b(\w+)\s*(?:[=!]=\s*('[^']*'|\"[^\"]*\")|(?:not\s+)?in\s*\[([^\]]*)\])")
_QUOTED = re.compile(r"['\"]([^'\"]*)['\"]")
STARTED = 19  # of the fields of /proc/PID/stat that follow the name


def _installed(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=group)}


def connector_names() -> list[str]:
    """The names of all installed connectors."""
    return sorted(_installed(CONNECTORS))


def is_shipped(name: str) -> bool:
    """Whether the connector comes with syncd."""
    point = _installed(CONNECTORS)[name]
    return point.dist is not None and point.dist.name == "syncd"


def find_connector(name: str) -> Any:
    """The connector class registered under that name; None when there is none."""
    point = _installed(CONNECTORS).get(name)
    return None if point is None else point.load()


def sandbox_names() -> list[str]:
    """The names of all installed sandboxes."""
    return sorted(_installed(SANDBOXES))


def find_sandbox(name: str) -> Any:
    """The sandbox class registered under that name. Raises KeyError."""
    return _installed(SANDBOXES)[name].load()


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
        _, found = read_mappings(error.mappings, error.timezone, error.policy)
        _, more = read_playbooks(error.policy, error.located)
        raise ConfigError([*error.problems, *found, *more]) from error
    register_secrets(config.secrets)
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
    for number, playbook in enumerate(policy.playbooks):
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


def instance_name() -> str:
    """Who we are: machine, process, and what tells it from others that bear the same number."""
    pid = os.getpid()
    return f"{socket.gethostname()}:{pid}:{_room()}-{_began(pid) or 0}"


def process_lives(holder: str) -> bool:
    """Whether the process of that instance may still be alive (another machine's: yes).

    A container counts as a machine of its own, whatever its host name.
    """
    host, _, rest = holder.partition(":")
    pid, _, known = rest.partition(":")
    room, _, began = known.partition("-")
    if host != socket.gethostname() or room != _room() or not pid.isdigit():
        return True
    if Path("/proc/self/stat").exists():
        return _began(int(pid)) == int(began or 0)
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _room() -> str:
    """The set of processes that ours can see, by the kernel's number; empty where it has none."""
    try:
        return str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return ""


def _began(pid: int) -> int | None:
    """When a process began, in the kernel's ticks; None: it is not there, or dead already."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    # The name in brackets may hold anything; after it come the state and numbers.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[STARTED])


@dataclass(frozen=True, slots=True)
class Wired:
    """A program ready to run: the config's connections opened on one store."""

    loaded: Loaded
    store: Store
    connections: tuple[Connected, ...]

    def turn(
        self,
        *,
        clock: Callable[[], datetime],
        full: bool = False,
        dry: bool = False,
        approve: bool = False,
        as_of: date | None = None,
        policy: Policy | None = None,
        stop: Event | None = None,
        progress: Progress | None = None,
    ) -> Turn:
        """What one run is given."""
        config = self.loaded.config
        zone = ZoneInfo(config.syncd.timezone)
        today = clock().astimezone(zone).date()
        used = policy or config.policy
        mode = config.write.mode
        return Turn(
            store=self.store,
            connections=self.connections,
            policy=used,
            playbooks=self.loaded.playbooks,
            policy_hash=policy_hash(used),
            write=WritePolicy(
                mode=mode,
                max_overwrite_share=config.write.max_overwrite_share,
                min_accounts=config.write.min_accounts,
                on_human_edit=config.write.on_human_edit,
            ),
            today=as_of or today,
            clock=clock,
            instance=instance_name(),
            log=get_log(),
            full=full,
            dry=dry or mode != "apply" or as_of is not None,
            approve=approve,
            as_of=as_of is not None and as_of != today,
            link=config.link,
            stop=stop or Event(),
            holder_alive=process_lives,
            retention=Retention(**config.retention.model_dump()),
            progress=progress or silent,
        )


def connect(config: Config, mapping: CrmMapping, connection: ConnectionConfig) -> Connected:
    """One connection, not opened yet."""
    context = Context(
        name=connection.name,
        timezone=config.syncd.timezone,
        log=get_log().bind(connection=connection.name),
    )
    return Connected(
        name=connection.name,
        connector=connection.connector_class(connection.settings, context),
        mapping=mapping,
        context=ReadContext(
            currency=config.syncd.currency,
            rates=dict(config.rates),
            timezone=ZoneInfo(config.syncd.timezone),
            default_term_months=config.policy.renewal.default_term_months,
        ),
    )


@contextmanager
def wired(loaded: Loaded, *, store: Store | None = None) -> Iterator[Wired]:
    """Open the store and make the connections; closes them at the end."""
    opened = store or Store.open(loaded.config.state)
    connections = tuple(
        connect(loaded.config, loaded.mappings[connection.name], connection)
        for connection in loaded.config.connections
    )
    try:
        yield Wired(loaded, opened, connections)
    finally:
        for connected in connections:
            connected.connector.close()
        if store is None:
            opened.close()
