"""The HubSpot connector: one portal behind syncd's Connector interface."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from connectors.hubspot import owners
from connectors.hubspot.checking import notes, token_facts
from connectors.hubspot.clicks import click_path
from connectors.hubspot.describe import Catalogue
from connectors.hubspot.door import Door, reading
from connectors.hubspot.limiter import SHARED, Limiter
from connectors.hubspot.paths import Paths
from connectors.hubspot.pipelines import Pipelines
from connectors.hubspot.provision import Provisioner
from connectors.hubspot.pull import Puller
from connectors.hubspot.rates import rates
from connectors.hubspot.session import Session
from connectors.hubspot.settings import HubSpotSettings
from connectors.hubspot.verdicts import RefusedError
from connectors.hubspot.write import Writer
from syncd.connector import (
    Allowance,
    Calls,
    CheckNote,
    Context,
    Cursor,
    FieldSpec,
    FieldUpdate,
    Lack,
    ObjectSchema,
    Page,
    ProvisionStep,
    Record,
    Source,
    TaskShape,
    TaskUpsert,
    WriteResult,
)
from syncd.errors import AccessError, LoginError, RequestError

_TYPE_IDS = {
    "contacts": "0-1",
    "companies": "0-2",
    "deals": "0-3",
    "tickets": "0-5",
    "products": "0-7",
    "line_items": "0-8",
    "tasks": "0-27",
    "notes": "0-46",
    "meetings": "0-47",
    "calls": "0-48",
    "emails": "0-49",
    "contracts": "0-721",
}


class HubSpotConnector:
    """Reads and writes one HubSpot portal. Its objects go by name (companies) or type id (0-2)."""

    Settings: ClassVar[type[BaseModel]] = HubSpotSettings
    omits_unknown_fields: ClassVar[bool] = True
    currency_field: ClassVar[str] = ""
    mapping_defaults: ClassVar[Mapping[str, Any]] = {
        "id_field": "",
        "user": {
            "object": owners.OBJECT,
            "fields": {"id": "id", "name": "name", "email": "email", "active": "active"},
        },
        "writes": {
            "task": {
                "object": "tasks",
                "account": {"association": "companies"},
                "owner": "hubspot_owner_id",
                "subject": "hs_task_subject",
                "body": {"field": "hs_task_body", "as": "html_text"},
                "due": {"field": "hs_timestamp", "as": "date"},
                "priority": {
                    "field": "hs_task_priority",
                    "values": {"low": "LOW", "normal": "MEDIUM", "high": "HIGH"},
                },
                "status": {
                    "field": "hs_task_status",
                    "values": {"open": "NOT_STARTED", "completed": "COMPLETED"},
                },
            }
        },
    }

    def __init__(self, settings: BaseModel, context: Context) -> None:
        """Keep the settings; contacts nothing, imports no SDK."""
        if not isinstance(settings, HubSpotSettings):
            raise TypeError(f"not the settings of a HubSpot connection: {type(settings).__name__}")
        self.name = context.name
        self.calls = Calls()
        self._settings = settings
        self._paths = Paths(settings.api_version)
        self._session = Session(settings, self._paths, self.calls, hide=context.conceal)
        self._login = (settings.base_url, self._session.login)
        self._shares = False
        limiter = Limiter(settings.limits)
        self._door = Door(self._session, limiter, self.calls, log=context.log)
        self._catalogue = Catalogue(self._door, self._paths)
        self._pipelines = Pipelines(self._door, self._paths)
        self._owners = owners.Owners(self._door, self._paths)
        self._puller = Puller(self._door, self._paths, self._pipelines, settings.lag_seconds)
        zone = ZoneInfo(context.timezone)
        self._writer = Writer(self._door, self._paths, self._catalogue.schema, zone)
        self._portal: Mapping[str, Any] = {}
        self._asked_usage = False

    def open(self) -> None:
        """Log in and read the portal's details; catalogues are read afresh after it.

        Raises LoginError also when the portal is not the configured one.
        """
        if not self._shares:
            self._door.limiter = SHARED.take(self._login, self._settings.limits)
            self._shares = True
        self._portal = self._ask_portal()
        self._asked_usage = False
        self._catalogue.forget()
        self._pipelines.forget()
        expected, told = self._settings.portal_id, self.identity()
        if expected and not told:
            raise LoginError(
                f"HubSpot does not say to which portal this token belongs, but portal_id in "
                f"config.toml says {expected}. Nothing was read or written. Without portal_id "
                "the token is taken as it is."
            )
        if expected and expected != told:
            raise LoginError(
                f"the token belongs to HubSpot portal {told}, but portal_id in "
                f"config.toml says {expected}. Nothing was read or written."
            )

    def identity(self) -> str:
        """The portal's id."""
        return str(self._portal.get("portalId") or "")

    def schema(self, object: str) -> ObjectSchema:
        """The object's properties and the fields that pipelines give it."""
        return self._catalogue.schema(object)

    def pull(self, source: Source, cursor: Cursor | None) -> Iterator[Page]:
        """All records, or what changed; see `connectors.hubspot.pull`."""
        with reading(source.object):
            if source.object == owners.OBJECT:
                yield from self._owners.pull(source)
            else:
                yield from self._puller.pull(source, cursor)

    def ids(self, source: Source) -> Iterator[str]:
        """The ids of all records in the source now."""
        with reading(source.object):
            if source.object == owners.OBJECT:
                yield from self._owners.records(source)
            else:
                yield from self._puller.ids(source)

    def read(self, source: Source, ids: Sequence[str]) -> dict[str, Record]:
        """These records as they are now, by id."""
        if source.object == owners.OBJECT:
            with reading(source.object):
                known = self._owners.records(source)
            return {id: known[id] for id in ids if id in known}
        with reading(source.object):
            return self._puller.read(source, ids)

    def find_tasks(
        self, shape: TaskShape, source: Source, keys: Sequence[str]
    ) -> dict[str, Record]:
        """The tasks that bear these keys, read by the unique property.

        A task that is linked to no account is left out: the process died between making and
        linking it, and repeating the upsert completes it.
        """
        with reading(shape.object):
            return self._puller.tasks(shape, source, keys)

    def update(
        self, object: str, updates: Sequence[FieldUpdate]
    ) -> Iterator[tuple[int, WriteResult]]:
        """Change fields of existing records, 100 a call."""
        if object == owners.OBJECT:
            raise RequestError("HubSpot's owners cannot be changed")
        return self._writer.update(object, updates)

    def upsert_tasks(
        self, shape: TaskShape, tasks: Sequence[TaskUpsert]
    ) -> Iterator[tuple[int, WriteResult]]:
        """Create or change tasks by their unique key, and link new ones to their account."""
        return self._writer.upsert_tasks(shape, tasks)

    def write_calls(self, updates: Mapping[str, int], tasks: int) -> int:
        """Calls that these writes cost at most; each 100 new tasks cost two."""
        return self._writer.calls(updates.values(), tasks)

    def least_read_calls(self, rows: Sequence[tuple[Source, int]]) -> int:
        """A call for each 100 listed rows, and for each 1,000 whose associations are read."""
        lists = sum(max(1, -(-count // 100)) for _, count in rows)
        links = sum(
            -(-count // 1_000) * len({link.to for link in source.associations})
            for source, count in rows
        )
        return lists + links

    def rates(self) -> tuple[str, Mapping[str, Decimal]] | None:
        """The portal's own rates; None where it keeps one currency, or hides its rates."""
        return rates(self._door, self._paths, self._portal)

    def allowance(self) -> Allowance:
        """The day's calls, from the last headers, else from the portal's usage report."""
        known = self._door.limiter.allowance
        if known.limit is None and not self._session.renewable and not self._asked_usage:
            self._asked_usage = True
            self._ask_usage()
        return self._door.limiter.allowance

    def record_url(self, object: str, id: str) -> str:
        """The record's page in HubSpot."""
        domain, portal = self._portal.get("uiDomain") or "app.hubspot.com", self.identity()
        type_id = _TYPE_IDS.get(object, object)
        if not portal or "-" not in type_id:
            return ""
        if type_id == _TYPE_IDS["tasks"]:
            return f"https://{domain}/tasks/{portal}/view/all/task/{id}"
        return f"https://{domain}/contacts/{portal}/record/{type_id}/{id}"

    def click_path(self, lack: Lack, object: str, field: str) -> str:
        """Where in HubSpot's settings an admin mends it."""
        return click_path(lack, object, field)

    def check(self) -> Iterable[CheckNote]:
        """The portal, the token's scopes and the day's allowance."""
        return notes(self._door, self._paths, self._portal, self.allowance())

    def provision(self, specs: Sequence[FieldSpec], *, apply: bool) -> Iterable[ProvisionStep]:
        """The property group and properties that are missing; with `apply`, makes them."""
        return Provisioner(self._door, self._paths, self._catalogue).provision(specs, apply=apply)

    def close(self) -> None:
        """Let go of sockets."""
        self._session.close()
        if self._shares:
            SHARED.give_back(self._login, self._settings.limits)
            self._shares = False

    def _ask_portal(self) -> Mapping[str, Any]:
        """The portal's details; where they are refused, what its token tells of it."""
        try:
            return self._door.other("GET", self._paths.account(), listed=False, free=True)
        except (RefusedError, AccessError) as error:
            self._door.note("hubspot.portal_unknown", reason=str(error))
        portal = token_facts(self._door, self._paths).get("hubId")
        return {"portalId": portal} if portal else {}

    def _ask_usage(self) -> None:
        answer = self._door.comfort("GET", self._paths.daily_usage()) or {}
        for report in answer.get("results") or ():
            limit, used = report.get("usageLimit"), report.get("currentUsage")
            if isinstance(limit, int) and isinstance(used, int):
                self._door.limiter.learn(limit, limit - used)
                return
