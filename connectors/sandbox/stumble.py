"""Where a reader of JSON stumbled, in the words of the parser that the CRMs use."""

from __future__ import annotations

import re

import msgspec

_PLACE = re.compile(r"\(byte (\d+)\)")


def stumbled(body: bytes, error: msgspec.DecodeError | UnicodeDecodeError) -> tuple[str, int, int]:
    """What was met, and its line and column, from 1."""
    found = _PLACE.search(str(error))
    at = len(body) if found is None else min(int(found[1]), len(body))
    line, column = body.count(b"\n", 0, at) + 1, at - body.rfind(b"\n", 0, at)
    if found is not None and at < len(body):
        return f"Unexpected character ('{chr(body[at])}' (code {body[at]}))", line, column
    if "truncated" in str(error):
        return "Unexpected end-of-input", line, column
    return "The HTTP entity body could not be read", line, column
