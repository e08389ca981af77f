"""The contract, kept by the HubSpot connector against its sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from contract_suite import Deletions, Merges, Rationing, Reading, Stamps, Writing
from sandbox_systems import HubSpotSystem


class TestHubSpot(Reading, Stamps, Deletions, Merges, Rationing, Writing):
    """All of it."""

    @pytest.fixture
    def system(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubSpotSystem]:
        """A sandbox, served; its new properties count at once."""
        monkeypatch.setattr("connectors.hubspot.provision.SETTLE_SECONDS", 0.0)
        with HubSpotSystem.served(tmp_path) as system:
            yield system
