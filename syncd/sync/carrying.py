"""Write: one connection's plan, and the accounts that several plans share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from syncd.plan import Plan
from syncd.sync.lease import Lease
from syncd.sync.lookup import settle_by_looking
from syncd.sync.pull import digest_of
from syncd.sync.turn import Connected, Turn
from syncd.writeback import Target, Written, write


def shared_accounts(plans: Iterable[Plan]) -> frozenset[str]:
    """Accounts for which something is to be written in more than one CRM."""
    counted = Counter(account for plan in plans for account in plan.accounts)
    return frozenset(account for account, count in counted.items() if count > 1)


def settle_shared(turn: Turn, plans: Mapping[str, Plan], written: Mapping[str, Written]) -> None:
    """An account of several CRMs is settled when all of them have what was planned for it."""
    open_ = {
        account
        for name, plan in plans.items()
        for account in plan.accounts - (written[name].finished if name in written else frozenset())
    }
    done = shared_accounts(plans.values()) - open_
    if done and not turn.dry:
        with turn.store.begin() as tx:
            turn.store.book.settle(tx, sorted(done))


def carry_out(
    turn: Turn,
    lease: Lease,
    run: int,
    connected: Connected,
    plan: Plan,
    *,
    shared: frozenset[str] = frozenset(),
) -> Written:
    """Carry one connection's plan out. `shared` accounts have changes in other CRMs too."""
    mapping = connected.mapping

    def look(entries: Sequence[int]) -> set[int]:
        return settle_by_looking(turn, connected, entries)

    target = Target(
        store=turn.store,
        connector=connected.connector,
        connection=connected.name,
        object=mapping.account_object,
        account_source=mapping.account_source,
        shape=None if mapping.task is None else mapping.task.shape,
        run=run,
        today=turn.today,
        clock=turn.clock,
        digest=digest_of(connected, mapping.account_source),
        still_ours=lease.check,
        look=look,
        log=turn.log,
        progress=turn.progress,
        stopping=turn.stop.is_set,
        shared=shared,
    )
    written = write(target, plan)
    if written.stopped is None and not written.deferred:
        # What is left of a released plan stays released.
        with turn.store.begin() as tx:
            turn.store.runs.clear_held(tx, connected.name)
    return written
