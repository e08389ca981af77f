"""From a mapping file to a Mapping. The only part of the package that reads a file."""

from __future__ import annotations

import hashlib
import json
from collections import abc
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from pydantic import ValidationError

from syncd.errors import ConfigError, Problem
from syncd.located import Loc, LocatedToml, problems, read_toml
from syncd.mapping.assembly import Assembly
from syncd.mapping.checks import check, check_policy
from syncd.mapping.document import Document, document_of
from syncd.mapping.file import MappingFile
from syncd.mapping.mapping import Mapping
from syncd.mapping.parts import Part
from syncd.mapping.sound import sound_part
from syncd.policy import Policy

_MEANING = 1  # counts up when the same file comes to mean something else


def load_mapping(
    path: Path,
    shown: str,
    *,
    connection: str,
    defaults: abc.Mapping[str, Any] | None = None,
    timezone: tzinfo = UTC,
    policy: Policy | None = None,
) -> Mapping:
    """Read and check a mapping file. Raises ConfigError with every problem found.

    `shown` is the file's name for people. `defaults` are the connector's ``mapping_defaults``:
    ``user``, ``writes.task``, ``id_field`` ("Id": filters are SOQL; "": a list of filters),
    ``short_ids`` (true where ids may lack their check letters) and ``percent`` ("fraction" where
    the CRM keeps 40 % as 0.4). `timezone` is the portfolio's.
    With a `policy`, words that it does not know are problems too.
    """
    return mapping_of(
        read_toml(path, shown),
        connection=connection,
        defaults=defaults,
        timezone=timezone,
        policy=policy,
    )


def mapping_of(
    located: LocatedToml,
    *,
    connection: str,
    defaults: abc.Mapping[str, Any] | None = None,
    timezone: tzinfo = UTC,
    policy: Policy | None = None,
) -> Mapping:
    """The mapping that a TOML document describes; see `load_mapping`."""
    defaults = defaults or {}
    merged = _with_defaults(located.value, defaults)
    homeless = _homeless_meters(merged)

    def look(document: Document, cut: abc.Collection[Loc] = ()) -> list[Problem]:
        found = check(document, located, id_field=defaults.get("id_field"), cut=cut)
        if homeless:
            text = '[usage] names no "object": its meters are not read'
            found.append(located.problem(("usage",), text, severity="warning"))
        return found + (check_policy(document, located, policy) if policy else [])

    try:
        file = MappingFile.model_validate(merged)
    except ValidationError as error:
        found = problems(located, error, MappingFile)
        sound, cut = sound_part(merged, error)
        if sound is not None:
            found += look(document_of(sound), cut)
        raise ConfigError(sorted(dict.fromkeys(found), key=_place)) from error
    document = document_of(file)
    if homeless:
        kept = tuple(section for section in document.sections if section.kind != "usage")
        document = replace(document, sections=kept)
    found = sorted(look(document), key=_place)
    if any(problem.severity == "error" for problem in found):
        raise ConfigError(found)
    return Assembly(document, connection, defaults, timezone).mapping(
        located, _hash(file, defaults, timezone), found
    )


def _place(problem: Problem) -> tuple[int, int]:
    return problem.line, problem.column


def _homeless_meters(content: dict[str, Any]) -> bool:
    """Whether [usage.meters] stands alone; it then gets an object, so that its form is checked."""
    usage, account = content.get("usage"), content.get("account")
    if not isinstance(usage, dict) or set(usage) != {"meters"} or not isinstance(account, dict):
        return False
    content["usage"] = {"object": account.get("object", "Usage"), **usage}
    return True


def _with_defaults(value: abc.Mapping[str, Any], defaults: abc.Mapping[str, Any]) -> dict[str, Any]:
    """The file's content, completed by what the connector takes for granted."""
    merged = dict(value)
    user = defaults.get("user")
    own = value.get("user")
    if user is not None and own is None:
        merged["user"] = user
    elif user is not None and isinstance(own, dict) and _same_object(own, user):
        fields = own.get("fields", {})
        if isinstance(fields, dict):
            merged["user"] = {**user, **own, "fields": {**user.get("fields", {}), **fields}}
    task = defaults.get("writes", {}).get("task")
    writes = value.get("writes")
    if task is not None and isinstance(writes, dict):
        given = writes.get("task")
        if isinstance(given, dict) and _same_object(given, task):
            completed = {name: _completed(rule, task.get(name)) for name, rule in given.items()}
            merged["writes"] = {**writes, "task": {**task, **completed}}
    return merged


def _same_object(own: abc.Mapping[str, Any], default: abc.Mapping[str, Any]) -> bool:
    return str(own.get("object", default["object"])).lower() == str(default["object"]).lower()


def _completed(rule: Any, default: Any) -> Any:
    """A rule that names the default's own field keeps the default's codec and words."""
    if not isinstance(default, dict) or "field" not in default:
        return rule
    if isinstance(rule, str) and rule == default["field"]:
        return default
    if isinstance(rule, dict) and rule.get("field", default["field"]) == default["field"]:
        return {**default, **rule}
    return rule


def _hash(file: Part, defaults: abc.Mapping[str, Any], timezone: tzinfo) -> str:
    meaning = [
        _MEANING,
        file.model_dump(mode="json", by_alias=True, exclude_none=True),
        defaults.get("percent"),
        str(timezone),
    ]
    encoded = json.dumps(meaning, sort_keys=True, ensure_ascii=False).encode()
    return hashlib.blake2b(encoded, digest_size=16).hexdigest()
