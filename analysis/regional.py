"""Is it usual here? One answer per medium and quantity, each station against its own past; start reading at `summarise`."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from analysis.arrays import Arrays, SeriesLike
from analysis.baseline import LEAST_FOR_SUMMARY
from analysis.freshness import Standings, freshness, late_after
from analysis.grouped import quantiles
from analysis.mirrors import mirrors, second_paths
from analysis.rainfall import Rainfall, rainfall
from analysis.sentences import Counts, sentences
from analysis.standing import Columns, columns_of, common_unit
from analysis.summary import AreaName, Departures, Extreme, Kind, Summary, WindowClass
from analysis.verdict import Evidence, verdict
from domain.flags import UNFIT, Qc
from domain.quantities import CONTEXT
from domain.readings import NO_TIME, FloatArray, IntArray
from domain.reasons import Untold
from domain.states import CENSORING_CODES, Censoring, Freshness
from domain.units import BY_CODE, Dimension

#: A station that has given nothing new for this long while others of its feed have, and that is not even in its publisher's list of missing
#: ones, is no longer expected. Where a whole feed fell silent every station of it stays expected, and missing.
FORGOTTEN_AFTER_S = 30 * 86400
#: With rain near a rise below this is ordinary (99.9 % of natural ones); above it rain explains nothing.
RAIN_LIMIT = 60.0
_PREFERRED_WINDOW_S = 600
_INTERVALS = 49
_LAB = frozenset(
    {
        Dimension.ACTIVITY_PER_VOLUME,
        Dimension.ACTIVITY_PER_MASS,
        Dimension.ACTIVITY_PER_AREA,
        Dimension.TRITIUM_UNIT,
        Dimension.RATIO,
    }
)
_WHY_NOT = {
    Freshness.LATE: Untold.LATE,
    Freshness.SILENT: Untold.SILENT,
    Freshness.FEED_LATE: Untold.FEED_BLIND,
    Freshness.NEVER: Untold.SILENT,
}


class _Seen(NamedTuple):
    """One series of a kind as it stands now. `why` is None for one whose newest reading is fresh and measured.

    A tuple, because a country has thousands of them and a frozen dataclass takes five times as long to make.
    """

    row: int
    like: SeriesLike
    why: Untold | None
    judged: bool
    above: bool
    far: bool
    beyond: bool
    reported: bool


def summarise(
    area: AreaName,
    arrays: Arrays,
    feeds: Standings,
    *,
    now_s: int,
    window_s: int,
    changed: Mapping[str, int] = MappingProxyType({}),
    twins: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Summary, ...]:
    """Summaries of one area, one per kind, from the columns of every series known there (also the silent ones).

    `arrays` reaches as far back as baselines shall look (they use at most 500 readings a series) and holds nothing after `now_s`;
    `window_s` is the span in which a station counts as reporting; `changed` is when a series, station or feed (by id) was last
    measured in another way; `twins` maps stations of one instrument to one id (specs.twins.one_station): they count once.
    """
    kinds = _by_kind(arrays.series)
    question = _Question(area, arrays, columns_of(arrays, changed), feeds, rainfall(arrays), now_s, window_s, twins)
    found = [
        _summary(question, kind, rows)
        for kind, rows in sorted(kinds.items(), key=lambda item: _order(item[0]))
        if not (kind.dimension in _LAB and all(question.columns.newest[row] < 0 for row in rows))
    ]
    return tuple(found)


def _by_kind(series: Sequence[SeriesLike]) -> dict[Kind, list[int]]:
    """Rows of each kind; told apart by plain keys first, because a country has thousands of series and few kinds."""
    heard_s: dict[str, int] = defaultdict(lambda: NO_TIME)
    alike: dict[tuple[str, str, str, str, str, int, bool], list[int]] = defaultdict(list)
    for row, like in enumerate(series):
        one, station = like.series, like.station
        heard_s[one.feed_id] = max(heard_s[one.feed_id], station.last_seen_s)
        exercise = one.exercise or station.exercise
        alike[one.feed_id, one.medium, one.quantity, one.analyte, one.unit, one.window_s, exercise].append(row)
    kinds: dict[Kind, list[int]] = defaultdict(list)
    for (feed_id, _, quantity, *_), rows in alike.items():
        if quantity not in CONTEXT and (found := [row for row in rows if _takes_part(series[row], heard_s[feed_id])]):
            kinds[kind_of(series[found[0]])] += found
    return {kind: sorted(found) for kind, found in kinds.items()}


def kind_of(like: SeriesLike) -> Kind:
    """The kind that a series belongs to."""
    series = like.series
    window = (
        WindowClass.CURRENT
        if series.window_s <= 3600
        else WindowClass.DAY
        if series.window_s <= 86400
        else WindowClass.LONG
    )
    return Kind(
        series.medium,
        series.quantity,
        series.analyte,
        BY_CODE[series.unit].dimension,
        window,
        series.exercise or like.station.exercise,
    )


def _order(kind: Kind) -> tuple[str, ...]:
    return (kind.medium, kind.quantity, kind.analyte, kind.dimension.value, kind.window_class.value, str(kind.exercise))


def _takes_part(like: SeriesLike, feed_heard_s: int) -> bool:
    station = like.station
    expected = station.last_seen_s >= feed_heard_s - FORGOTTEN_AFTER_S or bool(station.mark)
    return expected and not station.station.moving


@dataclass(frozen=True, slots=True)
class _Question:
    """What every kind of one call shares."""

    area: AreaName
    arrays: Arrays
    columns: Columns
    feeds: Standings
    rain: Rainfall
    now_s: int
    window_s: int
    twins: Mapping[str, str]


def _summary(q: _Question, kind: Kind, rows: list[int]) -> Summary:
    likes = [q.arrays.series[row] for row in rows]
    end_s = q.columns.newest_end_s[rows]
    copies = mirrors(likes, rows, q.arrays.end_s, q.columns, q.now_s) | second_paths(
        likes, rows, end_s.tolist(), q.twins
    )
    stations = _by_station(_see_all(q, [row for row in rows if row not in copies]))
    fresh = [one for one in stations.values() if one.why is None]
    above = [one for one in fresh if one.above]
    explained = [_explained(one, q) for one in above]
    evidence = _evidence(q, kind, stations, explained, copies)
    state, reasons = verdict(evidence)
    newest = None if (last_s := int(end_s.max())) == NO_TIME else last_s
    counts = Counts(
        len(stations),
        len(fresh),
        evidence.judged,
        len(above),
        None if newest is None else q.now_s - newest,
        evidence.excluded.get(Untold.BELOW_RANGE, 0),
    )
    values = q.columns.value[q.columns.newest_used[[one.row for one in fresh]]] if fresh else np.zeros(0)
    known = [one for one in explained if one is not None]
    stated = evidence.unit_stated
    return Summary(
        area_id=q.area.id,
        kind=kind,
        unit=common_unit(kind.quantity, q.arrays.series[rows[0]].series.unit),
        as_of_s=q.now_s,
        window_s=q.window_s,
        expected=len(stations),
        reporting=sum(one.reported for one in stations.values()),
        fresh=len(fresh),
        judged=evidence.judged,
        excluded=evidence.excluded,
        coverage=evidence.coverage,
        quantiles=_spread(values) if stated else None,
        lowest=_extreme(fresh, values, q, largest=False) if stated else None,
        highest=_extreme(fresh, values, q, largest=True) if stated else None,
        departures=_departures(fresh, q.columns),
        censored=_censored(rows, q),
        rain_explained=sum(known) / len(above) if known else None,
        newest_s=newest,
        state=state,
        reasons=reasons,
        sentences=sentences(q.area, kind, state, reasons, counts),
        feeds=tuple(sorted({q.arrays.series[row].series.feed_id for row in rows})),
    )


def _evidence(
    q: _Question, kind: Kind, stations: Mapping[str, _Seen], explained: Sequence[bool | None], copies: frozenset[int]
) -> Evidence:
    """The counts that the verdict is made of."""
    excluded: Counter[Untold] = Counter(one.why for one in stations.values() if one.why is not None)
    if copies:
        excluded[Untold.MIRROR] = len({q.arrays.series[row].station.station.uid for row in copies})
    fresh = [one for one in stations.values() if one.why is None]
    silent_above = [one for one in stations.values() if one.why is not None and one.above]
    return Evidence(
        expected=len(stations),
        fresh=len(fresh),
        judged=sum(one.judged for one in fresh),
        above=sum(one.above for one in fresh),
        by_rain=sum(one is True for one in explained),
        rain_unknown=sum(one is None for one in explained),
        far=sum(one.far for one in fresh if one.above),
        beyond=sum(one.beyond for one in stations.values()),
        last_above=sum(_explained(one, q) is not True for one in silent_above),
        unit_stated=kind.dimension is not Dimension.UNSTATED,
        excluded=dict(sorted(excluded.items())),
    )


def _see_all(q: _Question, rows: list[int]) -> list[_Seen]:
    """How each series stands. Most of a country is fresh and measured: those are told apart at once, the others one by one."""
    columns, series = q.columns, q.arrays.series
    last, end_s = columns.newest[rows], columns.newest_end_s[rows]
    feeds = [series[row].series.feed_id for row in rows]
    limits = {feed: late_after(q.feeds.of(feed)) for feed in set(feeds)}
    fresh = q.now_s - end_s <= np.array([limits[feed] for feed in feeds], dtype=np.float64)
    # Dear to find out, and excuses at most: of late ones only, and of none whose newest reading lies outside the window.
    habits = _habits(q.arrays, last[~fresh & (last >= 0) & (end_s > q.now_s - q.window_s)])
    why: list[Untold | None] = [None] * len(rows)
    beyond = [False] * len(rows)
    for i in np.flatnonzero(~(fresh & columns.newest_fit[rows])).tolist():
        why[i], beyond[i] = _why_not(q, rows[i], habits)
    columns_told = (
        rows,
        [series[row] for row in rows],
        why,
        (columns.base.count[rows] >= LEAST_FOR_SUMMARY).tolist(),
        columns.above[rows].tolist(),
        columns.far[rows].tolist(),
        beyond,
        (end_s > q.now_s - q.window_s).tolist(),
    )
    return [_Seen._make(one) for one in zip(*columns_told, strict=True)]


def _why_not(q: _Question, row: int, habits: Mapping[int, float]) -> tuple[Untold | None, bool]:
    """Why a series takes no part (None: it does after all, by its own habit), and whether it lies beyond its detector's range."""
    arrays, last = q.arrays, int(q.columns.newest[row])
    end_s = int(arrays.end_s[last]) if last >= 0 else None
    found = freshness(end_s, q.now_s, q.feeds.of(arrays.series[row].series.feed_id), habits.get(last))
    if found is not Freshness.FRESH:
        return _WHY_NOT[found], False
    return _unfit(int(arrays.qc[last]), CENSORING_CODES[int(arrays.censoring[last])], float(q.columns.value[last]))


def _unfit(qc: int, code: Censoring, value: float) -> tuple[Untold | None, bool]:
    """Why a fresh reading takes no part (None: it does), and whether it lies beyond its detector's range."""
    if not qc & UNFIT and code in (Censoring.NONE, Censoring.DERIVED) and math.isfinite(value):
        return None, False
    low = bool(qc & Qc.BELOW_RANGE) or code in (Censoring.BELOW, Censoring.NOT_DETECTED)
    return (Untold.BELOW_RANGE if low else Untold.QC_FAILED), bool(qc & Qc.ABOVE_RANGE) or code is Censoring.ABOVE


def _habits(arrays: Arrays, last: IntArray) -> dict[int, float]:
    """The usual interval in seconds of each series whose newest row is in `last`, from its last readings; none with too few of them."""
    first = np.maximum(np.searchsorted(arrays.index, arrays.index[last]), last + 1 - _INTERVALS)
    enough = last - first >= 3
    last, first = last[enough], first[enough]
    if not len(last):
        return {}
    size = last - first
    group = np.repeat(np.arange(len(last)), size)
    row = np.repeat(first, size) + np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    gaps = (arrays.end_s[row + 1] - arrays.end_s[row]).astype(np.float64)
    return dict(zip(last.tolist(), quantiles(group, gaps, len(last), (0.5,))[:, 0].tolist(), strict=True))


def _by_station(seen: Iterable[_Seen]) -> dict[str, _Seen]:
    """One series speaks for a station: a fresh one, of ten minutes if there is one; a rise on another instrument is not lost."""
    named = sorted(((one.like.series.station_uid, one) for one in seen), key=itemgetter(0))
    speakers = dict(named)
    if len(speakers) < len(named):
        for uid, group in groupby(named, key=itemgetter(0)):
            if len(several := [one for _, one in group]) > 1:
                speakers[uid] = _speaker(several)
    return speakers


def _speaker(group: list[_Seen]) -> _Seen:
    best, *others = sorted(group, key=_preference)
    risen = (one for one in others if one.why is None and one.above and _same_window(one, best))
    return best if best.above else next(risen, best)


def _same_window(one: _Seen, other: _Seen) -> bool:
    return one.like.series.window_s == other.like.series.window_s


def _preference(one: _Seen) -> tuple[bool, bool, int, str]:
    return (
        one.why is not None,
        not one.judged,
        abs(one.like.series.window_s - _PREFERRED_WINDOW_S),
        one.like.series.uid,
    )


def _explained(one: _Seen, q: _Question) -> bool | None:
    place = one.like.station.station
    if q.columns.rise[one.row] >= RAIN_LIMIT:
        return False
    return q.rain.explains(place.latitude_deg, place.longitude_deg, int(q.arrays.end_s[q.columns.newest_used[one.row]]))


def _spread(values: FloatArray) -> tuple[float, float, float, float, float] | None:
    if not len(values):
        return None
    p05, p25, p50, p75, p95 = (float(q) for q in np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95)))
    return p05, p25, p50, p75, p95


def _extreme(fresh: list[_Seen], values: FloatArray, q: _Question, *, largest: bool) -> Extreme | None:
    if not fresh:
        return None
    at = int(np.argmax(values) if largest else np.argmin(values))
    one = fresh[at]
    end_s = int(q.arrays.end_s[q.columns.newest_used[one.row]])
    return Extreme(float(values[at]), one.like.station.station.uid, one.like.series.uid, end_s)


def _departures(fresh: list[_Seen], columns: Columns) -> Departures | None:
    judged = [one for one in fresh if one.judged]
    if not judged:
        return None
    rise = columns.rise[[one.row for one in judged]]
    above = [one.like.station.station.uid for one in judged if one.above]
    return Departures(
        float(np.median(rise)), float(np.quantile(rise, 0.95)), float(rise.max()), len(above), tuple(above[:20])
    )


def _censored(rows: list[int], q: _Question) -> dict[str, int]:
    arrays = q.arrays
    bounds = np.flatnonzero(arrays.censoring)  # few readings of most networks are; Censoring.NONE is the first code
    mine = np.isin(arrays.index[bounds], rows) & (arrays.end_s[bounds] > q.now_s - q.window_s)
    counts = np.bincount(arrays.censoring[bounds[mine]], minlength=len(CENSORING_CODES))
    return {code.value: int(counts[at]) for at, code in enumerate(CENSORING_CODES) if counts[at]}
