"""What the daemon tells of its runs: figures for Prometheus, and word to people when it matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import SecretStr
from sqlalchemy import Connection

from syncd.connector import Connector
from syncd.errors import SyncdError
from syncd.log import get_log
from syncd.metrics import Metrics
from syncd.notify import notify
from syncd.store import Store
from syncd.sync import EXIT_DONE, EXIT_HELD, EXIT_UNREACHABLE, Report

EXIT_DEFECT, EXIT_STOPPED = 1, 2
TOLD = {
    EXIT_HELD: "the plan is held by the safety limit",
    EXIT_UNREACHABLE: "a CRM could not be reached",
}
ENDED = {EXIT_DEFECT: "a defect ended the daemon", EXIT_STOPPED: "the daemon cannot go on"}


class Telling:
    """Remembers what was told, so that people hear once that something is wrong or over."""

    def __init__(self, store: Store, addresses: Sequence[SecretStr]) -> None:
        """`addresses` are those of ``[notify]``."""
        self._store, self._addresses = store, addresses
        self._log = get_log()
        self._told = EXIT_DONE
        self.metrics = Metrics()

    def stand(self, tx: Connection) -> None:
        """How things stand, whoever brought it about."""
        self.metrics.stand(self._store.tasks.count_open(tx), self._store.quarantine.count(tx))

    def run(self, report: Report, connectors: Mapping[str, Connector], ended: datetime) -> None:
        """A run has ended, as its exit code says."""
        with self._store.begin(write=False) as tx:
            self.stand(tx)
        for c in report.connections:
            self.metrics.connection(
                c.name,
                written=c.written,
                refused=c.failed + c.rejected,
                read=c.calls.read,
                write=c.calls.write,
                left=None if c.exit_code == EXIT_UNREACHABLE else _left(connectors[c.name]),
            )
        self.metrics.run(code=report.exit_code, seconds=report.seconds, ended=ended.timestamp())
        before, self._told = self._told, report.exit_code
        if report.exit_code == before:
            return
        if report.exit_code in TOLD:
            said = "\n".join(f"{c.name}: {c.message}" for c in report.connections if c.message)
            self._tell(TOLD[report.exit_code], said)
        elif before in TOLD:
            self._tell("all is well again", f"it was: {TOLD[before]}")

    def end(self, code: int, reason: str) -> None:
        """The daemon ends by itself."""
        self._tell(ENDED[code], reason)

    def _tell(self, title: str, text: str) -> None:
        failed = notify(self._addresses, f"syncd: {title}", text)
        if failed:
            self._log.warning("not_notified", addresses=failed)


def _left(connector: Connector) -> int | None:
    """Calls left today; None where the CRM does not say, or cannot be asked."""
    try:
        return connector.allowance().left
    except SyncdError:
        return None
