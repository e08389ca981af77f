"""A small storm on each CRM; `make storm` has the great one."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from storm import REFUSED, THROTTLED, brave

from connectors.sandbox.faults import Fault


@pytest.mark.parametrize("kind", ["hubspot", "salesforce"])
def test_a_storm_does_no_harm(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No task twice, no write lost, no neighbour of a bad row, no throttled call too soon."""
    monkeypatch.setattr("syncd.retry.BASE_SECONDS", 0.02)
    cursed = REFUSED[kind].rows
    assert cursed is not None
    certain = [
        replace(THROTTLED[kind][0], share=1.0, skip=3, times=2),
        replace(REFUSED[kind], rows=replace(cursed, share=0.3), times=1),
        Fault(answer="drop", path=REFUSED[kind].path, applies=True, times=1),
    ]

    outcome = brave(kind, 40, tmp_path / kind, login_every=0.5, certain=certain)

    assert outcome.wrong == ()
    assert outcome.throttled >= 2
    assert outcome.refused
    assert outcome.tasks
    assert any(status >= 500 for status in outcome.statuses)
