"""The last readings of every series that rules look at, in memory: filled from the store, moved on by committed batches.

A country's sweep brings thousands of series; asking the store for 500 readings of each at every poll would be hundreds of
times the work. What is held here is always what the store would answer "as of" the last batch taken, so a restart that
reads it again goes on with the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from analysis.arrays import measured
from analysis.departure import applies, in_own_unit
from domain.readings import FloatArray, IntArray, Series
from store.rows import SeriesArrays, SeriesRow

#: Readings kept per series beyond what a baseline looks back on, for the newest that it leaves out and for looking at evidence again.
_EXTRA = 64
_NOTHING = np.zeros(0, dtype=np.int64)
_NO_VALUES = np.zeros(0, dtype=np.float64)


@dataclass(slots=True)
class Trail:
    """One series: ends and values (quantity's own unit) of its measured readings in order, and the end of its newest row of any kind."""

    row: SeriesRow
    end_s: IntArray = field(default_factory=lambda: _NOTHING)
    value: FloatArray = field(default_factory=lambda: _NO_VALUES)
    newest_s: int | None = None

    @property
    def series(self) -> Series:
        """The series itself."""
        return self.row.series

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
    """Trails by series uid. `keep` readings and `span_s` seconds are held of each."""

    keep: int = 500
    span_s: int = 21 * 86_400
    trails: dict[str, Trail] = field(default_factory=dict)

    def take(self, arrays: SeriesArrays, from_s: int, at_s: int) -> list[str]:
        """Replace what is known from `from_s` on by what the store answered; the uids whose readings changed, in order.

        `arrays` holds every reading of its series with ends in [from_s, at_s], as known at `at_s`.
        """
        stops = np.searchsorted(arrays.index, np.arange(len(arrays.series) + 1))
        fit = measured(arrays.value, arrays.censoring, arrays.qc)
        touched = []
        for place, row in enumerate(arrays.series):
            if not applies(row.series.quantity, row.series.unit):
                continue
            part = slice(int(stops[place]), int(stops[place + 1]))
            if self._replace(row, arrays.end_s[part], arrays.value[part], fit[part], from_s, at_s):
                touched.append(row.series.uid)
        return touched

    def _replace(self, row: SeriesRow, end_s: IntArray, value: FloatArray, fit: np.ndarray, from_s: int, at_s: int) -> bool:
        trail = self.trails.get(row.series.uid)
        if trail is None:
            if not len(end_s):
                return False
            trail = self.trails[row.series.uid] = Trail(row)
        trail.row = row
        if len(end_s):
            trail.newest_s = max(int(end_s[-1]), trail.newest_s if trail.newest_s is not None else int(end_s[-1]))
        new_value = in_own_unit(row.series.quantity, row.series.unit, value[fit])
        new_end = end_s[fit]
        start = int(np.searchsorted(trail.end_s, from_s))
        if np.array_equal(trail.end_s[start:], new_end) and np.array_equal(trail.value[start:], new_value):
            return False
        ends = np.concatenate((trail.end_s[:start], new_end))
        values = np.concatenate((trail.value[:start], new_value))
        first = max(len(ends) - self.keep - _EXTRA, int(np.searchsorted(ends, at_s - self.span_s)), 0)
        trail.end_s, trail.value = ends[first:], values[first:]
        return True

    def full(self, uid: str) -> bool:
        """Whether nothing older of a series would be kept."""
        trail = self.trails.get(uid)
        return trail is not None and len(trail.end_s) >= self.keep + _EXTRA

    def of_feed(self, feed_id: str) -> Iterable[Trail]:
        """The trails of one feed, in order of uid."""
        return (self.trails[uid] for uid in sorted(self.trails) if self.trails[uid].series.feed_id == feed_id)
