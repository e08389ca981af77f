"""Record ids: 15 characters, case sensitive, and the 18-character form with a checksum."""

from __future__ import annotations

import re

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
CHUNK = 5
SHORT = 15
LONG = 18
INSTANCE = "gK0000"
_ID = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?\Z")


def checksum(short: str) -> str:
    """The three characters that say which letters of a 15-character id are capitals."""
    suffix = ""
    for start in range(0, SHORT, CHUNK):
        bits = sum(
            1 << place
            for place, char in enumerate(short[start : start + CHUNK])
            if "A" <= char <= "Z"
        )
        suffix += CHECK[bits]
    return suffix


def long_id(value: str) -> str | None:
    """The 18-character form of an id of either length; None where the text is no id."""
    if not _ID.match(value):
        return None
    if len(value) == SHORT:
        return value + checksum(value)
    return _repaired(value)


def _repaired(value: str) -> str | None:
    # The API restores the letters' case of an 18-character id from its checksum.
    short = ""
    suffix = value[SHORT:].upper()
    for chunk, check in enumerate(suffix):
        bits = CHECK.find(check)
        if bits < 0:
            return None
        for place, char in enumerate(value[chunk * CHUNK : chunk * CHUNK + CHUNK]):
            short += char.upper() if bits >> place & 1 else char.lower()
    return short + suffix


def mint(prefix: str, number: int) -> str:
    """The 18-character id of the `number`-th record of the object with this key prefix."""
    digits = ""
    for _ in range(SHORT - len(prefix) - len(INSTANCE)):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    short = prefix + INSTANCE + digits
    return short + checksum(short)
