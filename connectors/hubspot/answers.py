"""What HubSpot's error bodies say: a code, its words, and whom it blames.

One shape serves a whole refused call and each entry of ``errors`` in a 207 answer:
``{"status": "error", "category", "subCategory", "message", "context": {name: [values]},
"errors": [{"message", "code", "context"}], "correlationId"}``; see "Error handling" in
HubSpot's developer documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

Answer: TypeAlias = dict[str, Any]

_INVALID_VALUES = "Property values were not valid: "
_TAG = re.compile(r"<[^>]+>")
_LONGEST_TEXT = 600


class Complaint(Struct, frozen=True):
    """One error: HubSpot's code and words, the properties, inputs and ids it blames."""

    code: str
    message: str
    fields: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


def parse(content: bytes) -> Answer | None:
    """The JSON object of a body; None where it is none (an HTML page of some proxy)."""
    if not content.strip():
        return {}
    try:
        answer = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return answer if isinstance(answer, dict) else None


def complaint(error: Mapping[str, Any]) -> Complaint:
    """Read one error."""
    details = list(_details(error))
    codes = _unique(str(d.get("code") or d.get("error") or "") for d in details)
    texts = _unique(str(d.get("message") or "") for d in details)
    code = codes[0] if codes else str(error.get("subCategory") or error.get("category") or "")
    own = [error, *details]
    return Complaint(
        code=code.removeprefix("crm.associations."),
        message=shorten("; ".join(texts) or str(error.get("message") or "")),
        fields=_unique(
            [
                *(name for part in own for name in _context(part, "propertyName", "properties")),
                *(str(d["name"]) for d in details if d.get("name")),
            ]
        ),
        traces=_unique(v for part in own for v in _context(part, "objectWriteTraceId")),
        ids=_unique(
            v for part in own for v in _context(part, "ids", "id", "fromObjectId", "objectId")
        ),
    )


def errors(answer: Answer) -> list[Mapping[str, Any]]:
    """The entries of a partial success; empty where all went well."""
    return [e for e in answer.get("errors") or () if isinstance(e, Mapping)]


def scopes(answer: Answer) -> tuple[str, ...]:
    """The scopes that a 403 says are missing; granular names where it gives them."""
    parts = [answer, *errors(answer)]
    granular = _unique(v for part in parts for v in _context(part, "requiredGranularScopes"))
    return granular or _unique(v for part in parts for v in _context(part, "requiredScopes"))


def page_text(content: bytes) -> str:
    """The words of a body that is no JSON, for a message."""
    text = _TAG.sub(" ", content[:2000].decode("utf-8", "replace"))
    return shorten(" ".join(text.split()))[:200]


def shorten(text: str) -> str:
    """At most 600 characters."""
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"


def _details(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    inner = [e for e in error.get("errors") or () if isinstance(e, Mapping)]
    message = str(error.get("message") or "")
    if not inner and _INVALID_VALUES in message:
        try:
            inner = msgspec.json.decode(message.partition(_INVALID_VALUES)[2], type=list[Answer])
        except msgspec.MsgspecError:
            return
    yield from inner


def _context(part: Mapping[str, Any], *names: str) -> Iterator[str]:
    context = part.get("context")
    if not isinstance(context, Mapping):
        return
    for name in names:
        found = context.get(name)
        values = found if isinstance(found, list) else [] if found is None else [found]
        yield from (str(value) for value in values)


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))
