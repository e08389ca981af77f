"""Owners: HubSpot's users as records can be assigned to them.

They are no object of the CRM: no search, no batch, no date to go by. So they are read whole each
time, which costs a call per 100, and once more for those who left (``archived=true``).
``hubspot_owner_id`` holds the owner's id, not the user's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from connectors.hubspot.answers import Answer
from connectors.hubspot.door import Door
from connectors.hubspot.paging import next_page, raise_if_stuck
from connectors.hubspot.paths import Paths
from connectors.hubspot.records import moment
from connectors.hubspot.session import Query
from connectors.hubspot.verdicts import RefusedError
from syncd.connector import FieldType, ObjectSchema, Page, Record, SchemaField, Source

OBJECT = "owners"
PAGE = 100

_FIELDS = {
    "id": FieldType.TEXT,
    "email": FieldType.TEXT,
    "firstName": FieldType.TEXT,
    "lastName": FieldType.TEXT,
    "name": FieldType.TEXT,
    "active": FieldType.BOOL,
    "userId": FieldType.TEXT,
}
SCHEMA = ObjectSchema(
    name=OBJECT,
    fields={
        name: SchemaField(
            name=name,
            label=name,
            type=type,
            vendor_type="owner",
            writable=False,
            createable=False,
            unique=name == "id",
        )
        for name, type in _FIELDS.items()
    },
    createable=False,
    updateable=False,
)


class Owners:
    """Reads owners, those who left included (`active` false)."""

    def __init__(self, door: Door, paths: Paths) -> None:
        """Contacts nothing."""
        self._door = door
        self._path = paths.owners()

    def pull(self, source: Source) -> Iterator[Page]:
        """All owners; the cursor is empty, as there is nothing to go on from."""
        yield Page(list(self.records(source).values()), {})

    def records(self, source: Source) -> dict[str, Record]:
        """All owners by id; an active one goes before an archived one of the same id."""
        found: dict[str, Record] = {}
        for owner in self._list("false"):
            record = _record(source, owner, active=not owner.get("archived"))
            found.setdefault(record.id, record)
        try:
            former = list(self._list("true"))
        except RefusedError as error:
            # Known by their absence: a task of somebody unknown goes to who stands in.
            self._door.note("hubspot.former_owners_unknown", reason=str(error))
            return found
        for owner in former:
            record = _record(source, owner, active=False)
            found.setdefault(record.id, record)
        return found

    def _list(self, archived: str) -> Iterator[Mapping[str, Any]]:
        after = ""
        while True:
            query = [("limit", str(PAGE)), ("archived", archived)]
            if after:
                query.append(("after", after))
            answer = self._ask(query)
            yield from answer.get("results") or ()
            seen, after = after, next_page(answer)
            if not after:
                return
            raise_if_stuck(OBJECT, moved=after != seen)

    def _ask(self, query: Query) -> Answer:
        """A page. The v3 path is known with its slash and without; HubSpot takes both."""
        try:
            return self._door.rows("GET", self._path, bears=("id",), query=query)
        except RefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND or not self._path.endswith("/"):
                raise
        self._path = self._path.rstrip("/")
        return self._door.rows("GET", self._path, bears=("id",), query=query)


def _record(source: Source, owner: Mapping[str, Any], *, active: bool) -> Record:
    first, last = owner.get("firstName") or "", owner.get("lastName") or ""
    user = owner.get("userId") or owner.get("userIdIncludingInactive")
    known = {
        "id": str(owner["id"]),
        "email": owner.get("email"),
        "firstName": first or None,
        "lastName": last or None,
        "name": f"{first} {last}".strip() or owner.get("email"),
        "active": "true" if active else "false",
        "userId": None if user is None else str(user),
    }
    return Record(
        id=str(owner["id"]),
        fields={field: known.get(field) for field in source.fields},
        modified_at=moment(owner.get("updatedAt")),
    )
