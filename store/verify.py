"""Holding the store to its log: every leaf made again from the rows, every hash and signed head checked, and each flaw named.

Checked are content, series and unit, batch and receipt of every reading, sample and bulletin; that nothing is missing and
nothing came in beside the log; that versions of one thing follow each other as they were received. Not covered: names and
positions of stations (they change, with their history kept), the newest pointers and roll-ups (made again from the readings).
"""

# ruff: noqa: S608 - statements are put together from constant names

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import IntArray
from store import heads as signed
from store import leaf, merkle, tables
from store.engine import Store
from store.incoming import COLUMNS
from store.packed import opened, receipts
from store.packing import rows_of
from store.retention import Drop, drops, reaches_into
from store.verify_chain import Chain, follows
from store.verify_rows import LEAVES_AT_ONCE, NOWHERE, Columns, Ledger, Spill, columns_of, ledger

_ROWS_AT_ONCE = 20_000
_DAYS_AT_ONCE = 200
NAMED = 100  # flaws of one kind that are named one by one


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that is not as the log says: a short code and where, in words."""

    code: str
    where: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found: leaves and signed heads checked, answers from before the log began, flaws.

    `dropped` counts batches of which retention dropped readings, as the log itself says: what is left of them makes no leaf.
    """

    leaves: int
    root: bytes
    heads: int
    before_the_log: int
    flaws: tuple[Flaw, ...]
    dropped: int = 0


async def verify(
    store: Store, *, public_keys: frozenset[bytes] = frozenset(), heads: Sequence[signed.Head] = ()
) -> Verdict:
    """Check the whole store against its log. With `public_keys` only their signatures count; `heads` are some that were kept elsewhere."""
    listed = await signed.heads(store)
    async with store.reading() as connection:
        with tempfile.TemporaryDirectory(prefix="verify-") as folder:
            work = _Verifier(connection, await ledger(connection), Spill(Path(folder)))
            return await work.verdict([*listed, *heads], public_keys)


@dataclass(slots=True)
class _Verifier:
    connection: AsyncConnection
    ledger: Ledger
    spill: Spill
    chain: Chain = field(default_factory=Chain)
    flaws: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    withdrawn: dict[int, list[tuple[str, int, str]]] = field(default_factory=lambda: defaultdict(list))
    samples: dict[int, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    quakes: dict[int, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    drops: dict[int, Drop] = field(default_factory=dict)  # by leaf
    dropped: int = 0

    async def verdict(self, heads: Sequence[signed.Head], public_keys: frozenset[bytes]) -> Verdict:
        await self._revisions()
        await self._readings()
        await self._packed()
        await self._samples()
        await self._quakes()
        self._chains()
        nodes = {
            (row.level, row.number): bytes(row.hash)
            for row in await self.connection.execute(sa.select(tables.log_nodes))
        }
        size = await self._size(nodes)
        await self._drops(nodes)
        begun = await self._leaves(size, nodes)
        root = self._tree(size, nodes, heads, public_keys)
        flaws = [Flaw(code, where) for code, said in self.flaws.items() for where in _shortened(said)]
        return Verdict(size, root, len(heads), begun, tuple(flaws), self.dropped)

    async def _pages(self, statement: str) -> AsyncIterator[list[tuple[Any, ...]]]:
        found = await self.connection.stream(sa.text(statement))
        async for page in found.partitions(_ROWS_AT_ONCE):
            yield [tuple(row) for row in page]

    async def _revisions(self) -> None:
        ends = "received_s, superseded_s, superseded_by, reason, note"
        async for rows in self._pages(f"SELECT {COLUMNS}, {ends} FROM revisions"):
            columns = self._filed(rows)
            self._received(columns, [row[11] for row in rows])
            self.chain.superseded([(row[1], row[0], row[11], row[3], row[7], *row[12:]) for row in rows])
            for row in rows:
                if row[14] == "withdrawn":
                    number = self.ledger.leaf_of(row[13], "withdrawn", (row[1], row[0]))
                    self.withdrawn[number].append((self.ledger.series_uids.get(row[1], ""), row[0], row[15]))

    async def _readings(self) -> None:
        async for rows in self._pages(f"SELECT {COLUMNS} FROM readings"):
            columns = self._filed(rows)
            received_s = (
                self.ledger.received_s[self.ledger.places(columns.batch_id)]
                if len(self.ledger.received_s)
                else columns.end_s
            )
            self.chain.stands(columns.series_id, columns.end_s, received_s, columns.batch_id, columns.revision)

    async def _packed(self) -> None:
        found = await self.connection.stream(sa.text("SELECT series_id, day, blob FROM packed"))
        async for page in found.partitions(_DAYS_AT_ONCE):
            rows: list[Any] = []
            known = await receipts(self.connection, [row[2] for row in page])
            for series_id, day, blob in page:
                content = opened(series_id, day, bytes(blob), None, known)
                if content is None:
                    name = self.ledger.series_uids.get(series_id, f"number {series_id}")
                    self.flaws["packed_day_damaged"].append(f"series {name}, day {day}")
                else:
                    rows += rows_of(series_id, content)
            if rows:
                columns = self._filed(rows)
                received_s = np.array([row[11] for row in rows], dtype=np.int64)
                self._received(columns, received_s)
                self.chain.stands(columns.series_id, columns.end_s, received_s, columns.batch_id, columns.revision)

    def _filed(self, rows: Sequence[Any]) -> Columns:
        columns = columns_of(rows, self.ledger.digests)
        leaves = self.ledger.leaves_of(columns)
        strays = np.flatnonzero(self.ledger.places(columns.batch_id) < 0)
        for i in strays[:NAMED].tolist():
            self.flaws["reading_without_answer"].append(self._reading(int(columns.series_id[i]), int(columns.end_s[i])))
        self.spill.add(leaves, columns.records, columns.texts)
        return columns

    def _received(self, columns: Columns, told_s: Any) -> None:
        """A version says itself when it was received; its answer must say the same."""
        at = self.ledger.places(columns.batch_id)
        known = np.flatnonzero(at >= 0)
        wrong = (
            known[self.ledger.received_s[at[known]] != np.asarray(told_s, dtype=np.int64)[known]]
            if len(known)
            else known
        )
        for i in wrong[:NAMED].tolist():
            self.flaws["version_dated_otherwise"].append(
                self._reading(int(columns.series_id[i]), int(columns.end_s[i]))
            )

    def _reading(self, series_id: int, end_s: int) -> str:
        return f"series {self.ledger.series_uids.get(series_id, f'number {series_id}')}, end {_iso(end_s)}"

    def _chains(self) -> None:
        received_of = dict(zip(self.ledger.batch_id.tolist(), self.ledger.received_s.tolist(), strict=True))
        for key in self.chain.broken(received_of):
            self.flaws["versions_out_of_order"].append(self._reading(*key))

    async def _samples(self) -> None:
        samples, results = tables.samples, tables.sample_results
        versions: list[tuple[str, int, int, int, int | None]] = []
        uids = self.ledger.series_uids
        found = await self.connection.stream(sa.select(samples).order_by(samples.c.id))
        async for page in found.mappings().partitions(1000):
            by_sample: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
            asked = sa.select(results).where(results.c.sample_id.in_([row["id"] for row in page]))
            for result in (await self.connection.execute(asked)).mappings():
                by_sample[result["sample_id"]].append(dict(result))
                if result["series_id"] is not None and uids.get(result["series_id"]) != result["series_uid"]:
                    self.flaws["result_linked_elsewhere"].append(f"result {result['uid']}")
            for row in map(dict, page):
                number = self.ledger.leaf_of(row["batch_id"], "samples", (row["uid"], row["revision"]))
                self._known(number, row["batch_id"], f"sample {row['uid']}")
                station = self.ledger.stations.get(row["station_id"], "")
                self.samples[number].append(leaf.sample_line(row, station, by_sample[row["id"]]))
                versions.append((row["uid"], row["received_s"], row["batch_id"], row["revision"], row["superseded_s"]))
        self.flaws["versions_out_of_order"] += [f"sample {uid}" for uid in follows(versions)]

    async def _quakes(self) -> None:
        versions: list[tuple[str, int, int, int, int | None]] = []
        for row in map(dict, (await self.connection.execute(sa.select(tables.quakes))).mappings()):
            number = self.ledger.leaf_of(row["batch_id"], "quakes", (row["uid"], row["revision"]))
            self._known(number, row["batch_id"], f"bulletin {row['uid']}")
            self.quakes[number].append(leaf.quake_line(row))
            versions.append((row["uid"], row["received_s"], row["batch_id"], row["revision"], row["superseded_s"]))
        self.flaws["versions_out_of_order"] += [f"bulletin {uid}" for uid in follows(versions)]

    def _known(self, number: int, batch_id: int, name: str) -> None:
        if number == NOWHERE and self.ledger.places(np.array([batch_id]))[0] < 0:
            self.flaws["row_without_answer"].append(name)

    async def _size(self, nodes: Mapping[tuple[int, int], bytes]) -> int:
        """Leaves of the log by its own hashes; the counter beside them must say the same."""
        size = max((number + 1 for level, number in nodes if level == 0), default=0)
        rows = (await self.connection.execute(sa.select(tables.log_state))).all()
        if len(rows) != 1 or rows[0].size != size:
            self.flaws["log_counter_changed"].append(f"{size} leaves, the counter says {[row.size for row in rows]}")
        peaks = [
            nodes.get((level, (size >> level) - 1), b"") for level in range(size.bit_length()) if size >> level & 1
        ]
        if rows and bytes(rows[0].peaks) != b"".join(peaks):
            self.flaws["log_counter_changed"].append("the hashes of its right edge are other ones")
        return size

    async def _drops(self, nodes: Mapping[tuple[int, int], bytes]) -> None:
        """What retention says it dropped; only a drop that the log tells of excuses anything."""
        for drop in await drops(self.connection):
            if nodes.get((0, drop.leaf)) == merkle.leaf_hash(drop.entry):
                self.drops[drop.leaf] = drop
            else:
                self.flaws["drop_not_in_log"].append(f"{drop.feed_id} until {_iso(drop.until_s)}")

    async def _leaves(self, size: int, nodes: Mapping[tuple[int, int], bytes]) -> int:
        """Make every leaf again; how many answers are from before the log began."""
        logged = self.ledger.batch_id[self.ledger.leaf >= 0]
        first = int(logged[0]) if len(logged) else 2**62
        unlogged = self.ledger.batch_id[self.ledger.leaf < 0]
        imported = await self._imported(unlogged)
        for batch_id in unlogged[(unlogged > first) & ~imported].tolist():
            self.flaws["answer_not_in_log"].append(f"answer number {batch_id}")
        beyond = set(self.ledger.leaf[self.ledger.leaf >= size].tolist())
        self.flaws["answer_not_in_log"] += [f"an answer says leaf {number} of {size}" for number in sorted(beyond)]
        for begin in range(0, size, LEAVES_AT_ONCE):
            await self._bucket(begin, min(size, begin + LEAVES_AT_ONCE), nodes)
        return int(((unlogged < first) | imported).sum())

    async def _imported(self, batches: IntArray) -> npt.NDArray[np.bool_]:
        """Which of these came with an import of files into a store that had a log of its own: theirs stayed where they came from."""
        noted = tables.marks_of_work
        found = await self.connection.execute(
            sa.select(noted.c.name, noted.c.value).where(noted.c.name.like("imported %"))
        )
        within = np.zeros(len(batches), dtype=bool)
        for name, last in found:
            within |= (batches > int(name.split()[1])) & (batches <= int(last))
        return within

    async def _bucket(self, begin: int, until: int, nodes: Mapping[tuple[int, int], bytes]) -> None:
        answers = tables.answers
        again = {number: batch for number, batch in self.ledger.reread_leaves.items() if begin <= number < until}
        asked = sa.select(answers).where(
            sa.or_(answers.c.leaf.between(begin, until - 1), answers.c.id.in_(again.values()))
        )
        rows = (await self.connection.execute(asked)).mappings().all()
        by_id = {row["id"]: dict(row) for row in rows}
        by_leaf = {row["leaf"]: dict(row) for row in rows if row["leaf"] is not None}
        by_leaf |= {number: by_id[batch] for number, batch in again.items() if batch in by_id}
        readings = {number: (records, texts) for number, records, texts in self.spill.taken(begin // LEAVES_AT_ONCE)}
        for number in range(begin, until):
            held = nodes.get((0, number))
            answer = by_leaf.get(number)
            if number in self.drops:
                continue
            if answer is None:
                self.flaws["batch_missing"].append(f"leaf {number}: no answer in the store is this one")
            elif held is not None and merkle.leaf_hash(leaf.entry(answer, self._contents(number, readings))) != held:
                if reaches_into(self.drops.values(), answer, self.ledger.first_reread_s(number)):
                    self.dropped += 1
                else:
                    self.flaws["batch_changed"].append(_named(number, answer))

    def _contents(self, number: int, readings: Mapping[int, tuple[leaf.Records, dict[int, str]]]) -> leaf.Contents:
        records, texts = readings.get(number, (np.zeros(0, dtype=leaf.RECORD), {}))
        return leaf.Contents(
            records, texts, self.withdrawn.get(number, ()), self.samples.get(number, ()), self.quakes.get(number, ())
        )

    def _tree(
        self,
        size: int,
        nodes: Mapping[tuple[int, int], bytes],
        heads: Sequence[signed.Head],
        public_keys: frozenset[bytes],
    ) -> bytes:
        """Make every inner hash again from the leaves' and hold signed heads to them; the root."""
        made: dict[tuple[int, int], bytes] = {}
        for number in range(size):
            held = nodes.get((0, number), b"")
            if not held:
                self.flaws["log_hash_changed"].append(f"leaf {number} has none")
            for level, at, found in merkle.completed(held, number, lambda *place: made[place]):
                made[level, at] = found
                if nodes.get((level, at)) != found:
                    self.flaws["log_hash_changed"].append(f"level {level}, number {at}")
        for level, at in nodes.keys() - made.keys():
            self.flaws["log_hash_changed"].append(f"level {level}, number {at} belongs to no leaf")
        for head in heads:
            self._head(head, size, made, public_keys)
        return merkle.root(size, lambda *place: made[place])

    def _head(
        self, head: signed.Head, size: int, made: Mapping[tuple[int, int], bytes], public_keys: frozenset[bytes]
    ) -> None:
        name = f"head of {_iso(head.at_s)} over {head.size} leaves"
        if not head.is_authentic:
            self.flaws["signature_false"].append(name)
        elif public_keys and head.public_key not in public_keys:
            self.flaws["signed_by_another_key"].append(f"{name}, key {head.public_key.hex()}")
        elif not 0 <= head.size <= size:
            self.flaws["log_cut"].append(f"{name}; the log has {size}")
        elif merkle.root(head.size, lambda *place: made[place]) != head.root:
            self.flaws["log_rewritten"].append(f"{name}: another root")


def _named(number: int, answer: Mapping[str, Any]) -> str:
    span = ""
    if answer["first_end_s"] is not None and answer["last_end_s"] is not None:
        span = f", ends {_iso(answer['first_end_s'])} to {_iso(answer['last_end_s'])}"
    return f"leaf {number}: {answer['feed_id']} received {_iso(answer['received_s'])} from {answer['url']}{span}"


def _iso(time_s: int) -> str:
    try:
        return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{time_s} s"


def _shortened(said: list[str]) -> list[str]:
    once = list(dict.fromkeys(said))
    return once if len(once) <= NAMED else [*once[:NAMED], f"and {len(once) - NAMED} more"]
