"""`syncd mappings test`: examples beside a mapping, each a record and what must come of it.

``mappings/mine.examples.toml`` goes with ``mappings/mine.toml``. An example gives an object's
fields and expects canonical ones, or gives values and expects what is written to the account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from syncd.connector import Record
from syncd.errors import ConfigError, Problem
from syncd.located import Loc, LocatedToml, did_you_mean, problems, quoted, read_toml
from syncd.mapping import RESULTS, ReadContext
from syncd.mapping import Mapping as CrmMapping
from syncd.model import Finding

_ABSENT: Any = object()


class Example(BaseModel):
    """One example. `write` True: `given` are values, `expect` the CRM's fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("", description="what it shows")
    object: str = Field("", description="the CRM's object of the record")
    kind: str = Field("", description="of what the object feeds, the kind that is looked at")
    write: bool = Field(False, strict=True, description="what is written, not what is read")
    given: dict[str, Any] = Field(description="the record's fields; with write: values")
    links: dict[str, list[str]] = Field({}, description="ids of associated records, by object")
    expect: dict[str, Any] = Field(description="canonical fields; with write: the CRM's")


class ExamplesFile(BaseModel):
    """The examples of a mapping."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    example: list[Example] = Field(min_length=1)


def examples_file(mapping: Path) -> Path:
    """Where the examples of a mapping file stand."""
    return mapping.with_name(f"{mapping.stem}.examples.toml")


def try_examples(
    mapping: CrmMapping, path: Path, context: ReadContext
) -> tuple[int, list[Problem]]:
    """How many examples the file has, and what did not come out as expected, at its place.

    Raises ConfigError when the file is not well formed.
    """
    located = read_toml(path, str(path))
    try:
        file = ExamplesFile.model_validate(located.value)
    except ValidationError as error:
        raise ConfigError(problems(located, error, ExamplesFile)) from error
    found: list[Problem] = []
    for number, example in enumerate(file.example):
        loc: Loc = ("example", number)
        tried = _written if example.write else _read
        found += tried(mapping, example, located, loc, context)
    return len(file.example), found


def _read(
    mapping: CrmMapping, example: Example, located: LocatedToml, loc: Loc, context: ReadContext
) -> Iterator[Problem]:
    objects = {source.object for source in mapping.sources if mapping.kinds_of(source.name)}
    fitting = [
        source for source in mapping.sources if source.object.lower() == example.object.lower()
    ]
    if not fitting:
        text = f'the mapping reads no object "{example.object}"'
        hint = did_you_mean(example.object, objects) or f"it reads {quoted(sorted(objects))}"
        yield located.problem((*loc, "object"), text, hint)
        return
    strange = _strange(example.given, [name for one in fitting for name in one.fields])
    for name, hint in strange:
        text = f'the mapping reads no field "{name}" of {example.object}'
        yield located.problem((*loc, "given", name), text, hint)
    links = {name: tuple(ids) for name, ids in example.links.items()}
    items = [
        item
        for source in fitting
        for item in mapping.read(
            source.name,
            Record("example", dict.fromkeys(source.fields) | example.given, links),
            context,
        )
    ]
    findings = [item for item in items if isinstance(item, Finding)]
    read = [item for item in items if not isinstance(item, Finding) and _is(item, example.kind)]
    if not read:
        told = "; ".join(finding.message for finding in findings)
        text = f"nothing is read from this record{': ' if told else ''}{told}"
        yield located.problem((*loc, "given"), text)
        return
    for name, wanted in example.expect.items():
        values = [_value(item, name) for item in read]
        known = [value for value in values if value is not _ABSENT]
        place = (*loc, "expect", name)
        if not known:
            names = [field for item in read for field in item.__struct_fields__]
            text = f'{_kinds(read)} has no field "{name}"'
            yield located.problem(place, text, did_you_mean(name, names))
        elif not any(_same(value, wanted) for value in known):
            told = "".join(f"; {one.message}" for one in findings)
            yield located.problem(
                place, f"{name} is {_shown(known[0])}, not {_shown(wanted)}{told}"
            )


def _written(
    mapping: CrmMapping, example: Example, located: LocatedToml, loc: Loc, context: ReadContext
) -> Iterator[Problem]:
    del context
    by_name = {write.result: write for write in mapping.account_writes}
    made: dict[str, Any] = {}
    for name, value in example.given.items():
        if name not in by_name:
            known = by_name if name in RESULTS else RESULTS
            text = f'the mapping writes no "{name}"'
            yield located.problem((*loc, "given", name), text, did_you_mean(name, known))
            continue
        given = Decimal(str(value)) if isinstance(value, float) else value
        made[by_name[name].field] = by_name[name].encode(given)
    for field, wanted in example.expect.items():
        place = (*loc, "expect", field)
        if field not in made:
            yield located.problem(place, f'"{field}" is not written', did_you_mean(field, made))
        elif not _same(made[field], wanted):
            text = f"{field} is {_shown(made[field])}, not {_shown(wanted)}"
            yield located.problem(place, text)


def _strange(given: Mapping[str, Any], known: list[str]) -> Iterator[tuple[str, str]]:
    folded = {name.lower() for name in known}
    for name in given:
        if name.lower() not in folded:
            yield name, did_you_mean(name, known)


def _is(item: Any, kind: str) -> bool:
    return not kind or type(item).__name__.lower() == kind.lower()


def _kinds(items: list[Any]) -> str:
    return " or ".join(dict.fromkeys(type(item).__name__.lower() for item in items))


def _value(item: Any, name: str) -> Any:
    """A canonical field; ``plan.goals`` and ``handoff.champion`` by dots."""
    for part in name.split("."):
        item = getattr(item, part, _ABSENT)
        if item is None or item is _ABSENT:
            return item
    return item


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return isinstance(value, (list, tuple)) and list(value) == wanted
    if isinstance(wanted, bool) or isinstance(value, bool) or value is None:
        return value is wanted or (value is None and wanted == "")
    if isinstance(value, (int, float, Decimal)) and isinstance(wanted, (int, float)):
        return Decimal(str(value)) == Decimal(str(wanted))
    if isinstance(value, (date, datetime)) and isinstance(wanted, str):
        return value.isoformat() == wanted
    return bool(value == wanted)


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "blank"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
