"""Secrets: ``{ env = "NAME" }`` or ``{ file = "/path" }``, never written out in the file."""

from __future__ import annotations

import types
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr

from syncd.errors import Problem
from syncd.located import Loc, LocatedToml, did_you_mean

WRITTEN_OUT = "a secret is never written out in the file"
INSTEAD = 'use { env = "NAME" } or { file = "/run/secrets/name" }'
SOURCES = ("env", "file")
STAND_INS = frozenset({"not-looked-up", "missing", "written-out"})


def is_reference(value: object) -> bool:
    """Whether a value points to a secret."""
    return isinstance(value, dict) and len(value) == 1 and bool(set(value) & set(SOURCES))


def is_stand_in(secret: SecretStr) -> bool:
    """Whether the secret could not be looked up, or was not meant to be."""
    return secret.get_secret_value() in STAND_INS


def secret_places(model: type[BaseModel], prefix: Loc = ()) -> Iterator[Loc]:
    """Where a model keeps what may only be a reference, nested models included."""
    for name, field in model.model_fields.items():
        kinds = set(_flat(field.annotation))
        if SecretStr in kinds and str not in kinds:
            yield (*prefix, name)
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from secret_places(kind, (*prefix, name))


def _flat(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin in {Union, types.UnionType, tuple, list}:
        for part in get_args(annotation):
            yield from _flat(part)
    else:
        yield annotation


def _is_invisible(char: str) -> bool:
    """Whether nobody sees the character, other than by a key's line ends."""
    return unicodedata.category(char) in {"Cc", "Cf"} and char not in "\r\n\t"


class Resolver:
    """Follows references; gathers what cannot be followed, and every secret that it saw."""

    def __init__(
        self, located: LocatedToml, folder: Path, env: Mapping[str, str], *, follow: bool
    ) -> None:
        """`follow` False: put a stand-in for every secret (for a look at the file alone)."""
        self._located = located
        self._folder = folder
        self._env = env
        self._follow = follow
        self.problems: list[Problem] = []
        self.seen: set[str] = set()

    def resolve(self, value: Any, loc: Loc, guarded: frozenset[Loc]) -> Any:
        """The value with references followed; anything else at a `guarded` place is an error."""
        if is_reference(value):
            return self._secret(value, loc)
        # A list of secrets is guarded as a whole: its elements stand one level deeper.
        is_guarded = loc in guarded or (isinstance(loc[-1], int) and loc[:-1] in guarded)
        if isinstance(value, list):
            return [self.resolve(item, (*loc, at), guarded) for at, item in enumerate(value)]
        if isinstance(value, dict) and not is_guarded:
            return {key: self.resolve(item, (*loc, key), guarded) for key, item in value.items()}
        return self._written_out(value, loc) if is_guarded else value

    def _written_out(self, value: Any, loc: Loc) -> SecretStr:
        text, hint = WRITTEN_OUT, INSTEAD
        if isinstance(value, dict):
            wrong = next((key for key in value if key not in SOURCES), None)
            text = "a secret is either in env or in a file"
            hint = (wrong and did_you_mean(wrong, SOURCES)) or INSTEAD
        else:
            self.seen.add(str(value))
        self.problems.append(self._located.problem(loc, text, hint))
        return SecretStr("written-out")

    def _secret(self, reference: Mapping[str, Any], loc: Loc) -> SecretStr:
        kind, name = next(iter(reference.items()))
        text = ""
        if not isinstance(name, str) or not name:
            self._wrong(loc, f"{kind} needs a name in quotes", f'{{ {kind} = "NAME" }}')
        elif not self._follow:
            return SecretStr("not-looked-up")
        elif kind == "env":
            text = self._env.get(name, "").strip()
            if not text:
                self._wrong(loc, f"the environment variable {name} is not set", f"set {name}")
        else:
            text = self._read(name, loc)
        if text:
            self.seen.add(text)
        if any(map(_is_invisible, text)):
            hint = "write it again as plain text"
            self._wrong(loc, f"the secret in {kind} {name} holds an invisible character", hint)
        return SecretStr(text or "missing")

    def _read(self, name: str, loc: Loc) -> str:
        try:
            # Some editors mark a text as UTF-8 by a first character that nobody sees.
            text = (self._folder / name).read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            self._wrong(loc, f"cannot read the secret file {name}: {reason}")
            return ""
        if not text:
            self._wrong(loc, f"the secret file {name} is empty")
        return text

    def _wrong(self, loc: Loc, text: str, hint: str = "") -> None:
        self.problems.append(self._located.problem(loc, text, hint))
