"""Salesforce's short ids: formulas and exports give 15 of the 18 characters of an id."""

from __future__ import annotations

_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHORT, _CHUNK = 15, 5


def full_id(id: str) -> str:
    """The id with its three check letters; anything that is no short id comes back as it is.

    Each check letter says which of five characters are capitals, the first one counting least.
    """
    if len(id) != _SHORT or not (id.isascii() and id.isalnum()):
        return id
    chunks = (id[start : start + _CHUNK] for start in range(0, _SHORT, _CHUNK))
    return id + "".join(
        _CHECK[sum(1 << place for place, one in enumerate(chunk) if one.isupper())]
        for chunk in chunks
    )
