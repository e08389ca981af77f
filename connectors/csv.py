"""A read-only connector to a folder of CSV files: exports, usage, survey answers.

An object is a file: ``usage`` is ``usage.csv`` in the folder. Its first line names the fields; all
values are text, which the mapping's codecs read. A file that has not changed since the last run is
not read again into the state; one that has is read whole. Rows that were taken out show in the next
``--full`` run, which knows a truncated file from a shorter one.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from connectors.read_only import ReadOnly
from syncd.connector import (
    Calls,
    Context,
    Cursor,
    FieldType,
    ObjectSchema,
    Page,
    Record,
    SchemaField,
    Source,
)
from syncd.errors import AccessError, IncompleteReadError, UnreachableError

PAGE_ROWS = 1_000
_STRICT = ConfigDict(extra="forbid", frozen=True)


class FileSettings(BaseModel):
    """``[connections.<name>.objects.<object>]``: what is special about one file."""

    model_config = _STRICT

    file: str = Field("", description="its name in the folder; empty: the object's name and .csv")
    id: tuple[str, ...] = Field(
        (), description="the columns that tell one row from another; empty: id, else the first"
    )


class CsvSettings(BaseModel):
    """Settings of a connection to CSV files."""

    model_config = _STRICT

    folder: Path = Field(description="where the files are")
    delimiter: str = Field(",", min_length=1, max_length=1, description="what stands between cells")
    encoding: str = Field("utf-8-sig", description="of the files; a byte order mark is skipped")
    objects: dict[str, FileSettings] = Field({}, description="what is special about single files")


class _Table:
    """One file, read: its columns, its rows by id, and a digest of its bytes."""

    def __init__(self, settings: CsvSettings, object: str) -> None:
        """Raises AccessError when there is no such file, IncompleteReadError when it is no CSV."""
        own = settings.objects.get(object, FileSettings.model_validate({}))
        path = settings.folder / (own.file or f"{object}.csv")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise AccessError(
                f"there is no object {object}: {path} cannot be read ({error.strerror})",
                object=object,
                code="UNKNOWN_OBJECT",
            ) from error
        self.digest = hashlib.blake2b(content, digest_size=16).hexdigest()
        try:
            text = io.StringIO(content.decode(settings.encoding), newline="")
        except UnicodeDecodeError as error:
            raise IncompleteReadError(
                f"{path} is not {settings.encoding}: {error.reason} at byte {error.start}. "
                'Export it as UTF-8, or set "encoding" of the connection'
            ) from error
        lines = csv.reader(text, delimiter=settings.delimiter, strict=True)
        self.rows: dict[str, dict[str, str]] = {}
        try:
            self.columns = tuple(name.strip() for name in next(lines, ()))
            if not any(self.columns):
                raise IncompleteReadError(f"{path} is empty: its first line must name the columns")
            keys = [self._column(path, name) for name in own.id or self._own_id()]
            for cells in lines:
                if cells:
                    self._add(path, lines.line_num, cells, keys)
        except csv.Error as error:
            raise IncompleteReadError(f"{path}:{lines.line_num}: {error}") from error

    def _own_id(self) -> tuple[str, ...]:
        return ("id",) if "id" in map(str.lower, self.columns) else self.columns[:1]

    def _column(self, path: Path, name: str) -> str:
        found = self.find(name)
        if found is None:
            raise IncompleteReadError(f'{path}:1: there is no column "{name}" to be the id')
        return found

    def _add(self, path: Path, line: int, cells: list[str], keys: Sequence[str]) -> None:
        if len(cells) != len(self.columns):
            raise IncompleteReadError(
                f"{path}:{line}: {len(cells)} cells where the heading has {len(self.columns)}"
            )
        row = dict(zip(self.columns, cells, strict=True))
        id = "/".join(row[key].strip() for key in keys)
        if not id.strip("/"):
            raise IncompleteReadError(f"{path}:{line}: {', '.join(keys)} is empty")
        if id in self.rows:
            raise IncompleteReadError(f"{path}:{line}: {', '.join(keys)} {id} stands there twice")
        self.rows[id] = row

    def find(self, name: str) -> str | None:
        """The column of that name, first as written, then without regard to case."""
        if name in self.columns:
            return name
        return next((c for c in self.columns if c.lower() == name.lower()), None)


class CsvConnector(ReadOnly):
    """Reads a folder of CSV files. `where` is a list of filters, as in a HubSpot mapping."""

    Settings: ClassVar[type[BaseModel]] = CsvSettings
    mapping_defaults: ClassVar[Mapping[str, Any]] = {"id_field": ""}

    def __init__(self, settings: BaseModel, context: Context) -> None:
        """Keep the settings; touch nothing."""
        assert isinstance(settings, CsvSettings)
        self._settings = settings
        self.name = context.name
        self.calls = Calls()

    def open(self) -> None:
        """Find the folder."""
        if not self._settings.folder.is_dir():
            raise UnreachableError(
                f"{self.name}: there is no folder {self._settings.folder} to read CSV files from"
            )

    def identity(self) -> str:
        """The folder."""
        return f"csv {self._settings.folder}"

    def schema(self, object: str) -> ObjectSchema:
        """The columns; each is text that is not written."""
        self.calls.other += 1
        columns = _Table(self._settings, object).columns
        fields = {
            name: SchemaField(
                name=name, label=name, type=FieldType.TEXT, writable=False, createable=False
            )
            for name in columns
        }
        return ObjectSchema(name=object, fields=fields, createable=False, updateable=False)

    def pull(self, source: Source, cursor: Cursor | None) -> Iterator[Page]:
        """All rows, unless the file is the one that the cursor knows."""
        table = self._read(source)
        seen: Cursor = {"digest": table.digest}
        if cursor != seen:
            records = [self._record(source, table, id) for id in table.rows]
            if cursor is None:
                records = [record for record in records if not record.gone]
            for start in range(0, len(records), PAGE_ROWS):
                yield Page(records[start : start + PAGE_ROWS])
        yield Page((), seen)

    def ids(self, source: Source) -> Iterator[str]:
        """The ids of the rows that match."""
        table = self._read(source)
        yield from (id for id, row in table.rows.items() if _matches(source, table, row))

    def read(self, source: Source, ids: Sequence[str]) -> dict[str, Record]:
        """These rows."""
        table = self._read(source)
        return {id: self._record(source, table, id) for id in ids if id in table.rows}

    def _read(self, source: Source) -> _Table:
        self.open()
        self.calls.read += 1
        table = _Table(self._settings, source.object)
        conditions = source.where if isinstance(source.where, tuple) else ()
        asked = (*source.fields, *(str(one["propertyName"]) for one in conditions))
        missing = tuple(name for name in asked if table.find(name) is None)
        if missing:
            raise AccessError(
                f"{source.object} has no column {', '.join(missing)}",
                object=source.object,
                fields=missing,
                code="UNKNOWN_FIELD",
            )
        return table

    @staticmethod
    def _record(source: Source, table: _Table, id: str) -> Record:
        row = table.rows[id]
        if not _matches(source, table, row):
            return Record(id=id, fields={}, gone=True)
        fields = {name: row[table.find(name) or name] or None for name in source.fields}
        return Record(id=id, fields=fields)

    def least_read_calls(self, rows: Sequence[tuple[Source, int]]) -> int:
        """A file is read at once."""
        return len(rows)

    def close(self) -> None:
        """Nothing is held open."""


def _matches(source: Source, table: _Table, row: Mapping[str, str]) -> bool:
    """Whether a row passes the filters: EQ, NEQ, IN, NOT_IN, HAS_PROPERTY, NOT_HAS_PROPERTY."""
    for condition in source.where if isinstance(source.where, tuple) else ():
        held = row[table.find(str(condition["propertyName"])) or ""]
        operator = str(condition["operator"])
        if operator.endswith("HAS_PROPERTY"):
            fits = held != ""
        else:
            words = condition.get("values") or (condition.get("value"),)
            fits = held in {str(word) for word in words}
        if fits is operator.startswith("N"):
            return False
    return True
