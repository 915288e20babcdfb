"""The last readings of every series that rules look at, in memory: filled from the store, moved on by committed batches.

A country's sweep brings thousands of series; asking the store for 500 readings of each at every poll would be hundreds of
times the work. What is held here is always what the store would answer "as of" the last batch taken, so a restart that
reads it again goes on with the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from analysis.arrays import BoolArray, bounded, floors
from analysis.departure import applies, in_own_unit
from analysis.detect_feed import watchable
from domain.readings import FloatArray, IntArray, Series
from store.rows import SeriesArrays, SeriesRow

#: Readings kept per series beyond what a baseline looks back on, for the newest that it leaves out and for looking at evidence again.
_EXTRA = 64
_NOTHING = np.zeros(0, dtype=np.int64)
_NO_VALUES = np.zeros(0, dtype=np.float64)


@dataclass(slots=True)
class Trail:
    """One series: ends and values (quantity's own unit) of its usable readings in order, and the end of its newest row of any kind.

    A reading below its instrument's floor stands here with the floor as its value (`analysis.arrays.bounded`), but as published
    where a detector watches the feed (`analysis.detect_feed.watchable`).
    """

    row: SeriesRow
    end_s: IntArray = field(default_factory=lambda: _NOTHING)
    value: FloatArray = field(default_factory=lambda: _NO_VALUES)
    newest_s: int | None = None

    @property
    def series(self) -> Series:
        """The series itself."""
        return self.row.series

    def heard(self, end_s: IntArray) -> None:
        """Note that rows with these ends, in order, exist."""
        if len(end_s):
            self.newest_s = int(end_s[-1]) if self.newest_s is None else max(self.newest_s, int(end_s[-1]))

    def until(self, end_s: int) -> tuple[IntArray, FloatArray]:
        """Its readings that end at `end_s` or before."""
        stop = int(np.searchsorted(self.end_s, end_s, side="right"))
        return self.end_s[:stop], self.value[:stop]

    def since(self, end_s: int) -> tuple[IntArray, FloatArray]:
        """Its readings that end after `end_s`."""
        start = int(np.searchsorted(self.end_s, end_s, side="right"))
        return self.end_s[start:], self.value[start:]

    def at(self, end_s: int) -> float | None:
        """The value that ends at `end_s`, None when there is none (any more)."""
        place = int(np.searchsorted(self.end_s, end_s))
        if place < len(self.end_s) and int(self.end_s[place]) == end_s:
            return float(self.value[place])
        return None


@dataclass(slots=True)
class History:
    """Trails by series uid. `keep` readings and `span_s` seconds are held of each; `watched` are the feeds of detectors."""

    watched: frozenset[str] = frozenset()
    keep: int = 500
    span_s: int = 28 * 86_400
    trails: dict[str, Trail] = field(default_factory=dict)

    def take(self, arrays: SeriesArrays, from_s: int, at_s: int) -> list[str]:
        """Replace what is known from `from_s` on by what the store answered; the uids whose readings changed, in order.

        `arrays` holds every reading of its series with ends in [from_s, at_s], as known at `at_s`.
        """
        touched = []
        for row, end_s, value, fit in self._parts(arrays):
            trail = self.trails.get(row.series.uid)
            if not len(end_s) and (trail is None or not len(trail.end_s) or int(trail.end_s[-1]) < from_s):
                continue
            if trail is None:
                trail = self.trails[row.series.uid] = Trail(row)
            trail.row = row
            trail.heard(end_s)
            start = int(np.searchsorted(trail.end_s, from_s))
            new_end, new_value = end_s[fit], value[fit]
            if np.array_equal(trail.end_s[start:], new_end) and np.array_equal(trail.value[start:], new_value):
                continue
            self._keep(
                trail,
                np.concatenate((trail.end_s[:start], new_end)),
                np.concatenate((trail.value[:start], new_value)),
                at_s,
            )
            touched.append(row.series.uid)
        return touched

    def take_older(self, arrays: SeriesArrays, at_s: int) -> None:
        """Put readings before those that are known, as a restart does day by day backwards."""
        for row, end_s, value, fit in self._parts(arrays):
            if not len(end_s):
                continue
            trail = self.trails.setdefault(row.series.uid, Trail(row))
            trail.heard(end_s)
            self._keep(
                trail, np.concatenate((end_s[fit], trail.end_s)), np.concatenate((value[fit], trail.value)), at_s
            )

    def _keep(self, trail: Trail, end_s: IntArray, value: FloatArray, at_s: int) -> None:
        first = max(len(end_s) - self.keep - _EXTRA, int(np.searchsorted(end_s, at_s - self.span_s)), 0)
        trail.end_s, trail.value = end_s[first:], value[first:]

    def _parts(self, arrays: SeriesArrays) -> Iterator[tuple[SeriesRow, IntArray, FloatArray, BoolArray]]:
        """Each series that rules can judge: its ends, its values in the quantity's own unit, and which of them may be used."""
        stops = np.searchsorted(arrays.index, np.arange(len(arrays.series) + 1)).tolist()
        value, fit = self._usable(arrays)
        judged: dict[tuple[str, str], bool] = {}
        for row, start, stop in zip(arrays.series, stops[:-1], stops[1:], strict=True):
            kind = (row.series.quantity, row.series.unit)
            if judged.setdefault(kind, applies(*kind)):
                part = slice(start, stop)
                yield (
                    row,
                    arrays.end_s[part],
                    in_own_unit(*kind, value[part]) if stop > start else _NO_VALUES,
                    fit[part],
                )

    def _usable(self, arrays: SeriesArrays) -> tuple[FloatArray, BoolArray]:
        value, fit = bounded(arrays.value, arrays.censoring, arrays.qc, floors(arrays.series)[arrays.index])
        watched = np.array([row.series.feed_id in self.watched for row in arrays.series], dtype=np.bool_)
        if not watched.any():
            return value, fit
        rows = watched[arrays.index]
        return np.where(rows, arrays.value, value), np.where(rows, watchable(arrays), fit)

    def full(self, uid: str) -> bool:
        """Whether nothing older of a series would be kept."""
        trail = self.trails.get(uid)
        return trail is not None and len(trail.end_s) >= self.keep + _EXTRA

    def of_feed(self, feed_id: str) -> Iterable[Trail]:
        """The trails of one feed, in order of uid."""
        return (self.trails[uid] for uid in sorted(self.trails) if self.trails[uid].series.feed_id == feed_id)
