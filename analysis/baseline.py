"""Each series' own past as two robust numbers; a series without enough of it has no baseline yet, and says so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from analysis.grouped import from_newest, quantiles, starts_and_counts
from domain.quantities import BY_ID
from domain.readings import NO_TIME, FloatArray, IntArray
from domain.units import convert

#: Readings that a baseline looks back on, and how many of the newest it leaves out (a rise must not raise its own yardstick).
HISTORY = 500
SKIP = 2
LEAST_FOR_SUMMARY = 24
LEAST_FOR_DETECTION = 48

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
    """One row per series, in the unit of the values given: median, scale, sum of readings behind them and their first and last time."""

    count: IntArray
    median: FloatArray
    scale: FloatArray
    oldest_s: IntArray
    newest_s: IntArray

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
    index: IntArray, end_s: IntArray, value: FloatArray, floor: FloatArray, *, history: int = HISTORY, skip: int = SKIP
) -> Baselines:
    """Baselines of len(floor) series from measured rows ordered by (series, end_s); the newest `skip` of each are left out.

    `floor` is the smallest scale per series in its unit; NaN stands for the relative floor of 2 % of the median.
    """
    groups = len(floor)
    age = from_newest(index, groups)
    kept = (age >= skip) & (age < skip + history)
    index, end_s, value = index[kept], end_s[kept], value[kept]
    middle, high = quantiles(index, value, groups, (0.5, 0.99)).T
    median, q99 = middle, high - middle
    mad = quantiles(index, np.abs(value - median[index]), groups, (0.5,))[:, 0]
    least = np.where(np.isnan(floor), np.abs(median) * _RELATIVE_FLOOR, floor)
    starts, counts = starts_and_counts(index, groups)
    oldest = np.full(groups, NO_TIME, np.int64)
    newest = np.full(groups, NO_TIME, np.int64)
    filled = counts > 0
    oldest[filled] = end_s[starts[filled]]
    newest[filled] = end_s[(starts + counts - 1)[filled]]
    return Baselines(counts, median, scale(mad, q99, least), oldest, newest)
