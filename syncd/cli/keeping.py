"""backup, verify and forget: looking after the state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncd.cli.output import answer, config_option, counted, json_option, moment, say, table, words
from syncd.errors import StopProgramError

if TYPE_CHECKING:
    from syncd.forgetting import Forgotten
    from syncd.verifying import Verified

DRIFT_SHOWN = 20


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@config_option
@json_option
def backup(file: Path, config: Path, as_json_: bool) -> int:
    """Copy a SQLite state to a new FILE, also while syncd runs.

    For PostgreSQL use pg_dump.
    """
    from syncd.bootstrap import load
    from syncd.store import Store, copy_state

    store = Store.open(load(config).config.state)
    try:
        size = copy_state(store.engine, file)
    finally:
        store.close()
    if as_json_:
        answer({"file": str(file), "bytes": size})
    else:
        say(f"the state is copied to {file} ({size:,} bytes)")
    return 0


@click.command()
@config_option
@json_option
@click.option(
    "--sample",
    type=click.IntRange(0, 100_000),
    default=200,
    show_default=True,
    help="How many records of each object are read again.",
)
def verify(config: Path, as_json_: bool, sample: int) -> int:
    """Prove that nothing drifted.

    Reads what is new and a sample again, works everything out anew, and expects nothing to write.
    """
    from syncd.bootstrap import load, wired
    from syncd.verifying import verify as verified

    with wired(load(config)) as ready:
        found = verified(ready.turn(clock=moment), ready.connections, sample=sample)
    if as_json_:
        answer(_verified(found))
    for item in () if as_json_ else found:
        if item.stopped:
            say(item.stopped)
            continue
        say(
            f"{item.connection}: {counted(item.checked, 'record')} read again, "
            f"{counted(len(item.drift), 'differs', 'differ')}; "
            f"{counted(item.accounts, 'account')} derived, "
            f"{counted(len(item.plan.sets), 'field')} and "
            f"{counted(len(item.plan.tasks), 'task')} to write"
        )
        for object, record in item.gone[:DRIFT_SHOWN]:
            say(f"  {object} {record}: left the CRM since the last --full run; taken out now")
        for drift in item.drift[:DRIFT_SHOWN]:
            say(f"  {drift['object']} {drift['record']}: {'; '.join(drift['differing'][:3])}")
        for change in item.plan.sets[:DRIFT_SHOWN]:
            after = words(change.after)
            say(f"  {change.record} {change.field}: {words(change.before)}, should be {after}")
        for task in item.plan.tasks[:DRIFT_SHOWN]:
            say(f"  task {task.key}: to {task.op}")
    if any(item.stopped for item in found):
        return 5
    return 0 if all(item.well for item in found) else 3


def _verified(found: list[Verified]) -> dict[str, Any]:
    return {
        "verified": all(item.well for item in found),
        "connections": {
            item.connection: {
                "records_read": item.checked,
                "gone": [{"object": object, "record": id} for object, id in item.gone],
                "drift": list(item.drift),
                "accounts": item.accounts,
                "fields_to_write": len(item.plan.sets),
                "tasks_to_write": len(item.plan.tasks),
                "message": item.stopped,
            }
            for item in found
        },
    }


@click.command()
@click.argument("whom")
@config_option
@json_option
def forget(whom: str, config: Path, as_json_: bool) -> int:
    """Erase an ACCOUNT or CONTACT from the state for good.

    WHOM is an account's id, name or domain, or a contact's id or name. Of a contact whose record
    is gone already: the full name, which goes out of all texts.
    """
    from syncd.bootstrap import load, wired
    from syncd.forgetting import find_contacts, forget_account, forget_contact, forget_name

    with wired(load(config)) as ready:
        turn = ready.turn(clock=moment)
        with ready.store.begin(write=False) as tx:
            keys = ready.store.book.exactly(tx, whom)
            named = ready.store.book.account(tx, keys)
        contacts = find_contacts(turn, ready.connections, whom)
        fits = [f"account {key.partition(':')[2]}  {named[key].name}" for key in keys]
        fits += [f"contact {id}  {name}  ({c.name})" for c, id, name in contacts]
        gone = None
        if not fits and " " in whom:
            with ready.store.begin(write=False) as tx:
                meant = ready.store.book.search(tx, whom)
            # Part of a customer's name is nobody's full name.
            gone = None if meant else forget_name(turn, whom)
        if gone is not None and gone.erased.texts:
            _show(gone, as_json_=as_json_)
            return 0
        if len(fits) != 1:
            many = f"{whom!r} fits {len(fits)} accounts and contacts; name one by its id"
            none = f"no account and no contact {whom!r} in the state"
            raise StopProgramError("\n  ".join([many if fits else none, *fits]))
        done = (
            forget_account(turn, keys[0], named[keys[0]].name)
            if keys
            else forget_contact(turn, *contacts[0])
        )
    _show(done, as_json_=as_json_)
    return 0


def _show(done: Forgotten, *, as_json_: bool) -> None:
    if as_json_:
        answer(
            {
                "kind": done.kind,
                "connection": done.connection,
                "record": done.record,
                "erased": done.erased.rows,
                "texts": done.erased.texts,
            }
        )
        return
    table(("erased from", "rows"), sorted(done.erased.rows.items()))
    if done.erased.texts:
        say(f"taken out of {counted(done.erased.texts, 'text')} that named them")
    if not done.record:
        say(f"{done.name}, whose record was gone already, is forgotten but for backups.")
    else:
        say(
            f"The {done.kind} {done.record} is forgotten. If it is still in "
            f"{' or '.join(done.places)}, a later run reads it again (the next --full one at the "
            "latest): delete it there, or leave it out with the mapping's `where`. Backups of the "
            "state still have it."
        )
    if not done.scrubbed:
        say(
            "Others are at work on the state, so the database keeps a copy of what was erased: "
            "SQLite until they have ended, PostgreSQL until `VACUUM FULL`."
        )
