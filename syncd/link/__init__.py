"""One book across CRMs: which accounts are the same customer, and what is then true of it. Pure.

`match` says which records of several CRMs are one customer; `unite` makes one account of their
records; `people` finds the same person in each CRM; `disagreements` tells where the CRMs differ.
"""

from __future__ import annotations

from syncd.link.differing import Disagreement, disagreements
from syncd.link.matching import Doubt, Group, Known, Matched, match
from syncd.link.people import People, people
from syncd.link.rules import EXCLUSIVE, PRECEDENCE_NAMES, LinkRules, Pair, Place
from syncd.link.uniting import Part, unite

__all__ = [
    "EXCLUSIVE",
    "PRECEDENCE_NAMES",
    "Disagreement",
    "Doubt",
    "Group",
    "Known",
    "LinkRules",
    "Matched",
    "Pair",
    "Part",
    "People",
    "Place",
    "disagreements",
    "match",
    "people",
    "unite",
]
