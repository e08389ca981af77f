"""The Salesforce sandbox: an org in memory, served over HTTP and open to tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from connectors.salesforce.sandbox import (
    batches,
    bulk_ingest,
    bulk_query,
    composite,
    currencies,
    describe,
    fields,
    judging,
    limits,
    person_accounts,
    queries,
    records,
    removal,
    state,
    tooling,
)
from connectors.salesforce.sandbox.api import Api, CallMade
from connectors.salesforce.sandbox.app import Pages, build
from connectors.salesforce.sandbox.faults import ANSWERS
from connectors.salesforce.sandbox.fill import fill
from connectors.salesforce.sandbox.held import Actor
from connectors.salesforce.sandbox.oauth import Logins
from connectors.salesforce.sandbox.org import Org, Rejection
from connectors.salesforce.sandbox.schema import Field
from connectors.sandbox.book import Book
from connectors.sandbox.faults import Fault, Faults
from connectors.sandbox.faulty import Faulty

if TYPE_CHECKING:
    from starlette.types import ASGIApp

API_VERSION = "66.0"


def _utc_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - an org stamps its rows with a clock of its own


class SalesforceSandbox:
    """An emulated org: the standard schema, a customer's own fields, an administrator and an
    integration user. Nothing is kept on disk but by `dump`.

    The methods below `connection_settings` act at once and without HTTP, as a person in the
    org's pages would; they may be called from any thread while the sandbox serves.
    """

    kind: ClassVar[str] = "salesforce"
    hosts: ClassVar[tuple[str, ...]] = (
        "login.salesforce.com",
        "test.salesforce.com",
        "*.my.salesforce.com",
        "*.sandbox.my.salesforce.com",
        "*.salesforce.com",
    )

    def __init__(
        self, *, clock: Callable[[], datetime] = _utc_now, long_text_page: int = 200
    ) -> None:
        """An empty org. `long_text_page` is the page size of a query that selects two or more
        custom long texts, which the API serves in smaller pages.
        """
        self.org = Org(clock, judging.judge)
        self.api = Api(self.org, long_text_page=long_text_page)
        for module in (
            limits,
            describe,
            queries,
            batches,
            composite,
            tooling,
            bulk_query,
            bulk_ingest,
            records,
        ):
            self.api.route(module.ROUTES)
        self.logins = Logins(self.api)
        self.faults = Faults(ANSWERS)
        pages = Pages(self.api, self.logins, self._read_state, self._write_state, self.set_rules)
        self.app: ASGIApp = Faulty(build(pages), self.faults, self.expire_sessions)

    @classmethod
    def from_book(cls, book: Book, **kw: Any) -> Self:
        """An org with the made-up book in it; `kw` as for a new one."""
        made = cls(**kw)
        fill(made.org, book)
        return made

    def _read_state(self) -> bytes:
        return state.dumped(self.org)

    def _write_state(self, text: bytes) -> None:
        state.restore(self.org, text)

    def load(self, path: Path) -> None:
        """Replace the whole state, schema included, by a dumped one. Raises OSError, and
        msgspec.DecodeError where the file is not one.
        """
        with self.org.lock:
            self._write_state(path.read_bytes())

    def dump(self, path: Path) -> None:
        """Write the whole state, schema included, as JSON."""
        with self.org.lock:
            path.write_bytes(self._read_state())

    def connection_settings(self, url: str, ca_file: Path) -> dict[str, object]:
        """The keys of a connection to the sandbox at `url`; the secret stands there plainly."""
        return {
            "connector": "salesforce",
            "mapping": "salesforce",
            "instance_url": url,
            "api_version": API_VERSION,
            "ca_file": str(ca_file),
            "auth": {
                "flow": "client_credentials",
                "client_id": self.logins.client_id,
                "client_secret": self.logins.client_secret,
            },
        }

    @property
    def calls(self) -> list[CallMade]:
        """The API calls made since the start, or since this list was cleared."""
        return self.api.calls

    @property
    def daily_calls(self) -> int:
        """The org's daily allowance of API calls; settable."""
        return self.api.daily_max

    @daily_calls.setter
    def daily_calls(self, most: int) -> None:
        self.api.daily_max = most

    @property
    def used_calls(self) -> int:
        """The calls of everybody in the last 24 hours; settable."""
        return self.api.used

    @used_calls.setter
    def used_calls(self, used: int) -> None:
        self.api.used = used

    def _person(self) -> Actor:
        return Actor(self.org.ids["admin"], bound=False, audit=True)

    def rows(self, object: str) -> list[dict[str, Any]]:
        """Copies of an object's rows, deleted ones too; empty fields have no key."""
        with self.org.lock:
            return [dict(row) for row in self.org.tables[object].rows.values()]

    def edit(self, object: str, id: str, **fields: Any) -> None:
        """Change a record as the administrator. Raises RowError, RequestError."""
        with self.org.lock:
            self.org.update(object, id, fields, self._person())

    def insert(self, object: str, **fields: Any) -> str:
        """Create a record as the administrator; returns its id. Raises RowError, RequestError."""
        with self.org.lock:
            return self.org.create(object, fields, self._person())

    def delete(self, object: str, id: str) -> None:
        """Move a record to the recycle bin. Raises RowError."""
        with self.org.lock:
            removal.delete(self.org, object, id, self._person())

    def undelete(self, object: str, id: str) -> None:
        """Bring a record back from the recycle bin."""
        with self.org.lock:
            removal.undelete(self.org, object, id)

    def purge(self, object: str, id: str) -> None:
        """Remove a record for good, as when the recycle bin is emptied."""
        with self.org.lock:
            removal.purge(self.org, object, id)

    def merge(self, object: str, winner: str, losers: list[str]) -> None:
        """Merge up to two records into the winner. Raises RowError."""
        with self.org.lock:
            removal.merge(self.org, object, winner, losers, self._person())

    def add_field(self, object: str, name: str, *, visible: bool = True, **metadata: Any) -> None:
        """Make a custom field from a CustomField's metadata, as an admin does in Setup.

        With `visible` all profiles may read and edit it. Raises RequestError.
        """
        with self.org.lock:
            fields.add_field(self.org, f"{object}.{name}", metadata)
            for each in fields.homes(self.org, object) if visible else ():
                for profile in ("admin", "integration", "standard"):
                    parent = self.org.ids[f"{profile}_profile_set"]
                    self.org.access.grant(parent, each, name, read=True, edit=True)

    def add_formula(self, object: str, name: str, type: str, path: str) -> None:
        """Make a calculated field that shows another by its path, such as ``Owner.Name``.

        Its value changes without a trace in SystemModstamp, as the API's do.
        """
        made = Field(
            name=name,
            type=type,
            label=name.removesuffix("__c"),
            length=1300 if type == "string" else 0,
            precision=18 if type in {"currency", "double", "percent"} else 0,
            flags="NFSA",
            custom=True,
            formula=path,
            permissionable=True,
        )
        with self.org.lock:
            self.org.objects[object].add(made)
            for profile in ("admin", "integration", "standard"):
                parent = self.org.ids[f"{profile}_profile_set"]
                self.org.access.grant(parent, object, name, read=True, edit=False)

    def remove_field(self, object: str, field: str) -> None:
        """Delete a custom field with its values. Raises RequestError."""
        with self.org.lock:
            fields.remove_field(self.org, f"{object}.{field}")

    def set_field_access(self, object: str, field: str, *, read: bool, edit: bool) -> None:
        """Say what the integration user may do with a field, whichever way it had it before."""
        with self.org.lock:
            own = self.org.ids["integration_profile_set"]
            for held in self.org.access.permission_sets(self.org.ids["integration"]):
                if held != own:
                    self.org.access.grant(held, object, field, read=False, edit=False)
            self.org.access.grant(own, object, field, read=read or edit, edit=edit)

    def set_object_access(self, object: str, *rights: str) -> None:
        """Say what the integration user may do with an object: Read, Create, Edit, Delete."""
        with self.org.lock:
            for held in self.org.access.permission_sets(self.org.ids["integration"]):
                self.org.access.grant_object(held, object, frozenset())
            own = self.org.ids["integration_profile_set"]
            self.org.access.grant_object(own, object, frozenset(rights))

    def set_currencies(self, corporate: str, rates: dict[str, float]) -> None:
        """Switch several currencies on: `rates` are units of each to one of the corporate."""
        with self.org.lock:
            currencies.switch_on(self.org, corporate, rates)

    def set_person_accounts(self) -> None:
        """Switch person accounts on: customers who are people."""
        with self.org.lock:
            person_accounts.switch_on(self.org)

    def insert_person(self, first_name: str, last_name: str, **fields: Any) -> str:
        """Create a person's account; returns its id."""
        with self.org.lock:
            return person_accounts.create(self.org, first_name, last_name, **fields)

    def set_rules(self, document: Any) -> None:
        """Put these validation and duplicate rules in place of the org's: docs/sandboxes.md.

        Raises ValueError whose text ends in the place, such as ``- at `$.validation[0].when```.
        """
        with self.org.lock:
            judging.take(self.org, document)

    def reject(
        self,
        object: str,
        predicate: Callable[[dict[str, Any]], bool],
        status_code: str = "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        message: str = "The record is not valid.",
        fields: tuple[str, ...] = (),
    ) -> None:
        """Refuse writes by the API of rows, as they would become, that `predicate` is true of."""
        with self.org.lock:
            self.org.rejections.append(Rejection(object, predicate, status_code, message, fields))

    def accept_all(self) -> None:
        """Take back what `reject` said."""
        with self.org.lock:
            self.org.rejections.clear()

    def strike(self, *faults: Fault) -> None:
        """Add faults for the calls to come."""
        self.faults.add(*faults)

    def expire_sessions(self) -> None:
        """End all sessions: the next request of each is answered with 401."""
        with self.org.lock:
            self.api.sessions.clear()
