"""What a broken [policy] still says, so that the rest of it is looked at in the same go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from syncd.policy import PlaybookPolicy, Policy

_STAND_INS: Mapping[str, Any] = {
    "when": "false",
    "once_per": "quarter",
    "assignee": "am",
    "due": 1,
    "subject": "-",
}


def sound_policy(table: object) -> Policy:
    """The policy by its sound tables; a broken one has its defaults.

    A playbook keeps its place in the list, and its keys that are well formed.
    """
    given = table if isinstance(table, dict) else {}
    kept = {
        name: part
        for name, part in given.items()
        if name in Policy.model_fields and name != "playbooks" and _is_sound({name: part})
    }
    rows = given.get("playbooks")
    if isinstance(rows, list):
        kept["playbooks"] = [_playbook(row, number) for number, row in enumerate(rows, start=1)]
    return Policy.model_validate(kept)


def _is_sound(table: Mapping[str, Any]) -> bool:
    try:
        Policy.model_validate(table)
    except ValidationError:
        return False
    return True


def _playbook(row: object, number: int) -> PlaybookPolicy:
    """The playbook with something harmless where a key of it is broken."""
    given = dict(row) if isinstance(row, dict) else {}
    try:
        return PlaybookPolicy.model_validate(given)
    except ValidationError as error:
        broken = {one["loc"][0] for one in error.errors(include_url=False) if one["loc"]}
    sound = {name: value for name, value in given.items() if name not in broken}
    stand_ins = {name: value for name, value in _STAND_INS.items() if name in broken}
    return PlaybookPolicy.model_validate({"id": f"playbook-{number}", **sound, **stand_ins})
