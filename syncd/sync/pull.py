"""Pull: bring the mirror up to what the CRM shows now."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import NoReturn

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection

from syncd.connector import ObjectSchema, Record, Source
from syncd.errors import AccessError, IncompleteReadError, LoginError, RequestError, StopRunError
from syncd.model import User
from syncd.rules import RULES
from syncd.store import Changed, Reject, account_key, fingerprint, to_text
from syncd.sync.linking import let_go
from syncd.sync.lookup import look_up_unsettled
from syncd.sync.tasks import note_tasks
from syncd.sync.turn import Connected, Turn

SCHEMA_AGE = timedelta(hours=24)
HALVED = 0.5
FEW_ROWS = 10
CUT_SHORT = 0.05


def pull(turn: Turn, connected: Connected) -> int:
    """Read all sources of a connection into the mirror; how many records came.

    Raises StopRunError when not everything could be read: the mirror then has what came, the
    cursors cover exactly that, and nothing may be concluded from what did not come.
    """
    connector = connected.connector
    connector.open()
    _same_org(turn, connected)
    _take_rates(connected)
    for source in connected.mapping.sources:
        _learn(turn, connected, source)
    _switch_off(turn, connected)
    look_up_unsettled(turn, connected)
    count = 0
    for source in connected.sources:
        try:
            count += _pull_source(turn, connected, source)
        except AccessError as error:
            count += _pull_narrowed(turn, connected, source, error)
        except RequestError as error:
            hint = " (see the where of its section in the mapping)" if source.where else ""
            raise StopRunError(
                f"{connected.name}: {source.object} cannot be read{hint}: {error}"
            ) from error
    load_users(turn, connected)
    return count


def _same_org(turn: Turn, connected: Connected) -> None:
    """Refuse to mix two orgs in one state; start afresh on a changed mapping."""
    identity = connected.connector.identity()
    with turn.store.begin() as tx:
        known, _ = turn.store.runs.connection(tx, connected.name)
        if known and identity and known != identity:
            raise LoginError(
                f"{connected.name}: this state belongs to {known}, but the login leads to "
                f"{identity}. Correct the credentials, or give the other org a connection name "
                "or a state of its own."
            )
        turn.store.runs.save_connection(
            tx, connected.name, identity or known, connected.mapping.hash
        )


def _take_rates(connected: Connected) -> None:
    """The CRM's own exchange rates go before those of the config."""
    found = connected.connector.rates()
    if found is not None:
        home, rates = found
        connected.context = dataclasses.replace(connected.context, home=home, rates=dict(rates))


# --- what the CRM lets us see --------------------------------------------------------------------


def _learn(turn: Turn, connected: Connected, source: Source) -> None:
    """Drop what the CRM does not have or does not show from the source, and say so."""
    if source.name in connected.mapping.user_sources:
        connected.sources += (source,)
        return
    try:
        missing = _missing(read_schema(turn, connected, source.object), source)
        if missing:
            # A schema kept from earlier does not know what was provisioned since.
            missing = _missing(read_schema(turn, connected, source.object, fresh=True), source)
    except (AccessError, RequestError) as error:
        _withhold_source(turn, connected, source, error)
        return
    for name in missing:
        _reject_field(connected, source, name)
    connected.sources += (
        replace(source, fields=tuple(name for name in source.fields if name not in missing)),
    )
    connected.withheld |= _canonical(connected, source, missing)


def _missing(schema: ObjectSchema, source: Source) -> tuple[str, ...]:
    """Asked fields that the object does not show; paths through parents are the CRM's to judge."""
    return tuple(name for name in source.fields if "." not in name and schema.find(name) is None)


def _canonical(connected: Connected, source: Source, fields: Iterable[str]) -> frozenset[str]:
    return frozenset(
        name for field in fields for name in connected.mapping.canonical_of(source.name, field)
    )


def read_schema(
    turn: Turn, connected: Connected, object: str, *, fresh: bool = False
) -> ObjectSchema:
    """The object's schema: from the state if it is recent and the CRM tells of missing fields.

    HubSpot leaves unknown properties out silently, so its catalogue is read in every run.
    """
    if object in connected.schemas and not fresh:
        return connected.schemas[object]
    silent = connected.connector.omits_unknown_fields
    now = turn.clock()
    if not (silent or turn.full or fresh):
        with turn.store.begin(write=False) as tx:
            stored = turn.store.runs.schema(tx, connected.name, object)
        if stored is not None and timedelta(0) <= now - stored[1] < SCHEMA_AGE:
            schema = msgspec.json.decode(stored[0], type=ObjectSchema)
            connected.schemas[object] = schema
            return schema
    schema = connected.connector.schema(object)
    body = msgspec.json.encode(schema, order="deterministic").decode()
    digest = hashlib.blake2b(body.encode(), digest_size=16).hexdigest()
    with turn.store.begin() as tx:
        known = turn.store.runs.schema(tx, connected.name, object)
        turn.store.runs.save_schema(tx, connected.name, object, body, digest, now)
        if known is not None and known[0] != body:
            # A field may take now what it refused before.
            refused = turn.store.quarantine.refused_accounts(tx, connected.name, object)
            turn.store.book.touch_keys(tx, refused)
    connected.schemas[object] = schema
    return schema


def _reject_field(connected: Connected, source: Source, field: str) -> None:
    written = any(write.field == field for write in connected.mapping.account_writes)
    used = connected.mapping.canonical_of(source.name, field)
    cost = (
        f"the rules that need {', '.join(used)} are off"
        if used
        else "what syncd works out for it is not written"
        if written
        else "it is not read"
    )
    connected.rejected.append(
        Reject(
            connection=connected.name,
            object=source.object,
            record="",
            field=field,
            code="FIELD_MISSING",
            message=f"{source.object} has no field {field} that this login can see; {cost}",
            remedy=(
                "Run `syncd provision` to create it, or give the integration user read access "
                "to it, or correct the name in the mapping"
            ),
            kind="field",
            fingerprint=f"missing:{connected.mapping.hash}",
        )
    )


def _withhold_source(
    turn: Turn, connected: Connected, source: Source, error: AccessError | RequestError
) -> None:
    """A whole object is out of sight: its rules are off. Without accounts nothing can be done."""
    if source.name == connected.mapping.account_source:
        raise StopRunError(f"{connected.name}: accounts cannot be read: {error}") from error
    remedy = getattr(error, "remedy", "") or (
        f"Give the integration user read access to {source.object}, or take it out of the mapping"
    )
    connected.rejected.append(
        Reject(
            connection=connected.name,
            object=source.object,
            record="",
            field="",
            code=getattr(error, "code", "") or "OBJECT_WITHHELD",
            message=str(error),
            remedy=remedy,
            kind="field",
            fingerprint=f"withheld:{connected.mapping.hash}",
        )
    )
    fields = [*source.fields, *(association.key for association in source.associations)]
    connected.withheld |= _canonical(connected, source, fields)
    turn.log.warning("source_withheld", connection=connected.name, object=source.object)


def _switch_off(turn: Turn, connected: Connected) -> None:
    """Rules without an input that the mapping promised are off; the others run."""
    connected.off = frozenset(rule.name for rule in RULES if rule.inputs & connected.withheld)
    if connected.off:
        turn.log.warning(
            "rules_off",
            connection=connected.name,
            rules=sorted(connected.off),
            missing=sorted(connected.withheld),
        )


def _pull_narrowed(turn: Turn, connected: Connected, source: Source, error: AccessError) -> int:
    """The CRM refused a field that its schema promised, or links: leave them out, go on.

    Links to the account are another matter: records that belong nowhere are of no use.
    """
    try:
        fresh = read_schema(turn, connected, source.object, fresh=True)
    except (AccessError, RequestError) as hidden:
        _withhold_source(turn, connected, source, hidden)
        _switch_off(turn, connected)
        return 0
    blamed = {name.lower() for name in error.fields}
    missing = tuple(
        name
        for name in source.fields
        if ("." not in name and fresh.find(name) is None) or name.lower() in blamed
    )
    cut = tuple(link for link in source.associations if link.to.lower() in blamed)
    lost = _canonical(connected, source, [*missing, *(link.key for link in cut)])
    homeless = cut and any(name.partition(".")[2] in {"account", "opportunity"} for name in lost)
    if homeless or not (missing or cut):
        _withhold_source(turn, connected, source, error)
        _switch_off(turn, connected)
        return 0
    for name in (*missing, *(link.key for link in cut)):
        _reject_field(connected, source, name)
    connected.withheld |= lost
    _switch_off(turn, connected)
    narrowed = replace(
        source,
        fields=tuple(n for n in source.fields if n not in missing),
        associations=tuple(link for link in source.associations if link not in cut),
    )
    connected.sources = tuple(narrowed if s.name == source.name else s for s in connected.sources)
    try:
        return _pull_source(turn, connected, narrowed)
    except AccessError as further:
        return _pull_narrowed(turn, connected, narrowed, further)


# --- one source ----------------------------------------------------------------------------------


def query_hash(source: Source) -> str:
    """Changes when the source asks for something else."""
    return hashlib.blake2b(msgspec.json.encode(source), digest_size=16).hexdigest()


def _pull_source(turn: Turn, connected: Connected, source: Source) -> int:
    """Pull one source; with --full, or when the question changed, all of it."""
    store, name, asked = turn.store, connected.name, query_hash(source)
    with store.begin() as tx:
        cursor = None if turn.full else store.mirror.cursor(tx, name, source.name, asked)
        complete = store.mirror.is_complete(tx, name, source.name, asked)
        resumed = cursor is not None and store.mirror.is_underway(tx, name, source.name, asked)
        had = store.mirror.count(tx, name, source.name)
    whole = cursor is None
    if whole:
        connected.whole |= {source.name}
    seen: set[str] = set()
    count = 0
    last = cursor
    for page in connected.connector.pull(source, cursor):
        with store.begin() as tx:
            note_records(tx, turn, connected, source, page.records, settled=complete)
            if page.cursor is not None:
                last = page.cursor
                store.mirror.save_cursor(
                    tx,
                    name,
                    source.name,
                    asked,
                    last,
                    complete=complete,
                    underway=whole or resumed,
                    now=to_text(turn.clock()),
                )
        if whole:
            seen.update(record.id for record in page.records if not record.gone)
        count += len(page.records)
        turn.progress("pull", name, len(page.records))
        if turn.stop.is_set():
            raise StopRunError(f"{name}: stopped while reading; the next run goes on from here")
    if resumed:
        # The read from the beginning that was interrupted has reached its end.
        seen = set(connected.connector.ids(source))
    if whole or resumed:
        _drop_unseen(turn, connected, source, seen, had, same_question=complete)
    with store.begin() as tx:
        store.mirror.save_cursor(
            tx,
            name,
            source.name,
            asked,
            last,
            complete=True,
            underway=False,
            now=to_text(turn.clock()),
        )
    return count


def note_records(
    tx: Connection,
    turn: Turn,
    connected: Connected,
    source: Source,
    records: Sequence[Record],
    *,
    settled: bool = True,
) -> None:
    """Mirror these records as they are now; the accounts that they concern are derived anew."""
    changed = turn.store.mirror.save(
        tx,
        connected.name,
        source.name,
        records,
        lambda record: _owner(connected, source, record),
        digest_of(connected, source.name),
    )
    _mark(tx, turn, connected, source, records, changed, settled=settled)


def digest_of(connected: Connected, source: str) -> Callable[[Record], str]:
    """What makes a record of this source the same as before.

    Our own fields count in the words that the CRM shows: what we wrote as 5 comes back as "5",
    and that alone must not derive every written account again.
    """
    if source != connected.mapping.account_source:
        return fingerprint
    writes = connected.mapping.account_writes

    def digest(record: Record) -> str:
        shown = {
            write.field: write.shown(write.decode(record.fields[write.field]))
            for write in writes
            if write.field in record.fields
        }
        return fingerprint(replace(record, fields={**record.fields, **shown}))

    return digest


def _owner(connected: Connected, source: Source, record: Record) -> str | None:
    parent = connected.mapping.parent(source.name, record)
    return None if parent is None else f"{parent[0]}:{parent[1]}"


def _mark(
    tx: Connection,
    turn: Turn,
    connected: Connected,
    source: Source,
    records: Iterable[Record],
    changed: Changed,
    *,
    settled: bool,
) -> None:
    """Mark the accounts that these changes concern for a new derivation."""
    book, name, mapping = turn.store.book, connected.name, connected.mapping
    if source.name == mapping.account_source:
        book.meet(tx, name, sorted(changed.ids))
        _merge(tx, turn, connected, changed.merged)
        book.leave(tx, name, sorted(changed.gone))
    if source.name == mapping.task_source:
        # Our own new tasks come back here: that alone must not derive their accounts again.
        note_tasks(tx, turn, connected, records)
        return
    touch_owners(tx, turn, connected, changed.owners)
    if source.name in mapping.user_sources and settled:
        sources = [s.name for s in connected.sources if s.name != mapping.task_source]
        for user in changed.ids | changed.gone:
            mentioned = turn.store.mirror.mentioning(tx, name, sources, user)
            touch_owners(tx, turn, connected, mentioned)


def touch_owners(tx: Connection, turn: Turn, connected: Connected, owners: Iterable[str]) -> None:
    """Touch the accounts behind owners such as "account:001…" or "opportunity:006…"."""
    direct: set[str] = set()
    indirect: set[str] = set()
    for owner in owners:
        kind, _, id = owner.partition(":")
        (direct if kind == "account" else indirect).add(id)
    if indirect:
        for owner in turn.store.mirror.owners_of(tx, connected.name, sorted(indirect)).values():
            kind, _, id = owner.partition(":")
            if kind == "account":
                direct.add(id)
    turn.store.book.touch(tx, connected.name, sorted(direct))


def _refuse(turn: Turn, connected: Connected, source: Source, told: str) -> NoReturn:
    """Believe nothing of this read, and let the next run ask for everything again."""
    with turn.store.begin() as tx:
        turn.store.mirror.forget_cursor(tx, connected.name, source.name)
    raise IncompleteReadError(
        f"{connected.name}: {source.object} {told}. Nothing was written, and nothing is treated "
        "as deleted. If this is right, run `syncd sync --full --approve`; else check the filter, "
        "the rights of the login and the CRM."
    )


def _drop_unseen(
    turn: Turn,
    connected: Connected,
    source: Source,
    seen: set[str],
    had: int,
    *,
    same_question: bool,
) -> None:
    """What a complete pull did not show has left; unless it showed suspiciously little.

    Each record is looked at by its id before it is believed gone.
    """
    store, name = turn.store, connected.name
    # Our own tasks may all be deleted by people, also before they were ever read back.
    ours = source.name == connected.mapping.task_source
    with store.begin(write=False) as tx:
        known = store.mirror.ids(tx, name, source.name)
        known |= store.tasks.open_records(tx, name) if ours else set()
    unseen = sorted(known - seen)
    if not unseen:
        return
    emptied = not seen
    halved = same_question and had >= FEW_ROWS and len(seen) < had * HALVED
    if (emptied or halved) and not (turn.approve or ours):
        _refuse(turn, connected, source, f"showed {len(seen)} records where {had} were known")
    found = connected.connector.read(source, unseen)
    survivors = {
        id: record.merged_into
        for id, record in found.items()
        if record.merged_into and record.merged_into != id
    }
    standing = [found[id] for id in unseen if id in found and not found[id].gone]
    standing = [record for record in standing if record.id not in survivors]
    if standing:
        # An index that lags overlooks a few; a read that was cut short overlooks many.
        turn.log.warning("overlooked", connection=name, object=source.object, records=len(standing))
        if len(standing) >= max(FEW_ROWS, had * CUT_SHORT) or (emptied and not turn.approve):
            told = f"did not show {len(standing)} of {had} records, which are still there"
            _refuse(turn, connected, source, told)
        with store.begin() as tx:
            note_records(tx, turn, connected, source, standing, settled=same_question)
    kept = {record.id for record in standing}
    unseen = [id for id in unseen if id not in kept]
    gone = [Record(id=id, fields={}, gone=True, merged_into=survivors.get(id)) for id in unseen]
    with store.begin() as tx:
        changed = store.mirror.save(tx, name, source.name, gone, lambda _: None)
        if ours:
            store.tasks.mark_deleted(tx, name, unseen, to_text(turn.clock()))
        if source.name == connected.mapping.account_source:
            _merge(tx, turn, connected, survivors)
            store.book.leave(tx, name, sorted(changed.gone))
        touch_owners(tx, turn, connected, changed.owners)


def _merge(tx: Connection, turn: Turn, connected: Connected, survivors: Mapping[str, str]) -> None:
    """What belonged to a merged account belongs to its survivor: records, tasks, history.

    `survivors` by merged account. One whose survivor is not in the book has only left it.
    """
    store, name = turn.store, connected.name
    known = store.links.keys_of(tx, name, survivors.values())
    for loser, survivor in survivors.items():
        if survivor not in known:
            continue
        let_go(tx, turn, name, loser)
        store.mirror.rename_owner(tx, name, f"account:{loser}", f"account:{survivor}")
        store.tasks.rename_account(tx, account_key(name, loser), known[survivor])
        store.book.forget(tx, [account_key(name, loser)])
        store.book.touch(tx, name, [survivor])
        turn.log.info("account_merged", connection=name, account=loser, into=survivor)


# --- people --------------------------------------------------------------------------------------


def load_users(turn: Turn, connected: Connected) -> None:
    """All users by id; there are few, and every task needs some."""
    users: list[User] = []
    with turn.store.begin(write=False) as tx:
        for source in connected.mapping.user_sources:
            for record in turn.store.mirror.of_source(tx, connected.name, source):
                found = connected.mapping.read(source, record, connected.context)
                users += [user for user in found if isinstance(user, User)]
    connected.users = connected.mapping.with_managers(users)
