"""What the detector is given at a poll, made from columns of the store; the same columns give the same numbers at any later time.

Pure: arrays in, arrays out. Whoever reads the store asks for `readings_from_s` and `rain_from_s` before the poll, as known at the poll.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analysis.arrays import Arrays, BoolArray, SeriesLike, measured
from analysis.departure import applies, in_own_unit
from analysis.rainfall import distance_m
from domain.flags import Qc
from domain.readings import NO_TIME, FloatArray, IntArray

#: Readings older than this are not given: the detector would not use them.
OLDEST_S = 4 * 3600
#: Rain is looked for so far back; what is older than the rule allows is not known.
RAIN_BACK_S = 3600
RAIN = frozenset({"precipitation_rate", "precipitation_amount"})
#: An amount is what fell in at least so long: publishers write one every ten minutes, whatever the window of their dose rate.
_AMOUNT_S = 600.0

_OUTSIDE = int(Qc.BELOW_RANGE | Qc.ABOVE_RANGE)

Newest = Mapping[str, tuple[int, float]]


@dataclass(frozen=True, slots=True)
class RainSources:
    """Where rain is looked for: `radar_feed` names each station that had rain (one that it leaves out had none), gauges measure.

    A radar image or a gauge reading older than `within_s` says nothing; a gauge speaks for stations within `gauge_within_m`.
    An exercise sees the rain of the exercise only, and the real world none of it.
    """

    radar_feed: str = ""
    gauge_feeds: tuple[str, ...] = ()
    gauge_within_m: float = 10_000.0
    within_s: int = 1800
    exercise: bool = False


@dataclass(frozen=True, slots=True)
class RainNow:
    """(S,) mm/h above and beside each station, NaN where nobody knows; `radar_s`: end of the radar image used."""

    radar: FloatArray
    gauge: FloatArray
    radar_s: int | None
    gauge_s: IntArray


@dataclass(frozen=True, slots=True)
class Poll:
    """One step's numbers, (S,) in the order of the detector's stations: `end_s` of what is new (NO_TIME: nothing), nSv/h, minutes, mm/h."""

    at_s: int
    end_s: IntArray
    value: FloatArray
    rain: RainNow
    age_min: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        age = np.where(self.end_s == NO_TIME, np.nan, (self.at_s - self.end_s) / 60.0)
        object.__setattr__(self, "age_min", age)

    @property
    def fresh(self) -> int:
        """How many stations have something new."""
        return int((self.end_s != NO_TIME).sum())

    def digest(self) -> str:
        """SHA-256 over every number, so that one made again can be held against it."""
        parts = (
            np.array([self.at_s], "<i8"),
            self.end_s.astype("<i8"),
            self.value.astype("<f8"),
            self.rain.radar.astype("<f8"),
            self.rain.gauge.astype("<f8"),
        )
        return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


def watchable(arrays: Arrays) -> BoolArray:
    """Which rows a detector may be given: measured ones, and as published those outside the range that the publisher states.

    A number below the floor is no measure of a level, but it moves with rain and with a source. Two in three stations of Japan's
    network stand below theirs; with the floor in its place they would show nothing under 120 nSv/h. Above the ceiling is high.
    """
    return measured(arrays.value, arrays.censoring, arrays.qc & ~_OUTSIDE)


def newest_of(arrays: Arrays, at_s: int) -> dict[str, tuple[int, float]]:
    """Series uid -> end and value (own unit) of its newest usable reading of the last four hours."""
    stops = np.searchsorted(arrays.index, np.arange(len(arrays.series) + 1)).tolist()
    fit = watchable(arrays) & (arrays.end_s > at_s - OLDEST_S) & (arrays.end_s <= at_s)
    found: dict[str, tuple[int, float]] = {}
    for row, start, stop in zip(arrays.series, stops[:-1], stops[1:], strict=True):
        kind = (row.series.quantity, row.series.unit)
        rows = np.flatnonzero(fit[start:stop])
        if rows.size and applies(*kind):
            last = start + int(rows[-1])
            found[row.series.uid] = (
                int(arrays.end_s[last]),
                float(in_own_unit(*kind, arrays.value[last : last + 1])[0]),
            )
    return found


def poll_of(uids: Sequence[str], given_s: IntArray, newest: Newest, rain: RainNow, at_s: int) -> Poll:
    """The step at `at_s` of stations `uids`, of which readings up to `given_s` were given before."""
    end_s = np.full(len(uids), NO_TIME, dtype=np.int64)
    value = np.full(len(uids), np.nan, dtype=np.float64)
    for place, uid in enumerate(uids):
        known = newest.get(uid)
        if known is not None and known[0] > given_s[place]:
            end_s[place], value[place] = known
    return Poll(at_s, end_s, value, rain)


def station_of(row: SeriesLike) -> dict[str, Any]:
    """A series as the detector wants its stations: kind 1 monitoring post, 2 dosimeter, 3 other; area is the region's id."""
    place = row.station.station
    kind = {"monitoring_post": 1, "dosimeter": 2}.get(place.kind, 3)
    lat, lon = (np.nan if number is None else number for number in (place.latitude_deg, place.longitude_deg))
    area = next(iter(row.station.areas), place.region_code)
    return {"id": row.series.uid, "station": place.uid, "lat": lat, "lon": lon, "area": area, "kind": kind}


def rain_of(stations: Sequence[Mapping[str, Any]], arrays: Arrays, sources: RainSources, at_s: int) -> RainNow:
    """Rain at the stations as the columns of rain series tell it at `at_s`."""
    radar, radar_s = _radar(stations, arrays, sources, at_s)
    gauge, gauge_s = _gauges(stations, arrays, sources, at_s)
    return RainNow(radar, gauge, radar_s, gauge_s)


def _last_rows(arrays: Arrays, feeds: frozenset[str], at_s: int, sources: RainSources) -> dict[int, int]:
    """Series number -> row of its newest finite reading that is not too old, of the rain series of `feeds`."""
    wanted = np.array(
        [
            row.series.feed_id in feeds
            and row.series.quantity in RAIN
            and (row.series.exercise or row.station.exercise) == sources.exercise
            for row in arrays.series
        ],
        np.bool_,
    )
    if not wanted.any():
        return {}
    use = wanted[arrays.index] & np.isfinite(arrays.value) & (arrays.value >= 0)
    use &= (arrays.end_s > at_s - sources.within_s) & (arrays.end_s <= at_s)
    return {int(arrays.index[row]): int(row) for row in np.flatnonzero(use)}


def _radar(
    stations: Sequence[Mapping[str, Any]], arrays: Arrays, sources: RainSources, at_s: int
) -> tuple[FloatArray, int | None]:
    rows = _last_rows(arrays, frozenset({sources.radar_feed}), at_s, sources)
    if not rows:
        return np.full(len(stations), np.nan), None
    image_s = max(int(arrays.end_s[row]) for row in rows.values())
    wet: dict[str, float] = {}
    for number, row in rows.items():
        if int(arrays.end_s[row]) == image_s:
            uid = arrays.series[number].station.station.uid
            wet[uid] = max(float(arrays.value[row]), wet.get(uid, 0.0))
    return np.array([wet.get(str(row["station"]), 0.0) for row in stations], dtype=np.float64), image_s


def _gauges(
    stations: Sequence[Mapping[str, Any]], arrays: Arrays, sources: RainSources, at_s: int
) -> tuple[FloatArray, IntArray]:
    """The station's own gauge first; else the largest of the gauges near it."""
    rate, when = np.full(len(stations), np.nan), np.full(len(stations), NO_TIME, dtype=np.int64)
    rows = _last_rows(arrays, frozenset(sources.gauge_feeds), at_s, sources)
    if not rows:
        return rate, when
    own: dict[str, tuple[float, int]] = {}
    for number, row in sorted(rows.items()):
        uid, read = arrays.series[number].station.station.uid, _mm_h(arrays.series[number], float(arrays.value[row]))
        own[uid] = max((read, int(arrays.end_s[row])), own.get(uid, (read, int(arrays.end_s[row]))))
    for place, station in enumerate(stations):
        if (known := own.get(str(station["station"]))) is not None:
            rate[place], when[place] = known
    _near(stations, arrays, rows, sources.gauge_within_m, rate, when)
    return rate, when


def _near(
    stations: Sequence[Mapping[str, Any]],
    arrays: Arrays,
    rows: Mapping[int, int],
    within_m: float,
    rate: FloatArray,
    when: IntArray,
) -> None:
    lat = np.array([float(row["lat"]) for row in stations])
    lon = np.array([float(row["lon"]) for row in stations])
    empty = np.isnan(rate) & np.isfinite(lat) & np.isfinite(lon)
    reach = within_m / 111_000.0
    for number, row in sorted(rows.items()):
        place = arrays.series[number].station.station
        if place.latitude_deg is None or place.longitude_deg is None:
            continue
        near = np.flatnonzero(
            empty & (np.abs(lat - place.latitude_deg) <= reach) & (np.abs(lon - place.longitude_deg) <= 3 * reach)
        )
        if near.size:
            near = near[distance_m(place.latitude_deg, place.longitude_deg, lat[near], lon[near]) <= within_m]
            read = _mm_h(arrays.series[number], float(arrays.value[row]))
            more = near[~(rate[near] >= read)]
            rate[more], when[more] = read, int(arrays.end_s[row])


def _mm_h(row: SeriesLike, value: float) -> float:
    if row.series.quantity == "precipitation_rate":
        return value
    return value * 3600.0 / max(float(row.series.window_s), _AMOUNT_S)
