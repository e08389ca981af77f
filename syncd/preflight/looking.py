"""What is looked at: a connection's schemas, each read once, and where an admin mends what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from syncd.connector import CheckNote, FieldSpec, FieldType, Lack, ObjectSchema, mend
from syncd.errors import AccessError, RequestError
from syncd.policy import Policy
from syncd.rules import RULES
from syncd.sync import Connected

NEAR = 0.8  # how alike a field of the CRM must be to be meant by a name that it lacks
FITTING: dict[FieldType, frozenset[FieldType]] = {
    FieldType.TEXT: frozenset(
        {FieldType.TEXT, FieldType.LONG_TEXT, FieldType.HTML, FieldType.PICKLIST}
    ),
    FieldType.LONG_TEXT: frozenset({FieldType.TEXT, FieldType.LONG_TEXT, FieldType.HTML}),
    FieldType.PICKLIST: frozenset({FieldType.PICKLIST, FieldType.TEXT, FieldType.LONG_TEXT}),
    FieldType.NUMBER: frozenset(
        {FieldType.NUMBER, FieldType.PERCENT, FieldType.MONEY, FieldType.TEXT}
    ),
    FieldType.MONEY: frozenset({FieldType.MONEY, FieldType.NUMBER, FieldType.TEXT}),
    FieldType.PERCENT: frozenset({FieldType.PERCENT, FieldType.NUMBER, FieldType.TEXT}),
    FieldType.BOOL: frozenset({FieldType.BOOL, FieldType.PICKLIST, FieldType.TEXT}),
    FieldType.DATE: frozenset({FieldType.DATE, FieldType.DATETIME, FieldType.TEXT}),
}


class Look:
    """One look at a connection."""

    def __init__(self, connected: Connected, policy: Policy) -> None:
        """Ask nothing yet."""
        self.connected, self.policy = connected, policy
        self.mapping = connected.mapping
        self.specs: list[FieldSpec] = connected.mapping.specs(policy)
        self._schemas: dict[str, ObjectSchema | None] = {}

    def schema(self, object: str) -> ObjectSchema | None:
        """The object's schema; None where it cannot be seen (`unseen` says why)."""
        return self._schemas.get(object)

    def unseen(self, object: str) -> Iterator[CheckNote]:
        """Read the object's schema, if that was not done; a note where it cannot be seen."""
        if object in self._schemas:
            return
        try:
            self._schemas[object] = self.connected.connector.schema(object)
        except (AccessError, RequestError) as error:
            self._schemas[object] = None
            remedy = getattr(error, "remedy", "") or self.mend("object", object)
            text = f"{object} cannot be seen: {error}{self.cost(self._fed_by(object))}"
            yield CheckNote("error", text, remedy, object)

    def mend(self, lack: Lack, object: str, field: str = "", *, otherwise: str = "") -> str:
        """The clicks in the CRM's own pages; `otherwise`, where the connector knows none."""
        return mend(self.connected.connector, lack, object, field, otherwise=otherwise)

    def cost(self, used: Iterable[str]) -> str:
        """Which rules are off without these inputs; empty: none."""
        given = set(used)
        off = sorted(rule.name for rule in RULES if rule.inputs & given)
        return f"; off without it: {', '.join(off)}" if off else ""

    def _fed_by(self, object: str) -> set[str]:
        """The inputs that come from the object."""
        return {
            name
            for source in self.mapping.sources
            if source.object == object and source.name != self.mapping.task_source
            for field in (*source.fields, *(link.key for link in source.associations))
            for name in self.mapping.canonical_of(source.name, field)
        }
