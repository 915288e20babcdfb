"""Order statistics per series over long columns: two sorts for thousands of series instead of one call each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.readings import FloatArray, IntArray

_MOST_PADDING = 4


def starts_and_counts(index: IntArray, groups: int) -> tuple[IntArray, IntArray]:
    """First row and number of rows of each of `groups` groups; `index` must be sorted."""
    bounds = np.searchsorted(index, np.arange(groups + 1))  # far fewer steps than counting every row
    return bounds[:-1], np.diff(bounds)


def first_above(column: IntArray, starts: IntArray, counts: IntArray, limit: IntArray) -> IntArray:
    """The first row of each group that lies above the group's limit (one past its last row if none); a group's rows rise."""
    low, high = starts, starts + counts
    while (looking := low < high).any():
        middle = (low + high) // 2
        above = column[np.where(looking, middle, 0)] > limit
        low, high = np.where(looking & ~above, middle + 1, low), np.where(looking & above, middle, high)
    return low


def quantiles(index: IntArray, value: FloatArray, groups: int, q: tuple[float, ...]) -> FloatArray:
    """Quantiles (groups, len(q)) of each group, linear between ranks as numpy's default; NaN for an empty group."""
    return ranked(value, *starts_and_counts(index, groups)).quantiles(q)


@dataclass(frozen=True, slots=True)
class Ranked:
    """Values in rising order inside their groups: group i holds `value[first[i] : first[i] + counts[i]]`.

    `width` is that of the grid that they stand in, filled up with infinity; 0 where one group follows the other.
    """

    value: FloatArray
    first: IntArray
    counts: IntArray
    width: int

    def quantiles(self, q: tuple[float, ...]) -> FloatArray:
        """Quantiles (groups, len(q)), linear between ranks as numpy's default; NaN for an empty group."""
        out = np.full((len(self.counts), len(q)), np.nan)
        filled = self.counts > 0
        first, last = self.first[filled], self.counts[filled] - 1
        for column, share in enumerate(q):
            rank = share * last
            low = np.floor(rank).astype(np.int64)
            lower, upper = self.value[first + low], self.value[first + np.ceil(rank).astype(np.int64)]
            out[filled, column] = lower + (upper - lower) * (rank - low)
        return out

    def distances(self, centre: FloatArray) -> Ranked:
        """How far the values of each group lie from its centre."""
        if not self.width:
            return ranked(np.abs(self.value - np.repeat(centre, self.counts)), self.first, self.counts)
        away = np.abs(self.value.reshape(-1, self.width) - centre[:, None])
        away.sort(axis=1)
        return Ranked(away.ravel(), self.first, self.counts, self.width)


def ranked(value: FloatArray, starts: IntArray, counts: IntArray) -> Ranked:
    """Groups that each are some consecutive rows of a column, ranked.

    Series that report alike have about as many rows each: then they fit a grid whose rows numpy sorts many times faster than it
    orders the whole column by two keys. Few long ones among many short would fill it with nothing, so those go the slow way.
    """
    longest, size = int(counts.max(initial=0)), int(counts.sum())
    if longest * len(counts) > _MOST_PADDING * max(size, 1):
        first = np.cumsum(counts) - counts
        group = np.repeat(np.arange(len(counts)), counts)
        chosen = value[np.arange(size) + (starts - first)[group]]
        return Ranked(chosen[np.lexsort((chosen, group))], first, counts, 0)
    column = np.arange(longest)
    grid = value.take(starts[:, None] + column, mode="clip")
    if (counts < longest).any():
        grid[column >= counts[:, None]] = np.inf
    grid.sort(axis=1)
    return Ranked(grid.ravel(), np.arange(len(counts), dtype=np.int64) * longest, counts, longest)
