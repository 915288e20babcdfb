"""Which stations of unlike feeds look like one instrument: near each other, with values that go together. A proposal, never a decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from analysis.arrays import Arrays, SeriesLike
from analysis.grouped import starts_and_counts
from analysis.rainfall import distance_m
from domain import units
from domain.quantities import BY_ID, DOSE_RATES
from domain.readings import FloatArray, IntArray

#: Positions of one instrument differ by this much between publishers (rounded coordinates), rarely by more.
NEAR_M = 1000.0
HOUR_S = 3600
#: Fewer hours in common say nothing about values.
LEAST_HOURS = 6
#: Values within this share of each other count as equal: publishers round.
_EQUAL = 0.02
#: Together in step, or the same numbers: either makes a proposal. Where there is too little to compare, one name at one place does.
_IN_STEP = 0.8
_MOSTLY_EQUAL = 0.8
_ONE_NAME = 0.85
_ONE_PLACE_M = 300.0


@dataclass(frozen=True, slots=True)
class Proposal:
    """Two stations that may be one, with what speaks for it; None where there is too little to say."""

    first: str
    second: str
    distance_m: float
    hours: int
    correlation: float | None
    equal_share: float | None
    names_alike: float


@dataclass(frozen=True, slots=True)
class _Trace:
    """Hourly means of one station's dose rate (or count rate), in the quantity's unit."""

    like: SeriesLike
    hour: IntArray
    value: FloatArray


def propose(arrays: Arrays) -> tuple[Proposal, ...]:
    """Pairs of stations of unlike feeds within a kilometre whose hourly values go together; the nearest first."""
    traces = _traces(arrays)
    at = np.array(
        [[one.like.station.station.latitude_deg, one.like.station.station.longitude_deg] for one in traces], float
    )
    found: dict[tuple[str, str], Proposal] = {}
    for number, one in enumerate(traces):
        rest = np.arange(number + 1, len(traces))
        near = rest[np.abs(at[rest, 0] - at[number, 0]) < NEAR_M / 100_000]
        if not len(near):
            continue
        metres = distance_m(at[number, 0], at[number, 1], at[near, 0], at[near, 1])
        for other, distance in zip(near.tolist(), metres.tolist(), strict=True):
            made = _pair(one, traces[other], distance) if distance <= NEAR_M else None
            if made is not None:
                found.setdefault((made.first, made.second), made)
    return tuple(sorted(found.values(), key=lambda pair: (pair.distance_m, pair.first, pair.second)))


def _traces(arrays: Arrays) -> list[_Trace]:
    starts, counts = starts_and_counts(arrays.index, len(arrays.series))
    found = []
    for row, like in enumerate(arrays.series):
        series, station = like.series, like.station.station
        wanted = series.quantity in DOSE_RATES or series.quantity == "count_rate"
        if not wanted or station.latitude_deg is None or station.longitude_deg is None or not counts[row]:
            continue
        part = slice(int(starts[row]), int(starts[row] + counts[row]))
        factor = units.convert(1.0, series.unit, BY_ID[series.quantity].unit)
        hour, value = _hourly(arrays.end_s[part], arrays.value[part] * factor)
        if len(hour):
            found.append(_Trace(like, hour, value))
    return found


def _hourly(end_s: IntArray, value: FloatArray) -> tuple[IntArray, FloatArray]:
    there = ~np.isnan(value)
    hours, index = np.unique((end_s[there] - 1) // HOUR_S, return_inverse=True)
    return hours, np.bincount(index, weights=value[there]) / np.maximum(np.bincount(index), 1)


def _pair(one: _Trace, other: _Trace, distance: float) -> Proposal | None:
    a, b = one.like.station, other.like.station
    if a.station.uid == b.station.uid or one.like.series.feed_id == other.like.series.feed_id:
        return None
    _, at_one, at_other = np.intersect1d(one.hour, other.hour, return_indices=True)
    left, right = one.value[at_one], other.value[at_other]
    correlation, equal = _together(left, right)
    alike = _names_alike(one.like, other.like)
    unknown = correlation is None and equal is None
    if unknown and not (alike >= _ONE_NAME and distance <= _ONE_PLACE_M):
        return None
    if not unknown and (correlation or 0.0) < _IN_STEP and (equal or 0.0) < _MOSTLY_EQUAL:
        return None
    first, second = sorted((a.station.uid, b.station.uid))
    return Proposal(first, second, round(distance, 1), len(left), correlation, equal, alike)


def _together(left: FloatArray, right: FloatArray) -> tuple[float | None, float | None]:
    if len(left) < LEAST_HOURS:
        return None, None
    close = np.abs(left - right) <= _EQUAL * np.maximum(np.abs(left), np.abs(right))
    moves = np.ptp(left) > 0 and np.ptp(right) > 0
    correlation = round(float(np.corrcoef(left, right)[0, 1]), 3) if moves else None
    return correlation, round(float(close.mean()), 3)


def _names_alike(one: SeriesLike, other: SeriesLike) -> float:
    names: Sequence[tuple[str, str]] = [
        (a.casefold(), b.casefold()) for _, a in one.station.station.names for _, b in other.station.station.names
    ]
    return round(max((SequenceMatcher(None, a, b).ratio() for a, b in names), default=0.0), 3)
