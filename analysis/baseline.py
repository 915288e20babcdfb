"""Each series' own past as two robust numbers; a series without enough of it has no baseline yet, and says so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from analysis.arrays import BoolArray
from analysis.grouped import from_newest, quantiles, starts_and_counts
from domain.quantities import BY_ID
from domain.readings import NO_TIME, FloatArray, IntArray
from domain.units import convert

#: Readings that a baseline looks back on, and how many of the newest it leaves out (a rise must not raise its own yardstick).
HISTORY = 500
SKIP = 2
LEAST_FOR_SUMMARY = 24
LEAST_FOR_DETECTION = 48
#: The newest stretch that takes no part. With q99 in the scale, six readings of a rise in 500 would be enough to hide the rest of it.
GUARD_S = 86400
#: Stretches that a past is cut into to find steps, how many readings that takes, and how many scales apart two levels must lie.
_STRETCHES, LEAST_FOR_STEPS, _STEP_SCALES = 8, 96, 6.0

#: Smallest scale of dose rates, per comparison unit: the noise of a quiet post whose quantised values have MAD 0 (measured: 0.6).
_SCALE_FLOOR = {"nSv/h": 0.8, "nGy/h": 0.8, "uR/h": 0.1}
_RELATIVE_FLOOR = 0.02


class BaselineState(StrEnum):
    """What a baseline is good for."""

    NONE_YET = "no_baseline_yet"
    SUMMARY = "summary"
    DETECTION = "detection"


@dataclass(frozen=True, slots=True)
class Baselines:
    """One row per series, in the unit of the values given: readings behind it, median, scale, its first and last time, whether it is split.

    `split` is True where the series has stood on two levels: only the lower one counts (see `_lower_level`).
    """

    count: IntArray
    median: FloatArray
    scale: FloatArray
    oldest_s: IntArray
    newest_s: IntArray
    split: BoolArray

    def state(self, row: int) -> BaselineState:
        """What the baseline of one series is good for."""
        if self.count[row] < LEAST_FOR_SUMMARY:
            return BaselineState.NONE_YET
        return BaselineState.DETECTION if self.count[row] >= LEAST_FOR_DETECTION else BaselineState.SUMMARY


def scale_floor(quantity: str, unit: str, median: FloatArray) -> FloatArray:
    """Smallest scale allowed, in `unit`: 0.8 nSv/h (nGy/h) for dose rates, else 2 % of the median."""
    relative = np.abs(median) * _RELATIVE_FLOOR
    target = BY_ID[quantity].unit
    if target in _SCALE_FLOOR and _converts(target, unit):
        return np.maximum(0.0 * relative, convert(_SCALE_FLOOR[target], target, unit))
    return np.maximum(relative, np.finfo(np.float64).tiny)


def _converts(source: str, target: str) -> bool:
    try:
        convert(1.0, source, target)
    except ValueError:
        return False
    return True


def scale(mad: FloatArray, q99: FloatArray, floor: FloatArray) -> FloatArray:
    """max(1.4826 MAD, q99(d)/3, floor): the q99 keeps a heavy-tailed station from crying at each of its own spikes."""
    return np.maximum(np.maximum(1.4826 * mad, q99 / 3.0), floor)


def baselines(
    index: IntArray,
    end_s: IntArray,
    value: FloatArray,
    floor: FloatArray,
    *,
    history: int = HISTORY,
    skip: int = SKIP,
    since_s: IntArray | None = None,
) -> Baselines:
    """Baselines of len(floor) series from measured rows ordered by (series, end_s).

    The newest day of each series is left out as long as half of it and enough readings remain, the newest `skip` always: a rise of hours must not
    become its own yardstick. `floor` is the smallest scale per series in its unit, NaN for 2 % of the median; `since_s` is when a
    series was last measured in another way (NO_TIME: never), before which its past says nothing.
    """
    groups = len(floor)
    kept = _past(index, end_s, groups, history, skip, since_s)
    index, end_s, value = index[kept], end_s[kept], value[kept]
    lower, split = _lower_level(index, value, groups, floor)
    if split.any():
        index, end_s, value = index[lower], end_s[lower], value[lower]
    middle, high = quantiles(index, value, groups, (0.5, 0.99)).T
    median, q99 = middle, high - middle
    mad = quantiles(index, np.abs(value - median[index]), groups, (0.5,))[:, 0]
    starts, counts = starts_and_counts(index, groups)
    oldest = np.full(groups, NO_TIME, np.int64)
    newest = np.full(groups, NO_TIME, np.int64)
    filled = counts > 0
    oldest[filled] = end_s[starts[filled]]
    newest[filled] = end_s[(starts + counts - 1)[filled]]
    return Baselines(counts, median, scale(mad, q99, _least(floor, median)), oldest, newest, split)


def _least(floor: FloatArray, median: FloatArray) -> FloatArray:
    return np.where(np.isnan(floor), np.abs(median) * _RELATIVE_FLOOR, floor)


def _past(
    index: IntArray, end_s: IntArray, groups: int, history: int, skip: int, since_s: IntArray | None
) -> BoolArray:
    """Rows that are past enough: not of the newest day while LEAST_FOR_SUMMARY and half of all remain, never the newest `skip`."""
    starts, counts = starts_and_counts(index, groups)
    filled = counts > 0
    newest = np.full(groups, NO_TIME, np.int64)
    newest[filled] = end_s[(starts + counts - 1)[filled]]
    recent = np.bincount(index[end_s > (newest - GUARD_S)[index]], minlength=groups)
    left_out = np.maximum(np.minimum.reduce([recent, counts - LEAST_FOR_SUMMARY, counts // 2]), skip)
    age = from_newest(index, groups) - left_out[index]
    kept: BoolArray = (age >= 0) & (age < history)
    return kept if since_s is None else kept & (end_s >= since_s[index])


def _lower_level(index: IntArray, value: FloatArray, groups: int, floor: FloatArray) -> tuple[BoolArray, BoolArray]:
    """Rows that count, and which series have stood on two levels, told by the medians of eight stretches of their past.

    Where a series stepped down its new level is its yardstick; where it stepped up the old one stays, because a rise of days is just
    what must not be taken for usual until somebody has registered why (`since_s`).
    """
    starts, counts = starts_and_counts(index, groups)
    stretch = (np.arange(len(index)) - starts[index]) * _STRETCHES // np.maximum(counts, 1)[index]
    told = quantiles(index * _STRETCHES + stretch, value, groups * _STRETCHES, (0.25, 0.5, 0.75))
    low, middle, high = told.reshape(groups, _STRETCHES, 3).transpose(2, 0, 1)
    enough = counts >= LEAST_FOR_STEPS
    if not enough.any():
        return np.ones(len(index), dtype=np.bool_), np.zeros(groups, dtype=np.bool_)
    spread = np.median(high - low, axis=1) / 1.349
    gap = _STEP_SCALES * np.maximum(spread, _least(floor, np.median(middle, axis=1)))
    first, last = np.zeros(groups, np.int64), np.full(groups, _STRETCHES, np.int64)
    for cut in range(2, _STRETCHES - 1):
        left, right = middle[:, :cut], middle[:, cut:]
        down = enough & (left.min(axis=1) - right.max(axis=1) > gap)
        up = enough & (right.min(axis=1) - left.max(axis=1) > gap)
        first = np.where(down, cut, first)
        last = np.where(up, np.minimum(last, cut), last)
    lower: BoolArray = (stretch >= first[index]) & (stretch < last[index])
    return lower, (first > 0) | (last < _STRETCHES)
