"""Facts of each series that every kind of a summary shares: newest value, own baseline, rise, and whether that is above its range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.arrays import Arrays, BoolArray, SeriesLike, bounded, floors, measured
from analysis.baseline import LEAST_FOR_SUMMARY, Baselines, baselines, scale_floor
from analysis.grouped import starts_and_counts
from domain.quantities import BY_ID as QUANTITIES
from domain.quantities import DOSE_RATES
from domain.readings import NO_TIME, FloatArray, IntArray
from domain.units import BY_CODE, convert

#: Rise and z of a station that reads above its own range, and far above, in nSv/h (or nGy/h); other kinds: share of the median.
ABOVE = ((15.0, 5.0), (12.0, 7.0))
FAR_ABOVE = (100.0, 5.0)
_RELATIVE_ABOVE = (0.2, 5.0)
_RELATIVE_FAR = (2.0, 5.0)
_DOSE_UNITS = ("nSv/h", "nGy/h")


@dataclass(frozen=True, slots=True)
class Columns:
    """Per-series facts (S rows) computed once for every kind, values in the quantity's unit; newest_* is -1 where there is no row."""

    value: FloatArray
    newest: IntArray
    newest_used: IntArray
    base: Baselines
    rise: FloatArray
    above: BoolArray
    far: BoolArray
    newest_fit: BoolArray


def common_unit(quantity: str, unit: str) -> str:
    """The unit that values of a series are compared in: the quantity's own, unless the published one is of another dimension."""
    own = QUANTITIES[quantity].unit
    return own if BY_CODE[own].dimension is BY_CODE[unit].dimension else unit


def columns_of(arrays: Arrays, changed: Mapping[str, int]) -> Columns:
    """The facts of every series of some columns; `changed` is when a series, station or feed was last measured in another way."""
    groups = len(arrays.series)
    scales = _scales(arrays.series)
    factor = np.array([scale.factor for scale in scales], dtype=np.float64)
    value = arrays.value * factor[arrays.index] if (factor != 1.0).any() else arrays.value
    floor = (floors(arrays.series) * factor)[arrays.index]
    usable, fit = bounded(value, arrays.censoring, arrays.qc, floor)
    index, good = arrays.index[fit], usable[fit]
    least = np.array([scale.floor for scale in scales], dtype=np.float64)
    base = baselines(index, arrays.end_s[fit], good, least, since_s=changes(arrays.series, changed))
    newest_fit, fit_rows = _last_rows(index, groups), np.flatnonzero(fit)
    known = newest_fit >= 0
    now_value = np.full(groups, np.nan)
    now_value[known] = good[newest_fit[known]]
    newest_used = np.full(groups, -1, dtype=np.int64)
    newest_used[known] = fit_rows[newest_fit[known]]
    rise = np.where(base.count >= LEAST_FOR_SUMMARY, now_value - base.median, np.nan)
    above, far = _gates(np.array([scale.by_dose for scale in scales], dtype=np.bool_), base, rise)
    newest = _last_rows(arrays.index, groups)
    measured_now = np.zeros(groups, dtype=np.bool_)
    heard = newest >= 0
    measured_now[heard] = measured(value[newest[heard]], arrays.censoring[newest[heard]], arrays.qc[newest[heard]])
    return Columns(value, newest, newest_used, base, rise, above, far, measured_now)


def changes(series: Sequence[SeriesLike], changed: Mapping[str, int]) -> IntArray | None:
    """When each series was last measured in another way, NO_TIME where nothing is registered; None where nothing is at all."""
    if not changed:
        return None
    named = ((like.series.uid, like.series.station_uid, like.series.feed_id) for like in series)
    return np.array([max(changed.get(name, NO_TIME) for name in names) for names in named], dtype=np.int64)


def _gates(dose: BoolArray, base: Baselines, rise: FloatArray) -> tuple[BoolArray, BoolArray]:
    """Which series read above their own range, and far above it: by nSv/h (nGy/h) for dose rates, else by the share of the median."""
    with np.errstate(invalid="ignore", divide="ignore"):
        z = rise / base.scale
        by_dose = np.logical_or.reduce([(rise >= least) & (z >= sigmas) for least, sigmas in ABOVE])
        far_dose = (rise >= FAR_ABOVE[0]) & (z >= FAR_ABOVE[1])
        share, far = (
            (rise >= part * np.abs(base.median)) & (z >= sigmas) & (base.median != 0.0)
            for part, sigmas in (_RELATIVE_ABOVE, _RELATIVE_FAR)
        )
    return np.where(dose, by_dose, share), np.where(dose, far_dose, far)


@dataclass(frozen=True, slots=True)
class _Scale:
    """What every series of one quantity and published unit shares: factor to the common unit, smallest scale, whether nSv/h gates apply."""

    factor: float
    floor: float
    by_dose: bool


def _scales(series: Sequence[SeriesLike]) -> list[_Scale]:
    """The scale of each series; made once per quantity and unit, of which there are few."""
    known: dict[tuple[str, str], _Scale] = {}
    pairs = [(like.series.quantity, like.series.unit) for like in series]
    for quantity, unit in set(pairs):
        common, dose = common_unit(quantity, unit), quantity in DOSE_RATES
        floor = float(scale_floor(quantity, common, np.zeros(1))[0]) if dose else float("nan")
        known[quantity, unit] = _Scale(convert(1.0, unit, common), floor, dose and common in _DOSE_UNITS)
    return [known[pair] for pair in pairs]


def _last_rows(index: IntArray, groups: int) -> IntArray:
    starts, counts = starts_and_counts(index, groups)
    return np.where(counts > 0, starts + counts - 1, -1)
