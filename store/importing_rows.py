"""Where imported readings land: in blocks of packed history, and where a collector may still write, among the hot rows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import IntArray
from store import history
from store.bulk_reading import hot_rows
from store.history import Window
from store.importing_tables import ImportRefused
from store.incoming import WIDTH
from store.packed import DAY_S, SPAN, Blocks, days_at
from store.packing import Day, day_of, empty_day, joined, rows_of, taken

#: What two versions under one key must agree in.
_COMPARED = (
    "value",
    "limit",
    "digits",
    "censoring",
    "qc",
    "revision",
    "published_after_s",
    "received_after_s",
    "batch_id",
)


@dataclass(frozen=True, slots=True)
class Landing:
    """Readings whose rows of one series stand together, in order of end."""

    series_id: IntArray
    content: Day

    def take(self, rows: IntArray) -> Landing:
        """The rows chosen by an index array, in its order."""
        return Landing(self.series_id[rows], taken(self.content, rows))


@dataclass(frozen=True, slots=True)
class Landed:
    """What goes where; `entered` counts readings that were not there before."""

    hot: Sequence[tuple[Any, ...]]
    blocks: Blocks
    entered: int
    merged: bool  # with what was packed before


async def land(connection: AsyncConnection, rows: Landing, hot_day: int) -> Landed:
    """Part readings into hot rows and blocks; blocks are whole, with what the store has of them. Raises ImportRefused.

    A series' block whose days have hot rows stays hot as a whole until compaction comes: no day may be both.
    """
    spans = days_at(rows.content.end_s) // SPAN
    first, last = int(spans.min()) * SPAN, (int(spans.max()) + 1) * SPAN
    ids = np.unique(rows.series_id)
    hot = await hot_rows(connection, first * DAY_S + 1, last * DAY_S + 1, ids)
    numbers, content = await history.whole(connection, Window(first * DAY_S + 1, last * DAY_S + 1, ids))
    before = Landing(
        np.concatenate([numbers, np.array([row[1] for row in hot], dtype=np.int64)]),
        joined([content, day_of(hot)]) if hot else content,
    )
    return await asyncio.to_thread(_parted, rows, before, len(hot), hot_day)


def _parted(rows: Landing, before: Landing, hot_before: int, hot_day: int) -> Landed:
    fresh = _is_new(rows, before) if len(before.series_id) else np.ones(len(rows.series_id), dtype=bool)
    new = rows if fresh.all() else rows.take(np.flatnonzero(fresh))
    days = days_at(new.content.end_s)
    stays_hot = days >= hot_day
    if hot_before:
        occupied = _blocks_of(before)[len(before.series_id) - hot_before :]
        stays_hot |= np.isin(_blocks_of(new), occupied)
    hot = new.take(np.flatnonzero(stays_hot)) if stays_hot.any() else None
    cold = new.take(np.flatnonzero(~stays_hot)) if hot is not None else new
    return Landed(
        [] if hot is None else _versions(hot),
        _made(cold, before, len(before.series_id) - hot_before, hot_day),
        len(new.series_id),
        len(before.series_id) > hot_before,
    )


def _versions(rows: Landing) -> list[tuple[Any, ...]]:
    pairs = zip(rows_of(0, rows.content), rows.series_id.tolist(), strict=True)
    return [(row[0], number, *row[2:WIDTH]) for row, number in pairs]


def _blocks_of(rows: Landing) -> IntArray:
    """The block that each row belongs to, as one number."""
    made: IntArray = (rows.series_id << 32) + days_at(rows.content.end_s) // SPAN
    return made


def _is_new(rows: Landing, before: Landing) -> npt.NDArray[np.bool_]:
    """Which rows the store does not have; raises ImportRefused where it has something else."""
    order = np.lexsort((before.content.end_s, before.series_id))
    known = before.take(order)
    place = _places(known, rows)
    here = np.flatnonzero(place >= 0)
    for name in _COMPARED:
        ours, theirs = getattr(known.content, name)[place[here]], getattr(rows.content, name)[here]
        other = here[~((ours == theirs) | ((ours != ours) & (theirs != theirs)))]  # noqa: PLR0124 - NaN
        if len(other):
            raise ImportRefused(_contradiction(rows, int(other[0]), name))
    for row in here.tolist() if rows.content.texts or known.content.texts else ():
        if rows.content.texts.get(row) != known.content.texts.get(int(place[row])):
            raise ImportRefused(_contradiction(rows, row, "text"))
    return place < 0


def _contradiction(rows: Landing, row: int, name: str) -> str:
    end = np.datetime64(int(rows.content.end_s[row]), "s")
    return (
        f"series number {int(rows.series_id[row])} has another {name} here for {end}Z than the export says: "
        "import into an empty store, or replay the captures, which settles what was known when"
    )


def _places(known: Landing, rows: Landing) -> IntArray:
    """Where each row's key stands among those known, which are in order; -1 for one that does not."""
    ids = np.unique(np.concatenate([known.series_id, rows.series_id]))
    ends = np.concatenate([known.content.end_s, rows.content.end_s])
    base, width = int(ends.min()), int(ends.max() - ends.min()) + 1
    keys = np.searchsorted(ids, known.series_id) * width + (known.content.end_s - base)
    asked = np.searchsorted(ids, rows.series_id) * width + (rows.content.end_s - base)
    at = np.searchsorted(keys, asked).clip(max=len(keys) - 1)
    return np.where(keys[at] == asked, at, -1)


def _made(cold: Landing, before: Landing, packed_before: int, hot_day: int) -> Blocks:
    """Blocks of new rows, and of what is packed under the same keys."""
    mine = _blocks_of(cold)
    if packed_before and len(mine):
        theirs = _blocks_of(before)[:packed_before]
        kept = np.flatnonzero(np.isin(theirs, mine))
        if len(kept):
            cold = _together(cold, before.take(kept))
            mine = _blocks_of(cold)
    if not len(mine):
        nothing = np.zeros(0, dtype=np.int64)
        return Blocks(nothing, nothing, nothing, nothing, empty_day())
    starts = np.concatenate([[0], np.flatnonzero(np.diff(mine)) + 1])
    begin = days_at(cold.content.end_s[starts]) // SPAN * SPAN
    return Blocks(cold.series_id[starts], begin, np.minimum(SPAN, hot_day - begin), starts, cold.content)


def _together(cold: Landing, kept: Landing) -> Landing:
    series_id = np.concatenate([cold.series_id, kept.series_id])
    content = joined([cold.content, kept.content])
    order = np.lexsort((content.end_s, series_id))
    return Landing(series_id[order], taken(content, order))
