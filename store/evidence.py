"""From one reading to its place in the log: the leaf's entry, the block that holds it, and the path of hashes to a signed head.

The rows of the reading's batch are read again and made into the leaf again; when they make another one than the log holds, somebody
has changed them, and no proof is given.
"""

# ruff: noqa: S608 - statements are put together from constant names; every value is bound

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import IntArray, Series
from domain.reasons import Untold
from store import leaf, log, merkle, packed, tables
from store.catalogue import Catalogue
from store.engine import Store
from store.heads import Head, covering
from store.history import Statement
from store.incoming import BATCH, COLUMNS, REVISION, SERIES_BITS, WIDTH
from store.packed import day_at
from store.packing import rows_of
from store.retention import drops, reaches_into
from store.unpacking import Known
from store.verify_rows import NOWHERE, Ledger, columns_of, read_again


class NotInLog(LookupError):
    """The reading is there, but from before the log began."""


class PartlyDropped(NotInLog):
    """The reading is there, but others of its batch were dropped: the leaf cannot be made again."""


class Disagrees(RuntimeError):
    """The rows of a batch do not make the leaf that the log holds."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One version of a reading and what leads from it to a root: row `row` of `block`, whose digest is number `block_number` of `entry`.

    `head` is a signed head of the tree of `proof.size` leaves; None when no head was signed since the batch was committed.
    """

    series: Series
    end_s: int
    revision: int
    feed_id: str
    entry: bytes
    block: bytes
    block_number: int
    row: int
    proof: log.Proof
    head: Head | None


async def evidence(
    store: Store,
    series_uid: str,
    end_s: int,
    *,
    as_of_s: int | None = None,
    revision: int | None = None,
    size: int | None = None,
) -> Evidence | None:
    """Proof for the version of a reading that stands (stood, as known at `as_of_s`; or has this `revision`); None when there is none.

    `size` asks for a path in the tree of so many leaves (a head kept elsewhere); without it the newest signed head that holds the
    leaf is taken. Raises NotInLog, Disagrees, and IndexError when that tree does not hold the leaf.
    """
    async with store.reading() as connection:
        await store.catalogue.catch_up(connection)
        number = store.catalogue.series_ids.get(series_uid)
        version = None if number is None else await _version(connection, number, end_s, as_of_s, revision)
        if version is None or number is None:
            return None
        made = await _Batch.of(connection, store.catalogue, version[BATCH])
        place = made.leaf_of(number, end_s, version[REVISION])
        entry, contents = await made.remade(place)
        head = await covering(connection, place, size)
        leaves = size if size is not None else head.size if head else await log.size(connection)
        proof = await log.proof(connection, place, leaves)
    row = _row_of(contents.records, store.catalogue, number, end_s, version[REVISION])
    block = list(leaf.blocks(contents))[row // leaf.BLOCK_ROWS]
    return Evidence(
        store.catalogue.series_by_id[number],
        end_s,
        version[REVISION],
        made.answer["feed_id"],
        entry,
        block,
        row // leaf.BLOCK_ROWS,
        row % leaf.BLOCK_ROWS,
        proof,
        head,
    )


def _row_of(records: leaf.Records, catalogue: Catalogue, number: int, end_s: int, revision: int) -> int:
    digest = catalogue.digests(np.array([number]))[0]
    here = (records["end_s"] == end_s) & (records["revision"] == revision) & (records["series"] == digest).all(axis=1)
    return int(np.flatnonzero(here)[0])


async def _version(
    connection: AsyncConnection, series_id: int, end_s: int, as_of_s: int | None, revision: int | None
) -> tuple[Any, ...] | None:
    """One version of a reading, as COLUMNS and its receipt; the newest of those that fit."""
    statement = Statement(connection.dialect.name)
    key = f"r.series_id = {statement.value(series_id)} AND r.end_s = {statement.value(end_s)}"
    fields = ", ".join(f"r.{name}" for name in COLUMNS.split(", "))
    hot = f"SELECT {fields}, a.received_s FROM readings r JOIN answers a ON a.id = r.batch_id WHERE {key}"
    found = await connection.exec_driver_sql(hot, tuple(statement.values))
    standing = [tuple(row) for row in found] or await _packed_version(connection, series_id, end_s)
    fit = [
        row
        for row in standing
        if (as_of_s is None or row[-1] <= as_of_s) and (revision is None or row[REVISION] == revision)
    ]
    if fit or (as_of_s is None and revision is None):
        return fit[0] if fit else None
    was = f"SELECT {fields}, r.received_s FROM revisions r WHERE {key}"
    if as_of_s is not None:
        was += f" AND r.received_s <= {statement.value(as_of_s)} AND r.superseded_s > {statement.value(as_of_s)}"
    if revision is not None:
        was += f" AND r.revision = {statement.value(revision)}"
    row = (
        await connection.exec_driver_sql(f"{was} ORDER BY r.received_s DESC, r.batch_id DESC", tuple(statement.values))
    ).first()
    return None if row is None else tuple(row)


async def _packed_version(connection: AsyncConnection, series_id: int, end_s: int) -> list[tuple[Any, ...]]:
    key = np.array([(day_at(end_s) << SERIES_BITS) | series_id], dtype=np.int64)
    for block in await packed.fetch(connection, key):
        if block.content is not None:
            return [row for row in rows_of(block.series_id, block.content) if row[0] == end_s]
    return []


@dataclass(slots=True)
class _Batch:
    """One answer with the rows that it gave, wherever they are kept by now."""

    connection: AsyncConnection
    catalogue: Catalogue
    answer: Mapping[str, Any]
    ledger: Ledger

    @classmethod
    async def of(cls, connection: AsyncConnection, catalogue: Catalogue, batch_id: int) -> _Batch:
        asked = sa.select(tables.answers).where(tables.answers.c.id == batch_id)
        answer = dict((await connection.execute(asked)).mappings().one())
        number = NOWHERE if answer["leaf"] is None else answer["leaf"]
        ids = np.array(sorted(catalogue.series_by_id), dtype=np.int64)
        digests = np.zeros((int(ids[-1]) + 1, 2), dtype=np.uint64)
        digests[ids] = catalogue.digests(ids)
        ledger = Ledger(np.array([batch_id]), np.array([number]), np.array([answer["received_s"]]), digests)
        await read_again(connection, ledger, batch_id)
        return cls(connection, catalogue, answer, ledger)

    def leaf_of(self, series_id: int, end_s: int, revision: int) -> int:
        """The leaf that holds a row of this batch; raises NotInLog."""
        number = self.ledger.leaf_of(self.answer["id"], "readings", (series_id, end_s, revision))
        if number == NOWHERE:
            raise NotInLog("this reading is from before the log began")
        return number

    async def remade(self, number: int) -> tuple[bytes, leaf.Contents]:
        """The entry and contents of one leaf of this batch, made again from the rows; raises Disagrees when they are not what the log holds."""
        held = await log.leaf_hash_of(self.connection, number)
        others = await self._others(number)
        # what an older archive files in the past lies outside the span that the answer moved: then all superseded versions are asked
        for everywhere in (False, True):
            contents = await self._contents(number, others, everywhere=everywhere)
            entry = leaf.entry(self.answer, contents)
            if merkle.leaf_hash(entry) == held:
                return entry, contents
        first_s = self.ledger.first_reread_s(number)
        if reaches_into(await drops(self.connection), self.answer, first_s):
            raise PartlyDropped(f"{Untold.DROPPED_BY_RETENTION}: other readings of the same batch were dropped")
        raise Disagrees(f"the rows of this batch do not make leaf {number} of the log")

    async def _contents(self, number: int, others: leaf.Contents, *, everywhere: bool) -> leaf.Contents:
        rows = [*await self._standing(), *await self._superseded(everywhere=everywhere)]
        if not rows:
            return others
        columns = columns_of(rows, self.ledger.digests)
        at = np.flatnonzero(self.ledger.leaves_of(columns) == number)
        at = at[leaf.ordered(columns.records[at])]
        texts = {new: columns.texts[old] for new, old in enumerate(at.tolist()) if old in columns.texts}
        return leaf.Contents(columns.records[at], texts, others.withdrawn, others.samples, others.quakes)

    async def _standing(self) -> list[tuple[Any, ...]]:
        ends = [self.answer[name] for name in ("first_end_s", "last_end_s") if self.answer[name] is not None]
        # what an answer gave when it was read again moved no span
        ends += [key[1] for _, kind, key in self.ledger.rereads if kind == "readings"]
        if not ends:
            return []
        first_s, last_s = min(ends), max(ends)
        statement = Statement(self.connection.dialect.name)
        span = f"end_s BETWEEN {statement.value(first_s)} AND {statement.value(last_s)}"
        found = await self.connection.exec_driver_sql(
            f"SELECT {COLUMNS} FROM readings WHERE {span} AND batch_id = {statement.value(self.answer['id'])} "
            f"AND {statement.among('series_id', self._ids())}",
            tuple(statement.values),
        )
        hot = [tuple(row) for row in found]
        if first_s >= await packed.until_s(self.connection):
            return hot
        return hot + await self._packed(day_at(first_s), day_at(last_s))

    async def _packed(self, first_day: int, last_day: int) -> list[tuple[Any, ...]]:
        statement = Statement(self.connection.dialect.name)
        found = await self.connection.exec_driver_sql(
            f"SELECT series_id, day, blob FROM packed WHERE {statement.among('series_id', self._ids())} "
            f"AND day BETWEEN {statement.value(first_day - packed.SPAN + 1)} AND {statement.value(last_day)}",
            tuple(statement.values),
        )
        blobs = found.fetchall()
        known = await packed.receipts(self.connection, [row.blob for row in blobs])
        return await asyncio.to_thread(_rows_of_batch, blobs, known, self.answer["id"])

    def _ids(self) -> IntArray:
        feed = self.answer["feed_id"]
        return np.array(
            [number for number, one in self.catalogue.series_by_id.items() if one.feed_id == feed], dtype=np.int64
        )

    async def _superseded(self, *, everywhere: bool) -> list[tuple[Any, ...]]:
        first_s, last_s = self.answer["first_end_s"], self.answer["last_end_s"]
        statement = Statement(self.connection.dialect.name)
        span = ""
        if not everywhere and first_s is not None:
            span = f"end_s BETWEEN {statement.value(first_s)} AND {statement.value(last_s)} AND "
        found = await self.connection.exec_driver_sql(
            f"SELECT {COLUMNS} FROM revisions WHERE {span}batch_id = {statement.value(self.answer['id'])}",
            tuple(statement.values),
        )
        return [tuple(row) for row in found]

    async def _others(self, number: int) -> leaf.Contents:
        """What the leaf says beside its readings."""
        return leaf.Contents(
            withdrawn=await self._withdrawn(number),
            samples=await self._samples(number),
            quakes=await self._quakes(number),
        )

    async def _withdrawn(self, number: int) -> list[tuple[str, int, str]]:
        statement = Statement(self.connection.dialect.name)
        found = await self.connection.exec_driver_sql(
            "SELECT series_id, end_s, note FROM revisions WHERE reason = 'withdrawn' "
            f"AND superseded_by = {statement.value(self.answer['id'])}",
            tuple(statement.values),
        )
        return [
            (self.catalogue.series_by_id[series_id].uid, end_s, note)
            for series_id, end_s, note in map(tuple, found)
            if self.ledger.leaf_of(self.answer["id"], "withdrawn", (series_id, end_s)) == number
        ]

    async def _samples(self, number: int) -> list[bytes]:
        samples, results, stations = tables.samples, tables.sample_results, tables.stations
        asked = (
            sa.select(samples, stations.c.uid.label("station_uid"))
            .join(stations, stations.c.id == samples.c.station_id)
            .where(samples.c.batch_id == self.answer["id"])
        )
        lines: list[bytes] = []
        for row in map(dict, (await self.connection.execute(asked)).mappings().all()):
            if self._is_of(number, "samples", row):
                listed = await self.connection.execute(sa.select(results).where(results.c.sample_id == row["id"]))
                lines.append(leaf.sample_line(row, row["station_uid"], [dict(one) for one in listed.mappings()]))
        return lines

    async def _quakes(self, number: int) -> list[bytes]:
        quakes = tables.quakes
        asked = sa.select(quakes).where(quakes.c.batch_id == self.answer["id"])
        found = map(dict, (await self.connection.execute(asked)).mappings().all())
        return [leaf.quake_line(row) for row in found if self._is_of(number, "quakes", row)]

    def _is_of(self, number: int, kind: str, row: Mapping[str, Any]) -> bool:
        return self.ledger.leaf_of(self.answer["id"], kind, (row["uid"], row["revision"])) == number


def _rows_of_batch(blobs: Sequence[Any], known: Known, batch_id: int) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for series_id, day, blob in blobs:
        content = packed.opened(series_id, day, bytes(blob), None, known)
        if content is not None and (content.batch_id == batch_id).any():
            rows += [tuple(row[:WIDTH]) for row in rows_of(series_id, content) if row[BATCH] == batch_id]
    return rows
