"""Mapping files: a CRM's records to the canonical model, and results back to its fields. Pure.

`load_mapping` alone reads a file. The vocabulary is closed: what needs an `if` is a rule.
"""

from __future__ import annotations

from syncd.mapping.codecs import CODECS, Codec, UnreadableError
from syncd.mapping.context import ReadContext
from syncd.mapping.document import Input, SectionRules
from syncd.mapping.domains import host_of
from syncd.mapping.file import mapping_schema
from syncd.mapping.ids import full_id
from syncd.mapping.kinds import Canonical
from syncd.mapping.load import load_mapping, mapping_of
from syncd.mapping.mapping import Mapping
from syncd.mapping.results import RESULTS
from syncd.mapping.vocabulary import HANDOFF_FIELDS, KINDS, PLAN_FIELDS, Field
from syncd.mapping.writing import AccountWrite, Shown, TaskMapping

__all__ = [
    "CODECS",
    "HANDOFF_FIELDS",
    "KINDS",
    "PLAN_FIELDS",
    "RESULTS",
    "AccountWrite",
    "Canonical",
    "Codec",
    "Field",
    "Input",
    "Mapping",
    "ReadContext",
    "SectionRules",
    "Shown",
    "TaskMapping",
    "UnreadableError",
    "full_id",
    "host_of",
    "load_mapping",
    "mapping_of",
    "mapping_schema",
]
