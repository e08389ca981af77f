"""What makes a well-formed mapping file wrong all the same: every problem, with its place."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from syncd.errors import Problem
from syncd.located import Loc, LocatedToml, did_you_mean, quoted
from syncd.mapping.codecs import UnreadableError
from syncd.mapping.document import Document, Input, Output, SectionRules, TaskRules
from syncd.mapping.reading import default_of
from syncd.mapping.results import (
    RESULTS,
    TASK_CHOICES,
    TASK_CODECS,
    codecs_to_write,
)
from syncd.mapping.shapes import (
    BOOL,
    CHOICE,
    LINK,
    ROLES,
    SIGNAL,
    TEXT,
)
from syncd.mapping.vocabulary import (
    ADVISED,
    REQUIRED,
)
from syncd.policy import Policy

_OWN_IDS = frozenset({"id", "hs_object_id"})
_TASK_NEEDS = ("owner", "subject", "due", "status")


def check(
    document: Document,
    located: LocatedToml,
    *,
    id_field: str | None,
    cut: Collection[Loc] = frozenset(),
) -> list[Problem]:
    """Every problem, errors and warnings, in the order of the file.

    From the tables named in `cut` something broken was taken out: that they lack a part is
    nothing new.

    `id_field` says how the CRM's queries name the id, and with that what a filter looks like;
    None: not known.
    """
    found: list[Problem] = []
    for section in document.sections:
        if section.loc not in cut:
            found += _lacking(section, located)
        found += _section(section, located, id_field)
    found += _outputs(document.writes, located)
    found += _loops(document, located)
    if document.task is not None:
        if document.task.loc not in cut:
            found += _task_lacking(document.task, located)
        found += _task(document.task, located)
    return sorted(dict.fromkeys(found), key=lambda one: (one.line, one.column))


def _lacking(section: SectionRules, located: LocatedToml) -> Iterator[Problem]:
    names = set(section.inputs)
    fields = (*section.loc, "fields")
    for group in REQUIRED.get(section.kind, ()):
        if not names & set(group):
            text = f"[{section.kind}.fields] needs {quoted(group)}"
            yield located.problem(fields, text)
    for group, cost in ADVISED.get(section.kind, {}).items():
        if not names & set(group):
            text = f"[{section.kind}.fields] has no {quoted(group)}: {cost}"
            yield located.problem(fields, text, severity="warning")


def _section(
    section: SectionRules, located: LocatedToml, id_field: str | None
) -> Iterator[Problem]:
    if section.own_id is not None and section.own_id.lower() not in _OWN_IDS:
        text = f"the id of {section.kind} is always the record's own"
        yield located.problem((*section.loc, "fields", "id"), text, 'leave "id" out')
    for one in section.all_inputs():
        yield from _input(one, located)
        yield from _linked(one, located, id_field)
    yield from _where(section, located, id_field)


def _linked(one: Input, located: LocatedToml, id_field: str | None) -> Iterator[Problem]:
    """An association where the CRM has none, as Salesforce."""
    if id_field and one.association is not None:
        text = f"this CRM has no associations: {one.name} stays blank"
        hint = 'name the field that holds the id, such as "AccountId"'
        yield located.problem(one.loc, text, hint, "warning")


def _where(section: SectionRules, located: LocatedToml, id_field: str | None) -> Iterator[Problem]:
    loc = (*section.loc, "where")
    if section.where is None or id_field is None:
        return
    if id_field and not isinstance(section.where, str):
        text = '"where" is a SOQL condition for this CRM'
        yield located.problem(loc, text, "such as \"Type LIKE 'Customer%'\"")
    if not id_field and isinstance(section.where, str):
        hint = '[{ propertyName = "lifecyclestage", operator = "IN", values = ["customer"] }]'
        yield located.problem(loc, '"where" is a list of filters for this CRM', f"such as {hint}")


def _input(one: Input, located: LocatedToml) -> Iterator[Problem]:
    shape = one.field.shape
    if one.codec not in shape.codecs:
        text = f'{one.name} is {shape.words}; as = "{one.codec}" cannot give one'
        yield located.problem((*one.loc, "as"), text, f"use {quoted(shape.codecs)}")
    if one.association is not None:
        if shape is not LINK:
            text = f"{one.name} is {shape.words}; an association gives a record's id"
            yield located.problem((*one.loc, "association"), text)
        if one.values:
            yield located.problem((*one.loc, "values"), "an association has no values")
    if one.default is not None:
        try:
            default_of(one)
        except UnreadableError as error:
            hint = _near(str(one.default), one.field.choices)
            yield located.problem(
                (*one.loc, "default"),
                f'default "{one.default}" of {one.name} must be {error}',
                hint,
            )
    yield from _values(one, located)


def _values(one: Input, located: LocatedToml) -> Iterator[Problem]:
    shape = one.field.shape
    if not one.values or one.association is not None:
        return
    if shape not in (CHOICE, ROLES, BOOL, SIGNAL, TEXT):
        text = f"{one.name} is {shape.words}; values translate words"
        yield located.problem((*one.loc, "values"), text)
        return
    for word, meant in one.values.items():
        loc = (*one.loc, "values", word)
        if shape is BOOL:
            if not isinstance(meant, bool):
                text = f"{one.name} is true or false, not {meant!r}".replace("'", '"')
                yield located.problem(loc, text, "without quotes")
        elif not isinstance(meant, str):
            yield located.problem(loc, f"{one.name} is {shape.words}, not true or false")
        elif one.field.choices and meant not in one.field.choices:
            text = f'"{meant}" is no {one.field.name} that syncd knows'
            yield located.problem(loc, text, _near(meant, one.field.choices))


def _near(word: str, choices: tuple[str, ...]) -> str:
    near = did_you_mean(word, choices)
    return near or (f"known: {', '.join(choices)}" if choices else "")


def _outputs(writes: tuple[Output, ...], located: LocatedToml) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for one in sorted(writes, key=lambda write: located.position(write.loc)):
        result = RESULTS[one.name]
        if one.codec not in codecs_to_write(result):
            text = f'{one.name} is {result.shape.words}; it cannot be written as "{one.codec}"'
            yield located.problem((*one.loc, "as"), text, f"use {quoted(codecs_to_write(result))}")
        if "." in one.field:
            text = (
                f'"{one.field}" is a field of another record; only the account\'s own are written'
            )
            yield located.problem(one.loc, text)
        first = taken.setdefault(one.field.lower(), one.name)
        if first != one.name:
            text = f'"{one.field}" is written twice, by {first} and by {one.name}'
            yield located.problem(one.loc, text)
        if result.policy_words:
            continue
        choices = ("true", "false") if result.shape is BOOL else result.choices
        yield from _words(one, choices, located, result.shape.words)


def _words(
    one: Output, choices: tuple[str, ...], located: LocatedToml, words: str
) -> Iterator[Problem]:
    if one.values and not choices:
        text = f"{one.name} is {words}; values translate state words"
        yield located.problem((*one.loc, "values"), text)
        return
    for word in one.values:
        if word not in choices:
            text = f'"{word}" is no {one.name} that syncd writes'
            yield located.problem((*one.loc, "values", word), text, _near(word, choices))


def _loops(document: Document, located: LocatedToml) -> Iterator[Problem]:
    """A field may not be read and written: what syncd wrote would come back as input."""
    accounts = [section for section in document.sections if section.kind == "account"]
    written: Mapping[str, Output] = {one.field.lower(): one for one in document.writes}
    if not accounts:
        return
    object = accounts[0].object.lower()
    for section in document.sections:
        own = section.object.lower() == object
        for field, name in section.crm_fields():
            output = written.get(field.lower()) if own else None
            if "." in field:
                output = written.get(field.rpartition(".")[2].lower())
            if output is not None:
                text = f'"{field}" is read as {name} and written by {output.name}: a loop'
                yield located.problem(output.loc, text, "write to a field of its own")
        for word in _names_in(section.where) if own else ():
            if word.lower() in written:
                text = f'"{word}" is written by {written[word.lower()].name} and used in "where"'
                yield located.problem((*section.loc, "where"), text, "filter by another field")


def _names_in(where: object) -> Iterator[str]:
    if isinstance(where, str):
        yield from re.findall(r"[A-Za-z_][\w.]*", re.sub(r"'(?:\\.|[^'\\])*'", "", where))
    elif isinstance(where, tuple):
        yield from (str(one.get("propertyName")) for one in where)


def _task_lacking(task: TaskRules, located: LocatedToml) -> Iterator[Problem]:
    if not task.object:
        yield located.problem(task.loc, '[writes.task] needs "object"')
    for name in _TASK_NEEDS:
        if name not in task.outputs:
            yield located.problem(task.loc, f'[writes.task] needs "{name}"')
    if task.account_field is None and task.account_association is None:
        yield located.problem(task.loc, '[writes.task] needs "account"')


def _task(task: TaskRules, located: LocatedToml) -> Iterator[Problem]:
    taken: dict[str, str] = (
        {} if task.account_field is None else {task.account_field.lower(): "account"}
    )
    for one in task.outputs.values():
        if one.codec not in TASK_CODECS[one.name]:
            text = f'{one.name} of a task cannot be written as "{one.codec}"'
            yield located.problem((*one.loc, "as"), text, f"use {quoted(TASK_CODECS[one.name])}")
        first = taken.setdefault(one.field.lower(), one.name)
        if first != one.name:
            text = f'"{one.field}" is written twice, by {first} and by {one.name}'
            yield located.problem(one.loc, text)
        yield from _words(one, TASK_CHOICES.get(one.name, ()), located, "text")
        if one.name == "status" and one.values:
            yield from _states(one, located)


def _states(one: Output, located: LocatedToml) -> Iterator[Problem]:
    missing = [word for word in TASK_CHOICES["status"] if word not in one.values]
    if missing:
        text = f"status needs the CRM's word for {quoted(missing)}"
        yield located.problem((*one.loc, "values"), text)
    elif one.values["open"].lower() == one.values["completed"].lower():
        yield located.problem((*one.loc, "values"), "open and completed are the same word")


def check_policy(document: Document, located: LocatedToml, policy: Policy) -> list[Problem]:
    """Tier names in the mapping that the policy does not know."""
    tiers = policy.tier.names
    found: list[Problem] = []

    def tier(word: str, loc: Loc) -> None:
        if word not in tiers:
            text = f'"{word}" is no tier of [policy.tier] names'
            found.append(located.problem(loc, text, _near(word, tiers)))

    for one in document.writes:
        if RESULTS[one.name].policy_words:
            for word in one.values:
                tier(word, (*one.loc, "values", word))
    for section in document.sections:
        override = section.inputs.get("tier_override")
        if override is not None:
            for word, meant in override.values.items():
                tier(str(meant), (*override.loc, "values", word))
            if override.default is not None:
                tier(str(override.default), (*override.loc, "default"))
    return found
