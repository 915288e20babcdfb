"""Quality control: flags beside values, each with its reason in `domain.flags.MEANINGS`. Nothing is dropped and no value changes here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import is_

import numpy as np
import numpy.typing as npt

from domain import quantities, units
from domain.flags import Qc
from domain.readings import FloatArray, Harvest, IntArray, Readings, Series
from specs.feed import FeedSpec

#: Payloads of so many kinds are remembered per feed before starting again.
_ADDRESSES = 64


@dataclass(frozen=True, slots=True)
class _Limits:
    """What holds for each series of a payload, in their order; NaN where nothing does."""

    series: tuple[Series, ...]
    floor: FloatArray
    ceiling: FloatArray
    low: FloatArray
    high: FloatArray
    signed: npt.NDArray[np.bool_]
    natural: npt.NDArray[np.bool_]


class Judge:
    """Judges the harvests of one feed; what holds for its series is looked up once, since they are the same from answer to answer."""

    def __init__(self, feed: FeedSpec) -> None:
        self._feed = feed
        self._limits: dict[str, _Limits] = {}  # by the first series of a payload: an address has its own

    def judge(self, harvest: Harvest, received_s: int, history_s: int = 0) -> Harvest:
        """The harvest with flags added to its readings; `history_s` is how far back the document reaches by its own nature."""
        readings = harvest.readings
        if readings is None:
            return harvest
        found = _by_range(readings, self._limits_of(readings.series))
        qc = readings.qc | found | _by_age(readings, self._feed, received_s, history_s)
        return replace(harvest, readings=replace(readings, qc=qc))

    def _limits_of(self, series: tuple[Series, ...]) -> _Limits:
        known = self._limits.get(series[0].uid) if series else None
        if known is None or len(known.series) != len(series) or not all(map(is_, known.series, series)):
            if len(self._limits) >= _ADDRESSES:
                self._limits.clear()
            known = _limits(series, self._feed)
            if series:
                self._limits[series[0].uid] = known
        return known


def _limits(series: tuple[Series, ...], feed: FeedSpec) -> _Limits:
    ends = {kind: _declared(*kind, feed) for kind in {(one.quantity, one.unit) for one in series}}
    return _Limits(
        series,
        _numbers([one.floor for one in series]),
        _numbers([one.ceiling for one in series]),
        _numbers([ends[one.quantity, one.unit][0] for one in series]),
        _numbers([ends[one.quantity, one.unit][1] for one in series]),
        np.array([quantities.BY_ID[one.quantity].never_negative for one in series], dtype=bool),
        np.array([has_background(one) for one in series], dtype=bool),
    )


def _by_range(readings: Readings, limits: _Limits) -> IntArray:
    """Detector limits, declared range, sign and exact zero."""
    value, at = readings.value, readings.index
    with np.errstate(invalid="ignore"):
        found = np.where(value < limits.floor[at], int(Qc.BELOW_RANGE), 0)
        found |= np.where(value > limits.ceiling[at], int(Qc.ABOVE_RANGE), 0)
        found |= np.where((value < limits.low[at]) | (value > limits.high[at]), int(Qc.GROSS_RANGE), 0)
        found |= np.where((value < 0) & limits.signed[at], int(Qc.NEGATIVE), 0)
        found |= np.where((value == 0) & limits.natural[at], int(Qc.ZERO), 0)
    return found.astype(np.int64)


def _by_age(readings: Readings, feed: FeedSpec, received_s: int, history_s: int) -> IntArray:
    oldest = received_s - feed.schedule.late_after_s - history_s
    return np.where(readings.end_s < oldest, int(Qc.STALE_AT_RECEIPT), 0).astype(np.int64)


def has_background(series: Series) -> bool:
    """Whether nature never lets this quantity be zero: dose and count rates everywhere on Earth."""
    return series.quantity in quantities.DOSE_RATES or series.quantity == "count_rate"


def _numbers(limits: list[float | None]) -> FloatArray:
    return np.array(limits, dtype=np.float64)  # None becomes NaN


def _declared(quantity: str, unit: str, feed: FeedSpec) -> tuple[float | None, float | None]:
    """Both ends of the feed's declared range, in the unit of the series."""
    declared = feed.expect.ranges.get(quantity)
    if declared is None:
        return None, None
    low, high = (units.convert(end, quantities.BY_ID[quantity].unit, unit) for end in declared)
    return low, high
