"""From stored rows back to the leaves that they belong to, by way of files: years of readings fit into no memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import NO_TIME, IntArray
from store import leaf, tables
from store.leaf import Digests

LEAVES_AT_ONCE = 128
_OF_READINGS = ("readings", "withdrawn")  # whose keys are (series number, end_s, ...)
NOWHERE = -1  # the leaf of a row whose batch is not in the log

_FILED = np.dtype([("leaf", "<i8"), ("record", leaf.RECORD)])


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows of readings as columns; `received_s` and the end of a version are there for superseded ones."""

    end_s: IntArray
    series_id: IntArray
    batch_id: IntArray
    revision: IntArray
    records: leaf.Records
    texts: dict[int, str]


@dataclass(slots=True)
class Ledger:
    """Which batch is which leaf, when it was received, and what the log calls each series."""

    batch_id: IntArray  # sorted
    leaf: IntArray
    received_s: IntArray
    digests: Digests  # by series id
    series_uids: dict[int, str] = field(default_factory=dict)
    stations: dict[int, str] = field(default_factory=dict)
    #: leaves of answers read again: (batch, kind, key) -> leaf
    rereads: dict[tuple[int, str, tuple[Any, ...]], int] = field(default_factory=dict)
    reread_batches: frozenset[int] = frozenset()
    reread_leaves: dict[int, int] = field(default_factory=dict)  # leaf -> batch

    def places(self, batch_id: IntArray) -> IntArray:
        """Where each batch stands in the ledger; -1 for one that is not there."""
        if not len(self.batch_id):
            return np.full(len(batch_id), -1, dtype=np.int64)
        at = np.searchsorted(self.batch_id, batch_id).clip(max=len(self.batch_id) - 1)
        return np.where(self.batch_id[at] == batch_id, at, -1)

    def leaf_of(self, batch_id: int, kind: str, key: tuple[Any, ...]) -> int:
        """The leaf of one row."""
        if batch_id in self.reread_batches and (batch_id, kind, key) in self.rereads:
            return self.rereads[batch_id, kind, key]
        at = int(self.places(np.array([batch_id]))[0])
        return NOWHERE if at < 0 else int(self.leaf[at])

    def first_reread_s(self, number: int) -> int | None:
        """The first end of what the leaf of an answer read again holds; None for another leaf."""
        if number not in self.reread_leaves:
            return None
        held = (key[1] for (_, kind, key), of in self.rereads.items() if of == number and kind in _OF_READINGS)
        return min(held, default=None)

    def leaves_of(self, rows: Columns) -> IntArray:
        """The leaf of each row of readings."""
        at = self.places(rows.batch_id)
        found = np.where(at < 0, NOWHERE, self.leaf[at]) if len(self.leaf) else np.full(len(at), NOWHERE)
        if self.reread_batches:
            for i in np.flatnonzero(np.isin(rows.batch_id, list(self.reread_batches))).tolist():
                key = (int(rows.series_id[i]), int(rows.end_s[i]), int(rows.revision[i]))
                found[i] = self.leaf_of(int(rows.batch_id[i]), "readings", key)
        return found


async def ledger(connection: AsyncConnection) -> Ledger:
    """Read what is needed to find the leaf of any row."""
    answers, series, stations = tables.answers, tables.series, tables.stations
    listed = (
        await connection.execute(sa.select(answers.c.id, answers.c.leaf, answers.c.received_s).order_by(answers.c.id))
    ).all()
    made = Ledger(
        np.array([row.id for row in listed], dtype=np.int64),
        np.array([NOWHERE if row.leaf is None else row.leaf for row in listed], dtype=np.int64),
        np.array([row.received_s for row in listed], dtype=np.int64),
        np.zeros((0, 2), dtype=np.uint64),
    )
    made.stations = {row.id: row.uid for row in await connection.execute(sa.select(stations.c.id, stations.c.uid))}
    asked = sa.select(series.c.id, series.c.uid, series.c.unit, series.c.station_id)
    known = (await connection.execute(asked)).all()
    made.series_uids = {row.id: row.uid for row in known}
    made.digests = np.zeros((max(made.series_uids, default=0) + 1, 2), dtype=np.uint64)
    for row in known:
        digest = leaf.series_digest(row.uid, row.unit, made.stations.get(row.station_id, ""))
        made.digests[row.id] = np.frombuffer(digest, dtype="<u8")
    await read_again(connection, made)
    return made


async def read_again(connection: AsyncConnection, made: Ledger, batch_id: int | None = None) -> None:
    """Note in a ledger the leaves of answers that were read again, of all batches or of one."""
    asked = sa.select(tables.log_rereads)
    if batch_id is not None:
        asked = asked.where(tables.log_rereads.c.batch_id == batch_id)
    for row in (await connection.execute(asked)).all():
        made.reread_leaves[row.leaf] = row.batch_id
        try:
            keys = json.loads(row.keys)
            made.rereads |= {(row.batch_id, kind, tuple(key)): row.leaf for kind in keys for key in keys[kind]}
        except (ValueError, TypeError, AttributeError):
            continue  # the leaf will not fit, and is named for that
    made.reread_batches = frozenset(made.reread_leaves.values())


def columns_of(rows: Sequence[Any], digests: leaf.Digests) -> Columns:
    """Rows that begin with COLUMNS as columns."""
    end_s, series_id, value, batch_id, digits, qc, censoring, revision, published, limit, texts = list(
        zip(*rows, strict=True)
    )[:11]
    ids = np.array(series_id, dtype=np.int64)
    made = np.zeros(len(ids), dtype=leaf.RECORD)
    known = (ids >= 0) & (ids < len(digests))
    made["series"][known] = digests[ids[known]]
    made["end_s"], made["revision"], made["qc"] = end_s, revision, qc
    made["digits"], made["censoring"] = digits, censoring
    made["value"] = leaf.canonical(np.array(value, dtype=np.float64))
    made["limit"] = leaf.canonical(np.array(limit, dtype=np.float64))
    made["published_after_s"] = [NO_TIME if one is None else one for one in published]
    kept = {i: text for i, text in enumerate(texts) if text is not None}
    made["text"][list(kept)] = 1
    ends, revisions = made["end_s"].astype(np.int64), made["revision"].astype(np.int64)
    return Columns(ends, ids, np.array(batch_id, dtype=np.int64), revisions, made, kept)


class Spill:
    """Records filed by their leaves, a file for every LEAVES_AT_ONCE."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._texts: dict[tuple[int, bytes], str] = {}

    def add(self, leaves: IntArray, records: leaf.Records, texts: dict[int, str]) -> None:
        """File records, each under its leaf."""
        filed = np.zeros(len(leaves), dtype=_FILED)
        filed["leaf"], filed["record"] = leaves, records
        for i, text in texts.items():
            self._texts[int(leaves[i]), _key(records[i])] = text
        bucket = leaves // LEAVES_AT_ONCE
        for number in np.unique(bucket).tolist():
            with (self._folder / str(number)).open("ab") as file:
                file.write(filed[bucket == number].tobytes())

    def taken(self, bucket: int) -> Iterator[tuple[int, leaf.Records, dict[int, str]]]:
        """Each leaf of a bucket that has readings, with its records in order and their texts."""
        path = self._folder / str(bucket)
        if not path.exists():
            return
        filed = np.frombuffer(path.read_bytes(), dtype=_FILED)
        filed = filed[np.argsort(filed["leaf"], kind="stable")]
        numbers, starts = np.unique(filed["leaf"], return_index=True)
        for number, part in zip(numbers.tolist(), np.split(filed["record"], starts[1:]), strict=True):
            records = part[leaf.ordered(part)]
            told = np.flatnonzero(records["text"]).tolist()
            yield number, records, {i: self._texts[number, _key(records[i])] for i in told}


def _key(record: npt.NDArray[np.void] | np.void) -> bytes:
    return record["series"].tobytes() + record["end_s"].tobytes() + record["revision"].tobytes()
