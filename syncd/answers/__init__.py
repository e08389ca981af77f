"""The forms of the ``--json`` answers. Other programs build on them: add keys, change none.

A date is ISO text (``2026-12-31``), a moment ISO text with its offset. Record ids are the CRM's
own, whole ones (Salesforce: 18 characters). `account` is the id of the account's record, `key`
of an account its connection and that id. docs/schemas/ is made from this package: `make docs`.
"""

from __future__ import annotations

from typing import Any

from syncd.answers.deciding import Approve, Backtest, Portfolio, Undo
from syncd.answers.keeping import (
    Backup,
    Check,
    Demo,
    Forget,
    Health,
    Init,
    MappingsSuggest,
    MappingsTest,
    Provision,
    Refused,
    Verify,
)
from syncd.answers.looking import Explain, History, Links, Rejects, Runs, Status
from syncd.answers.running import Plan, Sync

__all__ = ["ANSWERS", "Refused"]

ANSWERS: dict[str, Any] = {
    "approve": Approve,
    "backtest": Backtest,
    "backup": Backup,
    "check": Check,
    "demo": Demo,
    "explain": Explain,
    "forget": Forget,
    "health": Health,
    "history": History,
    "init": Init,
    "links": Links,
    "mappings-suggest": MappingsSuggest,
    "mappings-test": MappingsTest,
    "plan": Plan,
    "portfolio": Portfolio,
    "provision": Provision,
    "rejects": Rejects,
    "runs": Runs,
    "status": Status,
    "sync": Sync,
    "undo": Undo,
    "verify": Verify,
}
"""The form of each command's ``--json`` answer."""
