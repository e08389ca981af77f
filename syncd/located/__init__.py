"""Where things stand in a TOML file, so that every mistake can be named by line and column.

Mistakes that pydantic finds are turned into Problems in the words of the file's author.
"""

from __future__ import annotations

from syncd.located.toml import Loc, LocatedToml, parse_toml, read_toml
from syncd.located.wording import did_you_mean, faults, problems, quoted

__all__ = [
    "Loc",
    "LocatedToml",
    "did_you_mean",
    "faults",
    "parse_toml",
    "problems",
    "quoted",
    "read_toml",
]
