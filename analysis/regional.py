"""Is it usual here? One answer per medium and quantity, each station against its own past; start reading at `summarise`."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.arrays import Arrays, BoolArray, SeriesLike, measured
from analysis.baseline import LEAST_FOR_SUMMARY, Baselines, baselines, scale_floor
from analysis.freshness import Standing, Standings, freshness
from analysis.grouped import quantiles, starts_and_counts
from analysis.mirrors import mirrors
from analysis.rainfall import Rainfall, rainfall
from analysis.sentences import Counts, sentences
from analysis.summary import AreaName, Departures, Extreme, Kind, Summary, WindowClass
from analysis.verdict import Evidence, verdict
from domain.flags import Qc
from domain.quantities import BY_ID as QUANTITIES
from domain.quantities import CONTEXT, DOSE_RATES
from domain.readings import FloatArray, IntArray
from domain.reasons import Untold
from domain.states import CENSORING_CODES, Censoring, Freshness
from domain.units import BY_CODE, Dimension, convert

#: A station that has given nothing new for this long, and is not even in its publisher's list of missing ones, is no longer expected.
FORGOTTEN_AFTER_S = 30 * 86400
#: Rise and z of a station that reads above its own range, and far above, in nSv/h (or nGy/h); other kinds: share of the median.
ABOVE = ((15.0, 5.0), (12.0, 7.0))
FAR_ABOVE = (100.0, 5.0)
_RELATIVE_ABOVE = (0.2, 5.0)
_RELATIVE_FAR = (2.0, 5.0)
#: With rain near a rise below this is ordinary (99.9 % of natural ones); above it rain explains nothing.
RAIN_LIMIT = 60.0
_PREFERRED_WINDOW_S = 600
_LAB = frozenset({Dimension.ACTIVITY_PER_VOLUME, Dimension.ACTIVITY_PER_MASS, Dimension.ACTIVITY_PER_AREA, Dimension.TRITIUM_UNIT, Dimension.RATIO})
_WHY_NOT = {
    Freshness.LATE: Untold.LATE, Freshness.SILENT: Untold.SILENT, Freshness.FEED_LATE: Untold.FEED_BLIND, Freshness.NEVER: Untold.SILENT,
}


@dataclass(frozen=True, slots=True)
class _Columns:
    """Per-series facts (S rows) computed once for every kind, values in the quantity's unit; newest_* is -1 where there is no row."""

    value: FloatArray
    newest: IntArray
    newest_measured: IntArray
    interval_s: FloatArray
    base: Baselines
    rise: FloatArray
    z: FloatArray


@dataclass(frozen=True, slots=True)
class _Seen:
    """One series of a kind as it stands now. `why` is None for one whose newest reading is fresh and measured."""

    row: int
    like: SeriesLike
    why: Untold | None
    judged: bool
    above: bool
    far: bool
    beyond: bool
    reported: bool


def summarise(area: AreaName, arrays: Arrays, feeds: Standings, *, now_s: int, window_s: int) -> tuple[Summary, ...]:
    """Summaries of one area, one per kind, from the columns of every series known there (also the silent ones).

    `arrays` reaches as far back as baselines shall look (they use at most 500 readings a series) and holds nothing after `now_s`;
    `window_s` is the span in which a station counts as reporting.
    """
    kinds: dict[Kind, list[int]] = defaultdict(list)
    for row, like in enumerate(arrays.series):
        if _takes_part(like, now_s):
            kinds[kind_of(like)].append(row)
    columns = _columns(arrays)
    rain = rainfall(arrays)
    found = [
        _summary(area, kind, rows, arrays, columns, feeds, rain, now_s, window_s)
        for kind, rows in sorted(kinds.items(), key=lambda item: _order(item[0]))
        if not (kind.dimension in _LAB and all(columns.newest[row] < 0 for row in rows))
    ]
    return tuple(found)


def kind_of(like: SeriesLike) -> Kind:
    """The kind that a series belongs to."""
    series = like.series
    window = WindowClass.CURRENT if series.window_s <= 3600 else WindowClass.DAY if series.window_s <= 86400 else WindowClass.LONG
    return Kind(
        series.medium, series.quantity, series.analyte, BY_CODE[series.unit].dimension, window, series.exercise or like.station.exercise
    )


def common_unit(quantity: str, unit: str) -> str:
    """The unit that values of a series are compared in: the quantity's own, unless the published one is of another dimension."""
    own = QUANTITIES[quantity].unit
    return own if BY_CODE[own].dimension is BY_CODE[unit].dimension else unit


def _order(kind: Kind) -> tuple[str, ...]:
    return (kind.medium, kind.quantity, kind.analyte, kind.dimension.value, kind.window_class.value, str(kind.exercise))


def _takes_part(like: SeriesLike, now_s: int) -> bool:
    if like.series.quantity in CONTEXT or like.station.station.moving:
        return False
    return bool(like.station.mark) or now_s - like.station.last_seen_s <= FORGOTTEN_AFTER_S


def _columns(arrays: Arrays) -> _Columns:
    groups = len(arrays.series)
    value = arrays.value * _factors(arrays.series)[arrays.index] if groups else arrays.value
    fit = measured(value, arrays.censoring, arrays.qc)
    index, end_s, good = arrays.index[fit], arrays.end_s[fit], value[fit]
    floor = np.array([_floor(like) for like in arrays.series], dtype=np.float64)
    base = baselines(index, end_s, good, floor)
    newest = _last_rows(arrays.index, groups)
    rows = np.flatnonzero(fit)
    last_fit = _last_rows(index, groups)
    newest_measured = np.where(last_fit >= 0, rows[np.maximum(last_fit, 0)] if len(rows) else -1, -1)
    now_value = np.where(newest_measured >= 0, value[np.maximum(newest_measured, 0)] if len(value) else np.nan, np.nan)
    rise = np.where(base.count >= LEAST_FOR_SUMMARY, now_value - base.median, np.nan)
    return _Columns(value, newest, newest_measured, _intervals(index, end_s, groups), base, rise, rise / base.scale)


def _factors(series: Sequence[SeriesLike]) -> FloatArray:
    pairs = {(like.series.quantity, like.series.unit) for like in series}
    known = {pair: convert(1.0, pair[1], common_unit(*pair)) for pair in pairs}
    return np.array([known[like.series.quantity, like.series.unit] for like in series], dtype=np.float64)


def _floor(like: SeriesLike) -> float:
    if like.series.quantity not in DOSE_RATES:
        return float("nan")
    return float(scale_floor(like.series.quantity, common_unit(like.series.quantity, like.series.unit), np.zeros(1))[0])


def _last_rows(index: IntArray, groups: int) -> IntArray:
    starts, counts = starts_and_counts(index, groups)
    return np.where(counts > 0, starts + counts - 1, -1)


def _intervals(index: IntArray, end_s: IntArray, groups: int) -> FloatArray:
    step = np.diff(end_s)
    same = np.diff(index) == 0
    return quantiles(index[1:][same], step[same].astype(np.float64), groups, (0.5,))[:, 0]


def _summary(
    area: AreaName, kind: Kind, rows: list[int], arrays: Arrays, columns: _Columns, feeds: Standings, rain: Rainfall,
    now_s: int, window_s: int,
) -> Summary:
    copies = mirrors([arrays.series[row] for row in rows], rows, arrays, now_s)
    seen = [_see(row, arrays, columns, feeds.of(arrays.series[row].series.feed_id), now_s, window_s) for row in rows if row not in copies]
    stations = _by_station(seen)
    fresh = [one for one in stations.values() if one.why is None]
    excluded: Counter[Untold] = Counter(one.why for one in stations.values() if one.why is not None)
    if copies:
        excluded[Untold.MIRROR] = len({arrays.series[row].station.station.uid for row in copies})
    above = [one for one in stations.values() if one.above and one.why is None]
    explained = [_explained(one, arrays, columns, rain) for one in above]
    judged = sum(one.judged for one in fresh)
    stated = kind.dimension is not Dimension.UNSTATED
    state, reasons = verdict(Evidence(
        len(stations), len(fresh), judged, len(above), sum(e is True for e in explained), sum(e is None for e in explained),
        sum(one.far for one in above), sum(one.beyond for one in stations.values()), _last_above(stations.values(), arrays, columns, rain),
        stated, excluded,
    ))
    newest = max((int(arrays.end_s[columns.newest[row]]) for row in rows if columns.newest[row] >= 0), default=None)
    counts = Counts(len(stations), len(fresh), judged, len(above), None if newest is None else now_s - newest)
    values = np.array([columns.value[columns.newest_measured[one.row]] for one in fresh], dtype=np.float64)
    known = [e for e in explained if e is not None]
    return Summary(
        area.id, kind, common_unit(kind.quantity, arrays.series[rows[0]].series.unit), now_s, window_s, len(stations),
        sum(one.reported for one in stations.values()), len(fresh), judged, dict(sorted(excluded.items())),
        judged / len(stations) if stations else 0.0, _spread(values) if stated else None,
        _extreme(fresh, values, arrays, columns, largest=False) if stated else None,
        _extreme(fresh, values, arrays, columns, largest=True) if stated else None,
        _departures(fresh, columns), _censored(rows, arrays, now_s, window_s), sum(known) / len(above) if known else None, newest,
        state, reasons, sentences(area, kind, state, reasons, counts), tuple(sorted({arrays.series[row].series.feed_id for row in rows})),
    )


def _see(row: int, arrays: Arrays, columns: _Columns, standing: Standing, now_s: int, window_s: int) -> _Seen:
    last, last_fit = int(columns.newest[row]), int(columns.newest_measured[row])
    end_s = int(arrays.end_s[last]) if last >= 0 else None
    interval = float(columns.interval_s[row])
    fresh = freshness(end_s, now_s, standing, None if math.isnan(interval) else interval)
    why = None if fresh is Freshness.FRESH else _WHY_NOT[fresh]
    beyond = False
    if why is None and last != last_fit:
        qc = int(arrays.qc[last])
        code = CENSORING_CODES[int(arrays.censoring[last])]
        beyond = bool(qc & Qc.ABOVE_RANGE) or code is Censoring.ABOVE
        low = bool(qc & Qc.BELOW_RANGE) or code in (Censoring.BELOW, Censoring.NOT_DETECTED)
        why = Untold.BELOW_RANGE if low else Untold.QC_FAILED
    judged = bool(columns.base.count[row] >= LEAST_FOR_SUMMARY)
    reported = end_s is not None and end_s > now_s - window_s
    return _Seen(row, arrays.series[row], why, judged, _above(row, arrays, columns, far=False), _above(row, arrays, columns, far=True), beyond, reported)


def _above(row: int, arrays: Arrays, columns: _Columns, *, far: bool) -> bool:
    rise, z = float(columns.rise[row]), float(columns.z[row])
    series = arrays.series[row].series
    if series.quantity in DOSE_RATES and common_unit(series.quantity, series.unit) in ("nSv/h", "nGy/h"):
        return any(rise >= least and z >= sigmas for least, sigmas in ((FAR_ABOVE,) if far else ABOVE))
    share, sigmas = _RELATIVE_FAR if far else _RELATIVE_ABOVE
    return rise >= share * abs(float(columns.base.median[row])) and z >= sigmas


def _by_station(seen: Iterable[_Seen]) -> dict[str, _Seen]:
    """One series speaks for a station: a fresh one, of ten minutes if there is one; a rise on another instrument is not lost."""
    best: dict[str, _Seen] = {}
    for one in sorted(seen, key=_preference):
        uid = one.like.station.station.uid
        if uid not in best or (one.why is None and one.above and not best[uid].above and _same_window(one, best[uid])):
            best[uid] = one
    return dict(sorted(best.items()))


def _same_window(one: _Seen, other: _Seen) -> bool:
    return one.like.series.window_s == other.like.series.window_s


def _preference(one: _Seen) -> tuple[bool, bool, int, str]:
    return (one.why is not None, not one.judged, abs(one.like.series.window_s - _PREFERRED_WINDOW_S), one.like.series.uid)


def _explained(one: _Seen, arrays: Arrays, columns: _Columns, rain: Rainfall) -> bool | None:
    place = one.like.station.station
    if columns.rise[one.row] >= RAIN_LIMIT:
        return False
    return rain.explains(place.latitude_deg, place.longitude_deg, int(arrays.end_s[columns.newest_measured[one.row]]))


def _last_above(stations: Iterable[_Seen], arrays: Arrays, columns: _Columns, rain: Rainfall) -> int:
    return sum(1 for one in stations if one.why is not None and one.above and _explained(one, arrays, columns, rain) is not True)


def _spread(values: FloatArray) -> tuple[float, float, float, float, float] | None:
    if not len(values):
        return None
    p05, p25, p50, p75, p95 = (float(q) for q in np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95)))
    return p05, p25, p50, p75, p95


def _extreme(fresh: list[_Seen], values: FloatArray, arrays: Arrays, columns: _Columns, *, largest: bool) -> Extreme | None:
    if not fresh:
        return None
    at = int(np.argmax(values) if largest else np.argmin(values))
    one = fresh[at]
    return Extreme(
        float(values[at]), one.like.station.station.uid, one.like.series.uid, int(arrays.end_s[columns.newest_measured[one.row]])
    )


def _departures(fresh: list[_Seen], columns: _Columns) -> Departures | None:
    judged = [one for one in fresh if one.judged]
    if not judged:
        return None
    rise = columns.rise[[one.row for one in judged]]
    above = [one.like.station.station.uid for one in judged if one.above]
    return Departures(float(np.median(rise)), float(np.quantile(rise, 0.95)), float(rise.max()), len(above), tuple(above[:20]))


def _censored(rows: list[int], arrays: Arrays, now_s: int, window_s: int) -> dict[str, int]:
    chosen: BoolArray = np.isin(arrays.index, rows) & (arrays.end_s > now_s - window_s)
    counts = np.bincount(arrays.censoring[chosen], minlength=len(CENSORING_CODES))
    return {code.value: int(counts[at]) for at, code in enumerate(CENSORING_CODES) if counts[at] and code is not Censoring.NONE}
