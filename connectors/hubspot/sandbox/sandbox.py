"""The HubSpot sandbox: a portal in memory, served over HTTP and open to tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, ClassVar, Self

from connectors.hubspot.sandbox import (
    account,
    batches,
    currencies,
    definitions,
    labelling,
    links,
    objects,
    search,
    state,
)
from connectors.hubspot.sandbox.access import Access
from connectors.hubspot.sandbox.api import Api, CallMade
from connectors.hubspot.sandbox.app import Pages, build
from connectors.hubspot.sandbox.checking import check
from connectors.hubspot.sandbox.faults import ANSWERS
from connectors.hubspot.sandbox.labels import Label
from connectors.hubspot.sandbox.limits import Limits
from connectors.hubspot.sandbox.merging import merge
from connectors.hubspot.sandbox.portal import Link, Portal
from connectors.hubspot.sandbox.pour import Pour
from connectors.hubspot.sandbox.table import Row
from connectors.sandbox.book import Book
from connectors.sandbox.faults import Fault, Faults
from connectors.sandbox.faulty import Faulty

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def _utc_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a portal stamps its records with a clock of its own


class HubSpotSandbox:
    """An emulated portal: HubSpot's default catalogue, a customer's own properties, one owner.

    `search_lag` is by how many seconds search runs behind. `rate_limits` False counts calls and
    refuses none; `limits` holds the figures. Nothing is kept on disk but by `dump`.

    The methods below `connection_settings` act at once and without HTTP, as a person in the
    portal's pages would; they may be called from any thread while the sandbox serves.
    """

    kind: ClassVar[str] = "hubspot"
    hosts: ClassVar[tuple[str, ...]] = ("api.hubapi.com", "api.hubspot.com")

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = _utc_now,
        search_lag: float = 0.0,
        rate_limits: bool = False,
    ) -> None:
        """An empty portal."""
        self._lock = RLock()
        self.portal = Portal(clock, search_lag=search_lag)
        self.access = Access(clock)
        self.limits = Limits(clock, enforced=rate_limits)
        self.faults = Faults(ANSWERS)
        self.api = Api(self.portal, self.access, self.limits)
        for module in (objects, batches, links, labelling, definitions, account, currencies):
            self.api.add(module.ROUTES)
        self.api.add(search.routes(self.portal))
        pages = Pages(self.api, self._lock, self._read_state, self._write_state)
        self.app: ASGIApp = Faulty(build(pages), self.faults, self.access.expire_issued)

    @classmethod
    def from_book(cls, book: Book, **kw: Any) -> Self:
        """A portal with the made-up book in it; `kw` as for a new one."""
        made = cls(**kw)
        Pour(made.portal, book).pour()
        return made

    def load(self, path: Path) -> None:
        """Replace the whole state, catalogue included, by a dumped one.

        Raises OSError, and msgspec.DecodeError where the file is not one.
        """
        with self._lock:
            self._write_state(path.read_bytes())

    def dump(self, path: Path) -> None:
        """Write the whole state, catalogue included, as JSON."""
        with self._lock:
            path.write_bytes(self._read_state())

    def connection_settings(self, url: str, ca_file: Path) -> dict[str, object]:
        """The keys of a connection to the sandbox at `url`; the secret stands there plainly."""
        return {
            "connector": "hubspot",
            "mapping": "hubspot",
            "base_url": url,
            "ca_file": str(ca_file),
            "auth": {"flow": "private_app", "access_token": self.access.token},
        }

    @property
    def calls(self) -> list[CallMade]:
        """The API calls made since the start, or since this list was cleared."""
        return self.api.calls

    @property
    def scopes(self) -> set[str]:
        """The token's scopes; taking one out revokes it."""
        return self.access.scopes

    @scopes.setter
    def scopes(self, scopes: Iterable[str]) -> None:
        self.access.scopes = set(scopes)

    def rows(self, object_type: str) -> list[dict[str, Any]]:
        """Copies of all records, archived ones too: id, properties (only set ones), archived,
        created and updated (milliseconds since 1970).
        """
        with self._lock:
            table = self.portal.table(self.portal.kinds.find(object_type))
            return [
                {
                    "id": str(row.id),
                    "properties": dict(row.properties),
                    "created": row.created,
                    "updated": row.updated,
                    "archived": row.archived is not None,
                }
                for row in table.rows.values()
            ]

    def associations_of(self, from_type: str, from_id: str, to_type: str) -> list[str]:
        """The ids of the associated records, in order."""
        with self._lock:
            kinds = self.portal.kinds
            pair = (kinds.find(from_type).id, kinds.find(to_type).id)
            return [str(id) for id in sorted(self.portal.graph.targets(pair, int(from_id)))]

    def edit(self, object_type: str, id: str, **properties: Any) -> None:
        """Change a record as a person. Raises ApiError."""
        with self._lock:
            kind = self.portal.kinds.find(object_type)
            row = self.portal.get(kind, id)
            self.portal.update(kind, row, check(self.portal, kind, properties, row), "CRM_UI")

    def insert(
        self,
        object_type: str,
        associations: Iterable[tuple[str, str] | tuple[str, str, str]] = (),
        **properties: Any,
    ) -> str:
        """Create a record as a person; its id.

        `associations` are (type, id), with a label as a third if need be. Raises ApiError.
        """
        with self._lock:
            kind = self.portal.kinds.find(object_type)
            found = [self._link(kind.id, *one) for one in associations]
            return str(self.portal.create(kind, properties, found, source="CRM_UI").id)

    def associate(
        self, from_type: str, from_id: str, to_type: str, to_id: str, label: str = ""
    ) -> None:
        """Associate two records as a person."""
        with self._lock:
            kind = self.portal.kinds.find(from_type)
            other, target, labels = self._link(kind.id, to_type, to_id, label)
            self.portal.connect(kind, int(from_id), other, target, labels)
            self.portal.settle()

    def archive(self, object_type: str, id: str) -> None:
        """Delete a record; it is listed among the archived ones."""
        with self._lock:
            kind = self.portal.kinds.find(object_type)
            self.portal.archive(kind, self.portal.get(kind, id))

    def merge(self, object_type: str, winner: str, loser: str) -> str:
        """Merge two records; the id of the one they become."""
        with self._lock:
            kind = self.portal.kinds.find(object_type)
            rows: list[Row] = [self.portal.get(kind, id) for id in (winner, loser)]
            return str(merge(self.portal, kind, *rows).id)

    def remove_property(self, object_type: str, name: str) -> None:
        """Take a property out of the catalogue, be it HubSpot's own. Raises ApiError."""
        with self._lock:
            kind = self.portal.kinds.find(object_type)
            self.portal.catalogue.get(kind.id, name).archived = self.portal.now()

    def set_rate(self, code: str, worth: str) -> None:
        """Let one unit of a currency be worth so many of the company's from now on."""
        with self._lock:
            currencies.set_rate(self.portal, code, Decimal(worth))

    def expire_token(self) -> None:
        """Refuse the access token from now on, and the OAuth tokens given so far."""
        with self._lock:
            self.access.expire()

    def restore_token(self) -> None:
        """Take the private app's token again."""
        with self._lock:
            self.access.token_valid = True

    def strike(self, *faults: Fault) -> None:
        """Add faults for the calls to come."""
        self.faults.add(*faults)

    def _link(self, source: str, to_type: str, to_id: str, label: str = "") -> Link:
        other = self.portal.kinds.find(to_type)
        held: list[Label] = self.portal.labels.of.get((source, other.id), [])
        return other, int(to_id), [one for one in held if label and one.label == label]

    def _read_state(self) -> bytes:
        return state.dumped(self.portal, self.access)

    def _write_state(self, text: bytes) -> None:
        state.restore(self.portal, self.access, text)
