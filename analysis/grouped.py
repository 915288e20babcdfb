"""Order statistics per series over long columns: two sorts for thousands of series instead of one call each."""

from __future__ import annotations

import numpy as np

from domain.readings import FloatArray, IntArray


def starts_and_counts(index: IntArray, groups: int) -> tuple[IntArray, IntArray]:
    """First row and number of rows of each of `groups` groups; `index` must be sorted."""
    counts = np.bincount(index, minlength=groups).astype(np.int64)
    return np.concatenate(([0], np.cumsum(counts)[:-1])).astype(np.int64), counts


def quantiles(index: IntArray, value: FloatArray, groups: int, q: tuple[float, ...]) -> FloatArray:
    """Quantiles (groups, len(q)) of each group, linear between ranks as numpy's default; NaN for an empty group."""
    order = np.lexsort((value, index))
    ranked = value[order]
    starts, counts = starts_and_counts(index, groups)
    out = np.full((groups, len(q)), np.nan)
    filled = counts > 0
    for column, share in enumerate(q):
        rank = share * (counts[filled] - 1)
        low = np.floor(rank).astype(np.int64)
        high = np.ceil(rank).astype(np.int64)
        lower, upper = ranked[starts[filled] + low], ranked[starts[filled] + high]
        out[filled, column] = lower + (upper - lower) * (rank - low)
    return out


def from_newest(index: IntArray, groups: int) -> IntArray:
    """Rank of each row inside its group counted from the end: the last row of a group has 0."""
    starts, counts = starts_and_counts(index, groups)
    return starts[index] + counts[index] - 1 - np.arange(len(index), dtype=np.int64)
