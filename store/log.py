"""The log of committed batches: an append-only hash tree (RFC 6962), one leaf a batch, so that no past can be changed unseen.

A leaf is appended as the last thing of a batch's transaction: on PostgreSQL that row is where several collectors queue, for one
millisecond each. Kept are the hashes of complete subtrees, each written once; a leaf's entry is made again from the rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import leaf, merkle, tables
from store.catalogue import Catalogue
from store.engine import Store
from store.readings import Outcome
from store.samples import SampleWriter

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Proof:
    """That leaf `number` with hash `leaf` stands in the tree of `size` leaves under `root`."""

    number: int
    size: int
    leaf: bytes
    root: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Consistency:
    """That the tree of `new` leaves holds the tree of `old` leaves as it was."""

    old: int
    new: int
    old_root: bytes
    new_root: bytes
    path: tuple[bytes, ...]


def contents(outcome: Outcome, others: SampleWriter | None, catalogue: Catalogue) -> leaf.Contents:
    """What a transaction wrote of one batch."""
    stations = {number: uid for uid, number in catalogue.station_ids.items()} if others and others.entered else {}
    records, texts = _records(outcome, catalogue)
    return leaf.Contents(
        records=records,
        texts=texts,
        withdrawn=[(catalogue.series_by_id[number].uid, end_s, note) for number, end_s, note in outcome.taken_back],
        samples=[leaf.sample_line(row, stations[row["station_id"]], results) for row, results in others.entered]
        if others
        else (),
        quakes=[leaf.quake_line(row) for row in others.entered_quakes] if others else (),
    )


def _records(outcome: Outcome, catalogue: Catalogue) -> tuple[leaf.Records, dict[int, str]]:
    parts = outcome.entered
    if not parts:
        return np.zeros(0, dtype=leaf.RECORD), {}
    made = [leaf.records_of(rows, revision, catalogue.digests(rows.series_id)) for rows, revision in parts]
    records = made[0] if len(made) == 1 else np.concatenate(made)
    order = leaf.ordered(records)
    texts: dict[int, str] = {}
    begin = 0
    for rows, _ in parts:
        texts |= {begin + i: text for i, text in rows.texts.items()}
        begin += len(rows)
    if texts:
        texts = {new: texts[old] for new, old in enumerate(order.tolist()) if old in texts}
    return records[order], texts


async def append(connection: AsyncConnection, answer: Mapping[str, Any], told: leaf.Contents) -> int:
    """Append the leaf of a batch in the connection's transaction, as its last work but marking the answer; the leaf's number."""
    return await append_entry(connection, leaf.entry(answer, told))


async def append_entry(connection: AsyncConnection, entry: bytes) -> int:
    """Append a leaf; its number. Whoever appends next waits for this transaction."""
    lock = "" if connection.dialect.name == "sqlite" else " FOR UPDATE"
    state = tuple((await connection.exec_driver_sql(f"SELECT size, peaks FROM log_state WHERE id = 1{lock}")).one())  # noqa: S608 - a constant
    number, peaks = int(state[0]), _peaks(state[0], state[1])
    made = list(merkle.completed(merkle.leaf_hash(entry), number, lambda level, _: peaks[level]))
    level, _, top = made[-1]
    kept = {low: found for low, found in peaks.items() if low > level} | {level: top}
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    await connection.exec_driver_sql(
        f"UPDATE log_state SET size = {mark}, peaks = {mark} WHERE id = 1",  # noqa: S608 - a placeholder
        (number + 1, b"".join(kept[low] for low in sorted(kept))),
    )
    await connection.exec_driver_sql(
        f"INSERT INTO log_nodes (level, number, hash) VALUES ({mark}, {mark}, {mark})",  # noqa: S608 - placeholders
        made,
    )
    return number


async def append_reread(
    connection: AsyncConnection, batch_id: int, told: leaf.Contents, outcome: Outcome, others: SampleWriter | None
) -> None:
    """A leaf for what an answer gave when it was read again (by a mended decoder): its rows are named, the first leaf covers the others."""
    asked = sa.select(tables.answers).where(tables.answers.c.id == batch_id)
    number = await append(connection, dict((await connection.execute(asked)).mappings().one()), told)
    keys = {
        "readings": [
            [number, end_s, revision]
            for rows, revisions in outcome.entered
            for number, end_s, revision in zip(
                rows.series_id.tolist(), rows.end_s.tolist(), revisions.tolist(), strict=True
            )
        ],
        "withdrawn": [[number, end_s] for number, end_s, _ in outcome.taken_back],
        "samples": [[one["uid"], one["revision"]] for one, _ in others.entered] if others else [],
        "quakes": [[one["uid"], one["revision"]] for one in others.entered_quakes] if others else [],
    }
    await connection.execute(
        sa.insert(tables.log_rereads).values(leaf=number, batch_id=batch_id, keys=json.dumps(keys))
    )


def _peaks(size: int, packed: bytes) -> dict[int, bytes]:
    """The complete subtrees at the right edge by their level; together they cover every leaf."""
    levels = [level for level in range(size.bit_length()) if size >> level & 1]
    return {level: bytes(packed[32 * i : 32 * i + 32]) for i, level in enumerate(levels)}


async def size(connection: AsyncConnection) -> int:
    """How many leaves the log has."""
    return int((await connection.exec_driver_sql("SELECT size FROM log_state WHERE id = 1")).scalar_one())


async def leaves(store: Store) -> int:
    """The same of an open store."""
    async with store.reading() as connection:
        return await size(connection)


async def root(connection: AsyncConnection, count: int) -> bytes:
    """Root of the tree over the first `count` leaves."""
    return await _with_nodes(connection, lambda node: merkle.root(count, node))


async def inclusion(store: Store, number: int, count: int | None = None) -> Proof:
    """Proof for one leaf in the tree of `count` leaves (default: all); raises IndexError outside it."""
    async with store.reading() as connection:
        return await proof(connection, number, await size(connection) if count is None else count)


async def proof(connection: AsyncConnection, number: int, count: int) -> Proof:
    """The same on an open connection."""
    n = await size(connection)
    if not 0 <= number < count <= n:
        raise IndexError(f"leaf {number} is not in a tree of {count}; the log has {n}")
    path = await _with_nodes(connection, lambda node: merkle.inclusion_proof(number, count, node))
    held = await leaf_hash_of(connection, number)
    return Proof(number, count, held, await root(connection, count), tuple(path))


async def leaf_hash_of(connection: AsyncConnection, number: int) -> bytes:
    """The hash of a leaf as the log holds it."""
    return await _with_nodes(connection, lambda node: node(0, number))


async def consistency(store: Store, old: int, new: int) -> Consistency:
    """Proof that the log of `new` leaves goes on from the log of `old`; raises IndexError unless 0 < old <= new <= size."""
    async with store.reading() as connection:
        n = await size(connection)
        if not 0 < old <= new <= n:
            raise IndexError(f"no consistency proof from {old} to {new}; the log has {n}")
        path = await _with_nodes(connection, lambda node: merkle.consistency_proof(old, new, node))
        return Consistency(old, new, await root(connection, old), await root(connection, new), tuple(path))


async def leaf_of_batch(store: Store, run_uid: str, url: str, sha256: str) -> int | None:
    """The leaf of an answer; None when it is not in the log."""
    async with store.reading() as connection:
        runs, answers = tables.runs, tables.answers
        asked = (
            sa.select(answers.c.leaf)
            .join(runs, runs.c.id == answers.c.run_id)
            .where(runs.c.uid == run_uid, answers.c.url == url, answers.c.sha256 == sha256)
        )
        found = (await connection.execute(asked)).scalar()
        return None if found is None else int(found)


async def _with_nodes(connection: AsyncConnection, ask: Callable[[merkle.Node], T]) -> T:
    """An answer of the pure functions: asked once to learn which nodes it needs, then again with them read in one go."""
    wanted: list[tuple[int, int]] = []

    def note(level: int, number: int) -> bytes:
        wanted.append((level, number))
        return b""

    ask(note)
    held = await _nodes(connection, wanted)
    return ask(lambda level, number: held[level, number])


async def _nodes(connection: AsyncConnection, wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    table = tables.log_nodes
    if not wanted:
        return {}
    chosen = sa.or_(*(sa.and_(table.c.level == level, table.c.number == number) for level, number in set(wanted)))
    return {
        (row.level, row.number): bytes(row.hash) for row in await connection.execute(sa.select(table).where(chosen))
    }
