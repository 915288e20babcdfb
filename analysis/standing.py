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
    """Per-series facts (S rows) computed once for every kind, values in the quantity's unit; newest_* is -1 where there is no row.

    `starts` and `counts` are its rows; `newest_end_s` is when the newest reading ended, NO_TIME where there is none.
    """

    starts: IntArray
    counts: IntArray
    value: FloatArray
    newest: IntArray
    newest_end_s: IntArray
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
    factor, least, by_dose = _scales(arrays.series)
    starts, counts = starts_and_counts(arrays.index, groups)
    value = arrays.value * np.repeat(factor, counts) if (factor != 1.0).any() else arrays.value
    floor = np.repeat(floors(arrays.series) * factor, counts)
    usable, fit = bounded(value, arrays.censoring, arrays.qc, floor)
    rows = None if fit.all() else np.flatnonzero(fit)
    newest_used, kept = _newest_fit(rows, starts, counts), slice(None) if rows is None else rows
    since_s = changes(arrays.series, changed)
    base = baselines(arrays.index[kept], arrays.end_s[kept], usable[kept], least, since_s=since_s)
    now_value = np.full(groups, np.nan)
    now_value[newest_used >= 0] = usable[newest_used[newest_used >= 0]]
    rise = np.where(base.count >= LEAST_FOR_SUMMARY, now_value - base.median, np.nan)
    above, far = _gates(by_dose, base, rise)
    newest = np.where(counts > 0, starts + counts - 1, -1)
    measured_now, newest_end_s = np.zeros(groups, dtype=np.bool_), np.full(groups, NO_TIME, dtype=np.int64)
    heard = newest >= 0
    last = newest[heard]
    measured_now[heard] = measured(value[last], arrays.censoring[last], arrays.qc[last])
    newest_end_s[heard] = arrays.end_s[last]
    return Columns(starts, counts, value, newest, newest_end_s, newest_used, base, rise, above, far, measured_now)


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


def _scales(series: Sequence[SeriesLike]) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Factor to the common unit, smallest scale in it, and whether the nSv/h gates apply; found once per quantity and unit, of which there are few."""
    known: dict[tuple[str, str], int] = {}
    at = np.array([known.setdefault((like.series.quantity, like.series.unit), len(known)) for like in series], np.int64)
    factor, least, by_dose = np.ones(len(known)), np.full(len(known), np.nan), np.zeros(len(known), np.bool_)
    for (quantity, unit), i in known.items():
        common = common_unit(quantity, unit)
        factor[i] = convert(1.0, unit, common)
        if quantity in DOSE_RATES:
            least[i], by_dose[i] = scale_floor(quantity, common, np.zeros(1))[0], common in _DOSE_UNITS
    return factor[at], least[at], by_dose[at]


def _newest_fit(rows: IntArray | None, starts: IntArray, counts: IntArray) -> IntArray:
    """The newest fit row of each series, -1 where there is none; `rows` are those that are fit, None when all are."""
    ends = starts + counts
    newest = ends - 1
    if rows is not None:
        at = np.searchsorted(rows, ends) - 1
        newest = np.where(at >= 0, rows[at] if len(rows) else -1, -1)
    return np.where(newest >= starts, newest, -1)
