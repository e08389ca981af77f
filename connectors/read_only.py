"""What a connector answers that only reads: nothing is written, made or limited."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from syncd.connector import (
    Allowance,
    CheckNote,
    FieldSpec,
    FieldUpdate,
    Outcome,
    ProvisionStep,
    Record,
    Source,
    TaskShape,
    TaskUpsert,
    WriteResult,
)


class ReadOnly:
    """The writing half of a connector that has none. A write is refused, with the reason."""

    omits_unknown_fields: ClassVar[bool] = False
    currency_field: ClassVar[str] = ""
    mapping_defaults: ClassVar[Mapping[str, Any]] = {}
    name: str

    def find_tasks(
        self, shape: TaskShape, source: Source, keys: Sequence[str]
    ) -> dict[str, Record]:
        """There are no tasks."""
        del shape, source, keys
        return {}

    def update(
        self, object: str, updates: Sequence[FieldUpdate]
    ) -> Iterator[tuple[int, WriteResult]]:
        """Refuse each."""
        return self._refuse(object, len(updates))

    def upsert_tasks(
        self, shape: TaskShape, tasks: Sequence[TaskUpsert]
    ) -> Iterator[tuple[int, WriteResult]]:
        """Refuse each."""
        return self._refuse(shape.object, len(tasks))

    def _refuse(self, object: str, count: int) -> Iterator[tuple[int, WriteResult]]:
        text = f"{self.name} is only read: take {object} out of [writes] in its mapping"
        for index in range(count):
            yield index, WriteResult(Outcome.REJECTED, code="READ_ONLY", message=text)

    def write_calls(self, updates: Mapping[str, int], tasks: int) -> int:
        """None."""
        del updates, tasks
        return 0

    def rates(self) -> tuple[str, Mapping[str, Decimal]] | None:
        """None: the config's rates count."""
        return None

    def allowance(self) -> Allowance:
        """Nobody counts."""
        return Allowance()

    def record_url(self, object: str, id: str) -> str:
        """Rows have no pages."""
        del object, id
        return ""

    def check(self) -> Iterable[CheckNote]:
        """Nothing beyond the objects and fields."""
        return ()

    def provision(self, specs: Sequence[FieldSpec], *, apply: bool) -> Iterable[ProvisionStep]:
        """Nothing is made here."""
        del specs, apply
        return ()
