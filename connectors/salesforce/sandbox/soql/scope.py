"""What a query's names mean: fields, parents by dots, and who may see them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectors.salesforce.sandbox.errors import GUIDANCE, RequestError
from connectors.salesforce.sandbox.schema import Field, SObject
from connectors.salesforce.sandbox.soql.parse import pointed
from connectors.salesforce.sandbox.soql.tree import Path

if TYPE_CHECKING:
    from connectors.salesforce.sandbox.org import Org
    from connectors.salesforce.sandbox.table import Row

MAX_PARENTS = 5
Getter = Callable[["Row"], Any]
_POLYMORPHIC = SObject("Name", "", "Name", "Name", flags="Q")
for _name in ("Name", "Type", "FirstName", "LastName", "Title", "Email", "Phone", "Alias"):
    _POLYMORPHIC.add(Field(name=_name, type="string", label=_name))
for _name in ("Username", "IsActive", "Id", "ProfileId", "UserRoleId", "RecordTypeId"):
    _POLYMORPHIC.add(Field(name=_name, type="string", label=_name))


@dataclass(frozen=True, slots=True)
class Column:
    """A field as a query reaches it: how to read it from a row of the queried object."""

    field: Field
    get: Getter
    parents: tuple[Field, ...]


class Scope:
    """One object within one query, seen with one user's eyes."""

    def __init__(
        self, org: Org, user: str | None, kind: SObject, query: tuple[str, str | None]
    ) -> None:
        """`query` is the whole text and the object's alias."""
        self.org = org
        self.user = user
        self.kind = kind
        self.text, alias = query
        self.own = {kind.name.lower()} | ({alias.lower()} if alias else set())

    def error(self, at: tuple[int, int], code: str, message: str) -> RequestError:
        """A refusal that points into the query."""
        return RequestError(400, code, pointed(self.text, at, message))

    def no_column(self, name: str, kind: SObject, at: tuple[int, int]) -> RequestError:
        """The refusal of a field that is not there, or not for this user."""
        return self.error(
            at,
            "INVALID_FIELD",
            f"No such column '{name}' on entity '{kind.name}'. If you are attempting to use a "
            "custom field, be sure to append the '__c' after the custom field name. " + GUIDANCE,
        )

    def visible(self, name: str, kind: SObject) -> Field | None:
        """The object's field of this name, where the user may see it."""
        one = kind.find(name)
        if one is None or kind is _POLYMORPHIC:
            return one
        return None if one.name in self.org.access.view(self.user, kind.name).hidden else one

    def column(self, path: Path) -> Column:
        """What a path names. Raises RequestError INVALID_FIELD."""
        names = path.names
        if len(names) > 1 and names[0].lower() in self.own and not self._is_parent(names[0]):
            names = names[1:]
        kind = self.kind
        parents: list[Field] = []
        for name in names[:-1]:
            link = kind.relationships.get(name.lower())
            if link is None or self.visible(link.name, kind) is None:
                raise self.error(
                    path.at,
                    "INVALID_FIELD",
                    f"Didn't understand relationship '{name}' in field path. If you are attempting "
                    "to use a custom relationship, be sure to append the '__r' after the custom "
                    "relationship name. " + GUIDANCE,
                )
            parents.append(link)
            kind = self.target(link)
        if len(parents) > MAX_PARENTS:
            raise self.error(
                path.at, "INVALID_FIELD", "The relationship path is more than 5 levels deep"
            )
        one = self.visible(names[-1], kind)
        if one is None:
            raise self.no_column(names[-1], kind, path.at)
        return Column(one, self._getter(parents, one, kind), tuple(parents))

    def _is_parent(self, name: str) -> bool:
        return name.lower() in self.kind.relationships

    def target(self, link: Field) -> SObject:
        """The object that a relationship leads to; a stand-in where it may be several."""
        if len(link.to) > 1:
            return _POLYMORPHIC
        found = self.org.objects.get(link.to[0])
        return _POLYMORPHIC if found is None else found

    def _getter(self, parents: list[Field], one: Field, kind: SObject) -> Getter:
        read = self.reader(one, kind)
        if not parents:
            return read
        steps = [link.name for link in parents]
        row_of = self.org.row

        def through(row: Row) -> Any:
            at: Row | None = row
            for step in steps:
                key = at.get(step) if at is not None else None
                at = None if key is None else row_of(key)
            return None if at is None else read(at)

        return through

    def reader(self, one: Field, kind: SObject) -> Getter:
        """How to read a field from a row of its own object."""
        name = one.name
        if kind is _POLYMORPHIC:
            return lambda row: polymorphic(self.org, row, name)
        if one.formula is not None:
            inner = Scope(self.org, None, kind, ("", None))
            return inner.column(Path(tuple(one.formula.split(".")))).get
        if one.type == "address":
            prefix = name.removesuffix("Address")
            return lambda row: address(row, prefix)
        if one.type == "boolean":
            return lambda row: row.get(name, False)
        return lambda row: row.get(name)


def polymorphic(org: Org, row: Row, name: str) -> Any:
    """A field that all kinds of parents have."""
    kind = org.kind_of(row["Id"])
    if name == "Type":
        return kind
    if name == "Name" and kind is not None:
        return row.get(org.objects[kind].name_field)
    return row.get(name)


def address(row: Row, prefix: str) -> dict[str, Any] | None:
    """A compound address from its parts; None where all are empty."""
    parts = {
        "city": row.get(f"{prefix}City"),
        "country": row.get(f"{prefix}Country"),
        "geocodeAccuracy": row.get(f"{prefix}GeocodeAccuracy"),
        "latitude": row.get(f"{prefix}Latitude"),
        "longitude": row.get(f"{prefix}Longitude"),
        "postalCode": row.get(f"{prefix}PostalCode"),
        "state": row.get(f"{prefix}State"),
        "street": row.get(f"{prefix}Street"),
    }
    return parts if any(part is not None for part in parts.values()) else None
