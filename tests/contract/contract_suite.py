"""What every connector must do, in one suite.

A connector joins with a `System` (what people can do in the system behind it, in that system's
words) and a class that names the parts it has to keep:

    class TestMine(Reading, Deletions, Writing):
        @pytest.fixture
        def system(self) -> Iterator[System]:
            yield MySystem()

`Reading` is for all; `Deletions`, `Merges`, `Stamps`, `Rationing` and `Writing` for those whose
system has such a thing; `ReadOnly` for those that cannot write.
"""

from __future__ import annotations

from contract_reading import Deletions, Merges, Rationing, Reading, Stamps
from contract_systems import (
    KEPT,
    MISSING,
    OTHER,
    DeletingSystem,
    MergingSystem,
    RationedSystem,
    System,
    WritableSystem,
)
from contract_writing import ReadOnly, Writing

__all__ = [
    "KEPT",
    "MISSING",
    "OTHER",
    "DeletingSystem",
    "Deletions",
    "Merges",
    "MergingSystem",
    "RationedSystem",
    "Rationing",
    "ReadOnly",
    "Reading",
    "Stamps",
    "System",
    "WritableSystem",
    "Writing",
]
