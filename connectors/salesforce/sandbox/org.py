"""The org: its schema, its rows, its users, and how rows come to be, change and go."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from connectors.salesforce.sandbox import founding
from connectors.salesforce.sandbox.access import (
    WATCHED,
    Access,
    check_assignment,
    check_field_permission,
)
from connectors.salesforce.sandbox.errors import RowError
from connectors.salesforce.sandbox.held import Actor
from connectors.salesforce.sandbox.ids import SHORT, long_id, mint
from connectors.salesforce.sandbox.incoming import given_values
from connectors.salesforce.sandbox.rules import Rules
from connectors.salesforce.sandbox.schema import SObject
from connectors.salesforce.sandbox.semantics import derive, refuse_misplaced, touch_parents
from connectors.salesforce.sandbox.standard import standard_objects
from connectors.salesforce.sandbox.table import Row, Table
from connectors.salesforce.sandbox.times import wire
from connectors.sandbox.faults import spoiled_row

NUMBERED = {"Case": "{:08d}", "Contract": "{:08d}", "Product_Usage__c": "PU-{:07d}"}
AUDIT = ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")

Judge = Callable[["Org", SObject, Row, Row | None, Actor], None]


@dataclass(frozen=True, slots=True)
class Rejection:
    """A validation rule: rows that `predicate` is true of are refused."""

    object: str
    predicate: Callable[[Row], bool]
    code: str
    message: str
    fields: tuple[str, ...] = ()


@dataclass(slots=True)
class Org:
    """An org's whole state. `lock` is held by whoever reads or writes it.

    `judge` holds the `rules` against a row, its kind, what it was before and who writes; it raises
    RowError. It is given from outside because it speaks SOQL, which stands on the org.
    """

    clock: Callable[[], datetime]
    judge: Judge | None = None
    objects: dict[str, SObject] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    rules: Rules = field(default_factory=Rules)
    field_ids: dict[str, str] = field(default_factory=dict)
    purged: list[tuple[str, str, str]] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    access: Access = field(init=False)
    lower: dict[str, SObject] = field(init=False)
    prefixes: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """A new org with the standard schema and its two users, unless one is given."""
        self.access = Access(self)
        if not self.objects:
            self.objects = standard_objects()
            self.reindex()
            founding.found(self)
        else:
            self.reindex()

    def reindex(self) -> None:
        """Follow a change of the list of objects."""
        self.lower = {name.lower(): kind for name, kind in self.objects.items()}
        self.prefixes = {kind.prefix: name for name, kind in self.objects.items()}
        for name, kind in self.objects.items():
            self.tables.setdefault(name, Table(kind))
        self.access.forget()

    def now(self) -> str:
        """The org's time as it stamps it."""
        return wire(self.clock())

    def new_id(self, name: str) -> str:
        """A fresh id for a record of the object."""
        return self.new_key(self.objects[name].prefix)

    def new_key(self, prefix: str) -> str:
        """A fresh id with the key prefix."""
        self.counters[prefix] = self.counters.get(prefix, 0) + 1
        return mint(prefix, self.counters[prefix])

    def kind_of(self, key: str) -> str | None:
        """The name of the object that an id belongs to."""
        return self.prefixes.get(key[:3])

    def row(self, key: str) -> Row | None:
        """The row with the id, deleted or not."""
        name = self.kind_of(key)
        return None if name is None else self.tables[name].rows.get(key)

    def store(self, name: str, values: Row) -> str:
        """Put a row in as it stands, with an id and audit fields; nothing is checked."""
        now = self.now()
        kind = self.objects[name]
        row: Row = {"Id": self.new_id(name)}
        if "IsDeleted" in kind.fields:
            row["IsDeleted"] = False
        admin = self.ids.get("admin", str(row["Id"]))
        row |= {"CreatedDate": now, "CreatedById": admin, "LastModifiedDate": now}
        row |= {"LastModifiedById": admin, "SystemModstamp": now}
        self._defaults(kind, row, admin)
        row |= {key: value for key, value in values.items() if value is not None}
        self.tables[name].put(row)
        return str(row["Id"])

    def _defaults(self, kind: SObject, row: Row, actor: str) -> None:
        for one in kind.fields.values():
            if one.default is not None and one.name not in row:
                row[one.name] = one.default
        if "OwnerId" in kind.fields:
            row.setdefault("OwnerId", actor)
        numbering = NUMBERED.get(kind.name)
        if numbering is not None:
            key = f"#{kind.name}"
            self.counters[key] = self.counters.get(key, 0) + 1
            row[kind.name_field] = numbering.format(self.counters[key])

    def create(self, name: str, values: Row, actor: Actor) -> str:
        """Insert a row as a client asks; returns its id.

        Raises RowError for the row, RequestError for what spoils a whole request.
        """
        kind = self.objects[name]
        if "C" not in kind.flags or not self._may(actor, name, "Create"):
            raise cannot(kind, "create")
        given = given_values(self, kind, values, actor, new=True)
        refuse_misplaced(name, given, None)
        now = self.now()
        row: Row = {"Id": self.new_id(name)}
        if "IsDeleted" in kind.fields:
            row["IsDeleted"] = False
        row |= dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), now)
        row |= dict.fromkeys(("CreatedById", "LastModifiedById"), actor.user)
        row |= {key: value for key, value in given.items() if value is not None}
        self._defaults(kind, row, actor.user)
        missing = [one.name for one in kind.fields.values() if one.required and one.name not in row]
        if missing:
            raise missing_fields(missing)
        forced = given if actor.audit else {}
        self._settle(kind, row, None, actor, forced)
        self.tables[name].put({key: value for key, value in row.items() if value is not None})
        self._after(name, row)
        return str(row["Id"])

    def update(self, name: str, key: str, values: Row, actor: Actor) -> None:
        """Change a row as a client asks. Raises RowError or RequestError."""
        kind = self.objects[name]
        if "U" not in kind.flags or not self._may(actor, name, "Edit"):
            raise cannot(kind, "update")
        table = self.tables[name]
        before = self.existing(name, key)
        given = given_values(self, kind, values, actor, new=False)
        refuse_misplaced(name, given, before)
        emptied = [
            one
            for one, value in given.items()
            if value is None and not kind.fields[one].nillable and kind.fields[one].createable
        ]
        if emptied:
            raise missing_fields(emptied)
        stamps: Row = {"LastModifiedDate": self.now(), "SystemModstamp": self.now()}
        stamps["LastModifiedById"] = actor.user
        after = before | stamps | given
        forced = given if actor.audit else {}
        derived = self._settle(kind, after, before, actor, forced)
        table.change(before, stamps | given | derived)
        self._after(name, before)

    def _may(self, actor: Actor, name: str, right: str) -> bool:
        return self.access.may(actor.user if actor.bound else None, name, right)

    def _settle(
        self, kind: SObject, row: Row, before: Row | None, actor: Actor, forced: Row
    ) -> Row:
        derived = derive(self, kind.name, row, before, actor.user)
        derived |= {key: forced[key] for key in forced if key in derived}
        row |= derived
        if kind.name == "FieldPermissions":
            check_field_permission(self, row, new=before is None)
        if kind.name == "PermissionSetAssignment" and before is None:
            check_assignment(self, row)
        for rule in self.rejections:
            if rule.object == kind.name and actor.bound and rule.predicate(dict(row)):
                raise RowError(rule.code, rule.message, rule.fields)
        if actor.bound and self.judge:
            self.judge(self, kind, row, before, actor)
        spoiled = spoiled_row() if actor.bound else None
        if spoiled is not None:
            raise RowError(spoiled.code, spoiled.message, spoiled.fields)
        self._check_owner(kind, row, before)
        self._check_unique(kind, row)
        return derived

    def _check_owner(self, kind: SObject, row: Row, before: Row | None) -> None:
        owner = row.get("OwnerId")
        if owner is None or (before is not None and before.get("OwnerId") == owner):
            return
        user = self.tables["User"].rows.get(owner)
        if user is not None and not user.get("IsActive"):
            raise RowError(
                "INACTIVE_OWNER_OR_USER",
                f"operation performed with inactive user [{owner[:SHORT]}] as owner of "
                f"{kind.name.lower()}",
                [],
            )

    def _check_unique(self, kind: SObject, row: Row) -> None:
        table = self.tables[kind.name]
        for one in kind.fields.values():
            value = row.get(one.name) if one.unique else None
            if value is None:
                continue
            for other in table.having(one.name, value):
                same = other[one.name] == value or not one.case_sensitive
                if other["Id"] != row["Id"] and same and not other.get("IsDeleted"):
                    raise RowError(
                        "DUPLICATE_VALUE",
                        f"duplicate value found: {one.name} duplicates value on record with id: "
                        f"{other['Id'][:SHORT]}",
                        [one.name],
                    )

    def _after(self, name: str, row: Row) -> None:
        if name in {"Task", "Event"}:
            touch_parents(self, name, row)
        if name == "FieldPermissions" and not row.get("PermissionsRead"):
            self.tables[name].discard(row["Id"])
        if name in WATCHED:
            self.access.forget()

    def existing(self, name: str, key: str) -> Row:
        """The undeleted row. Raises RowError."""
        full = long_id(key)
        if full is None or self.kind_of(full) != name:
            raise RowError(
                "MALFORMED_ID",
                f"{self.objects[name].label} ID: id value of incorrect type: {key}",
                ["Id"],
            )
        row = self.tables[name].rows.get(full)
        if row is None:
            raise RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if row.get("IsDeleted"):
            raise RowError("ENTITY_IS_DELETED", "entity is deleted")
        return row


def missing_fields(names: list[str]) -> RowError:
    """The refusal of a row without what it must have."""
    return RowError(
        "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(names)}]", names
    )


def cannot(kind: SObject, verb: str) -> RowError:
    """The refusal of an operation that an object does not have."""
    return RowError(
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
        if verb != "delete"
        else "INSUFFICIENT_ACCESS_OR_READONLY",
        f"entity type cannot be {verb}d: {kind.label}".replace("eed", "ed"),
    )
