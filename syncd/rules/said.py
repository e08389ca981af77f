"""Whether a text says something: shared by the handoff document and the account plan.

Markup is stripped, entities are unescaped, and what people type to get past a required field
is no answer.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

PLACEHOLDERS = frozenset(
    {
        "tbd",
        "tbc",
        "todo",
        "n/a",
        "na",
        "none",
        "nil",
        "unknown",
        "xxx",
        "see notes",
        "pending",
        "asap",
        "to be confirmed",
    }
)
"""Texts that are no answer, compared without case and surrounding punctuation."""

NOTHING_TO_REPORT = frozenset({"none", "n/a", "no", "nil"})
"""Texts that are an answer where "there is none" is one."""

_UNSEEN = re.compile(r"<!--.*?-->|<(style|script)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_BREAK = re.compile(
    r"</?(?:p|div|br|hr|li|ul|ol|table|tr|td|th|h[1-6]|blockquote|pre)\b[^>]*>", re.IGNORECASE
)
_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """The text as a reader sees it: no markup, no entities, single spaces, trimmed."""
    if "<" in text:
        text = _TAG.sub("", _BREAK.sub(" ", _UNSEEN.sub(" ", text)))
    if "&" in text:
        text = html.unescape(text)
    if not text.isascii():
        text = text.translate(_INVISIBLE)
    return " ".join(text.split())


@lru_cache(maxsize=4096)
def says_something(
    text: str | None,
    min_chars: int = 2,
    *,
    placeholders: tuple[str, ...] = (),
    nothing_is_an_answer: bool = False,
) -> bool:
    """Whether the text is an answer: long enough as read, and no placeholder.

    `placeholders` are further texts that are no answer, such as a template's own prompts.
    With `nothing_is_an_answer`, "none" and its like count, however short.
    """
    if not text:
        return False
    seen = plain(text)
    bare = _bare(seen)
    if nothing_is_an_answer and bare in NOTHING_TO_REPORT:
        return True
    if len(seen) < min_chars or not bare or bare in PLACEHOLDERS:
        return False
    if len(bare) > 1 and len(set(bare)) == 1:
        return False
    return not any(bare == _bare(plain(prompt)) for prompt in placeholders)


def _bare(seen: str) -> str:
    """Without case and surrounding punctuation; empty when there is nothing else."""
    start, end = 0, len(seen)
    while start < end and _is_punctuation(seen[start]):
        start += 1
    while end > start and _is_punctuation(seen[end - 1]):
        end -= 1
    return seen[start:end].casefold()


@lru_cache(maxsize=1024)
def _is_punctuation(char: str) -> bool:
    """Punctuation, symbols and spaces, but not % and currency signs: "50 %" says something."""
    if char.isalnum() or char == "%":
        return False
    return (
        char.isspace()
        or (category := unicodedata.category(char))[0] == "P"
        or (category[0] == "S" and category != "Sc")
    )
