"""Reading packed history: the same answers as from hot rows, out of blocks of up to eight days of a series.

Blobs are opened on a thread: a page of a country is hundreds of them, and the loop has other callers.
"""

# ruff: noqa: S608 - statements are put together from constant names; every value is bound

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import NO_TIME, FloatArray, IntArray
from store import packed
from store.incoming import SERIES_BITS
from store.packed import DAY_S, day_at
from store.packing import Day, empty_day, joined, taken
from store.unpacking import NO_RECEIPTS, Known
from store.window import Segment, empty

#: One version as read: series_id, end_s, value, digits, qc, censoring, revision, published_after_s, limit, text, received_s, sha256.
Row = Sequence[Any]
_READINGS_A_DAY = 64
_ROLLED_COLUMNS = frozenset({"qc", "censoring"})
_SUMMARY_COLUMNS = frozenset({"digits", "qc", "censoring", "received_after_s"})


@dataclass(frozen=True, slots=True)
class Window:
    """Which versions are asked for: ends in [from_s, to_s), of some series (None: all), as known at `as_of_s` (None: now)."""

    from_s: int
    to_s: int
    ids: IntArray | None = None
    as_of_s: int | None = None
    after: tuple[int, str] | None = None  # (end_s, series uid) of the last row had
    limit: int | None = None


class Statement:
    """A statement that grows together with its values; `?` stands for one in both dialects."""

    def __init__(self, dialect: str) -> None:
        self.sqlite = dialect == "sqlite"
        self.values: list[Any] = []

    def value(self, value: Any) -> str:
        self.values.append(value)
        return "?" if self.sqlite else "%s"

    def among(self, column: str, ids: IntArray) -> str:
        if self.sqlite:
            return f"{column} IN (SELECT value FROM json_each({self.value(json.dumps(ids.tolist()))}))"
        return f"{column} = ANY({self.value(ids.tolist())}::bigint[])"

    def each(self, ids: IntArray | None) -> str:
        """A source of series ids, to be joined from: column `id` of `k`."""
        if ids is None:
            return "(SELECT id, uid FROM series) k"
        listed = self.value(json.dumps(ids.tolist()) if self.sqlite else ids.tolist())
        source = f"(SELECT value AS id FROM json_each({listed}))" if self.sqlite else f"unnest({listed}::bigint[])"
        return f"{source} k" if self.sqlite else f"{source} k(id)"


def span_of(statement: Statement, from_s: int, to_s: int, *, by_stamps: bool) -> tuple[str, str]:
    """Source and condition for hot rows `r` with ends in [from_s, to_s); must come before any other value of the statement.

    `by_stamps`: a few series in a key of (end_s, series_id), so jump from stamp to stamp instead of reading all the series
    between. A day of one series costs 144 jumps (0.2 ms) where a scan of the day reads 780,000 rows (36 ms).
    """
    first, last = statement.value(from_s), statement.value(to_s)
    if not by_stamps:
        return "readings r", f"r.end_s >= {first} AND r.end_s < {last}"
    stamps = (
        f"(WITH RECURSIVE w(t) AS (SELECT min(end_s) FROM readings WHERE end_s >= {first} UNION ALL "
        f"SELECT (SELECT min(end_s) FROM readings WHERE end_s > w.t) FROM w WHERE w.t < {last}) "
        f"SELECT t FROM w WHERE t < {statement.value(to_s)}) w CROSS JOIN readings r"
    )
    return stamps, "r.end_s = w.t"


@dataclass(frozen=True, slots=True)
class _Opened:
    """Versions of several series and days below each other; `series_id` beside them."""

    day: Day
    series_id: IntArray

    def where(self, window: Window) -> IntArray:
        """Places of the versions that a window asks for (its `after` apart)."""
        meant = (self.day.end_s >= window.from_s) & (self.day.end_s < window.to_s)
        if window.as_of_s is not None:
            meant &= self.day.end_s + self.day.received_after_s <= window.as_of_s
        return np.flatnonzero(meant)


@dataclass(frozen=True, slots=True)
class _Found:
    """Rows (series_id, day, blob) of packed history, and the receipts that they share."""

    blobs: Sequence[Any]
    receipts: Known

    def open(self, columns: frozenset[str] | None = None) -> _Opened:
        days: list[Day] = []
        numbers: list[int] = []
        for series_id, day, blob in self.blobs:
            content = packed.opened(series_id, day, blob, columns, self.receipts)
            if content is not None:
                days.append(content)
                numbers.append(series_id)
        if not days:
            return _Opened(empty_day(), np.zeros(0, dtype=np.int64))
        return _Opened(joined(days), np.repeat(np.array(numbers, dtype=np.int64), [len(one) for one in days]))


async def _with_receipts(connection: AsyncConnection, blobs: Sequence[Any]) -> _Found:
    return _Found(blobs, await packed.receipts(connection, [row[2] for row in blobs]))


async def _blobs(
    connection: AsyncConnection, days: tuple[int, int], window: Window, *, receipts: bool = True
) -> _Found:
    statement = Statement(connection.dialect.name)
    source = statement.each(window.ids)
    known = f" AND p.first_received_s <= {statement.value(window.as_of_s)}" if window.as_of_s is not None else ""
    found = await connection.exec_driver_sql(
        f"SELECT p.series_id, p.day, p.blob FROM {source} CROSS JOIN packed p WHERE p.series_id = k.id{known} "
        f"AND p.day BETWEEN {statement.value(days[0] - packed.SPAN + 1)} AND {statement.value(days[1])} "
        f"AND p.day + p.days > {statement.value(days[0])}",
        tuple(statement.values),
    )
    blobs = found.fetchall()
    return await _with_receipts(connection, blobs) if receipts else _Found(blobs, NO_RECEIPTS)


async def _next_day(connection: AsyncConnection, day: int, ids: IntArray | None) -> int | None:
    """The first day from `day` on that a block of these series covers."""
    statement = Statement(connection.dialect.name)
    first = (
        f"SELECT min(p.day) FROM packed p WHERE p.series_id = k.id AND p.day >= {statement.value(day - packed.SPAN + 1)} "
        f"AND p.day + p.days > {statement.value(day)}"
    )
    found = await connection.exec_driver_sql(
        f"SELECT min(d) FROM (SELECT ({first}) AS d FROM {statement.each(ids)}) v", tuple(statement.values)
    )
    number = found.scalar()
    return None if number is None else max(day, int(number))


async def _span(connection: AsyncConnection, window: Window) -> tuple[int, int] | None:
    """First and last day that a window can have in packed history."""
    to_s = min(window.to_s, await packed.until_s(connection))
    from_s = window.from_s if window.after is None else max(window.from_s, window.after[0])
    return (day_at(from_s), day_at(to_s - 1)) if from_s < to_s else None


async def rows(connection: AsyncConnection, window: Window) -> list[Row]:
    """Packed versions of a window ordered by (end_s, series uid), day after day until there are as many as asked for."""
    span = await _span(connection, window)
    if span is None or (window.ids is not None and not len(window.ids)):
        return []
    day, last = span
    uids = await _uids(connection, window.ids)
    width = last - day + 1 if window.limit is None else 1 + window.limit // (_READINGS_A_DAY * max(1, len(uids)))
    found: list[Row] = []
    while window.limit is None or len(found) < window.limit:
        following = await _next_day(connection, day, window.ids)
        if following is None or following > last:
            break
        until = min(packed.span_begin(following + width - 1) + packed.SPAN - 1, last)
        part = replace(
            window, from_s=max(window.from_s, following * DAY_S + 1), to_s=min(window.to_s, (until + 1) * DAY_S + 1)
        )
        blobs = await _blobs(connection, (following, until), part)
        found += await asyncio.to_thread(_picked, blobs, part, uids)
        day = until + 1
    return await _with_digests(connection, found[: window.limit])


async def _uids(connection: AsyncConnection, ids: IntArray | None) -> dict[int, str]:
    statement = Statement(connection.dialect.name)
    where = "" if ids is None else f"WHERE {statement.among('id', ids)}"
    found = await connection.exec_driver_sql(f"SELECT id, uid FROM series {where}", tuple(statement.values))
    return {row[0]: row[1] for row in map(tuple, found)}


def _picked(found: _Found, window: Window, uids: Mapping[int, str]) -> list[Row]:
    opened = found.open()
    at = opened.where(window)
    numbers = sorted({number for number, _, _ in found.blobs}, key=uids.__getitem__)
    rank = np.zeros(max(numbers, default=0) + 1, dtype=np.int64)
    rank[numbers] = np.arange(len(numbers))
    at = at[np.lexsort((rank[opened.series_id[at]], opened.day.end_s[at]))]
    if window.after is not None:
        end_s, uid = window.after
        after = np.array([uids[number] > uid for number in numbers], dtype=bool)[rank[opened.series_id[at]]]
        ends = opened.day.end_s[at]
        at = at[(ends > end_s) | ((ends == end_s) & after)]
    return _rows(opened, at[: window.limit], uids)


def _rows(opened: _Opened, at: IntArray, uids: Mapping[int, str]) -> list[Row]:
    """Versions as rows, the number of their batch where the digest will stand."""
    day, numbers = opened.day, opened.series_id[at].tolist()
    texts = [day.texts.get(i) for i in at.tolist()] if day.texts else [None] * len(at)
    return list(
        zip(
            numbers,
            day.end_s[at].tolist(),
            _optional(day.value[at].tolist()),
            day.digits[at].tolist(),
            day.qc[at].tolist(),
            day.censoring[at].tolist(),
            day.revision[at].tolist(),
            [None if one == NO_TIME else one for one in day.published_after_s[at].tolist()],
            _optional(day.limit[at].tolist()),
            texts,
            (day.end_s[at] + day.received_after_s[at]).tolist(),
            day.batch_id[at].tolist(),
            [uids[number] for number in numbers],
            strict=True,
        )
    )


def _optional(numbers: list[float]) -> list[float | None]:
    return [None if number != number else number for number in numbers]  # noqa: PLR0124 - NaN


async def _with_digests(connection: AsyncConnection, found: list[Row]) -> list[Row]:
    batches = np.unique(np.array([row[11] for row in found], dtype=np.int64))
    digests: dict[int, str] = {}
    for begin in range(0, len(batches), 10_000):
        statement = Statement(connection.dialect.name)
        text = f"SELECT id, sha256 FROM answers WHERE {statement.among('id', batches[begin : begin + 10_000])}"
        digests |= {
            row[0]: row[1] for row in map(tuple, await connection.exec_driver_sql(text, tuple(statement.values)))
        }
    return [(*row[:11], digests.get(row[11], ""), row[12]) for row in found]


async def segment(connection: AsyncConnection, window: Window) -> Segment:
    """Packed versions of a window as columns in order of key."""
    span = await _span(connection, window)
    if span is None or (window.ids is not None and not len(window.ids)):
        return empty()
    found = await _blobs(connection, span, window)
    return await asyncio.to_thread(_columns, found, window) if found.blobs else empty()


@dataclass(frozen=True, slots=True)
class Stack:
    """What roll-ups need of readings, in order of (series, end); without the receipts, which no roll-up needs."""

    series_id: IntArray
    end_s: IntArray
    value: FloatArray
    censoring: IntArray
    qc: IntArray

    def take(self, rows: IntArray) -> Stack:
        """The rows chosen by an index array, in its order."""
        return Stack(self.series_id[rows], self.end_s[rows], self.value[rows], self.censoring[rows], self.qc[rows])


async def whole(connection: AsyncConnection, window: Window) -> tuple[IntArray, Day]:
    """Packed versions of a window with every column, in order of (series, end): their series, and the columns."""
    span = await _span(connection, window)
    if span is None:
        return np.zeros(0, dtype=np.int64), empty_day()
    found = await _blobs(connection, span, window)

    def made() -> tuple[IntArray, Day]:
        opened = _Found(sorted(map(tuple, found.blobs)), found.receipts).open()
        at = opened.where(window)
        day = opened.day if len(at) == len(opened.day) else taken(opened.day, at)
        return opened.series_id[at], day

    return await asyncio.to_thread(made)


async def stack(connection: AsyncConnection, window: Window) -> Stack:
    """Packed versions of a window in order of (series, end)."""
    span = await _span(connection, window)
    if span is None:
        return _stacked(_Found((), NO_RECEIPTS), window)
    return await asyncio.to_thread(_stacked, await _blobs(connection, span, window, receipts=False), window)


def _stacked(found: _Found, window: Window) -> Stack:
    opened = _Found(sorted(map(tuple, found.blobs)), found.receipts).open(_ROLLED_COLUMNS)
    day = opened.day
    made = Stack(opened.series_id, day.end_s, day.value, day.censoring, day.qc)
    at = opened.where(window)
    return made if len(at) == len(day) else made.take(at)


def _columns(found: _Found, window: Window) -> Segment:
    opened = found.open(_SUMMARY_COLUMNS)
    at = opened.where(window)
    day = opened.day
    key = (day.end_s[at] << SERIES_BITS) | opened.series_id[at]
    order = np.argsort(key, kind="stable")
    at, key = at[order], key[order]
    texts = {}
    if day.texts:
        texts = {int(one): day.texts[i] for one, i in zip(key, at.tolist(), strict=True) if i in day.texts}
    return Segment(
        key,
        day.value[at],
        day.limit[at],
        day.digits[at].astype(np.int16),
        day.censoring[at].astype(np.int8),
        day.qc[at].astype(np.int32),
        day.end_s[at] + day.received_after_s[at],
        texts,
    )


async def newest(connection: AsyncConnection, ids: IntArray | None) -> list[Row]:
    """The newest readings, by the pointers of table `latest`, that are packed."""
    statement = Statement(connection.dialect.name)
    where = [f"l.end_s < {statement.value(await packed.until_s(connection))}"]
    if ids is not None:
        where.append(statement.among("l.series_id", ids))
    found = await connection.exec_driver_sql(
        "SELECT l.series_id, p.day, p.blob, l.end_s FROM latest l JOIN packed p ON p.series_id = l.series_id "
        f"AND {packed.SQL_COVERS.format(packed.SQL_DAY.format('l.end_s'))} WHERE {' AND '.join(where)}",
        tuple(statement.values),
    )
    listed: Sequence[Any] = found.fetchall()
    meant = {row[0]: row[3] for row in listed}
    blobs = await _with_receipts(connection, [row[:3] for row in listed])
    made = await asyncio.to_thread(_ending_at, blobs, meant)
    return [row[:12] for row in await _with_digests(connection, made)]


def _ending_at(found: _Found, ends: Mapping[int, int]) -> list[Row]:
    opened = found.open()
    pairs = zip(opened.series_id.tolist(), opened.day.end_s.tolist(), strict=True)
    at = np.array([i for i, (number, end_s) in enumerate(pairs) if ends[number] == end_s], dtype=np.int64)
    return _rows(opened, at, dict.fromkeys(ends, ""))


async def newest_as_of(connection: AsyncConnection, ids: IntArray, as_of_s: int) -> list[Row]:
    """The newest packed reading of each series that was known at `as_of_s` and stands."""
    if not len(ids):
        return []
    statement = Statement(connection.dialect.name)
    source = statement.each(ids)
    last = (
        "SELECT max(q.day) FROM packed q WHERE q.series_id = p.series_id "
        f"AND q.first_received_s <= {statement.value(as_of_s)}"
    )
    found = await connection.exec_driver_sql(
        f"SELECT p.series_id, p.day, p.blob FROM {source} CROSS JOIN packed p WHERE p.series_id = k.id AND p.day = ({last})",
        tuple(statement.values),
    )
    blobs = await _with_receipts(connection, found.fetchall())
    return await _with_digests(connection, await asyncio.to_thread(_last_known, blobs, as_of_s))


def _last_known(found: _Found, as_of_s: int) -> list[Row]:
    opened = found.open()
    at = opened.where(Window(-(2**62), 2**62, as_of_s=as_of_s))
    last = {int(opened.series_id[i]): int(i) for i in at}  # in order of end within each series
    return _rows(opened, np.array(list(last.values()), dtype=np.int64), dict.fromkeys(last, ""))
