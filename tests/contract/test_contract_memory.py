"""The contract, kept by the connector in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

import pytest
from contract_suite import (
    KEPT,
    DeletingSystem,
    Deletions,
    Merges,
    MergingSystem,
    Reading,
    WritableSystem,
    Writing,
)

from connectors.memory import Crm, MemoryConnector, MemorySettings
from syncd.connector import Context, Record, Source, TaskShape, Value


class MemorySystem(DeletingSystem, MergingSystem, WritableSystem):
    """Records in memory."""

    accounts = Source("account", "Account", ("Name", "Note"))
    kept = Source(
        *("account", "Account", ("Name", "Note")),
        where=({"propertyName": "Note", "operator": "EQ", "value": KEPT},),
    )
    contacts = Source("contact", "Contact", ("Name", "AccountId"))
    many = 1_100
    shape = TaskShape("Task", "Key", "WhatId")
    tasks = Source("task", "Task", ("Key", "Subject"), keep_deleted=True)
    subject = "Subject"
    refused: ClassVar[dict[str, Value]] = {"Bad": "x"}

    def __init__(self) -> None:
        self.crm = MemoryConnector.crms["contract"] = Crm(refuse={("Account", "Bad"): "no"})
        for source in (self.accounts, self.contacts, self.tasks):
            self.crm.put(source.object, "first", **dict.fromkeys(source.fields))
            self.crm.rows[source.object].clear()

    def connect(self) -> MemoryConnector:
        made = MemoryConnector(MemorySettings(path=""), Context(name="contract"))
        made.open()
        return made

    def strand(self) -> MemoryConnector:
        self.crm.unreachable = True
        return MemoryConnector(MemorySettings(path=""), Context(name="contract"))

    def add(self, count: int = 1, note: str = KEPT) -> list[str]:
        start = self.crm.version
        ids = [f"acc-{start + n:06}" for n in range(count)]
        for id in ids:
            self.crm.put("Account", id, Name=f"Account {id}", Note=note)
        return ids

    def note(self, ids: Iterable[str], text: str) -> None:
        for id in ids:
            self.crm.put("Account", id, Note=text)

    def add_contact(self, account: str) -> str:
        id = f"con-{self.crm.version:06}"
        self.crm.put("Contact", id, Name="Noor", AccountId=account)
        return id

    def account_of(self, contact: Record) -> str:
        return str(contact.fields["AccountId"])

    def remove(self, id: str) -> None:
        self.crm.delete("Account", id)

    def merge(self, winner: str, loser: str) -> str:
        self.crm.merge("Account", winner, loser)
        return winner

    def count(self, object: str) -> int:
        return len(self.crm.rows.get(object, {}))

    def remove_task(self, id: str) -> None:
        self.crm.delete("Task", id)


class TestMemory(Reading, Deletions, Merges, Writing):
    """Memory has no clock and no limits; everything else."""

    @pytest.fixture
    def system(self) -> Iterator[MemorySystem]:
        """A CRM in memory."""
        yield MemorySystem()
        del MemoryConnector.crms["contract"]
