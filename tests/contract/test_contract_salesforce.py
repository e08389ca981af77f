"""The contract, kept by the Salesforce connector against its sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from contract_suite import Deletions, Merges, Rationing, Reading, Stamps, Writing
from sandbox_systems import SalesforceSystem


class TestSalesforce(Reading, Stamps, Deletions, Merges, Rationing, Writing):
    """All of it."""

    @pytest.fixture
    def system(self, tmp_path: Path) -> Iterator[SalesforceSystem]:
        """A sandbox, served."""
        with SalesforceSystem.served(tmp_path) as system:
            yield system
