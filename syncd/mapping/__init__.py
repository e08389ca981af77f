"""Mapping files: a CRM's records to the canonical model, and results back to its fields. Pure.

`load_mapping` alone reads a file. The vocabulary is closed: what needs an `if` is a rule.
"""

from __future__ import annotations

from syncd.mapping.codecs import CODECS, Codec, UnreadableError
from syncd.mapping.context import ReadContext
from syncd.mapping.file import mapping_schema
from syncd.mapping.kinds import Canonical
from syncd.mapping.load import load_mapping, mapping_of
from syncd.mapping.mapping import Mapping
from syncd.mapping.writing import AccountWrite, Shown, TaskMapping

__all__ = [
    "CODECS",
    "AccountWrite",
    "Canonical",
    "Codec",
    "Mapping",
    "ReadContext",
    "Shown",
    "TaskMapping",
    "UnreadableError",
    "load_mapping",
    "mapping_of",
    "mapping_schema",
]
