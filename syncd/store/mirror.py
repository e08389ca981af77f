"""The mirror: the mapped fields of every record, as the CRM last showed them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.sql.elements import ColumnElement

from syncd.connector import Record
from syncd.store.sql import chunks, from_json, to_json, to_moment, to_text, upsert
from syncd.store.tables import records


class Row(Struct, frozen=True):
    """A mirrored record: which source, the record, and whom it belongs to ("account:001…")."""

    source: str
    record: Record
    owner: str | None


class Changed(Struct, frozen=True):
    """What saving a page changed: ids new, different or gone, and whom they belong(ed) to."""

    ids: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    merged: Mapping[str, str] = {}


def fingerprint(record: Record) -> str:
    """A hash of what the record says; a new modification date alone changes nothing."""
    return hashlib.blake2b(
        to_json([record.fields, record.links]).encode(), digest_size=16
    ).hexdigest()


class Mirror:
    """Reads and writes mirrored records."""

    def save(
        self,
        tx: Connection,
        connection: str,
        source: str,
        page: Sequence[Record],
        owner_of: Callable[[Record], str | None],
        digest_of: Callable[[Record], str] = fingerprint,
    ) -> Changed:
        """Keep the records as they are now; rows whose digest is the same are not touched."""
        before = self._known(tx, connection, source, [record.id for record in page])
        rows, gone, changed, owners = [], [], set(), set()
        merged = {}
        for record in page:
            known = before.get(record.id)
            if record.merged_into:
                merged[record.id] = record.merged_into
            if record.gone:
                if known is not None:
                    gone.append(record.id)
                    owners.add(known[1])
                continue
            digest = digest_of(record)
            if known is not None and known[0] == digest:
                continue
            owner = owner_of(record)
            changed.add(record.id)
            owners.add(owner)
            if known is not None:
                owners.add(known[1])
            rows.append(
                {
                    "connection": connection,
                    "source": source,
                    "id": record.id,
                    "fields": to_json(record.fields),
                    "links": to_json(record.links),
                    "hash": digest,
                    "owner": owner,
                    "modified_at": to_text(record.modified_at) if record.modified_at else None,
                }
            )
        upsert(tx, records, list({row["id"]: row for row in rows}.values()))
        self.remove(tx, connection, source, gone)
        return Changed(
            ids=frozenset(changed),
            gone=frozenset(gone),
            owners=frozenset(owner for owner in owners if owner is not None),
            merged=merged,
        )

    def moved(
        self, tx: Connection, connection: str, source: str, page: Sequence[Record]
    ) -> set[str]:
        """Those of these records that bear another modification date than before; it is kept.

        Something that is not mirrored has changed in them. Where syncd itself moved the date, the
        next one is only taken note of.
        """
        dates = {r.id: to_text(r.modified_at) for r in page if r.modified_at and not r.gone}
        stands = (records.c.connection == connection, records.c.source == source)
        found: set[str] = set()
        for some in chunks(dates):
            columns = (records.c.id, records.c.modified_at)
            for row in tx.execute(select(*columns).where(*stands, records.c.id.in_(some))).all():
                if row.modified_at == dates[row.id]:
                    continue
                here = (*stands, records.c.id == row.id)
                tx.execute(update(records).where(*here).values(modified_at=dates[row.id]))
                if row.modified_at is not None:
                    found.add(row.id)
        return found

    def undate(self, tx: Connection, connection: str, source: str, ids: Iterable[str]) -> None:
        """Syncd wrote to these records, or tasks to them: their modification date has moved."""
        for some in chunks(ids):
            tx.execute(
                update(records)
                .where(
                    records.c.connection == connection,
                    records.c.source == source,
                    records.c.id.in_(some),
                )
                .values(modified_at=None)
            )

    def _known(
        self, tx: Connection, connection: str, source: str, ids: Sequence[str]
    ) -> dict[str, tuple[str, str | None]]:
        known: dict[str, tuple[str, str | None]] = {}
        for some in chunks(ids):
            known.update(
                (row.id, (row.hash, row.owner))
                for row in tx.execute(
                    select(records.c.id, records.c.hash, records.c.owner).where(
                        records.c.connection == connection,
                        records.c.source == source,
                        records.c.id.in_(some),
                    )
                )
            )
        return known

    def remove(self, tx: Connection, connection: str, source: str, ids: Iterable[str]) -> None:
        """Forget these records."""
        for some in chunks(ids):
            tx.execute(
                delete(records).where(
                    records.c.connection == connection,
                    records.c.source == source,
                    records.c.id.in_(some),
                )
            )

    def rename_owner(self, tx: Connection, connection: str, old: str, new: str) -> None:
        """Give the records of one owner to another (a merge)."""
        tx.execute(
            update(records)
            .where(records.c.connection == connection, records.c.owner == old)
            .values(owner=new)
        )

    def ids(self, tx: Connection, connection: str, source: str) -> set[str]:
        """The ids of all mirrored records of a source."""
        return set(
            tx.scalars(
                select(records.c.id).where(
                    records.c.connection == connection, records.c.source == source
                )
            )
        )

    def count(self, tx: Connection, connection: str, source: str) -> int:
        """How many records of a source are mirrored."""
        return (
            tx.scalar(
                select(func.count())
                .select_from(records)
                .where(records.c.connection == connection, records.c.source == source)
            )
            or 0
        )

    def owners_of(self, tx: Connection, connection: str, ids: Iterable[str]) -> dict[str, str]:
        """Whom the records with these ids belong to, whatever their source."""
        found: dict[str, str] = {}
        for some in chunks(ids):
            for row in tx.execute(
                select(records.c.id, records.c.owner).where(
                    records.c.connection == connection,
                    records.c.id.in_(some),
                    records.c.owner.is_not(None),
                )
            ):
                found[row.id] = row.owner
        return found

    def get(self, tx: Connection, connection: str, source: str, id: str) -> Record | None:
        """One mirrored record."""
        wanted = self._rows(
            tx,
            records.c.connection == connection,
            records.c.source == source,
            records.c.id == id,
        )
        return next((row.record for row in wanted), None)

    def many(
        self, tx: Connection, connection: str, source: str, ids: Iterable[str]
    ) -> Iterator[Record]:
        """Those of these records that are mirrored."""
        for some in chunks(ids):
            for row in self._rows(
                tx,
                records.c.connection == connection,
                records.c.source == source,
                records.c.id.in_(some),
            ):
                yield row.record

    def of_source(self, tx: Connection, connection: str, source: str) -> Iterator[Record]:
        """All mirrored records of a source."""
        for row in self._rows(tx, records.c.connection == connection, records.c.source == source):
            yield row.record

    def of_owners(
        self, tx: Connection, connection: str, owners: Iterable[str], sources_: Sequence[str]
    ) -> Iterator[Row]:
        """The mirrored records of these sources that belong to these owners ("account:001…")."""
        for some in chunks(owners):
            yield from self._rows(
                tx,
                records.c.connection == connection,
                records.c.owner.in_(some),
                records.c.source.in_(list(sources_)),
            )

    def mentioning(
        self, tx: Connection, connection: str, sources_: Iterable[str], word: str
    ) -> set[str]:
        """Owners of records whose fields contain this text, such as a user's id."""
        pattern = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        return set(
            tx.scalars(
                select(records.c.owner).where(
                    records.c.connection == connection,
                    records.c.source.in_(list(sources_)),
                    records.c.fields.like(pattern, escape="\\"),
                    records.c.owner.is_not(None),
                )
            )
        )

    def change_fields(
        self,
        tx: Connection,
        connection: str,
        source: str,
        changes: Mapping[str, Mapping[str, object]],
        digest_of: Callable[[Record], str] = fingerprint,
    ) -> None:
        """Note in the mirror what a confirmed write left in the CRM (field values by record id)."""
        for some in chunks(changes):
            rows = []
            for row in tx.execute(
                select(records).where(
                    records.c.connection == connection,
                    records.c.source == source,
                    records.c.id.in_(some),
                )
            ):
                fields = from_json(row.fields)
                fields.update(from_json(to_json(changes[row.id])))
                record = Record(id=row.id, fields=fields, links=from_json(row.links))
                rows.append({**row._mapping, "fields": to_json(fields), "hash": digest_of(record)})
            upsert(tx, records, rows)

    def _rows(self, tx: Connection, *conditions: ColumnElement[bool]) -> Iterator[Row]:
        for row in tx.execute(select(records).where(*conditions)):
            links = {key: tuple(ids) for key, ids in from_json(row.links).items()}
            yield Row(
                source=row.source,
                owner=row.owner,
                record=Record(
                    id=row.id,
                    fields=from_json(row.fields),
                    links=links,
                    modified_at=to_moment(row.modified_at) if row.modified_at else None,
                ),
            )
