"""Pull: bring the mirror up to what the CRM shows now. Read `pull` first."""

from __future__ import annotations

import dataclasses

from syncd.errors import AccessError, LoginError, RequestError, StopRunError
from syncd.sync.lookup import look_up_unsettled
from syncd.sync.pull.noting import digest_of, note_records
from syncd.sync.pull.people import load_users
from syncd.sync.pull.schemas import learn, read_schema, switch_off
from syncd.sync.pull.source import pull_narrowed, pull_source
from syncd.sync.turn import Connected, Turn

__all__ = [
    "digest_of",
    "load_users",
    "note_records",
    "pull",
    "read_schema",
]


def pull(turn: Turn, connected: Connected) -> int:
    """Read all sources of a connection into the mirror; how many records came.

    Raises StopRunError when not everything could be read: the mirror then has what came, the
    cursors cover exactly that, and nothing may be concluded from what did not come.
    """
    connector = connected.connector
    connector.open()
    _same_org(turn, connected)
    for source in connected.mapping.sources:
        learn(turn, connected, source)
    _take_rates(connected)
    switch_off(turn, connected)
    look_up_unsettled(turn, connected)
    count = 0
    for source in connected.sources:
        try:
            count += pull_source(turn, connected, source)
        except AccessError as error:
            count += pull_narrowed(turn, connected, source, error)
        except RequestError as error:
            hint = " (see the where of its section in the mapping)" if source.where else ""
            raise StopRunError(f"{source.object} cannot be read{hint}: {error}") from error
    load_users(turn, connected)
    return count


def _same_org(turn: Turn, connected: Connected) -> None:
    """Refuse to mix two orgs in one state; start afresh on a changed mapping."""
    identity = connected.connector.identity()
    with turn.store.begin() as tx:
        known, _ = turn.store.runs.connection(tx, connected.name)
        if known and identity and known != identity:
            raise LoginError(
                f"this state belongs to {known}, but the login leads to "
                f"{identity}. Correct the credentials, or give the other org a connection name "
                "or a state of its own."
            )
        turn.store.runs.save_connection(
            tx, connected.name, identity or known, connected.mapping.hash
        )


def _take_rates(connected: Connected) -> None:
    """The CRM's own exchange rates go before those of the config."""
    sign = connected.connector.currency_field
    if sign and all(schema.find(sign) is None for schema in connected.schemas.values()):
        return  # one currency: asking would cost a call in every run
    found = connected.connector.rates()
    if found is not None:
        home, rates = found
        connected.context = dataclasses.replace(connected.context, home=home, rates=dict(rates))
