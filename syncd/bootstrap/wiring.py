"""From what was loaded to connectors, a store and a turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from threading import Event
from zoneinfo import ZoneInfo

from syncd.bootstrap.instance import instance_name, process_lives
from syncd.bootstrap.loading import Loaded
from syncd.config import Config, ConnectionConfig, policy_hash
from syncd.connector import Context
from syncd.log import conceal, get_log
from syncd.mapping import Mapping as CrmMapping
from syncd.mapping import ReadContext
from syncd.plan import WritePolicy
from syncd.policy import Policy
from syncd.store import Store
from syncd.sync import Connected, Progress, Retention, Turn, silent


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
        conceal=partial(conceal, connection.name),
    )
    return Connected(
        name=connection.name,
        connector=connection.connector_class(connection.settings, context),
        mapping=mapping,
        context=ReadContext(
            currency=config.syncd.currency,
            rates=dict(config.rates),
            others=dict(config.rates),
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
