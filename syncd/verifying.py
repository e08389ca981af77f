"""`syncd verify`: is the mirror what the CRM holds, and would a run find nothing left to write?"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from msgspec import Struct, structs

from syncd.connector import Record, Source
from syncd.errors import StopRunError
from syncd.plan import Plan
from syncd.sync import (
    Connected,
    Lease,
    Turn,
    diff,
    digest_of,
    find_due,
    link_accounts,
    note_records,
    pull,
)


class Verified(Struct, frozen=True):
    """What was found out about one connection.

    `drift`: records that the CRM shows otherwise than the mirror has them. `gone`: records that
    were deleted, or no longer match, since the last --full run; a CRM need not tell of them
    before. They are taken out of the mirror, so that the next run goes by it. `plan`: what a run
    that derives every account would write.
    """

    connection: str
    checked: int = 0
    gone: tuple[tuple[str, str], ...] = ()  # (object, record id)
    drift: tuple[dict[str, Any], ...] = ()
    accounts: int = 0
    plan: Plan = Plan(connection="")
    stopped: str = ""

    @property
    def well(self) -> bool:
        """Nothing drifted, and nothing is left to write."""
        return not self.drift and self.plan.empty and not self.stopped


def verify(turn: Turn, connections: Sequence[Connected], *, sample: int) -> list[Verified]:
    """Read what is new, re-read so many records of each source, derive every account anew.

    Writes nothing to a CRM. Raises LeaseError while a run goes on.
    """
    found: dict[str, Verified] = {}
    with Lease(turn) as lease:
        # As of another day is how a turn says that every account is to be derived for a look.
        turn = replace(lease.turn, dry=True, as_of=True)
        served = []
        for connected in connections:
            try:
                pull(turn, connected)
                seen = _looked_at(turn, connected, sample)
            except StopRunError as error:
                connected.stopped = str(error)
                found[connected.name] = Verified(connected.name, stopped=str(error))
                continue
            served.append(connected)
            found[connected.name] = seen
        link_accounts(turn)
        plans = diff(turn, served, find_due(turn, served))
        for connected in served:
            found[connected.name] = structs.replace(
                found[connected.name], accounts=connected.derived, plan=plans[connected.name]
            )
    return [found[connected.name] for connected in connections]


def _looked_at(turn: Turn, connected: Connected, sample: int) -> Verified:
    """A sample of each source, read once more."""
    checked, drift = 0, []
    gone: list[tuple[str, str]] = []
    for source in connected.sources:
        if source.name in connected.mapping.user_sources:
            continue
        with turn.store.begin(write=False) as tx:
            known = sorted(turn.store.mirror.ids(tx, connected.name, source.name))
            # Another sample every day; the same one within a day.
            chosen = random.Random(turn.today.toordinal()).sample(known, min(sample, len(known)))  # noqa: S311 - a sample is no secret
            mirrored = list(turn.store.mirror.many(tx, connected.name, source.name, chosen))
        if not mirrored:
            continue
        now = connected.connector.read(source, [record.id for record in mirrored])
        checked += len(mirrored)
        left = [now[r.id] for r in mirrored if r.id in now and now[r.id].gone]
        if left:
            with turn.store.begin() as tx:
                note_records(tx, turn, connected, source, left)
            gone += [(source.object, record.id) for record in left]
        for record in mirrored:
            shown = now.get(record.id)
            if shown is not None and shown.gone:
                continue
            if shown is None:
                drift.append(_told(connected, source, record, ["the CRM does not know it"]))
                continue
            digest = digest_of(connected, source.name)
            if digest(shown) != digest(record):
                differing = [
                    f"{name}: {record.fields.get(name)!r} here, {value!r} there"
                    for name, value in shown.fields.items()
                    if record.fields.get(name) != value
                ]
                drift.append(_told(connected, source, record, differing or ["its links differ"]))
    return Verified(connected.name, checked, tuple(gone), tuple(drift))


def _told(
    connected: Connected, source: Source, record: Record, differing: list[str]
) -> dict[str, Any]:
    return {
        "connection": connected.name,
        "object": source.object,
        "record": record.id,
        "differing": differing,
    }
