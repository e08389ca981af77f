"""`syncd check` online: what of the mapping the CRM has, shows, accepts; what it costs if not."""

from __future__ import annotations

from collections.abc import Iterator

from syncd.connector import CheckNote, FieldSpec, FieldType, ObjectSchema, SchemaField
from syncd.errors import AccessError, RequestError, StopRunError, TransientError
from syncd.located import did_you_mean
from syncd.mapping import full_id
from syncd.model import User
from syncd.policy import Policy
from syncd.rules import RULES
from syncd.sync import Connected

MISSING = "{}.{} does not exist, or this login may not see it"
CALCULATED = (
    "is calculated: changes of it alone do not announce themselves; the daily --full run finds them"
)
FITTING: dict[FieldType, frozenset[FieldType]] = {
    FieldType.TEXT: frozenset(
        {FieldType.TEXT, FieldType.LONG_TEXT, FieldType.HTML, FieldType.PICKLIST}
    ),
    FieldType.LONG_TEXT: frozenset({FieldType.TEXT, FieldType.LONG_TEXT, FieldType.HTML}),
    FieldType.PICKLIST: frozenset({FieldType.PICKLIST, FieldType.TEXT, FieldType.LONG_TEXT}),
    FieldType.NUMBER: frozenset(
        {FieldType.NUMBER, FieldType.PERCENT, FieldType.MONEY, FieldType.TEXT}
    ),
    FieldType.MONEY: frozenset({FieldType.MONEY, FieldType.NUMBER, FieldType.TEXT}),
    FieldType.PERCENT: frozenset({FieldType.PERCENT, FieldType.NUMBER, FieldType.TEXT}),
    FieldType.BOOL: frozenset({FieldType.BOOL, FieldType.PICKLIST, FieldType.TEXT}),
    FieldType.DATE: frozenset({FieldType.DATE, FieldType.DATETIME, FieldType.TEXT}),
}


def preflight(connected: Connected, policy: Policy) -> tuple[list[CheckNote], bool]:
    """Everything worth knowing before the first run, errors and warnings alike.

    True beside it: the CRM was not reached, refused the login or has no calls left, so that this
    is not all.
    """
    notes: list[CheckNote] = []
    try:
        for note in _looked_at(connected, policy):
            notes.append(note)  # noqa: PERF402 - what was found before the line broke is kept
    except (StopRunError, TransientError) as error:
        notes.append(CheckNote("error", str(error)))
        return notes, True
    return notes, False


def _looked_at(connected: Connected, policy: Policy) -> Iterator[CheckNote]:
    connector = connected.connector
    connector.open()
    yield CheckNote("ok", f"logged in to {connector.identity()}")
    for note in connector.check():
        if not note.object or note.object in _written(connected):
            yield note
    schemas: dict[str, ObjectSchema | None] = {}
    yield from _inputs(connected, policy, schemas)
    yield from _input_types(connected, policy, schemas)
    yield from _outputs(connected, policy, schemas)
    yield from _objects(connected, schemas)
    yield from _assignee(connected, policy)
    left = connector.allowance().left
    if left is not None:
        yield CheckNote("ok" if left else "warning", f"{left:,} API calls left to syncd today")


def _written(connected: Connected) -> set[str]:
    """The CRM's objects that syncd writes."""
    mapping = connected.mapping
    objects = {mapping.account_object} if mapping.account_writes else set()
    return objects if mapping.task is None else {*objects, mapping.task.shape.object}


def _schema(
    connected: Connected, object: str, schemas: dict[str, ObjectSchema | None]
) -> Iterator[CheckNote]:
    if object in schemas:
        return
    try:
        schemas[object] = connected.connector.schema(object)
    except (AccessError, RequestError) as error:
        schemas[object] = None
        yield CheckNote(
            "error", f"{object} cannot be seen: {error}", getattr(error, "remedy", ""), object
        )


def _lacking(near: str, *, ours: bool) -> str:
    """What to do about a field that is not there. `ours`: syncd can make it."""
    if not ours:
        return near or "correct its name in the mapping, or grant read access to it"
    return "create it with `syncd provision --apply`" + (f"; {near}" if near else "")


def _inputs(
    connected: Connected, policy: Policy, schemas: dict[str, ObjectSchema | None]
) -> Iterator[CheckNote]:
    """Each mapped field exists and can be read; what is off if not."""
    mapping = connected.mapping
    ours = {(spec.object, spec.name) for spec in mapping.specs(policy)}
    written = {write.field for write in mapping.account_writes}
    for source in mapping.sources:
        if source.name in mapping.user_sources or source.name == mapping.task_source:
            continue
        yield from _schema(connected, source.object, schemas)
        schema = schemas[source.object]
        for name in source.fields:
            if "." in name:
                continue
            used = mapping.canonical_of(source.name, name)
            if not used and name in written:
                continue
            off = sorted(rule.name for rule in RULES if rule.inputs & set(used))
            cost = f"; off without it: {', '.join(off)}" if off else ""
            field = None if schema is None else schema.find(name)
            if schema is not None and field is None:
                near = did_you_mean(name, schema.fields)
                yield CheckNote(
                    "error",
                    f"{source.object}.{name} does not exist, or this login may not read it{cost}",
                    _lacking(near, ours=(source.object, name) in ours),
                    source.object,
                    name,
                )
            elif field is not None and field.calculated and used:
                yield CheckNote(
                    "warning", f"{source.object}.{name} {CALCULATED}", "", source.object, name
                )


def _input_types(
    connected: Connected, policy: Policy, schemas: dict[str, ObjectSchema | None]
) -> Iterator[CheckNote]:
    """Fields that syncd would make for people to fill, where they are of another type by now."""
    for spec in connected.mapping.specs(policy):
        schema = schemas.get(spec.object)
        field = None if spec.writable or schema is None else schema.find(spec.name)
        fitting = FITTING.get(spec.type)
        if field is None or fitting is None or field.type in fitting:
            continue
        yield CheckNote(
            "warning",
            f"{spec.object}.{field.name} is of type {field.vendor_type or field.type}; what cannot "
            f"be read as {spec.type} is left out, and `syncd rejects` names it",
            "use a field of a fitting type, or another codec",
            spec.object,
            field.name,
        )


def _outputs(
    connected: Connected, policy: Policy, schemas: dict[str, ObjectSchema | None]
) -> Iterator[CheckNote]:
    """Each written field exists, may be written, and takes what syncd will write."""
    for spec in connected.mapping.specs(policy):
        if not spec.writable:
            continue
        yield from _schema(connected, spec.object, schemas)
        schema = schemas[spec.object]
        if schema is None:
            continue
        field = schema.find(spec.name)
        if field is None:
            near = did_you_mean(spec.name, schema.fields)
            yield CheckNote(
                "error",
                MISSING.format(spec.object, spec.name),
                _lacking(near, ours=True),
                spec.object,
                spec.name,
            )
            continue
        yield from _fits(spec, field)


def _objects(connected: Connected, schemas: dict[str, ObjectSchema | None]) -> Iterator[CheckNote]:
    """The login may change accounts and make tasks, and a task needs nothing that syncd lacks."""
    mapping = connected.mapping
    account = schemas.get(mapping.account_object)
    if account is not None and mapping.account_writes and not account.updateable:
        yield CheckNote(
            "error",
            f"this login may not change {account.name} records",
            f"grant it Edit on the object {account.name}",
            account.name,
        )
    if mapping.task is None:
        return
    object = mapping.task.shape.object
    yield from _schema(connected, object, schemas)
    schema = schemas[object]
    if schema is None:
        return
    if not schema.createable:
        yield CheckNote(
            "error",
            f"this login may not create {object} records",
            f"grant it Create on the object {object}",
            object,
        )
    given = {name.lower() for name in mapping.task.crm_fields()}
    for field in schema.fields.values():
        if field.required and field.name.lower() not in given:
            yield CheckNote(
                "error",
                f"{object}.{field.name} is required, and syncd does not fill it: every new task "
                "would be refused",
                "give the field a default value, or make it optional",
                object,
                field.name,
            )


def _assignee(connected: Connected, policy: Policy) -> Iterator[CheckNote]:
    """Somebody is there to get tasks whose own people have left."""
    wanted, mapping = policy.tasks.fallback_assignee, connected.mapping
    if mapping.task is None:
        return
    if not wanted:
        yield CheckNote(
            "warning",
            "no fallback_assignee: tasks of accounts whose owner is inactive or gone are not made",
            "name one under [policy.tasks], by mail address or user id",
        )
        return
    users: list[User] = []
    for source in mapping.sources:
        if source.name not in mapping.user_sources:
            continue
        try:
            for page in connected.connector.pull(source, None):
                for record in page.records:
                    found = mapping.read(source.name, record, connected.context)
                    users += [user for user in found if isinstance(user, User)]
        except (AccessError, RequestError) as error:
            remedy = getattr(error, "remedy", "")
            yield CheckNote("error", f"users cannot be read: {error}", remedy, source.object)
            return
    wanted = wanted.strip()
    known = {full_id(wanted), wanted.casefold()}
    same = [user for user in users if known & {user.id, (user.email or "").casefold()}]
    if not any(user.active for user in same):
        state = "is inactive" if same else "is no user here"
        near = did_you_mean(wanted, [user.email for user in users if user.email and user.active])
        yield CheckNote(
            "error" if same else "warning",
            f"fallback_assignee {wanted} {state}: tasks without an owner are not made",
            near or "name an active user under [policy.tasks]",
        )


def _fits(spec: FieldSpec, field: SchemaField) -> Iterator[CheckNote]:
    place = f"{spec.object}.{field.name}"
    where = (spec.object, field.name)
    if not field.writable:
        yield CheckNote(
            "error",
            f"{place} may not be written by this login",
            "give the integration user edit access to it (field-level security)",
            *where,
        )
    fitting = FITTING.get(spec.type)
    if fitting is not None and field.type not in fitting:
        yield CheckNote(
            "error",
            f"{place} is of type {field.vendor_type or field.type}, which cannot hold {spec.type}",
            "use a field of a fitting type, or another codec",
            *where,
        )
    if spec.unique and not field.unique:
        yield CheckNote(
            "error",
            f"{place} is not unique: syncd could not keep tasks from coming twice",
            "make it unique (Salesforce: also External ID), or let `syncd provision` create one",
            *where,
        )
    restricted = field.restricted or (field.type is FieldType.PICKLIST and bool(field.options))
    missing = [word for word in spec.options if word not in field.options]
    if spec.options and restricted and missing:
        yield CheckNote(
            "error",
            f"{place} does not offer {', '.join(missing)}",
            "add these picklist values, or translate them with `values` in the mapping",
            *where,
        )
    if spec.length and field.length and field.length < spec.length and field.type is FieldType.TEXT:
        yield CheckNote(
            "warning",
            f"{place} holds {field.length} characters; longer reasons are cut with a mark",
            "",
            *where,
        )
