"""Quality control: flags beside values, each with its reason in `domain.flags.MEANINGS`. Nothing is dropped and no value changes here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from domain import quantities, units
from domain.flags import Qc
from domain.readings import FloatArray, Harvest, IntArray, Readings, Series
from specs.feed import FeedSpec


def judge(harvest: Harvest, feed: FeedSpec, received_s: int, history_s: int = 0) -> Harvest:
    """The harvest with flags added to its readings; `history_s` is how far back the document reaches by its own nature."""
    readings = harvest.readings
    if readings is None:
        return harvest
    qc = readings.qc | _by_range(readings, feed) | _by_age(readings, feed, received_s, history_s)
    return replace(harvest, readings=replace(readings, qc=qc))


def _by_range(readings: Readings, feed: FeedSpec) -> IntArray:
    """Detector limits, declared range, sign and exact zero."""
    value, at = readings.value, readings.index
    floor = _per_series(readings.series, lambda series: series.floor)
    ceiling = _per_series(readings.series, lambda series: series.ceiling)
    ends = {kind: _declared(*kind, feed) for kind in {(series.quantity, series.unit) for series in readings.series}}
    low = _per_series(readings.series, lambda series: ends[series.quantity, series.unit][0])
    high = _per_series(readings.series, lambda series: ends[series.quantity, series.unit][1])
    signed = np.array([quantities.BY_ID[series.quantity].never_negative for series in readings.series], dtype=bool)
    natural = np.array([has_background(series) for series in readings.series], dtype=bool)
    with np.errstate(invalid="ignore"):
        found = np.where(value < floor[at], int(Qc.BELOW_RANGE), 0)
        found |= np.where(value > ceiling[at], int(Qc.ABOVE_RANGE), 0)
        found |= np.where((value < low[at]) | (value > high[at]), int(Qc.GROSS_RANGE), 0)
        found |= np.where((value < 0) & signed[at], int(Qc.NEGATIVE), 0)
        found |= np.where((value == 0) & natural[at], int(Qc.ZERO), 0)
    return found.astype(np.int64)


def _by_age(readings: Readings, feed: FeedSpec, received_s: int, history_s: int) -> IntArray:
    oldest = received_s - feed.schedule.late_after_s - history_s
    return np.where(readings.end_s < oldest, int(Qc.STALE_AT_RECEIPT), 0).astype(np.int64)


def has_background(series: Series) -> bool:
    """Whether nature never lets this quantity be zero: dose and count rates everywhere on Earth."""
    return series.quantity in quantities.DOSE_RATES or series.quantity == "count_rate"


def _per_series(series: Sequence[Series], limit: Callable[[Series], float | None]) -> FloatArray:
    return np.array([np.nan if (found := limit(one)) is None else found for one in series], dtype=np.float64)


def _declared(quantity: str, unit: str, feed: FeedSpec) -> tuple[float | None, float | None]:
    """Both ends of the feed's declared range, in the unit of the series."""
    declared = feed.expect.ranges.get(quantity)
    if declared is None:
        return None, None
    low, high = (units.convert(end, quantities.BY_ID[quantity].unit, unit) for end in declared)
    return low, high
