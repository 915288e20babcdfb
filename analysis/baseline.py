"""Each series' own past as two robust numbers; a series without enough of it has no baseline yet, and says so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from analysis.arrays import BoolArray
from analysis.grouped import Ranked, first_above, ranked, starts_and_counts
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
#: Both levels of a step hold two stretches at least, whose medians have half of them beyond: an eighth of a past, and more than these
#: quantiles leave out.
_WITHIN_STEP = (0.08, 0.92)

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
    starts, counts = _past(index, end_s, len(floor), history, skip, since_s)
    past = ranked(value, starts, counts)
    starts, counts, split = _lower_level(value, starts, past, floor)
    if split.any():
        past = ranked(value, starts, counts)
    median, high = past.quantiles((0.5, 0.99)).T
    mad = past.distances(median).quantiles((0.5,))[:, 0]
    oldest, newest = _at(end_s, starts, counts), _at(end_s, starts + counts - 1, counts)
    return Baselines(counts, median, scale(mad, high - median, _least(floor, median)), oldest, newest, split)


def _least(floor: FloatArray, median: FloatArray) -> FloatArray:
    return np.where(np.isnan(floor), np.abs(median) * _RELATIVE_FLOOR, floor)


def _at(end_s: IntArray, rows: IntArray, counts: IntArray) -> IntArray:
    """Times of some rows, one for each group; NO_TIME for an empty one."""
    found = np.full(len(counts), NO_TIME, np.int64)
    found[counts > 0] = end_s[rows[counts > 0]]
    return found


def _past(
    index: IntArray, end_s: IntArray, groups: int, history: int, skip: int, since_s: IntArray | None
) -> tuple[IntArray, IntArray]:
    """First row and number of rows of each series that are past enough.

    Not those of the newest day while LEAST_FOR_SUMMARY and half of all remain, never the newest `skip`.
    """
    starts, counts = starts_and_counts(index, groups)
    newest = _at(end_s, starts + counts - 1, counts)
    recent = starts + counts - first_above(end_s, starts, counts, newest - GUARD_S)
    left_out = np.maximum(np.minimum.reduce([recent, counts - LEAST_FOR_SUMMARY, counts // 2]), skip)
    end = starts + np.maximum(counts - left_out, 0)
    begin = np.maximum(starts, end - history)
    if since_s is not None:
        begin = np.minimum(np.maximum(begin, first_above(end_s, starts, counts, since_s - 1)), end)
    return begin, end - begin


def _lower_level(
    value: FloatArray, starts: IntArray, past: Ranked, floor: FloatArray
) -> tuple[IntArray, IntArray, BoolArray]:
    """First row and number of rows that count, and which series have stood on two levels, told by the medians of eight stretches of their past.

    Where a series stepped down its new level is its yardstick; where it stepped up the old one stays, because a rise of days is just
    what must not be taken for usual until somebody has registered why (`since_s`).
    """
    counts, split = past.counts, np.zeros(len(floor), dtype=np.bool_)
    low, high = past.quantiles(_WITHIN_STEP).T
    suspect = np.flatnonzero((counts >= LEAST_FOR_STEPS) & ~(high - low <= _STEP_SCALES * floor))
    if not len(suspect):
        return starts, counts, split
    # rows at which the stretches begin, and the end of the last
    bounds = starts[suspect, None] + -(-np.arange(_STRETCHES + 1) * counts[suspect, None] // _STRETCHES)
    first, last = _steps(value, bounds, floor[suspect])
    at = np.arange(len(suspect))
    begin, end = starts.copy(), starts + counts
    begin[suspect], end[suspect] = bounds[at, first], bounds[at, last]
    split[suspect] = (first > 0) | (last < _STRETCHES)
    return begin, end - begin, split


def _steps(value: FloatArray, bounds: IntArray, floor: FloatArray) -> tuple[IntArray, IntArray]:
    """The first stretch of each series that counts, and the one after the last; all of them where there is no step."""
    told = ranked(value, bounds[:, :-1].ravel(), np.diff(bounds, axis=1).ravel()).quantiles((0.25, 0.5, 0.75))
    low, middle, high = told.reshape(-1, _STRETCHES, 3).transpose(2, 0, 1)
    spread = np.median(high - low, axis=1) / 1.349
    gap = _STEP_SCALES * np.maximum(spread, _least(floor, np.median(middle, axis=1)))
    first, last = np.zeros(len(floor), np.int64), np.full(len(floor), _STRETCHES, np.int64)
    for cut in range(2, _STRETCHES - 1):
        left, right = middle[:, :cut], middle[:, cut:]
        down = left.min(axis=1) - right.max(axis=1) > gap
        up = right.min(axis=1) - left.max(axis=1) > gap
        first = np.where(down, cut, first)
        last = np.where(up, np.minimum(last, cut), last)
    return first, last
