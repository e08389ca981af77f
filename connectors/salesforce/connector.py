"""The Salesforce connector: simple-salesforce behind the interface of ``syncd.connector``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from connectors.salesforce.clicks import click_path
from connectors.salesforce.settings import SalesforceSettings
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
from syncd.errors import LoginError, SyncdError

if TYPE_CHECKING:
    from connectors.salesforce.opened import Opened


class SalesforceConnector:
    """A connection to one Salesforce org."""

    Settings: ClassVar[type[BaseModel]] = SalesforceSettings
    omits_unknown_fields: ClassVar[bool] = False
    currency_field: ClassVar[str] = "CurrencyIsoCode"
    mapping_defaults: ClassVar[Mapping[str, Any]] = {
        "id_field": "Id",
        "short_ids": True,
        "user": {
            "object": "User",
            "fields": {
                "id": "Id",
                "name": "Name",
                "email": "Email",
                "active": "IsActive",
                "manager": "ManagerId",
            },
        },
        "writes": {
            "task": {
                "object": "Task",
                "account": "WhatId",
                "owner": "OwnerId",
                "subject": "Subject",
                "body": "Description",
                "due": "ActivityDate",
                "priority": {
                    "field": "Priority",
                    "values": {"low": "Low", "normal": "Normal", "high": "High"},
                },
                "status": {
                    "field": "Status",
                    "values": {"open": "Not Started", "completed": "Completed"},
                },
            }
        },
    }

    def __init__(self, settings: BaseModel, context: Context) -> None:
        """Keep the settings; contact nothing."""
        if not isinstance(settings, SalesforceSettings):
            settings = SalesforceSettings.model_validate(settings.model_dump())
        self.settings = settings
        self.name = context.name
        self.calls = Calls()
        self._log = context.log
        self._conceal = context.conceal
        self._opened: Opened | None = None

    def open(self) -> None:
        """Log in, unless that is done already."""
        if self._opened is None:
            # simple-salesforce and what it brings along take a moment to import
            from connectors.salesforce.opened import Opened

            opened = Opened(self.settings, self.calls, self._log, self._conceal)
            try:
                opened.log_in()
            except SyncdError:
                opened.session.close()
                raise
            self._opened = opened

    @property
    def _org(self) -> Opened:
        if self._opened is None:
            raise LoginError(f"the connection {self.name} is not open")
        return self._opened

    def identity(self) -> str:
        """The organisation's id (18 characters)."""
        return self._org.identity()

    def schema(self, object: str) -> ObjectSchema:
        """The object's describe, asked for once per opened connection."""
        return self._org.describes.of(object).schema

    def pull(self, source: Source, cursor: Cursor | None) -> Iterator[Page]:
        """All of the source, or what changed since; ``{"modstamp": …}`` is complete."""
        return self._org.pull(source, cursor)

    def ids(self, source: Source) -> Iterator[str]:
        """The ids of the source's records, deleted ones left out."""
        return self._org.ids(source)

    def read(self, source: Source, ids: Sequence[str]) -> dict[str, Record]:
        """The records by id, from the database; merged ones name their survivor."""
        return self._org.read(source, ids)

    def find_tasks(
        self, shape: TaskShape, source: Source, keys: Sequence[str]
    ) -> dict[str, Record]:
        """The tasks by key, deleted and archived ones too."""
        return self._org.find_tasks(shape, source, keys)

    def update(
        self, object: str, updates: Sequence[FieldUpdate]
    ) -> Iterator[tuple[int, WriteResult]]:
        """Change fields, 200 records a call."""
        return self._org.update(object, updates)

    def upsert_tasks(
        self, shape: TaskShape, tasks: Sequence[TaskUpsert]
    ) -> Iterator[tuple[int, WriteResult]]:
        """Create or change tasks by the external id `shape.key_field`, 200 a call."""
        return self._org.upsert_tasks(shape, tasks)

    def await_writes(self, rows: int, since: datetime) -> None:
        """Wait for the bulk jobs that a process which died had set going."""
        self._org.await_writes(rows, since)

    def write_calls(self, updates: Mapping[str, int], tasks: int) -> int:
        """The calls that so many writes cost."""
        return self._org.write_calls(updates, tasks)

    def least_read_calls(self, rows: Sequence[tuple[Source, int]]) -> int:
        """A call for each 2,000 rows, the most that a query page holds (REST API guide, query)."""
        return sum(max(1, -(-count // 2_000)) for _, count in rows)

    def rates(self) -> tuple[str, Mapping[str, Decimal]] | None:
        """The org's own currencies; None for an org with a single one."""
        return self._org.rates()

    def allowance(self) -> Allowance:
        """The org's API calls of 24 hours, everybody's use counted."""
        return self._org.session.allowance()

    def record_url(self, object: str, id: str) -> str:
        """The record's page in Lightning."""
        return f"{self.settings.instance_url}/lightning/r/{object}/{id}/view"

    def click_path(self, lack: Lack, object: str, field: str) -> str:
        """Where in Setup an admin mends it."""
        return click_path(lack, object, field)

    def check(self) -> Iterable[CheckNote]:
        """Who we are, the login flow, the API version, the allowance."""
        return self._org.check()

    def provision(self, specs: Sequence[FieldSpec], *, apply: bool) -> Iterable[ProvisionStep]:
        """Custom fields, the permission set ``syncd`` and its one assignment."""
        return self._org.provision(specs, apply=apply)

    def source_files(self, specs: Sequence[FieldSpec], folder: Path) -> Iterable[Path]:
        """The same as a Salesforce DX project below `folder`."""
        from connectors.salesforce.sfdx import source_files

        return source_files(specs, folder, self.settings.api_version)

    def close(self) -> None:
        """Close the sockets; the session is not logged out."""
        if self._opened is not None:
            self._opened.session.close()
            self._opened = None
